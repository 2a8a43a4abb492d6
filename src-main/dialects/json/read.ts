/**
 * JSON as Python's `json` module reads it, into values that keep every digit. `JSON.parse` would not do: it rounds long
 * integers, forgets whether a number was a float, and refuses the bare NaN and Infinity that Python writes.
 */
import type { Result } from '#main/domain/result.ts';
import { fail, ok } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { positionAt } from '../position.ts';
import { commaHint, controlHint, escapeHint, keyHint, numberHint, valueHint } from './hints.ts';

/** What protects the reader, and what a key that stands twice means. */
export interface JsonLimits {
	/** Containers inside each other; default 1,000. */
	readonly depth?: number;
	/** Values in all, containers included; default 2,000,000 (some 200 MB of them). */
	readonly values?: number;
	/** `last` (default): the last one wins, in the place of the first, as in Python. `refuse`: for what a person types. */
	readonly duplicates?: 'last' | 'refuse';
}

export const JSON_DEPTH = 1_000;
export const JSON_VALUES = 2_000_000;

/**
 * Reads one JSON document. Integers are numbers of digits only; all else with a fraction or exponent is a float, as written.
 * Lone surrogates are kept. Failures are `invalid-input`, or `too-large` for a limit, with `details` `offset` (UTF-16),
 * `line` and `column` (from 1) and a message that says what would be right. Takes time linear in the text, no stack.
 */
export function readJson(text: string, limits: JsonLimits = {}): Result<Value> {
	try {
		return ok(new Reader(text, limits).read());
	} catch (error) {
		if (error instanceof Stop) return failureAt(text, error);
		throw error;
	}
}

/** Unwinds to `readJson`; never leaves this file. */
class Stop extends Error {
	readonly offset: number;
	readonly code: 'invalid-input' | 'too-large';
	constructor(message: string, offset: number, code: 'invalid-input' | 'too-large') {
		super(message);
		this.offset = offset;
		this.code = code;
	}
}

function failureAt(text: string, stop: Stop): Result<never> {
	const { line, column } = positionAt(text, stop.offset);
	return fail(stop.code, `${stop.message} (Line ${line}, column ${column}.)`, {
		details: { offset: stop.offset, line, column },
	});
}

type Frame =
	| { readonly kind: 'list'; readonly start: number; readonly items: Value[] }
	| {
			readonly kind: 'dict';
			readonly start: number;
			readonly entries: [Value, Value][];
			key: string;
			/** Where each key stands, once there are enough of them to be worth a map. */
			places: Map<string, number> | null;
	  };

const NONE: Value = { kind: 'none' };
const TRUE: Value = { kind: 'bool', value: true };
const FALSE: Value = { kind: 'bool', value: false };
const NAN: Value = { kind: 'float', text: 'NaN' };
const INFINITY: Value = { kind: 'float', text: 'Infinity' };
const MINUS_INFINITY: Value = { kind: 'float', text: '-Infinity' };

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings hold no control characters, which is those below 0x20.
const SPECIAL = /[\\\u0000-\u001f]/;
const WORDS: Readonly<Record<string, Value>> = {
	null: NONE,
	true: TRUE,
	false: FALSE,
	NaN: NAN,
	Infinity: INFINITY,
	'-Infinity': MINUS_INFINITY,
};
const WORD = /-?[A-Za-z_$][\w$]*/y;
/** Up to so many keys are looked through; a map pays beyond. */
const FEW = 12;

class Reader {
	readonly #text: string;
	readonly #depth: number;
	readonly #values: number;
	readonly #refuseDuplicates: boolean;
	readonly #stack: Frame[] = [];
	#at = 0;
	#count = 0;

	constructor(text: string, limits: JsonLimits) {
		this.#text = text;
		this.#depth = limits.depth ?? JSON_DEPTH;
		this.#values = limits.values ?? JSON_VALUES;
		this.#refuseDuplicates = limits.duplicates === 'refuse';
	}

