/** Queues as a broker tells of them. */

/** Figures of one queue at one moment. Null: this broker or door cannot tell. */
export interface QueueFigures {
	readonly name: string;
	readonly exists: boolean;
	/** Waiting to be handed out. */
	readonly ready: number | null;
	/** Handed out, not yet acknowledged. */
	readonly unacked: number | null;
	readonly consumers: number | null;
	/** Epoch ms. */
	readonly at: number;
	/** Where the figures come from. */
	readonly source: 'amqp' | 'management' | 'embedded' | 'redis' | 'packets';
	/** What only some doors tell; a field that is absent is one that this door does not know. */
	readonly more?: QueueFacts;
}

/** What a broker may tell of a queue beside its figures. */
export interface QueueFacts {
	/** What waits at each priority that has a list of its own, next to be handed out first (Redis). */
	readonly steps?: readonly { readonly priority: number; readonly ready: number }[];
	/** When the next message was published, by its own timestamp, epoch ms; null: it carries none. */
	readonly oldestAt?: number | null;
	/** Since when the longest held message is held, epoch ms; null: nothing is held. */
	readonly heldSince?: number | null;
	/** classic, quorum, stream. */
	readonly type?: string;
	/** Arguments it was declared with, and the policy over it, which names where dead letters go. */
	readonly arguments?: Readonly<Record<string, unknown>>;
	readonly policy?: { readonly name: string; readonly definition: Readonly<Record<string, unknown>> } | null;
	/** Messages per second, as the broker averages them; null: it keeps no rates. */
	readonly rates?: QueueRates | null;
}

export interface QueueRates {
	readonly published: number | null;
	readonly delivered: number | null;
	readonly acknowledged: number | null;
	readonly redelivered: number | null;
}

/** What a look at waiting messages costs here, stated before it is taken. */
export interface LookCost {
	/** free: nothing changes. flagged: messages come back marked as redelivered. risky: counts towards a delivery limit. */
	readonly kind: 'free' | 'flagged' | 'risky';
	readonly words: string;
}

/** How a queue of ours is declared. Never guessed for a queue that exists. */
export interface QueueDeclaration {
	readonly queue: string;
	readonly durable: boolean;
	/** null: no x-max-priority. carrot's is 255. */
	readonly maxPriority: number | null;
	/** Also declare and bind the direct exchange of the queue's name, as carrot's consumers do (not durable). */
	readonly carrotExchange: boolean;
}

/** A queue as carrot's consumers declare it: durable, priorities to 255, with a direct exchange of its name. */
export function carrotQueue(queue: string): QueueDeclaration {
	return { queue, durable: true, maxPriority: 255, carrotExchange: true };
}
