/**
 * The query language of every task list, search box and `--where`: what a query means.
 *
 *     timeout queue:mail -state:succeeded,revoked (runtime:>2s OR attempts:>=3) kwargs.user.id:42 since:2h /time[ -]?out/
 *
 * Words side by side are AND; OR binds weaker; `-` and NOT negate; parentheses group. A field whose value is not known
 * (null) matches nothing, so its negation matches: logic has two values here, unlike SQL's three.
 */

import { TASK_STATES, type TaskState } from './task.ts';

/**
 * How one text is compared. `contains` and `regex` ignore case (`foldCase`); `equals`, `prefix` and `glob` don't, so that
 * an index can answer them. In a glob only `*` is special: any run of characters, also none.
 */
export type TextMatch =
	| { readonly kind: 'contains' | 'equals' | 'prefix' | 'glob'; readonly text: string }
	/** A pattern (`pattern.ts`) in any case, tried against the first `REGEX_REACH` characters. */
	| { readonly kind: 'regex'; readonly source: string };

/**
 * How the value at a path in the arguments is compared. `is`: a string by its text, a number by its amount, `true`, `false`
 * and `null` (Python's spelling too) by name; when `quoted`, strings only. `exists`: there is such a path, whatever it holds.
 */
export type PathTest =
	| { readonly kind: 'is'; readonly text: string; readonly quoted: boolean }
	| { readonly kind: 'compare'; readonly op: CompareOp; readonly value: number }
	| { readonly kind: 'glob'; readonly text: string }
	| { readonly kind: 'regex'; readonly source: string }
	| { readonly kind: 'exists' };

export type CompareOp = '=' | '<' | '<=' | '>' | '>=';

/**
 * Fields compared as text. `exception`: its type or its message; `args`, `kwargs`: their JSON text; `log`: any line, `traceback`:
 * any of them, of all attempts; `app`: what `appName` makes of the name.
 */
export type TextField =
	| 'name'
	| 'app'
	| 'queue'
	| 'worker'
	| 'id'
	| 'exception'
	| 'args'
	| 'kwargs'
	| 'result'
	| 'log'
	| 'traceback';
/** Fields compared as numbers; `runtime` and `waited` (published to started) in milliseconds. */
export type NumberField = 'priority' | 'attempts' | 'runtime' | 'waited';
/** Points in time. `activity` is the latest thing known: finished, else started, else published (`since:`, `until:`). */
export type TimeField = 'published' | 'started' | 'finished' | 'activity';

/** What a task may have (`has:`): known and not empty; `log`, `traceback` and `message` (the raw one) of any attempt. */
export const QUERY_HAS = [
	'traceback',
	'exception',
	'result',
	'log',
	'args',
	'kwargs',
	'queue',
	'worker',
	'priority',
	'message',
] as const;
export type QueryHas = (typeof QUERY_HAS)[number];

/** What a task may be (`is:`): some attempt after its first came about so, or something of an attempt was `cut` for its size. */
export const QUERY_IS = ['requeued', 'retried', 'redelivered', 'cut'] as const;
export type QueryIs = (typeof QUERY_IS)[number];

/** Further words after `is:`, which stand for states; so does each state's own name. */
export const QUERY_IS_STATES: Readonly<Record<'open' | 'done', readonly TaskState[]>> = {
	open: ['queued', 'running', 'retrying'],
	done: ['succeeded', 'failed', 'revoked', 'rejected', 'lost'],
};

/**
 * Terms joined by AND, OR and NOT. `and` and `or` hold at least two parts and never one of their own kind.
 */
export type QueryTree<Leaf> =
	| { readonly kind: 'all' }
	| { readonly kind: 'and'; readonly parts: readonly QueryTree<Leaf>[] }
	| { readonly kind: 'or'; readonly parts: readonly QueryTree<Leaf>[] }
	| { readonly kind: 'not'; readonly part: QueryTree<Leaf> }
	| Leaf;

/** The names that a kind of things has for what may be asked of them. */
export interface QueryWords {
	readonly text: string;
	readonly number: string;
	readonly time: string;
	readonly has: string;
	readonly is: string;
}

/** Terms that may be asked of anything; each `any` holds at least one. */
export type PlainLeaf<W extends QueryWords = QueryWords> =
	/** Free text: any of the texts that a thing is known by. */
	| { readonly kind: 'text'; readonly match: TextMatch }
	| { readonly kind: 'field'; readonly field: W['text']; readonly any: readonly TextMatch[] }
	| { readonly kind: 'number'; readonly field: W['number']; readonly op: CompareOp; readonly value: number }
	| { readonly kind: 'has'; readonly any: readonly W['has'][] }
	| { readonly kind: 'is'; readonly any: readonly W['is'][] }
	/** Half-open, in epoch ms: `>=` means at or after, `<` means before. */
	| { readonly kind: 'time'; readonly field: W['time']; readonly op: '>=' | '<'; readonly at: number }
	/** `path` has at least one part; a part of digits indexes a list, and names a key of a dict. */
	| {
			readonly kind: 'path';
			readonly root: 'args' | 'kwargs';
			readonly path: readonly string[];
			readonly any: readonly PathTest[];
	  };

/** Terms that only tasks know. */
export type TaskLeaf =
	| { readonly kind: 'state'; readonly any: readonly TaskState[] }
	/** Failed now, in a failure group whose key begins with one of these (lower-case hexadecimal digits, 1 to 16). */
	| { readonly kind: 'group'; readonly any: readonly string[] };

