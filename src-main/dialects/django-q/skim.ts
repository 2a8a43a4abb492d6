/**
 * What a packet says of its task, without reading it: id, function and group, taken from the pickle in passing. A search or a count goes
 * through a million packets and shows fifty, so nothing is built here for what is passed over. It answers only where it says exactly what
 * `readPacketMessage` would; where it does not answer, that has to be asked. Small packets of today's sites are all answered.
 */
import { inflate } from '../inflate.ts';
import { isOldModule, OP } from '../python/pickle.ts';
import { utf8 } from '../python/pickle-stream.ts';
import { PACKET_TAIL, signedAtOf, TASK_LIMIT } from './packet.ts';

/** What is told of a packet in passing. */
export interface Skimmed {
	readonly id: string;
	readonly func: string;
	readonly group: string | null;
	/** Epoch ms. */
	readonly signedAt: number;
}

/** Bytes of a pickle, and of a text in it. A thing is one number here: where its text begins, how long it is, and its kind. */
const PICKLE = 1 << 14;
const TEXT_LENGTH = 1 << 13;
/** Things on the stack, and in the memo. */
const PLACES = 4_096;
/** The reader has limits on how deep things nest and on what they show as when references are followed. Less than this is far below both. */
const HOLDERS = 500;
const SHARED = 8;
const SHARED_TEXT = 256;

const COLON = 0x3a;
const DOT = 0x2e;

const KIND = {
	text: 1,
	name: 2,
	tuple: 3,
	list: 4,
	dict: 5,
	oddDict: 6,
	set: 7,
	object: 8,
	scalar: 9,
	none: 10,
} as const;
const KINDS = 15;

/** Kept from packet to packet: to make them anew would cost more than to look at one. */
const pickle = Buffer.alloc(PICKLE + 4);
const stack = new Int32Array(PLACES);
const memo = new Int32Array(PLACES);

/** Tells what a packet says in passing; null: it has to be read. Never throws, whatever the bytes. */
export function skimPacket(body: Uint8Array): Skimmed | null {
	const packet = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
	const end = endOfBody(packet);
	if (end === null) return null;
	const signedAt = signedAtOf(packet.toString('latin1', Math.max(0, packet.length - PACKET_TAIL)));
	if (signedAt === null) return null;
	const size = unpack(packet, end);
	return size === null ? null : new Skim(size).task(signedAt);
}

/**
 * Whether a packet may be of a task with one of these ids; false is certain. An id is text of the pickle. In base64 a text has one of
 * three forms, by where it begins, so that it is looked for without decoding anything.
 */
export function skimsFor(ids: Iterable<string>): (body: Uint8Array) => boolean {
	const forms: Buffer[] = [];
	const plain: Buffer[] = [];
	for (const id of ids) {
		const text = Buffer.from(id, 'utf8');
		plain.push(text);
		for (const before of [0, 1, 2]) forms.push(base64Within(text, before));
	}
	return (body) => {
		const packet = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
		if (packet[0] !== DOT) return forms.some((form) => packet.includes(form));
		const end = endOfBody(packet);
		const inner = end === null ? null : inflated(packet, end, TASK_LIMIT);
		return inner !== null && plain.some((text) => inner.includes(text));
	};
}

/** A text's base64 wherever so many bytes come before it, without the digits that its neighbours share in. */
function base64Within(text: Buffer, before: number): Buffer {
	const digits = Buffer.concat([Buffer.alloc(before), text]).toString('base64url');
	return Buffer.from(digits.slice(Math.ceil((before * 8) / 6), Math.floor(((before + text.length) * 8) / 6)), 'latin1');
}

/** Where the colon before a packet's time is; null: it has none. */
function endOfBody(packet: Buffer): number | null {
	const last = packet.lastIndexOf(COLON);
	const end = last < 1 ? -1 : packet.lastIndexOf(COLON, last - 1);
	return end < 0 ? null : end;
}

/** Lays the pickle into `pickle` and tells its size; null: it is too large, or not written as it should be. */
function unpack(packet: Buffer, end: number): number | null {
	if (packet[0] === DOT) {
		const inner = inflated(packet, end, PICKLE);
		if (inner !== null) pickle.set(inner);
		return inner?.byteLength ?? null;
	}
	return Math.floor((end * 3) / 4) > PICKLE ? null : decoded(packet, 0, end, pickle);
}

function inflated(packet: Buffer, end: number, limit: number): Buffer | null {
	const bytes = Buffer.allocUnsafe(Math.ceil((end * 3) / 4));
	const size = decoded(packet, 1, end, bytes);
	const inner = size === null ? null : inflate(bytes.subarray(0, size), 'zlib', limit);
	return inner?.ok ? Buffer.from(inner.value.buffer, inner.value.byteOffset, inner.value.byteLength) : null;
}

