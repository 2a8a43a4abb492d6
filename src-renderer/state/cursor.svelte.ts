/** The row of a list that the keyboard is at: by id, so that it stays with its row when others come and go. */
export class Cursor {
	id: string | null = $state(null);
	readonly #ids: () => readonly string[];
	/** Where it was last, for when its row has left. */
	#last = 0;

	/** `ids`: of the rows that are there, in their order. */
	constructor(ids: () => readonly string[]) {
		this.#ids = ids;
	}

	/** -1: at none of the rows that are there. */
	get place(): number {
		return this.id === null ? -1 : this.#ids().indexOf(this.id);
	}

	/** Goes to a place; one beyond the ends is the nearest end. */
	at(place: number): string | null {
		const ids = this.#ids();
		if (ids.length === 0) return null;
		this.#last = Math.max(0, Math.min(place, ids.length - 1));
		this.id = ids[this.#last] ?? null;
		return this.id;
	}

	/** Goes on by some; when its row has left, from where that was. */
	move(by: number): string | null {
		if (this.id === null) return this.at(by > 0 ? 0 : this.#ids().length - 1);
		const place = this.place;
		if (place >= 0) return this.at(place + by);
		return this.at(by > 0 ? this.#last : this.#last - 1);
	}

	clear(): void {
		this.id = null;
	}
}
