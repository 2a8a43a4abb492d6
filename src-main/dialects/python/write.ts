/** Values in Python's notation, as `repr` prints them. */
import { assertNever } from '#main/domain/result.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';

/** Deeper values are cut with `...`, as `repr` does for what contains itself, rather than risking the stack. */
const WRITE_DEPTH = 2_000;

/**
 * A value as Python's `repr` prints it: single quotes unless the text holds one and no double quote, unprintable characters as
 * escapes, `(1,)`, `set()`. Numbers keep the digits they were read with, so a float written `1e5` stays so.
 */
export function writeLiteral(value: Value): string {
	const printer = new Printer(Number.POSITIVE_INFINITY);
	printer.value(value, 0);
	return printer.text();
}

/** Arguments as they would stand in a call, without its brackets: `1, 'a', x=2`; cut with `…` at `max` UTF-16 units. */
export function previewCall(args: readonly Value[], kwargs: CallArguments['kwargs'], max = 200): string {
	const printer = new Printer(max);
	let first = true;
	for (const [name, value] of [...args.slice(0, max).map((arg) => [null, arg] as const), ...kwargs.slice(0, max)]) {
		if (printer.full) break;
		if (!first) printer.put(', ');
		first = false;
		if (name !== null)
			printer.put(`${IDENTIFIER.test(name) ? name.slice(0, max + 1) : strText(name.slice(0, max + 1))}=`);
		printer.value(value, 0);
	}
	const text = printer.text();
	if (text.length <= max) return text;
	const cut = text.slice(0, max - 1);
	return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

const IDENTIFIER = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** Collects text up to a length and then stops looking, so that a preview of a huge value costs nothing. */
class Printer {
	readonly #most: number;
	readonly #pieces: string[] = [];
	#length = 0;

	constructor(most: number) {
		this.#most = most;
	}

	get full(): boolean {
		return this.#length > this.#most;
	}

	text(): string {
		return this.#pieces.join('');
	}

	put(text: string): void {
		this.#pieces.push(text);
		this.#length += text.length;
	}

	value(value: Value, depth: number): void {
		if (this.full) return;
		if (depth > WRITE_DEPTH) {
			this.put('...');
			return;
		}
		switch (value.kind) {
			case 'list':
				this.#items('[', value.items, ']', depth);
				break;
			case 'tuple':
				this.#items('(', value.items, value.items.length === 1 ? ',)' : ')', depth);
				break;
			case 'set':
				if (value.items.length === 0) this.put('set()');
				else this.#items('{', value.items, '}', depth);
				break;
			case 'frozenset':
				if (value.items.length === 0) this.put('frozenset()');
				else this.#items('frozenset({', value.items, '})', depth);
				break;
			case 'dict':
				this.#entries(value.entries, depth);
				break;
			default:
				this.put(this.#scalar(value));
		}
	}

	#scalar(value: Exclude<Value, { readonly kind: 'list' | 'tuple' | 'set' | 'frozenset' | 'dict' }>): string {
		switch (value.kind) {
			case 'none':
				return 'None';
			case 'bool':
				return value.value ? 'True' : 'False';
			case 'int':
			case 'opaque':
				return value.text;
			case 'float':
				return FLOAT_WORDS[value.text] ?? value.text;
			case 'str':
				return strText(this.#fitting(value.value));
			case 'bytes':
				return bytesText(value.base64, this.#most);
			default:
				return assertNever(value);
		}
	}

	/** A little more than fits, so that the cut is seen to be one. */
	#fitting(text: string): string {
		return text.length > this.#most ? text.slice(0, this.#most + 2) : text;
	}

	#items(open: string, items: readonly Value[], close: string, depth: number): void {
		this.put(open);
		for (const [index, item] of items.entries()) {
			if (this.full) return;
			if (index > 0) this.put(', ');
			this.value(item, depth + 1);
		}
		this.put(close);
	}

	#entries(entries: readonly (readonly [Value, Value])[], depth: number): void {
		this.put('{');
		for (const [index, [key, item]] of entries.entries()) {
			if (this.full) return;
			if (index > 0) this.put(', ');
			this.value(key, depth + 1);
			this.put(': ');
			this.value(item, depth + 1);
		}
		this.put('}');
	}
}

const FLOAT_WORDS: Readonly<Record<string, string>> = { NaN: 'nan', Infinity: 'inf', '-Infinity': '-inf' };
const SHORT: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** What `str.isprintable` calls unprintable, and the backslash. Which characters exist depends on each side's Unicode version. */
const ODD = /[\\\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;

function strText(text: string): string {
	const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
	const escaped = text.replace(ODD, (mark) => SHORT[mark] ?? codeEscape(mark.codePointAt(0) ?? 0));
	return `${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}

function codeEscape(code: number): string {
	const hex = code.toString(16);
	if (code < 0x100) return `\\x${hex.padStart(2, '0')}`;
	return code < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}

function bytesText(base64: string, most: number): string {
	const part = Number.isFinite(most) ? base64.slice(0, Math.ceil((most + 2) / 3) * 4) : base64;
	const text = Buffer.from(part, 'base64').toString('latin1');
	const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
	const escaped = text.replace(/[\\]|[^ -~]/g, (mark) => SHORT[mark] ?? codeEscape(mark.charCodeAt(0)));
	return `b${quote}${quote === "'" ? escaped.replaceAll("'", "\\'") : escaped}${quote}`;
}
