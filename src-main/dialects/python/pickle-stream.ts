/** The bytes of a pickle, taken piece by piece, with every length checked against what is there. */
import type { Value } from '#main/domain/value.ts';
import { readLiteral } from './read.ts';
import { DIGIT_LIMIT } from './scan.ts';

/** Unwinds to the reader's entry; never leaves this folder. */
export class PickleStop extends Error {
	readonly offset: number;
	readonly code: 'undecodable' | 'too-large';
	constructor(message: string, offset: number, code: 'undecodable' | 'too-large') {
		super(message);
		this.offset = offset;
		this.code = code;
	}
}

/** Bytes of an integer that is written out in digits; longer ones would take long to convert, and Python refuses to print them. */
const LONG_BYTES = 1_785;
/** A line of protocol 0 is looked for no further than this. */
const LINE = 64 * 1024 * 1024;

/** Bytes of a text that is first tried as ASCII: most texts are short and ASCII, and the platform's decoder is slow to begin. */
const SHORT = 256;

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class PickleStream {
	readonly #bytes: Uint8Array;
	readonly #buffer: Buffer;
	readonly #view: DataView;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
		this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	}

	stop(message: string, code: 'undecodable' | 'too-large' = 'undecodable'): PickleStop {
		return new PickleStop(message, Math.max(0, this.#at - 1), code);
	}

	skip(count: number): void {
		if (count > this.#bytes.byteLength - this.#at) throw this.stop('The pickle ends in the middle.');
		this.#at += count;
	}

	byte(): number {
		this.skip(1);
		return this.#bytes[this.#at - 1] as number;
	}

	/** An unsigned little-endian number of 1, 2 or 4 bytes. */
	number(size: 1 | 2 | 4): number {
		this.skip(size);
		const at = this.#at - size;
		if (size === 1) return this.#view.getUint8(at);
		return size === 2 ? this.#view.getUint16(at, true) : this.#view.getUint32(at, true);
	}

	/** A length of what follows, which must be there. */
	length(size: 1 | 4 | 8): number {
		let length: number;
		if (size === 8) {
			this.skip(8);
			const big = this.#view.getBigUint64(this.#at - 8, true);
			length = big > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(big);
		} else length = this.number(size);
		if (length > this.#bytes.byteLength - this.#at) {
			throw this.stop(`The pickle says that ${length} bytes follow, and only ${this.#bytes.byteLength - this.#at} do.`);
		}
		return length;
	}

	double(): number {
		this.skip(8);
		return this.#view.getFloat64(this.#at - 8, false);
	}

	#take(length: number): Uint8Array {
		this.skip(length);
		return this.#bytes.subarray(this.#at - length, this.#at);
	}

	/** Text up to a line feed, byte for character. */
	line(): string {
		const end = this.#bytes.indexOf(0x0a, this.#at);
		if (end < 0 || end - this.#at > LINE) throw this.stop('The pickle ends in the middle of a line.');
		const line = latin1(this.#bytes.subarray(this.#at, end));
		this.#at = end + 1;
		return line.endsWith('\r') ? line.slice(0, -1) : line;
	}

	/** An integer's digits without needless zeros. */
	integer(line: string): string {
		const text = line.trim();
		if (!/^[+-]?\d+$/.test(text)) throw this.stop(`"${line.slice(0, 40)}" is no whole number.`);
		const digits = text.replace(/^[+-]?0*(?=\d)/, '');
		return text.startsWith('-') && digits !== '0' ? `-${digits}` : digits;
	}

	floatLine(): string {
		const line = this.line().trim();
		const word = /^([+-]?)(nan|inf|infinity)$/i.exec(line);
		if (word !== null) return /nan/i.test(line) ? 'NaN' : word[1] === '-' ? '-Infinity' : 'Infinity';
		const read = readLiteral(line);
		if (!read.ok || (read.value.kind !== 'float' && read.value.kind !== 'int')) {
			throw this.stop(`"${line.slice(0, 40)}" is no number.`);
		}
		return read.value.kind === 'int' ? `${read.value.text}.0` : read.value.text;
	}

	/** A two's complement integer, least byte first. */
	long(length: number): Value {
		const bytes = this.#take(length);
		if (length === 0) return { kind: 'int', text: '0' };
		if (length > LONG_BYTES) return { kind: 'opaque', type: 'int', text: `<integer of ${length} bytes>` };
		let hex = '';
		for (let at = length - 1; at >= 0; at -= 1) hex += (bytes[at] as number).toString(16).padStart(2, '0');
		const value = BigInt.asIntN(length * 8, BigInt(`0x${hex}`)).toString();
		return value.length > DIGIT_LIMIT + 1
			? { kind: 'opaque', type: 'int', text: `<integer of ${length} bytes>` }
			: { kind: 'int', text: value };
	}

	/** UTF-8 that may hold lone surrogates, which Python's pickler lets pass. */
	text(length: number): string {
		if (length <= SHORT && this.#isAscii(length)) {
			this.#at += length;
			return this.#buffer.toString('latin1', this.#at - length, this.#at);
		}
		const bytes = this.#take(length);
		const text = utf8(bytes) ?? utf8WithSurrogates(bytes);
		if (text === null) throw this.stop('A text of the pickle is not UTF-8.');
		return text;
	}

	#isAscii(length: number): boolean {
		const end = this.#at + length;
		if (end > this.#bytes.byteLength) return false;
		for (let at = this.#at; at < end; at += 1) if ((this.#bytes[at] as number) > 0x7f) return false;
		return true;
	}

	bytes(length: number): Value {
		return { kind: 'bytes', base64: toBase64(this.#take(length)) };
	}

	/** Python 2's `str`: text where it is UTF-8, else bytes. */
	oldText(length: number): Value {
		const bytes = this.#take(length);
		const text = utf8(bytes);
		return text === null ? { kind: 'bytes', base64: toBase64(bytes) } : { kind: 'str', value: text };
	}

	/** Protocol 0's text: Latin-1 with `\u` escapes. */
	escapedLine(): string {
		return this.line().replace(/\\u([0-9a-fA-F]{4})|\\U([0-9a-fA-F]{8})/g, (whole, short?: string, long?: string) => {
			const code = Number.parseInt(short ?? long ?? '', 16);
			return code > 0x10ffff ? whole : String.fromCodePoint(code);
		});
	}

	/** Protocol 0's `str` of Python 2, quoted as Python quotes. */
	quotedLine(): Value {
		const line = this.line();
		const read = readLiteral(`b${line.replace(/[^\0-\x7f]/g, (mark) => `\\x${mark.charCodeAt(0).toString(16)}`)}`);
		if (!read.ok || read.value.kind !== 'bytes') throw this.stop('A text of the pickle is not quoted as it should be.');
		const text = utf8(Buffer.from(read.value.base64, 'base64'));
		return text === null ? read.value : { kind: 'str', value: text };
	}
}

function toBase64(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function latin1(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** Text that is strictly UTF-8; null: it is not. */
export function utf8(bytes: Uint8Array): string | null {
	try {
		return UTF8.decode(bytes);
	} catch {
		// The platform's decoder says no by throwing.
		return null;
	}
}

/** Surrogates as three bytes each, which strict UTF-8 forbids; what lies between them must be strict. */
function utf8WithSurrogates(bytes: Uint8Array): string | null {
	const pieces: string[] = [];
	let from = 0;
	for (let at = 0; at + 2 < bytes.byteLength; at += 1) {
		const second = bytes[at + 1] as number;
		if (bytes[at] !== 0xed || second < 0xa0 || second > 0xbf) continue;
		const before = utf8(bytes.subarray(from, at));
		if (before === null) return null;
		const code = 0xd000 | ((second & 0x3f) << 6) | ((bytes[at + 2] as number) & 0x3f);
		pieces.push(before, String.fromCharCode(code));
		at += 2;
		from = at + 1;
	}
	const rest = utf8(bytes.subarray(from));
	return rest === null ? null : pieces.join('') + rest;
}
