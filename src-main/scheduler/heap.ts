/** A min-heap whose items are also known by key: the next one at once, every change in logarithmic time. */

/** What lies in a heap. */
export interface Keyed {
	readonly key: string;
}

/** Items in the order of `before`, one per key. */
export class KeyedHeap<T extends Keyed> {
	readonly #before: (a: T, b: T) => boolean;
	readonly #items: T[] = [];
	/** Where each key's item lies. */
	readonly #places = new Map<string, number>();

	constructor(before: (a: T, b: T) => boolean) {
		this.#before = before;
	}

	get size(): number {
		return this.#items.length;
	}

	/** The first item; null: there is none. */
	peek(): T | null {
		return this.#items[0] ?? null;
	}

	get(key: string): T | null {
		const place = this.#places.get(key);
		return place === undefined ? null : (this.#items[place] ?? null);
	}

	/** Puts an item in, in place of one that has its key. */
	put(item: T): void {
		const place = this.#places.get(item.key) ?? this.#items.length;
		this.#set(place, item);
		this.#settle(place);
	}

	/** Takes the item of a key out; null: there was none. */
	remove(key: string): T | null {
		const place = this.#places.get(key);
		if (place === undefined) return null;
		const item = this.#items[place] as T;
		const last = this.#items.pop() as T;
		this.#places.delete(key);
		if (place < this.#items.length) {
			this.#set(place, last);
			this.#settle(place);
		}
		return item;
	}

	/** Takes the first item out; null: there is none. */
	pop(): T | null {
		const first = this.#items[0];
		return first === undefined ? null : this.remove(first.key);
	}

	clear(): void {
		this.#items.length = 0;
		this.#places.clear();
	}

	#set(place: number, item: T): void {
		this.#items[place] = item;
		this.#places.set(item.key, place);
	}

	/** Moves the item at `place` to where it belongs. */
	#settle(place: number): void {
		this.#sink(this.#rise(place));
	}

	#rise(from: number): number {
		let place = from;
		const item = this.#items[place] as T;
		while (place > 0) {
			const above = (place - 1) >> 1;
			const other = this.#items[above] as T;
			if (!this.#before(item, other)) break;
			this.#set(place, other);
			place = above;
		}
		this.#set(place, item);
		return place;
	}

	#sink(from: number): void {
		let place = from;
		const item = this.#items[place] as T;
		for (;;) {
			const left = 2 * place + 1;
			if (left >= this.#items.length) break;
			const right = left + 1;
			const smaller =
				right < this.#items.length && this.#before(this.#items[right] as T, this.#items[left] as T) ? right : left;
			const other = this.#items[smaller] as T;
			if (!this.#before(other, item)) break;
			this.#set(place, other);
			place = smaller;
		}
		this.#set(place, item);
	}
}
