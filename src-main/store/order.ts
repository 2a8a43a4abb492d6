/**
 * The order of a list and where a page begins. A list is a row of segments (rows that have the value, then those that don't;
 * or one per state), and within a segment rows are ordered by a key and, where keys are equal, by row number: no row is skipped or
 * shown twice however many share a millisecond. Each segment is walked along an index and never sorted.
 */
import { createHash } from 'node:crypto';
import type { TaskSort, TaskSortField } from '#main/domain/page.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { STATE_CODES } from './codes.ts';
import type { SqlValue } from './handles.ts';

/** A place between rows: the segment, the key in it, and the row number. */
export interface Place {
	readonly segment: number;
	readonly key: string | number;
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

/** Rows that one index walk, or a merge of one per state, gives in order. */
interface Segment {
	/** SQL over t: what rows are ordered by here; `0` leaves it to the row number. */
	readonly key: string;
	/** SQL over t: which rows are here, besides profile, state and not being removed. */
	readonly where: string;
	/** The index to walk. Named, since a wrong guess of the planner's costs a second at a million rows. */
	readonly index: string;
	/** One walk per state, of these; null: one walk, whatever the state. */
	readonly states: readonly number[] | null;
}

/** The order that a query runs in; a page backwards runs the other way round and is turned afterwards. */
export interface Order {
	readonly segments: readonly Segment[];
	/** SQL over t: the number of a row's segment. */
	readonly segmentSql: string;
	readonly descending: boolean;
	/** Segments from the last to the first. */
	readonly reversed: boolean;
	readonly after: Place | null;
}

const EVERY_STATE = Object.values(STATE_CODES);
/** Only these have no end. */
const OPEN_STATES: readonly number[] = [STATE_CODES.queued, STATE_CODES.running, STATE_CODES.retrying];

const COLUMNS: Readonly<
	Record<Exclude<TaskSortField, 'state' | 'finishedAt' | 'updatedAt'>, readonly [string, string]>
> = {
	publishedAt: ['published_at', 'tasks_published'],
	startedAt: ['started_at', 'tasks_started'],
	name: ['name', 'tasks_name'],
	queue: ['queue', 'tasks_queue'],
	priority: ['priority', 'tasks_priority'],
	runtimeMs: ['runtime_ms', 'tasks_runtime'],
};

function updated(states: readonly number[], where = '1'): Segment {
	return { key: 't.updated_at', where, index: 'tasks_updated', states };
}

function segmentsOf(field: TaskSortField): { readonly segments: readonly Segment[]; readonly sql: string } {
	switch (field) {
		case 'updatedAt':
			return { segments: [updated(EVERY_STATE)], sql: '0' };
		case 'state':
			return { segments: EVERY_STATE.map((state) => updated([state])), sql: 't.state' };
		case 'finishedAt':
			return {
				segments: [
					{ key: 't.finished_at', where: 't.finished_at IS NOT NULL', index: 'tasks_finished', states: EVERY_STATE },
					updated(OPEN_STATES, 't.finished_at IS NULL'),
				],
				sql: '(t.finished_at IS NULL)',
			};
		default: {
			const [column, index] = COLUMNS[field];
			return {
				segments: [
					{ key: `t.${column}`, where: `t.${column} IS NOT NULL`, index, states: null },
					{ key: '0', where: `t.${column} IS NULL`, index, states: null },
				],
				sql: `(t.${column} IS NULL)`,
			};
		}
	}
}

/** The order for a sort, from a cursor on. What has no value comes last, whichever way a list is sorted. */
export function orderOf(sort: TaskSort, cursor: Cursor | null): Order {
	const { segments, sql } = segmentsOf(sort.field);
	const back = cursor?.back === true;
	return {
		segments,
		segmentSql: sql,
		descending: sort.descending !== back,
		reversed: sort.field === 'state' ? sort.descending !== back : back,
		after: cursor?.place ?? null,
	};
}

/** Whether walks keep to the states they are given; if not, each row's state must be looked at. */
export function walksByState(order: Order): boolean {
	return order.segments.every((segment) => segment.states !== null);
}

/** SQL over t of a row's place, as columns `segment`, `key`, `seq`. */
export function placeSql(order: Order): string {
	const [first, ...rest] = order.segments;
	const same = rest.every((segment) => segment.key === first?.key);
	const key = same
		? (first?.key ?? '0')
		: `CASE ${order.segmentSql} ${order.segments.map((segment, at) => `WHEN ${at} THEN ${segment.key}`).join(' ')} END`;
	return `${order.segmentSql} AS segment, ${key} AS key, t.seq AS seq`;
}

/** ORDER BY over the columns of `placeSql`. */
export function orderBy(order: Order): string {
	const way = order.descending ? 'DESC' : 'ASC';
	return `segment ${order.reversed ? 'DESC' : 'ASC'}, key ${way}, seq ${way}`;
}

/** Whether a place comes later in the order than the one it starts after. Keys of one segment are of one type. */
export function afterSql(order: Order): SqlPart {
	const { after } = order;
	if (after === null) return { sql: '1', values: [] };
	const segment = order.reversed ? '<' : '>';
	const beyond = order.descending ? '<' : '>';
	return {
		sql: `(segment ${segment} ? OR (segment = ? AND (key ${beyond} ? OR (key = ? AND seq ${beyond} ?))))`,
		values: [after.segment, after.segment, after.key, after.key, after.seq],
	};
}

/**
 * Statements that give every place after the order's own (`segment, key, seq`), one after the other: each is a merge of index
 * walks. `states` are those wanted; walks that cannot keep to them give other rows too.
 */
export function walks(order: Order, profile: number, states: readonly number[]): readonly SqlPart[] {
	const numbers = order.segments.map((_, at) => at);
	if (order.reversed) numbers.reverse();
	const { after } = order;
	const parts: SqlPart[] = [];
	for (const number of numbers) {
		const segment = order.segments[number];
		if (segment === undefined) continue;
		const passed = after !== null && (order.reversed ? number > after.segment : number < after.segment);
		if (passed) continue;
		const from = after !== null && after.segment === number ? after : null;
		const part = walk(order, segment, number, from, profile, states);
		if (part !== null) parts.push(part);
	}
	return parts;
}

function walk(
	order: Order,
	segment: Segment,
	number: number,
	from: Place | null,
	profile: number,
	wanted: readonly number[],
): SqlPart | null {
	const way = order.descending ? 'DESC' : 'ASC';
	const states = segment.states?.filter((state) => wanted.includes(state)) ?? [null];
	const sqls: string[] = [];
	const values: SqlValue[] = [];
	for (const state of states) {
		for (const range of ranges(order, segment, from)) {
			sqls.push(
				`SELECT ${number} AS segment, ${segment.key} AS key, t.seq AS seq FROM tasks t INDEXED BY ${segment.index}
				WHERE t.profile = ?${state === null ? '' : ' AND t.state = ?'} AND t.removed_at IS NULL AND ${segment.where}${range.sql}`,
			);
			values.push(profile, ...(state === null ? [] : [state]), ...range.values);
		}
	}
	if (sqls.length === 0) return null;
	const by = segment.key === '0' ? `seq ${way}` : `key ${way}, seq ${way}`;
	return { sql: `${sqls.join(' UNION ALL ')} ORDER BY ${by}`, values };
}

/** Index ranges of a segment after a place. Equal keys are a range of their own: SQLite would read all of them otherwise. */
function ranges(order: Order, segment: Segment, from: Place | null): readonly SqlPart[] {
	if (from === null) return [{ sql: '', values: [] }];
	const beyond = order.descending ? '<' : '>';
	const tie = { sql: ` AND t.seq ${beyond} ?`, values: [from.seq] };
	if (segment.key === '0') return [tie];
	return [
		{ sql: ` AND ${segment.key} = ?${tie.sql}`, values: [from.key, from.seq] },
		{ sql: ` AND ${segment.key} ${beyond} ?`, values: [from.key] },
	];
}

/** A cursor as text: good for the same query and sort only. */
export function writeCursor(cursor: Cursor, query: string, sort: TaskSort): string {
	const { place, back } = cursor;
	const said = [back ? 1 : 0, place.segment, place.key, place.seq, fingerprint(query, sort)];
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
		const [back, segment, key, seq, print] = said as unknown[];
		const keyed = typeof key === 'string' || typeof key === 'number';
		if (typeof segment === 'number' && typeof seq === 'number' && keyed && print === fingerprint(query, sort)) {
			return ok({ back: back === 1, place: { segment, key, seq } });
		}
	}
	return fail('invalid-input', 'This cursor does not belong to this list. Ask for the first page again.');
}

function fingerprint(query: string, sort: TaskSort): string {
	return createHash('sha1').update(`${sort.field} ${sort.descending} ${query.trim()}`).digest('base64url').slice(0, 8);
}
