/**
 * A pickle's instructions, one line each, as Python's `pickletools.dis` lists them: for looking at what no reader makes sense of. Nothing is
 * interpreted, so that this works up to the first byte that is no instruction, whatever the rest. Names and layouts by `pickletools`.
 */

/** One instruction. `argument` is what stands after it, shown short; null: it has none. */
export interface PickleInstruction {
	readonly offset: number;
	readonly name: string;
	readonly argument: string | null;
}

export interface PickleListing {
	readonly instructions: readonly PickleInstruction[];
	/** Why it ends before its STOP: a fault in the pickle, or the limit; null: it does not. */
	readonly ended: string | null;
}

type Argument =
	| 'none'
	| 'u1'
	| 'u2'
	| 'u4'
	| 'i4'
	| 'u8'
	| 'float'
	| 'line'
	| 'lines'
	| 'long1'
	| 'long4'
	| 'text1'
	| 'text4'
	| 'text8'
	| 'bytes1'
	| 'bytes4'
	| 'bytes8';

/** By code. */
const INSTRUCTIONS: ReadonlyMap<number, readonly [name: string, argument: Argument]> = new Map([
	[0x28, ['MARK', 'none']],
	[0x29, ['EMPTY_TUPLE', 'none']],
	[0x2e, ['STOP', 'none']],
	[0x30, ['POP', 'none']],
	[0x31, ['POP_MARK', 'none']],
	[0x32, ['DUP', 'none']],
	[0x42, ['BINBYTES', 'bytes4']],
	[0x43, ['SHORT_BINBYTES', 'bytes1']],
	[0x46, ['FLOAT', 'line']],
	[0x47, ['BINFLOAT', 'float']],
	[0x49, ['INT', 'line']],
	[0x4a, ['BININT', 'i4']],
	[0x4b, ['BININT1', 'u1']],
	[0x4c, ['LONG', 'line']],
	[0x4d, ['BININT2', 'u2']],
	[0x4e, ['NONE', 'none']],
	[0x50, ['PERSID', 'line']],
	[0x51, ['BINPERSID', 'none']],
	[0x52, ['REDUCE', 'none']],
	[0x53, ['STRING', 'line']],
	[0x54, ['BINSTRING', 'bytes4']],
	[0x55, ['SHORT_BINSTRING', 'bytes1']],
	[0x56, ['UNICODE', 'line']],
	[0x58, ['BINUNICODE', 'text4']],
	[0x5d, ['EMPTY_LIST', 'none']],
	[0x61, ['APPEND', 'none']],
	[0x62, ['BUILD', 'none']],
	[0x63, ['GLOBAL', 'lines']],
	[0x64, ['DICT', 'none']],
	[0x65, ['APPENDS', 'none']],
	[0x67, ['GET', 'line']],
	[0x68, ['BINGET', 'u1']],
	[0x69, ['INST', 'lines']],
	[0x6a, ['LONG_BINGET', 'u4']],
	[0x6c, ['LIST', 'none']],
	[0x6f, ['OBJ', 'none']],
	[0x70, ['PUT', 'line']],
	[0x71, ['BINPUT', 'u1']],
	[0x72, ['LONG_BINPUT', 'u4']],
	[0x73, ['SETITEM', 'none']],
	[0x74, ['TUPLE', 'none']],
	[0x75, ['SETITEMS', 'none']],
	[0x7d, ['EMPTY_DICT', 'none']],
	[0x80, ['PROTO', 'u1']],
	[0x81, ['NEWOBJ', 'none']],
	[0x82, ['EXT1', 'u1']],
	[0x83, ['EXT2', 'u2']],
	[0x84, ['EXT4', 'u4']],
	[0x85, ['TUPLE1', 'none']],
	[0x86, ['TUPLE2', 'none']],
	[0x87, ['TUPLE3', 'none']],
	[0x88, ['NEWTRUE', 'none']],
	[0x89, ['NEWFALSE', 'none']],
	[0x8a, ['LONG1', 'long1']],
	[0x8b, ['LONG4', 'long4']],
	[0x8c, ['SHORT_BINUNICODE', 'text1']],
	[0x8d, ['BINUNICODE8', 'text8']],
	[0x8e, ['BINBYTES8', 'bytes8']],
	[0x8f, ['EMPTY_SET', 'none']],
	[0x90, ['ADDITEMS', 'none']],
	[0x91, ['FROZENSET', 'none']],
	[0x92, ['NEWOBJ_EX', 'none']],
	[0x93, ['STACK_GLOBAL', 'none']],
	[0x94, ['MEMOIZE', 'none']],
	[0x95, ['FRAME', 'u8']],
	[0x96, ['BYTEARRAY8', 'bytes8']],
	[0x97, ['NEXT_BUFFER', 'none']],
	[0x98, ['READONLY_BUFFER', 'none']],
]);
const STOP = 0x2e;
/** Bytes of an argument that are shown. */
const SHOWN = 80;

