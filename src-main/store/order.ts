/**
 * The order of a list: which column, which way, and where a page begins. Equal values are told apart by the row number, so no
 * row is skipped or shown twice however many share a millisecond. Nulls are the smallest, as SQLite has it.
 */
import { createHash } from 'node:crypto';
import type { TaskSort, TaskSortField } from '#main/domain/page.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { SqlValue } from './handles.ts';

const COLUMNS: Readonly<Record<TaskSortField, string>> = {
	finishedAt: 'finished_at',
	publishedAt: 'published_at',
	startedAt: 'started_at',
	updatedAt: 'updated_at',
	name: 'name',
	queue: 'queue',
	priority: 'priority',
	runtimeMs: 'runtime_ms',
	// Within a state, by what changed last.
	state: 'updated_at',
};

/** A place between rows: the sort's value and the number of the row beside it; `rank` is the state when sorted by state. */
export interface Place {
	readonly rank: number;
	readonly value: string | number | null;
	readonly seq: number;
}

/** A cursor, taken apart. `back`: the page that ends before the place. */
export interface Cursor {
	readonly place: Place;
	readonly back: boolean;
}

export interface SqlPart {
	readonly sql: string;
	readonly values: readonly SqlValue[];
}

/** The order that a query runs in; a page backwards runs the other way round and is turned afterwards. */
export interface Order {
	readonly column: string;
	/** By state first. */
	readonly ranked: boolean;
	readonly descending: boolean;
	readonly after: Place | null;
}

export function orderOf(sort: TaskSort, cursor: Cursor | null): Order {
	return {
		column: COLUMNS[sort.field],
		ranked: sort.field === 'state',
		descending: sort.descending !== (cursor?.back === true),
		after: cursor?.place ?? null,
	};
}

/** Expression for the rank of a row of `tasks` named t. */
export function rankOf(order: Order): string {
	return order.ranked ? 't.state' : '0';
}

/** ORDER BY over columns `rank`, `value`, `seq`. */
export function orderBy(order: Order): string {
	const way = order.descending ? 'DESC' : 'ASC';
	return `rank ${way}, value ${way}, seq ${way}`;
}

/**
 * SQL of every row's place (`seq, value, rank`) in states of a profile after the order's place, as a merge of index walks that
 * never sorts: each state's index part is in order already.
 */
export function walkSql(order: Order, profile: number, states: readonly number[]): SqlPart {
	const sqls: string[] = [];
	const values: SqlValue[] = [];
	for (const state of states) {
		for (const condition of conditions(order, state)) {
			sqls.push(
				`SELECT t.seq AS seq, t.${order.column} AS value, ${rankOf(order)} AS rank FROM tasks t
				WHERE t.profile = ? AND t.state = ? AND t.removed_at IS NULL${condition.sql}`,
			);
			values.push(profile, state, ...condition.values);
		}
	}
	if (sqls.length === 0) return { sql: 'SELECT 0 AS seq, 0 AS value, 0 AS rank WHERE 0', values: [] };
	return { sql: `${sqls.join(' UNION ALL ')} ORDER BY ${orderBy(order)}`, values };
}

/** Parts of one state's rows that lie after the place; each part is one range of the index. */
function conditions(order: Order, state: number): readonly SqlPart[] {
	const { after, descending, column } = order;
	const all: readonly SqlPart[] = [{ sql: '', values: [] }];
	if (after === null) return all;
	if (order.ranked && state !== after.rank) {
		const later = descending ? state < after.rank : state > after.rank;
		return later ? all : [];
	}
	const beyond = descending ? '<' : '>';
	if (after.value === null) {
		const rest: SqlPart[] = [{ sql: ` AND t.${column} IS NULL AND t.seq ${beyond} ?`, values: [after.seq] }];
		if (!descending) rest.push({ sql: ` AND t.${column} IS NOT NULL`, values: [] });
		return rest;
	}
	const parts: SqlPart[] = [
		{ sql: ` AND t.${column} = ? AND t.seq ${beyond} ?`, values: [after.value, after.seq] },
		{ sql: ` AND t.${column} ${beyond} ?`, values: [after.value] },
	];
	if (descending) parts.push({ sql: ` AND t.${column} IS NULL`, values: [] });
	return parts;
}

/** Condition on one row of `tasks` (t): does it lie after the place? */
export function afterSql(order: Order): SqlPart {
	const { after, descending, column } = order;
	if (after === null) return { sql: '1', values: [] };
	const beyond = descending ? '<' : '>';
	const within =
		after.value === null
			? descending
				? { sql: `(t.${column} IS NULL AND t.seq < ?)`, values: [after.seq] }
				: { sql: `(t.${column} IS NOT NULL OR t.seq > ?)`, values: [after.seq] }
			: {
					sql: `(t.${column} ${beyond} ? OR (t.${column} = ? AND t.seq ${beyond} ?)${
						descending ? ` OR t.${column} IS NULL` : ''
					})`,
					values: [after.value, after.value, after.seq],
				};
	if (!order.ranked) return within;
	return {
		sql: `(t.state ${beyond} ? OR (t.state = ? AND ${within.sql}))`,
		values: [after.rank, after.rank, ...within.values],
	};
}

/** A cursor as text: good for the same query and sort only. */
export function writeCursor(cursor: Cursor, query: string, sort: TaskSort): string {
	const { place, back } = cursor;
	const said = [back ? 1 : 0, place.rank, place.value, place.seq, fingerprint(query, sort)];
	return Buffer.from(JSON.stringify(said)).toString('base64url');
}

/** The cursor that a text stands for; `invalid-input` when it is none, or one of another list. */
export function readCursor(text: string, query: string, sort: TaskSort): Result<Cursor> {
	let said: unknown = null;
	try {
		said = JSON.parse(Buffer.from(text, 'base64url').toString());
	} catch {
		// Falls through to the answer for everything that is not a cursor.
	}
	if (Array.isArray(said) && said.length === 5) {
		const [back, rank, value, seq, print] = said as unknown[];
		const valued = value === null || typeof value === 'string' || typeof value === 'number';
		if (typeof rank === 'number' && typeof seq === 'number' && valued && print === fingerprint(query, sort)) {
			return ok({ back: back === 1, place: { rank, value, seq } });
		}
	}
	return fail('invalid-input', 'This cursor does not belong to this list. Ask for the first page again.');
}

function fingerprint(query: string, sort: TaskSort): string {
	return createHash('sha1').update(`${sort.field} ${sort.descending} ${query.trim()}`).digest('base64url').slice(0, 8);
}
