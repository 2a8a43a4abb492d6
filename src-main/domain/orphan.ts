/** Messages that a broker has handed out and nobody holds any more, and lists of answers that nobody will fetch. JSON-safe. */
import type { ActionOutcome } from './action.ts';

/**
 * sure: a consumer of Warren's took it, and its sign of life is gone. likely: every worker that listens or is known to be alive
 * was asked, answered, and named it not. unsure: somebody may hold it; it is never given back.
 */
export type OrphanCertainty = 'sure' | 'likely' | 'unsure';

/** A message that nobody is known to hold. */
export interface Orphan {
	/** Names it among what is held. */
	readonly tag: string;
	/** Of its task; null: it says none, or cannot be read here. */
	readonly id: string | null;
	/** Name of its task. */
	readonly task: string | null;
	/** Where it goes back to; empty: nowhere, since nothing binds its exchange any more. */
	readonly queues: readonly string[];
	/** Epoch ms; null: not written down. */
	readonly takenAt: number | null;
	/** Since it was taken, in ms. */
	readonly heldMs: number | null;
	readonly bytes: number;
	/** It was handed out before. */
	readonly redelivered: boolean;
	readonly holder: 'worker' | 'consumer';
	readonly certainty: OrphanCertainty;
	/** Why it is thought to be nobody's, or why that cannot be told. */
	readonly reason: string;
}

export interface OrphanList {
	readonly items: readonly Orphan[];
	readonly total: number;
	/** How many of them are given back by a rescue: all but the unsure ones. */
	readonly rescuable: number;
	/** Everything that is handed out and not acknowledged, whoever holds it. */
	readonly held: number;
	/** False: more is held than was looked at. */
	readonly complete: boolean;
	/** When the workers were asked, epoch ms; null: they were not. */
	readonly askedAt: number | null;
}

/** What came of a rescue, item by item. */
export interface RescueOutcome extends ActionOutcome {
	/** False: more is held than was looked at; a second rescue finds more. */
	readonly complete: boolean;
}
