/** The query language in SQL, over `tasks` as t and `task_texts` as x. Its meaning is `query-match.ts`; tests compare the two. */
import { appName } from '#main/domain/app-name.ts';
import type { Query, QueryHas, QueryIs, TextField, TextMatch } from '#main/domain/query.ts';
import { matches, someArguments, textMatches } from '#main/domain/query-match.ts';
import { assertNever } from '#main/domain/result.ts';
import type { TaskRow, TaskState } from '#main/domain/task.ts';
import { SEEN, STATE_CODES } from './codes.ts';
import type { GramSample } from './gram-sample.ts';
import type { ReadHandle, SqlValue } from './handles.ts';
import type { SqlPart } from './order.ts';
import { mayHold } from './path-glance.ts';
import { seenTexts } from './seen.ts';
import { ALWAYS, anyOf, called, join, NEVER, native, type Piece, plain, type SqlTests } from './sql-pieces.ts';
import { callOf } from './tasks.ts';

/** What a query is compiled against. */
export interface SearchScope {
	readonly db: ReadHandle;
	readonly profile: number;
	readonly grams: GramSample;
}

/** A condition on a row. Always true or false, never null: the language has two values. */
export interface Condition extends SqlPart {
	readonly texts: boolean;
}

/** Compiles a query; `tests` keeps what SQL must call back for. */
export function compileQuery(query: Query, scope: SearchScope, tests: SqlTests): Condition {
	const piece = compile(query, scope, tests);
	return { sql: piece.sql, values: piece.values, texts: piece.texts };
}

function compile(query: Query, scope: SearchScope, tests: SqlTests): Piece {
	switch (query.kind) {
		case 'all':
			return ALWAYS;
		case 'and':
		case 'or':
			return join(
				query.kind === 'and' ? ' AND ' : ' OR ',
				query.parts.map((part) => compile(part, scope, tests)),
			);
		case 'not': {
			const part = compile(query.part, scope, tests);
			return { ...part, sql: `NOT (${part.sql})` };
		}
		case 'text':
			return anyOf(FREE_TEXTS, [query.match], tests);
		case 'state':
			return plain(`t.state IN (${query.any.map((state) => STATE_CODES[state]).join(', ')})`, []);
		case 'field':
			return field(query.field, query.any, scope, tests);
		case 'has':
			return join(
				' OR ',
				query.any.map((thing) => has(thing, tests)),
			);
		case 'is':
			return join(' OR ', query.any.map(is));
		case 'group': {
			const prints = printsOf(scope.profile, query.any);
			return plain(`ifnull(t.failure IN ${prints.sql}, 0)`, prints.values);
		}
		case 'number':
			return plain(`ifnull(${NUMBERS[query.field]} ${query.op} ?, 0)`, [query.value]);
		case 'time':
			return plain(`ifnull(${TIMES[query.field]} ${query.op} ?, 0)`, [query.at]);
		case 'path': {
			const json = query.root === 'args' ? 1 : 2;
			const number = tests.add((...texts) => {
				const [typed, args, kwargs] = texts;
				if (typed === null && !mayHold(textOr(texts[json]), query.path, query.any)) return false;
				const call = callOf(textOr(typed), textOr(args), textOr(kwargs));
				return matches(query, { ...NOBODY, call });
			});
			return { sql: 'warren_test(?, x.typed, x.args, x.kwargs)', values: [number], cost: 50, texts: true };
		}
		default:
			return assertNever(query);
	}
}

const NUMBERS = {
	priority: 't.priority',
	attempts: 't.attempts',
	runtime: 't.runtime_ms',
	waited: '(t.started_at - t.published_at)',
} as const;

const TIMES = {
	published: 't.published_at',
	started: 't.started_at',
	finished: 't.finished_at',
	activity: 'coalesce(t.finished_at, t.started_at, t.published_at)',
} as const;

const FREE_TEXTS = [
	't.name',
	't.id',
	't.queue',
	'x.args',
	'x.kwargs',
	'x.preview',
	't.exception_type',
	'x.exception_message',
];

const FIELD_TEXTS: Readonly<Record<Exclude<TextField, 'log' | 'traceback' | 'app'>, readonly string[]>> = {
	name: ['t.name'],
	id: ['t.id'],
	queue: ['t.queue'],
	worker: ['t.worker'],
	exception: ['t.exception_type', 'x.exception_message'],
	args: ['x.args'],
	kwargs: ['x.kwargs'],
	result: ['x.result_text'],
};

/** A row that knows nothing but its arguments. */
const NOBODY: Omit<TaskRow, 'updatedAt'> = {
	id: '' as TaskRow['id'],
	name: '',
	state: 'queued' satisfies TaskState,
	queue: null,
	priority: null,
	argsJson: null,
	kwargsJson: null,
	preview: '',
	publishedAt: null,
	startedAt: null,
	finishedAt: null,
	runtimeMs: null,
	worker: null,
	attempts: 0,
	exception: null,
};

