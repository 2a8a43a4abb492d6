import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IntervalUnit, Recurrence, Timing } from '#main/domain/timing.ts';
import { readCron } from '#main/scheduler/cron.ts';
import { checkTiming, jitterOf, nextDue, type RunFacts, upcoming } from '#main/scheduler/recurrence.ts';
import { clockChanges, instantOf, localAt } from '#main/scheduler/zones.ts';
import { ZONES } from '#test/support/zones.ts';

const LONG = process.env.WARREN_LONG !== undefined;
const never: RunFacts = { lastRunAt: null, createdAt: 0 };
const HOUR = 3_600_000;

function timing(recurrence: Recurrence, zone = 'UTC', more: Partial<Timing> = {}): Timing {
	return { recurrence, zone, startAt: null, endAt: null, jitterMs: 0, ...more };
}
const every = (count: number, unit: IntervalUnit, align: 'clock' | 'last-run' = 'clock'): Recurrence => ({
	kind: 'every',
	count,
	unit,
	align,
});
const cron = (expression: string): Recurrence => ({ kind: 'cron', expression });
const runs = (one: Timing, from: string, count: number, facts = never) =>
	upcoming(one, Date.parse(from), count, facts).map((run) => new Date(run.at).toISOString());

describe('an interval on the wall clock', () => {
	it('falls on round times, never on the moment it is asked at', () => {
		expect(runs(timing(every(15, 'minutes')), '2026-11-21T10:07:00Z', 2)).toEqual([
			'2026-11-21T10:15:00.000Z',
			'2026-11-21T10:30:00.000Z',
		]);
		expect(runs(timing(every(15, 'minutes')), '2026-11-21T10:15:00Z', 1)).toEqual(['2026-11-21T10:30:00.000Z']);
		expect(runs(timing(every(30, 'minutes'), 'Asia/Kathmandu'), '2026-11-21T10:00:00Z', 1)).toEqual([
			'2026-11-21T10:15:00.000Z',
		]);
	});

	it('runs through the hour that comes twice and skips the one that never was', () => {
		expect(runs(timing(every(1, 'hours'), 'Europe/Berlin'), '2026-10-24T23:30:00Z', 4)).toEqual([
			'2026-10-25T00:00:00.000Z',
			'2026-10-25T01:00:00.000Z',
			'2026-10-25T02:00:00.000Z',
			'2026-10-25T03:00:00.000Z',
		]);
		expect(runs(timing(every(2, 'hours'), 'Europe/Berlin'), '2026-03-28T22:30:00Z', 3)).toEqual([
			'2026-03-28T23:00:00.000Z',
			'2026-03-29T02:00:00.000Z',
			'2026-03-29T04:00:00.000Z',
		]);
	});

	it('keeps its wall-clock time over days and weeks, whatever the clocks do', () => {
		const start = Date.parse('2026-03-27T01:30:00Z'); // 02:30 in Berlin
		const daily = timing(every(1, 'days'), 'Europe/Berlin', { startAt: start });
		expect(runs(daily, '2026-03-26T00:00:00Z', 4)).toEqual([
			'2026-03-27T01:30:00.000Z',
			'2026-03-28T01:30:00.000Z',
			'2026-03-29T01:00:00.000Z', // 02:30 did not exist: right after the gap, 03:00
			'2026-03-30T00:30:00.000Z',
		]);
		expect(runs(timing(every(1, 'weeks')), '2026-11-21T00:00:00Z', 2)).toEqual([
			'2026-11-23T00:00:00.000Z',
			'2026-11-30T00:00:00.000Z',
		]);
	});
});

describe('an interval after the last run', () => {
	it('counts from the last run, or from its making when there was none', () => {
		const facts = { lastRunAt: Date.parse('2026-11-21T10:07:13Z'), createdAt: 0 };
		expect(runs(timing(every(10, 'minutes', 'last-run')), '2026-11-21T10:07:13Z', 2, facts)).toEqual([
			'2026-11-21T10:17:13.000Z',
			'2026-11-21T10:27:13.000Z',
		]);
		const made = { lastRunAt: null, createdAt: Date.parse('2026-11-21T10:00:01Z') };
		expect(runs(timing(every(10, 'minutes', 'last-run')), '2026-11-21T10:00:01Z', 1, made)).toEqual([
			'2026-11-21T10:10:01.000Z',
		]);
	});
});

describe('bounds', () => {
	it('hold: nothing before the start, nothing at or after the end', () => {
		const bounded = timing(every(1, 'hours'), 'UTC', {
			startAt: Date.parse('2026-01-01T10:00:00Z'),
			endAt: Date.parse('2026-01-01T12:00:00Z'),
		});
		expect(runs(bounded, '2025-01-01T00:00:00Z', 10)).toEqual(['2026-01-01T10:00:00.000Z', '2026-01-01T11:00:00.000Z']);
	});

	it('a single time runs once', () => {
		expect(runs(timing({ kind: 'once', at: 1_000 }), '1970-01-01T00:00:00Z', 5)).toEqual(['1970-01-01T00:00:01.000Z']);
	});
});

