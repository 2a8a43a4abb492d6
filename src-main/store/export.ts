/** Pages of an export: by row number, so that a million rows cost what a thousand cost, a thousand times. */
import type { ExportedRun, ExportedTask, ExportPage, ExportPlace, ExportRequest } from '#main/domain/export.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { attemptOf, attemptsOf } from './attempts.ts';
import { STATE_CODES, stateName } from './codes.ts';
import type { ListReader } from './lists.ts';
import type { ObservedLog } from './observed-log.ts';
import type { SqlPart } from './order.ts';
import { profileKeyOf } from './profile-keys.ts';
import { compileQuery } from './search.ts';
import { type ListedRow, TASK_COLUMNS, taskRowOf } from './tasks.ts';

/**
 * A page ends early once its rows hold so many characters. A page lies in memory some five times over: as rows on either side of the thread,
 * as text, and as bytes. With eight times as much, an export of long results was measured to need 300 MB instead of 170.
 */
const PAGE_CHARS = 500_000;

/** The ends that a task log has an entry for. */
const LOGGED = [STATE_CODES.succeeded, STATE_CODES.failed, STATE_CODES.retrying].join(', ');

/** Tasks by row number, oldest first, each with its attempts. */
export function exportTasks(reader: ListReader, request: ExportRequest, now: number): Result<ExportPage<ExportedTask>> {
	const { db } = reader;
	return paged(reader, request, now, 'tasks', (match, place, limit) => {
		const rows = db
			.read<ListedRow>(
				'export tasks',
				`SELECT ${TASK_COLUMNS} FROM tasks t NOT INDEXED CROSS JOIN task_texts x ON x.seq = t.seq
				WHERE t.seq > ? AND t.seq <= ? AND ${match.sql} ORDER BY t.seq LIMIT ?`,
				true,
			)
			.iterate(place.after, place.until, ...match.values, limit);
		const found: { readonly seq: number; readonly value: ExportedTask }[] = [];
		let chars = 0;
		for (const row of rows) {
			const attempts = attemptsOf(db, row.seq).map(attemptOf);
			const last = attempts.at(-1);
			const value = {
				row: taskRowOf(row),
				result: last?.result ?? null,
				traceback: last?.traceback ?? null,
				attempts,
				...lineageOf(reader, row.seq),
			};
			found.push({ seq: row.seq, value });
			chars += sizeOf(value);
			if (chars > PAGE_CHARS) break;
		}
		return found;
	});
}

/** Finished runs by row number, oldest first. */
export function exportRuns(reader: ListReader, request: ExportRequest, now: number): Result<ExportPage<ExportedRun>> {
	const { db } = reader;
	interface Row {
		readonly id: number;
		readonly task: number;
		readonly number: number;
		readonly task_id: string;
		readonly name: string;
		readonly state: number;
		readonly priority: number | null;
		readonly queued_at: number | null;
		readonly started_at: number | null;
		readonly finished_at: number;
		readonly runtime_ms: number | null;
		readonly exception_type: string | null;
	}
	const before = db.read<{ n: number }>(
		'retries before',
		`SELECT count(*) AS n FROM attempts WHERE task = ? AND number < ? AND state = ${STATE_CODES.retrying}`,
	);
	return paged(reader, request, now, 'attempts', (match, place, limit) =>
		db
			.read<Row>(
				'export runs',
				`SELECT a.id, a.task, a.number, t.id AS task_id, a.name, a.state, coalesce(a.priority, t.priority) AS priority,
					a.queued_at, a.started_at, a.finished_at, a.runtime_ms, a.exception_type
				FROM attempts a CROSS JOIN tasks t ON t.seq = a.task JOIN task_texts x ON x.seq = t.seq
				WHERE a.id > ? AND a.id <= ? AND a.state IN (${LOGGED}) AND a.finished_at IS NOT NULL AND ${match.sql}
				ORDER BY a.id LIMIT ?`,
				true,
			)
			.all(place.after, place.until, ...match.values, limit)
			.map((row) => ({
				seq: row.id,
				value: {
					id: row.id,
					taskId: row.task_id,
					name: row.name,
					state: stateName(row.state) as ExportedRun['state'],
					priority: row.priority,
					retries: row.number === 1 ? 0 : (before.get(row.task, row.number)?.n ?? 0),
					receivedAt: row.queued_at,
					startedAt: row.started_at,
					finishedAt: row.finished_at,
					runtimeMs: row.runtime_ms,
					exceptionType: row.exception_type,
					parentId: lineageOf(reader, row.task).parentId,
				},
			})),
	);
}

