/**
 * How often messages of a queue were handed out before, as far as Warren has seen: quorum queues give themselves away by counting,
 * since AMQP itself does not tell a queue's kind.
 */
import type { LookCost } from '../../domain/queue.ts';
import { fail, type Result } from '../../domain/result.ts';

/** RabbitMQ 4 drops a message of a quorum queue after 20 deliveries; from this count on Warren no longer looks. */
export const RISKY_COUNT = 15;

const FLAGGED: LookCost = {
	kind: 'flagged',
	words:
		'A look fetches messages and gives them back: they come back marked as redelivered, and are hidden from workers meanwhile.',
};
const COUNTED =
	'This is a quorum queue: each look may count as a delivery, and RabbitMQ 4 drops a message after 20 of them. Look seldom.';

export class DeliveryCounts {
	readonly #highest = new Map<string, number>();

	/** What a message told; null: it told nothing. */
	note(queue: string, count: number | null): void {
		if (count !== null) this.#highest.set(queue, Math.max(count, this.highest(queue)));
	}

	/** The highest seen in this queue; 0 where nothing counts. */
	highest(queue: string): number {
		return this.#highest.get(queue) ?? 0;
	}

	/** What a look costs, from what was seen so far. */
	cost(queue: string): LookCost {
		const count = this.#highest.get(queue);
		if (count === undefined) return FLAGGED;
		return { kind: 'risky', words: `${COUNTED} A message here was handed out ${count} times already.` };
	}
}

/** The refusal of a look that could be a message's last. */
export function tooRisky(queue: string, count: number): Result<never> {
	return fail(
		'refused',
		`A message in the quorum queue "${queue}" was handed out ${count} times already. One more look could make RabbitMQ drop it, so Warren does not look. Let a worker take it, or raise the queue's delivery limit.`,
		{ details: { deliveryCount: count } },
	);
}
