/**
 * Text from messages may hold characters that can't be seen or that rearrange what stands around them. This splits a text
 * into plain runs and such characters, each with a name to show in its place.
 */

/** A run of a text: plain, or one character that must be shown by its name. */
export type TextRun =
	| { readonly kind: 'plain'; readonly text: string }
	| { readonly kind: 'hidden'; readonly text: string; readonly shown: string; readonly name: string };

const NAMES: Readonly<Record<number, string>> = {
	0: 'NUL',
	7: 'BEL',
	8: 'BS',
	9: 'tab',
	10: 'newline',
	13: 'CR',
	27: 'ESC',
	127: 'DEL',
	160: 'no-break space',
	173: 'soft hyphen',
	1564: 'Arabic letter mark',
	8203: 'zero-width space',
	8204: 'zero-width non-joiner',
	8205: 'zero-width joiner',
	8206: 'left-to-right mark',
	8207: 'right-to-left mark',
	8232: 'line separator',
	8233: 'paragraph separator',
	8234: 'left-to-right embedding',
	8235: 'right-to-left embedding',
	8236: 'end of direction',
	8237: 'left-to-right override',
	8238: 'right-to-left override',
	8288: 'word joiner',
	8294: 'left-to-right isolate',
	8295: 'right-to-left isolate',
	8296: 'first-strong isolate',
	8297: 'end of isolate',
	65279: 'byte order mark',
};

// C0 and C1 controls, direction marks, zero-width and other invisible characters, lone surrogates. Zero-width joiners are
// left alone: they join emoji and belong to the spelling of some languages.
const HIDDEN =
	// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is looking for
	/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]|\p{Surrogate}/gu;

/** Splits a text. `keepLines` leaves newlines and tabs in the plain runs, for texts shown over several lines. */
export function visibleRuns(text: string, keepLines = false): readonly TextRun[] {
	const runs: TextRun[] = [];
	let plain = 0;
	for (const match of text.matchAll(HIDDEN)) {
		const [found] = match;
		if (keepLines && (found === '\n' || found === '\t')) continue;
		if (match.index > plain) runs.push({ kind: 'plain', text: text.slice(plain, match.index) });
		const code = found.codePointAt(0) ?? 0;
		runs.push({ kind: 'hidden', text: found, shown: shownAs(code), name: NAMES[code] ?? codeName(code) });
		plain = match.index + found.length;
	}
	if (plain < text.length) runs.push({ kind: 'plain', text: text.slice(plain) });
	return runs;
}

function shownAs(code: number): string {
	if (code === 0x0a) return '\\n';
	if (code === 0x09) return '\\t';
	if (code === 0x0d) return '\\r';
	if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
	return codeName(code);
}

function codeName(code: number): string {
	return `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
