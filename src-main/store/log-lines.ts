/** Log lines of attempts, numbered from 0, capped. */

import { LOG_LINES_CAP, LOG_SIZE_CAP } from '#main/domain/log-bounds.ts';
import { readLogSearch } from '#main/domain/log-search.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { LogLevel, LogLine, LogSource } from '#main/domain/task.ts';
import { LOG_LEVELS } from '#main/domain/task.ts';
import { cutEnd, LOG_LINE_CAP } from './caps.ts';
import { levelName } from './codes.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import type { LogFound, LogPage, StoredLogLine } from './store.ts';

interface LineRow {
	readonly seq: number;
	readonly at: number;
	readonly level: number;
	readonly source: LogSource;
	readonly logger: string | null;
	readonly text: string;
}

export interface LogRequest {
	readonly afterSeq: number;
	readonly limit: number;
	readonly minLevel: LogLevel;
	readonly search: string;
}

/** A page ends early once its lines hold so many characters; as an export's does, for the same memory. */
const PAGE_CHARS = 500_000;
/** Lines that one call looks at for a search by text: some tens of milliseconds. By level alone it looks at more. */
const SEARCHED = 50_000;
const LOOKED_AT = 500_000;

/** How grave a line is, in SQL; as `gravityOf` has it. */
const GRAVITY = `CASE WHEN source = 'stderr' THEN max(level, ${LOG_LEVELS.warning}) ELSE level END`;

/** Lines after a number, least level and search given; `total` counts all that match, before and after. */
export function logPage(db: ReadHandle, attempt: number, request: LogRequest): Result<LogPage> {
	const search = readLogSearch(request.search);
	if (!search.ok) return search;
	const min = LOG_LEVELS[request.minLevel];
	const lines: StoredLogLine[] = [];
	let chars = 0;
	const take = (row: LineRow) => {
		if (lines.length >= request.limit || chars > PAGE_CHARS) return false;
		lines.push(lineOf(row));
		chars += row.text.length;
		return true;
	};
	if (search.value === null) {
		const rows = db
			.read<LineRow>(
				'log page',
				`SELECT * FROM log_lines WHERE attempt = ? AND seq > ? AND ${GRAVITY} >= ? ORDER BY seq LIMIT ?`,
				true,
			)
			.iterate(attempt, request.afterSeq, min, request.limit);
		for (const row of rows) if (!take(row)) break;
		return ok({ lines, total: totalOf(db, attempt, min) });
	}
	let total = 0;
	const all = db.read<LineRow>(
		'log search',
		`SELECT * FROM log_lines WHERE attempt = ? AND ${GRAVITY} >= ? ORDER BY seq`,
		true,
	);
	for (const row of all.iterate(attempt, min)) {
		if (!search.value.test(lineOf(row))) continue;
		total += 1;
		if (row.seq > request.afterSeq) take(row);
	}
	return ok({ lines, total });
}

function totalOf(db: ReadHandle, attempt: number, min: number): number {
	if (min <= LOG_LEVELS.debug) return linesOf(db, attempt);
	return (
		db
			.read<{ n: number }>('log total', `SELECT count(*) AS n FROM log_lines WHERE attempt = ? AND ${GRAVITY} >= ?`)
			.get(attempt, min)?.n ?? 0
	);
}

function linesOf(db: ReadHandle, attempt: number): number {
	return (
		db.read<{ n: number }>('log length', 'SELECT log_lines + log_full AS n FROM attempts WHERE id = ?').get(attempt)
			?.n ?? 0
	);
}

/**
 * The numbers of the lines that a level and a search leave, piece by piece: a call looks at some lines only, so that no long log holds
 * others up, and says how far it got. Asked again with that, it goes on, also with lines that came since.
 */
