import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MissedPolicy, NEW_SCHEDULE, type ScheduleDefinition, timingOf } from '#main/domain/schedule.ts';
import type { IntervalUnit, Recurrence } from '#main/domain/timing.ts';
import { type CatchUp, catchUp, fireTime, resumeFrom } from '#main/scheduler/catch-up.ts';
import { nextDue } from '#main/scheduler/recurrence.ts';

const LONG = process.env.WARREN_LONG !== undefined;
const NOON = Date.parse('2026-05-01T12:00:00Z');
const HOUR = 3_600_000;
const facts = { lastRunAt: null, createdAt: 0 };

function every(count: number, unit: IntervalUnit, more: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
	return { ...NEW_SCHEDULE, name: 's', task: 't', recurrence: { kind: 'every', count, unit, align: 'clock' }, ...more };
}
const at = (...times: readonly string[]) => times.map((time) => Date.parse(`2026-05-01T${time}Z`));
const decide = (definition: ScheduleDefinition, after: number, now: number, waiting: readonly number[] = []): CatchUp =>
	catchUp({ definition, after, facts, waiting, now });

describe('due times that passed while nobody was there', () => {
	const hourly = (missed: MissedPolicy) => every(1, 'hours', { missed });
	const [eight, nine, ten, eleven, noon] = at('08:00', '09:00', '10:00', '11:00', '12:00') as [
		number,
		number,
		number,
		number,
		number,
	];
	const now = NOON + 30 * 60_000;

	it('are left out, made up for once, or all run, as the schedule says', () => {
		const from = eight - 1;
		expect(decide(hourly({ kind: 'skip' }), from, now)).toMatchObject({
			fire: [],
			missed: [eight, nine, ten, eleven, noon],
		});
		expect(decide(hourly({ kind: 'once' }), from, now)).toMatchObject({
			fire: [noon],
			missed: [eight, nine, ten, eleven],
		});
		expect(decide(hourly({ kind: 'all', most: 100 }), from, now)).toMatchObject({
			fire: [eight, nine, ten, eleven, noon],
			missed: [],
		});
		expect(decide(hourly({ kind: 'all', most: 2 }), from, now)).toMatchObject({
			fire: [eleven, noon],
			missed: [eight, nine, ten],
		});
	});

	it('leave the schedule where it always was: the next due time counts from due times, never from now', () => {
		const decided = decide(hourly({ kind: 'once' }), eight, now);
		expect(decided.handled).toBe(noon);
		expect(decided.next).toBe(noon + HOUR);
		const last = {
			...every(90, 'minutes'),
			recurrence: { kind: 'every', count: 90, unit: 'minutes', align: 'last-run' } as const,
		};
		const counted = catchUp({
			definition: last,
			after: eight,
			facts: { lastRunAt: eight, createdAt: 0 },
			waiting: [],
			now,
		});
		expect(counted.next).toBe(eight + 3 * 90 * 60_000 + 90 * 60_000);
	});

	it('are nothing where nothing passed', () => {
		const decided = decide(hourly({ kind: 'once' }), noon, now);
		expect(decided).toEqual({ fire: [], missed: [], stretch: null, handled: noon, next: noon + HOUR });
	});
});

