/** A runner that speaks the line protocol with a process: starts it, hands it jobs, collects what it says until it is gone. */
import type { Clock } from '#main/domain/clock.ts';
import type { LogLine } from '#main/domain/task.ts';
import type { ProcessEnd, ProcessSpec, RunnerProcess, SpawnProcess } from './process.ts';
import { LineSplitter, OutputSplitter, outputLine, PING, readMessage, writeHook, writeJob } from './protocol.ts';
import type { HookCall, Job, JobEnd, OnLines, Runner } from './runner.ts';

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

/** A job in the process's hands. */
interface Handed {
	readonly run: string;
	readonly onLines: OnLines;
	readonly resolve: (end: JobEnd) => void;
	/** Told when it begins, where that is not at once. */
	readonly onBegun: (() => void) | null;
	begun: boolean;
	/** How it ended, once the process has said so. */
	end: JobEnd | null;
	lines: LogLine[];
	malformed: number;
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
	/** In the order in which they were handed over, which is the one in which they run. */
	#jobs: Handed[] = [];
	/** Runs of jobs that were taken back, until the process has said that it hands them back. */
	readonly #withdrawn = new Set<string>();
	/** Whether ended jobs wait for the rest of their output. */
	#settling = false;
	#outbox = '';
	#lastWords = '';
	outputs = 0;
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

	run(job: Job, onLines: OnLines): Promise<JobEnd> {
		return this.#ask(job.run, writeJob(job), onLines);
	}

	ahead(job: Omit<Job, 'behind'>, until: number, onLines: OnLines, onBegun: () => void): Promise<JobEnd> {
		const last = this.#jobs.at(-1);
		const gone = this.#end !== null;
		if (gone || last === undefined) return Promise.resolve({ kind: 'handed-back', gone });
		const line = writeJob({ ...job, behind: { run: last.run, until } });
		return new Promise((resolve) => {
			this.#hand(job.run, { onLines, onBegun, resolve });
			this.#send(line);
		});
	}

	withdraw(): void {
		for (const job of this.#jobs.filter((one) => !one.begun)) {
			this.#withdrawn.add(job.run);
			this.#takeBack(job, false);
		}
	}

	hook(call: HookCall, onLines: OnLines): Promise<JobEnd> {
		return this.#ask(call.run, writeHook(call), onLines);
	}

	ping(): Promise<void> {
		return new Promise((resolve) => {
			this.#pings.push(resolve);
			this.#process.send(PING);
		});
	}

	#ask(run: string, line: string, onLines: OnLines): Promise<JobEnd> {
		if (this.#jobs.length > 0) throw new Error('A runner runs one task at a time');
		if (this.#end !== null) return Promise.resolve(this.#died(this.#end));
		return new Promise((resolve) => {
			this.#lastWords = '';
			this.#hand(run, { onLines, onBegun: null, resolve });
			this.#process.send(line);
		});
	}

	#hand(run: string, watch: Pick<Handed, 'onLines' | 'onBegun' | 'resolve'>): void {
		this.#jobs.push({ ...watch, run, begun: watch.onBegun === null, end: null, lines: [], malformed: 0 });
	}

