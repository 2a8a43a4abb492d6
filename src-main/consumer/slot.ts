/** A slot: a place for one task at a time, with the runner that runs it and is replaced when it dies or asks for it. */
import type { Clock } from '#main/domain/clock.ts';
import type { RunnerSpec, SlotState, SlotView, TaskLimits } from '#main/domain/consumer.ts';
import type { Log } from '#main/domain/log.ts';
import type { LogLine } from '#main/domain/task.ts';
import { ownLine } from './outcome.ts';
import type { StartRunner } from './ports.ts';
import type { HookCall, Job, JobEnd, KillReason, OnLines, Runner, SlotEnd } from './runner.ts';
import { Trust } from './trust.ts';

export interface SlotOptions {
	readonly number: number;
	readonly spec: RunnerSpec;
	readonly limits: TaskLimits;
	/** How long a runner may take to answer a ping; default: 30,000. */
	readonly hangMs?: number;
	readonly startRunner: StartRunner;
	readonly clock: Clock;
	readonly log: Log;
	readonly onStray: (slot: number, lines: readonly LogLine[]) => void;
	/** State, readiness or pid changed. */
	readonly onChange: () => void;
}

/** What becomes of a job that was handed over behind another: nothing of it was run where it was handed back. */
export type AheadEnd = SlotEnd | { readonly kind: 'handed-back' };

const RETRY_MS = [500, 1000, 2000, 5000, 10_000, 30_000];
/** A runner asks to be replaced when code changed; one that asks again and again is given up for the moment. */
const REPLACEMENTS = 5;
const HANG_MS = 30_000;
/** Idle runners are asked for a sign of life this often; busy ones with the first job after half of it. */
const PING_EVERY_MS = 15_000;
/**
 * Jobs handed over behind the one that runs: the least, and the most of those that are over so soon that all of them together take
 * `AHEAD_WORK_MS`. And how long they may take to begin.
 */
const LEAST_AHEAD = 16;
const MOST_AHEAD = 96;
const AHEAD_WORK_MS = 16;
const AHEAD_MS = 250;
/** Share of the newest job in the pace. */
const NEWEST = 1 / 16;
/** A job that has run so long is none of those that are over before the next could be handed over. */
const LONG_MS = 50;
/** Under a hard limit shorter than this, jobs are handed over one by one: a kill must never meet the next one. */
const LEAST_HARD_MS = 1000;

export class Slot {
	readonly number: number;
	readonly #options: SlotOptions;
	#runner: Runner | null = null;
	#ready = false;
	/** Its runner was ready once and is being replaced on purpose or after a task's death. */
	#proven = false;
	/** Jobs in its runner's hands. */
	#outstanding = 0;
	/** Those of them that have to be alone there. */
	#alone = 0;
	/** The run that goes on, since when, and until when another may begin behind it. */
	#current = '';
	#since = 0;
	#until = 0;
	#filling = true;
	/** One of them failed, so that those behind it come back. */
	#broken = false;
	#emptied: PromiseWithResolvers<void> | null = null;
	readonly #trust = new Trust();
	#closed = false;
	#failures = 0;
	#retry: Disposable | null = null;
	#launching: Promise<void> | null = null;
	#state: SlotState;
	#taskNames: readonly string[] | null = null;
	/** Why runners were killed, and for the sake of which run. */
	readonly #kills = new WeakMap<Runner, { readonly why: KillReason; readonly run: string | null }>();
	#jobs = 0;
	/** Milliseconds that its jobs take lately. */
	#pace = LONG_MS;
	#pingTimer: Disposable | null = null;
	#hangTimer: Disposable | null = null;
	#lastPing = Number.NEGATIVE_INFINITY;
	/** Resident memory of its processes in bytes, as last looked at. */
	rss: number | null = null;
	done = 0;

	constructor(options: SlotOptions) {
		this.number = options.number;
		this.#options = options;
		this.#state = { kind: 'starting', since: options.clock.now() };
	}

	/** Can take a job now. */
	get free(): boolean {
		return this.#ready && !this.busy && !this.#closed;
	}

	get busy(): boolean {
		return this.#outstanding > 0;
	}

	/** Jobs in its runner's hands, the one that runs included. */
	get outstanding(): number {
		return this.#outstanding;
	}

