/** A runner that speaks the line protocol with a process: starts it, hands it jobs, collects what it says until it is gone. */
import type { Clock } from '#main/domain/clock.ts';
import type { LogLine } from '#main/domain/task.ts';
import type { ProcessEnd, ProcessSpec, RunnerProcess, SpawnProcess } from './process.ts';
import { LineSplitter, OutputSplitter, outputLine, PING, readMessage, writeHook, writeJob } from './protocol.ts';
import type { HookCall, Job, JobEnd, Runner } from './runner.ts';

export interface SessionOptions {
	readonly process: ProcessSpec;
	readonly spawn: SpawnProcess;
	readonly clock: Clock;
	/** How long it may take until it can run tasks; a Django project may need many seconds. */
	readonly readyDeadlineMs: number;
	/** How long it may take to end by itself when disposed of. */
	readonly graceMs: number;
	/** Puts into words why it could not start. `lastWords` is what it printed, perhaps empty. */
	readonly explain: (why: StartProblem, lastWords: string) => string;
	/** Gets output that belongs to no task: of start-up, or of threads that outlive their task. */
	readonly onStray: (lines: readonly LogLine[]) => void;
}

export type StartProblem =
	| { readonly kind: 'ended'; readonly end: ProcessEnd }
	| { readonly kind: 'deadline'; readonly afterMs: number }
	| { readonly kind: 'told'; readonly message: string; readonly traceback: string | null };

interface Current {
	readonly run: string;
	readonly onLines: (lines: readonly LogLine[]) => void | Promise<void>;
	readonly resolve: (end: JobEnd) => void;
	lines: LogLine[];
	malformed: number;
	settling: boolean;
}

/** How much of a process's output is kept as its last words, in characters. */
const LAST_WORDS = 4000;
/** Unreadable messages recorded per task; beyond that they are only counted. */
const MALFORMED_SHOWN = 20;
/** Event loop turns to wait at most for raw output that was written before a task's end. */
const QUIET_TURNS = 100;

/** Starts a runner process. Never throws; `started` rejects with words for a person. */
export function openRunnerSession(options: SessionOptions): Runner {
	return new RunnerSession(options);
}

class RunnerSession implements Runner {
	readonly started: Promise<void>;
	readonly exited: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
	taskNames: readonly string[] | null = null;

	readonly #options: SessionOptions;
	readonly #process: RunnerProcess;
	readonly #messages = new LineSplitter();
	readonly #raw = { stdout: new OutputSplitter(), stderr: new OutputSplitter() };
	readonly #deadline: Disposable;
	readonly #readied = Promise.withResolvers<void>();
	readonly #gone = Promise.withResolvers<{ readonly exitCode: number | null; readonly signal: string | null }>();
	#ready = false;
	#end: ProcessEnd | null = null;
	#current: Current | null = null;
	#lastWords = '';
	#rawChunks = 0;
	#stray: LogLine[] = [];
	#pings: (() => void)[] = [];

