/** Patterns (`/time.?out/`) from text to a tree, or why they cannot be used. */

/** A pattern's tree. Code units are UTF-16's, compared by `canonical`. */
export type PatternNode =
	| { readonly kind: 'empty' }
	| { readonly kind: 'set'; readonly has: UnitSet }
	| { readonly kind: 'start' | 'end' | 'edge' | 'no-edge' }
	| { readonly kind: 'all' | 'either'; readonly parts: readonly PatternNode[] }
	| { readonly kind: 'repeat'; readonly part: PatternNode; readonly least: number; readonly most: number };

/** Whether a canonical code unit is in. */
export type UnitSet = (unit: number) => boolean;

const UNITS = 65_536;
let table: Uint16Array | null = null;

/** The code unit that stands for `unit` and its other case, as JavaScript's flag `i` has it. */
export function canonical(unit: number): number {
	if (unit < 128) return unit >= 97 && unit <= 122 ? unit - 32 : unit;
	table ??= Uint16Array.from({ length: UNITS }, (_, at) => upperOf(at));
	return table[unit] ?? unit;
}

function upperOf(unit: number): number {
	const upper = String.fromCharCode(unit).toUpperCase();
	const code = upper.charCodeAt(0);
	return upper.length !== 1 || (unit >= 128 && code < 128) ? unit : code;
}

/** Whether `\w` matches a code unit. */
export function isWordUnit(unit: number): boolean {
	return (unit >= 48 && unit <= 57) || (unit >= 65 && unit <= 90) || unit === 95 || (unit >= 97 && unit <= 122);
}

/** Code units from one to another, both included. */
type Range = readonly [number, number];

const DIGITS: readonly Range[] = [[48, 57]];
const WORDS: readonly Range[] = [...DIGITS, [65, 90], [95, 95], [97, 122]];
const LINE_ENDS: readonly Range[] = [
	[10, 10],
	[13, 13],
	[0x2028, 0x2029],
];
const SPACES: readonly Range[] = [
	[9, 13],
	[32, 32],
	[160, 160],
	[0x1680, 0x1680],
	[0x2000, 0x200a],
	[0x2028, 0x2029],
	[0x202f, 0x202f],
	[0x205f, 0x205f],
	[0x3000, 0x3000],
	[0xfeff, 0xfeff],
];

/** All that lies outside of ranges in order. */
function outside(ranges: readonly Range[]): readonly Range[] {
	const rest: Range[] = [];
	let from = 0;
	for (const [low, high] of ranges) {
		if (low > from) rest.push([from, low - 1]);
		from = high + 1;
	}
	return [...rest, [from, UNITS - 1]];
}

const CLASSES: Readonly<Record<string, readonly Range[]>> = {
	d: DIGITS,
	D: outside(DIGITS),
	w: WORDS,
	W: outside(WORDS),
	s: SPACES,
	S: outside(SPACES),
};
const CONTROLS: Readonly<Record<string, number>> = { n: 10, r: 13, t: 9, v: 11, f: 12, '0': 0 };

/** A set of the canonical units of all in the ranges. */
function setOf(ranges: readonly Range[], negated: boolean): UnitSet {
	const bits = new Uint8Array(UNITS / 8);
	for (const [low, high] of ranges) {
		for (let unit = low; unit <= high; unit += 1) {
			const at = canonical(unit);
			bits[at >> 3] = (bits[at >> 3] ?? 0) | (1 << (at & 7));
		}
	}
	return (unit) => ((((bits[unit >> 3] ?? 0) >> (unit & 7)) & 1) === 1) !== negated;
}

const KNOWN_SETS = new Map<string, UnitSet>();

function classSet(letter: string): UnitSet {
	let set = KNOWN_SETS.get(letter);
	if (set === undefined) {
		set = letter === '.' ? setOf(LINE_ENDS, true) : setOf(CLASSES[letter] ?? [], false);
		KNOWN_SETS.set(letter, set);
	}
	return set;
}

function unitSet(unit: number): UnitSet {
	const wanted = canonical(unit);
	return (one) => one === wanted;
}

/** How deep groups may lie in one another. */
const DEPTH = 50;
/** Highest count in braces. */
const MOST = 1_000;

/** Unwinds the descent; never leaves this file. */
class Refused extends Error {}

/** The tree of a pattern, or what is wrong with it. */
export function parsePattern(
	source: string,
): { readonly ok: true; readonly node: PatternNode } | { readonly ok: false; readonly problem: string } {
	try {
		return { ok: true, node: new PatternReader(source).read() };
	} catch (error) {
		if (error instanceof Refused) return { ok: false, problem: error.message };
		throw error;
	}
}

class PatternReader {
	readonly #text: string;
	#at = 0;
	#depth = 0;

	constructor(text: string) {
		this.#text = text;
	}