	read(): Value {
		this.#space();
		if (this.#at === this.#text.length) this.#stop('There is nothing here. An empty object is {}, an empty list [].');
		let value: Value | null = null;
		do {
			const begun = this.#begin();
			value = begun === null ? null : this.#settle(begun);
		} while (value === null);
		this.#space();
		if (this.#at < this.#text.length) {
			this.#stop('The value ends before this. Several values belong in a list: [1, 2].');
		}
		return value;
	}

	/** A whole scalar or empty container; or null after opening a container, standing where its first value begins. */
	#begin(): Value | null {
		this.#space();
		this.#count += 1;
		if (this.#count > this.#values) this.#stop(`More than ${this.#values} values.`, this.#at, 'too-large');
		const start = this.#at;
		switch (this.#text[start]) {
			case '"':
				return { kind: 'str', value: this.#string() };
			case '[':
				this.#open();
				if (this.#closes(']')) return { kind: 'list', items: [] };
				this.#stack.push({ kind: 'list', start, items: [] });
				return null;
			case '{': {
				this.#open();
				if (this.#closes('}')) return { kind: 'dict', entries: [] };
				const frame: Frame = { kind: 'dict', start, entries: [], key: '', places: null };
				this.#stack.push(frame);
				frame.key = this.#key(frame);
				return null;
			}
			default:
				return this.#scalar();
		}
	}

	/** Puts a finished value where it belongs, closing what closes; the document when the last one closed, else null. */
	#settle(settled: Value): Value | null {
		let value = settled;
		for (;;) {
			const frame = this.#stack.at(-1);
			if (frame === undefined) return value;
			if (frame.kind === 'list') frame.items.push(value);
			else this.#enter(frame, value);
			this.#space();
			const end = frame.kind === 'list' ? ']' : '}';
			const mark = this.#text[this.#at];
			if (mark === ',') {
				const comma = this.#at;
				this.#at += 1;
				this.#space();
				if (this.#text[this.#at] === end) {
					this.#stop(`A trailing comma: JSON allows none before ${end}. Remove it.`, comma);
				}
				if (frame.kind === 'dict') frame.key = this.#key(frame);
				return null;
			}
			if (mark !== end) {
				if (mark === undefined) {
					const what = frame.kind === 'list' ? 'list' : 'object';
					const { line } = positionAt(this.#text, frame.start);
					this.#stop(`The text ends inside the ${what} that began at line ${line}: a ${end} is missing.`);
				}
				this.#stop(commaHint(this.#text, this.#at, end));
			}
			this.#at += 1;
			this.#stack.pop();
			value = frame.kind === 'list' ? { kind: 'list', items: frame.items } : { kind: 'dict', entries: frame.entries };
		}
	}

	#enter(frame: Frame & { kind: 'dict' }, value: Value): void {
		const place = frame.places === null ? findKey(frame.entries, frame.key) : frame.places.get(frame.key);
		const entry = place === undefined ? undefined : frame.entries[place];
		if (entry !== undefined) {
			entry[1] = value;
			return;
		}
		frame.places?.set(frame.key, frame.entries.length);
		frame.entries.push([{ kind: 'str', value: frame.key }, value]);
		if (frame.places === null && frame.entries.length > FEW) {
			frame.places = new Map(frame.entries.map(([key], index) => [key.kind === 'str' ? key.value : '', index]));
		}
	}

	/** A key and its colon. */
	#key(frame: Frame & { kind: 'dict' }): string {
		this.#space();
		const start = this.#at;
		if (this.#text[start] !== '"') this.#stop(keyHint(this.#text, start));
		const key = this.#string();
		const known = frame.places === null ? findKey(frame.entries, key) !== undefined : frame.places.has(key);
		if (known && this.#refuseDuplicates)
			this.#stop(`The key ${JSON.stringify(key)} stands twice in this object.`, start);
		this.#space();
		if (this.#text[this.#at] !== ':') this.#stop(`A colon is missing after the key ${JSON.stringify(clip(key))}.`);
		this.#at += 1;
		return key;
	}

	#open(): void {
		if (this.#stack.length >= this.#depth) {
			this.#stop(`Nested more than ${this.#depth} levels deep.`, this.#at, 'too-large');
		}
		this.#at += 1;
	}

	#closes(end: string): boolean {
		this.#space();
		if (this.#text[this.#at] !== end) return false;
		this.#at += 1;
		return true;
	}

	#scalar(): Value {
		const start = this.#at;
		const number = this.#take(NUMBER);
		if (number !== null) {
			const hint = numberHint(this.#text, start, this.#at);
			if (hint !== null) this.#stop(hint, start);
			if (/[.eE]/.test(number)) return { kind: 'float', text: number };
			return { kind: 'int', text: number === '-0' ? '0' : number };
		}
		const word = this.#take(WORD);
		const known = word !== null && Object.hasOwn(WORDS, word) ? WORDS[word] : undefined;
		if (known !== undefined) {
			if (this.#text[this.#at] !== '"' && this.#text[this.#at] !== "'") return known;
		}
		return this.#stop(valueHint(this.#text, start, word), start);
	}

	#string(): string {
		const start = this.#at;
		let end = start;
		do end = this.#text.indexOf('"', end + 1);
		while (end > 0 && this.#escaped(end, start));
		if (end > 0) {
			const body = this.#text.slice(start + 1, end);
			if (!SPECIAL.test(body)) {
				this.#at = end + 1;
				return body;
			}
			const value = parsedString(this.#text.slice(start, end + 1));
			if (value !== null) {
				this.#at = end + 1;
				return value;
			}
		}
		return this.#explain(start);
	}

	/** Whether an odd number of backslashes stands before a quote. */
	#escaped(quote: number, start: number): boolean {
		let back = quote - 1;
		while (back > start && this.#text[back] === '\\') back -= 1;
		return (quote - back) % 2 === 0;
	}

	/** Walks a string that is known to be wrong to the place where it is. */
	#explain(start: number): never {
		const text = this.#text;
		for (let at = start + 1; at < text.length; at += 1) {
			const code = text.charCodeAt(at);
			if (code < 0x20) this.#stop(controlHint(text[at] ?? ''), at);
			if (code === 0x22) break;
			if (code !== 0x5c) continue;
			const letter = text[at + 1] ?? '';
			const digits = letter === 'u' ? text.slice(at + 2, at + 6) : '';
			const fits = letter === 'u' ? /^[0-9a-fA-F]{4}$/.test(digits) : /^["\\/bfnrt]$/.test(letter);
			if (!fits) this.#stop(escapeHint(letter, digits), at);
			at += 1;
		}
		return this.#stop('This string never ends: a " is missing.', start);
	}

	#space(): void {
		const text = this.#text;
		for (;;) {
			const code = text.charCodeAt(this.#at);
			if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
			this.#at += 1;
		}
	}

	/** What a pattern finds here. By `test`: the arrays that `exec` answers with were a twelfth of what a busy consumer allocates. */
	#take(pattern: RegExp): string | null {
		const start = this.#at;
		pattern.lastIndex = start;
		if (!pattern.test(this.#text)) return null;
		this.#at = pattern.lastIndex;
		return this.#text.slice(start, this.#at);
	}

	#stop(message: string, offset = this.#at, code: 'invalid-input' | 'too-large' = 'invalid-input'): never {
		throw new Stop(message, offset, code);
	}
}

/** A string literal by the platform's own parser, which is right about strings and quick; null when it refuses. */
function parsedString(literal: string): string | null {
	try {
		const value: unknown = JSON.parse(literal);
		return typeof value === 'string' ? value : null;
	} catch {
		// Refused: `#explain` says why.
		return null;
	}
}

function findKey(entries: readonly (readonly [Value, Value])[], key: string): number | undefined {
	const place = entries.findIndex(([known]) => known.kind === 'str' && known.value === key);
	return place < 0 ? undefined : place;
}

function clip(text: string): string {
	return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
