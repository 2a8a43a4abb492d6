/** `task export` and `task import`: history to and from files, piece by piece, with progress on standard error. */
import { constants } from 'node:fs';
import { type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { fail } from '#main/domain/result.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type { CallerInput, Output } from '#main/ipc/contract.ts';
import { CommandError, type Session } from './session.ts';
import { count, counted } from './text.ts';

/** Characters of a file that are read at once. */
const PIECE = 1_000_000;
/** Records of a piece, unless asked otherwise: small enough that most of what it took is gone before the next one comes. */
const PIECE_RECORDS = 200;
/** What may lie unread in a pipe before the next piece is asked for, in bytes. */
const IN_FLIGHT = 4_000_000;

/** Writes matching tasks. With `--out` to a file that appears when it is whole; without, to standard output. */
export async function taskExport(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const { out, ...rest } = given as Readonly<Record<string, unknown>> & { readonly out?: string };
	const input = { limit: PIECE_RECORDS, ...rest, profile: await session.profile() } as CallerInput<'task.export'>;
	const file = out === undefined ? null : await begin(out);
	let rows = 0;
	try {
		let total: number | null = null;
		for (let place: string | null | undefined; place !== null; ) {
			const piece = await session.call('task.export', place === undefined ? input : { ...input, place });
			total ??= piece.total;
			if (file === null) await toStandardOutput(session, piece.text);
			else await file.handle.appendFile(piece.text);
			rows += piece.rows;
			place = piece.next;
			if (session.io.stderr.isTTY && total !== null && total > 1_000)
				session.io.stderr.write(`\r${count(rows)} of ${count(total)}`);
			session.signal.throwIfAborted();
		}
		if (session.io.stderr.isTTY && total !== null && total > 1_000) session.io.stderr.write('\n');
		if (file !== null && out !== undefined) {
			await file.handle.sync();
			await file.handle.close();
			await rename(file.path, out);
		}
	} catch (error) {
		if (file !== null) await abandon(file);
		if (session.signal.aborted) throw new CommandError(fail('cancelled', stopped(rows, out)).error);
		if (isFileError(error))
			throw new CommandError(fail('invalid-input', `The file cannot be written: ${error.message}.`).error);
		throw error;
	}
	if (out === undefined) return EXIT.done;
	if (session.globals.json) session.json({ file: out, rows });
	else session.say(`Wrote ${counted(rows, 'record')} to ${out}.`);
	return EXIT.done;
}

function stopped(rows: number, out: string | undefined): string {
	const words = `Stopped after ${count(rows)} records`;
	return out === undefined ? `${words}.` : `${words}. ${out} was not written: what it held before stands.`;
}

/** A file beside the one that is wanted, so that a broken export never looks like a whole one. */
async function begin(out: string): Promise<{ readonly handle: FileHandle; readonly path: string }> {
	const path = join(dirname(out), `.${basename(out)}.${process.pid}.part`);
	try {
		return { handle: await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o600), path };
	} catch (error) {
		if (isFileError(error))
			throw new CommandError(fail('invalid-input', `The file cannot be written: ${error.message}.`).error);
		throw error;
	}
}

async function abandon(file: { readonly handle: FileHandle; readonly path: string }): Promise<void> {
	await file.handle.close().catch((error: unknown) => {
		// It may be closed already; what matters is that the file goes.
		if (!isFileError(error)) throw error;
	});
	await rm(file.path, { force: true });
}

async function toStandardOutput(session: Session, text: string): Promise<void> {
	session.io.stdout.write(text);
	// Whoever reads slowly is waited for; whoever has gone ends the process by itself.
	while (session.io.stdout.writableLength > IN_FLIGHT && !session.signal.aborted) await setImmediate();
}

/** Takes in a file, or standard input where its name is `-`. */
export async function taskImport(session: Session, given: Readonly<Record<string, unknown>>): Promise<number> {
	const { file, format: asked } = given as { readonly file?: string; readonly format?: string };
	if (file === undefined) throw new CommandError(fail('invalid-input', 'Name the file: task import FILE.').error);
	const profile = await session.profile();
	const format = (asked ?? (/\.(jsonl|ndjson|json)$/i.test(file) ? 'jsonl' : 'csv')) as 'csv' | 'jsonl';
	const sum = { taken: 0, known: 0, refused: 0, problems: [] as { record: number; reason: string }[] };
	let rest = '';
	let header: string | null = null;
	let before = 0;
	for await (const { text, last } of piecesOf(session, file)) {
		const input: CallerInput<'task.import'> = {
			profile,
			format,
			text: rest + text,
			last,
			...(header === null ? {} : { header }),
		};
		const piece: Output<'task.import'> = await session.call('task.import', input);
		for (const problem of piece.problems) {
			if (sum.problems.length < 20) sum.problems.push({ ...problem, record: before + problem.record });
		}
		before += piece.taken + piece.known + piece.refused;
		sum.taken += piece.taken;
		sum.known += piece.known;
		sum.refused += piece.refused;
		({ rest, header } = piece);
		if (session.io.stderr.isTTY && before > 1_000) session.io.stderr.write(`\r${count(before)} records`);
		if (session.signal.aborted)
			throw new CommandError(fail('cancelled', `Stopped after ${count(before)} records.`).error);
	}
	if (session.globals.json) session.json(sum);
	else {
		const known =
			sum.known === 0 ? '' : `; ${counted(sum.known, 'record')} of tasks known from elsewhere left as they are`;
		session.say(`Took in ${counted(sum.taken, 'record')}${known}.`);
		for (const { record, reason } of sum.problems) session.note(`Record ${count(record)}: ${reason}`);
		if (sum.refused > 0) session.note(`${counted(sum.refused, 'record')} could not be read.`);
	}
	return sum.refused > 0 ? EXIT.failed : EXIT.done;
}

/** Pieces of a file's text, the last of them marked. Characters are never cut in two. */
async function* piecesOf(
	session: Session,
	file: string,
): AsyncGenerator<{ readonly text: string; readonly last: boolean }> {
	if (file === '-') {
		let text = '';
		for (let line = await session.io.readLine(); line !== null; line = await session.io.readLine()) {
			text += `${line}\n`;
			if (text.length < PIECE) continue;
			yield { text, last: false };
			text = '';
		}
		yield { text, last: true };
		return;
	}
	let handle: FileHandle;
	try {
		if ((await stat(file)).isDirectory()) throw new CommandError(fail('invalid-input', `${file} is a folder.`).error);
		handle = await open(file, 'r');
	} catch (error) {
		if (isFileError(error))
			throw new CommandError(fail('invalid-input', `The file cannot be read: ${error.message}.`).error);
		throw error;
	}
	await using _close = { [Symbol.asyncDispose]: () => handle.close() };
	const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
	const bytes = Buffer.alloc(PIECE);
	for (;;) {
		const { bytesRead } = await handle.read(bytes, 0, PIECE);
		try {
			const text = decoder.decode(bytes.subarray(0, bytesRead), { stream: bytesRead > 0 });
			yield { text, last: bytesRead === 0 };
		} catch (error) {
			if (!(error instanceof TypeError)) throw error;
			throw new CommandError(fail('invalid-input', 'The file is not UTF-8 text.').error);
		}
		if (bytesRead === 0) return;
	}
}

function isFileError(error: unknown): error is NodeJS.ErrnoException {
	return error instanceof Error && typeof (error as NodeJS.ErrnoException).code === 'string' && 'syscall' in error;
}
