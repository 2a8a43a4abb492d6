import { Cron } from 'croner';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextCron, readCron } from '#main/scheduler/cron.ts';
import { clockChanges } from '#main/scheduler/zones.ts';
import { ZONES } from '#test/support/zones.ts';

const LONG = process.env.WARREN_LONG !== undefined;

function next(expression: string, zone: string, after: string | number): string | null {
	const rule = readCron(expression);
	if (!rule.ok) throw new Error(rule.error.message);
	const due = nextCron(rule.value, zone, typeof after === 'string' ? Date.parse(after) : after);
	return due === null ? null : new Date(due).toISOString();
}

const number = (min: number, max: number) => fc.integer({ min, max }).map(String);
const range = (min: number, max: number) =>
	fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`);
const field = (min: number, max: number, extra: readonly string[] = []) => {
	const one = fc.oneof(
		number(min, max),
		range(min, max),
		number(1, 5).map((step) => `${min}-${max}/${step}`),
	);
	return fc.oneof(
		{ weight: 3, arbitrary: fc.constant('*') },
		{ weight: 3, arbitrary: number(min, max) },
		number(1, Math.min(max, 40)).map((step) => `*/${step}`),
		fc.array(one, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(',')),
		...extra.map((text) => fc.constant(text)),
	);
};
const expression = fc
	.tuple(
		fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, field(0, 59)),
		field(0, 59),
		field(0, 23),
		field(1, 31, ['L', 'LW', '15W', '1W', '31W', '30,L']),
		field(1, 12, ['FEB', 'JAN-MAR']),
		field(0, 7, ['MON-FRI', '1#2', '5#5', '5L', '+MON', '+0#1', 'SUN,3']),
	)
	.map((parts) => parts.filter((part) => part !== null).join(' '));

/** Often close to a clock change, where it is hard. */
const moment = (zone: string) => {
	const changes = clockChanges(zone, Date.parse('2024-01-01Z'), Date.parse('2028-01-01Z'));
	const any = fc.integer({ min: Date.parse('2024-01-01Z'), max: Date.parse('2027-12-31Z') });
	if (changes.length === 0) return any;
	const near = fc
		.tuple(fc.constantFrom(...changes), fc.integer({ min: -4 * 3_600_000, max: 3 * 3_600_000 }))
		.map(([change, by]) => change.at + by);
	return fc.oneof(any, near);
};

describe('a cron expression', () => {
	it('is due when croner says so, whatever it says', { timeout: LONG ? 1_200_000 : 60_000 }, () => {
		fc.assert(
			fc.property(
				expression,
				fc.constantFrom(...ZONES).chain((zone) => fc.tuple(fc.constant(zone), moment(zone))),
				(text, [zone, after]) => {
					const rule = readCron(text);
					const reference = (): Cron =>
						new Cron(text, { timezone: zone, paused: true, mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' });
					if (!rule.ok) {
						expect(reference).toThrow();
						return;
					}
					const theirs = reference().nextRun(new Date(after))?.getTime() ?? null;
					expect(nextCron(rule.value, zone, after), `${text} ${zone} ${new Date(after).toISOString()}`).toBe(theirs);
				},
			),
			{ numRuns: LONG ? 20_000 : 300 },
		);
	});

	it('that names a time of day happens once a day: right after a gap, and the first time where it comes twice', () => {
		expect(next('30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z')).toBe('2026-03-29T01:00:00.000Z');
		expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-24T12:00:00Z')).toBe('2026-10-25T00:30:00.000Z');
		expect(next('30 2 * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z')).toBe('2026-10-26T01:30:00.000Z');
		// Also as one of several.
		expect(next('30 2,14 * * *', 'Europe/Berlin', '2026-03-28T14:00:00Z')).toBe('2026-03-29T01:00:00.000Z');
	});

	it('with a wildcard in its time runs through the hour that comes twice, and skips the one that never was', () => {
		expect(next('*/30 * * * *', 'Europe/Berlin', '2026-10-25T00:30:00Z')).toBe('2026-10-25T01:00:00.000Z');
		expect(next('*/30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z')).toBe('2026-03-30T00:00:00.000Z');
	});

	it('that names no date that will ever be is never due, and says so at once the second time', () => {
		for (const never of ['0 0 31 2 *', '0 0 30 FEB *', '0 0 31 4,6,9,11 *', '0 0 29 2 +MON#1']) {
			expect(next(never, 'Europe/Berlin', '2026-01-01T00:00:00Z'), never).toBeNull();
			expect(next(never, 'UTC', '2030-01-01T00:00:00Z'), never).toBeNull();
		}
		expect(next('0 0 29 2 *', 'UTC', '2096-03-01T00:00:00Z')).toBe('2104-02-29T00:00:00.000Z');
	});

	it('has a nickname, and names of months and days', () => {
		expect(next('@hourly', 'UTC', '2026-01-01T00:30:00Z')).toBe('2026-01-01T01:00:00.000Z');
		expect(next('0 6 * JUN TUE', 'UTC', '2026-01-01T00:00:00Z')).toBe('2026-06-02T06:00:00.000Z');
	});
});