/** Lists up to `most` instructions. Never throws. */
export function listPickle(bytes: Uint8Array, most: number): PickleListing {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	const instructions: PickleInstruction[] = [];
	let at = 0;
	while (at < buffer.length) {
		if (instructions.length >= most) return { instructions, ended: `Only the first ${most} instructions are listed.` };
		const code = buffer.readUInt8(at);
		const known = INSTRUCTIONS.get(code);
		if (known === undefined) {
			const hex = code.toString(16).padStart(2, '0');
			return { instructions, ended: `At byte ${at} stands 0x${hex}, which is no instruction.` };
		}
		const [name, kind] = known;
		const argument = argumentAt(buffer, at + 1, kind);
		if (argument === null) return { instructions, ended: `The pickle ends in the middle of ${name} at byte ${at}.` };
		instructions.push({ offset: at, name, argument: argument.shown });
		at = argument.end;
		if (code === STOP) {
			const rest = buffer.length - at;
			return { instructions, ended: rest === 0 ? null : `${rest} more bytes follow the STOP.` };
		}
	}
	return { instructions, ended: 'The pickle has no STOP at its end.' };
}

interface Shown {
	readonly shown: string | null;
	readonly end: number;
}

/** Null: the bytes end before it does. */
function argumentAt(buffer: Buffer, at: number, kind: Argument): Shown | null {
	switch (kind) {
		case 'none':
			return { shown: null, end: at };
		case 'u1':
			return fixed(buffer, at, 1, () => String(buffer.readUInt8(at)));
		case 'u2':
			return fixed(buffer, at, 2, () => String(buffer.readUInt16LE(at)));
		case 'u4':
			return fixed(buffer, at, 4, () => String(buffer.readUInt32LE(at)));
		case 'i4':
			return fixed(buffer, at, 4, () => String(buffer.readInt32LE(at)));
		case 'u8':
			return fixed(buffer, at, 8, () => String(buffer.readBigUInt64LE(at)));
		case 'float':
			return fixed(buffer, at, 8, () => String(buffer.readDoubleBE(at)));
		case 'line':
			return lines(buffer, at, 1);
		case 'lines':
			return lines(buffer, at, 2);
		case 'long1':
		case 'long4':
			return sized(buffer, at, kind === 'long1' ? 1 : 4, longText);
		case 'text1':
		case 'text4':
		case 'text8':
			return sized(buffer, at, sizeOf(kind), (part) => cut(JSON.stringify(part.toString('utf8'))));
		case 'bytes1':
		case 'bytes4':
		case 'bytes8':
			return sized(buffer, at, sizeOf(kind), (part) => {
				const hex = part.subarray(0, SHOWN / 2).toString('hex');
				return `${hex}${part.length > SHOWN / 2 ? '…' : ''} (${part.length} bytes)`;
			});
	}
}

function sizeOf(kind: `${string}${'1' | '4' | '8'}`): 1 | 4 | 8 {
	return kind.endsWith('1') ? 1 : kind.endsWith('4') ? 4 : 8;
}

function fixed(buffer: Buffer, at: number, size: number, show: () => string): Shown | null {
	return at + size > buffer.length ? null : { shown: show(), end: at + size };
}

function lines(buffer: Buffer, at: number, count: number): Shown | null {
	const parts: string[] = [];
	let from = at;
	for (let n = 0; n < count; n += 1) {
		const end = buffer.indexOf(0x0a, from);
		if (end < 0) return null;
		parts.push(buffer.toString('latin1', from, Math.min(end, from + SHOWN)));
		from = end + 1;
	}
	return { shown: cut(parts.join(' ')), end: from };
}

function sized(buffer: Buffer, at: number, size: 1 | 4 | 8, show: (part: Buffer) => string): Shown | null {
	if (at + size > buffer.length) return null;
	const length = size === 8 ? buffer.readBigUInt64LE(at) : BigInt(buffer.readUIntLE(at, size));
	const from = at + size;
	if (length > BigInt(buffer.length - from)) return null;
	const end = from + Number(length);
	// What is not shown need not be read: a text may have megabytes.
	return { shown: show(buffer.subarray(from, end)), end };
}

function longText(part: Buffer): string {
	if (part.length === 0) return '0';
	if (part.length > SHOWN) return `(an integer of ${part.length} bytes)`;
	const hex = Buffer.from(part).reverse().toString('hex');
	return BigInt.asIntN(part.length * 8, BigInt(`0x${hex}`)).toString();
}

function cut(text: string): string {
	return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}
