/** A query that could not be read, for a person: its text, and a line below that points at the mistake. */
import type { Failure } from '#main/domain/result.ts';
import type { WireError } from '#main/ipc/codes.ts';
import { oneLine, paint, type Style, widthOf } from './text.ts';

/** Columns before the query, and the fewest of it that are shown where a terminal is narrow. */
const INDENT = '  ';
const LEAST = 20;

/** Two lines without their last newline; null: the failure is not about a query. */
export function queryMistake(error: Failure | WireError, style: Style): string | null {
	const { query, position, length } = error.details ?? {};
	if (typeof query !== 'string' || typeof position !== 'number' || query.trim() === '') return null;
	const end = position + Math.max(1, typeof length === 'number' ? length : 1);
	const shown = (text: string) => [...oneLine(text.replaceAll(/\r?\n/g, ' '))];
	const wrong = shown(query.slice(position, end));
	const room = Math.max(LEAST, style.width - INDENT.length);
	const wrongKept = beginning(wrong, room - 2);
	const left = room - widthOf(wrongKept.join(''));
	const after = shown(query.slice(end));
	// What follows may take what the beginning leaves, and both give way to the mistake.
	const before = ending(shown(query.slice(0, position)), Math.max(Math.ceil(left / 2), left - widthOf(after.join(''))));
	const rest = beginning(after, left - widthOf(before.join('')));
	const lead = before.join('');
	const marks = '^'.repeat(Math.max(1, widthOf(wrongKept.join(''))));
	return [
		`${INDENT}${lead}${wrongKept.join('')}${rest.join('')}`,
		`${INDENT}${' '.repeat(widthOf(lead))}${paint(style, 'red', marks)}`,
	].join('\n');
}

function beginning(chars: readonly string[], width: number): readonly string[] {
	if (widthOf(chars.join('')) <= width) return chars;
	let kept = 0;
	for (let size = 0; kept < chars.length; kept += 1) {
		size += widthOf(chars[kept] ?? '');
		if (size > width - 1) break;
	}
	return width < 1 ? [] : [...chars.slice(0, kept), '…'];
}

function ending(chars: readonly string[], width: number): readonly string[] {
	return beginning(chars.toReversed(), width).toReversed();
}
