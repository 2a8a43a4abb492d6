/**
 * Python literals as data: what `ast.literal_eval` reads, and the words that `repr` prints beyond it (`nan`, `inf`,
 * `frozenset(…)`). Nothing is ever evaluated.
 */
import { ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { hashKey } from './hash.ts';
import { failureOf, LiteralStop, NUMBER_START, Scanner, scanNumber, scanString } from './scan.ts';

/** What the reader allows. */
export interface LiteralOptions {
	/** Brackets inside each other; default 1,000 (Python's own parser stops at 200). */
	readonly depth?: number;
	/**
	 * `refuse` (default): calls such as `datetime.datetime(…)` and `<object …>` are errors. `opaque`: they become opaque values
	 * that show their text, for reprs that were stored by others.
	 */
	readonly foreign?: 'refuse' | 'opaque';
}

const DEPTH = 1_000;

/**
 * Positional arguments as one would write them in a call, without its brackets: `True, 1, 'test', {'foo': 'bar'}`. Empty text
 * is none, a comma at the end is allowed. `(1, 2)` is one argument, a tuple, as in a call; the stored form with
 * brackets is for `readArgsTuple`. Failures are `invalid-input` or `too-large` with `details` `offset` (UTF-16), `line`, `column`.
 */
export function readLiterals(text: string, options: LiteralOptions = {}): Result<readonly Value[]> {
	return reading(text, options, (reader) => reader.list(''));
}

/** One literal. Failures as in `readLiterals`. */
export function readLiteral(text: string, options: LiteralOptions = {}): Result<Value> {
	return reading(text, options, (reader) => reader.value(0));
}

/**
 * The printed form of a tuple of arguments, as django-carrot stores it: `()`, `(1,)`, `(1, 'a')`. What is no literal becomes
 * opaque unless told otherwise.
 */
export function readArgsTuple(text: string, options: LiteralOptions = {}): Result<readonly Value[]> {
	return reading(text, { foreign: 'opaque', ...options }, (reader: Reader, scan: Scanner) => {
		const value = reader.value(0);
		if (value.kind !== 'tuple')
			scan.stop("This is not a tuple; arguments are stored as (1, 'a'), one as (1,), none as ().", 0);
		return value.items;
	});
}

function reading<T>(text: string, options: LiteralOptions, read: (reader: Reader, scan: Scanner) => T): Result<T> {
	const scan = new Scanner(text);
	try {
		const value = read(new Reader(scan, options), scan);
		scan.space();
		if (scan.peek() !== '') scan.stop(afterHint(scan));
		return ok(value);
	} catch (error) {
		if (error instanceof LiteralStop) return failureOf(text, error);
		throw error;
	}
}

const ELLIPSIS: Value = { kind: 'opaque', type: 'ellipsis', text: 'Ellipsis' };
const CONSTANTS: Readonly<Record<string, Value>> = {
	None: { kind: 'none' },
	True: { kind: 'bool', value: true },
	False: { kind: 'bool', value: false },
	nan: { kind: 'float', text: 'NaN' },
	inf: { kind: 'float', text: 'Infinity' },
	Ellipsis: ELLIPSIS,
};

/** Inside a call's brackets: a whole string, or anything else that is no bracket. */
const OPAQUE_PIECE = /'[^'\\]*(?:\\[\s\S][^'\\]*)*'|"[^"\\]*(?:\\[\s\S][^"\\]*)*"|[^()[\]{}<'"]+|['"]/y;

const OTHER_WORDS: Readonly<Record<string, string>> = {
	true: 'True',
	false: 'False',
	null: 'None',
	none: 'None',
	undefined: 'None',
	NaN: 'nan',
	Infinity: 'inf',
};

class Reader {
	readonly #scan: Scanner;
	readonly #depth: number;
	readonly #foreign: boolean;

	constructor(scan: Scanner, options: LiteralOptions) {
		this.#scan = scan;
		this.#depth = options.depth ?? DEPTH;
		this.#foreign = options.foreign === 'opaque';
	}

	/** Values with commas between, up to `end`, which is taken (empty: the end of the text). */
	list(end: string, depth = 0, first: readonly Value[] = []): Value[] {
		const items = [...first];
		for (;;) {
			if (this.#ends(end)) return items;
			items.push(this.value(depth));
			if (!this.#scan.took(',')) {
				if (this.#ends(end)) return items;
				this.#scan.stop(afterHint(this.#scan, end));
			}
		}
	}

	value(depth: number): Value {
		const scan: Scanner = this.#scan;
		scan.space();
		const start = scan.at;
		if (depth > this.#depth) scan.stop(`Nested more than ${this.#depth} levels deep.`, start, 'too-large');
		const mark = scan.peek();
		if (mark === '[') {
			scan.at += 1;
			return { kind: 'list', items: this.list(']', depth + 1) };
		}
		if (mark === '(') return this.#brackets(depth);
		if (mark === '{') return this.#braces(depth);
		if (scan.take(/\.\.\./y) !== null) return ELLIPSIS;
		if (mark === '+' || mark === '-') return this.#signed();
		if (NUMBER_START.test(scan.text.slice(start, start + 2))) return this.#sum(scanNumber(scan), '');
		return this.#strings() ?? this.#word(depth);
	}

	/** `(…)`: a tuple, an empty tuple, or just brackets around one value. */
	#brackets(depth: number): Value {
		const scan: Scanner = this.#scan;
		scan.at += 1;
		if (scan.took(')')) return { kind: 'tuple', items: [] };
		const first = this.value(depth + 1);
		if (scan.took(')')) return first;
		if (!scan.took(',')) scan.stop(afterHint(scan, ')'));
		return { kind: 'tuple', items: this.list(')', depth + 1, [first]) };
	}

	/** `{…}`: a dict or a set, by whether a colon follows the first value. */
	#braces(depth: number): Value {
		const scan: Scanner = this.#scan;
		scan.at += 1;
		if (scan.took('}')) return { kind: 'dict', entries: [] };
		const place = this.#here();
		const first = this.value(depth + 1);
		if (!scan.took(':')) {
			this.#hashable(first, place, 'in a set');
			if (scan.took('}')) return { kind: 'set', items: [first] };
			if (!scan.took(',')) scan.stop(afterHint(scan, '}'));
			return { kind: 'set', items: this.#distinct(this.list('}', depth + 1, [first]), place) };
		}
		const entries: [Value, Value][] = [];
		const places = new Map<string, number>();
		let key = first;
		let keyAt = place;
		for (;;) {
			const hash = this.#hashable(key, keyAt, 'as a key');
			const value = this.value(depth + 1);
			const known = hash === '' ? undefined : places.get(hash);
			const entry = known === undefined ? undefined : entries[known];
			// As in Python: the last value wins, in the place and with the key of the first.
			if (entry !== undefined) entry[1] = value;
			else {
				places.set(hash, entries.length);
				entries.push([key, value]);
			}
			if (!scan.took(',')) {
				if (scan.took('}')) break;
				scan.stop(afterHint(scan, '}'));
			}
			if (scan.took('}')) break;
			keyAt = this.#here();
			key = this.value(depth + 1);
			if (!scan.took(':')) scan.stop('A colon and a value should follow this key.');
		}
		return { kind: 'dict', entries };
	}

	/** A signed number, or a signed name that stands for one. */
	#signed(): Value {
		const scan: Scanner = this.#scan;
		const start = scan.at;
		const sign = scan.take(/[+-]/y) === '-' ? '-' : '';
		scan.space();
		const name = scan.take(/(?:inf|nan)(?!\w)/y);
		if (name !== null) {
			const text = name === 'nan' ? 'NaN' : `${sign}Infinity`;
			return { kind: 'float', text };
		}
		if (!NUMBER_START.test(scan.text.slice(scan.at, scan.at + 2))) {
			scan.stop('A sign needs a number after it.', start);
		}
		return this.#sum(scanNumber(scan), sign);
	}

	/** A number with its sign, and the imaginary part that may follow a real one. */
	#sum(number: ReturnType<typeof scanNumber>, sign: string): Value {
		const scan: Scanner = this.#scan;
		if (number.kind === 'imaginary') return { kind: 'opaque', type: 'complex', text: `${sign}${number.text}j` };
		if (number.kind !== 'int' && number.kind !== 'float') return number;
		const negative = sign === '-' && !(number.kind === 'int' && number.text === '0');
		const real: Value = negative ? { kind: number.kind, text: `-${number.text}` } : number;
		const back = scan.at;
		scan.space();
		const plus = scan.take(/[+-]/y);
		if (plus === null) {
			scan.at = back;
			return real;
		}
		const at = scan.at - 1;
		scan.space();
		const second = NUMBER_START.test(scan.text.slice(scan.at, scan.at + 2)) ? scanNumber(scan) : null;
		if (second?.kind !== 'imaginary') scan.stop('Sums are not computed here: write the result.', at);
		return { kind: 'opaque', type: 'complex', text: `(${real.text}${plus}${second.text}j)` };
	}

	/** Strings side by side are one, as in Python. */
	#strings(): Value | null {
		const scan: Scanner = this.#scan;
		const first = scanString(scan);
		if (first === null) return null;
		const pieces = [first.text];
		for (;;) {
			const back = scan.at;
			scan.space();
			const at = scan.at;
			const next = scanString(scan);
			if (next === null) {
				scan.at = back;
				break;
			}
			if (next.bytes !== first.bytes) scan.stop('Bytes and text side by side cannot be joined.', at);
			pieces.push(next.text);
		}
		const text = pieces.join('');
		if (!first.bytes) return { kind: 'str', value: text };
		return { kind: 'bytes', base64: Buffer.from(text, 'latin1').toString('base64') };
	}

	#word(depth: number): Value {
		const scan: Scanner = this.#scan;
		const start = scan.at;
		const word = scan.take(/[\p{L}_][\p{L}\p{N}_]*(?:\.[\p{L}_][\p{L}\p{N}_]*)*/uy);
		if (word === null) {
			if (this.#foreign && scan.peek() === '<') return this.#opaque(start, 'object');
			scan.stop(startHint(scan));
		}
		const constant = Object.hasOwn(CONSTANTS, word) ? CONSTANTS[word] : undefined;
		if (constant !== undefined) return constant;
		const call = scan.peek() === '(';
		if (call && (word === 'set' || word === 'frozenset')) return this.#setCall(word, depth);
		if (call && this.#foreign) return this.#opaque(start, word);
		if (this.#foreign && word.includes('.')) return { kind: 'opaque', type: 'name', text: word };
		if (call) scan.stop(`${word}(…) is a call, and calls are not made here: write the value itself.`, start);
		if (/^\s*=(?!=)/.test(scan.text.slice(scan.at, scan.at + 20))) {
			scan.stop(`${word}=… is a keyword argument: it belongs to the keyword arguments.`, start);
		}
		const right = Object.hasOwn(OTHER_WORDS, word) ? OTHER_WORDS[word] : undefined;
		scan.stop(
			right === undefined ? `A word needs quotes: '${word}'.` : `"${word}" is written ${right} in Python.`,
			start,
		);
	}

	/** `set()`, `frozenset()` and what `repr` prints: `frozenset({1, 2})`; Python 2 printed `set([1, 2])`. */
	#setCall(word: 'set' | 'frozenset', depth: number): Value {
		const scan: Scanner = this.#scan;
		scan.at += 1;
		if (scan.took(')')) return { kind: word, items: [] };
		const place = this.#here();
		const inner = this.value(depth + 1);
		if (inner.kind !== 'set' && inner.kind !== 'list' && inner.kind !== 'tuple') {
			scan.stop(`${word}(…) takes a set or a list here: ${word}({1, 2}).`, place);
		}
		if (!scan.took(')')) scan.stop(afterHint(scan, ')'));
		return { kind: word, items: this.#distinct(inner.items, place) };
	}

	/** What is no literal, from `start` to the bracket that closes it, as text. Between `<` and `>` quotes are just text. */
	#opaque(start: number, type: string): Value {
		const scan: Scanner = this.#scan;
		const open: string[] = [];
		do {
			const mark = scan.take(open.at(-1) === '<' ? /[<>]/y : /[([{<)\]}]/y);
			if (mark !== null && '([{<'.includes(mark)) open.push(mark);
			else if (mark !== null) open.pop();
			else if (scan.take(open.at(-1) === '<' ? /[^<>]+/y : OPAQUE_PIECE) === null)
				scan.stop('This never closes.', start);
		} while (open.length > 0);
		return { kind: 'opaque', type, text: scan.text.slice(start, scan.at) };
	}

	#distinct(items: readonly Value[], place: number): Value[] {
		const seen = new Set<string>();
		return items.filter((item) => {
			const hash = this.#hashable(item, place, 'in a set');
			if (hash === '') return true;
			if (seen.has(hash)) return false;
			seen.add(hash);
			return true;
		});
	}

	/** The hash of a value; stops at those that Python cannot hash. Empty: equal to nothing, not even itself (nan). */
	#hashable(value: Value, place: number, where: string): string {
		const hash = hashKey(value);
		if (hash === null) {
			const right = value.kind === 'list' ? 'a tuple, (…)' : value.kind === 'set' ? 'a frozenset' : 'its text';
			this.#scan.stop(`Python cannot hold a ${value.kind} ${where}; write ${right}.`, place);
		}
		return hash;
	}

	#ends(end: string): boolean {
		this.#scan.space();
		if (end === '') return this.#scan.peek() === '';
		return this.#scan.took(end);
	}

	#here(): number {
		this.#scan.space();
		return this.#scan.at;
	}
}

