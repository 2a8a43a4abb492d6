/** What a task and its attempts are, and the facts ("history operations") from which both are folded. */
import type { CeleryFact } from './celery.ts';
import type { AttemptId, ProfileId, TaskId } from './ids.ts';
import type { BrokerMessage, OutgoingMessage } from './message.ts';
import type { ObservedCall, TaskFact, TaskLineage } from './observed.ts';
import type { QuarantineCause } from './quarantine.ts';
import type { CallArguments } from './value.ts';

/** A task's state is its last attempt's state. */
export type TaskState = 'queued' | 'running' | 'succeeded' | 'failed' | 'retrying' | 'revoked' | 'rejected' | 'lost';

export const TASK_STATES: readonly TaskState[] = [
	'queued',
	'running',
	'succeeded',
	'failed',
	'retrying',
	'revoked',
	'rejected',
	'lost',
];

/** Why an attempt exists. */
export type AttemptCause =
	| 'published' // the first message
	| 'requeued' // a person sent it again
	| 'redelivered' // the broker handed the same message out again
	| 'retried'; // a rule sent it again

/** Severity of a log line, Python's five names. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error' | 'critical';
/** Python's numbers, so that a choice of level is a comparison. */
export const LOG_LEVELS: Readonly<Record<LogLevel, number>> = {
	debug: 10,
	info: 20,
	warning: 30,
	error: 40,
	critical: 50,
};

/** Where a line came from: a logger, one of the two output streams, or Warren itself. */
export type LogSource = 'log' | 'stdout' | 'stderr' | 'warren';

/** One line of a task's log. `text` may hold newlines when one record had several lines. */
export interface LogLine {
	/** Epoch milliseconds. */
	readonly at: number;
	readonly level: LogLevel;
	readonly source: LogSource;
	/** The logger's dotted name; null for output streams. */
	readonly logger: string | null;
	readonly text: string;
}

/** An exception as the runner reported it. */
export interface TaskException {
	/** Qualified name, `module.Class` (builtins without a module). */
	readonly type: string;
	readonly message: string;
}

/** What a task returned: JSON text with all digits where it could be written so, else its printed form. */
export type TaskResult =
	| { readonly kind: 'json'; readonly text: string }
	| { readonly kind: 'text'; readonly text: string; readonly type: string };

/** How an attempt ended. */
export type AttemptOutcome =
	| { readonly state: 'succeeded'; readonly result: TaskResult | null }
	| {
			readonly state: 'failed' | 'rejected' | 'revoked' | 'lost';
			readonly exception: TaskException;
			/** Exactly as the language printed it; null where there is none (a killed process, an unreadable message). */
			readonly traceback: string | null;
	  }
	/** It failed, and a rule has it tried again. */
	| {
			readonly state: 'retrying';
			readonly exception: TaskException;
			readonly traceback: string | null;
			readonly retry: RetryPlan;
	  };

/** A further try that a rule has decided on. */
export interface RetryPlan {
	/** Id of the message that will carry it. */
	readonly messageId: string;
	/** Epoch ms at which it goes to the broker. */
	readonly dueAt: number;
	/** 1 for the first try after the original. */
	readonly tries: number;
}

/** One row of a task list. JSON-safe; times are epoch milliseconds; null means "not known". */
export interface TaskRow {
	readonly id: TaskId;
	/** Dotted import path; `(unknown)` when the message did not say. */
	readonly name: string;
	readonly state: TaskState;
	readonly queue: string | null;
	readonly priority: number | null;
	/** Arguments as JSON text with all digits (bare NaN and Infinity possible); null if unreadable or cut for size. */
	readonly argsJson: string | null;
	readonly kwargsJson: string | null;
	/** At most 200 characters in Python's notation, for a list's cell. */
	readonly preview: string;
	readonly publishedAt: number | null;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	readonly runtimeMs: number | null;
	readonly worker: string | null;
	/** How many attempts there have been. */
	readonly attempts: number;
	readonly exception: TaskException | null;
	/** When this row last changed. */
	readonly updatedAt: number;
}

