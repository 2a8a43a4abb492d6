/**
 * Numbers as words of an index that knows equality only: each number has the narrow range and the wide range that it lies in, so that
 * whatever is above or below a number is a few ranges. Ranges grow with the numbers: a doubling is one wide range, of 128 narrow ones.
 */
import type { CompareOp } from '#main/domain/query.ts';

const NARROW = 128;
/** Doublings from 2^-16 to 2^48; what is nearer to zero, and what is further away, is one range each. */
const LOWEST = -16;
const HIGHEST = 48;
const WIDE = HIGHEST - LOWEST;
const LAST = WIDE * NARROW + 1;

/** The ranges that a number lies in, as words; none for what is not a number. */
export function rangesOf(amount: number): readonly string[] {
	if (Number.isNaN(amount)) return [];
	const narrow = narrowOf(amount);
	return [narrowWord(narrow), wideWord(wideOf(narrow))];
}

/** Words of which every number that compares so has one. Others may have one too: the ends of ranges are not compared. */
export function rangesThat(op: CompareOp, amount: number): readonly string[] {
	const edge = narrowOf(amount);
	if (op === '=') return [narrowWord(edge)];
	const step = op === '>' || op === '>=' ? 1 : -1;
	const words: string[] = [];
	const wide = wideOf(edge);
	for (let narrow = edge; Math.abs(narrow) <= LAST && wideOf(narrow) === wide; narrow += step) {
		words.push(narrowWord(narrow));
	}
	for (let next = wide + step; Math.abs(next) <= WIDE + 1; next += step) words.push(wideWord(next));
	return words;
}

const bits = new DataView(new ArrayBuffer(8));

/** The number of the narrow range; never falls where numbers rise. */
function narrowOf(amount: number): number {
	// By its bits: a logarithm is rounded, and would put what lies close to a power of two on either side of it.
	bits.setFloat64(0, Math.abs(amount));
	const high = bits.getUint32(0);
	const exponent = (high >>> 20) - 1_023;
	if (exponent < LOWEST) return 0;
	const rank = exponent >= HIGHEST ? LAST : 1 + (exponent - LOWEST) * NARROW + ((high >>> 13) & (NARROW - 1));
	return amount < 0 ? -rank : rank;
}

function wideOf(narrow: number): number {
	return narrow === 0 ? 0 : Math.sign(narrow) * (1 + Math.floor((Math.abs(narrow) - 1) / NARROW));
}

function narrowWord(narrow: number): string {
	return `<${narrow}`;
}

function wideWord(wide: number): string {
	return `<<${wide}`;
}
