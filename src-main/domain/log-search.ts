/** What a search through a log looks for: a text in any case, or `/a pattern/`; the same in the store and on the page. */
import { compilePattern } from './pattern.ts';
import { foldCase } from './query.ts';
import { fail, ok, type Result } from './result.ts';
import { LOG_LEVELS, type LogLevel, type LogLine } from './task.ts';

/** A pattern is tried against so much of a line's beginning. */
const PATTERN_REACH = 20_000;

/** A search that was read. */
export interface LogSearch {
	/** Whether a line's text, or its logger's name, is what was looked for. */
	test(line: Pick<LogLine, 'text' | 'logger'>): boolean;
	/** The text to mark in a line; null: it is a pattern. */
	readonly text: string | null;
}

/** Reads a search; null where it is empty and every line would do. `invalid-input` where a pattern cannot be used. */
export function readLogSearch(typed: string): Result<LogSearch | null> {
	if (typed === '') return ok(null);
	const source = /^\/(.+)\/$/s.exec(typed)?.[1];
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
