/** Work that is asked for more often than it is done: one at a time, once more if asked meanwhile, and with a rest between. */
import type { Clock } from '#main/domain/clock.ts';

export interface FoldedDeps {
	readonly clock: Clock;
	/** Must not reject. False: it did not work out, and is to be done again after the rest. */
	readonly work: () => Promise<boolean>;
	/** Least rest after work; it is also ten times as long as the work was. */
	readonly restMs: number;
}

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
		this.#resting = clock.after(Math.max(restMs, (clock.monotonic() - began) * 10), () => {
			this.#resting = null;
			this.#begin();
		});
	}
}
