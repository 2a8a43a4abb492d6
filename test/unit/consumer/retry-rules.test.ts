import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryDelay, ruleFor } from '#main/consumer/retry-rules.ts';
import type { RetryRule } from '#main/domain/consumer.ts';

const rule = (more: Partial<RetryRule> = {}): RetryRule => ({
	exceptions: ['*'],
	times: 3,
	delayMs: 1000,
	factor: 2,
	maxDelayMs: 60_000,
	jitter: 0,
	...more,
});
const failure = (type: string) => ({ type, message: '' });

describe('rules for retries', () => {
	it('match a type by its qualified name, by its last name, or whatever it is', () => {
		const rules = [rule({ exceptions: ['shop.errors.Busy'] }), rule({ exceptions: ['Timeout'] }), rule()];
		expect(ruleFor(rules, failure('shop.errors.Busy'))).toBe(rules[0]);
		expect(ruleFor(rules, failure('other.Busy'))).toBe(rules[2]);
		expect(ruleFor(rules, failure('requests.exceptions.Timeout'))).toBe(rules[1]);
		expect(ruleFor(rules.slice(0, 2), failure('KeyError'))).toBeNull();
	});

	it('decide by the first that matches, also when it says never', () => {
		expect(retryDelay([rule({ exceptions: ['KeyError'], times: 0 }), rule()], failure('KeyError'), 0, 0)).toBeNull();
	});

	it('wait longer each time, up to their longest delay, and end after their tries', () => {
		const rules = [rule({ times: 5, maxDelayMs: 5000 })];
		const delays = [0, 1, 2, 3, 4, 5].map((tries) => retryDelay(rules, failure('E'), tries, 0));
		expect(delays).toEqual([1000, 2000, 4000, 5000, 5000, null]);
	});

	it('leave no more than their share of the delay to chance', () => {
		fc.assert(
			fc.property(
				fc.double({ min: 0, max: 1, noNaN: true }),
				fc.double({ min: 0, max: 1, noNaN: true }),
				fc.integer({ min: 0, max: 2 }),
				(jitter, chance, tries) => {
					const full = 1000 * 2 ** tries;
					const delay = retryDelay([rule({ jitter })], failure('E'), tries, chance);
					expect(delay).toBeLessThanOrEqual(full);
					expect(delay).toBeGreaterThanOrEqual(Math.floor(full * (1 - jitter)));
				},
			),
		);
	});
});
