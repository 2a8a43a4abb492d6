/** Pages, counts and ids of task lists. */
import { FAILING_STATES } from '#main/domain/failure-group.ts';
import { type ProfileId, type TaskId, taskId } from '#main/domain/ids.ts';
import type { Page } from '#main/domain/page.ts';
import { joinQueries, type Query } from '#main/domain/query.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { TaskRow } from '#main/domain/task.ts';
import { propose, proposeInPlace, statesOf, type Way, waysOf, withoutStates } from './candidates.ts';
import { countsByState } from './counts.ts';
import type { GramSample } from './gram-sample.ts';
import type { ReadHandle, SqlValue } from './handles.ts';
import {
	afterSql,
	type Cursor,
	type Order,
	orderBy,
	orderOf,
	type Place,
	placeSql,
	readCursor,
	type SqlPart,
	walks,
	walksByState,
	writeCursor,
} from './order.ts';
import { profileKeyOf, revisionOf } from './profile-keys.ts';
import { type Condition, compileQuery, type SearchScope } from './search.ts';
import type { SqlTests } from './sql-pieces.ts';
import type { TaskPageRequest } from './store.ts';
import { type ListedRow, TASK_COLUMNS, taskRowOf } from './tasks.ts';

/** Where one way of finding rows gives way to another. They change how soon an answer comes, never what it is. */
export interface ListLimits {
	/** Proposed rows up to this many are all compared at once, whatever the order. */
	readonly few: number;
	/** And up to this many when walking in order has found too little for too long. */
	readonly many: number;
	/** How long that is, in milliseconds. */
	readonly walkMs: number;
	/** Lists no longer than this are counted outright. */
	readonly counted: number;
	/** Counts and reviews look at proposals up to this many rather than at every row. */
	readonly countedProposals: number;
}

export const LIST_LIMITS: ListLimits = {
	few: 3_000,
	many: 60_000,
	walkMs: 15,
	counted: 1_000,
	countedProposals: 400_000,
};

/** How many times as fast rows are gone through as they lie in the file as in the order of an index; measured, and rather too low. */
const SCAN_GAIN = 3;
const TEXT_SCAN_GAIN = 2;

/** So long one chunk of a walk may take, in milliseconds: between chunks it is seen whether to go on. */
const CHUNK_MS = 8;

/** The query that failures are. */
const FAILED: Query = { kind: 'state', any: FAILING_STATES };

/** What lists are read with. */
export interface ListReader {
	readonly db: ReadHandle;
	readonly tests: SqlTests;
	readonly grams: GramSample;
	readonly limits: ListLimits;
}

/** A query made ready to run. */
interface Prepared {
	readonly limits: ListLimits;
	readonly scope: SearchScope;
	readonly states: readonly number[];
	/** Listed tasks in these states. */
	readonly inStates: number;
	/** Listed tasks in all states. */
	readonly inAll: number;
	/** Null: the states say it all. */
	readonly condition: Condition | null;
	readonly ways: readonly Way[];
}

/** One window of a list. */
export function taskPage(reader: ListReader, request: TaskPageRequest, now: number): Result<Page<TaskRow>> {
	const { db } = reader;
	const parsed = parseQuery(request.query, now);
	if (!parsed.ok) return parsed;
	const cursor = request.cursor === null ? null : readCursor(request.cursor, request.query, request.sort);
	if (cursor !== null && !cursor.ok) return cursor;
	return db.snapshot(() => {
		const revision = revisionOf(db, request.profile);
		const key = profileKeyOf(db, request.profile);
		if (key === null) return ok({ items: [], total: 0, revision, next: null, previous: null });
		const prepared = prepare(reader, key, parsed.value);
		const order = orderOf(request.sort, cursor?.value ?? null);
		const patience = cursor?.value.back === true ? null : (request.patienceMs ?? null);
		const window = windowOf(prepared, order, Math.min(500, Math.max(1, request.limit)), patience);
		return ok(pageOf(db, request, revision, cursor?.value ?? null, window));
	});
}

/** How many match, exactly. */
export function countTasks(reader: ListReader, profile: ProfileId, query: string, now: number): Result<number> {
	const { db } = reader;
	const parsed = parseQuery(query, now);
	if (!parsed.ok) return parsed;
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return ok(0);
		return ok(countOf(prepare(reader, key, parsed.value)));
	});
}

/** Ids that match, at most `limit`, in no promised order. */
export function matchingIds(
	reader: ListReader,
	profile: ProfileId,
	query: string,
	limit: number,
	now: number,
): Result<readonly TaskId[]> {
	const { db } = reader;
	const parsed = parseQuery(query, now);
	if (!parsed.ok) return parsed;
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return ok([]);
		const prepared = prepare(reader, key, parsed.value);
		const from = everyMatch(prepared);
		const rows = db
			.read<{ id: string }>('ids of query', `SELECT t.id AS id ${from.sql} LIMIT ?`, true)
			.all(...from.values, Math.max(0, limit));
		return ok(rows.map((row) => taskId(row.id)));
	});
}

