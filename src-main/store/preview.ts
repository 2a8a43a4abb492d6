/** Arguments as a list's cell shows them: Python's notation, at most 200 characters. */
import type { CallArguments, Value } from '#main/domain/value.ts';

/** Longest preview in characters, the ellipsis included. */
export const PREVIEW_LENGTH = 200;

/** `1, 'a', key={'b': None}`, cut with an ellipsis. Work is bounded by the length, however large the arguments are. */
export function previewOf(call: CallArguments): string {
	const out = new Bounded();
	let first = true;
	for (const value of call.args) {
		if (out.full) break;
		if (!first) out.add(', ');
		first = false;
		write(out, value, 0);
	}
	for (const [key, value] of call.kwargs) {
		if (out.full) break;
		if (!first) out.add(', ');
		first = false;
		out.add(`${clip(key)}=`);
		write(out, value, 0);
	}
	return out.text();
}

class Bounded {
	#text = '';
	get full(): boolean {
		return this.#text.length > PREVIEW_LENGTH;
	}
	add(text: string): void {
		if (!this.full) this.#text += text;
	}
	text(): string {
		if (!this.full) return this.#text;
		return `${this.#text.slice(0, PREVIEW_LENGTH - 1).replace(/[\uD800-\uDBFF]$/, '')}…`;
	}
}

function write(out: Bounded, value: Value, depth: number): void {
	if (out.full) return;
	if (depth > 20) {
		out.add('…');
		return;
	}
	switch (value.kind) {
		case 'none':
			out.add('None');
			return;
		case 'bool':
			out.add(value.value ? 'True' : 'False');
			return;
		case 'int':
			out.add(clip(value.text));
			return;
		case 'float':
			out.add(FLOAT_WORDS[value.text] ?? clip(value.text));
			return;
		case 'str':
			out.add(quoted(clip(value.value)));
			return;
		case 'bytes':
			out.add(`b${quotedBytes(Buffer.from(value.base64.slice(0, 400), 'base64'))}`);
			return;
		case 'list':
			writeAll(out, '[', value.items, ']', depth);
			return;
		case 'tuple':
			writeAll(out, '(', value.items, value.items.length === 1 ? ',)' : ')', depth);
			return;
		case 'set':
			if (value.items.length === 0) out.add('set()');
			else writeAll(out, '{', value.items, '}', depth);
			return;
		case 'frozenset':
			if (value.items.length === 0) out.add('frozenset()');
			else writeAll(out, 'frozenset({', value.items, '})', depth);
			return;
		case 'dict': {
			out.add('{');
			let first = true;
			for (const [key, item] of value.entries) {
				if (out.full) return;
				if (!first) out.add(', ');
				first = false;
				write(out, key, depth + 1);
				out.add(': ');
				write(out, item, depth + 1);
			}
			out.add('}');
			return;
		}
		default:
			out.add(clip(value.text));
			return;
	}
}

function writeAll(out: Bounded, open: string, items: readonly Value[], close: string, depth: number): void {
	out.add(open);
	for (const [at, item] of items.entries()) {
		if (out.full) return;
		if (at > 0) out.add(', ');
		write(out, item, depth + 1);
	}
	out.add(close);
}

const FLOAT_WORDS: Readonly<Record<string, string>> = { NaN: 'nan', Infinity: 'inf', '-Infinity': '-inf' };

function clip(text: string): string {
	return text.length > PREVIEW_LENGTH + 1 ? text.slice(0, PREVIEW_LENGTH + 1) : text;
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' };

/** With single quotes, or double ones where that saves escaping, as Python chooses. */
function quoted(text: string): string {
	const mark = text.includes("'") && !text.includes('"') ? '"' : "'";
	// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what must be made visible here.
	const body = text.replace(/[\\\u0000-\u001f\u007f-\u00a0\u00ad\u2028\u2029\ud800-\udfff]/gu, (char) => {
		const code = char.charCodeAt(0);
		return ESCAPES[char] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
	});
	return mark + (mark === "'" ? body.replace(/'/g, "\\'") : body) + mark;
}

function quotedBytes(bytes: Uint8Array): string {
	let body = '';
	for (const byte of bytes) {
		const char = String.fromCharCode(byte);
		body += ESCAPES[char] ?? (byte < 32 || byte > 126 ? `\\x${hex(byte, 2)}` : char === "'" ? "\\'" : char);
	}
	return `'${body}'`;
}

function hex(code: number, width: number): string {
	return code.toString(16).padStart(width, '0');
}
