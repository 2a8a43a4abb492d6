/** A slot: a place for one task at a time, with the runner that runs it and is replaced when it dies or asks for it. */
import type { Clock } from '#main/domain/clock.ts';
import type { RunnerSpec, SlotState, SlotView } from '#main/domain/consumer.ts';
import type { Log } from '#main/domain/log.ts';
import type { LogLine } from '#main/domain/task.ts';
import type { StartRunner } from './ports.ts';
import type { Job, JobEnd, Runner } from './runner.ts';

export interface SlotOptions {
	readonly number: number;
	readonly spec: RunnerSpec;
	readonly startRunner: StartRunner;
	readonly clock: Clock;
	readonly log: Log;
	readonly onStray: (slot: number, lines: readonly LogLine[]) => void;
	/** State, readiness or pid changed. */
	readonly onChange: () => void;
}

/** How a job ended, or why no runner could be had for it (nothing was run then). */
export type SlotEnd =
	| Exclude<JobEnd, { readonly kind: 'declined' }>
	| { readonly kind: 'unavailable'; readonly reason: string };

const RETRY_MS = [500, 1000, 2000, 5000, 10_000, 30_000];
/** A runner asks to be replaced when code changed; one that asks again and again is given up for the moment. */
const REPLACEMENTS = 5;

export class Slot {
	readonly number: number;
	readonly #options: SlotOptions;
	#runner: Runner | null = null;
	#ready = false;
	#busy = false;
	#closed = false;
	#failures = 0;
	#retry: Disposable | null = null;
	#launching: Promise<void> | null = null;
	#state: SlotState;
	#taskNames: readonly string[] | null = null;
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

	/** Has a runner that works, busy or not. */
	get usable(): boolean {
		return this.#ready || this.#busy;
	}

	/** Tries to start a runner that failed in a row. */
	get failures(): number {
		return this.#failures;
	}

	get taskNames(): readonly string[] | null {
		return this.#taskNames;
	}

	get problem(): string | null {
		return this.#state.kind === 'stopped' ? this.#state.reason : null;
	}

	view(): SlotView {
		return { number: this.number, pid: this.#runner?.pid ?? null, state: this.#state, done: this.done };
	}

	/** Starts a runner. */
	start(): void {
		this.#launching = this.#launch();
	}

	/** Shows what it is running. */
	show(state: Extract<SlotState, { readonly kind: 'running' }>): void {
		this.#setState(state);
	}

	/** Shows that it is running nothing (any more). */
	rest(): void {
		if (this.#state.kind === 'running' && this.#ready) this.#setState(this.#idle());
	}

	/** Runs one job, replacing the runner where it asks for that. Never rejects. */
	async run(job: Job, onLines: (lines: readonly LogLine[]) => void | Promise<void>): Promise<SlotEnd> {
		this.#busy = true;
		try {
			for (let tries = 0; tries < REPLACEMENTS; tries += 1) {
				if (!this.#ready) await this.#launching;
				const runner = this.#runner;
				if (runner === null || !this.#ready) return this.#unavailable();
				const end = await runner.run(job, onLines);
				if (end.kind !== 'declined') {
					this.done += 1;
					this.#failures = 0;
					if (end.kind === 'died') void this.#replace(runner);
					return end;
				}
				this.#options.log.info('runner.replaced', { slot: this.number, reason: end.reason });
				await this.#replace(runner);
			}
			return { kind: 'unavailable', reason: 'Its code kept changing on disk.' };
		} finally {
			this.#busy = false;
		}
	}

	/** Ends the runner at once; a running job ends as died. */
	kill(): void {
		this.#runner?.kill();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closed = true;
		this.#ready = false;
		this.#retry?.[Symbol.dispose]();
		await this.#runner?.[Symbol.asyncDispose]();
		this.#runner = null;
		this.#setState({ kind: 'stopped', since: this.#options.clock.now(), reason: 'The consumer stopped.' });
	}

	#unavailable(): SlotEnd {
		return { kind: 'unavailable', reason: this.problem ?? 'No runner was ready.' };
	}

	/** Starts a runner and resolves when it is ready or has failed. */
	async #launch(): Promise<void> {
		if (this.#closed) return;
		this.#setState({ kind: 'starting', since: this.#options.clock.now() });
		const runner = this.#options.startRunner(this.#options.spec, (lines) => this.#options.onStray(this.number, lines));
		this.#runner = runner;
		const launchedAt = this.#options.clock.monotonic();
		try {
			await runner.started;
		} catch (error) {
			await this.#failed(runner, error instanceof Error ? error.message : String(error));
			return;
		}
		if (this.#closed) return;
		this.#ready = true;
		this.#taskNames = runner.taskNames;
		void runner.exited.then(({ exitCode, signal }) => {
			// Busy: the job's own end tells, and `run` replaces the runner.
			if (this.#runner !== runner || this.#busy || this.#closed) return;
			this.#ready = false;
			const how = signal ?? `exit code ${exitCode}`;
			this.#options.log.warn('runner.died-idle', { slot: this.number, how });
			if (this.#options.clock.monotonic() - launchedAt > 5000) void this.#replace(runner);
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
		this.#failures += 1;
		this.#options.log.warn('runner.start-failed', { slot: this.number, failures: this.#failures, reason });
		if (this.#closed) return;
		this.#setState({ kind: 'stopped', since: this.#options.clock.now(), reason });
		const wait = RETRY_MS[Math.min(this.#failures - 1, RETRY_MS.length - 1)] as number;
		this.#retry = this.#options.clock.after(wait, () => this.start());
		await runner[Symbol.asyncDispose]();
	}

	async #replace(runner: Runner): Promise<void> {
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
