/**
 * Values as pickles of protocol 4, which every Python from 3.4 on loads. Only data is written: no references, and of classes none but
 * the standard library's dates. Layout by Python's `pickletools`.
 */
import { assertNever, fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { hashKey } from './hash.ts';

/** A moment as Python's `datetime`: epoch milliseconds, in UTC and aware, or naive with the clock reading that they have in UTC. */
export interface PickledMoment {
	readonly kind: 'datetime';
	readonly at: number;
	readonly aware: boolean;
}

/** A dict with text keys, as the fields of a record are. */
export interface PickledRecord {
	readonly kind: 'record';
	readonly fields: readonly (readonly [string, Value | PickledMoment | PickledRecord])[];
}

/** Containers inside each other. */
const DEPTH = 1_000;

const CODE = {
	mark: 0x28,
	emptyTuple: 0x29,
	stop: 0x2e,
	binBytes: 0x42,
	shortBinBytes: 0x43,
	binFloat: 0x47,
	binInt: 0x4a,
	binInt1: 0x4b,
	none: 0x4e,
	reduce: 0x52,
	binUnicode: 0x58,
	emptyList: 0x5d,
	appends: 0x65,
	tuple: 0x74,
	setItems: 0x75,
	emptyDict: 0x7d,
	proto: 0x80,
	tuple1: 0x85,
	tuple2: 0x86,
	tuple3: 0x87,
	true: 0x88,
	false: 0x89,
	long1: 0x8a,
	long4: 0x8b,
	shortBinUnicode: 0x8c,
	emptySet: 0x8f,
	addItems: 0x90,
	frozenSet: 0x91,
	stackGlobal: 0x93,
} as const;

/**
 * Writes a pickle. `unsupported` with the path of what a pickle here cannot hold (foreign objects), `invalid-input` for what Python could
 * not build (a list as a key), `too-large` for nesting beyond 1,000.
 */
export function writePickle(value: Value | PickledRecord): Result<Uint8Array> {
	const writer = new Writer();
	try {
		writer.put(CODE.proto, 4);
		writer.any(value, '', 0);
		writer.put(CODE.stop);
	} catch (error) {
		if (error instanceof Refusal) return fail(error.code, error.message, { details: { path: error.path } });
		throw error;
	}
	return ok(writer.bytes());
}

class Refusal extends Error {
	readonly code: 'unsupported' | 'invalid-input' | 'too-large';
	readonly path: string;

	constructor(code: Refusal['code'], path: string, message: string) {
		super(`${path === '' ? 'The value' : path} ${message}`);
		this.code = code;
		this.path = path;
	}
}

class Writer {
	readonly #parts: Uint8Array[] = [];

	bytes(): Uint8Array {
		return Buffer.concat(this.#parts);
	}

	put(...codes: readonly number[]): void {
		this.#parts.push(Uint8Array.from(codes));
	}

	any(value: Value | PickledMoment | PickledRecord, path: string, depth: number): void {
		if (depth > DEPTH) throw new Refusal('too-large', path, `is nested deeper than ${DEPTH} levels.`);
		switch (value.kind) {
			case 'none':
				this.put(CODE.none);
				break;
			case 'bool':
				this.put(value.value ? CODE.true : CODE.false);
				break;
			case 'int':
				this.#int(BigInt(value.text));
				break;
			case 'float':
				this.#float(Number(value.text));
				break;
			case 'str':
				this.#sized(CODE.shortBinUnicode, CODE.binUnicode, utf8(value.value));
				break;
			case 'bytes':
				this.#sized(CODE.shortBinBytes, CODE.binBytes, Buffer.from(value.base64, 'base64'));
				break;
			case 'list':
				this.put(CODE.emptyList);
				this.#marked(value.items, CODE.appends, path, depth);
				break;
			case 'tuple':
				this.#tuple(value.items, path, depth);
				break;
			case 'set':
				this.#hashable(value.items, path);
				this.put(CODE.emptySet);
				this.#marked(value.items, CODE.addItems, path, depth);
				break;
			case 'frozenset':
				this.#hashable(value.items, path);
				this.put(CODE.mark);
				this.#each(value.items, path, depth);
				this.put(CODE.frozenSet);
				break;
			case 'dict':
				this.#hashable(
					value.entries.map(([key]) => key),
					path,
				);
				this.#dict(value.entries, path, depth);
				break;
			case 'record':
				this.#dict(
					value.fields.map(([key, field]) => [{ kind: 'str', value: key }, field]),
					path,
					depth,
				);
				break;
			case 'datetime':
				this.#moment(value);
				break;
			case 'opaque':
				throw new Refusal('unsupported', path, `is a ${value.type}, of which only the printed form is known.`);
			default:
				assertNever(value);
		}
	}

	#int(value: bigint): void {
		if (value >= 0n && value < 256n) {
			this.put(CODE.binInt1, Number(value));
			return;
		}
		if (value >= -(2n ** 31n) && value < 2n ** 31n) {
			const bytes = Buffer.alloc(5);
			bytes.writeUInt8(CODE.binInt);
			bytes.writeInt32LE(Number(value), 1);
			this.#parts.push(bytes);
			return;
		}
		const bytes = twosComplement(value);
		if (bytes.length < 256) this.put(CODE.long1, bytes.length);
		else this.#coded(CODE.long4, bytes.length);
		this.#parts.push(bytes);
	}

	#float(value: number): void {
		const bytes = Buffer.alloc(9);
		bytes.writeUInt8(CODE.binFloat);
		bytes.writeDoubleBE(value, 1);
		this.#parts.push(bytes);
	}

	#sized(short: number, long: number, bytes: Uint8Array): void {
		if (bytes.length < 256) this.put(short, bytes.length);
		else this.#coded(long, bytes.length);
		this.#parts.push(bytes);
	}

	#coded(code: number, length: number): void {
		const bytes = Buffer.alloc(5);
		bytes.writeUInt8(code);
		bytes.writeUInt32LE(length, 1);
		this.#parts.push(bytes);
	}

	#tuple(items: readonly Value[], path: string, depth: number): void {
		const { length } = items;
		if (length === 0) {
			this.put(CODE.emptyTuple);
			return;
		}
		if (length > 3) this.put(CODE.mark);
		this.#each(items, path, depth);
		this.put(length === 1 ? CODE.tuple1 : length === 2 ? CODE.tuple2 : length === 3 ? CODE.tuple3 : CODE.tuple);
	}

	#dict(
		entries: readonly (readonly [Value, Value | PickledMoment | PickledRecord])[],
		path: string,
		depth: number,
	): void {
		this.put(CODE.emptyDict);
		if (entries.length === 0) return;
		this.put(CODE.mark);
		for (const [key, value] of entries) {
			const place = key.kind === 'str' ? key.value : hashKey(key);
			this.any(key, `${path}[key ${place}]`, depth + 1);
			this.any(value, path === '' ? `${place}` : `${path}.${place}`, depth + 1);
		}
		this.put(CODE.setItems);
	}

	#marked(items: readonly Value[], end: number, path: string, depth: number): void {
		if (items.length === 0) return;
		this.put(CODE.mark);
		this.#each(items, path, depth);
		this.put(end);
	}

	#each(items: readonly Value[], path: string, depth: number): void {
		for (const [at, item] of items.entries()) this.any(item, `${path}[${at}]`, depth + 1);
	}

	#hashable(items: readonly Value[], path: string): void {
		const wrong = items.find((item) => hashKey(item) === null);
		if (wrong === undefined) return;
		throw new Refusal('invalid-input', path, `has a ${wrong.kind} as a key or member, which Python cannot hash.`);
	}

	/** `datetime(<10 bytes>)`, and for an aware one `timezone(timedelta(0, 0, 0))` after them. */
	#moment({ at, aware }: PickledMoment): void {
		const date = new Date(at);
		const bytes = Buffer.alloc(10);
		bytes.writeUInt16BE(date.getUTCFullYear());
		bytes.set(
			[date.getUTCMonth() + 1, date.getUTCDate(), date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()],
			2,
		);
		bytes.writeUIntBE(date.getUTCMilliseconds() * 1_000, 7, 3);
		this.#global('datetime', 'datetime');
		this.#sized(CODE.shortBinBytes, CODE.binBytes, bytes);
		if (aware) {
			this.#global('datetime', 'timezone');
			this.#global('datetime', 'timedelta');
			this.put(CODE.binInt1, 0, CODE.binInt1, 0, CODE.binInt1, 0, CODE.tuple3, CODE.reduce);
			this.put(CODE.tuple1, CODE.reduce, CODE.tuple2, CODE.reduce);
		} else {
			this.put(CODE.tuple1, CODE.reduce);
		}
	}

	#global(module: string, name: string): void {
		this.#sized(CODE.shortBinUnicode, CODE.binUnicode, utf8(module));
		this.#sized(CODE.shortBinUnicode, CODE.binUnicode, utf8(name));
		this.put(CODE.stackGlobal);
	}
}

/** Little-endian, as few bytes as hold the sign too; zero never comes here. */
function twosComplement(value: bigint): Uint8Array {
	const magnitude = value < 0n ? -value - 1n : value;
	const digits = magnitude.toString(16);
	// One bit for the sign.
	const length = Math.floor((digits.length * 4 - Math.clz32(Number.parseInt(digits[0] ?? '0', 16)) + 28) / 8) + 1;
	const pattern = (value < 0n ? (1n << BigInt(length * 8)) + value : value).toString(16).padStart(length * 2, '0');
	return Buffer.from(pattern, 'hex').reverse();
}

/** UTF-8 with lone surrogates as three bytes each, as Python's `surrogatepass` has them. */
function utf8(text: string): Uint8Array {
	if (text.isWellFormed()) return Buffer.from(text, 'utf8');
	const parts: Uint8Array[] = [];
	for (const character of text) {
		const code = character.codePointAt(0) ?? 0;
		if (code < 0xd800 || code > 0xdfff) parts.push(Buffer.from(character, 'utf8'));
		else parts.push(Uint8Array.of(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)));
	}
	return Buffer.concat(parts);
}
