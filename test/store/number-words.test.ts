/** Numbers as ranges that an index can be asked for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { CompareOp } from '#main/domain/query.ts';
import { rangesOf, rangesThat } from '#main/store/number-words.ts';

const OPS: readonly CompareOp[] = ['=', '<', '<=', '>', '>='];
/** Where ranges begin and end, and a step beside that. */
const EDGES = [2 ** -16, 2 ** 48, 1, 2, 1024, 999.9, 1 + 1 / 128, Number.MAX_VALUE, Number.MIN_VALUE, Infinity, 0, -0];
const amount = fc.oneof(
	fc.double({ noNaN: true }),
	fc.integer(),
	fc.constantFrom(...EDGES.flatMap((edge) => [edge, -edge, edge * (1 + Number.EPSILON), edge * (1 - Number.EPSILON)])),
	fc.tuple(fc.integer({ min: -20, max: 52 }), fc.integer({ min: 0, max: 256 })).map(([e, m]) => 2 ** e * (1 + m / 256)),
);

function holds(op: CompareOp, a: number, b: number): boolean {
	if (op === '=') return a === b;
	if (op === '<') return a < b;
	if (op === '<=') return a <= b;
	return op === '>' ? a > b : a >= b;
}

describe('ranges of numbers', () => {
	it('give every number that compares so a word that is asked for', () => {
		fc.assert(
			fc.property(fc.constantFrom(...OPS), amount, amount, (op, a, b) => {
				if (!holds(op, a, b)) return;
				const asked = new Set(rangesThat(op, b));
				expect({ op, a, b, found: rangesOf(a).some((word) => asked.has(word)) }).toMatchObject({ found: true });
			}),
			{ numRuns: 5_000 },
		);
	});

	it('leave out what is a hundredth away, so that few rows are proposed in vain', () => {
		for (const edge of [0.02, 7, 999.9, 4_711, 1e12]) {
			for (const [op, below] of [
				['>', 0.99],
				['<', 1.01],
				['=', 0.99],
			] as const) {
				const asked = new Set(rangesThat(op, edge));
				expect({ edge, op, found: rangesOf(edge * below).some((word) => asked.has(word)) }).toMatchObject({
					found: false,
				});
			}
		}
	});

	it('are never many, whatever is asked', () => {
		fc.assert(
			fc.property(fc.constantFrom(...OPS), amount, (op, edge) => {
				expect(rangesThat(op, edge).length).toBeLessThanOrEqual(128 + 131);
			}),
		);
		expect(rangesOf(Number.NaN)).toEqual([]);
	});
});
