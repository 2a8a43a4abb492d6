/**
 * Writes history for a consumer set: collects what its slots have to say into one transaction after another, keeps the order
 * within each run, and goes on trying when the store refuses. What it resolves, is committed.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { Log } from '#main/domain/log.ts';
import type { HistoryOp, StartedFacts } from '#main/domain/task.ts';
import type { HistoryStore } from '#main/store/store.ts';

interface Entry {
	readonly run: string;
	readonly ops: readonly HistoryOp[];
	readonly lines: number;
	readonly resolve: (facts: StartedFacts | null) => void;
}

type Committed =
	| { readonly ok: true; readonly facts: readonly (StartedFacts | null)[] }
	| { readonly ok: false; readonly reason: string };

/** Facts per transaction at most, so that one commit doesn't hold up the others for long. */
const OPS_PER_BATCH = 1000;
/** Waiting log lines above which tasks have to wait with printing, and below which they go on. */
const LINES_HIGH = 20_000;
const LINES_LOW = 5000;
/**
 * While much is written, a transaction waits this long to gather more, unless it has enough: short tasks come by the hundred per
 * second, and a commit costs more than what it holds. Nobody waits for it but acknowledgements, of which a set has some to spare.
 */
const GATHER_MS = 5;
const ENOUGH = 160;
const BUSY_MS = 15;
const RETRY_MS = [500, 1000, 2000, 5000, 10_000, 30_000];
/** Runs tried one by one after a refusal, before the refusal is taken to concern them all. */
const PROBES = 3;

export class Ledger {
	readonly #history: Pick<HistoryStore, 'apply'>;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #onProblem: () => void;
	#waiting: Entry[] = [];
	#writing = false;
	/** The turn in which the next transaction begins: a wait that gathers can be cut short, the next turn of the loop cannot. */
	#next: 'none' | 'soon' | Disposable = 'none';
	#lastWrite = Number.NEGATIVE_INFINITY;
	/** Runs whose facts the store refused, oldest first, with all that came after them. */
	readonly #refused = new Map<string, Entry[]>();
	#retries = 0;
	#retry: Disposable | null = null;
	#lines = 0;
	#relief: PromiseWithResolvers<void> | null = null;
	#idle: PromiseWithResolvers<void> | null = null;
	/** Why history can't be written at the moment, for a person; null when it can. */
	problem: string | null = null;

	constructor(history: Pick<HistoryStore, 'apply'>, clock: Clock, log: Log, onProblem: () => void) {
		this.#history = history;
		this.#clock = clock;
		this.#log = log;
		this.#onProblem = onProblem;
	}

	/** Resolves once these facts are committed, with what the first of them found if it was a `started`. */
	write(run: string, ops: readonly HistoryOp[]): Promise<StartedFacts | null> {
		let lines = 0;
		for (const op of ops) if (op.kind === 'log') lines += op.lines.length;
		this.#lines += lines;
		return new Promise((resolve) => {
			const entry: Entry = { run, ops, lines, resolve };
			const refused = this.#refused.get(run);
			if (refused !== undefined) refused.push(entry);
			else {
				this.#waiting.push(entry);
				this.#schedule();
			}
		});
	}

