/** What to tell a person whose JSON is not quite JSON: the mistakes people make, mostly out of Python or JavaScript. */

const PYTHON_WORDS: Readonly<Record<string, string>> = {
	True: 'true',
	False: 'false',
	None: 'null',
	undefined: 'null',
	nan: 'NaN',
	inf: 'Infinity',
	TRUE: 'true',
	FALSE: 'false',
	NULL: 'null',
	Null: 'null',
	nil: 'null',
};

/** For a place where a value should begin and none does; `word` is the word that stands there. */
export function valueHint(text: string, at: number, word: string | null): string {
	const mark = text[at];
	if (mark === undefined) return 'The text ends where a value should stand.';
	if (word !== null) {
		const after = text[at + word.length];
		if ((after === '"' || after === "'") && /^[bBrRuUfF]{1,2}$/.test(word)) {
			return `JSON has no ${word}${after}…${after} strings: write plain "…".`;
		}
		if (Object.hasOwn(PYTHON_WORDS, word)) return `"${word}" is written ${PYTHON_WORDS[word]} in JSON.`;
		return `A word needs quotes in JSON: "${clipWord(word)}".`;
	}
	return common(text, at) ?? `A value should stand here, not ${shown(mark)}.`;
}

/** For a place where a key should begin and none does. */
export function keyHint(text: string, at: number): string {
	const mark = text[at];
	if (mark === undefined) return 'The text ends inside an object: a key or a } is missing.';
	const word = /^[\p{L}_$][\p{L}\p{N}_$-]*/u.exec(text.slice(at, at + 60))?.[0];
	if (word !== undefined) return `A key needs quotes in JSON: "${clipWord(word)}".`;
	const number = /^-?\d+/.exec(text.slice(at, at + 60))?.[0];
	if (number !== undefined) return `Keys are strings in JSON: "${number}".`;
	if (mark === ',') return 'A comma too many.';
	return common(text, at) ?? `A key in double quotes should stand here, not ${shown(mark)}.`;
}

/** For a place after a value where neither a comma nor the closing bracket stands. */
export function commaHint(text: string, at: number, end: string): string {
	const mark = text[at] ?? '';
	if (mark === ':' && end === ']') return 'A colon inside a list: key and value belong in an object, { }.';
	if (mark === ']' || mark === '}') return `This bracket does not fit: ${end} should close here.`;
	if (mark === ';') return 'Values are separated by commas in JSON, not semicolons.';
	if (mark === '/' || mark === '#') return common(text, at) ?? 'JSON has no comments: remove it.';
	return `A comma is missing before this, or a ${end}.`;
}

/** What is wrong with the number that the grammar took up to `end`, judged by what follows; null when nothing is. */
export function numberHint(text: string, start: number, end: number): string | null {
	const after = text[end];
	if (after === undefined || !/[\w.+]/.test(after)) return null;
	const number = text.slice(start, end);
	if (after === '.' && /^-?\d+$/.test(number))
		return `A number cannot end with its point: write ${clipWord(number)}.0.`;
	if (/^-?0$/.test(number) && /\d/.test(after)) return 'A number cannot begin with 0. If it is a code, quote it.';
	if (/^-?0$/.test(number) && /[xXoObB]/.test(after)) return 'JSON knows decimal numbers only.';
	if (after === '_') return 'Numbers have no underscores in JSON: write the digits only.';
	if (/[eE]/.test(after)) return 'An exponent needs digits: 1e5.';
	return 'Letters directly after a number. If it is a text, put it in quotes.';
}

/** For a backslash that begins nothing JSON knows. */
export function escapeHint(letter: string, digits: string): string {
	if (letter === 'u') return `\\u needs four hexadecimal digits, not "${digits}".`;
	if (letter === 'x') return 'JSON has no \\x: write \\u00 and the two digits.';
	if (letter === "'") return "A ' needs no backslash in JSON.";
	if (letter === '') return 'The text ends inside a string.';
	return `\\${letter} means nothing in JSON. For a backslash write \\\\.`;
}

/** For a control character inside a string. */
export function controlHint(mark: string): string {
	if (mark === '\n' || mark === '\r') return 'A line break inside a string: write \\n, or close the string with a ".';
	if (mark === '\t') return 'A tab inside a string: write \\t.';
	const code = mark.charCodeAt(0).toString(16).padStart(4, '0');
	return `A control character inside a string: write \\u${code}.`;
}

function common(text: string, at: number): string | null {
	const mark = text[at] ?? '';
	if (mark === "'") return 'Single quotes: JSON wants double quotes.';
	if (/[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb`]/.test(mark))
		return `${mark} is not a quote that JSON knows: use ".`;
	if (mark === '(') return 'JSON has no tuples: write a list, [ ].';
	if (mark === '#' || text.startsWith('//', at) || text.startsWith('/*', at)) return 'JSON has no comments: remove it.';
	if (mark === '+') return 'A number has no plus sign in JSON.';
	if (mark === '.') return 'A number cannot begin with its point: write 0 before it.';
	if (mark === '-') return 'A minus sign needs digits after it.';
	if (mark === ',') return 'A comma too many, or a value is missing before it.';
	if (mark === ']' || mark === '}') return `A value is missing before this ${mark}.`;
	if (mark === '\ufeff') return 'The text begins with a byte order mark: remove it.';
	return null;
}

function clipWord(word: string): string {
	return word.length > 40 ? `${word.slice(0, 40)}…` : word;
}

function shown(mark: string): string {
	const code = mark.charCodeAt(0);
	return code > 0x20 && code < 0x7f ? mark : `the character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
