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

/** How far a task may go. Null: no limit. */
export interface TaskLimits {
	/** The task is asked to end: SoftTimeLimitExceeded in Python, an aborted `signal` in Node. */
	readonly softMs: number | null;
	/** Its process is killed. */
	readonly hardMs: number | null;
	/** Resident memory of the runner and its children, in MiB; beyond it the process is killed. */
	readonly memoryMb: number | null;
	/** A runner is replaced after so many tasks. */
	readonly recycleAfter: number | null;
}

export const NO_LIMITS: TaskLimits = { softMs: null, hardMs: null, memoryMb: null, recycleAfter: null };

/** When a failed task is tried again. The first rule whose `exceptions` match decides. */
export interface RetryRule {
	/** Exception types, qualified or by last name; `*` matches all. */
	readonly exceptions: readonly string[];
	/** Tries after the first; 0: none, so that a rule can except a type from later rules. */
	readonly times: number;
	readonly delayMs: number;
	/** The delay is multiplied by this for each further try. */
	readonly factor: number;
	readonly maxDelayMs: number;
	/** Share of the delay that is left to chance, 0 to 1. */
	readonly jitter: number;
}

/** What is done when a task has failed for good. A hook that fails is recorded with the attempt and changes nothing else. */
export type FailureHook =
	/** The failure is JSON on standard input. */
	| { readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutMs: number }
	/** The failure is the JSON body of a POST. */
	| { readonly kind: 'http'; readonly url: string; readonly timeoutMs: number }
	/** A function of the project, called as carrot calls its own: `(log, exception)`. Without a time of its own: 30 s. */
	| { readonly kind: 'function'; readonly path: string; readonly timeoutMs?: number };

/**
 * What to do with a message that is handed out again although it is known how it ended. ask: it waits in quarantine until a
 * person decides.
 */
export type KnownOutcomePolicy = 'run' | 'ask' | 'drop';

/** What a consumer set is to do. What is optional here has the default that its doc names. */
export interface ConsumerIntent {
	readonly queues: readonly string[];
	/** Slots in all, at least 1. */
	readonly concurrency: number;
	readonly runner: RunnerSpec;
	/** Stop by itself once its queues are empty and its slots idle. */
	readonly untilEmpty: boolean;
	/** Unsettled deliveries held at most, at least `concurrency`; default: what keeps the slots busy. */
	readonly prefetch?: number | null;
	/** RabbitMQ's consumer priority; default: none. */
	readonly priority?: number | null;
	/** Default: no limits. */
	readonly limits?: TaskLimits;
	/** Default: no retries. */
	readonly retries?: readonly RetryRule[];
	/** Default: none. */
	readonly hooks?: readonly FailureHook[];
	/** Default: drop. */
	readonly onKnownOutcome?: KnownOutcomePolicy;
}

/** One queue of a saved set. */
export interface SavedQueue {
	readonly queue: string;
	/** False: listed, so that it is seen and published to, but not consumed. */
	readonly consumable: boolean;
	/** `x-max-priority` to declare it with where it is missing; null: without. Default: 255, carrot's. */
	readonly maxPriority?: number | null;
}

/** A saved consumer set: an intent with a name, per profile. A queue that is not consumable is kept but not consumed. */
export interface SavedConsumerSet {
	readonly id: ConsumerSetId;
	readonly profile: ProfileId;
	/** Unique within the profile. */
	readonly name: string;
	readonly queues: readonly SavedQueue[];
	/** Its own `queues` are left empty: they come from the list above. */
	readonly intent: ConsumerIntent;
	/** Start with the app and the service. */
	readonly autoStart: boolean;
	/** Declare its queues where they are missing, as carrot's consumers do; absent: no. */
	readonly declare?: boolean;
	readonly createdAt: number;
	readonly updatedAt: number;
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
	/** Resident memory of its processes; null or absent: not known (yet). */
	readonly rssBytes?: number | null;
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
	/** The saved set that it was started from; null or absent: none. */
	readonly saved?: { readonly id: ConsumerSetId; readonly name: string } | null;
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
