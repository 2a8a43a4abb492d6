/** Values as JSON text, with every digit as it was read. */
import { assertNever, fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';

/**
 * python: exactly what `json.dumps` writes by default (", ", ": ", ASCII only). readable: the same but with characters as they
 * are, for search and show (lone surrogates stay escapes, since UTF-8 has none). compact: no spaces, characters as they are.
 * pretty: indented by two spaces, characters as they are.
 */
export type JsonStyle = 'python' | 'readable' | 'compact' | 'pretty';

/** Deeper values than this are refused rather than risking the stack. */
const WRITE_DEPTH = 2_000;

/**
 * Writes a value as JSON. Tuples become arrays, as in Python; NaN and the infinities become bare words, as in Python.
 * What was read from JSON that says the same is written as it was. Fails (`unsupported`) for what JSON cannot hold: bytes, sets, foreign objects and keys that are no strings. The message
 * names the path, beginning with `root`, and `details.path` has it.
 */
export function writeJson(value: Value, style: JsonStyle, root = ''): Result<string> {
	const writer = new Writer(style);
	try {
		writer.write(value, 0);
	} catch (error) {
		if (!(error instanceof Stop)) throw error;
		const path = clipPath(root + writer.path());
		return fail(error.code, `${path === '' ? 'The value' : path} ${error.message}`, { details: { path } });
	}
	return ok(writer.text());
}

/** Both ends of a path, which may be thousands of steps long. */
function clipPath(path: string): string {
	return path.length > 200 ? `${path.slice(0, 100)}…${path.slice(-60)}` : path;
}

/** Unwinds to `writeJson`; never leaves this file. */
class Stop extends Error {
	readonly code: 'unsupported' | 'too-large' | 'invalid-input';
	constructor(message: string, code: 'unsupported' | 'too-large' | 'invalid-input' = 'unsupported') {
		super(message);
		this.code = code;
	}
}

class Writer {
	readonly #style: JsonStyle;
	readonly #pieces: string[] = [];
	readonly #path: (string | number)[] = [];

	constructor(style: JsonStyle) {
		this.#style = style;
	}

	text(): string {
		return this.#pieces.join('');
	}

	path(): string {
		return this.#path
			.map((part) => {
				if (typeof part === 'number') return `[${part}]`;
				return /^[\p{L}_][\p{L}\p{N}_]*$/u.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
			})
			.join('');
	}

	write(value: Value, depth: number): void {
		if (depth > WRITE_DEPTH) throw new Stop(`is nested more than ${WRITE_DEPTH} levels deep.`, 'too-large');
		switch (value.kind) {
			case 'none':
				this.#pieces.push('null');
				return;
			case 'bool':
				this.#pieces.push(value.value ? 'true' : 'false');
				return;
			case 'int':
				if (!/^-?(?:0|[1-9]\d*)$/.test(value.text)) throw new Stop(`is no integer: "${value.text}".`, 'invalid-input');
				this.#pieces.push(value.text);
				return;
			case 'float':
				if (!FLOAT.test(value.text)) throw new Stop(`is no number: "${value.text}".`, 'invalid-input');
				this.#pieces.push(value.text);
				return;
			case 'str':
				this.#pieces.push(quoteJson(value.value, this.#style === 'python'));
				return;
			case 'list':
			case 'tuple':
				this.#sequence('[', ']', value.items.length, depth, (index) => {
					this.#path.push(index);
					this.write(value.items[index] as Value, depth + 1);
					this.#path.pop();
				});
				return;
			case 'dict':
				this.#sequence('{', '}', value.entries.length, depth, (index) => {
					const [key, item] = value.entries[index] as readonly [Value, Value];
					if (key.kind !== 'str') throw new Stop(`has a key of type ${key.kind}; keys are strings in JSON.`);
					this.#pieces.push(quoteJson(key.value, this.#style === 'python'), this.#style === 'compact' ? ':' : ': ');
					this.#path.push(key.value);
					this.write(item, depth + 1);
					this.#path.pop();
				});
				return;
			case 'bytes':
				throw new Stop('holds bytes, which JSON cannot. Send them as text, for example in base64.');
			case 'set':
			case 'frozenset':
				throw new Stop(`is a ${value.kind}, which JSON cannot hold. Send a list.`);
			case 'opaque':
				if (value.json !== undefined) {
					this.#pieces.push(value.json);
					return;
				}
				throw new Stop(`is ${value.text.slice(0, 60)} (${value.type}), which JSON cannot hold. Send it as text.`);
			default:
				assertNever(value);
		}
	}

	#sequence(open: string, close: string, length: number, depth: number, one: (index: number) => void): void {
		if (length === 0) {
			this.#pieces.push(open, close);
			return;
		}
		const pretty = this.#style === 'pretty';
		const comma = pretty ? `,\n${'  '.repeat(depth + 1)}` : this.#style === 'compact' ? ',' : ', ';
		this.#pieces.push(open);
		if (pretty) this.#pieces.push(`\n${'  '.repeat(depth + 1)}`);
		for (let index = 0; index < length; index += 1) {
			if (index > 0) this.#pieces.push(comma);
			one(index);
		}
		if (pretty) this.#pieces.push(`\n${'  '.repeat(depth)}`);
		this.#pieces.push(close);
	}
}

const FLOAT = /^(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity)$/;
/**
 * A JSON string literal. The platform writes it as Python would, lone surrogates included, but for characters beyond ASCII;
 * with `ascii` those become `\uXXXX` in lower case too, as `json.dumps` has them.
 */
export function quoteJson(text: string, ascii: boolean): string {
	const literal = JSON.stringify(text);
	if (!ascii) return literal;
	return literal.replace(/[^ -~]/g, (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/**
 * Any value at all as strict JSON text, for programs that read Warren's output: NaN and the infinities as strings, bytes in
 * base64, sets and tuples as arrays, foreign objects as their text, keys as text. Integers keep all their digits.
 */
export function toPlain(value: Value): string {
	const written = writeJson(plain(value, 0), 'compact');
	// `plain` leaves only what JSON can hold, so this can fail only for numbers that are none.
	return written.ok ? written.value : quoteJson(written.error.message, false);
}

function plain(value: Value, depth: number): Value {
	if (depth >= WRITE_DEPTH) return { kind: 'str', value: '…' };
	switch (value.kind) {
		case 'none':
		case 'bool':
		case 'int':
		case 'str':
			return value;
		case 'float':
			return /\d/.test(value.text) ? value : { kind: 'str', value: value.text };
		case 'bytes':
			return { kind: 'str', value: value.base64 };
		case 'opaque':
			return { kind: 'str', value: value.text };
		case 'list':
		case 'tuple':
		case 'set':
		case 'frozenset':
			return { kind: 'list', items: value.items.map((item) => plain(item, depth + 1)) };
		case 'dict':
			return {
				kind: 'dict',
				entries: value.entries.map(([key, item]) => [plainKey(key), plain(item, depth + 1)] as const),
			};
		default:
			return assertNever(value);
	}
}

function plainKey(key: Value): Value {
	return key.kind === 'str' ? key : { kind: 'str', value: toPlain(key).replace(/^"(.*)"$/s, '$1') };
}
