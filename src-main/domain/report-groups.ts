/** Sums that reports are made of: fed run by run, read once at the end. */

/** How the values of a group are spread. */
export class Spread {
	count = 0;
	sum = 0;
	min = Number.POSITIVE_INFINITY;
	max = Number.NEGATIVE_INFINITY;
	#values: Float64Array;
	readonly #keep: boolean;

	/** `keep`: percentiles will be asked for, so every value is kept (eight bytes each). */
	constructor(keep: boolean) {
		this.#keep = keep;
		this.#values = new Float64Array(keep ? 16 : 0);
	}

	add(value: number): void {
		if (this.#keep) {
			if (this.count === this.#values.length) {
				const wider = new Float64Array(this.#values.length * 2);
				wider.set(this.#values);
				this.#values = wider;
			}
			this.#values[this.count] = value;
		}
		this.count += 1;
		this.sum += value;
		this.min = Math.min(this.min, value);
		this.max = Math.max(this.max, value);
	}

	get mean(): number | null {
		return this.count === 0 ? null : this.sum / this.count;
	}

	/** Values of which a share is not above them (nearest rank); null where there is none. */
	percentiles(shares: readonly number[]): readonly (number | null)[] {
		if (this.count === 0 || !this.#keep) return shares.map(() => null);
		const sorted = this.#values.subarray(0, this.count).slice().sort();
		return shares.map((share) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null);
	}
}

/** One sum per key, made when first asked for. */
export class Groups<V> {
	readonly #groups = new Map<string, V>();
	readonly #make: () => V;

	constructor(make: () => V) {
		this.#make = make;
	}

	of(key: string): V {
		let found = this.#groups.get(key);
		if (found === undefined) {
			found = this.#make();
			this.#groups.set(key, found);
		}
		return found;
	}

	entries(): readonly (readonly [string, V])[] {
		return [...this.#groups];
	}
}

/** Counts by bucket of time. */
export class Timeline {
	readonly counts = new Map<number, number>();

	add(start: number): void {
		this.counts.set(start, (this.counts.get(start) ?? 0) + 1);
	}
}

/** The largest first, equals by their key; `top` of them. */
export function largest(
	values: readonly (readonly [string, number])[],
	top: number,
): readonly (readonly [string, number])[] {
	return values.toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, top);
}
