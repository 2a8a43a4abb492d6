/**
 * Runs tasks for Warren, one at a time: jobs come in as JSON lines on stdin, messages go out as JSON lines on descriptor 3
 * (or both over the parent port, where Electron started this process). Needs nothing but Node 20 or newer.
 *
 * Tasks are the functions that the given ES modules export. What they print or log is sent as it happens, in its order.
 */
import fs from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { format, inspect, parseArgs } from 'node:util';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const OWN_URL = import.meta.url;
/** One line of output longer than this is sent in pieces. */
const LINE_LIMIT = 32_000;
const RECORD_LIMIT = 256 * 1024;
const MESSAGE_LIMIT = 64 * 1024;
const TRACEBACK_LIMIT = 512 * 1024;
const RESULT_LIMIT = 1024 * 1024;
/** How long changed code may go unnoticed while jobs follow each other without a pause, and what counts as a pause. */
const CHECK_EVERY_MS = 200;
const PAUSE_MS = 5;

const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'];

function cut(text, limit) {
	return text.length <= limit ? text : `${text.slice(0, limit)}\n[cut: ${text.length} characters in all]`;
}

/** Why a task's `signal` is aborted. */
class SoftTimeLimitExceeded extends Error {
	name = 'SoftTimeLimitExceeded';
}

/** What a failure hook gets as `log`: the texts of the last log lines, and carrot's names for what failed. */
function failureLog(lines, failure) {
	return Object.assign([...lines], {
		uuid: failure.id,
		task: failure.task,
		queue: failure.queue,
		attempt: failure.attempt,
		status: 'FAILED',
		task_args: readJson(failure.argsJson),
		content: failure.kwargsJson,
		exception: failure.exception.message,
		exception_type: failure.exception.type,
		traceback: failure.traceback,
		log: lines.join('\n'),
	});
}

/** What a task throws or returns is its own code, so that even printing it may fail. */
function printed(value) {
	try {
		return typeof value === 'string' ? value : inspect(value, { depth: 6, maxArrayLength: 1000 });
	} catch (error) {
		return `[it could not be printed: ${error instanceof Error ? error.message : 'unknown'}]`;
	}
}

/** The way to Warren. Over the descriptor a message is written at once: what a task said before it crashed has arrived. */
function openChannel(parentPort) {
	if (parentPort !== undefined) return (message) => parentPort.postMessage(`${JSON.stringify(message)}\n`);
	return (message) => {
		let data = Buffer.from(`${JSON.stringify(message)}\n`);
		while (data.length > 0) {
			try {
				data = data.subarray(fs.writeSync(3, data));
			} catch (error) {
				if (error.code !== 'EAGAIN') throw error;
				// Somebody set the shared pipe to non-blocking; wait a moment for Warren to read.
				Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2);
			}
		}
	};
}

/** Turns pieces of output into lines. A carriage return ends a line too, so that progress bars show. */
class LineBuffer {
	#rest = '';
	#emit;
	#decoder = new TextDecoder();

	constructor(emit) {
		this.#emit = emit;
	}

	add(piece) {
		let text = this.#rest + (typeof piece === 'string' ? piece : this.#decoder.decode(piece, { stream: true }));
		let held = '';
		if (text.endsWith('\r')) {
			// The other half of a "\r\n" may follow.
			held = '\r';
			text = text.slice(0, -1);
		}
		const lines = text.split(/\r\n|\n|\r/);
		let rest = `${lines.pop()}${held}`;
		for (const line of lines) this.#send(line);
		while (rest.length > LINE_LIMIT) {
			this.#emit(rest.slice(0, LINE_LIMIT));
			rest = rest.slice(LINE_LIMIT);
		}
		this.#rest = rest;
	}

	end() {
		const rest = this.#rest.endsWith('\r') ? this.#rest.slice(0, -1) : this.#rest;
		this.#rest = '';
		if (rest !== '') this.#send(rest);
	}

	#send(line) {
		let text = line;
		do {
			this.#emit(text.slice(0, LINE_LIMIT));
			text = text.slice(LINE_LIMIT);
		} while (text !== '');
	}
}

