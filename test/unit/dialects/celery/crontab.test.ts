import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	CRONTAB_FIELDS,
	type CrontabField,
	cronOfCrontab,
	crontabOfCron,
	expandField,
} from '#main/dialects/celery/crontab.ts';
import { readJson } from '#main/dialects/json/read.ts';
import type { Value } from '#main/domain/value.ts';
import { nextDue } from '#main/scheduler/recurrence.ts';
import { askCelery } from '#test/support/celery/oracle.ts';
import { RUNS } from '../values.ts';

const NEVER_RAN = { lastRunAt: null, createdAt: 0 };

function value(json: unknown): Value {
	const read = readJson(JSON.stringify(json));
	if (!read.ok) throw new Error(read.error.message);
	return read.value;
}

function cron(fields: Readonly<Record<string, unknown>>): string {
	const made = cronOfCrontab(Object.fromEntries(Object.entries(fields).map(([key, text]) => [key, value(text)])));
	return made.ok ? made.value : made.error.message;
}

function refusal(expression: string): string {
	const read = crontabOfCron(expression);
	return read.ok ? '' : read.error.message;
}

/** Texts close to what a crontab field may be. */
const PIECE = fc.oneof(
	fc.integer({ min: -2, max: 70 }).map(String),
	fc.constantFrom('*', 'mon', 'MON', 'Sunday', 'sunshine', 'fri', 'jan', '', '+3', '1_0', ' 5', '007', '2.5', '?', 'L'),
);
const PART = fc.oneof(
	PIECE,
	fc.tuple(PIECE, PIECE).map(([from, to]) => `${from}-${to}`),
	fc.tuple(PIECE, PIECE).map(([from, step]) => `${from}/${step}`),
	fc.tuple(PIECE, PIECE, PIECE).map(([from, to, step]) => `${from}-${to}/${step}`),
	fc.tuple(PIECE, fc.constantFrom(' ', '\n', ' x', '-', '/', '-1-2', '-3 4', '*', '#2', 'w')).map(([a, b]) => a + b),
);
const FIELD_TEXT = fc.array(PART, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(','));
const FIELD_VALUE = fc.oneof(
	{ weight: 6, arbitrary: FIELD_TEXT },
	{
		weight: 1,
		arbitrary: fc.oneof(
			fc.integer({ min: -2, max: 70 }),
			fc.array(fc.integer({ min: -1, max: 61 }), { maxLength: 4 }),
			fc.boolean(),
			fc.constant(null),
			fc.constant(1.5),
		),
	},
);

/** Fields that Celery takes, restricted enough to be interesting. */
function good(least: number, most: number, names: readonly string[] = []): fc.Arbitrary<string> {
	const number = fc.oneof(
		fc.integer({ min: least, max: most }).map(String),
		...(names.length > 0 ? [fc.constantFrom(...names)] : []),
	);
	const part = fc.oneof(
		number,
		fc.tuple(number, number).map(([from, to]) => `${from}-${to}`),
		fc.tuple(number, number, fc.integer({ min: 1, max: 9 })).map(([from, to, step]) => `${from}-${to}/${step}`),
		fc.integer({ min: 1, max: 15 }).map((step) => `*/${step}`),
	);
	return fc.oneof(
		fc.constant('*'),
		fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(',')),
	);
}
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'Sunday', 'monday', 'FRI'];
const CRONTAB = fc.record({
	minute: good(0, 59),
	hour: good(0, 23),
	day_of_week: good(0, 6, DAYS),
	day_of_month: good(1, 28),
	month_of_year: good(1, 12),
});

describe("Celery's crontab as cron", () => {
	it('keeps the text of what both read alike', () => {
		const fields = { minute: '*/5', hour: '8-18', day_of_week: 'mon-fri' };
		expect(cron(fields)).toBe('*/5 8-18 * * mon-fri');
		expect(cron({ minute: '0', hour: '4' })).toBe('0 4 * * *');
		expect(cron({ minute: '0', hour: '0', day_of_week: 'fri-sun' })).toBe('0 0 * * fri-sun');
	});

	it('spells out what cron would read otherwise', () => {
		expect(cron({ minute: '50-10/5', hour: '22-2' })).toBe('0,5,10,50,55 0-2,22,23 * * *');
		expect(cron({ minute: 'mon', hour: 7 })).toBe('1 7 * * *');
		expect(cron({ minute: [0, 15, 30], hour: '*', day_of_week: 'monday' })).toBe('0,15,30 * * * 1');
		expect(cron({ minute: '0', hour: '0', day_of_week: 'sun-sun' })).toBe('0 0 * * 0');
	});

	it('says that both days have to fit, where cron would take either', () => {
		expect(cron({ minute: '0', hour: '9', day_of_month: '1-7', day_of_week: 'mon' })).toBe('0 9 1-7 * +mon');
		expect(cron({ minute: '0', hour: '9', day_of_month: '1-31', day_of_week: 'mon' })).toBe('0 9 * * mon');
		expect(cron({ minute: '0', hour: '9', day_of_month: '1', day_of_week: '0-6' })).toBe('0 9 1 * *');
	});

	it('refuses a day that never comes', () => {
		expect(cron({ day_of_month: '30,31', month_of_year: '2' })).toContain('would never run');
		expect(cron({ day_of_month: '29', month_of_year: '2' })).toBe('* * 29 2 *');
	});

	it('says what is wrong and what would be right', () => {
		expect(cron({ minute: '60' })).toBe('minute is 60; it goes from 0 to 59.');
		expect(cron({ day_of_week: '7' })).toContain("Celery's Sunday is 0.");
		expect(cron({ hour: '*/0' })).toContain('a step is a number from 1');
		expect(cron({ month_of_year: 'jan' })).toContain('Celery cannot read "jan"');
		expect(cron({ minute: [] })).toContain('an empty list');
		expect(cron({ minute: null })).toContain('of type none');
	});
});

