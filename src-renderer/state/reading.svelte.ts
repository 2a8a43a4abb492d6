/** Something that is asked for, shown, and asked for again: the last value stays while the next is on its way or fails. */
import type { WireError } from '#main/ipc/codes.ts';
import type { Answer } from './engine.ts';

export class Reading<T> implements Disposable {
	value: T | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	/** Epoch ms of the value. */
	at: number | null = $state(null);
	busy = $state(false);
	readonly #ask: () => Promise<Answer<T>>;
	#turn = 0;

	constructor(ask: () => Promise<Answer<T>>) {
		this.#ask = ask;
	}

	async read(): Promise<void> {
		this.#turn += 1;
		const turn = this.#turn;
		this.busy = true;
		const answer = await this.#ask();
		if (turn !== this.#turn) return;
		this.busy = false;
		if (answer.ok) {
			this.value = answer.value;
			this.error = null;
			this.at = Date.now();
		} else this.error = answer.error;
	}

	/** Reads now and every `ms` while the page can be seen, until disposed of. */
	every(ms: number): Disposable {
		void this.read();
		const timer = setInterval(() => {
			if (document.visibilityState === 'visible' && !this.busy) void this.read();
		}, ms);
		return { [Symbol.dispose]: () => clearInterval(timer) };
	}

	[Symbol.dispose](): void {
		this.#turn += 1;
	}
}
