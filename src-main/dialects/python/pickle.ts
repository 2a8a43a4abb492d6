/**
 * Pickles of protocols 0 to 5 as inert data. This reader follows the stream's stack machine and nothing else: it imports nothing,
 * calls nothing, and what a pickle asks Python to do is kept as a description of it. It cannot be made to run code because it has
 * none to run.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { floatText } from './float.ts';
import type { PickleNode, PickleObject } from './pickle-nodes.ts';
import { PickleStop, PickleStream } from './pickle-stream.ts';

/** What protects the reader from a stream. */
export interface PickleLimits {
	/** Things made, and places of the memo. Default 2,000,000. */
	readonly values?: number;
	/** Containers inside each other when it is made into a value. Default 1,000. */
	readonly depth?: number;
}

export const PICKLE_VALUES = 2_000_000;

/**
 * Reads one pickle into a graph. Fails (`undecodable`, or `too-large` for a limit) saying at which byte. What follows the pickle's end
 * is not looked at, as in Python. Takes time and memory linear in the bytes.
 */
export function readPickleNodes(bytes: Uint8Array, limits: PickleLimits = {}): Result<PickleNode> {
	const machine = new Machine(bytes, limits.values ?? PICKLE_VALUES);
	try {
		return ok(machine.run());
	} catch (error) {
		if (error instanceof PickleStop) return fail(error.code, `${error.message} (Byte ${error.offset + 1}.)`);
		throw error;
	}
}

const NONE: PickleNode = { kind: 'scalar', value: { kind: 'none' } };
const TRUE: PickleNode = { kind: 'scalar', value: { kind: 'bool', value: true } };
const FALSE: PickleNode = { kind: 'scalar', value: { kind: 'bool', value: false } };

/** Names that Python 3 reads for Python 2's. */
const MODULES: Readonly<Record<string, string>> = {
	__builtin__: 'builtins',
	copy_reg: 'copyreg',
	exceptions: 'builtins',
	UserDict: 'collections',
	UserList: 'collections',
	UserString: 'collections',
};
/** Whether a module is named as Python 2 names it, so that it is read as another. */
export function isOldModule(module: string): boolean {
	return Object.hasOwn(MODULES, module);
}

const NAMES: Readonly<Record<string, string>> = { unicode: 'str', long: 'int', xrange: 'range', unichr: 'chr' };

/** Pickle's opcodes by their byte. */
export const OP = {
	MARK: 0x28,
	STOP: 0x2e,
	POP: 0x30,
	POP_MARK: 0x31,
	DUP: 0x32,
	FLOAT: 0x46,
	INT: 0x49,
	BININT: 0x4a,
	BININT1: 0x4b,
	LONG: 0x4c,
	BININT2: 0x4d,
	NONE: 0x4e,
	PERSID: 0x50,
	BINPERSID: 0x51,
	REDUCE: 0x52,
	STRING: 0x53,
	BINSTRING: 0x54,
	SHORT_BINSTRING: 0x55,
	UNICODE: 0x56,
	BINUNICODE: 0x58,
	APPEND: 0x61,
	BUILD: 0x62,
	GLOBAL: 0x63,
	DICT: 0x64,
	EMPTY_DICT: 0x7d,
	APPENDS: 0x65,
	GET: 0x67,
	BINGET: 0x68,
	INST: 0x69,
	LONG_BINGET: 0x6a,
	LIST: 0x6c,
	EMPTY_LIST: 0x5d,
	OBJ: 0x6f,
	PUT: 0x70,
	BINPUT: 0x71,
	LONG_BINPUT: 0x72,
	SETITEM: 0x73,
	TUPLE: 0x74,
	EMPTY_TUPLE: 0x29,
	SETITEMS: 0x75,
	BINFLOAT: 0x47,
	BINBYTES: 0x42,
	SHORT_BINBYTES: 0x43,
	PROTO: 0x80,
	NEWOBJ: 0x81,
	EXT1: 0x82,
	EXT2: 0x83,
	EXT4: 0x84,
	TUPLE1: 0x85,
	TUPLE2: 0x86,
	TUPLE3: 0x87,
	NEWTRUE: 0x88,
	NEWFALSE: 0x89,
	LONG1: 0x8a,
	LONG4: 0x8b,
	SHORT_BINUNICODE: 0x8c,
	BINUNICODE8: 0x8d,
	BINBYTES8: 0x8e,
	EMPTY_SET: 0x8f,
	ADDITEMS: 0x90,
	FROZENSET: 0x91,
	NEWOBJ_EX: 0x92,
	STACK_GLOBAL: 0x93,
	MEMOIZE: 0x94,
	FRAME: 0x95,
	BYTEARRAY8: 0x96,
	NEXT_BUFFER: 0x97,
	READONLY_BUFFER: 0x98,
} as const;

