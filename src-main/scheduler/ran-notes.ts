/** Last and next runs on their way to a book that is told of them: the newest per schedule, one call a second. */
import type { Clock } from '#main/domain/clock.ts';
import type { Log } from '#main/domain/log.ts';
import { Folded } from './folded.ts';

/** When a schedule ran last and runs next, by due time. */
export interface RanNote {
	readonly key: string;
	readonly lastRunAt: number | null;
	readonly nextRunAt: number | null;
}

/** Writes them; may reject. */
export type WriteRan = (notes: readonly RanNote[]) => Promise<void>;

const EVERY_MS = 1_000;
const BATCH = 1_000;

export class RanNotes implements AsyncDisposable {
	readonly #write: WriteRan | null;
	readonly #log: Log;
	readonly #waiting = new Map<string, RanNote>();
	/** What the book has been told. */
	readonly #told = new Map<string, RanNote>();
	readonly #folded: Folded;

	constructor(deps: { readonly write: WriteRan | null; readonly clock: Clock; readonly log: Log }) {
		this.#write = deps.write;
		this.#log = deps.log;
		this.#folded = new Folded({ clock: deps.clock, work: () => this.#flush(), restMs: EVERY_MS });
	}

	/** What the book says itself. */
	known(note: RanNote): void {
		if (this.#write !== null) this.#told.set(note.key, note);
	}

	put(note: RanNote): void {
		if (this.#write === null) return;
		const before = this.#waiting.get(note.key) ?? this.#told.get(note.key);
		if (before?.lastRunAt === note.lastRunAt && before.nextRunAt === note.nextRunAt) return;
		this.#waiting.set(note.key, note);
		this.#folded.ask();
	}

	forget(key: string): void {
		this.#waiting.delete(key);
		this.#told.delete(key);
	}

	clear(): void {
		this.#waiting.clear();
		this.#told.clear();
	}

	/** Writes what waits, once. */
	async [Symbol.asyncDispose](): Promise<void> {
		await this.#folded[Symbol.asyncDispose]();
		await this.#flush();
	}

	async #flush(): Promise<boolean> {
		while (this.#waiting.size > 0) {
			const batch = [...this.#waiting.values()].slice(0, BATCH);
			try {
				await this.#write?.(batch);
			} catch (error) {
				// They are for showing only, and are worked out anew whenever a keeper starts.
				this.#log.warn('schedules.ran-unwritten', { reason: error instanceof Error ? error.message : String(error) });
				return false;
			}
			for (const note of batch) {
				this.#told.set(note.key, note);
				if (this.#waiting.get(note.key) === note) this.#waiting.delete(note.key);
			}
		}
		return true;
	}
}