/** One attempt with everything but its log lines and raw message, which are asked for by its id. */
export interface Attempt {
	readonly id: AttemptId;
	/** 1 for the first. */
	readonly number: number;
	readonly cause: AttemptCause;
	/** The message that carried it; empty when the message had no id. */
	readonly messageId: string;
	readonly state: TaskState;
	readonly queue: string | null;
	readonly worker: string | null;
	readonly queuedAt: number | null;
	readonly startedAt: number | null;
	readonly finishedAt: number | null;
	readonly runtimeMs: number | null;
	readonly exception: TaskException | null;
	readonly traceback: string | null;
	readonly result: TaskResult | null;
	readonly logLines: number;
	/** Whether the raw message is kept. */
	readonly hasMessage: boolean;
	/** Whether some of it was cut for size. */
	readonly truncated: boolean;
}

/** A task with its attempts, newest last, and its arguments as typed values (null: unreadable). */
export interface TaskDetail extends TaskRow {
	readonly arguments: CallArguments | null;
	readonly traceback: string | null;
	readonly result: TaskResult | null;
	readonly history: readonly Attempt[];
	/** Epoch ms of removal from the lists; null while listed. */
	readonly removedAt: number | null;
	/** What others told of it, by time; absent: nobody told. */
	readonly events?: readonly TaskFact[];
	readonly lineage?: TaskLineage;
	/** Its arguments as others printed them of its newest message, perhaps cut; absent: nobody told. */
	readonly printed?: PrintedArguments;
	/** What a Celery task's message and events say beside its name and arguments; absent: it is none, or was not asked for. */
	readonly celery?: readonly CeleryFact[];
}

/** Arguments as Python prints them; null: not told. */
export interface PrintedArguments {
	readonly args: string | null;
	readonly kwargs: string | null;
}

/** What history has of a task's arguments, for many tasks at once. */
export interface KeptArguments {
	readonly id: TaskId;
	/** A raw message is kept. */
	readonly message: boolean;
	/** Of its newest attempt; empty: it had no id. */
	readonly messageId: string;
	/** Not looked for where a message is kept. */
	readonly printed: PrintedArguments | null;
}

/** What a dialect read from a message's envelope. */
export interface DecodedTask {
	readonly name: string;
	readonly messageId: string | null;
	readonly priority: number | null;
	readonly publishedAt: number | null;
	readonly call: CallArguments;
	/** JSON text of args (an array) and kwargs (an object), as the runner is to receive them. */
	readonly argsJson: string;
	readonly kwargsJson: string;
	/** Where it stands among others, where its message says so. */
	readonly lineage?: TaskLineage;
}

/** A message that no dialect could read, and as much of it as could be. */
export interface UndecodableTask {
	readonly name: string | null;
	readonly messageId: string | null;
	readonly priority: number | null;
	/** For a person: what is wrong, where, and what would be right. */
	readonly reason: string;
	/** What the exception column shows, e.g. `InvalidMessage`. */
	readonly exceptionType: string;
}

/**
 * The facts that history is folded from. Monitors and consumers produce them; the store applies them in order, a batch
 * per transaction. Each is idempotent: applying it twice changes nothing the second time.
 */
