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
	readonly source: 'amqp' | 'management' | 'embedded' | 'redis';
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
