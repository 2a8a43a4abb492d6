/** Messages that nothing may run until a person decides: what is kept of them, and what became of them. */
import type { AttemptId, TaskId } from './ids.ts';

/**
 * Why a message was set aside. undecodable: the dialect cannot read it. unknown-task: it can, but nobody here has such a task.
 * known-outcome: the broker handed it out again although it is known how it ended, and the set was told to ask.
 */
export type QuarantineCause = 'undecodable' | 'unknown-task' | 'known-outcome';

export const QUARANTINE_CAUSES: readonly QuarantineCause[] = ['undecodable', 'unknown-task', 'known-outcome'];

/** held: nobody has decided. The others say what was decided; they stay as a record until retention takes them. */
export type QuarantineState = 'held' | 'released' | 'sent' | 'discarded';

export const QUARANTINE_STATES: readonly QuarantineState[] = ['held', 'released', 'sent', 'discarded'];

/** One message in quarantine, without its bytes. Times are epoch milliseconds. */
export interface QuarantineItem {
	/** Unique within one home. */
	readonly id: number;
	readonly at: number;
	readonly state: QuarantineState;
	readonly cause: QuarantineCause;
	/** For a person: what is wrong with it. */
	readonly reason: string;
	/** The queue that it came from. */
	readonly queue: string;
	/** The task's name, where the message said one. */
	readonly name: string | null;
	readonly messageId: string | null;
	/** Its place in history; null when retention took that. */
	readonly taskId: TaskId | null;
	readonly attemptId: AttemptId | null;
	/** Size of its body. */
	readonly bytes: number;
	/** How many held messages are equal to this one byte for byte, this one included. */
	readonly alike: number;
	/** When it was decided, and the queue it went to where it went to one. */
	readonly settledAt: number | null;
	readonly settledTo: string | null;
}