	/** A promise to wait for before more lines are taken; undefined while there is room. */
	pressure(): Promise<void> | undefined {
		if (this.#lines < LINES_HIGH) return undefined;
		this.#relief ??= Promise.withResolvers();
		return this.#relief.promise;
	}

	/** Resolves when all is committed. */
	drained(): Promise<void> {
		if (!this.#writing && this.#waiting.length === 0 && this.#refused.size === 0) return Promise.resolve();
		this.#idle ??= Promise.withResolvers();
		return this.#idle.promise;
	}

	/** Stops trying; what is not committed stays so. */
	[Symbol.dispose](): void {
		this.#retry?.[Symbol.dispose]();
		this.#retry = null;
	}

	#schedule(): void {
		if (this.#writing || this.#next === 'soon') return;
		const enough = this.#waiting.length >= ENOUGH;
		if (this.#next !== 'none') {
			if (!enough) return;
			this.#next[Symbol.dispose]();
		}
		const pump = (): void => {
			this.#next = 'none';
			void this.#pump();
		};
		if (enough || this.#clock.monotonic() - this.#lastWrite > BUSY_MS) {
			// One turn of the event loop gathers at least what several slots say at once.
			this.#next = 'soon';
			setImmediate(pump);
		} else this.#next = this.#clock.after(GATHER_MS, pump);
	}

	async #pump(): Promise<void> {
		if (this.#writing) return;
		this.#writing = true;
		let batch = this.#takeBatch();
		let written = batch.length === 0 ? null : this.#commit(batch);
		while (written !== null) {
			const found = await written;
			// While much is written, the next is on its way before those go on that waited for this one.
			const next: readonly Entry[] = found.ok && this.#waiting.length >= ENOUGH ? this.#takeBatch() : [];
			written = next.length === 0 ? null : this.#commit(next);
			if (found.ok) this.#tell(batch, found.facts);
			else await this.#refuse(batch, found.reason);
			batch = next;
		}
		this.#writing = false;
		this.#lastWrite = this.#clock.monotonic();
		if (this.#waiting.length > 0) this.#schedule();
		else if (this.#refused.size === 0) {
			this.#idle?.resolve();
			this.#idle = null;
		}
	}

	#takeBatch(): readonly Entry[] {
		let ops = 0;
		let count = 0;
		while (count < this.#waiting.length && (count === 0 || ops < OPS_PER_BATCH)) {
			ops += this.#waiting[count]?.ops.length ?? 0;
			count += 1;
		}
		return this.#waiting.splice(0, count);
	}

	/** Null when committed and told, else why not. */
	async #apply(batch: readonly Entry[]): Promise<string | null> {
		const found = await this.#commit(batch);
		if (!found.ok) return found.reason;
		this.#tell(batch, found.facts);
		return null;
	}

	async #commit(batch: readonly Entry[]): Promise<Committed> {
		try {
			return { ok: true, facts: await this.#history.apply(batch.flatMap((entry) => entry.ops)) };
		} catch (error) {
			return { ok: false, reason: error instanceof Error ? error.message : String(error) };
		}
	}

	/** Tells those that waited for a commit what it found. */
	#tell(batch: readonly Entry[], found: readonly (StartedFacts | null)[]): void {
		let position = 0;
		for (const entry of batch) {
			entry.resolve(found[position] ?? null);
			position += entry.ops.length;
			this.#lines -= entry.lines;
		}
		if (this.#relief !== null && this.#lines <= LINES_LOW) {
			this.#relief.resolve();
			this.#relief = null;
		}
	}

	/** Finds out whether all of it is refused (a full disk) or one run's facts only, so that one strange run stops no other. */
	async #refuse(batch: readonly Entry[], failure: string): Promise<void> {
		const runs = Map.groupBy(batch, (entry) => entry.run);
		let accepted = 0;
		let refused = 0;
		let reason = failure;
		for (const [run, entries] of runs) {
			const hopeless = runs.size === 1 || (accepted === 0 && refused >= PROBES);
			const again = hopeless ? reason : await this.#apply(entries);
			if (again === null) {
				accepted += 1;
				continue;
			}
			refused += 1;
			reason = again;
			this.#refused.set(run, [...(this.#refused.get(run) ?? []), ...entries]);
		}
		this.#log.warn('consumer.history-refused', { runs: refused, accepted, reason });
		// What arrived for a refused run in the meantime follows it, or it would overtake.
		this.#waiting = this.#waiting.filter((entry) => {
			const before = this.#refused.get(entry.run);
			before?.push(entry);
			return before === undefined;
		});
		if (this.#refused.size > 0) this.#tryLater(`Outcomes cannot be stored: ${reason}`);
	}

	#tryLater(problem: string): void {
		this.problem = problem;
		this.#onProblem();
		if (this.#retry !== null) return;
		const wait = RETRY_MS[Math.min(this.#retries, RETRY_MS.length - 1)] as number;
		this.#retries += 1;
		this.#retry = this.#clock.after(wait, () => {
			this.#retry = null;
			void this.#tryAgain();
		});
	}

	async #tryAgain(): Promise<void> {
		for (const [run, entries] of [...this.#refused]) {
			const count = entries.length;
			const failure = await this.#apply(entries.slice(0, count));
			if (failure !== null) {
				this.#tryLater(`Outcomes cannot be stored: ${failure}`);
				return;
			}
			const rest = entries.slice(count);
			this.#refused.delete(run);
			this.#waiting.push(...rest);
		}
		this.#retries = 0;
		this.problem = null;
		this.#onProblem();
		void this.#pump();
	}
}
