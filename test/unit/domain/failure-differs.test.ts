import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chiSquareTail } from '#main/domain/chi-square.ts';
import { type ComparedRun, differences } from '#main/domain/failure-differs.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import type { Value } from '#main/domain/value.ts';
import { randomFrom } from '#test/support/deployment.ts';

const RUNS = process.env.WARREN_LONG === undefined ? 15 : 1_000;
const str = (value: string): Value => ({ kind: 'str', value });
const int = (value: number): Value => ({ kind: 'int', text: String(value) });

interface Facts {
	readonly queue: string;
	readonly worker: string;
	readonly attempt: number;
	readonly hour: number;
	readonly runtime: number;
	readonly country: string;
	readonly amount: number;
	readonly id: number;
}

/** Facts that have nothing to do with how a run ends. */
function factsOf(next: () => number, id: number): Facts {
	const below = (count: number) => Math.floor(next() * count);
	return {
		queue: `q${below(4)}`,
		worker: `w${below(12)}`,
		attempt: 1 + below(3),
		hour: below(24),
		runtime: 10 ** (next() * 6),
		country: `c${below(30)}`,
		amount: below(100_000),
		id,
	};
}

function runOf(facts: Facts, failed: boolean): ComparedRun {
	const startedAt = new Date(2026, 10, 20, facts.hour).getTime();
	return {
		failed,
		queue: facts.queue,
		worker: facts.worker,
		priority: null,
		attempt: facts.attempt,
		publishedAt: startedAt - 50,
		startedAt,
		runtimeMs: facts.runtime,
		call: {
			args: [int(facts.id)],
			kwargs: [
				[
					'order',
					{
						kind: 'dict',
						entries: [
							[str('country'), str(facts.country)],
							[str('amount'), int(facts.amount)],
						],
					},
				],
			],
		},
	};
}

/** Runs of which `odds` says how likely each fails. */
function made(seed: number, count: number, odds: (facts: Facts) => number): readonly ComparedRun[] {
	const next = randomFrom(seed);
	return Array.from({ length: count }, (_, id) => {
		const facts = factsOf(next, id);
		return runOf(facts, next() < odds(facts));
	});
}

describe('what chance alone gives', () => {
	it.each([
		[3.841459, 1, 0.05],
		[5.991465, 2, 0.05],
		[18.307038, 10, 0.05],
		[36.415029, 24, 0.05],
		[10.827566, 1, 0.001],
		[0.710723, 4, 0.95],
		[100, 1, 1.523971e-23],
		[200, 2, 3.720076e-44],
	])('is, for %d at %d degrees of freedom, as the tables have it', (value, df, tail) => {
		expect(chiSquareTail(value, df) / tail).toBeCloseTo(1, 4);
	});

	it('falls as the value grows, from 1 to nothing', () => {
		fc.assert(
			fc.property(fc.integer({ min: 1, max: 60 }), fc.double({ min: 0, max: 500, noNaN: true }), (df, value) => {
				const [here, further] = [chiSquareTail(value, df), chiSquareTail(value + 1, df)];
				expect(here).toBeLessThanOrEqual(1);
				expect(further).toBeGreaterThanOrEqual(0);
				expect(further).toBeLessThanOrEqual(here + 1e-12);
			}),
		);
		expect(chiSquareTail(0, 3)).toBe(1);
		expect(chiSquareTail(5_000, 1)).toBe(0);
	});
});

describe('what differs between failing and succeeding runs', () => {
	it.each<[string, (facts: Facts) => boolean]>([
		['queue', (facts) => facts.queue === 'q2'],
		['worker', (facts) => facts.worker === 'w3'],
		['attempt', (facts) => facts.attempt === 3],
		['hour', (facts) => facts.hour === 4],
		['runtime', (facts) => facts.runtime > 10_000],
		['kwargs.order.country', (facts) => facts.country === 'c7'],
		['kwargs.order.amount', (facts) => facts.amount >= 75_000],
	])('begins with %s where that is what makes runs fail more often', (field, bad) => {
		fc.assert(
			fc.property(fc.nat(), fc.double({ min: 0, max: 0.25, noNaN: true }), (seed, noise) => {
				const found = differences(made(seed, 1_500, (facts) => (bad(facts) ? 0.9 : noise)));
				expect(found.items[0]?.field).toBe(field);
			}),
			{ numRuns: RUNS, seed: 7 },
		);
	});

	it('is nothing where nothing differs, but for what is allowed to chance', () => {
		let found = 0;
		for (let seed = 1; seed <= RUNS * 5; seed += 1) {
			const share = [0.03, 0.3, 0.8][seed % 3] ?? 0;
			found += differences(made(seed, [60, 600, 2_000][seed % 3] ?? 0, () => share)).items.length > 0 ? 1 : 0;
		}
		// A comparison in a thousand may err. Three more than expected is past what that allows.
		expect(found).toBeLessThanOrEqual(Math.ceil(RUNS * 5 * 0.001) + 3);
	});

	it('says of each value in how many runs it was, and how to ask for it', () => {
		const { items } = differences(made(3, 2_000, (facts) => (facts.country === 'c7' ? 1 : 0)));
		const [first] = items;
		const value = first?.values[0];
		expect(value).toMatchObject({ text: '"c7"', succeeding: 0, failing: first?.failing });
		expect(first?.explains).toBeCloseTo(1, 9);
		expect(value?.query).toBe('kwargs.order.country:"c7"');
		expect(parseQuery(value?.query ?? '', 0).ok).toBe(true);
	});

	it('tells an argument that is not there from one that is', () => {
		const runs = made(5, 400, () => 0).map((run, at): ComparedRun => {
			const failed = at % 4 === 0;
			return { ...run, failed, call: { args: [], kwargs: failed ? [] : [['coupon', str(`x${at}`)]] } };
		});
		expect(differences(runs).items[0]).toMatchObject({
			field: 'kwargs.coupon',
			values: [
				{ text: '(not there)', failing: 100, succeeding: 0, query: null },
				{ text: '(another)', succeeding: 300 },
			],
		});
	});

	it('is not asked of too few, and leaves out what nobody knows', () => {
		const few = made(1, 100, () => 0).map((run, at) => ({ ...run, failed: at < 9 }));
		expect(differences(few)).toEqual({ items: [], tested: 0, enough: false });
		const blank = Array.from({ length: 200 }, (_, at) => ({
			...{ failed: at % 2 === 0, queue: null, worker: null, priority: null, attempt: 1 },
			...{ publishedAt: null, startedAt: null, runtimeMs: null, call: null },
		}));
		expect(differences(blank)).toEqual({ items: [], tested: 0, enough: true });
	});

	it('does not depend on the order of the runs, and counts every run once', () => {
		fc.assert(
			fc.property(fc.nat(), fc.integer({ min: 0, max: 500 }), (seed, count) => {
				const runs = made(seed, count, (facts) => (facts.queue === 'q1' ? 0.8 : 0.2));
				const found = differences(runs);
				expect(differences(runs.toReversed())).toEqual(found);
				for (const one of found.items) {
					expect(one.failing + one.succeeding).toBeLessThanOrEqual(count);
					expect(one.explains).toBeLessThanOrEqual(1);
					expect(one.values.reduce((sum, value) => sum + value.failing, 0)).toBeLessThanOrEqual(one.failing);
				}
			}),
			{ numRuns: RUNS },
		);
	});
});
