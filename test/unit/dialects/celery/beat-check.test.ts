import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { beatProblems, metaProblems } from '#main/dialects/celery/beat-check.ts';
import type { BeatEffect } from '#main/dialects/celery/beat-types.ts';
import { readRule } from '#main/dialects/celery/redbeat-rule.ts';
import { readJson } from '#main/dialects/json/read.ts';
import type { Value } from '#main/domain/value.ts';
import { knowsZone } from '#main/scheduler/zones.ts';
import { askCelery } from '#test/support/celery/oracle.ts';
import { RUNS } from '../values.ts';

const WORLD = { knowsZone, now: 1_800_000_000_000 };

function value(text: string): Value {
	const read = readJson(text);
	if (!read.ok) throw new Error(read.error.message);
	return read.value;
}

/** What beat would do with these, worst first; `fine` where the task is sent or waits. */
function effects(definition: string, meta: string | null): readonly BeatEffect[] {
	const about = [
		...beatProblems(value(definition), 'ext', WORLD),
		...metaProblems(meta === null ? null : value(meta), WORLD),
	];
	return about.map(({ effect }) => effect);
}

const WHEN = { __type__: 'datetime', year: 2026, month: 11, day: 21, hour: 4, minute: 23, second: 38, timezone: 'UTC' };
const RRULE = {
	__type__: 'rrule',
	freq: 2,
	interval: 1,
	wkst: null,
	count: 5,
	byweekday: [0, 2],
	dtstart: 1_893_456_000,
};
const SCHEDULES: readonly unknown[] = [
	{ __type__: 'interval', every: 90, relative: false },
	{ __type__: 'interval', every: 0.5, relative: true },
	{ __type__: 'crontab', minute: '*/5', hour: '8-18', day_of_week: 'mon-fri', day_of_month: '*', month_of_year: '*' },
	{ __type__: 'crontab', minute: [0, 30], day_of_month: '29', month_of_year: 2 },
	{ ...RRULE, dtstart_tz: 60, byhour: null, until: null },
	{ __type__: 'rrule', freq: 'hourly', interval: 4, byhour: [17, 21], dtstart: 1_893_430_800, until: 1_993_456_000 },
	{ __type__: 'rrule', freq: 1, dtstart: 0, byweekday: [{ __type__: 'weekday', wkday: 1, n: -1 }] },
	{ __type__: 'rrule', freq: 0, byeaster: [0, 1], dtstart: 0 },
	{ __type__: 'rrule', freq: 3, until: 1_993_456_000 },
	{ __type__: 'rrule', freq: 6, interval: 7, bysecond: 3, dtstart: 1_799_999_000 },
	30,
];
const base = (schedule: unknown) => ({
	name: 'ext',
	task: 'labapp.add',
	args: [1, { at: WHEN }],
	kwargs: { x: [{ __type__: 'unknown', y: 1 }] },
	options: { queue: 'rbq', expires: 60 },
	schedule,
	enabled: true,
});
const meta = { last_run_at: WHEN, total_run_count: 3 };

/** Values that a program or a person may have put in the wrong place. */
const ODD = fc.oneof(
	fc.constantFrom<unknown>(null, true, false, '', 'x', '1', 'UTC', 'mon', '*/5', [], {}, [0], ['1'], { a: 1 }),
	fc.constantFrom<unknown>(0, 1, -1, 7, 13, 24, 60, 367, 2.5, -0.5, 1e18, 86_400, 1_440, 253_402_300_800, 1e-9),
	fc.constantFrom<unknown>({ __type__: 'interval' }, { __type__: 'weekday', wkday: 1 }, WHEN, RRULE),
);

interface Place {
	readonly holder: Record<string, unknown>;
	readonly key: string;
}

function places(node: unknown, found: Place[] = []): Place[] {
	if (typeof node !== 'object' || node === null) return found;
	for (const key of Object.keys(node)) {
		found.push({ holder: node as Record<string, unknown>, key });
		places((node as Record<string, unknown>)[key], found);
	}
	return found;
}

/** A good entry with one to three things wrong in it, or none. */
const ENTRY = fc
	.record({
		schedule: fc.constantFrom(...SCHEDULES),
		edits: fc.array(
			fc.record({
				pick: fc.nat(),
				how: fc.constantFrom('set', 'drop', 'rename', 'add'),
				odd: ODD,
				key: fc.constantFrom(
					'__type__',
					'relative',
					'n',
					'minute',
					'freq',
					'timezone',
					'app',
					'nowfun',
					'note',
					'until_tz',
				),
			}),
			{ maxLength: 3 },
		),
		withMeta: fc.boolean(),
	})
	.map(({ schedule, edits, withMeta }) => {
		const document = structuredClone({ definition: base(schedule), meta });
		for (const { pick, how, odd, key } of edits) {
			const all = places(document).filter((place) => place.holder !== document);
			const place = all[pick % all.length];
			if (place === undefined) continue;
			const was = place.holder[place.key];
			if (how === 'set') place.holder[place.key] = structuredClone(odd);
			else if (how === 'add' && !Array.isArray(place.holder)) place.holder[key] = structuredClone(odd);
			else if (!Array.isArray(place.holder)) {
				delete place.holder[place.key];
				if (how === 'rename') place.holder[key] = was;
			}
		}
		return [JSON.stringify(document.definition), withMeta ? JSON.stringify(document.meta) : null] as const;
	});