describe('a due time that passed a moment ago', () => {
	it('is late, not missed, and runs even where missed ones are left out', () => {
		const hourly = every(1, 'hours', { missed: { kind: 'skip' } });
		expect(decide(hourly, NOON - 1, NOON + 60_000).fire).toEqual([NOON]);
		expect(decide(hourly, NOON - 1, NOON + 60_001)).toMatchObject({ fire: [], missed: [NOON] });
	});

	it('makes up for older ones where one run is enough', () => {
		const quarter = every(15, 'minutes', { missed: { kind: 'once' } });
		const decided = decide(quarter, NOON - HOUR, NOON + 1_000);
		expect(decided.fire).toEqual([NOON]);
		expect(decided.missed).toHaveLength(3);
	});

	it('of a schedule that runs often is one of a few, not of a minute', () => {
		const secondly = every(1, 'seconds', { missed: { kind: 'skip' } });
		const decided = decide(secondly, NOON - 30_000, NOON);
		expect(decided.fire.map((due) => NOON - due)).toEqual([5_000, 4_000, 3_000, 2_000, 1_000, 0]);
		expect(decided.missed).toHaveLength(24);
	});

	it('is measured from its moment of publishing, jitter included', () => {
		const jittered = every(1, 'hours', { missed: { kind: 'skip' }, jitterMs: 30 * 60_000 });
		const fire = fireTime(jittered, NOON);
		expect(fire).toBeGreaterThan(NOON);
		expect(decide(jittered, NOON - 1, fire - 1)).toMatchObject({ fire: [], missed: [], next: NOON });
		expect(decide(jittered, NOON - 1, fire + 60_000).fire).toEqual([NOON]);
		expect(decide(jittered, NOON - 1, fire + 60_001).missed).toEqual([NOON]);
	});
});

describe('what waits to be published again', () => {
	const minutely = (missed: MissedPolicy) => every(1, 'minutes', { missed });
	const waiting = NOON;

	it('is decided about together with what has come since', () => {
		const later = NOON + 10 * 60_000 + 30_000;
		expect(decide(minutely({ kind: 'once' }), waiting, later, [waiting])).toMatchObject({
			fire: [NOON + 10 * 60_000],
			missed: expect.arrayContaining([waiting]) as unknown,
		});
		expect(decide(minutely({ kind: 'all', most: 100 }), waiting, later, [waiting]).fire).toHaveLength(11);
		expect(decide(minutely({ kind: 'once' }), waiting, waiting + 30_000, [waiting]).fire).toEqual([waiting]);
	});

	it('goes on waiting however long where one run is enough and no newer one came', () => {
		const daily = every(1, 'days', { missed: { kind: 'once' } });
		const midnight = Date.parse('2026-05-01T00:00:00Z');
		expect(decide(daily, midnight, midnight + 20 * HOUR, [midnight]).fire).toEqual([midnight]);
		expect(decide({ ...daily, missed: { kind: 'skip' } }, midnight, midnight + 20 * HOUR, [midnight]).missed).toEqual([
			midnight,
		]);
	});

	it('is not made up for once a newer one has run', () => {
		const decided = decide(minutely({ kind: 'once' }), waiting + 5 * 60_000, waiting + 5 * 60_000 + 30_000, [waiting]);
		expect(decided).toMatchObject({ fire: [], missed: [waiting] });
	});
});

describe('very many of them', () => {
	it('are recorded apart up to a number and together beyond, counted without walking through months of seconds', () => {
		const secondly = every(1, 'seconds', { missed: { kind: 'once' } });
		const from = Date.parse('2025-05-01T12:00:00Z');
		const decided = decide(secondly, from, NOON + 300_000);
		expect(decided.missed).toHaveLength(100);
		const { stretch } = decided;
		const total = (NOON + 300_000 - from) / 1_000;
		expect(stretch).toMatchObject({ from: from + 1_000, atLeast: false });
		expect((stretch?.count ?? 0) + decided.missed.length + decided.fire.length).toBe(total);
		expect(decided.handled).toBe(NOON + 300_000);
	});

	it('are found where a rule is silent for most of the year', () => {
		const burst: Recurrence = { kind: 'cron', expression: '* * * 1 1 *' };
		const definition = every(1, 'seconds', { recurrence: burst, missed: { kind: 'all', most: 500 } });
		const decided = decide(definition, Date.parse('2024-06-01T00:00:00Z'), NOON);
		expect(decided.fire).toHaveLength(500);
		expect(decided.fire.at(-1)).toBe(Date.parse('2026-01-01T23:59:59Z'));
		expect(decided.stretch).toMatchObject({ from: Date.parse('2025-01-01T00:00:00Z'), atLeast: true });
		expect(decided.next).toBe(Date.parse('2027-01-01T00:00:00Z'));
	});

	it('are the same as if every one had been looked at', () => {
		const recurrence = fc.oneof(
			fc.record({
				kind: fc.constant('every' as const),
				count: fc.integer({ min: 1, max: 50 }),
				unit: fc.constantFrom<IntervalUnit>('seconds', 'minutes', 'hours'),
				align: fc.constantFrom('clock' as const, 'last-run' as const),
			}),
			fc.constantFrom('*/7 * * * *', '0 9 * * 1-5', '*/20 30 2 * * *', '* 0 3 * * *').map((expression) => ({
				kind: 'cron' as const,
				expression,
			})),
		);
		const policy: fc.Arbitrary<MissedPolicy> = fc.oneof(
			fc.constant({ kind: 'skip' } as const),
			fc.constant({ kind: 'once' } as const),
			fc.integer({ min: 1, max: 30 }).map((most) => ({ kind: 'all', most }) as const),
		);
		fc.assert(
			fc.property(
				recurrence,
				policy,
				fc.integer({ min: 1, max: 20 * HOUR }),
				fc.constantFrom(0, 800),
				fc.integer({ min: 1, max: 12 }),
				(rule, missed, span, jitterMs, apart) => {
					const definition = every(1, 'hours', { recurrence: rule, missed, zone: 'Europe/Berlin', jitterMs });
					const after = Date.parse('2026-10-25T07:00:00Z') - span;
					const now = after + span;
					const decided = catchUp({ definition, after, facts, waiting: [], now, apart });
					expect(decided).toEqual(plainly(definition, after, now, apart));
				},
			),
			{ numRuns: LONG ? 5_000 : 200 },
		);
	});
});

