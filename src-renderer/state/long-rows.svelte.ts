/** The rows of a table that may have thousands: found by a part of their name, and drawn some at a time, since each costs the page something. */

/** How many are drawn at first, and more at a time. */
export const ROWS_AT_ONCE = 100;

export class LongRows<T> {
	/** A part of the name that is looked for. */
	find = $state('');
	#asked = $state(ROWS_AT_ONCE);
	readonly #all: () => readonly T[];
	readonly #nameOf: (row: T) => string;
	/** Rows up to this place are drawn in any case. */
	readonly #upTo: () => number;

	constructor(all: () => readonly T[], nameOf: (row: T) => string, upTo: () => number = () => -1) {
		this.#all = all;
		this.#nameOf = nameOf;
		this.#upTo = upTo;
	}

	/** Whether there are so many that one wants to look for some. */
	get many(): boolean {
		return this.#all().length > ROWS_AT_ONCE;
	}

	/** Those that have the text in their name, in their order. */
	get found(): readonly T[] {
		const text = this.find.trim().toLowerCase();
		return text === '' ? this.#all() : this.#all().filter((row) => this.#nameOf(row).toLowerCase().includes(text));
	}

	/** The first of them, to be drawn. */
	get shown(): readonly T[] {
		const least = Math.ceil((this.#upTo() + 1) / ROWS_AT_ONCE) * ROWS_AT_ONCE;
		return this.found.slice(0, Math.max(this.#asked, least));
	}

	more(): void {
		this.#asked = this.shown.length + ROWS_AT_ONCE;
	}
}
