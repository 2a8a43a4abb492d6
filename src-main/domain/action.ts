/** Changes that a person makes to many things at once: what was frozen, how far it has come, what became of each. */
import type { TaskRow } from './task.ts';

export type ActionKind = 'requeue' | 'delete' | WaitingAction | 'undo';

/** What is done to messages that wait in a queue. */
export type WaitingAction = 'remove' | 'purge' | 'move' | 'replay' | 'edit';

/** Frozen: exactly these tasks, and why others are left out. Good for ten minutes. */
export interface Review {
	readonly token: string;
	readonly action: ActionKind;
	/** How many would be changed. */
	readonly count: number;
	/** The first of them, at most twenty. */
	readonly sample: readonly TaskRow[];
	readonly skipped: readonly { readonly reason: string; readonly count: number }[];
	/** What a person should know first, in words; e.g. that some still wait in their queue. */
	readonly warnings: readonly string[];
}

export interface ActionItem {
	readonly id: string;
	readonly outcome: 'done' | 'failed' | 'skipped';
	readonly reason: string | null;
	/** The message id of the new attempt, for a requeue. */
	readonly messageId: string | null;
}

/** What became of a change, item by item (at most 1,000 items are listed, failures first; counts are exact). */
export interface ActionOutcome {
	readonly action: ActionKind;
	readonly done: number;
	readonly failed: number;
	readonly skipped: number;
	readonly cancelled: boolean;
	readonly dryRun: boolean;
	readonly items: readonly ActionItem[];
}

/** How far a change has come. `key` names it. */
export interface ActionProgress {
	readonly key: string;
	readonly profile: string;
	readonly title: string;
	readonly done: number;
	readonly failed: number;
	readonly total: number;
	readonly state: 'running' | 'finished' | 'cancelled';
	readonly startedAt: number;
}