	/** What is handed over behind others can wait a moment: all of one turn goes out in one write. */
	#send(line: string): void {
		if (this.#outbox === '') {
			process.nextTick(() => {
				const lines = this.#outbox;
				this.#outbox = '';
				this.#process.send(lines);
			});
		}
		this.#outbox += line;
	}

	kill(): void {
		if (this.#end === null) this.#process.kill();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#deadline[Symbol.dispose]();
		if (this.#end === null) {
			this.#process.endInput();
			const grace = this.#options.clock.after(this.#options.graceMs, () => this.kill());
			if (!this.#ready || this.#jobs.length > 0) this.kill();
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
					this.#onEndOfJob(message.run, message.end, message.next);
					break;
				case 'begun':
					this.#onBegun(message.run);
					break;
				case 'back':
					this.#onBack(message.run);
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
		// Output without a run, while a task runs, comes from what it started.
		const job = this.#jobs.find((one) => one.begun && (run === null || run === one.run));
		(job?.lines ?? this.#stray).push(line);
	}

	#onMalformed(reason: string): void {
		const [current] = this.#jobs;
		const seen = current === undefined ? 1 : ++current.malformed;
		if (seen > MALFORMED_SHOWN) return;
		const last = seen === MALFORMED_SHOWN ? '; further ones are not recorded' : '';
		const text = `The runner sent something unreadable (${reason})${last}.`;
		this.#keep({ at: this.#options.clock.now(), level: 'warning', source: 'warren', logger: null, text }, null);
	}

	#onOutput(source: 'stdout' | 'stderr', chunk: Buffer): void {
		this.outputs += 1;
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
		for (const job of this.#jobs) {
			if (job.lines.length === 0) continue;
			const lines = job.lines;
			job.lines = [];
			const wait = job.onLines(lines);
			if (wait === undefined || this.#end !== null) continue;
			this.#process.pause();
			const resume = (): void => {
				if (this.#end === null) this.#process.resume();
			};
			wait.then(resume, resume);
		}
	}

	#onEndOfJob(run: string, end: JobEnd, next: string | null): void {
		const current = this.#running;
		// A job is declined instead of being begun.
		if (current === undefined || current.run !== run || (!current.begun && end.kind !== 'declined')) {
			this.#onMalformed('the end of a task that is not running');
			return;
		}
		current.end = end;
		if (next !== null) this.#onBegun(next);
		if (this.#settling) return;
		this.#settling = true;
		// What a task's own children wrote to the real descriptors comes by other pipes: the turn of the event loop that
		// brought this end may not have read them yet.
		this.#whenQuiet(0, () => this.#settle());
	}

	/** The first job that has not ended: it runs, or is the next to run. */
	get #running(): Handed | undefined {
		return this.#jobs.find((job) => job.end === null);
	}

	#onBegun(run: string): void {
		const job = this.#running;
		if (job === undefined || job.run !== run || job.begun) {
			// It would run here and, since it was given away, somewhere else.
			if (this.#withdrawn.has(run)) this.kill();
			else this.#onMalformed('the beginning of a task that was not its turn');
			return;
		}
		this.#lastWords = '';
		job.begun = true;
		job.onBegun?.();
	}

	#onBack(run: string): void {
		if (this.#withdrawn.delete(run)) return;
		const job = this.#jobs.find((one) => one.run === run && !one.begun);
		if (job === undefined) this.#onMalformed('a task that it cannot hand back');
		else this.#takeBack(job, false);
	}

	#takeBack(job: Handed, gone: boolean): void {
		this.#jobs = this.#jobs.filter((one) => one !== job);
		job.resolve({ kind: 'handed-back', gone });
	}

	#whenQuiet(turn: number, done: () => void): void {
		const seen = this.outputs;
		setImmediate(() => {
			if (this.outputs === seen || turn >= QUIET_TURNS || this.#end !== null) done();
			else this.#whenQuiet(turn + 1, done);
		});
	}

	/** Lets go of jobs that have ended. */
	#settle(): void {
		this.#settling = false;
		this.#keepOutput('stdout', this.#raw.stdout.end());
		this.#keepOutput('stderr', this.#raw.stderr.end());
		this.#flush();
		while (this.#jobs[0]?.end != null) {
			const job = this.#jobs.shift() as Handed;
			job.resolve(job.end as JobEnd);
		}
	}

	#onEnded(end: ProcessEnd): void {
		this.#keepOutput('stdout', this.#raw.stdout.end());
		this.#keepOutput('stderr', this.#raw.stderr.end());
		this.#end = end;
		this.#refuse({ kind: 'ended', end });
		const [died] = this.#jobs.filter((job) => job.end === null && job.begun);
		if (died !== undefined) died.end = this.#died(end);
		this.#settle();
		for (const job of this.#jobs) this.#takeBack(job, true);
		this.#gone.resolve({ exitCode: end.exitCode, signal: end.signal });
	}

	#died(end: ProcessEnd): JobEnd {
		return { kind: 'died', exitCode: end.exitCode, signal: end.signal, lastWords: this.#lastWords.trim() };
	}
}