describe('any timing', () => {
	const recurrences = fc.oneof(
		fc.record({
			kind: fc.constant('every' as const),
			count: fc.integer({ min: 1, max: 500 }),
			unit: fc.constantFrom<IntervalUnit>('seconds', 'minutes', 'hours', 'days', 'weeks'),
			align: fc.constantFrom('clock' as const, 'last-run' as const),
		}),
		fc
			.constantFrom('* * * * *', '30 2 * * *', '*/7 */3 * * 1-5', '0 0 29 2 *', '15 30 2 * * *')
			.map((expression) => cron(expression)),
	);

	it('moves strictly forward: never two runs at one due time', () => {
		fc.assert(
			fc.property(
				recurrences,
				fc.constantFrom(...ZONES),
				fc.integer({ min: Date.parse('2024-01-01Z'), max: Date.parse('2027-12-31Z') }),
				(recurrence, zone, from) => {
					const list = upcoming(timing(recurrence, zone), from, 20, { lastRunAt: null, createdAt: from });
					let last = from;
					for (const run of list) {
						expect(run.at).toBeGreaterThan(last);
						last = run.at;
					}
				},
			),
			{ numRuns: LONG ? 20_000 : 300 },
		);
	});

	it('gives the same due times from wherever it is asked in between', () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 1, max: 90 }),
				fc.constantFrom<IntervalUnit>('seconds', 'minutes', 'hours', 'days', 'weeks'),
				fc.constantFrom(...ZONES),
				fc.integer({ min: Date.parse('2024-01-01Z'), max: Date.parse('2027-12-31Z') }),
				fc.double({ min: 0, max: 0.999, noNaN: true }),
				(count, unit, zone, from, where) => {
					const one = timing(every(count, unit), zone);
					const first = nextDue(one, from, never) as number;
					const second = nextDue(one, first, never) as number;
					const between = Math.floor(first + (second - first) * where);
					expect(nextDue(one, between, never)).toBe(second);
				},
			),
			{ numRuns: LONG ? 20_000 : 300 },
		);
	});
});

describe('days in every zone, through every clock change of 2024 to 2027', () => {
	it('match an oracle that walks the wall clock minute by minute', () => {
		const hours = LONG ? [0, 1, 2, 3, 23] : [2];
		for (const zone of ZONES) {
			const from = Date.parse('2024-01-01T00:00:00Z');
			for (const change of clockChanges(zone, from, Date.parse('2027-12-31T00:00:00Z'))) {
				for (const hour of hours) {
					const begin = change.at - 30 * HOUR;
					const end = change.at + 30 * HOUR;
					const expected = oracle(zone, hour, 30, begin, end);
					const daily = upcoming(timing(cron(`30 ${hour} * * *`), zone), begin, 5, never).map((run) => run.at);
					expect(
						daily.filter((at) => at < end),
						`${zone} ${hour}:30 around ${new Date(change.at).toISOString()}`,
					).toEqual(expected);
				}
			}
		}
	});
});

/** Appointments by brute force: the first minute of each local day that is at or past the wanted time. */
function oracle(zone: string, hour: number, minute: number, begin: number, end: number): readonly number[] {
	const DAY = 24 * HOUR;
	const wanted = hour * HOUR + minute * 60_000;
	const done = new Set<number>();
	const found: number[] = [];
	for (let at = begin - 26 * HOUR; at < end; at += 60_000) {
		const local = localAt(zone, at);
		const day = Math.floor(local / DAY);
		if (local - day * DAY < wanted || done.has(day)) continue;
		// The day has come to its time; later minutes of it, a repeated hour included, are past.
		done.add(day);
		if (at > begin && at - begin + 26 * HOUR >= 60_000) found.push(at);
	}
	return found.filter((at) => at > begin);
}

describe('wall-clock times', () => {
	it('are found as instants in every zone: once, twice, or right after the gap', () => {
		expect(instantOf('Europe/Berlin', Date.UTC(2026, 2, 29, 2, 30))).toEqual({
			kind: 'gap',
			instant: Date.UTC(2026, 2, 29, 1, 0),
		});
		expect(instantOf('Europe/Berlin', Date.UTC(2026, 9, 25, 2, 30))).toEqual({
			kind: 'fold',
			instant: Date.UTC(2026, 9, 25, 0, 30),
		});
		expect(instantOf('Australia/Lord_Howe', Date.UTC(2026, 9, 4, 2, 15)).kind).toBe('gap');
	});
});

describe('cron expressions', () => {
	it('are refused in words when they are none', () => {
		for (const bad of ['', '* * * *', '61 * * * *', '* * * * * * *', 'a b c d e', '*/0 * * * *', '5-1 * * * *']) {
			expect(readCron(bad).ok, bad).toBe(false);
		}
		expect(checkTiming(timing(cron('* * * * *'), 'Mars/Olympus')).ok).toBe(false);
	});
});

describe('jitter', () => {
	it('is the same for everybody, differs between due times, and stays within its bound', () => {
		expect(jitterOf('a', 1_000, 5_000)).toBe(jitterOf('a', 1_000, 5_000));
		const seen = new Set(Array.from({ length: 50 }, (_, n) => jitterOf('a', n * 60_000, 5_000)));
		expect(seen.size).toBeGreaterThan(40);
		for (const value of seen) expect(value).toBeLessThan(5_000);
	});
});
