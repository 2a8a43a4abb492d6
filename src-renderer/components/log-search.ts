/** Choosing and searching a task's log lines. Pure. */
import { LOG_LEVELS, type LogLevel, type LogLine } from '#main/domain/task.ts';
import { plainTerminalText } from './terminal-text.ts';

/** A stretch of a line that matched; `line` is the line's place among those given. */
export interface LogMatch {
	readonly line: number;
	readonly start: number;
	readonly end: number;
}

/** No more matches than this are counted: nobody steps through more. */
export const MOST_MATCHES = 10_000;

const texts = new WeakMap<LogLine, string>();

/** A line's words without colours and other escapes; worked out once per line. */
export function lineText(line: LogLine): string {
	const known = texts.get(line);
	if (known !== undefined) return known;
	const text = plainTerminalText(line.text.replace(/\r?\n$/, ''));
	texts.set(line, text);
	return text;
}

/** The lines of at least a level. Output streams have no level of their own and count as `info`, stderr as `warning`. */
export function linesFrom(lines: readonly LogLine[], level: LogLevel): readonly LogLine[] {
	if (level === 'debug') return lines;
	const least = LOG_LEVELS[level];
	return lines.filter((line) => gravity(line) >= least);
}

function gravity(line: LogLine): number {
	if (line.source === 'stderr') return Math.max(LOG_LEVELS[line.level], LOG_LEVELS.warning);
	return LOG_LEVELS[line.level];
}

/** Where a text occurs, whatever its case, in order; at most `MOST_MATCHES`. */
export function findInLog(lines: readonly LogLine[], wanted: string): readonly LogMatch[] {
	if (wanted === '') return [];
	// Escaped, so that what is typed is found as it stands; `i` and `u` fold case without changing lengths.
	const pattern = new RegExp(wanted.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'giu');
	const matches: LogMatch[] = [];
	for (let line = 0; line < lines.length; line++) {
		const item = lines[line];
		if (item === undefined) continue;
		for (const match of lineText(item).matchAll(pattern)) {
			matches.push({ line, start: match.index, end: match.index + match[0].length });
			if (matches.length === MOST_MATCHES) return matches;
		}
	}
	return matches;
}

/** A line cut at its matches. `at` is the match's place among all, -1 for the text between. */
export function markedParts(
	text: string,
	matches: readonly (LogMatch & { readonly at: number })[],
): readonly { readonly text: string; readonly at: number }[] {
	const parts: { text: string; at: number }[] = [];
	let from = 0;
	for (const match of matches) {
		if (match.start > from) parts.push({ text: text.slice(from, match.start), at: -1 });
		parts.push({ text: text.slice(match.start, match.end), at: match.at });
		from = match.end;
	}
	if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from), at: -1 });
	return parts;
}