export function findLines(db: ReadHandle, attempt: number, request: Omit<LogRequest, 'limit'>): Result<LogFound> {
	const search = readLogSearch(request.search);
	if (!search.ok) return search;
	const test = search.value;
	const from = request.afterSeq;
	const lines = linesOf(db, attempt);
	const last = Math.min(lines - 1, from + (test === null ? LOOKED_AT : SEARCHED));
	const min = LOG_LEVELS[request.minLevel];
	const seqs: number[] = [];
	if (last > from) {
		const columns = test === null ? 'seq' : '*';
		const rows = db
			.read<LineRow>(
				test === null ? 'log levels' : 'log find',
				`SELECT ${columns} FROM log_lines WHERE attempt = ? AND seq > ? AND seq <= ? AND ${GRAVITY} >= ? ORDER BY seq`,
				true,
			)
			.iterate(attempt, from, last, min);
		for (const row of rows) if (test === null || test.test(lineOf(row))) seqs.push(row.seq);
	}
	const seen = Math.max(from, last);
	return ok({ seqs, seen, lines, done: seen >= lines - 1 });
}

/** Lines by their numbers, in the order of the log; those that are not there are left out, and so is what makes a page too large. */
export function linesAt(db: ReadHandle, attempt: number, seqs: readonly number[]): readonly StoredLogLine[] {
	const one = db.read<LineRow>('log line', 'SELECT * FROM log_lines WHERE attempt = ? AND seq = ?');
	const lines: StoredLogLine[] = [];
	let chars = 0;
	for (const seq of seqs) {
		const row = one.get(attempt, seq);
		if (row === undefined) continue;
		lines.push(lineOf(row));
		chars += row.text.length;
		if (chars > PAGE_CHARS) break;
	}
	return lines;
}

function lineOf(row: LineRow): StoredLogLine {
	return {
		seq: row.seq,
		at: row.at,
		level: levelName(row.level),
		source: row.source,
		logger: row.logger,
		text: row.text,
	};
}

/** Where an attempt's log stands. */
export interface LogState {
	readonly id: number;
	readonly log_lines: number;
	readonly log_bytes: number;
	readonly log_full: number;
}

export interface LogTable {
	/**
	 * Appends what fits. `from` is the run's own number of the first line: lines that are there already are left out. Without
	 * it, all are new. True when anything was written.
	 */
	append(state: LogState, lines: readonly LogLine[], from: number | undefined): boolean;
	drop(attempt: number): void;
}

export function logTable(db: WriteHandle): LogTable {
	const insert = db.write(
		'log line',
		'INSERT INTO log_lines (attempt, seq, at, level, source, logger, text) VALUES (?, ?, ?, ?, ?, ?, ?)',
	);
	const note = db.write(
		'log state',
		'UPDATE attempts SET log_lines = ?, log_bytes = ?, log_full = ?, truncated = max(truncated, ?) WHERE id = ?',
	);
	const drop = db.write('drop log', 'DELETE FROM log_lines WHERE attempt = ?');
	return {
		append(state, lines, from) {
			if (state.log_full !== 0) return false;
			const known = from === undefined ? 0 : Math.max(0, state.log_lines - from);
			let count = state.log_lines;
			let size = state.log_bytes;
			let cut = 0;
			for (const line of lines.slice(known)) {
				const text = cutEnd(line.text, LOG_LINE_CAP);
				if (text !== line.text) cut = 1;
				if (count >= LOG_LINES_CAP || size + text.length > LOG_SIZE_CAP) {
					const words =
						`The log goes on, but only its first ${count} lines are kept ` +
						`(at most ${LOG_LINES_CAP} lines or ${LOG_SIZE_CAP >> 20} MiB).`;
					insert.run(state.id, count, Math.trunc(line.at), LOG_LEVELS.warning, 'warren', null, words);
					note.run(count, size, 1, 1, state.id);
					return true;
				}
				insert.run(state.id, count, Math.trunc(line.at), LOG_LEVELS[line.level], line.source, line.logger, text);
				count += 1;
				size += text.length;
			}
			if (count === state.log_lines) return false;
			note.run(count, size, 0, cut, state.id);
			return true;
		},
		drop: (attempt) => void drop.run(attempt),
	};
}
