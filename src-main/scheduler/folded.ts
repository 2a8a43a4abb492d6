/** Work that is asked for more often than it is done: one at a time, once more if asked meanwhile, and with a rest between. */
import type { Clock } from '#main/domain/clock.ts';

export interface FoldedDeps {
	readonly clock: Clock;
	/** Must not reject. False: it did not work out, and is to be done again after the rest. */
	readonly work: () => Promise<boolean>;
	/** Least rest after work; it is also ten times as long as the work was, up to ten seconds. */
	readonly restMs: number;
}

/** Work that took very long hung, or its process stood still: that is no reason to rest for very long. */
const LONGEST_REST_MS = 10_000;

export class Folded implements AsyncDisposable {
	readonly #deps: FoldedDeps;
	#asked = false;
	#working: Promise<void> | null = null;
	#resting: Disposable | null = null;
	#ended = false;

	constructor(deps: FoldedDeps) {
		this.#deps = deps;
	}

	ask(): void {
		this.#asked = true;
		this.#begin();
	}

	/** Asks for it without a rest. */
	hurry(): void {
		this.#resting?.[Symbol.dispose]();
		this.#resting = null;
		this.ask();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#ended = true;
		this.#resting?.[Symbol.dispose]();
		await this.#working;
	}

	#begin(): void {
		if (!this.#asked || this.#working !== null || this.#resting !== null || this.#ended) return;
		this.#asked = false;
		this.#working = this.#work();
	}

	async #work(): Promise<void> {
		const { clock, work, restMs } = this.#deps;
		const began = clock.monotonic();
		if (!(await work())) this.#asked = true;
		this.#working = null;
		if (this.#ended) return;
		const rest = Math.min(LONGEST_REST_MS, (clock.monotonic() - began) * 10);
		this.#resting = clock.after(Math.max(restMs, rest), () => {
			this.#resting = null;
			this.#begin();
		});
	}
}
