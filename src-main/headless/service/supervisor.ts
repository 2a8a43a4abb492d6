/**
 * The process that stays. It holds neither a store nor a broker, so that there is little that could end it: it starts the worker,
 * starts it again when it dies, writes the log, and answers on the control channel.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { systemClock } from '#main/domain/clock.ts';
import { type Failure, fail, ok, type Result } from '#main/domain/result.ts';
import { EXIT } from '#main/ipc/codes.ts';
import { serveChannel } from './channel.ts';
import { judge } from './judge.ts';
import { type ServiceLog, serviceLog } from './log-file.ts';
import { type PidFile, TOUCH_MS, takePidFile } from './pid-file.ts';
import { restartPause } from './restarts.ts';
import { Silence } from './silence.ts';
import {
	CHANNEL_ROUTES,
	type ChannelRequest,
	type FromWorker,
	type ServiceFacts,
	type ServiceSpec,
	type ToWorker,
	WORKER_WORD,
	type WorkerReport,
} from './spec.ts';

/** A worker that says nothing for so long is killed and started anew. Starting takes longer than a beat. */
const HUNG_MS = 60_000;
const WATCH_MS = 1_000;
/** How long a worker may take from "stop now" to its end. */
const KILL_MS = 15_000;

/** Runs a service until it is stopped; resolves with the exit code. `up` is called once the place is taken and it can be asked. */
export async function supervise(
	spec: ServiceSpec,
	up: (taken: Result<void>) => void,
	onSignal: (listener: () => void) => Disposable,
): Promise<number> {
	const print = spec.foreground ? (line: string) => void process.stdout.write(`${line}\n`) : null;
	const log = serviceLog(spec.logFile, { now: Date.now, also: print });
	const about = { profile: spec.profile.name, home: spec.home, channel: spec.channel, logFile: spec.logFile };
	const taken = takePidFile(spec.pidFile, about, Date.now(), (why) => log.say(`Took over a stale pid file: ${why}.`));
	if (!taken.ok) {
		up(taken);
		return EXIT.failed;
	}
	using pidFile = taken.value;
	const service = new Service(spec, log, pidFile);
	await using _channel = await serveChannel(spec.channel, (request) => service.answer(request));
	log.say(`Service of ${spec.profile.name} started as process ${process.pid}.`);
	let signals = 0;
	using _signal = onSignal(() => {
		signals += 1;
		service.stop(signals > 1);
	});
	up(ok(undefined));
	const code = await service.run();
	log.say('Service ended.');
	return code;
}

class Service {
	readonly #spec: ServiceSpec;
	readonly #log: ServiceLog;
	readonly #pidFile: PidFile;
	readonly #startedAt = Date.now();
	readonly #ended = Promise.withResolvers<number>();
	readonly #asked = new Map<number, (answer: Result<unknown>) => void>();
	readonly #starts: number[] = [];
	#worker: ChildProcess | null = null;
	#report: WorkerReport | null = null;
	readonly #silence = new Silence(performance.now());
	/** Another service is in this one's place. */
	#placeLost = false;
	/** Why it cannot be told whose the place is; null: it can. */
	#placeTrouble: string | null = null;
	#stopping: 'drain' | 'now' | null = null;
	#restarts = 0;
	#lastEnd: string | null = null;
	#problem: Failure | null = null;
	#nextStartAt: number | null = null;
	#pause: Disposable | null = null;
	#killer: NodeJS.Timeout | null = null;
	#touchedAt = 0;
	#nextId = 1;

	constructor(spec: ServiceSpec, log: ServiceLog, pidFile: PidFile) {
		this.#spec = spec;
		this.#log = log;
		this.#pidFile = pidFile;
	}

	/** Resolves when the service has ended. */
	async run(): Promise<number> {
		this.#start();
		const watch = setInterval(() => this.#watch(), WATCH_MS);
		const code = await this.#ended.promise;
		clearInterval(watch);
		if (this.#killer !== null) clearTimeout(this.#killer);
		return code;
	}

	/** Once: finish what runs. `now`: give it back and end. */
	stop(now: boolean): void {
		const how = now ? 'now' : 'drain';
		if (this.#stopping === 'now' || this.#stopping === how) return;
		this.#stopping = how;
		this.#log.say(
			now ? 'Stopping now: running tasks go back to their queues.' : 'Stopping once running tasks have ended.',
		);
		this.#pause?.[Symbol.dispose]();
		this.#nextStartAt = null;
		if (this.#worker === null) {
			this.#ended.resolve(EXIT.done);
			return;
		}
		this.#tell({ kind: 'stop', now });
		if (!now) return;
		const worker = this.#worker;
		this.#killer = setTimeout(() => {
			this.#log.say(`The consumers' process ${worker.pid} did not end within ${KILL_MS / 1_000} s and is killed.`);
			worker.kill('SIGKILL');
		}, KILL_MS);
	}

