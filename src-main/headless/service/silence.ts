/** For how long somebody has said nothing, as far as this process was there to hear it. Pure but for what it remembers. */

/**
 * What one stretch between two looks counts at most, in ms. A process that was stopped for an hour looks before it reads what waits in
 * its pipes, and must not take its own absence for another's silence.
 */
const MOST_MS = 5_000;

export class Silence {
	#ms = 0;
	#at: number;

	/** From now on (any clock that only goes on, ms, the same for all calls). */
	constructor(now: number) {
		this.#at = now;
	}

	/** Something was said. */
	heard(now: number): void {
		this.#ms = 0;
		this.#at = now;
	}

	/** How long it is silent by now, in ms. To be asked every second or so while it matters. */
	look(now: number): number {
		this.#ms += Math.min(Math.max(0, now - this.#at), MOST_MS);
		this.#at = now;
		return this.#ms;
	}
}
