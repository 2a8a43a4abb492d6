/** Arguments as Celery prints them for events: cut in length and depth, and not quite Python's `repr`. */
import type { CallArguments, Value } from '#main/domain/value.ts';
import { floatText } from './float.ts';

/** What Celery allows by default. */
const LENGTH = 1_024;
const LEVELS = 3;

/** Positional arguments as Celery's publisher prints them into `argsrepr`: `(1, 'a')`. */
export function argsRepr(call: CallArguments): string {
	return safeRepr({ kind: 'tuple', items: call.args });
}

/** Keyword arguments as it prints them into `kwargsrepr`: `{'y': 2}`. */
export function kwargsRepr(call: CallArguments): string {
	return safeRepr({
		kind: 'dict',
		entries: call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const),
	});
}

/**
 * A value as Celery's `saferepr` prints it, with its limits. Unlike `repr` it escapes nothing in texts but the quote, so that a
 * backslash in one is ambiguous.
 */
export function safeRepr(value: Value, length = LENGTH, levels = LEVELS): string {
	const printer = new Printer(length, levels);
	printer.value(value, 0);
	return printer.text();
}

class Printer {
	readonly #levels: number;
	readonly #pieces: string[] = [];
	#left: number;
	/** From here on only brackets are closed. */
	#cut = false;

	constructor(length: number, levels: number) {
		this.#left = length;
		this.#levels = levels;
	}

	text(): string {
		return this.#pieces.join('');
	}

	value(value: Value, level: number): void {
		if (this.#cut) return;
		switch (value.kind) {
			case 'list':
				this.#holder(value.items, '[', ']', level);
				return;
			case 'tuple':
				this.#holder(value.items, '(', value.items.length === 1 ? ',)' : ')', level);
				return;
			case 'set':
			case 'frozenset':
				if (value.items.length === 0) this.#plain(`${value.kind}()`);
				else if (value.kind === 'set') this.#holder(value.items, '{', '}', level);
				else this.#holder(value.items, 'frozenset({', '})', level);
				return;
			case 'dict':
				this.#entries(value.entries, level);
				return;
			case 'str':
				this.#put(`'${truncated(value.value, this.#left).replaceAll("'", "\\'")}'`);
				return;
			case 'bytes':
				this.#put(bytesText(Buffer.from(value.base64, 'base64'), this.#left));
				return;
			case 'none':
				this.#plain('None');
				return;
			case 'bool':
				this.#plain(value.value ? 'True' : 'False');
				return;
			case 'float':
				this.#plain(floatWord(value.text));
				return;
			default:
				this.#plain(value.text);
		}
	}

	/** Puts a piece that is there whole, or stops. */
	#put(text: string): void {
		if (this.#left <= 0) {
			this.#cut = true;
			this.#pieces.push(', ...');
			return;
		}
		this.#pieces.push(text);
		this.#left -= codePoints(text);
	}

	#plain(text: string): void {
		this.#put(truncated(text, this.#left));
	}

	#holder(items: readonly Value[], open: string, close: string, level: number): void {
		if (level >= this.#levels) {
			this.#plain(`${open}...${close}`);
			return;
		}
		this.#put(open);
		for (const [index, item] of items.entries()) {
			if (this.#cut) break;
			if (index > 0) this.#put(', ');
			this.value(item, level + 1);
		}
		this.#close(close);
	}

	#entries(entries: readonly (readonly [Value, Value])[], level: number): void {
		if (level >= this.#levels) {
			this.#plain('{...}');
			return;
		}
		this.#put('{');
		for (const [index, [key, item]] of entries.entries()) {
			if (this.#cut) break;
			if (index > 0) this.#put(', ');
			if (this.#cut) break;
			this.#put(this.#left <= 0 ? '' : safeRepr(key, this.#left, this.#levels));
			this.#put(': ');
			this.value(item, level + 1);
		}
		this.#close('}');
	}

	/** Brackets are closed even after the cut. */
	#close(bracket: string): void {
		if (this.#cut) this.#pieces.push(bracket);
		else this.#put(bracket);
	}
}

/** Cut at a space where there is one, as Celery cuts; a limit that is used up cuts nothing. */
function truncated(text: string, length: number): string {
	if (length <= 0 || text.length < length) return text;
	const points = Array.from(text.slice(0, length * 2 + 2));
	if (points.length < length) return text;
	const head = points.slice(0, length).join('');
	const space = head.lastIndexOf(' ');
	return `${space < 0 ? head : head.slice(0, space)}...`;
}

function codePoints(text: string): number {
	let count = 0;
	for (const _ of text) count += 1;
	return count;
}

function floatWord(text: string): string {
	const printed = floatText(Number(text));
	if (printed === 'NaN') return 'nan';
	return printed.replace('Infinity', 'inf');
}

function bytesText(bytes: Buffer, length: number): string {
	const cut = length > 0 && bytes.length > length;
	const part = cut ? bytes.subarray(0, length) : bytes;
	return `b'${utf8(part) ?? part.toString('hex')}${cut ? '...' : ''}'`;
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function utf8(bytes: Uint8Array): string | null {
	try {
		return UTF8.decode(bytes);
	} catch {
		// The platform's decoder says no by throwing.
		return null;
	}
}
