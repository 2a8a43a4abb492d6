/** Deliveries that wait for a slot. Queues take turns; within a queue the broker's order holds. */
import type { Held } from './flight.ts';

export class Shelf {
	/** In the order in which queues come next. */
	readonly #queues = new Map<string, Held[]>();
	readonly #places = new WeakMap<Held, number>();
	#count = 0;

	get empty(): boolean {
		return this.#queues.size === 0;
	}

	put(held: Held): void {
		this.#count += 1;
		this.#places.set(held, this.#count);
		const waiting = this.#queues.get(held.queue);
		if (waiting === undefined) this.#queues.set(held.queue, [held]);
		else waiting.push(held);
	}

	/** Puts one back that had been taken, to its place in the order of its queue. */
	putBack(held: Held): void {
		const waiting = this.#queues.get(held.queue) ?? [];
		const place = (one: Held) => this.#places.get(one) ?? 0;
		const behind = waiting.findIndex((one) => place(one) > place(held));
		waiting.splice(behind < 0 ? waiting.length : behind, 0, held);
		this.#queues.set(held.queue, waiting);
	}

	/** The one that `next` would take. */
	peek(): Held | null {
		for (const waiting of this.#queues.values()) return waiting[0] ?? null;
		return null;
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