class Machine {
	readonly #in: PickleStream;
	readonly #most: number;
	readonly #stack: PickleNode[] = [];
	/** How high the stack stood at each mark. */
	readonly #marks: number[] = [];
	/** The memo as all but hostile and ancient pickles fill it, one place after the other; other places are in the map. */
	readonly #memo: PickleNode[] = [];
	readonly #elsewhere = new Map<string | number, PickleNode>();
	#made = 0;

	constructor(bytes: Uint8Array, most: number) {
		this.#in = new PickleStream(bytes);
		this.#most = most;
	}

	run(): PickleNode {
		for (;;) {
			const op = this.#in.byte();
			if (op === OP.STOP) return this.#pop();
			if (!this.#scalar(op) && !this.#container(op) && !this.#memory(op) && !this.#object(op)) {
				const shown =
					op >= 0x21 && op < 0x7f ? `"${String.fromCharCode(op)}"` : `0x${op.toString(16).padStart(2, '0')}`;
				throw this.#in.stop(`This is no pickle: there is no instruction ${shown}.`);
			}
		}
	}

	#push(node: PickleNode): true {
		this.#made += 1;
		if (this.#made > this.#most) throw this.#in.stop(`The pickle makes more than ${this.#most} things.`, 'too-large');
		this.#stack.push(node);
		return true;
	}

