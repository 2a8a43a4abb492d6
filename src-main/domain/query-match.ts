/**
 * Whether one thing matches a query, worked out the slow and obvious way. It defines the language's meaning: the store's SQL is
 * compared with it.
 */
import { appName } from './app-name.ts';
import {
	type CompareOp,
	foldCase,
	type PathTest,
	type PlainLeaf,
	type Query,
	type QueryHas,
	type QueryIs,
	type QueryTree,
	type QueryWords,
	type TaskWords,
	type TextField,
	type TextMatch,
	type TimeField,
} from './query.ts';
import { regexTest } from './query-values.ts';
import { assertNever } from './result.ts';
import type { Attempt, TaskResult, TaskRow } from './task.ts';
import type { CallArguments, Value } from './value.ts';

/** A task as a query sees it: a list's row and, where a query may ask for them, the parts that rows leave out. */
export interface QueryRow extends Omit<TaskRow, 'updatedAt'> {
	/** For argument paths; without it no path exists. */
	readonly call?: CallArguments | null;
	readonly result?: TaskResult | null;
	/** The log of the task, one text. */
	readonly log?: string | null;
	/** The key of the failure group that it is in while it is failed; without it, it is in none. */
	readonly group?: string | null;
	/** For `traceback:`, and for what `has:` and `is:` say of attempts; without it there are none. */
	readonly history?: readonly Pick<
		Attempt,
		'number' | 'cause' | 'traceback' | 'logLines' | 'hasMessage' | 'truncated'
	>[];
}

/** A thing as queries see it, by the names that its language has. What is not known is null, or is no text. */
export interface QuerySubject<W extends QueryWords> {
	/** What free text looks into. */
	free(): readonly string[];
	texts(field: W['text']): readonly string[];
	number(field: W['number']): number | null;
	time(field: W['time']): number | null;
	has(thing: W['has']): boolean;
	is(thing: W['is']): boolean;
	/** For argument paths; null: there are none. */
	call(): CallArguments | null;
}

/** Whether a task matches. What is not known (null) matches nothing. */
export function matches(query: Query, row: QueryRow): boolean {
	const subject = taskSubject(row);
	return holds(query, (leaf) => {
		if (leaf.kind === 'state') return leaf.any.includes(row.state);
		if (leaf.kind !== 'group') return leafHolds(leaf, subject);
		const group = row.group ?? null;
		return group !== null && leaf.any.some((beginning) => group.startsWith(beginning));
	});
}

/** The same of anything else. */
export function subjectMatches<W extends QueryWords>(
	query: QueryTree<PlainLeaf<W>>,
	subject: QuerySubject<W>,
): boolean {
	return holds(query, (leaf) => leafHolds(leaf, subject));
}

function holds<Leaf extends { readonly kind: string }>(
	query: QueryTree<Leaf>,
	leafHolds: (leaf: Leaf) => boolean,
): boolean {
	const joined = query as Exclude<QueryTree<Leaf>, Leaf>;
	switch (joined.kind) {
		case 'all':
			return true;
		case 'and':
			return joined.parts.every((part) => holds(part, leafHolds));
		case 'or':
			return joined.parts.some((part) => holds(part, leafHolds));
		case 'not':
			return !holds(joined.part, leafHolds);
		default:
			return leafHolds(query as Leaf);
	}
}

function leafHolds<W extends QueryWords>(leaf: PlainLeaf<W>, subject: QuerySubject<W>): boolean {
	switch (leaf.kind) {
		case 'text':
			return subject.free().some((text) => textMatches(leaf.match, text));
		case 'field':
			return subject.texts(leaf.field).some((text) => leaf.any.some((match) => textMatches(match, text)));
		case 'has':
			return leaf.any.some((thing) => subject.has(thing));
		case 'is':
			return leaf.any.some((thing) => subject.is(thing));
		case 'number': {
			const value = subject.number(leaf.field);
			return value !== null && compare(leaf.op, value, leaf.value);
		}
		case 'time': {
			const at = subject.time(leaf.field);
			return at !== null && compare(leaf.op, at, leaf.at);
		}
		case 'path': {
			const found = valueAt(leaf.root, leaf.path, subject.call());
			return found !== null && leaf.any.some((test) => pathMatches(test, found));
		}
		default:
			return assertNever(leaf);
	}
}