/** Reads JSON as Python writes it: integers of any length (as BigInt beyond 2^53) and the bare words NaN and Infinity. */
function readJson(text) {
	// Only what such text may hold needs more than the usual reader.
	if (!/NaN|Infinity|\d{16}/.test(text)) return JSON.parse(text);
	const words = new Map();
	let source = text;
	if (/NaN|Infinity/.test(text)) {
		const mark = `number-${Math.random().toString(36).slice(2)}-`;
		for (const [word, value] of [
			['NaN', Number.NaN],
			['Infinity', Number.POSITIVE_INFINITY],
			['-Infinity', Number.NEGATIVE_INFINITY],
		]) {
			words.set(mark + word, value);
		}
		source = text.replace(/"[^"\\]*(?:\\.[^"\\]*)*"|-?Infinity|NaN/g, (found) =>
			found.startsWith('"') ? found : `"${mark}${found}"`,
		);
	}
	return JSON.parse(source, (_key, value, context) => {
		if (typeof value === 'string') return words.get(value) ?? value;
		if (typeof value !== 'number' || Number.isSafeInteger(value) || context === undefined) return value;
		return /^-?\d+$/.test(context.source) ? BigInt(context.source) : value;
	});
}

function describeResult(value) {
	if (value === undefined || value === null) return null;
	let text;
	try {
		text = JSON.stringify(value, (_key, member) =>
			typeof member === 'bigint' && typeof JSON.rawJSON === 'function' ? JSON.rawJSON(String(member)) : member,
		);
	} catch {
		// Not JSON (a cycle, say): its printed form is what a person can read.
		text = undefined;
	}
	if (text !== undefined && text.length <= RESULT_LIMIT) return { kind: 'json', text };
	const type = typeof value === 'object' ? (value.constructor?.name ?? 'object') : typeof value;
	return { kind: 'text', text: cut(text ?? printed(value), RESULT_LIMIT), type: String(type) };
}

function typeOf(error) {
	return typeof error.name === 'string' && error.name !== 'Error' ? error.name : error.constructor.name;
}

function stackOf(error) {
	let stack = typeof error.stack === 'string' ? error.stack : `${error.name}: ${error.message}`;
	// The stack's first line is made before a class can set its own name.
	const name = typeOf(error);
	if (name !== 'Error' && /^Error\b/.test(stack)) stack = name + stack.slice('Error'.length);
	// This file's frames, and those below them, say nothing about the task.
	const lines = stack.split('\n');
	const end = lines.findIndex((line) => line.includes(OWN_URL));
	if (end !== -1) lines.length = end;
	while (/\(node:internal\/[^)]*\)$/.test(lines.at(-1) ?? '')) lines.pop();
	return lines.join('\n');
}

function describeError(error) {
	try {
		if (!(error instanceof Error)) {
			const text = printed(error);
			return { type: error === null ? 'null' : typeof error, message: cut(text, MESSAGE_LIMIT), traceback: null };
		}
		const parts = [stackOf(error)];
		const pending = [[error, 0]];
		while (pending.length > 0 && parts.length < 20) {
			const [next, depth] = pending.shift();
			const inner = [];
			if (next.cause instanceof Error) inner.push(['Caused by', next.cause]);
			else if (next.cause !== undefined) parts.push(`Caused by: ${printed(next.cause)}`);
			if (Array.isArray(next.errors)) for (const one of next.errors) inner.push(['Together with', one]);
			for (const [words, one] of inner) {
				parts.push(`${words}: ${one instanceof Error ? stackOf(one) : printed(one)}`);
				if (one instanceof Error && depth < 10) pending.push([one, depth + 1]);
			}
		}
		return {
			type: typeOf(error),
			message: cut(String(error.message), MESSAGE_LIMIT),
			traceback: cut(parts.join('\n\n'), TRACEBACK_LIMIT),
		};
	} catch (failure) {
		return { type: 'Error', message: `The error itself could not be read: ${printed(failure)}`, traceback: null };
	}
}

/** Notices when a file of the project that this process has loaded is no longer what is on disk. */
class CodeWatch {
	#project;
	#stamps = new Map();
	checked = 0;

	constructor(project) {
		this.#project = `${fs.realpathSync(project)}${path.sep}`;
		// Node before 22.15 can't tell what it loads; there only the given modules are watched.
		module.registerHooks?.({
			load: (url, context, next) => {
				if (url.startsWith('file:')) this.learn(fileURLToPath(url));
				return next(url, context);
			},
		});
	}