	async answer(request: ChannelRequest): Promise<Result<unknown>> {
		switch (request.op) {
			case 'status':
				return ok(judge(this.#facts()));
			case 'spec':
				return ok(this.#spec);
			case 'stop':
				this.stop(request.now);
				return ok({ stopping: this.#stopping });
			case 'call':
				return this.#call(request.route, request.input);
			default:
				return fail('invalid-input', 'The service does not know this request.');
		}
	}

	#call(route: string, input: unknown): Promise<Result<unknown>> {
		if (!CHANNEL_ROUTES.includes(route)) {
			return Promise.resolve(fail('unsupported', `The service does not carry out ${route}.`));
		}
		if (this.#worker === null) {
			return Promise.resolve(fail('gone', "The consumers' process is not up just now."));
		}
		const id = this.#nextId;
		this.#nextId += 1;
		return new Promise((resolve) => {
			this.#asked.set(id, resolve);
			this.#tell({ kind: 'call', id, route, input });
		});
	}

	#facts(): ServiceFacts {
		const alive = this.#worker !== null;
		return {
			pid: process.pid,
			workerPid: this.#worker?.pid ?? null,
			startedAt: this.#startedAt,
			profile: this.#spec.profile.name,
			stopping: this.#stopping,
			report: alive ? this.#report : null,
			heartbeatAgeMs: alive ? Math.round(this.#silence.look(performance.now())) : null,
			restarts: this.#restarts,
			lastEnd: this.#lastEnd,
			problem: this.#problem,
			nextStartAt: this.#nextStartAt,
			logFile: this.#spec.logFile,
			pidFile: this.#spec.pidFile,
			scheduler: this.#spec.scheduler,
		};
	}

	#start(): void {
		const entry = process.argv[1];
		if (entry === undefined) throw new Error('This process does not know its own script.');
		this.#nextStartAt = null;
		this.#report = null;
		this.#silence.heard(performance.now());
		this.#starts.push(performance.now());
		const worker = spawn(process.execPath, [...process.execArgv, entry, WORKER_WORD], {
			stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
			cwd: this.#spec.cwd,
			// Ctrl+C in a terminal reaches the whole group; what the worker does about it, its supervisor decides.
			detached: process.platform !== 'win32',
			windowsHide: true,
		});
		this.#worker = worker;
		for (const stream of [worker.stdout, worker.stderr]) {
			createInterface({ input: stream as NonNullable<typeof stream> }).on('line', (line) => this.#log.pass(line));
		}
		worker.on('message', (message: FromWorker) => this.#hear(worker, message));
		worker.once('error', (error) => this.#onEnd(worker, `It could not be started: ${error.message}`));
		worker.once('exit', (code, signal) =>
			this.#onEnd(worker, signal === null ? `It ended with code ${code}.` : `It was killed by ${signal}.`),
		);
		this.#tell({ kind: 'begin', spec: this.#spec });
	}

	#tell(message: ToWorker): void {
		// A worker that is just ending cannot be told; its end is heard of right after.
		this.#worker?.send(message, () => {});
	}

	#hear(worker: ChildProcess, message: FromWorker): void {
		const current = this.#worker === worker;
		if (current) this.#silence.heard(performance.now());
		switch (message.kind) {
			case 'report':
				// What a process said last may be read after its end, and is no word of the next one.
				if (!current) return;
				this.#report = message.report;
				this.#problem = null;
				return;
			case 'failed':
				this.#problem = message.error;
				this.#log.say(`The consumers cannot start: ${message.error.message}`);
				return;
			case 'answer':
				this.#asked.get(message.id)?.(message.answer as Result<unknown>);
				this.#asked.delete(message.id);
				return;
		}
	}

	#onEnd(worker: ChildProcess, why: string): void {
		if (this.#worker !== worker) return;
		this.#worker = null;
		for (const answer of this.#asked.values()) answer(fail('gone', "The consumers' process ended before it answered."));
		this.#asked.clear();
		// Tasks' processes end by themselves when the pipes to them break.
		if (this.#stopping !== null) {
			this.#ended.resolve(EXIT.done);
			return;
		}
		this.#lastEnd = why;
		const { ms, starts } = restartPause(this.#starts, performance.now());
		this.#starts.splice(0, this.#starts.length, ...starts);
		this.#restarts += 1;
		this.#nextStartAt = Date.now() + ms;
		this.#log.say(`The consumers' process ended: ${why} It is started again in ${(ms / 1_000).toFixed(1)} s.`);
		const timer = setTimeout(() => this.#start(), ms);
		this.#pause = { [Symbol.dispose]: () => clearTimeout(timer) };
	}

	#watch(): void {
		const now = systemClock.monotonic();
		this.#keepPlace(now);
		const silent = this.#silence.look(now);
		if (this.#worker === null || silent < HUNG_MS) return;
		this.#log.say(
			`The consumers' process ${this.#worker.pid} has said nothing for ${Math.round(silent / 1_000)} s and is killed.`,
		);
		this.#worker.kill('SIGKILL');
	}

	/** Says now and then that this service is there, and ends it when another one is in its place. */
	#keepPlace(now: number): void {
		if (this.#placeLost) return;
		const due = now - this.#touchedAt >= TOUCH_MS;
		const place = this.#pidFile.keep(due);
		if (due) this.#touchedAt = now;
		if (place.kind === 'taken') {
			this.#placeLost = true;
			this.#log.say(`Another service has taken ${this.#spec.pidFile}, so this one ends.`);
			this.stop(false);
			return;
		}
		const trouble = place.kind === 'unknown' ? place.why : null;
		if (trouble !== null && trouble !== this.#placeTrouble) {
			this.#log.say(`The pid file ${this.#spec.pidFile} cannot be looked at, and the service goes on: ${trouble}`);
		}
		this.#placeTrouble = trouble;
	}
}