/** For a place where a literal should begin and none does. */
function startHint(scan: Scanner): string {
	const mark = scan.peek();
	if (mark === '') return 'The text ends where a value should stand.';
	if (mark === ',') return 'A comma too many, or a value is missing before it.';
	if (mark === ')' || mark === ']' || mark === '}')
		return `This ${mark} closes nothing, or a value is missing before it.`;
	if (mark === '*') return 'Unpacking with * is not done here: write the values themselves.';
	if (mark === '#') return 'Comments are not read here: remove it.';
	if (/[\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb`]/.test(mark))
		return `${mark} is not a quote that Python knows: use ' or ".`;
	if (mark === '<') return 'This is how Python shows an object, not a literal: write its value.';
	return `A value should stand here, not ${mark}`;
}

/** For a place after a value where neither a comma nor the closing bracket stands. */
function afterHint(scan: Scanner, end = ''): string {
	const mark = scan.peek();
	const closing = end === '' ? '' : `, or a ${end}`;
	if (mark === '') return end === '' ? 'The text ends too early.' : `The text ends here: a ${end} is missing.`;
	if (mark === ':') return 'A colon only stands in a dict: {key: value}.';
	if (mark === '=') return 'name=value is a keyword argument: it belongs to the keyword arguments.';
	if (/[+\-*/%|&]/.test(mark)) return 'Nothing is computed here: write the result.';
	return `A comma is missing before this${closing}.`;
}