/** FROM and WHERE (as `tasks` t) of the failed tasks that match, for whoever groups them. */
export function failedMatches(reader: ListReader, profile: number, query: string, now: number): Result<SqlPart> {
	const parsed = parseQuery(query, now);
	if (!parsed.ok) return parsed;
	return ok(everyMatch(prepare(reader, profile, joinQueries('and', [FAILED, parsed.value]))));
}

function prepare(reader: ListReader, profile: number, query: Query): Prepared {
	const { db, tests, limits, grams } = reader;
	const scope: SearchScope = { db, profile, grams };
	tests.clear();
	const counts = countsByState(scope.db, scope.profile);
	const states = statesOf(query).filter((state) => (counts[state] ?? 0) > 0);
	const inStates = states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
	const rest = withoutStates(query);
	return {
		limits,
		scope,
		states,
		inStates,
		inAll: counts.reduce((sum, count) => sum + count, 0),
		condition: rest.kind === 'all' ? null : compileQuery(rest, scope, tests),
		ways: rest.kind === 'all' || states.length === 0 ? [] : waysOf(rest, scope, states),
	};
}

/** Places in order, one more than asked for where there are more, and how many match in all where that is known. */
interface Window {
	readonly places: readonly Place[];
	readonly more: boolean;
	readonly total: number | null;
	/** How far was looked, where patience ended before the window was full. */
	readonly reached?: Place;
}

function windowOf(prepared: Prepared, order: Order, limit: number, patience: number | null): Window {
	const { states, inAll, inStates, scope, limits } = prepared;
	if (states.length === 0) return { places: [], more: false, total: 0 };
	// What a walk does not keep to by itself must be compared row by row.
	const byState = inStates === inAll || walksByState(order);
	const condition = byState ? prepared.condition : withStates(prepared);
	if (condition === null) {
		const places: Place[] = [];
		for (const part of walks(order, scope.profile, states)) {
			const statement = scope.db.read<Place>('walk list', `${part.sql} LIMIT ?`);
			places.push(...statement.all(...part.values, limit + 1 - places.length));
			if (places.length > limit) break;
		}
		return { ...cutTo(limit, places), total: inStates };
	}
	const few = inStates <= limits.few ? everyIn(prepared) : proposals(prepared, limits.few, false);
	if (few !== null) return compared(prepared, order, limit, few);
	const walked = walkAndCompare(prepared, condition, order, limit, patience);
	if ('reached' in walked) return { ...walked, more: true, total: null };
	if ('instead' in walked) {
		const { instead } = walked;
		return instead === null ? scanned(prepared, order, limit) : compared(prepared, order, limit, instead);
	}
	const window = cutTo(limit, walked.places);
	const whole = order.after === null && !window.more;
	const counted = prepared.condition === null || inStates <= limits.counted;
	return { ...window, total: whole ? window.places.length : counted ? countOf(prepared) : null };
}

/** What a walk in order came to. */
type Walked =
	| { readonly places: readonly Place[] }
	/** Comparing these promises to be quicker; null: going through everything as it lies in the file. */
	| { readonly instead: Proposed | null }
	/** Patience ended here. */
	| { readonly places: readonly Place[]; readonly reached: Place };

/**
 * Walks in order and compares chunk by chunk until there is enough, or until it has found so little that another way promises to be
 * quicker, or patience ends: what would take longer than that is not begun.
 */
function walkAndCompare(
	prepared: Prepared,
	condition: Condition,
	order: Order,
	limit: number,
	patience: number | null,
): Walked {
	const { scope, states, limits } = prepared;
	const found: Place[] = [];
	const started = performance.now();
	let size = Math.max(64, limit);
	let walked = 0;
	let weighAt = limits.walkMs;
	let many: Proposed | null | undefined;
	for (const part of walks(order, scope.profile, states)) {
		let chunk: Place[] = [];
		for (const place of scope.db.read<Place>('walk and compare', part.sql, true).iterate(...part.values)) {
			chunk.push(place);
			if (chunk.length < size) continue;
			found.push(...comparedChunk(prepared, condition, chunk));
			if (found.length > limit) return { places: found };
			walked += chunk.length;
			chunk = [];
			const took = performance.now() - started;
			const perRow = took / walked;
			size = Math.min(2_000, size * 2, Math.max(64, Math.floor(CHUNK_MS / perRow)));
			// So long the rest of the walk will take, going by what it has found so far.
			const rest = (took * (limit + 1 - found.length)) / found.length;
			if (patience !== null) {
				if (took >= patience) return { places: found, reached: place };
				continue;
			}
			if (took < weighAt || rest < limits.walkMs * 4) continue;
			// And again after twice the time, since what a walk finds first says little of what it finds later.
			weighAt = took * 2;
			if (many === undefined)
				many = prepared.inStates <= limits.many ? everyIn(prepared) : proposals(prepared, limits.many, true);
			const scan = (prepared.inAll * perRow) / (condition.texts ? TEXT_SCAN_GAIN : SCAN_GAIN);
			if (many !== null && many.size * perRow <= Math.min(rest, scan)) return { instead: many };
			if (scan <= rest) return { instead: null };
		}
		if (chunk.length > 0) found.push(...comparedChunk(prepared, condition, chunk));
		if (found.length > limit) break;
	}
	return { places: found };
}

