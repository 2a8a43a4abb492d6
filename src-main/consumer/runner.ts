/**
 * A runner is one child process that runs one task at a time, for as long as it lives. Python and Node runners speak the same
 * protocol: JSON lines, jobs in on stdin, messages out on file descriptor 3, so that prints can't be mistaken for protocol.
 */
import type { LogLine, TaskException, TaskResult } from '#main/domain/task.ts';

/** A task to run. Arguments travel as the JSON text they came in, so that the runner's own parser decides their types. */
export interface Job {
	readonly run: string;
	readonly name: string;
	readonly messageId: string;
	readonly attempt: number;
	readonly queue: string;
	readonly argsJson: string;
	readonly kwargsJson: string;
}

/** How a job ended. `died`: the process ended before it said so. */
export type JobEnd =
	| { readonly kind: 'returned'; readonly result: TaskResult | null; readonly runtimeMs: number }
	| {
			readonly kind: 'raised';
			readonly exception: TaskException;
			readonly traceback: string | null;
			readonly runtimeMs: number;
	  }
	/** The runner must be replaced first, e.g. because the tasks' code changed on disk; nothing was run. */
	| { readonly kind: 'declined'; readonly reason: string }
	/** The name could not be found; nothing was run. */
	| { readonly kind: 'not-found'; readonly exception: TaskException; readonly traceback: string | null }
	| {
			readonly kind: 'died';
			readonly exitCode: number | null;
			readonly signal: string | null;
			readonly lastWords: string;
	  };

export interface Runner extends AsyncDisposable {
	readonly pid: number | null;
	/** Resolves once it can take jobs, or rejects with an Error whose message says why it cannot start and what to do. */
	readonly started: Promise<void>;
	/**
	 * Runs one job; never rejects. `onLines` gets its log as it happens; while a promise it returned is open, no more is read
	 * from the process, so that a task that prints without end waits instead of filling memory.
	 */
	run(job: Job, onLines: (lines: readonly LogLine[]) => void | Promise<void>): Promise<JobEnd>;
	/** Names of tasks it can run, where it can tell; null: cannot (Python imports by name). */
	readonly taskNames: readonly string[] | null;
	/** Resolves when the process is gone. */
	readonly exited: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
	/** Ends it now. */
	kill(): void;
}
