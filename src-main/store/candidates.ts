/**
 * Ways to find the few rows that a query can match without walking all of them. A way proposes at least every match; each
 * proposed row is then compared for real.
 */
import type { PathTest, Query, TextMatch } from '#main/domain/query.ts';
import { assertNever } from '#main/domain/result.ts';
import { STATE_CODES, STATES } from './codes.ts';
import { FAILING_CODES } from './failure-keeper.ts';
import type { SqlValue } from './handles.ts';
import type { SqlPart } from './order.ts';
import { printsOf, type SearchScope, seenMatches } from './search.ts';
import { factQuery, gramNeedle, gramQuery, piecesOf, regexLiteral } from './search-words.ts';

/** SQL that proposes row numbers as `seq`. */
interface Source {
	readonly name: string;
	readonly sql: string;
	readonly values: readonly SqlValue[];
	/** Which index it asks, if one that lags: rows that this does not have must be proposed besides. */
	readonly lags: 'words' | 'numbers' | null;
	/** Only worth its price when walking the list has found too little. */
	readonly late: boolean;
}

/** Sources that together propose every match. */
export type Way = readonly Source[];

const EVERY_STATE = Array.from({ length: STATES }, (_, code) => code);

/** The states that a query admits, as codes; all of them where it does not say. */
export function statesOf(query: Query): readonly number[] {
	switch (query.kind) {
		case 'state':
			return EVERY_STATE.filter((code) => query.any.some((state) => STATE_CODES[state] === code));
		case 'not': {
			if (query.part.kind !== 'state') return EVERY_STATE;
			const denied = statesOf(query.part);
			return EVERY_STATE.filter((code) => !denied.includes(code));
		}
		case 'and':
			return query.parts.map(statesOf).reduce((all, some) => all.filter((code) => some.includes(code)), EVERY_STATE);
		case 'or':
			return EVERY_STATE.filter((code) => query.parts.some((part) => statesOf(part).includes(code)));
		case 'group':
			return FAILING_CODES;
		default:
			return EVERY_STATE;
	}
}

/** What is left of a query once its states are seen to; `all` when nothing is. */
export function withoutStates(query: Query): Query {
	const stateOnly = (part: Query): boolean =>
		part.kind === 'all' ||
		part.kind === 'state' ||
		((part.kind === 'and' || part.kind === 'or') && part.parts.every(stateOnly)) ||
		(part.kind === 'not' && part.part.kind === 'state');
	if (stateOnly(query)) return { kind: 'all' };
	if (query.kind !== 'and') return query;
	const rest = query.parts.filter((part) => !stateOnly(part));
	const only = rest[0];
	return rest.length === 1 && only !== undefined ? only : { kind: 'and', parts: rest };
}

/** Ways to find what a query can match, the most promising first; none when it must be looked for row by row. */
export function waysOf(query: Query, scope: SearchScope, states: readonly number[]): readonly Way[] {
	switch (query.kind) {
		case 'all':
		case 'not':
		case 'state':
			return [];
		case 'and':
			// Where a part can match nothing, nothing else is asked: its condition is false for SQLite too, which then drops the terms
			// that the indexes of other ways need and finds "no query solution".
			return query.parts
				.flatMap((part) => waysOf(part, scope, states))
				.toSorted((a, b) => Number(a.length > 0) - Number(b.length > 0));
		case 'or': {
			const first = query.parts.map((part) => waysOf(part, scope, states)[0]);
			return first.every((way) => way !== undefined) ? [first.flat()] : [];
		}
		case 'text':
			return grams([query.match], scope);
		case 'field': {
			const { field, any } = query;
			if (field === 'name' || field === 'app' || field === 'queue' || field === 'worker') {
				const found = seenMatches(scope, field, any);
				if (found === null) return [];
				// Nothing was ever seen with such a one: a way that proposes nothing.
				if (found.length === 0) return [[]];
				return [
					[field === 'worker' ? byWorker(scope, found) : byColumn(scope, field === 'app' ? 'name' : field, found)],
				];
			}
			if (field === 'id') {
				const begins = any.flatMap((match) => (match.kind === 'equals' || match.kind === 'prefix' ? [match.text] : []));
				if (begins.length === any.length) return [begins.map((text) => byId(scope, text))];
			}
			if (field === 'log') return [];
			return field === 'traceback' ? [mayHaveFailed(scope)] : grams(any, scope);
		}
		case 'has':
			return query.any.every((thing) => thing === 'traceback') ? [mayHaveFailed(scope)] : [];
		case 'is':
			return query.any.every((thing) => thing !== 'cut') ? further(scope, '>', 1) : [];
		case 'group':
			return [[byGroup(scope, query.any)]];
		case 'number': {
			if (query.field === 'attempts') return further(scope, query.op, query.value);
			if (query.field !== 'priority' && query.field !== 'runtime') return [];
			const column = query.field === 'priority' ? 'priority' : 'runtime_ms';
			return [[byRange(scope, states, column, query.op, query.value)]];
		}
		case 'time':
			if (query.field !== 'activity') return [[byRange(scope, states, TIME_COLUMNS[query.field], query.op, query.at)]];
			// The latest of three: one of them lies there, whichever it is.
			return [Object.values(TIME_COLUMNS).map((column) => byRange(scope, states, column, query.op, query.at))];
		case 'path':
			return [[facts(query.root, query.path, query.any)]];
		default:
			return assertNever(query);
	}
}

