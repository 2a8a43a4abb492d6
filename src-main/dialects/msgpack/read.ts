/** MessagePack as values, with every digit of 64-bit integers. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { floatText } from '../python/float.ts';

/** What protects the reader. */
export interface MsgpackLimits {
	/** Containers inside each other; default 1,000 (Python's own reader stops at 1,024). */
	readonly depth?: number;
	/** Values in all; default 2,000,000. */
	readonly values?: number;
}

/**
 * Reads one MessagePack document. Text that is not UTF-8 becomes bytes; extensions are shown, and its timestamps as such. Fails
 * (`undecodable`, or `too-large` for a limit) saying at which byte. Linear in the bytes.
 */
export function readMsgpack(bytes: Uint8Array, limits: MsgpackLimits = {}): Result<Value> {
	const reader = new Reader(bytes, limits);
	try {
		return ok(reader.document());
	} catch (error) {
		if (error instanceof Stop) return fail(error.code, `${error.message} (Byte ${reader.at + 1}.)`);
		throw error;
	}
}

/** Unwinds to `readMsgpack`; never leaves this file. */
class Stop extends Error {
	readonly code: 'undecodable' | 'too-large';
	constructor(message: string, code: 'undecodable' | 'too-large' = 'undecodable') {
		super(message);
		this.code = code;
	}
}

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class Reader {
	at = 0;
	readonly #bytes: Uint8Array;
	readonly #view: DataView;
	readonly #depth: number;
	readonly #most: number;
	#count = 0;

	constructor(bytes: Uint8Array, limits: MsgpackLimits) {
		this.#bytes = bytes;
		this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
		this.#depth = limits.depth ?? 1_000;
		this.#most = limits.values ?? 2_000_000;
	}

	document(): Value {
		const value = this.#value(0);
		if (this.at < this.#bytes.byteLength) throw new Stop('The value ends before this, and more bytes follow.');
		return value;
	}

	#value(depth: number): Value {
		if (depth > this.#depth) throw new Stop(`Nested more than ${this.#depth} levels deep.`, 'too-large');
		this.#count += 1;
		if (this.#count > this.#most) throw new Stop(`More than ${this.#most} values.`, 'too-large');
		const head = this.#uint(1);
		if (head < 0x80) return int(head);
		if (head < 0x90) return this.#map(head & 0x0f, depth);
		if (head < 0xa0) return this.#array(head & 0x0f, depth);
		if (head < 0xc0) return this.#text(head & 0x1f);
		if (head >= 0xe0) return int(head - 0x100);
		switch (head) {
			case 0xc0:
				return { kind: 'none' };
			case 0xc2:
			case 0xc3:
				return { kind: 'bool', value: head === 0xc3 };
			case 0xc4:
				return this.#binary(this.#uint(1));
			case 0xc5:
				return this.#binary(this.#uint(2));
			case 0xc6:
				return this.#binary(this.#uint(4));
			case 0xc7:
				return this.#extension(this.#uint(1));
			case 0xc8:
				return this.#extension(this.#uint(2));
			case 0xc9:
				return this.#extension(this.#uint(4));
			case 0xca:
				return { kind: 'float', text: floatText(this.#view.getFloat32(this.#skip(4))) };
			case 0xcb:
				return { kind: 'float', text: floatText(this.#view.getFloat64(this.#skip(8))) };
			case 0xcc:
				return int(this.#uint(1));
			case 0xcd:
				return int(this.#uint(2));
			case 0xce:
				return int(this.#uint(4));
			case 0xcf:
				return { kind: 'int', text: this.#view.getBigUint64(this.#skip(8)).toString() };
			case 0xd0:
				return int(this.#view.getInt8(this.#skip(1)));
			case 0xd1:
				return int(this.#view.getInt16(this.#skip(2)));
			case 0xd2:
				return int(this.#view.getInt32(this.#skip(4)));
			case 0xd3:
				return { kind: 'int', text: this.#view.getBigInt64(this.#skip(8)).toString() };
			case 0xd4:
			case 0xd5:
			case 0xd6:
			case 0xd7:
			case 0xd8:
				return this.#extension(2 ** (head - 0xd4));
			case 0xd9:
				return this.#text(this.#uint(1));
			case 0xda:
				return this.#text(this.#uint(2));
			case 0xdb:
				return this.#text(this.#uint(4));
			case 0xdc:
				return this.#array(this.#uint(2), depth);
			case 0xdd:
				return this.#array(this.#uint(4), depth);
			case 0xde:
				return this.#map(this.#uint(2), depth);
			case 0xdf:
				return this.#map(this.#uint(4), depth);
			default:
				throw new Stop(`MessagePack has no type 0x${head.toString(16)}.`);
		}
	}

	/** Goes over so many bytes and says where they begin. */
	#skip(count: number): number {
		const left = this.#bytes.byteLength - this.at;
		if (count > left) throw new Stop(`${count} bytes should follow here, and ${left} do.`);
		this.at += count;
		return this.at - count;
	}

	#uint(size: 1 | 2 | 4): number {
		const at = this.#skip(size);
		if (size === 1) return this.#view.getUint8(at);
		return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
	}

	#take(count: number): Uint8Array {
		const at = this.#skip(count);
		return this.#bytes.subarray(at, at + count);
	}

	#binary(count: number): Value {
		return { kind: 'bytes', base64: base64(this.#take(count)) };
	}

	#text(count: number): Value {
		const bytes = this.#take(count);
		try {
			return { kind: 'str', value: UTF8.decode(bytes) };
		} catch {
			// Old writers have bytes in the place of text.
			return { kind: 'bytes', base64: base64(bytes) };
		}
	}

	#array(count: number, depth: number): Value {
		const items: Value[] = [];
		for (let n = 0; n < count; n += 1) items.push(this.#value(depth + 1));
		return { kind: 'list', items };
	}

	#map(count: number, depth: number): Value {
		const places = new Map<string, [Value, Value]>();
		const entries: [Value, Value][] = [];
		for (let n = 0; n < count; n += 1) {
			const entry: [Value, Value] = [this.#value(depth + 1), this.#value(depth + 1)];
			const key = entry[0].kind === 'str' ? entry[0].value : null;
			const known = key === null ? undefined : places.get(key);
			if (known !== undefined) {
				known[1] = entry[1];
				continue;
			}
			entries.push(entry);
			if (key !== null) places.set(key, entry);
		}
		return { kind: 'dict', entries };
	}

	#extension(count: number): Value {
		const type = this.#view.getInt8(this.#skip(1));
		const data = this.#take(count);
		const moment = type === -1 ? momentText(data) : null;
		if (moment !== null) return { kind: 'opaque', type: 'msgpack.Timestamp', text: moment };
		const shown = Buffer.from(data.subarray(0, 40)).toString('hex');
		const rest = count > 40 ? `… (${count} bytes)` : '';
		return { kind: 'opaque', type: 'msgpack.ExtType', text: `ExtType(code=${type}, data=${shown}${rest})` };
	}
}

function int(value: number): Value {
	return { kind: 'int', text: String(value) };
}

function base64(bytes: Uint8Array): string {
	return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

/** The specification's three forms of a timestamp. */
function momentText(data: Uint8Array): string | null {
	const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
	if (data.length === 4) return `Timestamp(seconds=${view.getUint32(0)}, nanoseconds=0)`;
	if (data.length === 8) {
		const both = view.getBigUint64(0);
		return `Timestamp(seconds=${both & 0x3_ffff_ffffn}, nanoseconds=${both >> 34n})`;
	}
	if (data.length === 12) return `Timestamp(seconds=${view.getBigInt64(4)}, nanoseconds=${view.getUint32(0)})`;
	return null;
}
