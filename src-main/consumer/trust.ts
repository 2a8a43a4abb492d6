/**
 * Which tasks a slot may hand over ahead of time: those that have shown, again and again, that they are over at once, succeed, and
 * print nothing past the protocol, where output could be taken for that of the next.
 */
import type { SlotEnd } from './runner.ts';

const SHORT_MS = 20;
/** Short runs in a row that prove a task. */
const PROOF = 8;
/** Names kept; a project has far fewer. */
const NAMES = 1000;

export class Trust {
	readonly #runs = new Map<string, number>();

	has(name: string): boolean {
		return (this.#runs.get(name) ?? 0) >= PROOF;
	}

	/** A task has ended. */
	note(name: string, end: SlotEnd): void {
		if (end.kind !== 'returned' || end.runtimeMs > SHORT_MS) {
			this.#runs.delete(name);
			return;
		}
		if (this.#runs.size >= NAMES) this.#runs.clear();
		const runs = this.#runs.get(name) ?? 0;
		if (runs < PROOF) this.#runs.set(name, runs + 1);
	}

	/** Something was printed past the protocol; whose it is cannot be told for sure, so nobody is trusted any more. */
	lose(): void {
		this.#runs.clear();
	}
}
