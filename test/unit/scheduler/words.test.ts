import { describe, expect, it } from 'vitest';
import { describeCron, describeTiming, readInterval } from '#main/scheduler/words.ts';

describe('a cron expression in words', () => {
	it.each([
		['0 9 * * 1-5', 'every weekday at 09:00'],
		['30 2 * * *', 'every day at 02:30'],
		['* * * * *', 'every minute'],
		['*/5 * * * *', 'every 5 minutes'],
		['*/10 * * * * *', 'every 10 seconds'],
		['0 * * * *', 'every hour at :00'],
		['15,45 9-17 * * MON-FRI', 'every hour at :15 and :45 from 09:00 to 17:59, every weekday'],
		['0 6 1 * *', 'on the 1st of the month at 06:00'],
		['0 0 1 1 *', 'on the 1st of January at 00:00'],
		['0 8,18 * * SAT,SUN', 'every Saturday and Sunday at 08:00 and 18:00'],
		['0 12 13 * 5', 'on the 13th of the month and every Friday at 12:00'],
		['0 0 L * *', 'on the last day of the month at 00:00'],
		['1-59/7 3 * * *', 'cron 1-59/7 3 * * *'],
	])('%s is %s', (expression, words) => {
		expect(describeCron(expression)).toBe(words);
	});
});

describe('a timing in words', () => {
	it('names the zone where it matters, and the bounds', () => {
		const base = { zone: 'Europe/London', startAt: null, endAt: null, jitterMs: 0 };
		expect(describeTiming({ ...base, recurrence: { kind: 'cron', expression: '0 9 * * 1-5' } })).toBe(
			'every weekday at 09:00, Europe/London',
		);
		expect(describeTiming({ ...base, recurrence: { kind: 'every', count: 30, unit: 'seconds', align: 'clock' } })).toBe(
			'every 30 seconds',
		);
		expect(
			describeTiming({ ...base, recurrence: { kind: 'once', at: Date.UTC(2026, 11, 24, 18, 0) }, endAt: null }),
		).toBe('once, 24 Dec 2026, 18:00, Europe/London');
	});
});

describe('an interval in words', () => {
	it('is read with or without "every", long or short', () => {
		for (const text of ['5 seconds', 'every 5 seconds', '5s', '5 second', '5seconds']) {
			expect(readInterval(text), text).toEqual({ ok: true, value: { count: 5, unit: 'seconds' } });
		}
		expect(readInterval('hour')).toEqual({ ok: true, value: { count: 1, unit: 'hours' } });
		expect(readInterval('2 weeks')).toEqual({ ok: true, value: { count: 2, unit: 'weeks' } });
	});

	it('is refused with what may be written', () => {
		for (const text of ['', '5', 's', '0 seconds', '5 fortnights', '-5 seconds', '1.5 hours']) {
			const read = readInterval(text);
			expect(read.ok ? '' : read.error.message, text).toContain('seconds, minutes, hours, days, weeks');
		}
	});
});
