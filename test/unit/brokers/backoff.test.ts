import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reconnectDelay, refusedDelay } from '#main/brokers/backoff.ts';

describe('waiting before the next attempt', () => {
	it('doubles from half a second to half a minute', () => {
		expect([1, 2, 3, 4, 5, 6, 7, 8, 1000].map((attempt) => reconnectDelay(attempt, 0.5))).toEqual([
			500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
		]);
	});

	it('strays by a fifth at most, and never over half a minute', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 10_000 }),
				fc.double({ min: 0, max: 1, noNaN: true }),
				(attempt, random) => {
					const middle = reconnectDelay(attempt, 0.5);
					const delay = reconnectDelay(attempt, random);
					expect(delay).toBeGreaterThanOrEqual(middle * 0.8 - 1);
					expect(delay).toBeLessThanOrEqual(Math.min(30_000, middle * 1.2 + 1));
				},
			),
		);
	});

	it('is about half a minute after a refusal', () => {
		expect(refusedDelay(0)).toBe(27_000);
		expect(refusedDelay(1)).toBe(33_000);
	});
});
