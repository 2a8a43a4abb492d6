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

interface Sent {
	readonly batch: readonly Entry[];
	readonly done: Promise<Committed>;
}

type Committed =
	| { readonly ok: true; readonly facts: readonly (StartedFacts | null)[] }
	| { readonly ok: false; readonly reason: string };

/**
 * Transactions on their way to the store: one waits there while another is written, so that the store is not idle for as long as it takes
 * to hear of an end and to pack what comes next.
 */
const AT_ONCE = 2;
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
	/** On their way to the store, oldest first. */
	#sent: Sent[] = [];
	/** One of them was refused: nothing follows until all of it is tried again. */
	#halted = false;
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
		if (this.#next === 'soon') return;
		if (this.#writing) {
			if (this.#follows) this.#sendSoon();
			return;
		}
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

	/**
	 * Whether what waits may follow what is on its way. Log lines follow nothing: told twice they change nothing, but a run's later ones
	 * written without its earlier ones would take their numbers.
	 */
	get #follows(): boolean {
		if (this.#halted || this.#waiting.length < ENOUGH) return false;
		return this.#sent.length === 0 || (this.#sent.length < AT_ONCE && this.#lines === 0);
	}

	#sendSoon(): void {
		this.#next = 'soon';
		setImmediate(() => {
			this.#next = 'none';
			// All that was on its way may have come to its end in the meantime.
			if (!this.#writing) this.#schedule();
			else if (this.#follows) this.#send();
		});
	}

	#send(): void {
		const batch = this.#takeBatch();
		if (batch.length > 0) this.#sent.push({ batch, done: this.#commit(batch) });
	}

	async #pump(): Promise<void> {
		if (this.#writing) return;
		this.#writing = true;
		this.#send();
		for (let [oldest] = this.#sent; oldest !== undefined; [oldest] = this.#sent) {
			const found = await oldest.done;
			if (found.ok) {
				this.#sent.shift();
				// While much is written, the next is on its way before those go on that waited for this one.
				if (this.#follows) this.#send();
				this.#tell(oldest.batch, found.facts);
			} else await this.#refuseAll(found.reason);
		}
		this.#writing = false;
		this.#lastWrite = this.#clock.monotonic();
		if (this.#waiting.length > 0) this.#schedule();
		else if (this.#refused.size === 0) {
			this.#idle?.resolve();
			this.#idle = null;
		}
	}

	/**
	 * The oldest of what is on its way was refused. What followed it may have been taken without it, where the end of a run whose beginning
	 * is missing says nothing: all of it is written again, in its order, which changes nothing of what is there.
	 */
	async #refuseAll(reason: string): Promise<void> {
		this.#halted = true;
		await Promise.all(this.#sent.map(({ done }) => done));
		const batch = this.#sent.flatMap((sent) => sent.batch);
		this.#sent = [];
		await this.#refuse(batch, reason);
		this.#halted = false;
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
