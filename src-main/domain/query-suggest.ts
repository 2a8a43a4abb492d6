/** What may be typed next in a query: pure, from what stands at the caret and what is known of the tasks. */
import { appName } from './app-name.ts';
import { QUERY_IS, type QueryField } from './query.ts';
import { quotedWhereNeeded } from './query-format.ts';
import { languageOf, type QueryTarget } from './query-languages.ts';
import type { QueryCaret } from './query-marks.ts';
import { valueAt } from './query-match.ts';
import { LOG_LEVELS, TASK_STATES } from './task.ts';
import type { CallArguments, Value } from './value.ts';

/** One thing that may be put at the caret. */
export interface QuerySuggestion {
	/** What to put between `start` and `end`. */
	readonly text: string;
	/** A word about it. */
	readonly note: string | null;
	/** How many of the tasks that were looked at have it; null: not counted. */
	readonly count: number | null;
	/** More must follow: a field waits for its value. */
	readonly open: boolean;
}

/** Suggestions with the stretch of the text that they replace, UTF-16 offsets. */
export interface QuerySuggestions {
	readonly start: number;
	readonly end: number;
	readonly items: readonly QuerySuggestion[];
	/** What the counts are of; null where there are none. */
	readonly counted: { readonly tasks: number; readonly all: boolean } | null;
}

/** Columns whose values can be counted. */
export type FacetColumn = 'state' | 'name' | 'queue' | 'worker' | 'exception' | 'group' | 'priority' | 'attempts';

/** A value and how many of the tasks looked at have it; null: known from before, not among them. */
export interface FacetValue {
	readonly value: string;
	readonly count: number | null;
}

/** The column to count for a field; null where values cannot be counted. */
export function facetColumn(field: string): FacetColumn | null {
	switch (field) {
		case 'app':
			return 'name';
		case 'is':
			return 'state';
		case 'state':
		case 'name':
		case 'queue':
		case 'worker':
		case 'exception':
		case 'group':
		case 'priority':
		case 'attempts':
			return field;
		default:
			return null;
	}
}