function taskSubject(row: QueryRow): QuerySubject<TaskWords> {
	return {
		free: () => freeTexts(row),
		texts: (field) => fieldTexts(field, row),
		number: (field) => (field === 'runtime' ? row.runtimeMs : field === 'waited' ? waited(row) : row[field]),
		time: (field) => timeOf(field, row),
		has: (thing) => hasIt(thing, row),
		is: (thing) => isSo(thing, row),
		call: () => row.call ?? null,
	};
}

/** Whether one text satisfies one comparison. */
export function textMatches(match: TextMatch, text: string): boolean {
	switch (match.kind) {
		case 'contains':
			return foldCase(text).includes(foldCase(match.text));
		case 'equals':
			return text === match.text;
		case 'prefix':
			return text.startsWith(match.text);
		case 'glob':
			return globMatches(match.text, text);
		case 'regex':
			return patternOf(match)(text);
		default:
			return assertNever(match);
	}
}

/** Compiled patterns of queries in use. */
const PATTERNS = new WeakMap<object, (text: string) => boolean>();

function patternOf(match: { readonly source: string }): (text: string) => boolean {
	let test = PATTERNS.get(match);
	if (test === undefined) {
		test = regexTest(match.source);
		PATTERNS.set(match, test);
	}
	return test;
}

/** The value at a path, or null. Parts of digits index lists; otherwise, and in dicts, parts are keys. */
export function valueAt(root: 'args' | 'kwargs', path: readonly string[], call: CallArguments | null): Value | null {
	if (call === null) return null;
	let here: Value =
		root === 'args'
			? { kind: 'list', items: call.args }
			: { kind: 'dict', entries: call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const) };
	for (const part of path) {
		let next: Value | undefined;
		if (here.kind === 'list' || here.kind === 'tuple') {
			if (/^(?:0|[1-9]\d{0,8})$/.test(part)) next = here.items[Number(part)];
		} else if (here.kind === 'dict') {
			// The last one wins where a key stands twice, as in Python and JSON.
			next = here.entries.findLast(([key]) => keyText(key) === part)?.[1];
		}
		if (next === undefined) return null;
		here = next;
	}
	return here;
}

function keyText(key: Value): string | null {
	return key.kind === 'str' ? key.value : key.kind === 'int' ? key.text : null;
}

function pathMatches(test: PathTest, value: Value): boolean {
	switch (test.kind) {
		case 'exists':
			return true;
		case 'glob':
			return scalarText(value) !== null && globMatches(test.text, scalarText(value) ?? '');
		case 'regex':
			return scalarText(value) !== null && textMatches(test, scalarText(value) ?? '');
		case 'compare':
			return (value.kind === 'int' || value.kind === 'float') && compare(test.op, Number(value.text), test.value);
		case 'is':
			if (value.kind === 'str') return value.value === test.text;
			if (test.quoted) return false;
			if (value.kind === 'bool') return test.text.toLowerCase() === String(value.value);
			if (value.kind === 'none') return ['null', 'none'].includes(test.text.toLowerCase());
			return sameNumber(value, test.text);
		default:
			return assertNever(test);
	}
}

/** Strings and numbers as text; nothing for the rest. */
function scalarText(value: Value): string | null {
	if (value.kind === 'str') return value.value;
	return value.kind === 'int' || value.kind === 'float' ? value.text : null;
}

/** By amount; whole numbers digit by digit, since they may be longer than a double can tell apart. */
function sameNumber(value: Value, text: string): boolean {
	if (value.kind !== 'int' && value.kind !== 'float') return false;
	const whole = /^-?\d+$/;
	if (whole.test(text) && whole.test(value.text)) return trimZeros(text) === trimZeros(value.text);
	return /^-?\d/.test(text) ? Number(text) === Number(value.text) : text === value.text;
}

