/** Consumer sets: what to run, with what, and what each slot is doing. */
import type { AttemptId, ConsumerSetId, ProfileId, TaskId } from './ids.ts';
import type { LogLevel } from './task.ts';

/** What runs the tasks. Each slot is one child process of this kind. */
export type RunnerSpec =
	| {
			readonly kind: 'python';
			/** Interpreter: a name on PATH or a path, e.g. a virtualenv's. */
			readonly executable: string;
			/** Working folder, first on `sys.path`. */
			readonly project: string;
			/** Django settings module, for `django.setup()`; null without Django. */
			readonly settingsModule: string | null;
			/** Added to the built-up environment. */
			readonly env: Readonly<Record<string, string>>;
	  }
	| {
			readonly kind: 'node';
			/** ES modules whose exported functions are tasks, named `<file name without extension>.<export>`. */
			readonly modules: readonly string[];
			readonly project: string;
			readonly env: Readonly<Record<string, string>>;
	  };

/** What a consumer set is to do. */
export interface ConsumerIntent {
	readonly queues: readonly string[];
	/** Slots in all, at least 1. */
	readonly concurrency: number;
	readonly runner: RunnerSpec;
	/** Stop by itself once its queues are empty and its slots idle. */
	readonly untilEmpty: boolean;
}

export type SlotState =
	| { readonly kind: 'starting'; readonly since: number }
	| { readonly kind: 'idle'; readonly since: number }
	| {
			readonly kind: 'running';
			readonly since: number;
			readonly taskId: TaskId;
			readonly attemptId: AttemptId;
			readonly name: string;
	  }
	| { readonly kind: 'stopped'; readonly since: number; readonly reason: string };

export interface SlotView {
	readonly number: number;
	readonly pid: number | null;
	readonly state: SlotState;
	/** Tasks this slot has finished since the set started. */
	readonly done: number;
}

export interface ConsumerSetView {
	readonly id: ConsumerSetId;
	readonly profile: ProfileId;
	readonly intent: ConsumerIntent;
	readonly state: 'starting' | 'running' | 'waiting-for-broker' | 'draining' | 'stopped';
	/** Why it is in that state, where that needs saying; null otherwise. */
	readonly note: string | null;
	readonly since: number;
	readonly slots: readonly SlotView[];
	readonly succeeded: number;
	readonly failed: number;
	/** The worker name that attempts carry: `host:pid:set`. */
	readonly worker: string;
}

/** One line of the live console: a task's log line with where it came from. */
export interface ConsoleLine {
	readonly at: number;
	readonly level: LogLevel;
	readonly source: 'log' | 'stdout' | 'stderr' | 'warren';
	readonly logger: string | null;
	readonly text: string;
	readonly taskId: TaskId | null;
	readonly attemptId: AttemptId | null;
	readonly taskName: string | null;
	readonly slot: string | null;
}