describe("cron as Celery's crontab", () => {
	it('is field by field the same text', () => {
		const read = crontabOfCron('*/5  8-18 1-7 * +mon-fri');
		expect(read.ok && read.value).toEqual({
			minute: '*/5',
			hour: '8-18',
			day_of_month: '1-7',
			month_of_year: '*',
			day_of_week: 'mon-fri',
		});
	});

	it('refuses what Celery has not, and says what to write', () => {
		expect(refusal('@daily')).toContain('five fields');
		expect(refusal('0 */5 * * * *')).toContain('leave the seconds out');
		expect(refusal('0 0 1 JAN *')).toContain('write 1 for JAN');
		expect(refusal('0 0 * * 7')).toContain("Celery's Sunday is 0");
		expect(refusal('0 0 L * *')).toContain('nothing like "L"');
		expect(refusal('0 0 * * fri#2')).toContain('write 5');
		expect(refusal('5/15 * * * *')).toContain('write 5-59/15');
		expect(refusal('0 0 1 * mon')).toContain('write +mon');
		expect(refusal('0 0 31 2,4 *')).toContain('never run');
		expect(refusal('50-10 * * * *')).toContain('two ranges');
		expect(refusal('* * *')).toContain('this has 3');
	});

	it('is read back as it was written', () => {
		const field = (most: number, least = 0) => good(least, most).filter((text) => !/(\d+)-(\d+)/.test(text));
		const expression = fc
			.tuple(field(59), field(23), field(28, 1), field(12, 1), fc.constantFrom('*', 'mon-fri', '0', '1,3'))
			.map(([minute, hour, day, month, weekday]) => {
				return `${minute} ${hour} ${day} ${month} ${day === '*' || weekday === '*' ? weekday : `+${weekday}`}`;
			});
		fc.assert(
			fc.property(expression, (text) => {
				const read = crontabOfCron(text);
				fc.pre(read.ok);
				// A day of the month that is no restriction leaves the weekday alone.
				fc.pre(!/\*\/1\b/.test(text));
				expect(read.ok && cron(read.value)).toBe(text);
			}),
			{ numRuns: RUNS },
		);
	});
});

describe("beside Debian's Celery", () => {
	it('takes and refuses the same fields, and expands them to the same numbers', () => {
		const cases = fc.sample(fc.tuple(fc.constantFrom(...CRONTAB_FIELDS), FIELD_VALUE), RUNS * 20);
		const { fields } = askCelery({ fields: cases.map(([field, given]) => ({ field, value: given })) });
		const taken = fields.filter(({ error }) => error === undefined).length;
		expect(taken).toBeGreaterThan(cases.length / 20);
		expect(taken).toBeLessThan(cases.length - cases.length / 20);
		for (const [index, [field, given]] of cases.entries()) {
			const ours = expandField(field as CrontabField, value(given));
			const theirs = fields[index];
			// Celery takes an empty list and a fraction, and then raises when it looks for the next run.
			if (theirs?.ok !== undefined && (theirs.ok.length === 0 || given === 1.5)) {
				expect(ours.ok, JSON.stringify([field, given])).toBe(false);
				continue;
			}
			expect(ours.ok ? [...ours.value].sort((a, b) => a - b) : 'refused', JSON.stringify([field, given])).toEqual(
				theirs?.ok ?? 'refused',
			);
		}
	});

	it('finds the same due times as remaining_estimate', () => {
		const day = 86_400;
		const after = 1_772_323_200; // 2026-03-01T00:00:00Z
		const cases = fc.sample(fc.tuple(CRONTAB, fc.integer({ min: 0, max: 400 * day })), RUNS);
		const { following } = askCelery({
			following: cases.map(([crontab, offset]) => ({ crontab, after: after + offset, count: 4 })),
		});
		for (const [index, [crontab, offset]] of cases.entries()) {
			const expression = cron(crontab);
			const recurrence = { kind: 'cron', expression } as const;
			const timing = { recurrence, zone: 'UTC', startAt: null, endAt: null, jitterMs: 0 };
			const times: number[] = [];
			for (let at = (after + offset) * 1_000; times.length < 4; ) {
				const due = nextDue(timing, at, NEVER_RAN);
				if (due === null) break;
				times.push(due / 1_000);
				at = due;
			}
			expect(times, `${JSON.stringify(crontab)} as ${expression}`).toEqual(following[index]?.ok);
		}
	});

	it('accepts every field that is written for it', () => {
		const expression = fc
			.tuple(good(0, 59), good(0, 23), good(1, 31), good(1, 12), good(0, 6, ['sun', 'mon', 'FRI']))
			.map(([minute, hour, day, month, weekday]) => `${minute} ${hour} ${day} ${month} +${weekday}`);
		const written = fc.sample(expression, RUNS * 3).flatMap((text) => {
			const read = crontabOfCron(text);
			return read.ok ? [{ text, crontab: read.value }] : [];
		});
		expect(written.length).toBeGreaterThan(RUNS / 2);
		const { following } = askCelery({
			following: written.map(({ crontab }) => ({ crontab, after: 1_800_000_000, count: 1 })),
		});
		for (const [index, { text }] of written.entries()) expect(following[index]?.words, text).toBeUndefined();
	});
});
