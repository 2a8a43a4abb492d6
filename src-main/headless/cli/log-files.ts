/** `log show`, `log find` and `log export`: an attempt's whole log, by level and words, on the terminal or in a file. */
import { constants } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { readLogSearch } from '#main/domain/log-search.ts';
import { fail } from '#main/domain/result.ts';
import type { Attempt, LogLevel } from '#main/domain/task.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { TaskLogLine } from '#main/ipc/contract/task.ts';
import { CommandError, type Session } from './session.ts';
import { count, counted, harmless, lasted, oneLine } from './text.ts';
import { showLine } from './views.ts';

/** Lines that are read together. */
const PIECE = 1_000;
/** What may lie unread in a pipe before the next piece is read, in bytes. */
const IN_FLIGHT = 4_000_000;

interface Asked {
	readonly id: string;
	readonly attempt?: number;
	readonly level?: LogLevel;
	readonly grep?: string;
	readonly tail?: number;
	readonly follow?: boolean;
	readonly out?: string;
	readonly format?: 'text' | 'jsonl';
}

interface Wanted {
	readonly profile: string;
	/** Of the store. */
	readonly attempt: number;
	/** The attempt's place in its task, from 1. */
	readonly number: number;
	readonly level: LogLevel;
	readonly search: string;
}

/** Prints the lines, and with `--follow` those that come until the task has ended. */
export async function logShow(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const asked = given as unknown as Asked;
	return show(session, asked, () => jsonLine);
}

/** `task follow`: the log of the newest attempt and of those that come, each line of JSON with the attempt's number. */
export async function taskFollow(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const asked = { ...(given as unknown as Asked), follow: true };
	return show(session, asked, (attempt) => (line) => jsonLine({ ...line, attempt }));
}

async function show(
	session: Session,
	asked: Asked,
	json: (attempt: number) => (line: TaskLogLine) => string,
): Promise<number> {
	let wanted = await wantedOf(session, asked);
	let from = -1;
	let waits = false;
	if (asked.tail !== undefined) from = await beforeTail(session, wanted, asked.tail);
	for (;;) {
		// The state is read first: what was logged before a task's end is stored before it.
		const going = asked.follow === true ? await standing(session, asked, wanted) : null;
		for await (const lines of linesAfter(session, wanted, from)) {
			await print(session, lines.items, json(wanted.number));
			from = lines.seen;
		}
		if (session.signal.aborted || going === null) return EXIT.done;
		if (going.attempt.id !== wanted.attempt) {
			wanted = { ...wanted, attempt: going.attempt.id, number: going.attempt.number };
			from = -1;
			continue;
		}
		if (going.over) {
			session.note(endOf(going.attempt));
			return EXIT.done;
		}
		if (going.attempt.state === 'queued' && !waits) {
			waits = true;
			session.note('It waits in its queue; what it logs follows once it runs.');
		}
		await nextTick(session, wanted.profile);
	}
}

/** How an attempt has ended, for whoever followed its log. */
function endOf({ number, state, runtimeMs, exception }: Attempt): string {
	const took = runtimeMs === null ? '' : ` after ${lasted(runtimeMs)}`;
	const why = exception === null ? '' : `: ${oneLine(`${exception.type}: ${exception.message}`)}`;
	return `Attempt ${number} has ended: ${state}${took}${why}`;
}

/** Prints the lines that match, each with its number; exit code 1 where none does, as grep has it. */
export async function logFind(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const asked = given as unknown as Asked & { readonly search?: string };
	if (asked.search === undefined || asked.search === '')
		throw new CommandError(fail('invalid-input', 'Say what to look for: log find ID TEXT, or /a pattern/.').error);
	const wanted = await wantedOf(session, { ...asked, grep: asked.search }, 'search');
	let found = 0;
	for await (const { items } of linesAfter(session, wanted, -1)) {
		found += items.length;
		if (session.globals.json) await print(session, items, jsonLine);
		else for (const line of items) session.say(`${count(line.seq + 1).padStart(7)}  ${showLine(line, session.style)}`);
		await drained(session);
	}
	if (!session.globals.json) session.note(`${counted(found, 'line')} ${found === 1 ? 'matches' : 'match'}.`);
	return found > 0 ? EXIT.done : EXIT.failed;
}

/** Writes the lines into a file that appears when it is whole, or to standard output. */
export async function logExport(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const asked = given as unknown as Asked;
	const wanted = await wantedOf(session, asked);
	const write = asked.format === 'jsonl' ? jsonLine : textLine;
	if (asked.out === undefined) {
		for await (const { items } of linesAfter(session, wanted, -1)) {
			session.io.stdout.write(items.map(write).join(''));
			await drained(session);
		}
		return session.signal.aborted ? EXIT.failed : EXIT.done;
	}
	// Beside the one that is wanted, so that a broken export never looks like a whole one.
	const path = join(dirname(asked.out), `.${basename(asked.out)}.${process.pid}.part`);
	let lines = 0;
	try {
		const handle = await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600);
		try {
			for await (const { items } of linesAfter(session, wanted, -1)) {
				await handle.write(items.map(write).join(''));
				lines += items.length;
				if (session.io.stderr.isTTY) session.io.stderr.write(`\r${counted(lines, 'line')}`);
			}
			if (session.signal.aborted)
				throw new CommandError(fail('cancelled', `Stopped after ${counted(lines, 'line')}.`).error);
			await handle.sync();
		} finally {
			await handle.close();
		}
		await rename(path, asked.out);
	} catch (error) {
		await rm(path, { force: true });
		if (error instanceof Error && 'syscall' in error)
			throw new CommandError(fail('invalid-input', `The file cannot be written: ${error.message}.`).error);
		throw error;
	}
	if (session.io.stderr.isTTY) session.io.stderr.write('\n');
	if (session.globals.json) session.json({ file: asked.out, lines });
	else session.say(`Wrote ${counted(lines, 'line')} to ${asked.out}.`);
	return EXIT.done;
}

