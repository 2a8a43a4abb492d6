/** The part of a long list that has been read, by place, for lists that are read by offset. */
export class PlacedRows<T> {
	readonly #rows = new Map<number, T>();
	readonly #places = new Map<string, number>();
	readonly #idOf: (row: T) => string;

	constructor(idOf: (row: T) => string) {
		this.#idOf = idOf;
	}

	get size(): number {
		return this.#rows.size;
	}

	at(place: number): T | undefined {
		return this.#rows.get(place);
	}

	/** -1: it is not in what has been read. */
	placeOf(id: string): number {
		return this.#places.get(id) ?? -1;
	}

	/** Pages read at different moments may hold one row twice; it is then known by the place it was first read at. */
	put(place: number, row: T): void {
		const id = this.#idOf(row);
		const before = this.#rows.get(place);
		if (before !== undefined) {
			const old = this.#idOf(before);
			if (old !== id && this.#places.get(old) === place) this.#places.delete(old);
		}
		this.#rows.set(place, row);
		if (!this.#places.has(id)) this.#places.set(id, place);
	}

	/** The first place of these that has not been read; null: all have. */
	missing(from: number, to: number): number | null {
		for (let place = Math.max(0, from); place <= to; place += 1) if (!this.#rows.has(place)) return place;
		return null;
	}

	/** Forgets what is farther from these places than `keep`. */
	trim(from: number, to: number, keep: number): void {
		if (this.#rows.size <= to - from + 2 * keep) return;
		for (const place of [...this.#rows.keys()]) if (place < from - keep || place > to + keep) this.#forget(place);
	}

	clear(): void {
		this.#rows.clear();
		this.#places.clear();
	}

	#forget(place: number): void {
		const row = this.#rows.get(place);
		this.#rows.delete(place);
		if (row !== undefined && this.#places.get(this.#idOf(row)) === place) this.#places.delete(this.#idOf(row));
	}
}