/** The same, by looking at every due time. */
function plainly(definition: ScheduleDefinition, after: number, now: number, apart: number): CatchUp {
	const dues: number[] = [];
	let known: { readonly lastRunAt: number | null; readonly createdAt: number } = facts;
	let due = nextDue(timingOf(definition), after, known);
	while (due !== null && fireTime(definition, due) <= now) {
		dues.push(due);
		known = { ...known, lastRunAt: due };
		due = nextDue(timingOf(definition), due, known);
	}
	const late = dues.filter((one, n) => {
		const by = now - fireTime(definition, one);
		return by <= 5_000 || (n === dues.length - 1 && by <= 60_000);
	});
	const old = dues.slice(0, dues.length - late.length);
	const { missed: policy } = definition;
	const made = policy.kind === 'skip' ? 0 : policy.kind === 'once' ? (late.length > 0 ? 0 : 1) : policy.most;
	const fire = [...(made === 0 ? [] : old.slice(-made)), ...late];
	const missed = dues.slice(0, dues.length - fire.length);
	const together = missed.slice(0, Math.max(0, missed.length - apart));
	const [from] = together;
	return {
		fire,
		missed: missed.slice(together.length),
		stretch: from === undefined ? null : { from, to: together.at(-1) ?? from, count: together.length, atLeast: false },
		handled: dues.at(-1) ?? after,
		next: due,
	};
}

describe('where a schedule goes on', () => {
	const now = NOON;

	it('is after its newest run, or after it was edited or resumed', () => {
		expect(resumeFrom(NOON - 5_000, NOON - 9_000, now)).toBe(NOON - 5_000);
		expect(resumeFrom(NOON - 9_000, NOON - 5_000, now)).toBe(NOON - 5_000);
		expect(resumeFrom(null, NOON - 5_000, now)).toBe(NOON - 5_000);
		expect(resumeFrom(NOON - 5_000, null, now)).toBe(NOON - 5_000);
		expect(resumeFrom(null, null, now)).toBe(now);
	});

	it('is after what ran before the clock was set back, but not after what a clock said that was years ahead', () => {
		expect(resumeFrom(NOON + HOUR, NOON - 5_000, now)).toBe(NOON + HOUR);
		expect(resumeFrom(NOON + 365 * 24 * HOUR, NOON - 5_000, now)).toBe(now);
		expect(resumeFrom(NOON - 5_000, NOON + 365 * 24 * HOUR, now)).toBe(NOON - 5_000);
		expect(resumeFrom(null, NOON + 365 * 24 * HOUR, now)).toBe(now);
	});
});
