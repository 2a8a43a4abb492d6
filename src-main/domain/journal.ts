/** The journal: what was changed, with enough of the world before it to take it back. */
import type { OutgoingMessage } from './message.ts';

/** open: under way, or cut off by a crash. undone: taken back, all of it. partly: taken back as far as it could be. */
export type JournalState = 'open' | 'done' | 'undone' | 'partly';

/**
 * Where a kept message stands.
 * - kept: written down before anything was done to it; what was done then is not known if the journal ends here;
 * - removed, replaced: out of its queue, nothing or something else in its place; unknown: the broker did not tell;
 * - restoring: about to be put back; restored: it was; passed: it could not be, and never will be.
 */
export type KeptState = 'kept' | 'removed' | 'replaced' | 'unknown' | 'restoring' | 'restored' | 'passed';

/** A message as it was before a change. */
export interface KeptMessageItem {
	/** Rises from 0 within an entry, in the order in which they were taken. */
	readonly seq: number;
	readonly state: KeptState;
	/** The queue it waited in. */
	readonly queue: string;
	/** Names it in its queue, exactly. */
	readonly print: string;
	readonly messageId: string | null;
	/** What took its place: in which queue, and what it says. Null: nothing. */
	readonly other: { readonly queue: string; readonly content: string } | null;
	readonly message: OutgoingMessage;
	/** The bytes of its entry, where its broker keeps such. */
	readonly entry: Uint8Array | null;
}

/** How many kept messages stand where. */
export type KeptCounts = Readonly<Partial<Record<KeptState, number>>>;

/** One change. */
export interface JournalRow {
	readonly id: number;
	readonly at: number;
	readonly profile: string;
	readonly action: string;
	readonly title: string;
	/** JSON whose shape belongs to the action. */
	readonly before: string;
	readonly state: JournalState;
	/** The change that this one took back; null: it is no undo. */
	readonly undoOf: number | null;
	readonly kept: KeptCounts;
}
