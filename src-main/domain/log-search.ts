/**
 * What a search through a log looks for: a text in any case, `/a pattern/`, or a query over its lines; the same in the store and on the
 * page. A text is what most people type, and mostly more than one word: it is a query only where something in it can be a field, known
 * or not, or where all of it is in quotation marks.
 */
import { compilePattern } from './pattern.ts';
import { foldCase } from './query.ts';
import { type LineWords, languageOf } from './query-languages.ts';
import { queryCaret } from './query-marks.ts';
import { type QuerySubject, subjectMatches } from './query-match.ts';
import { parseQueryOf } from './query-parse.ts';
import { plainSuggestions, type QuerySuggestions } from './query-suggest.ts';
import { fail, ok, type Result } from './result.ts';
import { LOG_LEVELS, type LogLevel, type LogLine } from './task.ts';

/** A pattern is tried against so much of a line's beginning. */
const PATTERN_REACH = 20_000;

/**
 * Where a term begins, a name and a colon. Behind a name that is no field's, a value must follow at once: `ValueError: no such card` is
 * what lines say, and so is an address.
 */
const NAMES_A_FIELD = new RegExp(
	`(?:^|[\\s("])-*(?:(?:${languageOf('lines')
		.fields.map(({ name }) => name)
		.join('|')}):|[a-z_][a-z0-9_-]*:(?!\\s|$|//))`,
	'i',
);
const QUOTED = /^"(?:[^"\\]|\\[\s\S])+"$/;

/** A line as a search sees it. */
export type SearchedLine = Pick<LogLine, 'text' | 'logger' | 'level' | 'source'> & { readonly seq: number };

/** A search that was read. */
export interface LogSearch {
	/** Whether a line, its text or its logger's name, is what was looked for. */
	test(line: SearchedLine): boolean;
	/** The text to mark in a line; null: it is a pattern, or a query. */
	readonly text: string | null;
}

/** Reads a search; null where it is empty and every line would do. `invalid-input` where a pattern or a query cannot be used. */
export function readLogSearch(typed: string): Result<LogSearch | null> {
	if (typed === '') return ok(null);
	const source = /^\/(.+)\/$/s.exec(typed)?.[1];
	if (source === undefined && (QUOTED.test(typed) || NAMES_A_FIELD.test(typed))) return readLineQuery(typed);
	if (source === undefined) return ok(textSearch(typed));
	const compiled = compilePattern(source);
	if (!compiled.ok) return fail('invalid-input', `search: ${compiled.problem}`, { details: { field: 'search' } });
	const { pattern } = compiled;
	return ok({
		text: null,
		test: ({ text, logger }) =>
			pattern.test(plainLine(text).slice(0, PATTERN_REACH)) || (logger !== null && pattern.test(logger)),
	});
}

/** What may be typed next in a search through one log: fields of lines, and values of theirs; nothing inside a pattern. */
export function suggestLogSearch(typed: string, at: number): QuerySuggestions | null {
	return typed.startsWith('/') ? null : plainSuggestions(queryCaret(typed, at, 'lines'), 'lines');
}

function textSearch(wanted: string): LogSearch {
	const folded = foldCase(wanted);
	return {
		text: wanted,
		test: ({ text, logger }) =>
			foldCase(plainLine(text)).includes(folded) || (logger !== null && foldCase(logger).includes(folded)),
	};
}

function readLineQuery(typed: string): Result<LogSearch> {
	// Lines of one log are looked for by what they say and not by when: nothing in the query is relative to a moment.
	const read = parseQueryOf('lines', typed, 0);
	if (!read.ok) {
		const { message, details } = read.error;
		return fail('invalid-input', `search: ${message}`, { details: { ...details, field: 'search' } });
	}
	const query = read.value;
	if (query.kind === 'text' && query.match.kind === 'contains') return ok(textSearch(query.match.text));
	return ok({ text: null, test: (line) => subjectMatches(query, subjectOf(line)) });
}

function subjectOf(line: SearchedLine): QuerySubject<LineWords> {
	const logger = line.logger === null ? [] : [line.logger];
	const text = plainLine(line.text).slice(0, PATTERN_REACH);
	return {
		free: () => [text, ...logger],
		texts: (field) =>
			field === 'text' ? [text] : field === 'logger' ? logger : field === 'source' ? [line.source] : [],
		number: (field) => (field === 'level' ? LOG_LEVELS[line.level] : field === 'line' ? line.seq + 1 : null),
		time: () => null,
		has: () => line.logger !== null,
		is: () => false,
		call: () => null,
	};
}

/** How grave a line is: output streams have no level of their own, and stderr counts as a warning at least. */
export function gravityOf(line: Pick<LogLine, 'level' | 'source'>): number {
	const own = LOG_LEVELS[line.level];
	return line.source === 'stderr' ? Math.max(own, LOG_LEVELS.warning) : own;
}

/** Whether a line is at least of a level. */
export function isFrom(line: Pick<LogLine, 'level' | 'source'>, level: LogLevel): boolean {
	return gravityOf(line) >= LOG_LEVELS[level];
}

/** Colours and other sequences of terminals: what stands between the words that a person reads. */
const ESCAPES =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out here.
	/(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b\]|\u009d)[^\u0007\u001b\u009c\r\n]*(?:\u0007|\u009c|\u001b\\)?/g;

/** A line as it is searched: without colours. */
function plainLine(text: string): string {
	return text.includes('\u001b') || text.includes('\u009b') || text.includes('\u009d')
		? text.replaceAll(ESCAPES, '')
		: text;
}