function cutTo(limit: number, places: readonly Place[]): { readonly places: readonly Place[]; readonly more: boolean } {
	return { places: places.slice(0, limit), more: places.length > limit };
}

/** The query's condition with its states spelled out. */
function withStates(prepared: Prepared): Condition {
	const states = `t.state IN (${prepared.states.join(', ')})`;
	const { condition } = prepared;
	if (condition === null) return { sql: states, values: [], texts: false };
	return { ...condition, sql: `${states} AND ${condition.sql}` };
}

/** Row numbers as a table `c` with a column `value`. */
interface Proposed {
	readonly table: string;
	readonly values: readonly SqlValue[];
	/** How many there are, or at most can be. */
	readonly size: number;
}

function proposals(prepared: Prepared, limit: number, late: boolean): Proposed | null {
	for (const way of prepared.ways) {
		if (!late && way.some((source) => source.late)) continue;
		const found = propose(way, prepared.scope, limit);
		if (found !== null) return { table: 'json_each(?)', values: [JSON.stringify([...found])], size: found.size };
	}
	return null;
}

function everyIn(prepared: Prepared): Proposed {
	return {
		table: `(SELECT seq AS value FROM tasks INDEXED BY tasks_updated
			WHERE profile = ? AND state IN (${prepared.states.join(', ')}) AND removed_at IS NULL)`,
		values: [prepared.scope.profile],
		size: prepared.inStates,
	};
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
function compared(prepared: Prepared, order: Order, limit: number, proposed: Proposed): Window {
	const after = afterSql(order);
	const from = matchesAmong(prepared, proposed);
	const rows = prepared.scope.db
		.read<Place & { readonly later: number }>(
			'compare proposals',
			`SELECT segment, key, seq, ${after.sql} AS later FROM (SELECT ${placeSql(order)} ${from.sql}) ORDER BY ${orderBy(order)}`,
			true,
		)
		.all(...after.values, ...from.values);
	const later = order.after === null ? rows : rows.filter((row) => row.later === 1);
	return { ...cutTo(limit, later), total: rows.length };
}

/** Goes through everything and keeps the first ones of the order. */
function scanned(prepared: Prepared, order: Order, limit: number): Window {
	const after = afterSql(order);
	const from = everyRow(prepared);
	const rows = prepared.scope.db
		.read<Place>(
			'scan list',
			`SELECT segment, key, seq FROM (SELECT ${placeSql(order)} ${from.sql}) WHERE ${after.sql} ORDER BY ${orderBy(order)} LIMIT ?`,
			true,
		)
		.all(...from.values, ...after.values, limit + 1);
	const window = cutTo(limit, rows);
	return { ...window, total: order.after === null && !window.more ? window.places.length : null };
}

function matchesAmong(prepared: Prepared, proposed: Pick<Proposed, 'table' | 'values'>): SqlPart {
	const condition = withStates(prepared);
	const texts = condition.texts ? 'CROSS JOIN task_texts x ON x.seq = t.seq' : '';
	return {
		sql: `FROM ${proposed.table} c CROSS JOIN tasks t ON t.seq = c.value ${texts}
			WHERE t.profile = ? AND t.removed_at IS NULL AND ${condition.sql}`,
		values: [...proposed.values, prepared.scope.profile, ...condition.values],
	};
}

/** FROM and WHERE of everything that matches. */
function everyMatch(prepared: Prepared): SqlPart {
	const { limits } = prepared;
	if (prepared.states.length === 0) return { sql: 'FROM tasks t WHERE 0', values: [] };
	if (prepared.condition === null || prepared.inStates <= limits.few) return matchesAmong(prepared, everyIn(prepared));
	const most = Math.min(limits.countedProposals, Math.ceil(prepared.inStates / 2));
	for (const way of prepared.ways) {
		const found = proposeInPlace(way, prepared.scope, most);
		if (found !== null) return matchesAmong(prepared, { table: found.sql, values: found.values });
	}
	return everyRow(prepared);
}

/** The same by going through all tasks as they lie in the file. */
function everyRow(prepared: Prepared): SqlPart {
	const condition = withStates(prepared);
	const texts = condition.texts ? 'CROSS JOIN task_texts x ON x.seq = t.seq' : '';
	return {
		sql: `FROM tasks t NOT INDEXED ${texts} WHERE t.profile = ? AND t.removed_at IS NULL AND ${condition.sql}`,
		values: [prepared.scope.profile, ...condition.values],
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
					{ back: backwards, place: { segment: place.segment, key: place.key, seq: place.seq } },
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
		next: hasNext ? write(window.reached ?? places.at(-1) ?? cursor?.place, false) : null,
		previous: hasPrevious ? write(places[0] ?? cursor?.place, true) : null,
		...(window.reached === undefined ? {} : { unfinished: true }),
	};
}
