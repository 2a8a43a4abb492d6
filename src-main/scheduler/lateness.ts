/** How late the newest runs were published, in a ring that never grows. */

/** Milliseconds from the moment of publishing that a due time has (its jitter included) to the broker's confirm. */
export interface LatenessFigures {
	readonly p50: number;
	readonly p99: number;
	readonly max: number;
	/** How many runs these are of. */
	readonly runs: number;
}

const KEPT = 1_000;

export class Lateness {
	readonly #samples: number[] = [];
	#next = 0;

	note(ms: number): void {
		this.#samples[this.#next] = ms;
		this.#next = (this.#next + 1) % KEPT;
	}

	/** Null: nothing was published yet. */
	figures(): LatenessFigures | null {
		if (this.#samples.length === 0) return null;
		const sorted = this.#samples.toSorted((a, b) => a - b);
		const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
		return { p50: at(0.5), p99: at(0.99), max: sorted.at(-1) ?? 0, runs: sorted.length };
	}
}
