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
	/** The id of the task's first message, for a later attempt: a carrot site has a row for that one only. */
	readonly origin?: string | null;
	readonly attempt: number;
	readonly queue: string;
	readonly argsJson: string;
	readonly kwargsJson: string;
	/** After so many ms the task is asked to end; absent or null: never. */
	readonly softMs?: number | null;
	/**
	 * Handed over while another run goes on. The process begins it only right behind that one, if that one returned, and before
	 * `until` (epoch ms); else it hands it back. So a job that waits behind a long or a failed one is known never to begin.
	 */
	readonly behind?: { readonly run: string; readonly until: number };
}

/** A call of a failure hook of the project, `(log, exception)`. */
export interface HookCall {
	readonly run: string;
	/** As task names are written: `module.function`. */
	readonly path: string;
	/** What failed, for the members of `log`. */
	readonly failure: {
		readonly task: string;
		readonly id: string;
		readonly queue: string;
		readonly attempt: number;
		readonly argsJson: string;
		readonly kwargsJson: string;
		readonly exception: TaskException;
		readonly traceback: string | null;
		/** Nothing was run because the name leads nowhere; carrot passes the exception itself then. */
		readonly notFound: boolean;
	};
	readonly log: readonly string[];
}

/** How a job ended. `died`: the process ended before it said so. */
export type JobEnd =
	| { readonly kind: 'returned'; readonly result: TaskResult | null; readonly runtimeMs: number }
	| {
			readonly kind: 'raised';
			readonly exception: TaskException;
			readonly traceback: string | null;
			readonly runtimeMs: number;
			/** The process is in a state that nobody knows, and ends with it. */
			readonly leaving?: true;
	  }
	/** The runner must be replaced first, e.g. because the tasks' code changed on disk; nothing was run. */
	| { readonly kind: 'declined'; readonly reason: string }
	/** It was to run behind another and did not begin. `gone`: because the process is no more. */
	| { readonly kind: 'handed-back'; readonly gone: boolean }
	/** The name could not be found; nothing was run. */
	| { readonly kind: 'not-found'; readonly exception: TaskException; readonly traceback: string | null }
	| {
			readonly kind: 'died';
			readonly exitCode: number | null;
			readonly signal: string | null;
			readonly lastWords: string;
	  };

/** Why Warren killed a runner. */
export type KillReason =
	| { readonly kind: 'time'; readonly limitMs: number }
	| { readonly kind: 'memory'; readonly limitMb: number; readonly usedMb: number }
	| { readonly kind: 'revoked'; readonly by: string; readonly at: number }
	| { readonly kind: 'hung'; readonly afterMs: number };

/** How a job ended in its slot, or why no runner could be had for it (nothing was run then). */
export type SlotEnd =
	| Exclude<JobEnd, { readonly kind: 'declined' | 'handed-back' }>
	| { readonly kind: 'killed'; readonly why: KillReason }
	| { readonly kind: 'unavailable'; readonly reason: string };

/** Gets a job's log as it happens; while a promise it returned is open, no more is read from the process. */
export type OnLines = (lines: readonly LogLine[]) => void | Promise<void>;

export interface Runner extends AsyncDisposable {
	readonly pid: number | null;
	/** Resolves once it can take jobs, or rejects with an Error whose message says why it cannot start and what to do. */
	readonly started: Promise<void>;
	/**
	 * Runs one job; never rejects. While `onLines` asks to wait, so does a task that prints without end, instead of filling memory.
	 */
	run(job: Job, onLines: OnLines): Promise<JobEnd>;
	/**
	 * Hands over a job behind those that were handed over already, so that the process has its next job at hand when one ends.
	 * `onBegun` is called when the process says that it began it. Absent: it takes one job at a time.
	 */
	ahead?(job: Omit<Job, 'behind'>, until: number, onLines: OnLines, onBegun: () => void): Promise<JobEnd>;
	/** Ends jobs as handed back that have not begun. Only for when their time is over: by then they never will. */
	withdraw?(): void;
	/** How many times output came past the protocol: from what tasks started, whose output no process can assign to a job. */
	readonly outputs?: number;
	/** Calls a failure hook as `run` runs a job: one at a time, never rejects. */
	hook(call: HookCall, onLines: OnLines): Promise<JobEnd>;
	/**
	 * Asks for a sign of life. It is answered in the order of jobs: a runner that has begun its next job has answered. Never
	 * rejects; a runner that is gone answers nothing.
	 */
	ping(): Promise<void>;
	/** Names of tasks it can run, where it can tell; null: cannot (Python imports by name). */
	readonly taskNames: readonly string[] | null;
	/** Resolves when the process is gone. */
	readonly exited: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
	/** Ends it now. */
	kill(): void;
}
