/** Changes that a person makes to many things at once: what was frozen, how far it has come, what became of each. */
import type { TaskRow } from './task.ts';

export type ActionKind = 'requeue' | 'delete' | WaitingAction | 'undo' | 'rescue' | 'clean';

/** What is done to messages that wait in a queue. */
export type WaitingAction = 'remove' | 'purge' | 'move' | 'replay' | 'edit' | PacketAction;

/** What is done to django-q's packets beside: held back and given back, or had run next. */
export type PacketAction = 'hold' | 'release' | 'next';

/**
 * Where the arguments of a task that is sent again come from, most certain first. given: a person typed them. message: the message that
 * is kept goes out again. worker: one that has the task told them. result: the result backend kept them. event: an event printed them,
 * and that can have been nothing else.
 */
export type ArgumentSource = 'given' | 'message' | 'worker' | 'result' | 'event';

/** What could be read of arguments that are not certain, to be mended: what is missing stands in it as `<…>`, which is no argument. */
export interface ArgumentRepair {
	/** Positional arguments, as Python writes them. */
	readonly args: string;
	/** A JSON object, once it is mended. */
	readonly kwargs: string;
	/** What could be read, and where it ends. */
	readonly words: string;
}

/** Where a task's arguments would come from; null: from nowhere, and `reason` says why. */
export interface TaskSource {
	readonly id: string;
	readonly source: ArgumentSource | null;
	readonly reason: string | null;
}

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
	/** Of a requeue: where the arguments come from, how many from each; absent: it was not looked at. */
	readonly sources?: readonly { readonly source: ArgumentSource; readonly count: number }[];
	/** The same of the sample, and of the first twenty that are left out because their arguments are not certain. */
	readonly tasks?: readonly TaskSource[];
}

export interface ActionItem {
	readonly id: string;
	readonly outcome: 'done' | 'failed' | 'skipped';
	readonly reason: string | null;
	/** The message id of the new attempt, for a requeue. */
	readonly messageId: string | null;
	/** Of a requeue: where the arguments came from. */
	readonly source?: ArgumentSource;
	/** Of one that was left out because its arguments are not certain: what could be read. */
	readonly repair?: ArgumentRepair;
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
	/** Of a requeue: how many with arguments from each source. */
	readonly sources?: readonly { readonly source: ArgumentSource; readonly count: number }[];
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