	read(): PatternNode {
		const node = this.#either();
		if (this.#at < this.#text.length) throw new Refused('This is not a valid pattern: a ) without its (.');
		return node;
	}

	#either(): PatternNode {
		const parts = [this.#all()];
		while (this.#take('|')) parts.push(this.#all());
		const only = parts[0];
		return parts.length === 1 && only !== undefined ? only : { kind: 'either', parts };
	}

	#all(): PatternNode {
		const parts: PatternNode[] = [];
		while (this.#at < this.#text.length && !/[|)]/.test(this.#text[this.#at] ?? '')) parts.push(this.#repeated());
		return { kind: 'all', parts };
	}

	#repeated(): PatternNode {
		if (this.#repeat() !== null) throw new Refused('This is not a valid pattern: there is nothing to repeat.');
		const part = this.#atom();
		const count = this.#repeat();
		if (count === null) return part;
		if (part.kind === 'start' || part.kind === 'end' || part.kind === 'edge' || part.kind === 'no-edge') {
			throw new Refused('This is not a valid pattern: there is nothing to repeat.');
		}
		const [least, most] = count;
		if (least > most) throw new Refused('This is not a valid pattern: the numbers in {} are the wrong way round.');
		if (least > MOST || (most !== Number.POSITIVE_INFINITY && most > MOST)) {
			throw new Refused(`A pattern may repeat something ${MOST} times at most, or any number of times.`);
		}
		return { kind: 'repeat', part, least, most };
	}

	/** `*`, `+`, `?`, `{2}`, `{2,}`, `{2,5}`, each also lazy, which makes no difference to whether something matches. */
	#repeat(): readonly [number, number] | null {
		const found = /^(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})\??/.exec(this.#text.slice(this.#at));
		if (found === null) return null;
		this.#at += found[0].length;
		const [, sign, low, comma, high] = found;
		if (sign !== undefined) return [sign === '+' ? 1 : 0, sign === '?' ? 1 : Number.POSITIVE_INFINITY];
		const least = Number(low);
		if (comma === undefined) return [least, least];
		return [least, high === '' ? Number.POSITIVE_INFINITY : Number(high)];
	}

	#atom(): PatternNode {
		const mark = this.#text[this.#at] ?? '';
		this.#at += 1;
		switch (mark) {
			case '^':
				return { kind: 'start' };
			case '$':
				return { kind: 'end' };
			case '.':
				return { kind: 'set', has: classSet('.') };
			case '(':
				return this.#group();
			case '[':
				return this.#brackets();
			case '\\':
				return this.#escape();
			default:
				return { kind: 'set', has: unitSet(mark.charCodeAt(0)) };
		}
	}

	#group(): PatternNode {
		if (/^\?<?[=!]/.test(this.#text.slice(this.#at))) {
			throw new Refused('Patterns may not look ahead or behind here: write what is to be found.');
		}
		const opening = /^\?(?::|<[A-Za-z_$][\w$]*>)/.exec(this.#text.slice(this.#at))?.[0];
		if (opening === undefined && this.#text[this.#at] === '?') {
			throw new Refused('This is not a valid pattern: after (? only : or a <name> may follow.');
		}
		this.#at += opening?.length ?? 0;
		this.#depth += 1;
		if (this.#depth > DEPTH) throw new Refused(`A pattern may have ${DEPTH} groups inside each other at most.`);
		const inner = this.#either();
		this.#depth -= 1;
		if (!this.#take(')')) throw new Refused('This is not a valid pattern: a ( without its ).');
		return inner;
	}

	#escape(): PatternNode {
		const letter = this.#text[this.#at] ?? '';
		if (letter === 'b' || letter === 'B') {
			this.#at += 1;
			return { kind: letter === 'b' ? 'edge' : 'no-edge' };
		}
		if (CLASSES[letter] !== undefined) {
			this.#at += 1;
			return { kind: 'set', has: classSet(letter) };
		}
		if (/[1-9k]/.test(letter)) throw new Refused('Patterns may not refer back to their own groups here.');
		return { kind: 'set', has: unitSet(this.#unit()) };
	}

	/** The code unit that an escape names; the backslash has been taken. */
	#unit(): number {
		const rest = this.#text.slice(this.#at);
		const coded = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4}))/.exec(rest);
		if (coded !== null) {
			this.#at += coded[0].length;
			return Number.parseInt(coded[1] ?? coded[2] ?? '', 16);
		}
		const letter = rest[0];
		if (letter === undefined) throw new Refused('This is not a valid pattern: \\ at its end.');
		this.#at += 1;
		const control = CONTROLS[letter];
		if (control !== undefined && !(letter === '0' && /^\d/.test(this.#text.slice(this.#at)))) return control;
		if (/[A-Za-z0-9]/.test(letter)) {
			throw new Refused(`\\${letter} means nothing in patterns here. For the letter itself, leave out the \\.`);
		}
		return letter.charCodeAt(0);
	}

	#brackets(): PatternNode {
		const negated = this.#take('^');
		const ranges: Range[] = [];
		while (!this.#take(']')) {
			const low = this.#member();
			const dash = this.#text[this.#at] === '-' && this.#text[this.#at + 1] !== ']' && this.#at + 1 < this.#text.length;
			if (!dash) {
				ranges.push(...(typeof low === 'number' ? [[low, low] as const] : low));
				continue;
			}
			this.#at += 1;
			const high = this.#member();
			if (typeof low !== 'number' || typeof high !== 'number') {
				throw new Refused('This is not a valid pattern: a range in [] goes from one letter to another.');
			}
			if (low > high) throw new Refused('This is not a valid pattern: a range in [] is the wrong way round.');
			ranges.push([low, high]);
		}
		return { kind: 'set', has: setOf(ranges, negated) };
	}

	#member(): number | readonly Range[] {
		const mark = this.#text[this.#at];
		if (mark === undefined) throw new Refused('This is not a valid pattern: a [ without its ].');
		this.#at += 1;
		if (mark !== '\\') return mark.charCodeAt(0);
		const letter = this.#text[this.#at] ?? '';
		const named = CLASSES[letter];
		if (named !== undefined || letter === 'b') this.#at += 1;
		return named ?? (letter === 'b' ? 8 : this.#unit());
	}

	#take(mark: string): boolean {
		if (this.#text[this.#at] !== mark) return false;
		this.#at += 1;
		return true;
	}
}
