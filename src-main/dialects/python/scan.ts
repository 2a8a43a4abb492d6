/** The scanner under the literal reader: position, failures in words, and the two tokens with rules of their own. */
import { fail, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { positionAt } from '../position.ts';

/** Unwinds to the reader's entry; never leaves this folder. */
export class LiteralStop extends Error {
	readonly offset: number;
	readonly code: 'invalid-input' | 'too-large';
	constructor(message: string, offset: number, code: 'invalid-input' | 'too-large' = 'invalid-input') {
		super(message);
		this.offset = offset;
		this.code = code;
	}
}

/** The failure of a stop, with `details` `offset` (UTF-16), `line` and `column` (from 1). */
export function failureOf(text: string, stop: LiteralStop): Result<never> {
	const { line, column } = positionAt(text, stop.offset);
	return fail(stop.code, `${stop.message} (Line ${line}, column ${column}.)`, {
		details: { offset: stop.offset, line, column },
	});
}

/** Python's own limit for integers to and from text (`sys.set_int_max_str_digits`): longer ones would fail there anyway. */
export const DIGIT_LIMIT = 4_300;

/** A text and the place where reading stands. */
export class Scanner {
	readonly text: string;
	at = 0;

	constructor(text: string) {
		this.text = text;
	}

	/** The next character, or an empty string at the end. */
	peek(): string {
		return this.text[this.at] ?? '';
	}

	/** Takes what a sticky pattern matches here; null when it doesn't. */
	take(pattern: RegExp): string | null {
		pattern.lastIndex = this.at;
		const found = pattern.exec(this.text)?.[0];
		if (found === undefined) return null;
		this.at += found.length;
		return found;
	}

	/** Skips space, line breaks and line continuations, which mean nothing inside brackets (and here, everywhere). */
	space(): void {
		this.take(/(?:[ \t\n\r\f]+|\\(?:\r\n|\r|\n))+/y);
	}

	/** Skips space, then takes `mark` if it stands here. */
	took(mark: string): boolean {
		this.space();
		if (!this.text.startsWith(mark, this.at)) return false;
		this.at += mark.length;
		return true;
	}

	stop(message: string, offset = this.at, code: 'invalid-input' | 'too-large' = 'invalid-input'): never {
		throw new LiteralStop(message, offset, code);
	}
}

/** What can begin a number, with or without its sign. */
export const NUMBER_START = /^(?:\d|\.\d)/;

/** An unsigned number: int, float or the imaginary part of a complex. Stands at a digit, or at a point before one. */
export function scanNumber(scan: Scanner): Value | { readonly kind: 'imaginary'; readonly text: string } {
	const start = scan.at;
	const based = scan.take(/0(?:[xX](?:_?[0-9a-fA-F])+|[oO](?:_?[0-7])+|[bB](?:_?[01])+)/y);
	if (based !== null) {
		noTail(scan, start);
		const plain = based.replaceAll('_', '');
		if (plain.length > DIGIT_LIMIT) scan.stop(`An integer of more than ${DIGIT_LIMIT} digits.`, start, 'too-large');
		return { kind: 'int', text: BigInt(plain).toString() };
	}
	const written =
		scan.take(/(?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?/y) ??
		scan.take(/\d(?:_?\d)*\.?[eE][+-]?\d(?:_?\d)*/y) ??
		scan.take(/\d(?:_?\d)*\./y);
	const digits = written ?? scan.take(/\d(?:_?\d)*/y) ?? '';
	const text = digits.replaceAll('_', '');
	if (scan.take(/[jJ]/y) !== null) {
		noTail(scan, start);
		return { kind: 'imaginary', text: text.replace(/\.$/, '') };
	}
	noTail(scan, start);
	if (written !== null) return { kind: 'float', text: tidyFloat(text) };
	if (/^0+[1-9]/.test(text)) {
		scan.stop('A Python integer cannot begin with 0. If it is a code, quote it; for octal write 0o.', start);
	}
	if (text.length > DIGIT_LIMIT) {
		scan.stop(`An integer of more than ${DIGIT_LIMIT} digits, which Python itself would refuse.`, start, 'too-large');
	}
	return { kind: 'int', text: text.replace(/^0+(?=\d)/, '') };
}

function noTail(scan: Scanner, start: number): void {
	const tail = scan.take(/[\w.]/y);
	if (tail === null) return;
	if (tail === '_') scan.stop('An underscore may only stand between two digits.', scan.at - 1);
	scan.stop('Letters directly after a number. If it is a text, put it in quotes.', start);
}

/** Digits as they are, in the one form that JSON shares: a digit on each side of the point, no needless zeros in front. */
function tidyFloat(text: string): string {
	const [, whole = '', point = '', exponent = ''] = /^(\d*)((?:\.\d*)?)((?:[eE].*)?)$/.exec(text) ?? [];
	const fraction = point === '.' ? '.0' : point;
	return `${whole.replace(/^0+(?=\d)/, '') || '0'}${fraction}${exponent}`;
}

const PREFIX = /(?:[rR][bB]?|[bB][rR]?|[uU])?(?=["'])/y;
const SHORT: Readonly<Record<string, string>> = {
	'\\': '\\',
	"'": "'",
	'"': '"',
	a: '\x07',
	b: '\b',
	f: '\f',
	n: '\n',
	r: '\r',
	t: '\t',
	v: '\v',
};

/** One string or bytes literal with its prefix; null when none begins here. Bytes come as a text of characters below 256. */
export function scanString(scan: Scanner): { readonly bytes: boolean; readonly text: string } | null {
	const start = scan.at;
	const prefix = scan.take(PREFIX)?.toLowerCase();
	if (prefix === undefined) {
		if (/^[fF][rR]?["']|^[rR][fF]["']/.test(scan.text.slice(scan.at, scan.at + 3))) {
			scan.stop('An f-string is computed, so it is no literal: write the text itself.');
		}
		return null;
	}
	const bytes = prefix.includes('b');
	const raw = prefix.includes('r');
	const quote = scan.take(/"""|'''|"|'/y) ?? '';
	const triple = quote.length === 3;
	const pieces: string[] = [];
	const plain = quote.startsWith("'") ? /[^'\\\n\r]+/y : /[^"\\\n\r]+/y;
	for (;;) {
		const at = scan.at;
		const piece = scan.take(plain);
		if (piece !== null) {
			const wide = bytes ? /[^\0-\x7f]/.exec(piece) : null;
			if (wide !== null)
				scan.stop(`Bytes hold ASCII characters only: write ${wide[0]} as \\x escapes.`, at + wide.index);
			pieces.push(piece);
			continue;
		}
		const mark = scan.peek();
		if (mark === '') scan.stop(`This string never ends: ${quote} is missing.`, start);
		if (mark === '\\') {
			pieces.push(raw ? scanRawPair(scan) : scanEscape(scan, bytes));
		} else if (mark === '\n' || mark === '\r') {
			if (!triple) scan.stop(`A line break inside a string: write \\n, or use ${quote.repeat(3)}.`, scan.at);
			scan.take(/\r\n|\r|\n/y);
			// Python reads its source with every kind of line break as \n.
			pieces.push('\n');
		} else if (scan.text.startsWith(quote, scan.at)) {
			scan.at += quote.length;
			return { bytes, text: pieces.join('') };
		} else {
			// A quote that is fewer than the three that end this string.
			scan.at += 1;
			pieces.push(mark);
		}
	}
}

/** A backslash and what follows it, both kept, as raw strings do. */
function scanRawPair(scan: Scanner): string {
	const pair = scan.take(/\\(?:\r\n|[\s\S])/y);
	if (pair === null) scan.stop('The text ends inside a string.');
	return pair.replace(/\r\n?/, '\n');
}

function scanEscape(scan: Scanner, bytes: boolean): string {
	const start = scan.at;
	if (scan.take(/\\(?:\r\n|\r|\n)/y) !== null) return '';
	const octal = scan.take(/\\[0-7]{1,3}/y);
	if (octal !== null) {
		const code = Number.parseInt(octal.slice(1), 8);
		return String.fromCharCode(bytes ? code & 0xff : code);
	}
	const letter = scan.text[start + 1] ?? '';
	if (letter === '') scan.stop('The text ends inside a string.');
	const short = Object.hasOwn(SHORT, letter) ? SHORT[letter] : undefined;
	if (short !== undefined) {
		scan.at += 2;
		return short;
	}
	const width = letter === 'x' ? 2 : bytes ? 0 : letter === 'u' ? 4 : letter === 'U' ? 8 : 0;
	if (width > 0) {
		const digits = scan.text.slice(start + 2, start + 2 + width);
		if (digits.length < width || !/^[0-9a-fA-F]+$/.test(digits)) {
			scan.stop(`\\${letter} needs ${width} hexadecimal digits.`, start);
		}
		const code = Number.parseInt(digits, 16);
		if (code > 0x10ffff) scan.stop('There is no character above \\U0010ffff.', start);
		scan.at += 2 + width;
		return String.fromCodePoint(code);
	}
	if (letter === 'N' && !bytes)
		scan.stop('Characters by name (\\N{…}) are not read here: write the character itself.', start);
	// Python keeps a backslash that means nothing, with a warning.
	scan.at += 1;
	return '\\';
}
