/**
 * What a broker has handed out and nobody has acknowledged, where it lies in the open: on Redis, kombu keeps it in a hash, and a
 * worker that was killed leaves it there until the visibility timeout. Warren can say what that is, and give it back at once.
 */
import type { BrokerMessage } from '../domain/message.ts';
import type { Result } from '../domain/result.ts';

/** One message that somebody holds. */
export interface HeldMessage {
	/** Names it among what is held. */
	readonly tag: string;
	/** Epoch ms; null: not written down. */
	readonly takenAt: number | null;
	/** Bytes of its entry. */
	readonly size: number;
	/** Null: too large to be read here, or no message. */
	readonly message: BrokerMessage | null;
	/** Where it would go back to; empty: nowhere, since nothing binds its exchange any more. */
	readonly queues: readonly string[];
	/** Held by a consumer of Warren's, and whether that one lives; null: by somebody else. */
	readonly warren: { readonly alive: boolean } | null;
}

/** What came of one tag. */
export interface Returned {
	readonly tag: string;
	/** gone: acknowledged or given back by somebody else meanwhile. kept: not given back, for the reason in `words`. */
	readonly outcome: 'returned' | 'gone' | 'kept';
	readonly words: string | null;
}

export interface UnackedDoor {
	/** What is held, at most `limit` of it; `complete` is false when there is more. `total` counts all. */
	held(options: {
		readonly limit: number;
		readonly deadlineMs: number;
	}): Promise<Result<{ readonly items: readonly HeldMessage[]; readonly total: number; readonly complete: boolean }>>;
	/**
	 * Puts these back to the front of their queues, marked as redelivered, each in one step that checks that it is still held.
	 * `seen`: since when each was held when somebody decided this; one that was taken anew since (kombu keeps its tag) is gone.
	 */
	returnToQueue(
		tags: readonly string[],
		seen?: ReadonlyMap<string, number | null>,
	): Promise<Result<readonly Returned[]>>;
	/** Lists of answers to remote control (`*.reply.celery.pidbox`) that nobody touched for `idleMs`: whoever asked is long gone. */
	replyLists(options: {
		readonly idleMs: number;
	}): Promise<Result<{ readonly items: readonly ReplyList[]; readonly complete: boolean }>>;
	/** Removes these lists with their bindings, each in one step that checks that it is still untouched; answers those removed. */
	removeReplyLists(queues: readonly string[], idleMs: number): Promise<Result<readonly string[]>>;
}

/** Answers that nobody fetched. */
export interface ReplyList {
	readonly queue: string;
	readonly idleMs: number;
	/** What it takes in memory; null: the server does not tell. */
	readonly bytes: number | null;
}

/**
 * Which of these nobody claims: of no id that a live worker named (active, reserved, scheduled), held for longer than `graceMs` (a
 * worker may have taken it after it was asked), and of no living Warren. Whoever acts on it has to know that all workers were asked
 * and answered, and that tasks which wait for a rate limit are in no worker's answer: given back, those run twice.
 */
export function orphansAmong(
	held: readonly HeldMessage[],
	options: { readonly claimed: ReadonlySet<string>; readonly now: number; readonly graceMs: number },
): readonly HeldMessage[] {
	return held.filter((one) => {
		if (one.warren !== null) return !one.warren.alive;
		if (one.takenAt === null || options.now - one.takenAt < options.graceMs) return false;
		const id = one.message === null ? null : taskIdOf(one.message);
		return id !== null && !options.claimed.has(id);
	});
}

/** Its task's id, if it is Celery's: the header of protocol 2, or the correlation id, which protocol 1 has as well. */
export function taskIdOf({ properties }: BrokerMessage): string | null {
	const header = properties.headers?.find(([name]) => name === 'id')?.[1];
	return header?.type === 'longstr' ? header.text : (properties.correlationId ?? null);
}