const TIME_COLUMNS = { finished: 'finished_at', started: 'started_at', published: 'published_at' } as const;

/** Row numbers that a way proposes; null when there are more than `limit`. */
export function propose(way: Way, scope: SearchScope, limit: number): ReadonlySet<number> | null {
	const found = new Set<number>();
	const sources = [...way, ...lagging(way)];
	for (const source of sources) {
		const statement = scope.db.read<{ seq: number }>(source.name, `${source.sql} LIMIT ?`, true);
		for (const { seq } of statement.all(...source.values, limit + 1)) found.add(seq);
		if (found.size > limit) return null;
	}
	return found;
}

/** A way as a subquery with a column `value`, for counting without holding the rows; null when it gives more than `limit`. */
export function proposeInPlace(way: Way, scope: SearchScope, limit: number): SqlPart | null {
	const sources = [...way, ...lagging(way)];
	let size = 0;
	for (const source of sources) {
		const sql = `SELECT count(*) AS n FROM (${source.sql} LIMIT ?)`;
		size += scope.db.read<{ n: number }>(`${source.name}, size`, sql, true).get(...source.values, limit + 1)?.n ?? 0;
		if (size > limit) return null;
	}
	if (sources.length === 0) return { sql: '(SELECT 0 AS value WHERE 0)', values: [] };
	return {
		sql: `(${sources.map((source) => `SELECT seq AS value FROM (${source.sql})`).join(' UNION ')})`,
		values: sources.flatMap((source) => source.values),
	};
}

/** What an index does not have yet, and what is too long for it. */
const UNINDEXED: readonly Source[] = [
	besides('search_dirty', 'SELECT seq FROM search_dirty'),
	besides('search_long', 'SELECT seq FROM search_long'),
	besides('tasks not indexed yet', 'SELECT seq FROM tasks WHERE seq > (SELECT seq FROM search_upto)'),
];
const UNNUMBERED = besides(
	'tasks not numbered yet',
	'SELECT seq FROM tasks WHERE seq <= (SELECT seq FROM search_numbers)',
);

function besides(what: string, sql: string): Source {
	return { name: `propose from ${what}`, sql, values: [], lags: null, late: false };
}

function lagging(way: Way): readonly Source[] {
	const words = way.some((source) => source.lags !== null) ? UNINDEXED : [];
	return way.some((source) => source.lags === 'numbers') ? [...words, UNNUMBERED] : words;
}

/** So many pieces of a needle are asked for: more cost more than the rows they save from being compared. */
const PIECES = 4;

/** Ways by words: one, unless some of the texts has no words that the index knows. */
function grams(any: readonly TextMatch[], scope: SearchScope): readonly Way[] {
	const sources: Source[] = [];
	for (const match of any) {
		const needle = gramNeedle(literalOf(match));
		if (needle === '') return [];
		const pieces = piecesOf(needle);
		sources.push(pieces.length === 0 ? byBeginning(needle) : byPieces(scope.grams.rarest(pieces, PIECES)));
	}
	return [sources];
}

function byPieces(pieces: readonly string[]): Source {
	return {
		name: 'propose by text',
		sql: 'SELECT rowid AS seq FROM search_grams WHERE search_grams MATCH ?',
		values: [gramQuery(pieces)],
		lags: 'words',
		late: false,
	};
}

/** One or two letters: by all the pieces that begin with them. Dear where they are common, and then not needed. */
function byBeginning(needle: string): Source {
	return {
		name: 'propose by short text',
		sql: `SELECT rowid AS seq FROM search_grams WHERE search_grams MATCH (
			SELECT coalesce(group_concat('"' || replace(term, '"', '""') || '"', ' OR '), '""') FROM search_terms WHERE term >= ? AND term <= ?)`,
		values: [needle, `${needle}\u{10ffff}`],
		lags: 'words',
		late: true,
	};
}

