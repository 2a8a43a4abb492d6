/** What a log's view reads from, and marking what was searched for in its lines. */
import type { LogLevel, LogLine } from '#main/domain/task.ts';
import { plainTerminalText } from './terminal-text.ts';

/** Where one steps to: the place among the lines shown, the line's number, and which of all it is. */
export interface LogPlace {
	readonly row: number;
	readonly seq: number;
	readonly rank: number;
}

/** Why a search finds nothing, and which part of what was typed is wrong, in UTF-16 units from 0; null: no single part is. */
export interface SearchProblem {
	readonly message: string;
	readonly place: { readonly position: number; readonly length: number } | null;
}

/** A log as its view needs it; read reactively. Lines may be read later than they are asked for. */
export interface LogReading {
	/** Lines of the log, and of them those that are shown. */
	readonly whole: number;
	readonly count: number;
	/** Whether it is known which lines are shown. */
	readonly settled: boolean;
	readonly level: LogLevel;
	readonly search: string;
	readonly only: boolean;
	readonly hits: { readonly count: number; readonly done: boolean; readonly problem: SearchProblem | null } | null;
	readonly errors: { readonly count: number; readonly done: boolean };
	readonly marked: string | null;
	choose(wanted: { readonly level?: LogLevel; readonly search?: string; readonly only?: boolean }): void;
	at(row: number): (LogLine & { readonly seq: number }) | null;
	show(from: number, to: number): void;
	/** How many of the lines shown have this number or a later one. */
	since(seq: number): number;
	stepHit(seq: number, direction: 1 | -1): LogPlace | null;
	stepError(seq: number, direction: 1 | -1): LogPlace | null;
}

const texts = new WeakMap<LogLine, string>();

/** A line's words without colours and other escapes; worked out once per line. */
export function lineText(line: LogLine): string {
	const known = texts.get(line);
	if (known !== undefined) return known;
	const text = plainTerminalText(line.text.replace(/\r?\n$/, ''));
	texts.set(line, text);
	return text;
}

/** What was typed, cut where it is wrong; at its end, a place of its own. */
export function wrongParts(
	typed: string,
	place: { readonly position: number; readonly length: number },
): { readonly before: string; readonly wrong: string; readonly after: string } {
	const end = place.position + Math.max(1, place.length);
	return {
		before: typed.slice(0, place.position),
		wrong: typed.slice(place.position, end) || ' ',
		after: typed.slice(end),
	};
}

/** A line cut where a text occurs in it, whatever its case. */
export function markedParts(
	text: string,
	wanted: string | null,
): readonly { readonly text: string; readonly found: boolean }[] {
	if (wanted === null || wanted === '') return [{ text, found: false }];
	// Escaped, so that what is typed is found as it stands; `i` and `u` fold case without changing lengths.
	const pattern = new RegExp(wanted.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'giu');
	const parts: { text: string; found: boolean }[] = [];
	let from = 0;
	for (const match of text.matchAll(pattern)) {
		if (match.index > from) parts.push({ text: text.slice(from, match.index), found: false });
		parts.push({ text: match[0], found: true });
		from = match.index + match[0].length;
	}
	if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from), found: false });
	return parts;
}
