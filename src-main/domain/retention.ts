/** How long history keeps what is over. */
import type { TaskState } from './task.ts';

/** States in which a task is over. Nothing in another state is ever removed by age or number. */
export type FinishedState = Extract<TaskState, 'succeeded' | 'failed' | 'revoked' | 'rejected' | 'lost'>;

export const FINISHED_STATES: readonly FinishedState[] = ['succeeded', 'failed', 'revoked', 'rejected', 'lost'];

/** What is kept of one state. Both nulls: everything, for ever. */
export interface RetentionRule {
	/** Removed so long after the task ended. */
	readonly afterMs: number | null;
	/** The newest so many are kept. */
	readonly maxRows: number | null;
}

export interface RetentionPolicy {
	readonly states: Readonly<Record<FinishedState, RetentionRule>>;
	/** What a person deleted can be taken back for so long. */
	readonly deletedAfterMs: number;
	/** Messages that left quarantine are remembered for so long. Held ones stay until somebody decides. */
	readonly quarantineAfterMs: number;
}

const DAY_MS = 86_400_000;
const FOR_EVER: RetentionRule = { afterMs: null, maxRows: null };

/** Success goes after three days; what went wrong stays until a person says otherwise. */
export const DEFAULT_RETENTION: RetentionPolicy = {
	states: {
		succeeded: { afterMs: 3 * DAY_MS, maxRows: null },
		failed: FOR_EVER,
		revoked: FOR_EVER,
		rejected: FOR_EVER,
		lost: FOR_EVER,
	},
	deletedAfterMs: 3 * DAY_MS,
	quarantineAfterMs: 30 * DAY_MS,
};

/** What one kind of record would lose now. */
export interface RetentionShare {
	readonly what: FinishedState | 'deleted' | 'quarantine';
	readonly rows: number;
	/** When the oldest of them ended; null where there are none. */
	readonly oldest: number | null;
	/** Estimated from some of them. */
	readonly bytesAbout: number;
}

/** What a clean-up would remove, in counts per kind. */
export interface RetentionPreview {
	readonly at: number;
	readonly rows: number;
	readonly bytesAbout: number;
	readonly shares: readonly RetentionShare[];
}