	constructor(options: SessionOptions) {
		this.#options = options;
		this.started = this.#readied.promise;
		// Somebody who only waits for `exited` must not make the process fall over.
		this.started.catch(() => {});
		this.exited = this.#gone.promise;
		this.#deadline = options.clock.after(options.readyDeadlineMs, () => {
			this.#refuse({ kind: 'deadline', afterMs: options.readyDeadlineMs });
		});
		this.#process = options.spawn(options.process, {
			message: (chunk) => this.#onMessage(chunk),
			output: (source, chunk) => this.#onOutput(source, chunk),
			ended: (end) => this.#onEnded(end),
		});
	}

	get pid(): number | null {
		return this.#process.pid;
	}

	run(job: Job, onLines: Current['onLines']): Promise<JobEnd> {
		return this.#ask(job.run, writeJob(job), onLines);
	}

	hook(call: HookCall, onLines: Current['onLines']): Promise<JobEnd> {
		return this.#ask(call.run, writeHook(call), onLines);
	}

	ping(): Promise<void> {
		return new Promise((resolve) => {
			this.#pings.push(resolve);
			this.#process.send(PING);
		});
	}

	#ask(run: string, line: string, onLines: Current['onLines']): Promise<JobEnd> {
		if (this.#current !== null) throw new Error('A runner runs one task at a time');
		if (this.#end !== null) return Promise.resolve(this.#died(this.#end));
		return new Promise((resolve) => {
			this.#lastWords = '';
			this.#current = { run, onLines, resolve, lines: [], malformed: 0, settling: false };
			this.#process.send(line);
		});
	}

	kill(): void {
		if (this.#end === null) this.#process.kill();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#deadline[Symbol.dispose]();
		if (this.#end === null) {
			this.#process.endInput();
			const grace = this.#options.clock.after(this.#options.graceMs, () => this.kill());
			if (!this.#ready || this.#current !== null) this.kill();
			await this.exited;
			grace[Symbol.dispose]();
		}
	}

	#onMessage(chunk: Buffer): void {
		const now = this.#options.clock.now();
		const droppedBefore = this.#messages.dropped;
		for (const line of this.#messages.push(chunk)) {
			const message = readMessage(line, now);
			switch (message.kind) {
				case 'line':
					this.#keep(message.line, message.run);
					break;
				case 'end':
					this.#onEndOfJob(message.run, message.end);
					break;
				case 'ready':
					this.#onReady(message.tasks);
					break;
				case 'failed':
					this.#refuse({ kind: 'told', message: message.message, traceback: message.traceback });
					break;
				case 'pong':
					this.#pings.shift()?.();
					break;
				case 'malformed':
					this.#onMalformed(message.reason);
			}
		}
		if (this.#messages.dropped > droppedBefore) this.#onMalformed('a line beyond the size that is read');
		this.#flush();
	}

	#onReady(tasks: readonly string[] | null): void {
		if (this.#ready) return;
		this.#ready = true;
		this.taskNames = tasks;
		this.#deadline[Symbol.dispose]();
		this.#readied.resolve();
	}

	#refuse(why: StartProblem): void {
		if (this.#ready) return;
		this.#deadline[Symbol.dispose]();
		this.#readied.reject(new Error(this.#options.explain(why, this.#lastWords.trim())));
		if (why.kind !== 'ended') this.kill();
	}

	#keep(line: LogLine, run: string | null): void {
		const current = this.#current;
		// Output without a run, while a task runs, comes from what it started.
		if (current !== null && (run === null || run === current.run)) current.lines.push(line);
		else this.#stray.push(line);
	}

	#onMalformed(reason: string): void {
		const current = this.#current;
		const seen = current === null ? 1 : ++current.malformed;
		if (seen > MALFORMED_SHOWN) return;
		const last = seen === MALFORMED_SHOWN ? '; further ones are not recorded' : '';
		const text = `The runner sent something unreadable (${reason})${last}.`;
		this.#keep({ at: this.#options.clock.now(), level: 'warning', source: 'warren', logger: null, text }, null);
	}

	#onOutput(source: 'stdout' | 'stderr', chunk: Buffer): void {
		this.#rawChunks += 1;
		const lines = this.#raw[source].push(chunk);
		this.#keepOutput(source, lines);
		this.#flush();
	}

	#keepOutput(source: 'stdout' | 'stderr', lines: readonly string[]): void {
		const now = this.#options.clock.now();
		for (const line of lines) {
			this.#lastWords = `${this.#lastWords}${line}\n`.slice(-LAST_WORDS);
			this.#keep(outputLine(source, line, now), null);
		}
	}

	#flush(): void {
		if (this.#stray.length > 0) {
			const lines = this.#stray;
			this.#stray = [];
			this.#options.onStray(lines);
		}
		const current = this.#current;
		if (current === null || current.lines.length === 0) return;
		const lines = current.lines;
		current.lines = [];
		const wait = current.onLines(lines);
		if (wait === undefined || this.#end !== null) return;
		this.#process.pause();
		const resume = (): void => {
			if (this.#end === null) this.#process.resume();
		};
		wait.then(resume, resume);
	}

	#onEndOfJob(run: string, end: JobEnd): void {
		const current = this.#current;
		if (current === null || current.run !== run || current.settling) {
			this.#onMalformed('the end of a task that is not running');
			return;
		}
		current.settling = true;
		// What a task's own children wrote to the real descriptors comes by other pipes: the turn of the event loop that
		// brought this end may not have read them yet.
		this.#whenQuiet(0, () => this.#finish(current, end));
	}

	#whenQuiet(turn: number, done: () => void): void {
		const seen = this.#rawChunks;
		setImmediate(() => {
			if (this.#rawChunks === seen || turn >= QUIET_TURNS || this.#end !== null) done();
			else this.#whenQuiet(turn + 1, done);
		});
	}

	#finish(current: Current, end: JobEnd): void {
		if (this.#current !== current) return;
		this.#keepOutput('stdout', this.#raw.stdout.end());
		this.#keepOutput('stderr', this.#raw.stderr.end());
		this.#flush();
		this.#current = null;
		current.resolve(end);
	}

	#onEnded(end: ProcessEnd): void {
		this.#keepOutput('stdout', this.#raw.stdout.end());
		this.#keepOutput('stderr', this.#raw.stderr.end());
		this.#end = end;
		this.#flush();
		this.#refuse({ kind: 'ended', end });
		const current = this.#current;
		if (current !== null && !current.settling) this.#finish(current, this.#died(end));
		this.#gone.resolve({ exitCode: end.exitCode, signal: end.signal });
	}

	#died(end: ProcessEnd): JobEnd {
		return { kind: 'died', exitCode: end.exitCode, signal: end.signal, lastWords: this.#lastWords.trim() };
	}
}