async function wantedOf(session: Session, asked: Asked, field: 'grep' | 'search' = 'grep'): Promise<Wanted> {
	const search = readLogSearch(asked.grep ?? '');
	if (!search.ok) {
		const { message, details } = search.error;
		const words = message.replace(/^search:/, `${field}:`);
		throw new CommandError(fail('invalid-input', words, { details: { ...details, field } }).error);
	}
	const profile = await session.profile();
	const task = await session.call('task.show', { profile, id: asked.id });
	const attempt =
		asked.attempt === undefined ? task.history.at(-1) : task.history.find(({ number }) => number === asked.attempt);
	if (attempt === undefined) {
		const last = task.history.at(-1)?.number ?? 0;
		throw new CommandError(
			fail('not-found', `The task has no attempt ${asked.attempt ?? 1}; its last is ${last}.`).error,
		);
	}
	const { id, number } = attempt;
	return { profile, attempt: id, number, level: asked.level ?? 'debug', search: asked.grep ?? '' };
}

/** Lines after a number that level and search leave, in pieces, with how far was looked. */
async function* linesAfter(
	session: Session,
	{ profile, attempt, level, search }: Wanted,
	after: number,
): AsyncGenerator<{ readonly items: readonly TaskLogLine[]; readonly seen: number }> {
	const every = level === 'debug' && search === '';
	for (let seen = after; !session.signal.aborted; ) {
		if (every) {
			const { lines: items } = await session.call('task.log', { profile, attempt, afterSeq: seen, limit: PIECE });
			const last = items.at(-1);
			if (last === undefined) return;
			seen = last.seq;
			yield { items, seen };
			continue;
		}
		const found = await session.call('task.find', { profile, attempt, afterSeq: seen, level, search });
		for (let at = 0; at < found.seqs.length && !session.signal.aborted; ) {
			const { lines: items } = await session.call('task.lines', {
				profile,
				attempt,
				seqs: found.seqs.slice(at, at + PIECE) as number[],
			});
			if (items.length === 0) break;
			at += items.length;
			yield { items, seen: items.at(-1)?.seq ?? seen };
		}
		if (found.done) {
			yield { items: [], seen: found.seen };
			return;
		}
		seen = found.seen;
	}
}

/** The number of the line before the last so many of those that are wanted. */
async function beforeTail(
	session: Session,
	{ profile, attempt, level, search }: Wanted,
	tail: number,
): Promise<number> {
	const last: number[] = [];
	for (let afterSeq = -1; ; ) {
		const found = await session.call('task.find', { profile, attempt, afterSeq, level, search });
		if (level === 'debug' && search === '') return Math.max(-1, found.lines - 1 - tail);
		last.push(...found.seqs.slice(-tail));
		if (last.length > tail) last.splice(0, last.length - tail);
		if (found.done) return (last[0] ?? found.lines) - 1;
		afterSeq = found.seen;
	}
}

/** The attempt that is followed, and whether nothing more comes of it; null: there is none any more. */
async function standing(
	session: Session,
	asked: Asked,
	wanted: Wanted,
): Promise<{ readonly over: boolean; readonly attempt: Attempt } | null> {
	const { state, history } = await session.call('task.show', { profile: wanted.profile, id: asked.id });
	const chosen = asked.attempt !== undefined;
	const attempt = chosen ? history.find(({ id }) => id === wanted.attempt) : history.at(-1);
	if (attempt === undefined) return null;
	// One that somebody named ends with itself, any other with its task: a task that is tried again goes on.
	const now = chosen ? attempt.state : state;
	return { over: now !== 'queued' && now !== 'running' && (chosen || now !== 'retrying'), attempt };
}

/** Waits until something changes in the profile's tasks, or Ctrl+C. */
async function nextTick(session: Session, profile: string): Promise<void> {
	const changed = Promise.withResolvers<void>();
	using stack = new DisposableStack();
	stack.use(
		await session.open(
			'task.watch',
			{ profile },
			{ snapshot() {}, put: () => changed.resolve(), end: () => changed.resolve() },
		),
	);
	stack.use(session.io.onInterrupt(() => changed.resolve()));
	// What was written between the last read and this stream's beginning makes no tick: look again after a while in any case.
	const again = setTimeout(() => changed.resolve(), 1_000);
	stack.defer(() => clearTimeout(again));
	await changed.promise;
}

async function print(
	session: Session,
	lines: readonly TaskLogLine[],
	json: (line: TaskLogLine) => string,
): Promise<void> {
	for (const line of lines) {
		if (session.globals.json) session.io.stdout.write(json(line));
		else session.say(showLine(line, session.style));
	}
	await drained(session);
}

async function drained(session: Session): Promise<void> {
	// Whoever reads slowly is waited for; whoever has gone ends the process by itself.
	while (session.io.stdout.writableLength > IN_FLIGHT && !session.signal.aborted) await setImmediate();
}

function jsonLine(line: TaskLogLine & { readonly attempt?: number }): string {
	return `${JSON.stringify(line)}\n`;
}

function textLine(line: TaskLogLine): string {
	const from = line.logger === null ? '' : `${line.logger}: `;
	const word = line.source === 'log' ? line.level.toUpperCase() : line.source;
	const text = harmless(line.text.replace(/\r?\n$/, '')).replaceAll('\n', '\n    ');
	return `${new Date(line.at).toISOString()} ${word.padEnd(8)} ${from}${text}\n`;
}
