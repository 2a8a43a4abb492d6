/** Pages, counts and ids of task lists. */
import { type ProfileId, type TaskId, taskId } from '#main/domain/ids.ts';
import type { Page } from '#main/domain/page.ts';
import type { Query } from '#main/domain/query.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { TaskRow } from '#main/domain/task.ts';
import { propose, statesOf, type Way, waysOf, withoutStates } from './candidates.ts';
import { countsByState } from './counts.ts';
import type { ReadHandle, SqlValue } from './handles.ts';
import {
	afterSql,
	type Cursor,
	type Order,
	orderBy,
	orderOf,
	type Place,
	rankOf,
	readCursor,
	walkSql,
	writeCursor,
} from './order.ts';
import { profileKeyOf, revisionOf } from './profile-keys.ts';
import { type Condition, compileQuery, type SearchScope, type SqlTests } from './search.ts';
import type { TaskPageRequest } from './store.ts';
import { type ListedRow, TASK_COLUMNS, taskRowOf } from './tasks.ts';

/** Proposed rows up to this many are all compared at once, whatever the order. */
const FEW = 3_000;
/** And up to this many when walking in order has found too little for too long. */
const MANY = 60_000;
/** How long a walk may take before proposals are asked for again. */
const WALK_MS = 40;
/** Lists no longer than this are counted outright. */
const COUNTED = 20_000;
/** Counts and reviews look at proposals up to this many rather than at every row. */
const COUNTED_PROPOSALS = 250_000;

/** A query made ready to run. */
interface Prepared {
	readonly scope: SearchScope;
	readonly states: readonly number[];
	/** Listed tasks in these states. */
	readonly inStates: number;
	/** Null: the states say it all. */
	readonly condition: Condition | null;
	readonly ways: readonly Way[];
}

/** One window of a list. */
export function taskPage(
	db: ReadHandle,
	tests: SqlTests,
	request: TaskPageRequest,
	now: number,
): Result<Page<TaskRow>> {
	const parsed = parseQuery(request.query, now);
	if (!parsed.ok) return parsed;
	const cursor = request.cursor === null ? null : readCursor(request.cursor, request.query, request.sort);
	if (cursor !== null && !cursor.ok) return cursor;
	return db.snapshot(() => {
		const revision = revisionOf(db, request.profile);
		const key = profileKeyOf(db, request.profile);
		if (key === null) return ok({ items: [], total: 0, revision, next: null, previous: null });
		const prepared = prepare({ db, profile: key }, tests, parsed.value);
		const order = orderOf(request.sort, cursor?.value ?? null);
		const window = windowOf(prepared, order, Math.min(500, Math.max(1, request.limit)));
		return ok(pageOf(db, request, revision, cursor?.value ?? null, window));
	});
}

/** How many match, exactly. */
export function countTasks(
	db: ReadHandle,
	tests: SqlTests,
	profile: ProfileId,
	query: string,
	now: number,
): Result<number> {
	const parsed = parseQuery(query, now);
	if (!parsed.ok) return parsed;
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return ok(0);
		return ok(countOf(prepare({ db, profile: key }, tests, parsed.value)));
	});
}

/** Ids that match, at most `limit`, in no promised order. */
export function matchingIds(
	db: ReadHandle,
	tests: SqlTests,
	profile: ProfileId,
	query: string,
	limit: number,
	now: number,
): Result<readonly TaskId[]> {
	const parsed = parseQuery(query, now);
	if (!parsed.ok) return parsed;
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return ok([]);
		const prepared = prepare({ db, profile: key }, tests, parsed.value);
		const from = everyMatch(prepared);
		const rows = db
			.read<{ id: string }>('ids of query', `SELECT t.id AS id ${from.sql} LIMIT ?`, true)
			.all(...from.values, Math.max(0, limit));
		return ok(rows.map((row) => taskId(row.id)));
	});
}

function prepare(scope: SearchScope, tests: SqlTests, query: Query): Prepared {
	tests.clear();
	const counts = countsByState(scope.db, scope.profile);
	const states = statesOf(query).filter((state) => (counts[state] ?? 0) > 0);
	const rest = withoutStates(query);
	return {
		scope,
		states,
		inStates: states.reduce((sum, state) => sum + (counts[state] ?? 0), 0),
		condition: rest.kind === 'all' ? null : compileQuery(rest, scope, tests),
		ways: rest.kind === 'all' || states.length === 0 ? [] : waysOf(rest, scope, states),
	};
}

/** Places in order, one more than asked for where there are more, and how many match in all where that is known. */
interface Window {
	readonly places: readonly Place[];
	readonly more: boolean;
	readonly total: number | null;
}

function windowOf(prepared: Prepared, order: Order, limit: number): Window {
	const { condition } = prepared;
	if (condition === null) {
		return { ...cutTo(limit, [...walk(prepared, order, limit + 1)]), total: prepared.inStates };
	}
	const few = prepared.inStates <= FEW ? null : proposals(prepared, FEW);
	if (few !== null) return compared(prepared, condition, order, limit, few);
	const found: Place[] = [];
	const started = performance.now();
	let size = Math.max(64, limit);
	let chunk: Place[] = [];
	let tried = prepared.inStates <= COUNTED || prepared.ways.length === 0;
	for (const place of walk(prepared, order, null)) {
		chunk.push(place);
		if (chunk.length < size) continue;
		found.push(...comparedChunk(prepared, condition, chunk));
		chunk = [];
		if (found.length > limit) break;
		size = Math.min(2_000, size * 2);
		if (tried || performance.now() - started < WALK_MS) continue;
		tried = true;
		const many = proposals(prepared, MANY);
		if (many !== null) return compared(prepared, condition, order, limit, many);
	}
	if (found.length <= limit && chunk.length > 0) found.push(...comparedChunk(prepared, condition, chunk));
	const window = cutTo(limit, found);
	const whole = order.after === null && !window.more;
	const total = whole ? window.places.length : prepared.inStates <= COUNTED ? countOf(prepared) : null;
	return { ...window, total };
}

