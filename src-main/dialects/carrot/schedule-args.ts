/**
 * Positional arguments of a site's schedules. carrot cuts their text at every comma and publishes the pieces as they stand: nothing is
 * ever evaluated, so every argument arrives as text. Yet its API only accepts text of which each piece is a Python literal by itself.
 */
import type { ScheduleRemark } from '#main/domain/schedule.ts';
import { readLiteral } from '../python/read.ts';
import { writeLiteral } from '../python/write.ts';

/** What Python's `str.strip` takes away; `trim` would also take U+FEFF, and leave U+001C to U+001F and U+0085. */
const SPACE = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]+';
const ENDS = new RegExp(`^${SPACE}|${SPACE}$`, 'g');

/** A text without the space around it, as Python sees space. The site does this to every text it is given. */
export function strip(text: string): string {
	return text.replace(ENDS, '');
}

/** What a task would get for this text: one string for each piece. */
export function publishedStrings(text: string): readonly string[] {
	return text
		.split(',')
		.filter((piece) => piece !== '')
		.map(strip);
}

const STRINGS = /'(?:[^'\\]|\\[\s\S])*'|"(?:[^"\\]|\\[\s\S])*"/g;
/** Words that our reader knows because `repr` prints them, and that `literal_eval` refuses (before Python 3.9 all of them). */
const WORDS = /\b(?:nan|inf|Ellipsis|frozenset|set)\b/;

/** Whether the site's own reader, Python's `ast.literal_eval`, takes this text for a literal. */
export function siteReads(piece: string): boolean {
	if (!readLiteral(piece).ok || WORDS.test(piece.replace(STRINGS, ''))) return false;
	// Outside brackets a line break ends an expression, and a string.
	return !/[\r\n]/.test(piece) || /^[[({]/.test(piece);
}

/** Why the site's API would refuse this text, and what to write instead; null: it takes it. */
export function argumentsTrouble(text: string): string | null {
	if (strip(text) === '') return null;
	const pieces = text.split(',').map(strip);
	const bad = pieces.find((piece) => !siteReads(piece));
	if (bad === undefined) return null;
	if (bad === '') {
		return pieces.at(-1) === ''
			? 'Take the comma at the end away: the site refuses it.'
			: 'Take one comma away: the site refuses two with nothing between them.';
	}
	const whole = readLiteral(`[${text}]`);
	if (whole.ok && pieces.length > 1) {
		return `The site cuts positional arguments at every comma, and refuses the piece ${cut(bad)}. Give it as a keyword argument instead: those are not cut, and keep their types.`;
	}
	const read = readLiteral(bad);
	const why = read.ok ? 'it is no literal for Python.' : read.error.message.replace(/ \(Line \d+, column \d+\.\)$/, '');
	return `The site refuses ${cut(bad)}: ${why}`;
}

/** What becomes of exactly these arguments; null: there are none. */
export function argumentsRemark(text: string): ScheduleRemark | null {
	const strings = publishedStrings(text);
	if (strip(text) === '' || strings.length === 0) return null;
	const shown = strings.slice(0, 6).map((piece) => writeLiteral({ kind: 'str', value: cut(piece) }));
	const more = strings.length > shown.length ? `, and ${strings.length - shown.length} more the same way` : '';
	const last = shown.at(-1) ?? '';
	const arrive = shown.length === 1 ? last : `${shown.slice(0, -1).join(', ')} and ${last}`;
	const words = `carrot publishes positional arguments as text: ${cut(strip(text), 120)} arrives as ${arrive}${more}. Keyword arguments keep their types.`;
	return { tone: 'warning', words };
}

function cut(text: string, most = 60): string {
	const characters = [...text.slice(0, most * 2 + 2)];
	return characters.length > most ? `${characters.slice(0, most).join('')}…` : text;
}
