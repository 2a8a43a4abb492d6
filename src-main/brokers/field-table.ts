/**
 * AMQP field tables as bytes and as typed values, tags as RabbitMQ has them (its errata to AMQP 0-9-1 section 4.2.5.5).
 * amqplib's own reading keeps neither the width of numbers nor 64-bit digits nor the order of keys, so Warren reads and
 * writes the bytes itself and what was received can be published again byte for byte.
 *
 * Not kept: table keys that are not UTF-8, the payload of a NaN, booleans written as other numbers than 0 and 1.
 */
import type { FieldTable, FieldValue } from '../domain/message.ts';

/** Nesting that is still read; RabbitMQ itself takes more, but nobody means it. */
const MAX_DEPTH = 100;

/** A place in a buffer that moves on as values are read. */
export interface Cursor {
	readonly bytes: Buffer;
	at: number;
}

/** Reads a field table with its length. Throws RangeError or TypeError on bytes that are none. */
export function readTable(cursor: Cursor, depth = 0): FieldTable {
	if (depth > MAX_DEPTH) throw new RangeError(`A field table is nested more than ${MAX_DEPTH} deep.`);
	const end = readLength(cursor);
	const fields: (readonly [string, FieldValue])[] = [];
	while (cursor.at < end) {
		const key = readShortString(cursor);
		fields.push([key, readValue(cursor, depth)]);
	}
	if (cursor.at !== end) throw new RangeError('A field table ends in the middle of a value.');
	return fields;
}

/** Reads a string of at most 255 bytes with its length. */
export function readShortString(cursor: Cursor): string {
	const length = cursor.bytes.readUInt8(cursor.at);
	const start = cursor.at + 1;
	if (start + length > cursor.bytes.length) throw new RangeError('A short string is longer than its frame.');
	cursor.at = start + length;
	return cursor.bytes.toString('utf8', start, cursor.at);
}

/** Reads a 32-bit length and answers where what it measures ends. */
function readLength(cursor: Cursor): number {
	const length = cursor.bytes.readUInt32BE(cursor.at);
	cursor.at += 4;
	const end = cursor.at + length;
	if (end > cursor.bytes.length) throw new RangeError('A value is longer than its frame.');
	return end;
}

function readValue(cursor: Cursor, depth: number): FieldValue {
	const { bytes } = cursor;
	const tag = bytes.readUInt8(cursor.at++);
	const at = cursor.at;
	switch (String.fromCharCode(tag)) {
		case 'S':
			return readLongString(cursor);
		case 't':
			cursor.at += 1;
			return { type: 'bool', value: bytes.readUInt8(at) !== 0 };
		case 'b':
			cursor.at += 1;
			return { type: 'int8', value: bytes.readInt8(at) };
		case 'B':
			cursor.at += 1;
			return { type: 'uint8', value: bytes.readUInt8(at) };
		case 's':
			cursor.at += 2;
			return { type: 'int16', value: bytes.readInt16BE(at) };
		case 'u':
			cursor.at += 2;
			return { type: 'uint16', value: bytes.readUInt16BE(at) };
		case 'I':
			cursor.at += 4;
			return { type: 'int32', value: bytes.readInt32BE(at) };
		case 'i':
			cursor.at += 4;
			return { type: 'uint32', value: bytes.readUInt32BE(at) };
		case 'l':
			cursor.at += 8;
			return { type: 'int64', text: bytes.readBigInt64BE(at).toString() };
		case 'T':
			cursor.at += 8;
			return { type: 'timestamp', text: bytes.readBigUInt64BE(at).toString() };
		case 'f':
			cursor.at += 4;
			return { type: 'float', value: bytes.readFloatBE(at) };
		case 'd':
			cursor.at += 8;
			return { type: 'double', value: bytes.readDoubleBE(at) };
		case 'D':
			cursor.at += 5;
			return { type: 'decimal', places: bytes.readUInt8(at), digits: bytes.readUInt32BE(at + 1) };
		case 'x': {
			const end = readLength(cursor);
			const base64 = bytes.toString('base64', cursor.at, end);
			cursor.at = end;
			return { type: 'bytes', base64 };
		}
		case 'A': {
			if (depth + 1 > MAX_DEPTH) throw new RangeError(`A field array is nested more than ${MAX_DEPTH} deep.`);
			const end = readLength(cursor);
			const items: FieldValue[] = [];
			while (cursor.at < end) items.push(readValue(cursor, depth + 1));
			if (cursor.at !== end) throw new RangeError('A field array ends in the middle of a value.');
			return { type: 'array', items };
		}
		case 'F':
			return { type: 'table', fields: readTable(cursor, depth + 1) };
		case 'V':
			return { type: 'void' };
		default:
			throw new TypeError(`A field table holds a value of the unknown type 0x${tag.toString(16)}.`);
	}
}

