/** A slot: a place for one task at a time, with the runner that runs it and is replaced when it dies or asks for it. */
import type { Clock } from '#main/domain/clock.ts';
import type { RunnerSpec, SlotState, SlotView, TaskLimits } from '#main/domain/consumer.ts';
import type { Log } from '#main/domain/log.ts';
import type { LogLine } from '#main/domain/task.ts';
import { ownLine } from './outcome.ts';
import type { StartRunner } from './ports.ts';
import type { HookCall, Job, JobEnd, KillReason, Runner, SlotEnd } from './runner.ts';

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

type OnLines = (lines: readonly LogLine[]) => void | Promise<void>;

const RETRY_MS = [500, 1000, 2000, 5000, 10_000, 30_000];
/** A runner asks to be replaced when code changed; one that asks again and again is given up for the moment. */
const REPLACEMENTS = 5;
const HANG_MS = 30_000;
/** Idle runners are asked for a sign of life this often; busy ones with the first job after half of it. */
const PING_EVERY_MS = 15_000;

export class Slot {
	readonly number: number;
	readonly #options: SlotOptions;
	#runner: Runner | null = null;
	#ready = false;
	/** Its runner was ready once and is being replaced on purpose or after a task's death. */
	#proven = false;
	#busy = false;
	#closed = false;
	#failures = 0;
	#retry: Disposable | null = null;
	#launching: Promise<void> | null = null;
	#state: SlotState;
	#taskNames: readonly string[] | null = null;
	/** Set once Warren has killed the runner that runs now. */
	#killed: KillReason | null = null;
	#jobs = 0;
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
		return this.#ready && !this.#busy && !this.#closed;
	}

	get busy(): boolean {
		return this.#busy;
	}

	/** Has a runner that works, busy or not, or will have one presently. */
	get usable(): boolean {
		return this.#ready || this.#busy || (this.#proven && this.#failures === 0 && !this.#closed);
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
		const { softMs, hardMs } = this.#options.limits;
		return this.#work((runner) => runner.run(softMs === null ? job : { ...job, softMs }, onLines), hardMs, true);
	}

	/** Has a failure hook called, for `timeoutMs` at most. Never rejects. */
	hook(call: HookCall, timeoutMs: number, onLines: OnLines): Promise<SlotEnd> {
		return this.#work((runner) => runner.hook(call, onLines), timeoutMs, false);
	}

	/** Ends the runner at once; a running job ends as killed for this reason, or as died without one. */
	kill(why: KillReason | null = null): void {
		if (this.#runner === null) return;
		this.#killed ??= why;
		this.#runner.kill();
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

	async #work(begin: (runner: Runner) => Promise<JobEnd>, hardMs: number | null, task: boolean): Promise<SlotEnd> {
		const { clock, log, limits } = this.#options;
		this.#busy = true;
		try {
			for (let tries = 0; tries < REPLACEMENTS; tries += 1) {
				if (!this.#ready) await this.#launching;
				const runner = this.#runner;
				if (runner === null || !this.#ready) return this.#unavailable();
				if (clock.monotonic() - this.#lastPing > PING_EVERY_MS / 2) this.#ping(runner);
				const timer = hardMs === null ? null : clock.after(hardMs, () => this.kill({ kind: 'time', limitMs: hardMs }));
				const end = await begin(runner);
				timer?.[Symbol.dispose]();
				if (end.kind === 'declined') {
					log.info('runner.replaced', { slot: this.number, reason: end.reason });
					await this.#replace(runner);
					continue;
				}
				const killed = this.#killed;
				if (end.kind === 'died' && killed?.kind === 'hung') {
					void this.#replace(runner);
					return { kind: 'unavailable', reason: hungWords(killed.afterMs) };
				}
				if (task) this.done += 1;
				this.#jobs += 1;
				this.#failures = 0;
				if (end.kind === 'died' || killed !== null) void this.#replace(runner);
				else if (limits.recycleAfter !== null && this.#jobs >= limits.recycleAfter) {
					log.info('runner.recycled', { slot: this.number, jobs: this.#jobs });
					void this.#replace(runner);
				}
				return end.kind === 'died' && killed !== null ? { kind: 'killed', why: killed } : end;
			}
			return { kind: 'unavailable', reason: 'Its code kept changing on disk.' };
		} finally {
			this.#busy = false;
		}
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
		this.#killed = null;
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
			if (this.#runner !== runner || this.#busy || this.#closed) return;
			this.#ready = false;
			const how = signal ?? `exit code ${exitCode}`;
			this.#options.log.warn('runner.died-idle', { slot: this.number, how });
			const meant = this.#killed !== null;
			if (meant || this.#options.clock.monotonic() - launchedAt > 5000) void this.#replace(runner);
			else void this.#failed(runner, `The runner ended (${how}) while it waited for tasks.`);
		});
		if (!this.#busy) this.#setState(this.#idle());
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
