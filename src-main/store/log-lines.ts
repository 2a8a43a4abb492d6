/** Log lines of attempts, numbered from 0, capped. */

import { foldCase } from '#main/domain/query.ts';
import type { LogLevel, LogLine, LogSource } from '#main/domain/task.ts';
import { LOG_LEVELS } from '#main/domain/task.ts';
import { cutEnd, LOG_LINE_CAP, LOG_LINES_CAP, LOG_SIZE_CAP } from './caps.ts';
import { levelName } from './codes.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import type { LogPage, StoredLogLine } from './store.ts';

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

/** Lines after a number, least level and part of the text (any case) given; `total` counts all that match, before and after. */
export function logPage(db: ReadHandle, attempt: number, request: LogRequest): LogPage {
	const min = LOG_LEVELS[request.minLevel];
	if (request.search === '') {
		const lines = db
			.read<LineRow>(
				'log page',
				'SELECT * FROM log_lines WHERE attempt = ? AND seq > ? AND level >= ? ORDER BY seq LIMIT ?',
			)
			.all(attempt, request.afterSeq, min, request.limit);
		return { lines: lines.map(lineOf), total: totalOf(db, attempt, min) };
	}
	const wanted = foldCase(request.search);
	const lines: StoredLogLine[] = [];
	let total = 0;
	const all = db.read<LineRow>(
		'log search',
		'SELECT * FROM log_lines WHERE attempt = ? AND level >= ? ORDER BY seq',
		true,
	);
	for (const row of all.iterate(attempt, min)) {
		if (!foldCase(row.text).includes(wanted) && !foldCase(row.logger ?? '').includes(wanted)) continue;
		total += 1;
		if (row.seq > request.afterSeq && lines.length < request.limit) lines.push(lineOf(row));
	}
	return { lines, total };
}

function totalOf(db: ReadHandle, attempt: number, min: number): number {
	const sql =
		min <= LOG_LEVELS.debug
			? 'SELECT log_lines + log_full AS n FROM attempts WHERE id = ?'
			: 'SELECT count(*) AS n FROM log_lines WHERE attempt = ? AND level >= ?';
	const values = min <= LOG_LEVELS.debug ? [attempt] : [attempt, min];
	return db.read<{ n: number }>('log total', sql).get(...values)?.n ?? 0;
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