/** What Python raises, by what RedBeat's loop does with it. */
const RAISES: Partial<Record<BeatEffect, (error: string) => boolean>> = {
	drops: (error) => error === 'KeyError',
	stalls: (error) => error === 'RuntimeError' || error === 'RecursionError' || error === 'Stuck',
	ends: (error) => error !== 'RuntimeError' && error !== 'RecursionError' && error !== 'Stuck',
};

describe("beside Debian's Celery and dateutil", () => {
	it('finds everything that raises in beat', { timeout: 120_000 }, () => {
		const cases = fc.sample(ENTRY, RUNS * 4);
		const { entries } = askCelery({ entries: cases });
		let raised = 0;
		let slow = 0;
		for (const [index, [definition, metaText]] of cases.entries()) {
			const answer = entries[index];
			if (answer?.error === undefined) continue;
			raised += 1;
			const found = effects(definition, metaText);
			const said = found.some((effect) => RAISES[effect]?.(answer.error) === true);
			// Two things wrong at once: which of them Python meets first is no matter.
			const stops = found.some((effect) => RAISES[effect] !== undefined);
			// A rule that never comes is looked for up to the year 9999: slow, and nothing that can be told beforehand.
			if (answer.error === 'Stuck' && !stops) slow += 1;
			else if (answer.error !== 'Stuck' && !(stops && found.length > 1)) {
				expect(said, `${answer.error} ${answer.words}: ${definition} ${metaText} said ${found}`).toBe(true);
			}
		}
		expect(slow).toBeLessThan(cases.length / 50);
		expect(raised).toBeGreaterThan(cases.length / 10);
		expect(raised).toBeLessThan((cases.length * 9) / 10);
	});

	it('finds nothing wrong with what is right', () => {
		const cases = SCHEDULES.map((schedule) => [JSON.stringify(base(schedule)), JSON.stringify(meta)] as const);
		const { entries } = askCelery({ entries: cases });
		for (const [index, [definition, metaText]] of cases.entries()) {
			expect(entries[index]?.words, definition).toBeUndefined();
			expect(effects(definition, metaText), definition).toEqual([]);
		}
	});

	it('calls nothing an end of beat that Celery lives with', () => {
		const wrong: readonly unknown[] = [
			...['solar', 'weekday', 'datetime', 'clocked'].map((type) => ({ __type__: type })),
			{ every: 5 },
			null,
			'every minute',
			[],
			{ __type__: 'interval', every: '5', relative: false },
			{ __type__: 'interval', every: null, relative: false },
			{ __type__: 'interval', every: 1e18, relative: false },
			...['61', '', '5/2', 'jan', '-1', '1,,2', '*/0', '2.5', [61], ['1'], [], null, 2.5].map((minute) => ({
				__type__: 'crontab',
				minute,
			})),
			{ __type__: 'crontab', second: '0' },
			{ ...RRULE, freq: 7 },
			{ ...RRULE, freq: 'FORTNIGHTLY' },
			{ ...RRULE, dtstart: null },
			{ ...RRULE, dtstart: 'now' },
			{ ...RRULE, byhour: 24 },
			{ ...RRULE, bysetpos: 0 },
			{ ...RRULE, until: 'then' },
			{ ...RRULE, colour: 'red' },
			{ __type__: 'rrule', dtstart: 0 },
			{ __type__: 'rrule', freq: 4, interval: 4, byhour: [18], dtstart: 1_893_430_800 },
		];
		const cases = wrong.map((schedule) => [JSON.stringify(base(schedule)), null] as const);
		const { entries } = askCelery({ entries: cases });
		for (const [index, [definition]] of cases.entries()) {
			const said = effects(definition, null);
			expect(said, definition).toContain('ends');
			expect(entries[index]?.error, definition).toBeDefined();
			expect(entries[index]?.error, definition).not.toBe('RuntimeError');
		}
	});

	it('knows what drops an entry, and what stops every schedule without a word', () => {
		const drops = [{ __type__: 'interval', every: 5 }, { __type__: 'interval' }];
		const stalls = [{ __type__: 'crontab', day_of_month: '30', month_of_year: '2' }];
		const cases = [...drops, ...stalls].map(
			(schedule) => [JSON.stringify(base(schedule)), JSON.stringify(meta)] as const,
		);
		const { entries } = askCelery({ entries: cases });
		expect(entries.map(({ error }) => error)).toEqual(['KeyError', 'KeyError', 'RuntimeError']);
		expect(cases.map(([definition]) => effects(definition, null))).toEqual([['drops'], ['drops'], ['stalls']]);
	});

	it('reads a rule of one run as the time at which dateutil has it', () => {
		const rules = [1_893_456_000, 1_772_323_199, 951_782_400, 0].flatMap((dtstart) =>
			[0, 3, 'hourly'].map((freq) => JSON.stringify({ __type__: 'rrule', freq, count: 1, dtstart, dtstart_tz: 90 })),
		);
		const { occurrences } = askCelery({ occurrences: rules });
		for (const [index, rule] of rules.entries()) {
			const read = readRule(rule);
			expect(read.kind === 'once' && [read.at / 1_000], rule).toEqual(occurrences[index]?.ok);
		}
	});
});