/** `kwargs.user.` as root, the path so far and what is typed of the next part; null where this is no path. */
export function typedPath(text: string): {
	readonly root: 'args' | 'kwargs';
	readonly path: readonly string[];
	readonly typed: string;
	readonly lead: string;
} | null {
	const found = /^(args|kwargs)((?:\.[^\s.:()",[\]]+|\[\d+\])*)([.[])([^\s.:()",[\]]*)$/.exec(text);
	if (found === null) return null;
	const [, root, middle = '', mark = '', typed = ''] = found;
	const path = [...middle.matchAll(/[^.[\]]+/g)].map(([part]) => part);
	return { root: root === 'args' ? 'args' : 'kwargs', path, typed, lead: `${root}${middle}${mark}` };
}

/** Fields that begin with what is typed, then those that contain it. */
export function fieldSuggestions(typed: string, target: QueryTarget = 'tasks'): readonly QuerySuggestion[] {
	const small = typed.toLowerCase();
	const rank = (field: QueryField) => (field.name.startsWith(small) ? 0 : field.name.includes(small) ? 1 : 2);
	return languageOf(target)
		.fields.filter((field) => rank(field) < 2)
		.toSorted((a, b) => rank(a) - rank(b))
		.map((field) => ({
			text: `${field.name}:`,
			note: `${field.help} (${field.example})`,
			count: null,
			open: true,
		}));
}

/** The next parts of a path, as they are in some calls. */
export function pathSuggestions(text: string, calls: readonly CallArguments[]): readonly QuerySuggestion[] {
	const at = typedPath(text);
	if (at === null) return [];
	const counts = new Map<string, number>();
	for (const call of calls) {
		for (const part of partsBelow(at.root, at.path, call)) counts.set(part, (counts.get(part) ?? 0) + 1);
	}
	const before = at.lead.slice(0, -1);
	return [...counts]
		.filter(([part]) => part.toLowerCase().startsWith(at.typed.toLowerCase()))
		.sort((a, b) => b[1] - a[1])
		.map(([part, count]) => {
			const place = /^\d+$/.test(part);
			const plain = /^[^\s.:()",[\]]+$/.test(part);
			const name = place ? `[${part}]` : plain ? `.${part}` : `.${quotedWhereNeeded(part)}`;
			return { text: `${before}${name}:`, note: null, count, open: true };
		});
}

function partsBelow(root: 'args' | 'kwargs', path: readonly string[], call: CallArguments): readonly string[] {
	if (path.length === 0) {
		return root === 'args' ? call.args.map((_, place) => String(place)) : call.kwargs.map(([key]) => key);
	}
	const value = valueAt(root, path, call);
	if (value?.kind === 'dict') return value.entries.flatMap(([key]) => (key.kind === 'str' ? [key.value] : []));
	return value?.kind === 'list' || value?.kind === 'tuple' ? value.items.map((_, place) => String(place)) : [];
}

/** Values at a path, as they are in some calls. */
export function pathValues(
	root: 'args' | 'kwargs',
	path: readonly string[],
	calls: readonly CallArguments[],
): readonly FacetValue[] {
	const counts = new Map<string, number>();
	for (const call of calls) {
		const text = plainText(valueAt(root, path, call));
		if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1);
	}
	return [...counts].sort((a, b) => b[1] - a[1]).map(([value, count]) => ({ value, count }));
}

function plainText(value: Value | null): string | null {
	switch (value?.kind) {
		case 'str':
			return value.value.length > 200 ? null : value.value;
		case 'int':
		case 'float':
			return value.text;
		case 'bool':
			return String(value.value);
		case 'none':
			return 'null';
		default:
			return null;
	}
}

const TIMES: readonly (readonly [string, string])[] = [
	['15m', 'the last quarter of an hour'],
	['1h', 'the last hour'],
	['24h', 'the last day'],
	['7d', 'the last week'],
	['today', 'since midnight'],
	['yesterday', 'since the midnight before'],
];
const DAYS: readonly (readonly [string, string])[] = [
	['today', 'this day'],
	['yesterday', 'the day before'],
	['>=today', 'since midnight'],
	['<today', 'before midnight'],
];
const AHEAD: readonly (readonly [string, string])[] = [
	['<1h', 'within an hour'],
	['<24h', 'within a day'],
	['today', 'this day'],
	['tomorrow', 'the day after'],
];
const DURATIONS: readonly (readonly [string, string])[] = [
	['>1s', 'longer than a second'],
	['>10s', 'longer than ten seconds'],
	['>1m', 'longer than a minute'],
	['<100ms', 'shorter than a tenth of a second'],
	['1s..10s', 'from one second to ten'],
];

/** Values for a field that contain what is typed, those that begin with it first; `known` are counted ones, the commonest first. */
export function valueSuggestions(
	caret: QueryCaret & { readonly kind: 'value' },
	known: readonly FacetValue[],
	target: QueryTarget = 'tasks',
): readonly QuerySuggestion[] {
	const small = caret.typed.toLowerCase();
	const all = optionsOf(caret.field, known, target);
	const fitting = caret.op === undefined ? all : behind(caret.op, all);
	const offered = fitting.filter(({ value }) => value.toLowerCase().includes(small));
	const begins = ({ value }: { readonly value: string }) => (value.toLowerCase().startsWith(small) ? 0 : 1);
	return offered
		.toSorted((a, b) => begins(a) - begins(b))
		.map(({ count, note, written }) => ({ text: written, note, count, open: false }));
}

/** More are not read, only scrolled past. */
const SHOWN = 30;

/** Suggestions for what stands at a caret. */
export function suggestionsFor(
	caret: QueryCaret,
	items: readonly QuerySuggestion[],
	counted: QuerySuggestions['counted'] = null,
): QuerySuggestions {
	if (caret.kind === 'nothing') return { start: 0, end: 0, items: [], counted: null };
	return { start: caret.start, end: caret.end, items: items.slice(0, SHOWN), counted };
}

/** Fields, or values of one: of `known` ones, or those that the language names by itself. Paths into arguments are not among them. */
export function plainSuggestions(
	caret: QueryCaret,
	target: QueryTarget,
	known: readonly FacetValue[] = [],
	counted: QuerySuggestions['counted'] = null,
): QuerySuggestions {
	if (caret.kind === 'value') return suggestionsFor(caret, valueSuggestions(caret, known, target), counted);
	return suggestionsFor(caret, caret.kind === 'field' ? fieldSuggestions(caret.typed, target) : []);
}

/** What is left to write behind a comparison that stands there already; ranges and other comparisons cannot follow it. */
function behind(op: string, options: readonly Option[]): readonly Option[] {
	const left = new Map<string, Option>();
	for (const option of options) {
		const own = /^(?:[<>]=?|=)/.exec(option.written)?.[0];
		if (own === undefined ? /^[^"]*\.\./.test(option.written) : own !== op) continue;
		const cut = own?.length ?? 0;
		const written = option.written.slice(cut);
		if (!left.has(written)) left.set(written, { ...option, written, value: option.value.slice(cut) });
	}
	return [...left.values()];
}

interface Option extends FacetValue {
	readonly note: string | null;
	readonly written: string;
}

function optionsOf(field: string, known: readonly FacetValue[], target: QueryTarget): readonly Option[] {
	const counts = new Map(known.map(({ value, count }) => [value, count]));
	const words = (list: readonly (readonly [string, string | null])[]): readonly Option[] =>
		list.map(([value, note]) => ({ value, note, written: value, count: counts.get(value) ?? null }));
	const { fields, has, is } = languageOf(target);
	const about = fields.find(({ name }) => name === field);
	switch (about?.type) {
		case 'choice':
			return words((about.choices ?? []).map((one) => [one, null] as const));
		case 'level':
			return words(
				Object.keys(LOG_LEVELS).flatMap((level) => [[`>=${level}`, 'and worse'] as const, [level, null] as const]),
			);
		case 'state':
			return words(TASK_STATES.map((state) => [state, null] as const));
		case 'has':
			return words(has.map((thing) => [thing, null] as const));
		case 'is':
			return words(
				(target === 'tasks' ? [...QUERY_IS, 'open', 'done', ...TASK_STATES] : is).map(
					(thing) => [thing, null] as const,
				),
			);
		case 'duration':
			return words(DURATIONS);
		case 'time':
			return words(
				field === 'since' || field === 'until' || field === 'after' || field === 'before'
					? timesOf(field)
					: field === 'next'
						? AHEAD
						: DAYS,
			);
		default: {
			const values = field === 'app' ? appsOf(known) : known;
			return values
				.filter(({ value }) => value !== '')
				.map(({ value, count }) => ({ value, count, note: null, written: quotedWhereNeeded(value) }));
		}
	}
}

function timesOf(field: string): readonly (readonly [string, string | null])[] {
	return field === 'since' ? TIMES : TIMES.map(([value]) => [value, null] as const);
}

function appsOf(names: readonly FacetValue[]): readonly FacetValue[] {
	const counts = new Map<string, number | null>();
	for (const { value, count } of names) {
		const app = appName(value);
		const before = counts.get(app) ?? null;
		counts.set(app, count === null ? before : (before ?? 0) + count);
	}
	return [...counts].map(([value, count]) => ({ value, count })).sort((a, b) => (b.count ?? -1) - (a.count ?? -1));
}