function trimZeros(digits: string): string {
	const trimmed = digits.replace(/^(-?)0+(?=\d)/, '$1');
	return trimmed === '-0' ? '0' : trimmed;
}

function globMatches(glob: string, text: string): boolean {
	const [first = '', ...rest] = glob.split('*');
	if (!text.startsWith(first)) return false;
	const last = rest.pop();
	if (last === undefined) return text === first;
	let at = first.length;
	for (const piece of rest) {
		const found = text.indexOf(piece, at);
		if (found < 0) return false;
		at = found + piece.length;
	}
	return text.length - last.length >= at && text.endsWith(last);
}

function compare(op: CompareOp, left: number, right: number): boolean {
	switch (op) {
		case '=':
			return left === right;
		case '<':
			return left < right;
		case '<=':
			return left <= right;
		case '>':
			return left > right;
		case '>=':
			return left >= right;
		default:
			return assertNever(op);
	}
}

/** Whether a JSON text of arguments holds any. */
export function someArguments(json: string | null): boolean {
	return json !== null && !/^\s*[[{]?\s*[\]}]?\s*$/.test(json);
}

function hasIt(thing: QueryHas, row: QueryRow): boolean {
	const attempts = row.history ?? [];
	switch (thing) {
		case 'traceback':
			return attempts.some((attempt) => attempt.traceback !== null);
		case 'log':
			return attempts.some((attempt) => attempt.logLines > 0);
		case 'message':
			return attempts.some((attempt) => attempt.hasMessage);
		case 'exception':
			return row.exception !== null;
		case 'result':
			return (row.result ?? null) !== null;
		case 'args':
			return someArguments(row.argsJson);
		case 'kwargs':
			return someArguments(row.kwargsJson);
		case 'queue':
		case 'worker':
		case 'priority':
			return row[thing] !== null;
		default:
			return assertNever(thing);
	}
}

function isSo(thing: QueryIs, row: QueryRow): boolean {
	const attempts = row.history ?? [];
	if (thing === 'cut') return attempts.some((attempt) => attempt.truncated);
	return attempts.some((attempt) => attempt.number > 1 && attempt.cause === thing);
}

function waited(row: QueryRow): number | null {
	return row.startedAt === null || row.publishedAt === null ? null : row.startedAt - row.publishedAt;
}

function timeOf(field: TimeField, row: QueryRow): number | null {
	switch (field) {
		case 'published':
			return row.publishedAt;
		case 'started':
			return row.startedAt;
		case 'finished':
			return row.finishedAt;
		case 'activity':
			return row.finishedAt ?? row.startedAt ?? row.publishedAt;
		default:
			return assertNever(field);
	}
}

function known(...texts: readonly (string | null | undefined)[]): readonly string[] {
	return texts.filter((text) => text !== null && text !== undefined);
}

function freeTexts(row: QueryRow): readonly string[] {
	return known(
		row.name,
		row.id,
		row.queue,
		row.argsJson,
		row.kwargsJson,
		row.preview,
		row.exception?.type,
		row.exception?.message,
	);
}

function fieldTexts(field: TextField, row: QueryRow): readonly string[] {
	switch (field) {
		case 'name':
			return [row.name];
		case 'id':
			return [row.id];
		case 'app':
			return [appName(row.name)];
		case 'traceback':
			return known(...(row.history ?? []).map((attempt) => attempt.traceback));
		case 'queue':
			return known(row.queue);
		case 'worker':
			return known(row.worker);
		case 'exception':
			return known(row.exception?.type, row.exception?.message);
		case 'args':
			return known(row.argsJson);
		case 'kwargs':
			return known(row.kwargsJson);
		case 'result':
			return known(row.result?.text);
		case 'log':
			return known(row.log);
		default:
			return assertNever(field);
	}
}