function readLongString(cursor: Cursor): FieldValue {
	const end = readLength(cursor);
	const start = cursor.at;
	cursor.at = end;
	const text = cursor.bytes.toString('utf8', start, end);
	// Only what decoding had to replace can differ from the bytes; most headers skip the comparison.
	if (text.includes('\uFFFD')) {
		const exact = cursor.bytes.subarray(start, end);
		if (!Buffer.from(text, 'utf8').equals(exact)) return { type: 'longstr', text, base64: exact.toString('base64') };
	}
	return { type: 'longstr', text };
}

/** Writes a field table with its length. Throws RangeError on a value that its type cannot hold. */
export function writeTable(fields: FieldTable): Buffer {
	const parts: Buffer[] = [];
	for (const [key, value] of fields) {
		parts.push(writeShortString(key));
		writeValue(value, parts);
	}
	return withLength(parts);
}

/** Writes a string of at most 255 bytes with its length; longer ones are a RangeError. */
export function writeShortString(text: string): Buffer {
	const length = Buffer.byteLength(text, 'utf8');
	if (length > 255) throw new RangeError(`"${text.slice(0, 40)}…" is ${length} bytes long; AMQP allows 255 here.`);
	const bytes = Buffer.allocUnsafe(length + 1);
	bytes.writeUInt8(length, 0);
	bytes.write(text, 1, 'utf8');
	return bytes;
}

function withLength(parts: readonly Buffer[]): Buffer {
	const length = Buffer.allocUnsafe(4);
	length.writeUInt32BE(
		parts.reduce((sum, part) => sum + part.length, 0),
		0,
	);
	return Buffer.concat([length, ...parts]);
}

function writeValue(value: FieldValue, parts: Buffer[]): void {
	switch (value.type) {
		case 'longstr': {
			const bytes = value.base64 === undefined ? Buffer.from(value.text, 'utf8') : Buffer.from(value.base64, 'base64');
			parts.push(tagged('S', 0), withLength([bytes]));
			return;
		}
		case 'bytes':
			parts.push(tagged('x', 0), withLength([Buffer.from(value.base64, 'base64')]));
			return;
		case 'bool':
			parts.push(tagged('t', 1, (b) => b.writeUInt8(value.value ? 1 : 0, 1)));
			return;
		case 'int8':
			parts.push(tagged('b', 1, (b) => b.writeInt8(value.value, 1)));
			return;
		case 'uint8':
			parts.push(tagged('B', 1, (b) => b.writeUInt8(value.value, 1)));
			return;
		case 'int16':
			parts.push(tagged('s', 2, (b) => b.writeInt16BE(value.value, 1)));
			return;
		case 'uint16':
			parts.push(tagged('u', 2, (b) => b.writeUInt16BE(value.value, 1)));
			return;
		case 'int32':
			parts.push(tagged('I', 4, (b) => b.writeInt32BE(value.value, 1)));
			return;
		case 'uint32':
			parts.push(tagged('i', 4, (b) => b.writeUInt32BE(value.value, 1)));
			return;
		case 'int64':
			parts.push(tagged('l', 8, (b) => b.writeBigInt64BE(BigInt(value.text), 1)));
			return;
		case 'timestamp':
			parts.push(tagged('T', 8, (b) => b.writeBigUInt64BE(BigInt(value.text), 1)));
			return;
		case 'float':
			parts.push(tagged('f', 4, (b) => b.writeFloatBE(value.value, 1)));
			return;
		case 'double':
			parts.push(tagged('d', 8, (b) => b.writeDoubleBE(value.value, 1)));
			return;
		case 'decimal':
			parts.push(
				tagged('D', 5, (b) => {
					b.writeUInt8(value.places, 1);
					b.writeUInt32BE(value.digits, 2);
				}),
			);
			return;
		case 'array': {
			const items: Buffer[] = [];
			for (const item of value.items) writeValue(item, items);
			parts.push(tagged('A', 0), withLength(items));
			return;
		}
		case 'table':
			parts.push(tagged('F', 0), writeTable(value.fields));
			return;
		case 'void':
			parts.push(tagged('V', 0));
			return;
	}
}

function tagged(tag: string, size: number, fill?: (bytes: Buffer) => void): Buffer {
	const bytes = Buffer.allocUnsafe(1 + size);
	bytes.writeUInt8(tag.charCodeAt(0), 0);
	fill?.(bytes);
	return bytes;
}