function cutTo(limit: number, places: readonly Place[]): { readonly places: readonly Place[]; readonly more: boolean } {
	return { places: places.slice(0, limit), more: places.length > limit };
}

function proposals(prepared: Prepared, limit: number): ReadonlySet<number> | null {
	for (const way of prepared.ways) {
		const found = propose(way, prepared.scope, limit);
		if (found !== null) return found;
	}
	return null;
}

/** Walks places in order straight from the indexes. */
function walk(prepared: Prepared, order: Order, limit: number | null): Iterable<Place> {
	const part = walkSql(order, prepared.scope.profile, prepared.states);
	const sql = limit === null ? part.sql : `${part.sql} LIMIT ?`;
	const values: SqlValue[] = limit === null ? [...part.values] : [...part.values, limit];
	return prepared.scope.db.read<Place>('walk list', sql, true).iterate(...values);
}

/** Those places of a walk whose rows match, still in order. */
function comparedChunk(prepared: Prepared, condition: Condition, chunk: readonly Place[]): readonly Place[] {
	const texts = condition.texts ? 'CROSS JOIN task_texts x ON x.seq = t.seq' : '';
	const rows = prepared.scope.db
		.read<{ seq: number }>(
			'compare rows',
			`SELECT t.seq AS seq FROM json_each(?) c CROSS JOIN tasks t ON t.seq = c.value ${texts} WHERE ${condition.sql}`,
		)
		.all(JSON.stringify(chunk.map((place) => place.seq)), ...condition.values);
	const matching = new Set(rows.map((row) => row.seq));
	return chunk.filter((place) => matching.has(place.seq));
}

/** Compares all proposed rows, and sorts what matches. */
function compared(
	prepared: Prepared,
	condition: Condition,
	order: Order,
	limit: number,
	proposed: ReadonlySet<number>,
): Window {
	const after = afterSql(order);
	const from = matchesAmong(prepared, condition, proposed);
	const rows = prepared.scope.db
		.read<Place & { readonly after: number }>(
			'compare proposals',
			`SELECT t.seq AS seq, t.${order.column} AS value, ${rankOf(order)} AS rank, ${after.sql} AS after ${from.sql}
			ORDER BY ${orderBy(order)}`,
			true,
		)
		.all(...after.values, ...from.values);
	const later = order.after === null ? rows : rows.filter((row) => row.after === 1);
	return { ...cutTo(limit, later), total: rows.length };
}

function matchesAmong(prepared: Prepared, condition: Condition, proposed: ReadonlySet<number>) {
	const texts = condition.texts ? 'CROSS JOIN task_texts x ON x.seq = t.seq' : '';
	return {
		sql: `FROM json_each(?) c CROSS JOIN tasks t ON t.seq = c.value ${texts}
			WHERE t.profile = ? AND t.removed_at IS NULL AND t.state IN (${prepared.states.join(', ')}) AND ${condition.sql}`,
		values: [JSON.stringify([...proposed]), prepared.scope.profile, ...condition.values],
	};
}

/** FROM and WHERE of everything that matches. */
function everyMatch(prepared: Prepared): { readonly sql: string; readonly values: readonly SqlValue[] } {
	const { condition, scope } = prepared;
	if (condition !== null && prepared.inStates > FEW) {
		const proposed = proposals(prepared, Math.min(COUNTED_PROPOSALS, prepared.inStates / 4));
		if (proposed !== null) return matchesAmong(prepared, condition, proposed);
	}
	const texts = condition?.texts === true ? 'CROSS JOIN task_texts x ON x.seq = t.seq' : '';
	return {
		sql: `FROM tasks t ${texts} WHERE t.profile = ? AND t.removed_at IS NULL AND t.state IN (${prepared.states.join(', ')})
			AND ${condition?.sql ?? '1'}`,
		values: [scope.profile, ...(condition?.values ?? [])],
	};
}

function countOf(prepared: Prepared): number {
	if (prepared.condition === null) return prepared.inStates;
	const from = everyMatch(prepared);
	const row = prepared.scope.db.read<{ n: number }>('count query', `SELECT count(*) AS n ${from.sql}`, true);
	return row.get(...from.values)?.n ?? 0;
}

function pageOf(
	db: ReadHandle,
	request: TaskPageRequest,
	revision: number,
	cursor: Cursor | null,
	window: Window,
): Page<TaskRow> {
	const back = cursor?.back === true;
	const places = back ? window.places.toReversed() : window.places;
	const one = db.read<ListedRow>(
		'row of page',
		`SELECT ${TASK_COLUMNS} FROM tasks t JOIN task_texts x ON x.seq = t.seq WHERE t.seq = ?`,
	);
	const items: TaskRow[] = [];
	for (const place of places) {
		const row = one.get(place.seq);
		if (row !== undefined) items.push(taskRowOf(row));
	}
	const write = (place: Place | undefined, backwards: boolean) =>
		place === undefined
			? null
			: writeCursor(
					{ back: backwards, place: { rank: place.rank, value: place.value, seq: place.seq } },
					request.query,
					request.sort,
				);
	// Where a page was come by from one side, there is something on that side: the place it was asked from.
	const hasNext = back || window.more;
	const hasPrevious = back ? window.more : cursor !== null;
	return {
		items,
		total: window.total,
		revision,
		next: hasNext ? write(places.at(-1) ?? cursor?.place, false) : null,
		previous: hasPrevious ? write(places[0] ?? cursor?.place, true) : null,
	};
}