	#value(value: Value): true {
		return this.#push({ kind: 'scalar', value });
	}

	#top(): PickleNode {
		const node = this.#stack.at(-1);
		if (node === undefined || this.#stack.length <= (this.#marks.at(-1) ?? 0)) {
			throw this.#in.stop('The pickle takes something from its stack, and nothing is there.');
		}
		return node;
	}

	#pop(): PickleNode {
		const node = this.#top();
		this.#stack.pop();
		return node;
	}

	/** All that was put on the stack since the last mark. */
	#popMark(): PickleNode[] {
		const mark = this.#marks.pop();
		if (mark === undefined) throw this.#in.stop('The pickle goes back to a mark that it never made.');
		return this.#stack.splice(mark);
	}

	#scalar(op: number): boolean {
		const from = this.#in;
		switch (op) {
			case OP.NONE:
				return this.#push(NONE);
			case OP.NEWTRUE:
				return this.#push(TRUE);
			case OP.NEWFALSE:
				return this.#push(FALSE);
			case OP.INT: {
				const line = from.line();
				if (line === '01' || line === '00') return this.#push(line === '01' ? TRUE : FALSE);
				return this.#value({ kind: 'int', text: from.integer(line) });
			}
			case OP.LONG:
				return this.#value({ kind: 'int', text: from.integer(from.line().replace(/L$/, '')) });
			case OP.BININT:
				return this.#value({ kind: 'int', text: String(from.number(4) | 0) });
			case OP.BININT1:
				return this.#value({ kind: 'int', text: String(from.number(1)) });
			case OP.BININT2:
				return this.#value({ kind: 'int', text: String(from.number(2)) });
			case OP.LONG1:
				return this.#value(from.long(from.number(1)));
			case OP.LONG4:
				return this.#value(from.long(from.length(4)));
			case OP.FLOAT:
				return this.#value({ kind: 'float', text: from.floatLine() });
			case OP.BINFLOAT:
				return this.#value({ kind: 'float', text: floatText(from.double()) });
			case OP.UNICODE:
				return this.#value({ kind: 'str', value: from.escapedLine() });
			case OP.SHORT_BINUNICODE:
				return this.#value({ kind: 'str', value: from.text(from.length(1)) });
			case OP.BINUNICODE:
				return this.#value({ kind: 'str', value: from.text(from.length(4)) });
			case OP.BINUNICODE8:
				return this.#value({ kind: 'str', value: from.text(from.length(8)) });
			case OP.STRING:
				return this.#value(from.quotedLine());
			case OP.SHORT_BINSTRING:
				return this.#value(from.oldText(from.length(1)));
			case OP.BINSTRING:
				return this.#value(from.oldText(from.length(4)));
			case OP.SHORT_BINBYTES:
				return this.#value(from.bytes(from.length(1)));
			case OP.BINBYTES:
				return this.#value(from.bytes(from.length(4)));
			case OP.BINBYTES8:
			case OP.BYTEARRAY8:
				return this.#value(from.bytes(from.length(8)));
			case OP.PERSID:
				return this.#value(outside('persistent', `<object ${from.line().slice(0, 80)} kept outside of the pickle>`));
			case OP.BINPERSID:
				this.#pop();
				return this.#value(outside('persistent', '<object kept outside of the pickle>'));
			case OP.EXT1:
			case OP.EXT2:
			case OP.EXT4:
				return this.#value(
					outside('extension', `<extension ${from.number(op === OP.EXT1 ? 1 : op === OP.EXT2 ? 2 : 4)}>`),
				);
			case OP.NEXT_BUFFER:
				return this.#value(outside('buffer', '<buffer sent beside the pickle>'));
			default:
				return false;
		}
	}

	#container(op: number): boolean {
		switch (op) {
			case OP.MARK:
				if (this.#marks.length >= this.#most) throw this.#in.stop('The pickle makes too many marks.', 'too-large');
				this.#marks.push(this.#stack.length);
				return true;
			case OP.EMPTY_LIST:
				return this.#push({ kind: 'list', items: [] });
			case OP.EMPTY_TUPLE:
				return this.#push({ kind: 'tuple', items: [] });
			case OP.EMPTY_DICT:
				return this.#push({ kind: 'dict', entries: [] });
			case OP.EMPTY_SET:
				return this.#push({ kind: 'set', items: [] });
			case OP.LIST:
				return this.#push({ kind: 'list', items: this.#popMark() });
			case OP.TUPLE:
				return this.#push({ kind: 'tuple', items: this.#popMark() });
			case OP.FROZENSET:
				return this.#push({ kind: 'frozenset', items: this.#popMark() });
			case OP.DICT:
				return this.#push({ kind: 'dict', entries: this.#pairs(this.#popMark()) });
			case OP.TUPLE1:
			case OP.TUPLE2:
			case OP.TUPLE3: {
				const items: PickleNode[] = [];
				for (let count = op - OP.TUPLE1; count >= 0; count -= 1) items.unshift(this.#pop());
				return this.#push({ kind: 'tuple', items });
			}
			case OP.APPEND:
				return this.#append([this.#pop()]);
			case OP.APPENDS:
			case OP.ADDITEMS:
				return this.#append(this.#popMark());
			case OP.SETITEM: {
				const value = this.#pop();
				return this.#enter([[this.#pop(), value]]);
			}
			case OP.SETITEMS:
				return this.#enter(this.#pairs(this.#popMark()));
			default:
				return false;
		}
	}

	#pairs(items: readonly PickleNode[]): [PickleNode, PickleNode][] {
		if (items.length % 2 === 1) throw this.#in.stop('A key of the pickle has no value.');
		const pairs: [PickleNode, PickleNode][] = [];
		for (let at = 0; at < items.length; at += 2) {
			pairs.push([items[at] as PickleNode, items[at + 1] as PickleNode]);
		}
		return pairs;
	}

	#append(items: readonly PickleNode[]): true {
		const into = this.#top();
		if (into.kind !== 'list' && into.kind !== 'set' && into.kind !== 'object') {
			throw this.#in.stop(`The pickle adds items to something that holds none (${into.kind}).`);
		}
		for (const item of items) into.items.push(item);
		return true;
	}

	#enter(pairs: readonly [PickleNode, PickleNode][]): true {
		const into = this.#top();
		if (into.kind !== 'dict' && into.kind !== 'object') {
			throw this.#in.stop(`The pickle sets keys of something that has none (${into.kind}).`);
		}
		for (const pair of pairs) into.entries.push(pair);
		return true;
	}

	#memory(op: number): boolean {
		const from = this.#in;
		switch (op) {
			case OP.PROTO: {
				const version = from.byte();
				if (version > 5) throw from.stop(`A pickle of protocol ${version}; protocols 0 to 5 are read.`);
				return true;
			}
			case OP.FRAME:
				from.skip(8);
				return true;
			case OP.READONLY_BUFFER:
				return true;
			case OP.POP:
				if (this.#stack.length > (this.#marks.at(-1) ?? 0)) this.#pop();
				else this.#popMark();
				return true;
			case OP.POP_MARK:
				this.#popMark();
				return true;
			case OP.DUP:
				return this.#push(this.#top());
			case OP.PUT:
				return this.#keep(memoKey(from.line()));
			case OP.BINPUT:
				return this.#keep(from.number(1));
			case OP.LONG_BINPUT:
				return this.#keep(from.number(4));
			case OP.MEMOIZE:
				return this.#keep(this.#memo.length + this.#elsewhere.size);
			case OP.GET:
				return this.#push(this.#kept(memoKey(from.line())));
			case OP.BINGET:
				return this.#push(this.#kept(from.number(1)));
			case OP.LONG_BINGET:
				return this.#push(this.#kept(from.number(4)));
			default:
				return false;
		}
	}

	#keep(key: string | number): true {
		const node = this.#top();
		if (typeof key === 'number' && key < this.#memo.length) this.#memo[key] = node;
		else if (key === this.#memo.length && !this.#elsewhere.has(key)) this.#memo.push(node);
		else this.#elsewhere.set(key, node);
		if (this.#memo.length + this.#elsewhere.size > this.#most) {
			throw this.#in.stop('The pickle remembers too many things.', 'too-large');
		}
		return true;
	}

	#kept(key: string | number): PickleNode {
		const node = (typeof key === 'number' ? this.#memo[key] : undefined) ?? this.#elsewhere.get(key);
		if (node === undefined) throw this.#in.stop(`The pickle refers to its thing number ${key}, which it never made.`);
		return node;
	}

	#object(op: number): boolean {
		const from = this.#in;
		switch (op) {
			case OP.GLOBAL: {
				const module = from.line();
				return this.#push(name(module, from.line()));
			}
			case OP.STACK_GLOBAL: {
				const attribute = textOf(this.#pop());
				const module = textOf(this.#pop());
				if (module === null || attribute === null)
					throw from.stop('The pickle names a class by something that is no text.');
				return this.#push(name(module, attribute));
			}
			case OP.REDUCE: {
				const args = this.#pop();
				return this.#push(made('call', this.#pop(), args, null));
			}
			case OP.NEWOBJ: {
				const args = this.#pop();
				return this.#push(made('new', this.#pop(), args, null));
			}
			case OP.NEWOBJ_EX: {
				const kwargs = this.#pop();
				const args = this.#pop();
				return this.#push(made('new', this.#pop(), args, kwargs));
			}
			case OP.INST: {
				const module = from.line();
				const target = name(module, from.line());
				return this.#push(made('call', target, { kind: 'tuple', items: this.#popMark() }, null));
			}
			case OP.OBJ: {
				const [target, ...args] = this.#popMark();
				if (target === undefined) throw from.stop('The pickle makes an object of no class.');
				return this.#push(made('call', target, { kind: 'tuple', items: args }, null));
			}
			case OP.BUILD: {
				const state = this.#pop();
				const into = this.#top();
				if (into.kind === 'object') {
					into.state = state;
					return true;
				}
				this.#pop();
				return this.#push({ ...made('state', into, { kind: 'tuple', items: [] }, null), state });
			}
			default:
				return false;
		}
	}
}

function made(how: PickleObject['how'], target: PickleNode, args: PickleNode, kwargs: PickleNode | null): PickleObject {
	return { kind: 'object', how, target, args, kwargs, state: null, items: [], entries: [] };
}

function name(module: string, attribute: string): PickleNode {
	const modern = Object.hasOwn(MODULES, module) ? (MODULES[module] as string) : module;
	const inner = module === '__builtin__' && Object.hasOwn(NAMES, attribute) ? (NAMES[attribute] as string) : attribute;
	return { kind: 'name', module: modern, name: inner };
}

function outside(type: string, text: string): Value {
	return { kind: 'opaque', type, text };
}

function textOf(node: PickleNode): string | null {
	return node.kind === 'scalar' && node.value.kind === 'str' ? node.value.value : null;
}

/** `p0` and `q\0` mean the same place. */
function memoKey(line: string): string | number {
	return /^\d{1,9}$/.test(line) ? Number(line) : line;
}