	/** Filled up in one go and then left until half of it is done: few writes with many jobs cost less than many with one. */
	get #roomAhead(): boolean {
		const depth = Math.min(MOST_AHEAD, Math.max(LEAST_AHEAD, Math.floor(AHEAD_WORK_MS / this.#pace)));
		if (this.#outstanding > depth) this.#filling = false;
		else if (this.#outstanding <= depth / 2) this.#filling = true;
		return this.#filling;
	}

	/**
	 * Whether a job of this name may be handed over behind those it has: only where that costs nobody anything. What it has are
	 * tasks that are known to be short and quiet, none of them has grown long, and the runner has shown that it lives.
	 */
	takesAhead(name: string): boolean {
		const runner = this.#runner;
		if (runner?.ahead === undefined || !this.#ready || this.#closed || this.#kills.has(runner)) return false;
		if (this.#outstanding === 0 || this.#broken || !this.#roomAhead || this.#alone > 0 || !this.#trust.has(name))
			return false;
		const { hardMs, recycleAfter } = this.#options.limits;
		if (hardMs !== null && hardMs < LEAST_HARD_MS) return false;
		if (recycleAfter !== null && this.#jobs + this.#outstanding >= recycleAfter) return false;
		const now = this.#options.clock.monotonic();
		return now - this.#since < LONG_MS && now - this.#lastPing < PING_EVERY_MS / 2;
	}

	/** Has a runner that works, busy or not, or will have one presently. */
	get usable(): boolean {
		return this.#ready || this.busy || (this.#proven && this.#failures === 0 && !this.#closed);
	}

	/** Tries to start a runner that failed in a row. */
	get failures(): number {
		return this.#failures;
	}

	get taskNames(): readonly string[] | null {
		return this.#taskNames;
	}

	get pid(): number | null {
		return this.#runner?.pid ?? null;
	}

	get problem(): string | null {
		return this.#state.kind === 'stopped' ? this.#state.reason : null;
	}

	view(): SlotView {
		const { number, pid, done, rss } = this;
		return { number, pid, state: this.#state, done, rssBytes: rss };
	}

	/** Starts a runner. */
	start(): void {
		this.#launching = this.#launch();
		this.#pulse();
	}

	/** Shows what it is running. */
	show(state: Extract<SlotState, { readonly kind: 'running' }>): void {
		this.#setState(state);
	}

	/** Shows that it is running nothing (any more). */
	rest(): void {
		if (this.#state.kind === 'running' && this.#ready) this.#setState(this.#idle());
	}

	/** Runs one job within the limits, replacing the runner where it asks for that. Never rejects. */
	run(job: Job, onLines: OnLines): Promise<SlotEnd> {
		const { hardMs } = this.#options.limits;
		return this.#work(job.run, (runner) => runner.run(this.#limited(job), onLines), hardMs, job.name);
	}

	/** Hands a job over behind those it has, where `takesAhead`; `onBegun` is called once it runs. Never rejects. */
	async ahead(job: Job, onLines: OnLines, onBegun: () => void): Promise<AheadEnd> {
		const runner = this.#runner;
		if (runner?.ahead === undefined) return { kind: 'handed-back' };
		const { clock, limits } = this.#options;
		this.#outstanding += 1;
		this.#until = clock.now() + AHEAD_MS;
		const outputs = runner.outputs;
		let timer: Disposable | null = null;
		try {
			const end = await runner.ahead(this.#limited(job), this.#until, onLines, () => {
				timer = this.#begin(job.run, limits.hardMs);
				onBegun();
			});
			(timer as Disposable | null)?.[Symbol.dispose]();
			if (end.kind === 'declined') this.#options.log.info('runner.replaced', { slot: this.number, reason: end.reason });
			if (end.kind === 'declined' || (end.kind === 'handed-back' && end.gone)) void this.#replace(runner);
			if (end.kind === 'declined' || end.kind === 'handed-back') return { kind: 'handed-back' };
			return this.#ended(runner, end, job.run, job.name, outputs);
		} finally {
			this.#release();
		}
	}

	/** Takes back what was handed over behind a job that goes on for long. */
	withdraw(): void {
		const runner = this.#runner;
		if (!this.#overdue) return;
		// What the runner began in time may have been said already, and not been read by a process that was held up itself: a turn
		// of the event loop reads it. Taken back unread, it would seem to run twice, and its runner would be killed for it.
		setImmediate(() => {
			setImmediate(() => {
				if (this.#runner === runner && this.#overdue) runner?.withdraw?.();
			});
		});
	}

	/** Whether jobs that were handed over have been waiting for longer than they may begin. */
	get #overdue(): boolean {
		return this.#outstanding > 1 && this.#options.clock.now() > this.#until + LONG_MS;
	}

	/** Has a failure hook called, for `timeoutMs` at most. Never rejects. */
	async hook(call: HookCall, timeoutMs: number, onLines: OnLines): Promise<SlotEnd> {
		// What was handed over behind the task that failed is about to come back.
		while (this.busy) {
			this.#emptied ??= Promise.withResolvers();
			await this.#emptied.promise;
		}
		return await this.#work(call.run, (runner) => runner.hook(call, onLines), timeoutMs, null);
	}

	/**
	 * Ends the runner; a running job ends as killed for this reason, or as died without one. With a run, it is that one which is to
	 * end: should others be able to begin behind it, their time is waited for first, and nothing is done if it has ended by then.
	 */
	kill(why: KillReason | null = null, run: string | null = null): void {
		const runner = this.#runner;
		if (runner === null) return;
		if (run !== null) {
			const { clock } = this.#options;
			if (this.#current !== run) return;
			const wait = this.#outstanding > 1 ? this.#until - clock.now() : 0;
			if (wait > 0) {
				clock.after(wait + 1, () => this.kill(why, run));
				return;
			}
		}
		if (why !== null && !this.#kills.has(runner)) this.#kills.set(runner, { why, run });
		runner.kill();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closed = true;
		this.#ready = false;
		this.#retry?.[Symbol.dispose]();
		this.#pingTimer?.[Symbol.dispose]();
		this.#hangTimer?.[Symbol.dispose]();
		await this.#runner?.[Symbol.asyncDispose]();
		this.#runner = null;
		this.#setState({ kind: 'stopped', since: this.#options.clock.now(), reason: 'The consumer stopped.' });
	}

	async #work(
		run: string,
		begin: (runner: Runner) => Promise<JobEnd>,
		hardMs: number | null,
		task: string | null,
	): Promise<SlotEnd> {
		const { clock, log } = this.#options;
		const alone = task === null || !this.#trust.has(task);
		this.#current = run;
		this.#outstanding += 1;
		if (alone) this.#alone += 1;
		try {
			for (let tries = 0; tries < REPLACEMENTS; tries += 1) {
				if (!this.#ready) await this.#launching;
				const runner = this.#runner;
				if (runner === null || !this.#ready) return this.#unavailable();
				if (clock.monotonic() - this.#lastPing > PING_EVERY_MS / 2) this.#ping(runner);
				const outputs = runner.outputs;
				const timer = this.#begin(run, hardMs);
				const end = await begin(runner);
				timer?.[Symbol.dispose]();
				// Nothing else was in its hands, so that nothing can have been handed back.
				if (end.kind === 'declined' || end.kind === 'handed-back') {
					log.info('runner.replaced', { slot: this.number, reason: end.kind === 'declined' ? end.reason : 'gone' });
					await this.#replace(runner);
					continue;
				}
				return this.#ended(runner, end, run, task, outputs);
			}
			return { kind: 'unavailable', reason: 'Its code kept changing on disk.' };
		} finally {
			if (alone) this.#alone -= 1;
			this.#release();
		}
	}

	/** A job is out of its runner's hands. */
	#release(): void {
		this.#outstanding -= 1;
		if (this.#outstanding > 0) return;
		this.#broken = false;
		this.#emptied?.resolve();
		this.#emptied = null;
	}

	#limited(job: Job): Job {
		const { softMs } = this.#options.limits;
		return softMs === null ? job : { ...job, softMs };
	}

	/** A job begins: it is the one that limits count for. */
	#begin(run: string, hardMs: number | null): Disposable | null {
		const { clock } = this.#options;
		this.#current = run;
		this.#since = clock.monotonic();
		return hardMs === null ? null : clock.after(hardMs, () => this.kill({ kind: 'time', limitMs: hardMs }, run));
	}

	/** What a job's end means for its runner, and the end as the set is told it. `task`: its name; null for a hook. */
	#ended(
		runner: Runner,
		end: Exclude<JobEnd, { readonly kind: 'declined' | 'handed-back' }>,
		run: string,
		task: string | null,
		outputs: number | undefined,
	): SlotEnd {
		const { log, limits } = this.#options;
		if (end.kind !== 'returned') this.#broken = true;
		this.#pace = end.kind === 'returned' ? this.#pace + (end.runtimeMs - this.#pace) * NEWEST : LONG_MS;
		const kill = this.#kills.get(runner) ?? null;
		if (end.kind === 'died' && (kill?.why.kind === 'hung' || (kill !== null && (kill.run ?? run) !== run))) {
			void this.#replace(runner);
			const { why } = kill;
			const reason = why.kind === 'hung' ? hungWords(why.afterMs) : 'Its process was killed because of another task.';
			return { kind: 'unavailable', reason };
		}
		if (task !== null) {
			this.done += 1;
			if (runner.outputs !== outputs) this.#trust.lose();
			else this.#trust.note(task, end);
		}
		this.#jobs += 1;
		this.#failures = 0;
		const leaving = end.kind === 'raised' && end.leaving === true;
		if (end.kind === 'died' || leaving || kill !== null) void this.#replace(runner);
		else if (limits.recycleAfter !== null && this.#jobs >= limits.recycleAfter) {
			log.info('runner.recycled', { slot: this.number, jobs: this.#jobs });
			void this.#replace(runner);
		}
		return end.kind === 'died' && kill !== null ? { kind: 'killed', why: kill.why } : end;
	}

	#unavailable(): SlotEnd {
		return { kind: 'unavailable', reason: this.problem ?? 'No runner was ready.' };
	}

	/** Idle runners are asked for a sign of life now and then: one that hangs would swallow the next task. */
	#pulse(): void {
		this.#pingTimer?.[Symbol.dispose]();
		this.#pingTimer = this.#options.clock.after(PING_EVERY_MS, () => {
			if (this.#closed) return;
			if (this.free && this.#runner !== null) this.#ping(this.#runner);
			this.#pulse();
		});
	}

	#ping(runner: Runner): void {
		if (this.#hangTimer !== null) return;
		const { clock, hangMs = HANG_MS, log } = this.#options;
		this.#lastPing = clock.monotonic();
		const timer = clock.after(hangMs, () => {
			if (this.#runner !== runner || this.#closed) return;
			this.#hangTimer = null;
			log.warn('runner.hung', { slot: this.number, pid: runner.pid, afterMs: hangMs });
			this.#options.onStray(this.number, [ownLine(clock.now(), 'error', hungWords(hangMs))]);
			this.kill({ kind: 'hung', afterMs: hangMs });
		});
		this.#hangTimer = timer;
		void runner.ping().then(() => {
			timer[Symbol.dispose]();
			if (this.#hangTimer === timer) this.#hangTimer = null;
		});
	}

	/** Starts a runner and resolves when it is ready or has failed. */
	async #launch(): Promise<void> {
		if (this.#closed) return;
		this.#setState({ kind: 'starting', since: this.#options.clock.now() });
		const runner = this.#options.startRunner(this.#options.spec, (lines) => this.#options.onStray(this.number, lines));
		this.#hangTimer?.[Symbol.dispose]();
		this.#hangTimer = null;
		this.#runner = runner;
		this.#jobs = 0;
		this.rss = null;
		const launchedAt = this.#options.clock.monotonic();
		try {
			await runner.started;
		} catch (error) {
			await this.#failed(runner, error instanceof Error ? error.message : String(error));
			return;
		}
		if (this.#closed) return;
		this.#ready = true;
		this.#proven = true;
		this.#taskNames = runner.taskNames;
		this.#lastPing = this.#options.clock.monotonic();
		void runner.exited.then(({ exitCode, signal }) => {
			// Busy: the job's own end tells, and `run` replaces the runner.
			if (this.#runner !== runner || this.busy || this.#closed) return;
			this.#ready = false;
			const how = signal ?? `exit code ${exitCode}`;
			this.#options.log.warn('runner.died-idle', { slot: this.number, how });
			const meant = this.#kills.has(runner);
			if (meant || this.#options.clock.monotonic() - launchedAt > 5000) void this.#replace(runner);
			else void this.#failed(runner, `The runner ended (${how}) while it waited for tasks.`);
		});
		if (!this.busy) this.#setState(this.#idle());
		else this.#options.onChange();
	}

	#idle(): SlotState {
		return { kind: 'idle', since: this.#options.clock.now() };
	}

	async #failed(runner: Runner, reason: string): Promise<void> {
		this.#ready = false;
		this.#proven = false;
		this.#failures += 1;
		this.#options.log.warn('runner.start-failed', { slot: this.number, failures: this.#failures, reason });
		if (this.#closed) return;
		this.#setState({ kind: 'stopped', since: this.#options.clock.now(), reason });
		const wait = RETRY_MS[Math.min(this.#failures - 1, RETRY_MS.length - 1)] as number;
		this.#retry = this.#options.clock.after(wait, () => {
			this.#launching = this.#launch();
		});
		await runner[Symbol.asyncDispose]();
	}

	async #replace(runner: Runner): Promise<void> {
		// Somebody else is at it.
		if (this.#runner !== runner) return;
		this.#ready = false;
		const gone = runner[Symbol.asyncDispose]();
		this.#launching = this.#launch();
		await this.#launching;
		await gone;
	}

	#setState(state: SlotState): void {
		this.#state = state;
		this.#options.onChange();
	}
}

function hungWords(afterMs: number): string {
	return `The runner gave no sign of life for ${Math.round(afterMs / 1000)} s between two tasks and was killed.`;
}