/** Text that every match contains; empty where there is none to be had. */
function literalOf(match: TextMatch): string {
	if (match.kind === 'regex') return regexLiteral(match.source);
	if (match.kind !== 'glob') return match.text;
	return match.text.split('*').reduce((longest, piece) => (piece.length > longest.length ? piece : longest), '');
}

function facts(root: 'args' | 'kwargs', path: readonly string[], any: readonly PathTest[]): Source {
	return {
		name: 'propose by argument',
		sql: 'SELECT rowid AS seq FROM search_facts WHERE search_facts MATCH ?',
		values: [any.map((test) => `(${factQuery(root, path, test)})`).join(' OR ')],
		lags: any.some((test) => test.kind === 'compare') ? 'numbers' : 'words',
		late: false,
	};
}

function byColumn(scope: SearchScope, column: 'name' | 'queue', found: readonly string[]): Source {
	return {
		name: `propose by ${column}`,
		sql: `SELECT seq FROM tasks INDEXED BY tasks_${column} WHERE profile = ? AND removed_at IS NULL
			AND ${column} IN (${found.map(() => '?').join(', ')})`,
		values: [scope.profile, ...found],
		lags: null,
		late: false,
	};
}

/** A task is proposed once, however many of its attempts say so: counting takes what is proposed as it comes. */
function byWorker(scope: SearchScope, found: readonly string[]): Source {
	return {
		name: 'propose by worker',
		sql: `SELECT DISTINCT task AS seq FROM attempts WHERE profile = ? AND worker IN (${found.map(() => '?').join(', ')})`,
		values: [scope.profile, ...found],
		lags: null,
		late: false,
	};
}

function byGroup(scope: SearchScope, any: readonly string[]): Source {
	const prints = printsOf(scope.profile, any);
	return {
		name: 'propose by failure group',
		sql: `SELECT seq FROM tasks INDEXED BY tasks_failure WHERE profile = ? AND removed_at IS NULL AND failure IS NOT NULL
			AND failure IN ${prints.sql}`,
		values: [scope.profile, ...prints.values],
		lags: null,
		late: false,
	};
}

function byId(scope: SearchScope, prefix: string): Source {
	return {
		name: 'propose by id',
		sql: 'SELECT seq FROM tasks WHERE profile = ? AND id >= ? AND id <= ?',
		values: [scope.profile, prefix, `${prefix}\u{10ffff}`],
		lags: null,
		late: false,
	};
}

/** Tasks with more than one attempt are few, and have an index of their own. */
function further(scope: SearchScope, op: string, value: number): readonly Way[] {
	const more = (op === '>' && value >= 1) || ((op === '>=' || op === '=') && value > 1);
	if (!more) return [];
	const source: Source = {
		name: 'propose by attempts',
		sql: `SELECT DISTINCT task AS seq FROM attempts INDEXED BY attempts_further WHERE profile = ? AND number > 1 AND number ${op} ?`,
		values: [scope.profile, value],
		lags: null,
		late: false,
	};
	return [[source]];
}

const NOT_FAILED: readonly number[] = [STATE_CODES.queued, STATE_CODES.running, STATE_CODES.succeeded];

/** What failed, and what was tried again, which may have failed before. */
function mayHaveFailed(scope: SearchScope): Way {
	const failed: Source = {
		name: 'propose what failed',
		sql: `SELECT seq FROM tasks INDEXED BY tasks_updated WHERE profile = ? AND removed_at IS NULL
			AND state IN (${EVERY_STATE.filter((code) => !NOT_FAILED.includes(code)).join(', ')})`,
		values: [scope.profile],
		lags: null,
		late: true,
	};
	return [failed, ...further(scope, '>', 1).flat()];
}

/** Indexes by column. That of ends is led by the state, so the states are named. */
const INDEXES: Readonly<Record<string, string>> = {
	finished_at: 'tasks_finished',
	started_at: 'tasks_started',
	published_at: 'tasks_published',
	priority: 'tasks_priority',
	runtime_ms: 'tasks_runtime',
};

function byRange(scope: SearchScope, states: readonly number[], column: string, op: string, value: number): Source {
	const wanted = column === 'finished_at' ? ` AND state IN (${states.join(', ')})` : '';
	return {
		name: `propose by ${column}`,
		sql: `SELECT seq FROM tasks INDEXED BY ${INDEXES[column]} WHERE profile = ?${wanted} AND removed_at IS NULL AND ${column} ${op} ?`,
		values: [scope.profile, value],
		lags: null,
		late: false,
	};
}
