/**
 * What became of runs, on its way into the ledger: gathered while the last step is being written, tried again until it is written, and
 * remembered as being in hand meanwhile, so that nobody here judges a run that is being worked on.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { Log } from '#main/domain/log.ts';
import { fail, type Result } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import type { Hold, RunLedger } from './ledger.ts';

const BATCH = 1_000;
const PAUSE_MS = 1_000;
/** How often it is tried again when there is no more time. */
const LAST_TRIES = 3;

interface Waiting {
	readonly run: ScheduleRun;
	readonly written: ((stands: boolean) => void)[];
}

export interface SettleDeps {
	readonly ledger: Pick<RunLedger, 'settle'>;
	/** The right to run the book, as it was last known. */
	readonly hold: () => Hold | null;
	readonly clock: Clock;
	readonly log: Log;
	/** `trouble` has changed. */
	readonly onNews: () => void;
}

/** Which runs were worked on while the ledger was asked. */
export interface SettleWatch extends Disposable {
	has(run: ScheduleRun): boolean;
}

export class SettleQueue {
	readonly #deps: SettleDeps;
	/** By run, the newest word about it. */
	readonly #waiting = new Map<string, Waiting>();
	readonly #inHand = new Set<string>();
	/** Who wants to know which runs are worked on, each with those it has heard of. */
	readonly #watching = new Set<Set<string>>();
	#writing: Promise<void> | null = null;
	#trouble: string | null = null;
	#ending = false;
	#resume: (() => void) | null = null;

	constructor(deps: SettleDeps) {
		this.#deps = deps;
	}

	/** Why outcomes cannot be written; null: they can. */
	get trouble(): string | null {
		return this.#trouble;
	}

	/** Takes a run in hand: it is about to be claimed and published. */
	take(run: ScheduleRun): void {
		this.#inHand.add(idOf(run));
		this.#heard(idOf(run));
	}

	/** Puts it out of hand without a word. */
	leave(run: ScheduleRun): void {
		this.#inHand.delete(idOf(run));
	}

	/**
	 * Remembers which runs are being published or written, now or at any time until it is disposed of: what the ledger answers meanwhile
	 * about one of these may be old.
	 */
	watch(): SettleWatch {
		const ids = new Set([...this.#inHand, ...this.#waiting.keys()]);
		this.#watching.add(ids);
		return { has: (run) => ids.has(idOf(run)), [Symbol.dispose]: () => void this.#watching.delete(ids) };
	}

	/**
	 * Writes runs as they are, and puts those out of hand that are not being published. Per run whether it stands in the ledger: it does
	 * not where it was given up, or where somebody else has had the right since or has said what became of it.
	 */
	async put(runs: readonly ScheduleRun[]): Promise<readonly boolean[]> {
		const written = runs.map((run) => {
			const { promise, resolve } = Promise.withResolvers<boolean>();
			this.#heard(idOf(run));
			const before = this.#waiting.get(idOf(run));
			this.#waiting.set(idOf(run), { run, written: [...(before?.written ?? []), resolve] });
			return promise;
		});
		this.#writing ??= this.#write();
		return Promise.all(written);
	}

	/**
	 * The right is lost: what only says that a run is still open is not written any more, because somebody else may have judged it. What
	 * became of a run is the truth all the same.
	 */
	drop(): void {
		for (const [id, { run, written }] of this.#waiting) {
			if (run.state !== 'claimed' && run.state !== 'retrying') continue;
			this.#waiting.delete(id);
			// What is about to be sent is put out of hand by whoever took it.
			if (run.state === 'retrying') this.#inHand.delete(id);
			for (const resolve of written) resolve(false);
		}
	}

	/** Resolves when all is written, or cannot be written in a few tries. */
	async end(): Promise<void> {
		this.#ending = true;
		this.#resume?.();
		await this.#writing;
	}

	#heard(id: string): void {
		for (const ids of this.#watching) ids.add(id);
	}

	async #write(): Promise<void> {
		for (let failures = 0; this.#waiting.size > 0; ) {
			const batch = [...this.#waiting.entries()].slice(0, BATCH);
			const settled = await this.#settle(batch.map(([, { run }]) => run));
			this.#setTrouble(settled.ok ? null : settled.error.message);
			if (!settled.ok) {
				failures += 1;
				if (this.#ending && failures >= LAST_TRIES) break;
				await this.#pause();
				continue;
			}
			failures = 0;
			for (const [at, [id, waiting]] of batch.entries()) {
				for (const resolve of waiting.written) resolve(settled.value[at] === true);
				// Another word about it may have come while this one was being written.
				if (this.#waiting.get(id) !== waiting) continue;
				this.#waiting.delete(id);
				if (waiting.run.state !== 'claimed') this.#inHand.delete(id);
			}
		}
		for (const { written } of this.#waiting.values()) for (const resolve of written) resolve(false);
		this.#waiting.clear();
		// Not a turn later: what is put from now on is written by the next.
		this.#writing = null;
	}

	/** A ledger that throws is one that does not answer. */
	async #settle(runs: readonly ScheduleRun[]): Promise<Result<readonly boolean[]>> {
		try {
			return await this.#deps.ledger.settle(runs, this.#deps.hold());
		} catch (error) {
			return fail('internal', error instanceof Error ? error.message : String(error));
		}
	}

	async #pause(): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#resume = resolve;
		using _timer = this.#deps.clock.after(PAUSE_MS, resolve);
		await promise;
		this.#resume = null;
	}

	#setTrouble(words: string | null): void {
		if (this.#trouble === words) return;
		this.#trouble = words;
		if (words !== null) this.#deps.log.error('schedules.settle-failed', { reason: words });
		this.#deps.onNews();
	}
}

function idOf(run: ScheduleRun): string {
	return `${run.key}\n${run.dueAt}\n${run.manual}`;
}