function field(name: TextField, any: readonly TextMatch[], scope: SearchScope, tests: SqlTests): Piece {
	if (name === 'log') {
		const line = anyOf(['l.text'], any, tests);
		return {
			...line,
			sql: `EXISTS (SELECT 1 FROM attempts a JOIN log_lines l ON l.attempt = a.id WHERE a.task = t.seq AND ${line.sql})`,
			cost: 500,
			texts: false,
		};
	}
	if (name === 'traceback') {
		const one = anyOf(['a.traceback'], any, tests);
		return { ...ofAttempts(`ifnull(${one.sql}, 0)`, one.values), cost: 300 };
	}
	if (name === 'name' || name === 'app') return nameMatches(scope, name, any, tests);
	if (name === 'queue' || name === 'worker') {
		const found = seenMatches(scope, name, any);
		if (found !== null) return among(`t.${name}`, found);
	}
	return anyOf(FIELD_TEXTS[name], any, tests);
}

/** The task's name, or its app, is one of what matches. */
export function nameMatches(
	scope: SearchScope,
	kind: 'name' | 'app',
	any: readonly TextMatch[],
	tests: SqlTests,
): Piece {
	const found = seenMatches(scope, kind, any);
	if (found !== null) return among('t.name', found);
	if (kind === 'name') return anyOf(['t.name'], any, tests);
	return called(['t.name'], 5, tests, (text) => any.some((match) => textMatches(match, appName(text))));
}

function among(column: string, texts: readonly string[]): Piece {
	return texts.length === 0 ? NEVER : plain(`ifnull(${column} IN (${texts.map(() => '?').join(', ')}), 0)`, texts);
}

/** Only what failed or was tried again has a traceback, which spares most rows the look at their attempts. */
const MAY_HAVE_FAILED = `(t.attempts > 1 OR t.state NOT IN (${STATE_CODES.queued}, ${STATE_CODES.running}, ${STATE_CODES.succeeded}))`;

function ofAttempts(sql: string, values: readonly SqlValue[]): Piece {
	return {
		sql: `(${MAY_HAVE_FAILED} AND EXISTS (SELECT 1 FROM attempts a WHERE a.task = t.seq AND ${sql}))`,
		values,
		cost: 30,
		texts: false,
	};
}

function anyAttempt(sql: string, cost: number): Piece {
	return { sql: `EXISTS (SELECT 1 FROM attempts a WHERE a.task = t.seq AND ${sql})`, values: [], cost, texts: false };
}

function has(thing: QueryHas, tests: SqlTests): Piece {
	switch (thing) {
		case 'traceback':
			return ofAttempts('a.traceback IS NOT NULL', []);
		case 'log':
			return anyAttempt('a.log_lines + a.log_full > 0', 40);
		case 'message':
			return anyAttempt('a.has_message = 1', 40);
		case 'args':
		case 'kwargs':
			return called([`x.${thing}`], 5, tests, someArguments);
		case 'result':
			return native('x.result_text', 'x.result_text IS NOT NULL', []);
		case 'exception':
			return plain('t.exception_type IS NOT NULL', []);
		case 'queue':
		case 'worker':
		case 'priority':
			return plain(`t.${thing} IS NOT NULL`, []);
		default:
			return assertNever(thing);
	}
}

function is(thing: QueryIs): Piece {
	if (thing === 'cut') return anyAttempt('a.truncated = 1', 40);
	const again = anyAttempt('a.number > 1 AND a.cause = ?', 40);
	return { ...again, sql: `(t.attempts > 1 AND ${again.sql})`, values: [thing], cost: 10 };
}

/** Fingerprints of the failure groups whose keys begin with one of these. A group without fingerprints has been merged away. */
export function printsOf(profile: number, any: readonly string[]): SqlPart {
	return {
		sql: `(SELECT p.id FROM failure_groups g JOIN failure_prints p ON p.grp = g.id
			WHERE g.profile = ? AND (${any.map(() => 'g.key >= ? AND g.key < ?').join(' OR ')}))`,
		// After the digits that keys are made of comes nothing but what follows f.
		values: [profile, ...any.flatMap((beginning) => [beginning, `${beginning}g`])],
	};
}

/** More different ones than this are compared row by row. */
const SEEN_READ = 5_000;
const SEEN_LISTED = 500;

/** The names (queues, workers) of a profile that match, or whose apps do, since many rows share few of them; null when they are too many. */
export function seenMatches(
	scope: SearchScope,
	kind: 'name' | 'app' | 'queue' | 'worker',
	any: readonly TextMatch[],
): readonly string[] | null {
	const all = seenTexts(scope.db, scope.profile, SEEN[kind === 'app' ? 'name' : kind], SEEN_READ + 1);
	if (all.length > SEEN_READ) return null;
	const found = all.filter((text) => {
		const said = kind === 'app' ? appName(text) : text;
		return any.some((match) => textMatches(match, said));
	});
	return found.length > SEEN_LISTED ? null : found;
}

function textOr(value: SqlValue | undefined): string | null {
	return typeof value === 'string' ? value : null;
}