/** Decodes base64 and tells how many bytes that made; null: it is not all of the URL-safe alphabet. */
function decoded(packet: Buffer, start: number, end: number, into: Buffer): number | null {
	const digits = end - start;
	if (digits % 4 === 1) return null;
	const size = Math.floor((digits * 3) / 4);
	const text = packet.toString('latin1', start, end);
	// Node takes both alphabets for one, and passes over what is of neither: then fewer bytes come out.
	if (text.includes('+') || text.includes('/')) return null;
	return into.write(text, 0, 'base64url') === size ? size : null;
}

/** Goes through one pickle. Every `null` and `false` means that the reader has to be asked. */
class Skim {
	readonly #size: number;
	#at = 0;
	#height = 0;
	#remembered = 0;
	#holders = 0;
	#shared = 0;
	readonly #marks: number[] = [];
	/** Names, two texts each, by what their things say instead of a place. */
	readonly #names: (readonly [module: number, own: number])[] = [];
	#id = 0;
	#func = 0;
	#group = KIND.none as number;
	#args = 0;
	#kwargs = 0;

	constructor(size: number) {
		this.#size = size;
	}

	task(signedAt: number): Skimmed | null {
		if (!this.#run()) return null;
		const [id, func] = [this.#id, this.#functionText()];
		const [args, kwargs, group] = [this.#args & KINDS, this.#kwargs & KINDS, this.#group & KINDS];
		if ((id & KINDS) !== KIND.text || func === null || kwargs !== KIND.dict) return null;
		if (args !== KIND.tuple && args !== KIND.list) return null;
		if (group !== KIND.text && group !== KIND.none) return null;
		return { id: textAt(id), func, group: group === KIND.text ? textAt(this.#group) : null, signedAt };
	}

	#functionText(): string | null {
		const func = this.#func;
		if ((func & KINDS) === KIND.text) return textAt(func);
		const name = (func & KINDS) === KIND.name ? this.#names[func >>> 4] : undefined;
		return name === undefined ? null : `${textAt(name[0])}.${textAt(name[1])}`;
	}

	/** True: all of it was gone through, and it is one dict. */
	#run(): boolean {
		while (this.#at < this.#size) {
			const op = pickle[this.#at] as number;
			this.#at += 1;
			if (op === OP.STOP) {
				const root = (stack[0] as number) & KINDS;
				return this.#height === 1 && this.#marks.length === 0 && (root === KIND.dict || root === KIND.oddDict);
			}
			if (!this.#step(op) || this.#at > this.#size) return false;
		}
		return false;
	}

	#step(op: number): boolean {
		const at = this.#at;
		switch (op) {
			case OP.SHORT_BINUNICODE:
				return this.#text(at + 1, pickle[at] as number);
			case OP.BINUNICODE:
				return at + 4 <= this.#size && this.#text(at + 4, pickle.readUInt32LE(at));
			case OP.MEMOIZE:
				return this.#keep(this.#remembered);
			case OP.BINPUT:
				return this.#skip(1, this.#keep(pickle[at] as number));
			case OP.BINGET:
				return this.#skip(1, this.#again(pickle[at] as number));
			case OP.LONG_BINGET:
				return at + 4 <= this.#size && this.#skip(4, this.#again(pickle.readUInt32LE(at)));
			case OP.MARK:
				return this.#marks.push(this.#height) <= PLACES;
			case OP.NONE:
				return this.#push(KIND.none);
			case OP.NEWTRUE:
			case OP.NEWFALSE:
				return this.#push(KIND.scalar);
			case OP.BININT1:
				return this.#skip(1, this.#push(KIND.scalar));
			case OP.BININT2:
				return this.#skip(2, this.#push(KIND.scalar));
			case OP.BININT:
				return this.#skip(4, this.#push(KIND.scalar));
			case OP.BINFLOAT:
				return this.#skip(8, this.#push(KIND.scalar));
			case OP.LONG1:
			case OP.SHORT_BINBYTES:
				return this.#skip(1 + (pickle[at] as number), this.#push(KIND.scalar));
			case OP.PROTO:
				return this.#skip(1, (pickle[at] as number) <= 5);
			case OP.FRAME:
				return this.#skip(8, true);
			default:
				return this.#holder(op);
		}
	}

	#holder(op: number): boolean {
		this.#holders += 1;
		if (this.#holders > HOLDERS) return false;
		switch (op) {
			case OP.EMPTY_DICT:
				return this.#push(KIND.dict);
			case OP.EMPTY_LIST:
				return this.#push(KIND.list);
			case OP.EMPTY_TUPLE:
				return this.#push(KIND.tuple);
			case OP.EMPTY_SET:
				return this.#push(KIND.set);
			case OP.TUPLE:
				return this.#popMark() && this.#push(KIND.tuple);
			case OP.FROZENSET:
				return this.#popMark() && this.#push(KIND.set);
			case OP.TUPLE1:
			case OP.TUPLE2:
			case OP.TUPLE3:
				return this.#pop(op - OP.TUPLE1 + 1) && this.#push(KIND.tuple);
			case OP.REDUCE:
			case OP.NEWOBJ:
				return this.#pop(2) && this.#push(KIND.object);
			case OP.BUILD:
				return this.#pop(1) && this.#top() === KIND.object;
			case OP.STACK_GLOBAL:
				return this.#name();
			case OP.APPEND:
				return this.#pop(1) && takesItems(this.#top());
			case OP.APPENDS:
			case OP.ADDITEMS:
				return this.#popMark() && takesItems(this.#top());
			case OP.SETITEM:
				return this.#pop(2) && this.#enter(this.#height + 2);
			case OP.SETITEMS: {
				const end = this.#height;
				return this.#popMark() && this.#enter(end);
			}
			default:
				return false;
		}
	}

	#skip(count: number, done: boolean): boolean {
		this.#at += count;
		return done;
	}

	#push(thing: number): boolean {
		if (this.#height >= PLACES) return false;
		stack[this.#height] = thing;
		this.#height += 1;
		return true;
	}

	/** How high the stack was at the last mark: nothing below is taken. */
	#floor(): number {
		return this.#marks.at(-1) ?? 0;
	}

	/** The kind of what lies on top. */
	#top(): number {
		return this.#height > this.#floor() ? (stack[this.#height - 1] as number) & KINDS : 0;
	}

	#pop(count: number): boolean {
		this.#height -= count;
		return this.#height >= this.#floor();
	}

	#popMark(): boolean {
		const mark = this.#marks.pop();
		if (mark === undefined) return false;
		this.#height = mark;
		return true;
	}