/** What may be asked of tasks. Free text looks into name, id, queue, arguments (JSON text and preview), exception type and message. */
export interface TaskWords extends QueryWords {
	readonly text: TextField;
	readonly number: NumberField;
	readonly time: TimeField;
	readonly has: QueryHas;
	readonly is: QueryIs;
}

/** A parsed query over tasks. */
export type Query = QueryTree<PlainLeaf<TaskWords> | TaskLeaf>;

/** A field as help and completion show it. */
export interface QueryField {
	readonly name: string;
	readonly type:
		| 'state'
		| 'text'
		| 'number'
		| 'duration'
		| 'time'
		| 'arguments'
		| 'has'
		| 'is'
		| 'group'
		/** One of some words. */
		| 'choice'
		/** A log level, in their order. */
		| 'level';
	/** How a plain word is compared, for texts. */
	readonly match: 'contains' | 'equals' | 'prefix' | null;
	readonly help: string;
	readonly example: string;
	/** The words that there are, of a choice. */
	readonly choices?: readonly string[];
}

/** A field of a language. */
export function queryField(
	name: string,
	type: QueryField['type'],
	match: QueryField['match'],
	help: string,
	example: string,
): QueryField {
	return { name, type, match, help, example };
}

/** The fields of whatever has arguments. */
export const ARGUMENT_FIELDS: readonly QueryField[] = [
	queryField(
		'args',
		'arguments',
		'contains',
		'Part of the positional arguments, or one of them by place',
		'args[0]:42',
	),
	queryField(
		'kwargs',
		'arguments',
		'contains',
		'Part of the keyword arguments, or one of them by path',
		'kwargs.user.id:42',
	),
];

/** The fields for when a thing was; `what` begins a sentence, as `Published`. */
export function timeBounds(what: string): readonly QueryField[] {
	return [
		queryField('since', 'time', null, `${what} at or after a time, or within a duration before now`, 'since:2h'),
		queryField('until', 'time', null, `${what} at or before a time, or longer ago than a duration`, 'until:yesterday'),
		queryField('after', 'time', null, `${what} after a time, the day or minute named left out`, 'after:2026-11-20'),
		queryField(
			'before',
			'time',
			null,
			`${what} before a time, the day or minute named left out`,
			'before:2026-11-20T08:30',
		),
	];
}

/** Every field the language knows, in the order in which to offer them. */
export const QUERY_FIELDS: readonly QueryField[] = [
	queryField('state', 'state', null, `One or more of ${TASK_STATES.join(', ')}`, 'state:failed,lost'),
	queryField('name', 'text', 'contains', 'Part of the task name', 'name:tasks.add'),
	queryField(
		'app',
		'text',
		'equals',
		'The app that the task name stands for, exactly; * stands for anything',
		'app:shop',
	),
	queryField('queue', 'text', 'equals', 'The queue, exactly; * stands for anything', 'queue:mail*'),
	queryField(
		'worker',
		'text',
		'equals',
		'The worker of the last attempt, exactly; * stands for anything',
		'worker:host1:*',
	),
	queryField('id', 'text', 'prefix', 'The beginning of the task id', 'id:312a7e71'),
	queryField('exception', 'text', 'contains', 'Part of the exception type or message', 'exception:Timeout'),
	...ARGUMENT_FIELDS,
	queryField('result', 'text', 'contains', 'Part of what the task returned', 'result:ok'),
	queryField('log', 'text', 'contains', 'Part of a log line', 'log:retrying'),
	queryField('traceback', 'text', 'contains', 'Part of a traceback', 'traceback:smtplib'),
	queryField('has', 'has', null, `What is there: ${QUERY_HAS.join(', ')}`, 'has:traceback'),
	queryField(
		'is',
		'is',
		null,
		`How it came about or where it stands: ${QUERY_IS.join(', ')}, open, done`,
		'is:requeued',
	),
	queryField('group', 'group', null, 'The failure group, by the beginning of its name', 'group:1f3c9a02'),
	queryField('priority', 'number', null, 'The priority of the message', 'priority:>3'),
	queryField('attempts', 'number', null, 'How many attempts there have been', 'attempts:>=2'),
	queryField('runtime', 'duration', null, 'How long the last attempt ran', 'runtime:>2s'),
	queryField('waited', 'duration', null, 'From published to started', 'waited:>5m'),
	queryField('published', 'time', null, 'When it was published', 'published:2026-11-20'),
	queryField('started', 'time', null, 'When the last attempt began', 'started:>=2026-11-20T08:30'),
	queryField('finished', 'time', null, 'When the last attempt ended', 'finished:<2026-11-20'),
	...timeBounds('Active'),
];

/** How free text and `contains` compare: by this form of both sides. */
export function foldCase(text: string): string {
	return text.toLowerCase();
}

/** Joins parts with AND (or OR) in the canonical form: flattened, without `all`, unwrapped when only one is left. */
export function joinQueries<Leaf extends { readonly kind: string }>(
	kind: 'and' | 'or',
	queries: readonly QueryTree<Leaf>[],
): QueryTree<Leaf> {
	interface Joined {
		readonly parts: readonly QueryTree<Leaf>[];
	}
	const parts = queries.flatMap((query) => (query.kind === kind ? (query as unknown as Joined).parts : [query]));
	const telling = kind === 'and' ? parts.filter((part) => part.kind !== 'all') : parts;
	const only = telling[0];
	if (only === undefined || (kind === 'or' && telling.some((part) => part.kind === 'all'))) return { kind: 'all' };
	return telling.length === 1 ? only : { kind, parts: telling };
}
