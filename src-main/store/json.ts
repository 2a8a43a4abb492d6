/**
 * The arguments column back as values. `argsJson` is JSON as Python writes it: integers of any length, bare NaN and Infinity.
 * Only text that a dialect has already accepted comes here, so anything unexpected just answers null.
 */
import type { CallArguments, Value } from '#main/domain/value.ts';

const DEPTH = 1_000;

/** Typed values of a row's arguments; null where there are none or they are not an array and an object. */
export function readCall(argsJson: string | null, kwargsJson: string | null): CallArguments | null {
	if (argsJson === null || kwargsJson === null) return null;
	const args = readValue(argsJson);
	const kwargs = readValue(kwargsJson);
	if (args?.kind !== 'list' || kwargs?.kind !== 'dict') return null;
	const named: [string, Value][] = [];
	for (const [key, value] of kwargs.entries) if (key.kind === 'str') named.push([key.value, value]);
	return { args: args.items, kwargs: named };
}

/** One JSON document as a value; null when it is none or nests deeper than 1,000. */
export function readValue(text: string): Value | null {
	const reader = new Reader(text);
	const value = reader.value(0);
	return value !== null && reader.atEnd() ? value : null;
}

const NUMBER = /-?(?:Infinity|(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?)/y;
const PLAIN_STRING = /"([^"\\]*)"/y;
const STRING = /"[^"\\]*(?:\\.[^"\\]*)*"/sy;

class Reader {
	readonly #text: string;
	#at = 0;

	constructor(text: string) {
		this.#text = text;
	}

	atEnd(): boolean {
		this.#space();
		return this.#at === this.#text.length;
	}

	value(depth: number): Value | null {
		if (depth > DEPTH) return null;
		this.#space();
		switch (this.#text[this.#at]) {
			case '"': {
				const value = this.#string();
				return value === null ? null : { kind: 'str', value };
			}
			case '[':
				return this.#list(depth);
			case '{':
				return this.#dict(depth);
			case 't':
				return this.#word('true', { kind: 'bool', value: true });
			case 'f':
				return this.#word('false', { kind: 'bool', value: false });
			case 'n':
				return this.#word('null', { kind: 'none' });
			case 'N':
				return this.#word('NaN', { kind: 'float', text: 'NaN' });
			case 'I':
				return this.#word('Infinity', { kind: 'float', text: 'Infinity' });
			default:
				return this.#number();
		}
	}

	#list(depth: number): Value | null {
		const items: Value[] = [];
		this.#at += 1;
		if (this.#skip(']')) return { kind: 'list', items };
		for (;;) {
			const item = this.value(depth + 1);
			if (item === null) return null;
			items.push(item);
			if (this.#skip(']')) return { kind: 'list', items };
			if (!this.#skip(',')) return null;
		}
	}

	#dict(depth: number): Value | null {
		const entries: (readonly [Value, Value])[] = [];
		const places = new Map<string, number>();
		this.#at += 1;
		if (this.#skip('}')) return { kind: 'dict', entries };
		for (;;) {
			this.#space();
			const key = this.#text[this.#at] === '"' ? this.#string() : null;
			if (key === null || !this.#skip(':')) return null;
			const value = this.value(depth + 1);
			if (value === null) return null;
			// As in Python, a key that stands twice keeps its first place and its last value.
			const place = places.get(key);
			const entry = [{ kind: 'str', value: key }, value] as const;
			if (place === undefined) places.set(key, entries.push(entry) - 1);
			else entries[place] = entry;
			if (this.#skip('}')) return { kind: 'dict', entries };
			if (!this.#skip(',')) return null;
		}
	}

	#string(): string | null {
		PLAIN_STRING.lastIndex = this.#at;
		const plain = PLAIN_STRING.exec(this.#text);
		if (plain !== null) {
			this.#at = PLAIN_STRING.lastIndex;
			return plain[1] ?? '';
		}
		STRING.lastIndex = this.#at;
		const found = STRING.exec(this.#text);
		if (found === null) return null;
		this.#at = STRING.lastIndex;
		return unescaped(found[0]);
	}

	#number(): Value | null {
		NUMBER.lastIndex = this.#at;
		const found = NUMBER.exec(this.#text);
		if (found === null) return null;
		this.#at = NUMBER.lastIndex;
		const [text, fraction, exponent] = found;
		const whole = fraction === undefined && exponent === undefined && text !== '-Infinity' && text !== 'Infinity';
		return whole ? { kind: 'int', text } : { kind: 'float', text };
	}

	#word(word: string, value: Value): Value | null {
		if (!this.#text.startsWith(word, this.#at)) return null;
		this.#at += word.length;
		return value;
	}

	#skip(mark: string): boolean {
		this.#space();
		if (this.#text[this.#at] !== mark) return false;
		this.#at += 1;
		return true;
	}

	#space(): void {
		for (;;) {
			const code = this.#text.charCodeAt(this.#at);
			if (code !== 32 && code !== 10 && code !== 13 && code !== 9) return;
			this.#at += 1;
		}
	}
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' };

function unescaped(quoted: string): string {
	return quoted
		.slice(1, -1)
		.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_all, hex: string | undefined, mark: string | undefined) =>
			hex === undefined ? (ESCAPES[mark ?? ''] ?? mark ?? '') : String.fromCharCode(Number.parseInt(hex, 16)),
		);
}

/** Whether two values are the same, type by type and digit by digit. */
export function sameValue(a: Value, b: Value): boolean {
	if (a.kind !== b.kind) return false;
	switch (a.kind) {
		case 'list': {
			const items = b.kind === 'list' ? b.items : [];
			return a.items.length === items.length && a.items.every((item, at) => same(item, items[at]));
		}
		case 'dict': {
			const entries = b.kind === 'dict' ? b.entries : [];
			return (
				a.entries.length === entries.length &&
				a.entries.every(([key, value], at) => same(key, entries[at]?.[0]) && same(value, entries[at]?.[1]))
			);
		}
		case 'none':
			return true;
		case 'bool':
		case 'str':
			return 'value' in b && a.value === b.value;
		case 'int':
		case 'float':
			return 'text' in b && a.text === b.text;
		default:
			// JSON has no other kinds: what has them is kept typed.
			return false;
	}
}

function same(a: Value, b: Value | undefined): boolean {
	return b !== undefined && sameValue(a, b);
}

/** Deeper values are not written but read. */
const PLAIN_DEPTH = 40;
const INT = /^-?(?:0|[1-9]\d*)$/;

/** A value as the JSON text that reads as exactly this one, where that is easy to write; else null. */
function plainText(value: Value, depth = 0): string | null {
	switch (value.kind) {
		case 'none':
			return 'null';
		case 'bool':
			return value.value ? 'true' : 'false';
		case 'int':
			return INT.test(value.text) ? value.text : null;
		case 'str':
			return /["\\]/.test(value.value) ? null : `"${value.value}"`;
		case 'list': {
			if (depth > PLAIN_DEPTH) return null;
			let text = '';
			for (const item of value.items) {
				const written = plainText(item, depth + 1);
				if (written === null) return null;
				text += text === '' ? written : `, ${written}`;
			}
			return `[${text}]`;
		}
		default:
			return null;
	}
}

/** `saysAll` for what most calls are: names and plain values. True is sure, false is not. */
function saysPlainly(call: CallArguments, argsJson: string, kwargsJson: string): boolean {
	if (plainText({ kind: 'list', items: call.args }) !== argsJson) return false;
	const names = new Set<string>();
	let text = '';
	for (const [key, value] of call.kwargs) {
		const name = plainText({ kind: 'str', value: key });
		const written = plainText(value);
		if (name === null || written === null) return false;
		names.add(key);
		text += `${text === '' ? '' : ', '}${name}: ${written}`;
	}
	return names.size === call.kwargs.length && kwargsJson === `{${text}}`;
}

/**
 * Whether the JSON text says all that the values say, so that the values need not be kept beside it. Writing the usual values and
 * comparing the text costs a fraction of reading it.
 */
export function saysAll(call: CallArguments, argsJson: string, kwargsJson: string): boolean {
	if (saysPlainly(call, argsJson, kwargsJson)) return true;
	const read = readCall(argsJson, kwargsJson);
	return (
		read !== null &&
		read.args.length === call.args.length &&
		read.kwargs.length === call.kwargs.length &&
		call.args.every((value, at) => same(value, read.args[at])) &&
		call.kwargs.every(([key, value], at) => key === read.kwargs[at]?.[0] && same(value, read.kwargs[at]?.[1]))
	);
}
