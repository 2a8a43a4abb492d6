/**
 * The lines between Warren and a runner. What comes from a runner is not trusted: a task can write to the runner's descriptor
 * itself, so every line is capped, checked member by member, and at worst becomes a `malformed` that is recorded.
 */
import { LOG_LEVELS, type LogLevel, type LogLine } from '#main/domain/task.ts';
import type { HookCall, Job, JobEnd } from './runner.ts';

/** Longest line read from a runner, in bytes. Runners cut results and tracebacks well below it. */
export const LINE_CAP = 16 * 1024 * 1024;
/** Longest single log line kept, in characters; the rest is cut with a note. */
export const TEXT_CAP = 512 * 1024;

export type RunnerMessage =
	| { readonly kind: 'ready'; readonly version: string; readonly tasks: readonly string[] | null }
	/** It cannot take jobs, and why. */
	| { readonly kind: 'failed'; readonly message: string; readonly traceback: string | null }
	/** `run` is null for output between tasks. */
	| { readonly kind: 'line'; readonly run: string | null; readonly line: LogLine }
	/** `next`: the run that it began right after. */
	| {
			readonly kind: 'end';
			readonly run: string;
			readonly end: Exclude<JobEnd, { readonly kind: 'died' | 'handed-back' }>;
			readonly next: string | null;
	  }
	/** It began a job that it had been handed behind another. */
	| { readonly kind: 'begun'; readonly run: string }
	/** It hands back such a job: nothing of it was run. */
	| { readonly kind: 'back'; readonly run: string }
	/** The answer to a ping. */
	| { readonly kind: 'pong' }
	| { readonly kind: 'malformed'; readonly reason: string };

/** The line that asks for a sign of life. */
export const PING = '{"ping":true}\n';

/** One job as the line that runners read. */
export function writeJob(job: Job): string {
	const { origin, softMs, behind } = job;
	// What is undefined is left out.
	return `${JSON.stringify({
		run: job.run,
		name: job.name,
		id: job.messageId,
		attempt: job.attempt,
		queue: job.queue,
		args: job.argsJson,
		kwargs: job.kwargsJson,
		origin: (origin ?? job.messageId) === job.messageId ? undefined : origin,
		soft: softMs ?? undefined,
		behind: behind?.run,
		until: behind?.until,
	})}\n`;
}

/** One call of a hook as the line that runners read. */
export function writeHook(call: HookCall): string {
	return `${JSON.stringify({ hook: call.path, run: call.run, failure: call.failure, log: call.log })}\n`;
}

type Members = Readonly<Record<string, unknown>>;

function text(value: unknown, cap = TEXT_CAP): string | null {
	if (typeof value !== 'string') return null;
	return value.length <= cap ? value : `${value.slice(0, cap)}\n[cut: ${value.length} characters in all]`;
}

function milliseconds(value: unknown): number | null {
	return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : null;
}

const malformed = (reason: string): RunnerMessage => ({ kind: 'malformed', reason });

/** Reads one line of a runner. `now` (epoch ms) dates lines that carry no usable time of their own. */
export function readMessage(line: string, now: number): RunnerMessage {
	let parsed: unknown;
	try {
		parsed = JSON.parse(line);
	} catch {
		return malformed(`not JSON: ${line.slice(0, 80)}`);
	}
	if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return malformed('not an object');
	const members = parsed as Members;
	switch (members.t) {
		case 'log':
		case 'out':
			return readLine(members, now);
		case 'end':
			return readEnd(members);
		case 'declined': {
			const run = text(members.run);
			if (run === null) return malformed('a refusal without a run');
			return {
				kind: 'end',
				run,
				end: { kind: 'declined', reason: text(members.reason, 1000) ?? 'it did not say why' },
				next: null,
			};
		}
		case 'begin':
		case 'back': {
			const run = text(members.run);
			if (run === null) return malformed('a job without a run');
			return { kind: members.t === 'begin' ? 'begun' : 'back', run };
		}
		case 'pong':
			return { kind: 'pong' };
		case 'ready': {
			const tasks = members.tasks;
			return {
				kind: 'ready',
				version: text(members.version, 100) ?? 'unknown',
				tasks: Array.isArray(tasks) ? tasks.filter((name) => typeof name === 'string').slice(0, 10_000) : null,
			};
		}
		case 'failed':
			return {
				kind: 'failed',
				message: text(members.message, 4000) ?? 'it did not say why',
				traceback: text(members.traceback),
			};
		default:
			return malformed('a message of no known kind');
	}
}

function readLine(members: Members, now: number): RunnerMessage {
	const body = text(members.text);
	if (body === null) return malformed('a log line without text');
	const at = milliseconds(members.at) ?? now;
	const run = text(members.run);
	if (members.t === 'log') {
		const level = members.level;
		return {
			kind: 'line',
			run,
			line: {
				at,
				level: typeof level === 'string' && Object.hasOwn(LOG_LEVELS, level) ? (level as LogLevel) : 'info',
				source: 'log',
				logger: text(members.logger, 1000),
				text: body,
			},
		};
	}
	return { kind: 'line', run, line: outputLine(members.source === 'stderr' ? 'stderr' : 'stdout', body, at) };
}