	learn(file, always = false) {
		if (!always && (!file.startsWith(this.#project) || file.includes(`${path.sep}node_modules${path.sep}`))) return;
		if (!this.#stamps.has(file)) this.#stamps.set(file, CodeWatch.#stamp(file));
	}

	changed(now) {
		this.checked = now;
		for (const [file, before] of this.#stamps) if (CodeWatch.#stamp(file) !== before) return file;
		return null;
	}

	static #stamp(file) {
		const found = fs.statSync(file, { throwIfNoEntry: false });
		return found === undefined ? null : `${found.mtimeMs}/${found.size}`;
	}
}

/** Functions by task name: `<path within the project, with dots>.<export>`, and `<file>.<export>` where only one file has it. */
async function loadTasks(project, modules, watch) {
	const tasks = new Map();
	const short = new Map();
	for (const given of modules) {
		const file = path.resolve(project, given);
		const loaded = await import(pathToFileURL(file).href);
		watch.learn(fs.realpathSync(file), true);
		const stem = path.basename(file).replace(/\.[cm]?[jt]s$/, '');
		const within = path.relative(project, file);
		const dotted = within.startsWith('..') ? stem : [...within.split(path.sep).slice(0, -1), stem].join('.');
		for (const [name, value] of Object.entries(loaded)) {
			if (name === 'default' || typeof value !== 'function') continue;
			tasks.set(`${dotted}.${name}`, value);
			const key = `${stem}.${name}`;
			short.set(key, short.has(key) && short.get(key) !== value ? null : value);
		}
	}
	for (const [name, value] of short) if (value !== null && !tasks.has(name)) tasks.set(name, value);
	return tasks;
}

function missing(name, tasks) {
	const names = [...tasks.keys()].sort();
	const known =
		names.length === 0
			? 'The modules export no functions.'
			: `Known here: ${names.slice(0, 20).join(', ')}${names.length > 20 ? ', …' : ''}.`;
	return { type: 'TaskNotFound', message: `No module exports a task named "${name}". ${known}`, traceback: null };
}

/** Ends this process and all it started when Warren is gone, even while a task keeps the main thread busy. */
function watchParent() {
	// Known from the start: by the time this thread runs, Warren may be gone already.
	const { parent } = workerData;
	const clock = new Int32Array(new SharedArrayBuffer(4));
	while (process.ppid === parent) Atomics.wait(clock, 0, 0, 500);
	endGroup();
}

function endGroup() {
	try {
		// Warren starts runners as leaders of their own group; otherwise there is no such group, and only this process ends.
		process.kill(-process.pid, 'SIGKILL');
	} catch {
		process.kill(process.pid, 'SIGKILL');
	}
}

async function main() {
	const { values } = parseArgs({
		options: { project: { type: 'string' }, module: { type: 'string', multiple: true } },
	});
	const parentPort = process.parentPort;
	const send = openChannel(parentPort);
	let run = null;

	const outputs = ['stdout', 'stderr'].map((source) => {
		const lines = new LineBuffer((text) => send({ t: 'out', run, at: Date.now(), source, text }));
		process[source].write = (piece, encoding, done) => {
			lines.add(
				typeof piece === 'string' && typeof encoding === 'string' && encoding !== 'utf8' && encoding !== 'utf-8'
					? Buffer.from(piece, encoding)
					: piece,
			);
			const callback = typeof encoding === 'function' ? encoding : done;
			if (typeof callback === 'function') process.nextTick(callback);
			return true;
		};
		return lines;
	});
	const finish = (message) => {
		for (const lines of outputs) lines.end();
		run = null;
		send(message);
	};

	const project = path.resolve(values.project ?? '.');
	let watch;
	let tasks;
	try {
		process.chdir(project);
		watch = new CodeWatch(project);
		tasks = await loadTasks(project, values.module ?? [], watch);
	} catch (error) {
		const found = describeError(error);
		finish({ t: 'failed', message: `${found.type}: ${found.message}`, traceback: found.traceback });
		process.exit(3);
	}

	// An error that nobody awaited ends the task with its true cause; the process is in an unknown state and goes.
	process.on('uncaughtException', (error) => {
		const found = describeError(error);
		if (run !== null) finish({ t: 'end', run, kind: 'raised', ms: null, bye: true, ...found });
		else process.stderr.write(`${found.traceback ?? found.message}\n`);
		process.exit(1);
	});
	process.on('exit', () => {
		for (const lines of outputs) lines.end();
	});

	const logFor = (job) => {
		const log = {};
		for (const level of LEVELS) {
			log[level] = (...parts) =>
				send({
					t: 'log',
					run: job.run,
					at: Date.now(),
					level,
					logger: job.name,
					text: cut(format(...parts), RECORD_LIMIT),
				});
		}
		log.warn = log.warning;
		return log;
	};

	const perform = async (job) => {
		const task = tasks.get(job.name);
		if (task === undefined) return { t: 'end', run: job.run, kind: 'not-found', ...missing(job.name, tasks) };
		let started = performance.now();
		let timer;
		const limit = new AbortController();
		let log = null;
		const reached = () => {
			logFor(job).warning(`The soft time limit of ${job.soft} ms was reached.`);
			limit.abort(new SoftTimeLimitExceeded('The task ran longer than its soft time limit.'));
		};
		try {
			const args = readJson(job.args);
			const kwargs = readJson(job.kwargs);
			started = performance.now();
			if (typeof job.soft === 'number') timer = setTimeout(reached, job.soft);
			const value = await task({
				args,
				kwargs,
				// Made for those that ask for it; most do not.
				get log() {
					log ??= logFor(job);
					return log;
				},
				id: job.id,
				attempt: job.attempt,
				queue: job.queue,
				name: job.name,
				get signal() {
					return limit.signal;
				},
			});
			const ms = performance.now() - started;
			return { t: 'end', run: job.run, kind: 'returned', ms, result: describeResult(value) };
		} catch (error) {
			return { t: 'end', run: job.run, kind: 'raised', ms: performance.now() - started, ...describeError(error) };
		} finally {
			clearTimeout(timer);
		}
	};

	/** Calls a function as carrot calls a failure hook: with the log, and with the error as text (an Error where nothing was run). */
	const callHook = async ({ hook, run: id, failure, log }) => {
		const started = performance.now();
		const found = tasks.get(hook);
		if (found === undefined) return { t: 'end', run: id, kind: 'not-found', ...missing(hook, tasks) };
		try {
			const { exception } = failure;
			await found(failureLog(log, failure), failure.notFound ? new Error(exception.message) : exception.message);
			return { t: 'end', run: id, kind: 'returned', ms: performance.now() - started, result: null };
		} catch (error) {
			return { t: 'end', run: id, kind: 'raised', ms: performance.now() - started, ...describeError(error) };
		}
	};

	let waitingSince = performance.now();
	// After a failure somebody may mend its cause at once.
	let mended = false;
	/** The run that was over last, while jobs that were handed over behind it may begin. */
	let before = null;
	const mayFollow = (job) => job.behind === before && Date.now() < job.until;
	/** Runs a job; the one to begin right after it, of which Warren was told with its end, or null. */
	const take = async (job, announced) => {
		if (job.ping === true) {
			send({ t: 'pong' });
			return null;
		}
		if (!announced) {
			if (job.behind !== undefined && !mayFollow(job)) {
				before = null;
				send({ t: 'back', run: job.run });
				return null;
			}
			const now = performance.now();
			if (mended || now - waitingSince > PAUSE_MS || now - watch.checked > CHECK_EVERY_MS) {
				const changed = watch.changed(now);
				if (changed !== null) {
					send({ t: 'declined', run: job.run, reason: `${changed} changed on disk` });
					process.exit(0);
				}
			}
			if (job.behind !== undefined) send({ t: 'begin', run: job.run });
		}
		run = job.run;
		const end = await (job.hook === undefined ? perform(job) : callHook(job));
		// What it left behind (an error that nobody awaited, output at the turn's end) comes before its end is told.
		await new Promise(setImmediate);
		mended = end.kind !== 'returned';
		before = mended ? null : job.run;
		waitingSince = performance.now();
		const [next] = jobs;
		const follows =
			next?.behind !== undefined && mayFollow(next) && waitingSince - watch.checked <= CHECK_EVERY_MS ? next : null;
		finish(follows === null ? end : { ...end, next: follows.run });
		return follows;
	};

	const jobs = [];
	let working = false;
	const work = async () => {
		working = true;
		let announced = null;
		while (jobs.length > 0) {
			const job = jobs.shift();
			announced = await take(job, job === announced);
		}
		working = false;
	};

	let rest = [];
	const receive = (text) => {
		let piece = text;
		for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n')) {
			rest.push(piece.slice(0, end));
			jobs.push(JSON.parse(rest.join('')));
			rest = [];
			piece = piece.slice(end + 1);
		}
		if (piece !== '') rest.push(piece);
		if (!working) void work();
	};

	if (parentPort === undefined) {
		new Worker(new URL(OWN_URL), { workerData: { parent: process.ppid } }).unref();
		process.stdin.setEncoding('utf8');
		process.stdin.on('data', receive);
		process.stdin.on('end', () => {
			// Warren closes stdin when no task runs; in the middle of one it means that Warren is gone.
			if (run !== null) endGroup();
			process.exit(0);
		});
	} else {
		parentPort.on('message', (event) => receive(event.data));
	}
	send({ t: 'ready', version: process.versions.node, tasks: [...tasks.keys()].sort() });
}

if (isMainThread) await main();
else watchParent();
