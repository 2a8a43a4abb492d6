/** Deliveries that wait for a slot. Queues take turns; within a queue the broker's order holds. */
import type { Held } from './flight.ts';

export class Shelf {
	/** In the order in which queues come next. */
	readonly #queues = new Map<string, Held[]>();

	get empty(): boolean {
		return this.#queues.size === 0;
	}

	put(held: Held): void {
		const waiting = this.#queues.get(held.queue);
		if (waiting === undefined) this.#queues.set(held.queue, [held]);
		else waiting.push(held);
	}

	/** Takes the next one; null when nothing waits. */
	next(): Held | null {
		for (const [queue, waiting] of this.#queues) {
			const next = waiting.shift();
			this.#queues.delete(queue);
			if (next === undefined) continue;
			if (waiting.length > 0) this.#queues.set(queue, waiting);
			return next;
		}
		return null;
	}

	/** Takes all. */
	clear(): readonly Held[] {
		const all = [...this.#queues.values()].flat();
		this.#queues.clear();
		return all;
	}
}