	#text(start: number, length: number): boolean {
		const end = start + length;
		if (end > this.#size || length >= TEXT_LENGTH) return false;
		for (let at = start; at < end; at += 1) {
			if ((pickle[at] as number) < 0x80) continue;
			if (utf8(pickle.subarray(start, end)) === null) return false;
			break;
		}
		this.#at = end;
		return this.#push((((start << 13) | length) << 4) | KIND.text);
	}

	#name(): boolean {
		if (!this.#pop(2)) return false;
		const [module, own] = [stack[this.#height] as number, stack[this.#height + 1] as number];
		if ((module & KINDS) !== KIND.text || (own & KINDS) !== KIND.text) return false;
		// Names of Python 2 are read as those of Python 3, which is for the reader.
		if (isOldModule(textAt(module))) return false;
		return this.#push(((this.#names.push([module, own]) - 1) << 4) | KIND.name);
	}

	#keep(place: number): boolean {
		if (place !== this.#remembered || place >= PLACES || this.#height <= this.#floor()) return false;
		memo[place] = stack[this.#height - 1] as number;
		this.#remembered += 1;
		return true;
	}

	#again(place: number): boolean {
		if (place >= this.#remembered) return false;
		const thing = memo[place] as number;
		const kind = thing & KINDS;
		if (kind === KIND.text) return lengthOf(thing) <= SHARED_TEXT && this.#push(thing);
		if (kind === KIND.tuple || kind === KIND.object) {
			this.#shared += 1;
			return this.#shared <= SHARED && this.#push(thing);
		}
		// A list or dict may have changed since.
		return (kind === KIND.name || kind === KIND.scalar || kind === KIND.none) && this.#push(thing);
	}

	/** Sets keys of what lies on top; keys and values lie above it, up to `end`. */
	#enter(end: number): boolean {
		const from = this.#height;
		const top = this.#top();
		if (top === KIND.object) return (end - from) % 2 === 0;
		if ((top !== KIND.dict && top !== KIND.oddDict) || (end - from) % 2 === 1) return false;
		for (let at = from; at < end; at += 2) {
			const key = stack[at] as number;
			if ((key & KINDS) !== KIND.text) stack[from - 1] = KIND.oddDict;
			else if (from === 1) this.#member(key, stack[at + 1] as number);
		}
		return true;
	}

	#member(key: number, value: number): void {
		const length = lengthOf(key);
		if (length < 2 || length > 6) return;
		switch (textAt(key)) {
			case 'id':
				this.#id = value;
				break;
			case 'func':
				this.#func = value;
				break;
			case 'group':
				this.#group = value;
				break;
			case 'args':
				this.#args = value;
				break;
			case 'kwargs':
				this.#kwargs = value;
				break;
		}
	}
}

function takesItems(kind: number): boolean {
	return kind === KIND.list || kind === KIND.set || kind === KIND.object;
}

function startOf(text: number): number {
	return text >>> 17;
}

function lengthOf(text: number): number {
	return (text >>> 4) & (TEXT_LENGTH - 1);
}

function textAt(text: number): string {
	const start = startOf(text);
	return pickle.toString('utf8', start, start + lengthOf(text));
}
