/**
 * What a search through a log looks for: a text in any case, `/a pattern/`, or a query over its lines; the same in the store and on the
 * page. A text is what most people type, and mostly more than one word: it is a query only where it names a field of lines.
 */
import { compilePattern } from './pattern.ts';
import { foldCase, type PlainLeaf, type QueryTree } from './query.ts';
import type { LogWords } from './query-languages.ts';
import { type QuerySubject, subjectMatches } from './query-match.ts';
import { parseQueryOf } from './query-parse.ts';
import { fail, ok, type Result } from './result.ts';
import { LOG_LEVELS, type LogLevel, type LogLine } from './task.ts';

/** A pattern is tried against so much of a line's beginning. */
const PATTERN_REACH = 20_000;

/** Fields that lines of one log have; what else the language has of logs is of the task. */
const OWN_FIELDS = ['level', 'text', 'logger', 'source', 'line', 'has'];
const NAMES_A_FIELD = new RegExp(`(?:^|[\\s("-])(?:${OWN_FIELDS.join('|')}):`, 'i');

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
	if (source === undefined && NAMES_A_FIELD.test(typed)) return readLineQuery(typed);
	if (source === undefined) {
		const wanted = foldCase(typed);
		return ok({
			text: typed,
			test: ({ text, logger }) =>
				foldCase(plainLine(text)).includes(wanted) || (logger !== null && foldCase(logger).includes(wanted)),
		});
	}
	const compiled = compilePattern(source);
	if (!compiled.ok) return fail('invalid-input', `search: ${compiled.problem}`, { details: { field: 'search' } });
	const { pattern } = compiled;
	return ok({
		text: null,
		test: ({ text, logger }) =>
			pattern.test(plainLine(text).slice(0, PATTERN_REACH)) || (logger !== null && pattern.test(logger)),
	});
}

function readLineQuery(typed: string): Result<LogSearch> {
	// Lines of one log are looked for by what they say and not by when: nothing in the query is relative to a moment.
	const query = parseQueryOf('logs', typed, 0);
	if (!query.ok) {
		const { position = 0, length = 1 } = query.error.details ?? {};
		return fail('invalid-input', `search: ${query.error.message}`, { details: { field: 'search', position, length } });
	}
	const foreign = foreignField(query.value);
	if (foreign !== null) {
		return fail(
			'invalid-input',
			`search: "${foreign}" is not about lines of one log. Write ${OWN_FIELDS.slice(0, -1).join(':, ')}: or has:logger, or put it in quotation marks.`,
			{ details: { field: 'search' } },
		);
	}
	return ok({ text: null, test: (line) => subjectMatches(query.value, subjectOf(line)) });
}

/** A field that only lines of many logs differ in; null: there is none. */
function foreignField(query: QueryTree<PlainLeaf<LogWords>>): string | null {
	switch (query.kind) {
		case 'and':
		case 'or':
			return query.parts.map(foreignField).find((field) => field !== null) ?? null;
		case 'not':
			return foreignField(query.part);
		case 'field':
		case 'number':
			return OWN_FIELDS.includes(query.field) ? null : query.field;
		case 'time':
			return 'since, until, before and after';
		case 'path':
			return query.root;
		default:
			return null;
	}
}

function subjectOf(line: SearchedLine): QuerySubject<LogWords> {
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