export type HistoryOp =
	/** We published a message (first one, or a requeue when `requeueOf` is given). Creates task and attempt. */
	| {
			readonly kind: 'published';
			readonly profile: ProfileId;
			readonly at: number;
			readonly task: DecodedTask;
			readonly queue: string;
			readonly message: OutgoingMessage;
			/** The task that this message is a new attempt of. */
			readonly requeueOf: TaskId | null;
			readonly cause: AttemptCause;
	  }
	/**
	 * The `published` of this message id did not reach the broker: its queued attempt goes, and the task shows its earlier
	 * attempt again (or goes as well, when it has none). `published` is recorded before publishing, so that a worker that is
	 * quicker than our own confirm finds the task known.
	 */
	| { readonly kind: 'unpublished'; readonly profile: ProfileId; readonly at: number; readonly messageId: string }
	/** We saw a message waiting (a look into a queue). Creates the task if it is not known, else changes nothing. */
	| {
			readonly kind: 'waiting';
			readonly profile: ProfileId;
			readonly at: number;
			readonly task: DecodedTask | null;
			readonly fault: UndecodableTask | null;
			readonly message: BrokerMessage;
			/** The key of the message where it has no id of its own. */
			readonly key: string;
	  }
	/** A worker began a delivery. Opens an attempt: the queued one of that message, or a new one if redelivered. */
	| {
			readonly kind: 'started';
			readonly profile: ProfileId;
			readonly at: number;
			/** The message id, or a key of Warren's own for a message without one. */
			readonly key: string;
			/** Unique per delivery; ties `log` and `finished` to this attempt. */
			readonly run: string;
			readonly task: DecodedTask | null;
			readonly fault: UndecodableTask | null;
			readonly message: BrokerMessage;
			readonly worker: string;
	  }
	| {
			readonly kind: 'log';
			readonly profile: ProfileId;
			readonly run: string;
			readonly lines: readonly LogLine[];
			/** How many lines of this run went before these. Without it, applying twice writes the lines twice. */
			readonly from?: number;
	  }
	| {
			readonly kind: 'finished';
			readonly profile: ProfileId;
			readonly at: number;
			readonly run: string;
			/** Measured on a monotonic clock. */
			readonly runtimeMs: number | null;
			/** `retrying` plans the retry in the same commit; where it can't (the message is not kept), it is stored as failed. */
			readonly outcome: AttemptOutcome;
			/**
			 * Nothing ran: the message had ended so before. The attempt takes its place beside that earlier one, so that the task's
			 * state stays that of what came later.
			 */
			readonly repeat?: boolean;
	  }
	/** A planned retry's message reached the broker. */
	| { readonly kind: 'retried'; readonly profile: ProfileId; readonly at: number; readonly messageId: string }
	/** The process that ran these died without telling (found by lease): running attempts become `lost`. */
	| {
			readonly kind: 'abandoned';
			readonly profile: ProfileId;
			readonly at: number;
			readonly worker: string;
			readonly reason: string;
	  }
	/**
	 * A message that nothing here may run is kept, whole, for a person to decide about; its delivery is acknowledged after this
	 * is committed. `run` is the attempt's, so that both are found from each other. Kept once per run.
	 */
	| {
			readonly kind: 'quarantined';
			readonly profile: ProfileId;
			readonly at: number;
			readonly run: string;
			readonly cause: QuarantineCause;
			/** For a person: what is wrong, and what would be right. */
			readonly reason: string;
			/** As the dialect read it; null where it could not. */
			readonly name: string | null;
			readonly messageId: string | null;
			readonly message: BrokerMessage;
	  }
	/**
	 * What others told of a task that they run. Facts may come in any order and more than once: the message's attempts are what all its
	 * facts together say.
	 */
	| {
			readonly kind: 'observed';
			readonly profile: ProfileId;
			/** When we heard, by our clock. */
			readonly at: number;
			/** The message's id, which with Celery is the task's. */
			readonly key: string;
			readonly facts: readonly TaskFact[];
			/** Null: none of the facts tells. */
			readonly call: ObservedCall | null;
	  }
	/** A person removed tasks from the lists; rows and raw messages stay for undo until retention takes them. */
	| { readonly kind: 'removed'; readonly profile: ProfileId; readonly at: number; readonly ids: readonly TaskId[] }
	| { readonly kind: 'restored'; readonly profile: ProfileId; readonly at: number; readonly ids: readonly TaskId[] };

/** What applying one `started` found out, returned in the batch's order (null for the other kinds). */
export interface StartedFacts {
	readonly taskId: TaskId;
	readonly attemptId: AttemptId;
	readonly attemptNumber: number;
	/** An earlier attempt of the very same message already ended so. */
	readonly earlierOutcome: TaskState | null;
	/** How many retries by rule led to this message; absent: none. */
	readonly tries?: number;
}