/** A line of an output stream. stderr shows as a warning, so that a choice of level keeps it apart from plain prints. */
export function outputLine(source: 'stdout' | 'stderr', body: string, at: number): LogLine {
	return { at, level: source === 'stderr' ? 'warning' : 'info', source, logger: null, text: body };
}

function readEnd(members: Members): RunnerMessage {
	const run = text(members.run);
	if (run === null) return malformed('an end without a run');
	const runtimeMs = milliseconds(members.ms) ?? 0;
	const next = text(members.next);
	if (members.kind === 'returned') {
		const result = members.result;
		if (result === null || result === undefined) {
			return { kind: 'end', run, end: { kind: 'returned', result: null, runtimeMs }, next };
		}
		const written = typeof result === 'object' ? text((result as Members).text, LINE_CAP) : null;
		if (written === null) return malformed('a result without text');
		const kind = (result as Members).kind;
		if (kind === 'json') {
			return { kind: 'end', run, end: { kind: 'returned', result: { kind: 'json', text: written }, runtimeMs }, next };
		}
		const type = text((result as Members).type, 1000) ?? 'object';
		return {
			kind: 'end',
			run,
			end: { kind: 'returned', result: { kind: 'text', text: written, type }, runtimeMs },
			next,
		};
	}
	const exception = {
		type: text(members.type, 1000) ?? 'Exception',
		message: text(members.message) ?? '',
	};
	const traceback = text(members.traceback, LINE_CAP);
	if (members.kind === 'not-found') return { kind: 'end', run, end: { kind: 'not-found', exception, traceback }, next };
	if (members.kind === 'raised') {
		const leaving = members.bye === true ? { leaving: true as const } : {};
		return { kind: 'end', run, end: { kind: 'raised', exception, traceback, runtimeMs, ...leaving }, next };
	}
	return malformed('an end of no known kind');
}

/** Cuts a stream of bytes into lines of UTF-8. A line beyond the cap is dropped and counted; reading goes on after it. */
export class LineSplitter {
	readonly #cap: number;
	#pieces: Buffer[] = [];
	#size = 0;
	#dropping = false;
	/** Lines that were longer than the cap. */
	dropped = 0;

	constructor(cap: number = LINE_CAP) {
		this.#cap = cap;
	}

	/** The lines that this chunk completes, without their newline. */
	push(chunk: Buffer): string[] {
		const lines: string[] = [];
		let start = 0;
		for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
			const line = this.#take(chunk.subarray(start, end));
			if (line !== null) lines.push(line);
			start = end + 1;
		}
		if (start < chunk.length) this.#hold(chunk.subarray(start));
		return lines;
	}

	#take(last: Buffer): string | null {
		if (this.#dropping) {
			this.#dropping = false;
			return null;
		}
		if (this.#size === 0 && last.length <= this.#cap) return last.toString('utf8');
		this.#hold(last);
		const whole = this.#dropping ? null : Buffer.concat(this.#pieces).toString('utf8');
		this.#pieces = [];
		this.#size = 0;
		this.#dropping = false;
		return whole;
	}

	#hold(piece: Buffer): void {
		if (this.#dropping) return;
		this.#size += piece.length;
		if (this.#size > this.#cap) {
			this.#dropping = true;
			this.dropped += 1;
			this.#pieces = [];
			this.#size = 0;
			return;
		}
		this.#pieces.push(piece);
	}
}

/** Cuts raw output of a process into lines: what is not UTF-8 becomes replacement characters, an endless line becomes pieces. */
export class OutputSplitter {
	static readonly #pieceLimit = 32_000;
	readonly #decoder = new TextDecoder();
	#rest = '';

	/** The lines that this chunk completes. */
	push(chunk: Buffer): string[] {
		const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split(/\r?\n/);
		this.#rest = lines.pop() ?? '';
		return this.#cut(lines);
	}

	/** What is left without a newline, if anything. */
	end(): string[] {
		const rest = this.#rest + this.#decoder.decode();
		this.#rest = '';
		return rest === '' ? [] : this.#cut([rest]);
	}

	#cut(lines: readonly string[]): string[] {
		const limit = OutputSplitter.#pieceLimit;
		const pieces: string[] = [];
		for (const line of lines) {
			let start = 0;
			do {
				pieces.push(line.slice(start, start + limit));
				start += limit;
			} while (start < line.length);
		}
		while (this.#rest.length > limit) {
			pieces.push(this.#rest.slice(0, limit));
			this.#rest = this.#rest.slice(limit);
		}
		return pieces;
	}
}