/** Reads one page in a snapshot, and says where the next one begins. */
function paged<Row>(
	reader: ListReader,
	request: ExportRequest,
	now: number,
	table: 'tasks' | 'attempts',
	read: (match: SqlPart, place: ExportPlace, limit: number) => readonly { readonly seq: number; readonly value: Row }[],
): Result<ExportPage<Row>> {
	const { db } = reader;
	const parsed = parseQuery(request.query, request.place?.now ?? now);
	if (!parsed.ok) return parsed;
	return db.snapshot(() => {
		const profile = profileKeyOf(db, request.profile);
		if (profile === null) return ok({ rows: [], next: null, total: request.place === null ? 0 : null });
		reader.tests.clear();
		const condition = compileQuery(parsed.value, { db, profile, grams: reader.grams }, reader.tests);
		const match: SqlPart = {
			sql: `t.profile = ? AND t.removed_at IS NULL AND (${condition.sql})`,
			values: [profile, ...condition.values],
		};
		const place = request.place ?? { after: 0, until: newest(reader, table), now };
		const limit = Math.min(1_000, Math.max(1, request.limit));
		const found = read(match, place, limit);
		const last = found.at(-1);
		return ok({
			rows: found.map(({ value }) => value),
			// Whether anything follows the next page tells: it may be empty.
			next: last === undefined || last.seq >= place.until ? null : { ...place, after: last.seq },
			total: request.place === null ? totalOf(reader, table, match, place) : null,
		});
	});
}

function newest(reader: ListReader, table: 'tasks' | 'attempts'): number {
	const column = table === 'tasks' ? 'seq' : 'id';
	return (
		reader.db.read<{ n: number | null }>(`newest of ${table}`, `SELECT max(${column}) AS n FROM ${table}`).get()?.n ?? 0
	);
}

const FROM = {
	tasks: 'tasks t NOT INDEXED CROSS JOIN task_texts x ON x.seq = t.seq WHERE t.seq > ? AND t.seq <= ?',
	attempts: `attempts a CROSS JOIN tasks t ON t.seq = a.task JOIN task_texts x ON x.seq = t.seq
		WHERE a.id > ? AND a.id <= ? AND a.state IN (${LOGGED}) AND a.finished_at IS NOT NULL`,
} as const;

function totalOf(reader: ListReader, table: keyof typeof FROM, match: SqlPart, place: ExportPlace): number {
	const sql = `SELECT count(*) AS n FROM ${FROM[table]} AND ${match.sql}`;
	return (
		reader.db.read<{ n: number }>('count export', sql, true).get(place.after, place.until, ...match.values)?.n ?? 0
	);
}

function lineageOf(
	{ db }: ListReader,
	task: number,
): { readonly rootId: string | null; readonly parentId: string | null } {
	const row = db
		.read<{ body: string }>(
			'first told of task',
			'SELECT e.body FROM attempts a JOIN attempt_events e ON e.attempt = a.id WHERE a.task = ? ORDER BY a.number LIMIT 1',
		)
		.get(task);
	const call = row === undefined ? null : (JSON.parse(row.body) as ObservedLog).call;
	return { rootId: call?.rootId ?? null, parentId: call?.parentId ?? null };
}

/** Characters of what can be long. */
function sizeOf(task: ExportedTask): number {
	const texts = [task.row.argsJson, task.row.kwargsJson, task.row.exception?.message];
	for (const attempt of task.attempts) texts.push(attempt.traceback, attempt.result?.text, attempt.exception?.message);
	return texts.reduce<number>((sum, text) => sum + (text?.length ?? 0), 200);
}
