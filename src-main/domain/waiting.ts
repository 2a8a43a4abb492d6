/** Messages that wait in a queue, as a person chooses among them, and what a change of them came to. */
import type { ActionOutcome, WaitingAction } from './action.ts';
import type { LookCost } from './queue.ts';

/** Which of a queue's waiting messages are meant. All that are given must hold. */
export interface WaitingSelection {
	/** Exactly these, by print. */
	readonly prints?: readonly string[] | undefined;
	/** Those of these message ids or task ids; a print counts as well. */
	readonly ids?: readonly string[] | undefined;
	/** Those that match this query, as a list of queued tasks would. */
	readonly where?: string | undefined;
	/** Those of this task. */
	readonly name?: string | undefined;
	/** Those of this group, where the framework groups tasks when they are sent (django-q). */
	readonly group?: string | undefined;
}

/** One message, for a list. */
export interface WaitingView {
	readonly print: string;
	readonly id: string | null;
	/** Null: it cannot be read. */
	readonly name: string | null;
	/** At most 200 characters. */
	readonly preview: string;
	readonly priority: number | null;
	/** Why it is no task; null: it is one. */
	readonly fault: string | null;
	/** Where it was before it became a dead letter; null: it is none. */
	readonly origin: DeathOrigin | null;
}

/** Where a dead letter came from. */
export interface DeathOrigin {
	readonly queue: string;
	readonly exchange: string;
	readonly routingKey: string;
	/** e.g. `rejected`, `expired`. */
	readonly reason: string;
	/** Other queues in which it died as well: then which of them is meant has to be said. */
	readonly others: readonly string[];
}

/** Frozen: exactly these messages. Good for ten minutes. */
export interface WaitingReview {
	readonly token: string;
	readonly action: WaitingAction;
	readonly queue: string;
	/** How many would be changed. */
	readonly count: number;
	/** How many were looked at, and whether those were all there are. */
	readonly scanned: number;
	readonly complete: boolean;
	/** The first of them, at most twenty. */
	readonly sample: readonly WaitingView[];
	readonly skipped: readonly { readonly reason: string; readonly count: number }[];
	/** Of a replay: how many go where. */
	readonly origins: readonly {
		readonly queue: string;
		readonly exchange: string;
		readonly routingKey: string;
		readonly count: number;
	}[];
	readonly warnings: readonly string[];
	readonly cost: LookCost;
}

/** What became of a change of waiting messages. */
export interface WaitingOutcome extends ActionOutcome {
	/** The number to take it back by; null: there is nothing to take back. */
	readonly undo: number | null;
}
