import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { INTERVAL_UNITS } from '#main/domain/timing.ts';
import { draftOf, durationText, readDraft, type WrittenSchedule } from '#main/engine/schedule-draft.ts';

const BASE: ScheduleDefinition = { ...NEW_SCHEDULE, name: 'nightly', task: 'shop.tasks.tick' };
const read = (written: WrittenSchedule, base = BASE) => readDraft(written, base, CARROT_DIALECT);
const problems = (written: WrittenSchedule, base = BASE) =>
	read(written, base).problems.map(({ field, line, column }) => (line === null ? field : `${field} ${line}:${column}`));

const interval = fc.record({
	kind: fc.constant('every' as const),
	count: fc.integer({ min: 1, max: 500 }),
	unit: fc.constantFrom(...INTERVAL_UNITS),
	align: fc.constantFrom('clock' as const, 'last-run' as const),
});
const instant = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2030, 0, 1) });
const definitions: fc.Arbitrary<ScheduleDefinition> = fc
	.record({
		name: fc.constantFrom('nightly', 'x y', 'ünïcode'),
		task: fc.constantFrom('a.b', 'shop.tasks.tick'),
		queue: fc.constantFrom('default', 'bulk'),
		exchange: fc.constantFrom('', 'topic'),
		routingKey: fc.constantFrom('', 'a.b'),
		priority: fc.option(fc.integer({ min: 0, max: 255 })),
		recurrence: fc.oneof(
			interval,
			fc.record({ kind: fc.constant('cron' as const), expression: fc.constantFrom('0 9 * * 1-5', '*/5 * * * * *') }),
			fc.record({ kind: fc.constant('once' as const), at: instant }),
		),
		zone: fc.constantFrom('UTC', 'Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe'),
		startAt: fc.option(instant),
		jitterMs: fc.integer({ min: 0, max: 90_000_000 }),
		missed: fc.oneof(
			fc.constant({ kind: 'skip' as const }),
			fc.constant({ kind: 'once' as const }),
			fc.record({ kind: fc.constant('all' as const), most: fc.integer({ min: 1, max: 9_999 }) }),
		),
		args: fc.constantFrom('', "1, 'two', [3]", '9223372036854775809'),
		kwargs: fc.constantFrom('{}', '{"a": 9223372036854775809}'),
		active: fc.boolean(),
		description: fc.constantFrom('', 'What it is for'),
	})
	.map((more) => ({ ...NEW_SCHEDULE, ...more, endAt: more.startAt === null ? null : more.startAt + 86_400_001 }));

describe('a schedule as it is written', () => {
	it('is read back as it was, over any other', () => {
		fc.assert(
			fc.property(definitions, definitions, (definition, other) => {
				const read = readDraft(draftOf(definition), other, CARROT_DIALECT);
				expect(read.problems).toEqual([]);
				expect(read.definition).toEqual(definition);
			}),
		);
	});

	it('keeps what is left out', () => {
		expect(read({}).definition).toEqual(BASE);
		expect(read({ queue: 'bulk' }).definition).toEqual({ ...BASE, queue: 'bulk' });
	});

	it('keeps a rule that only its book understands until another timing is given', () => {
		const foreign: ScheduleDefinition = { ...BASE, recurrence: { kind: 'foreign', rule: '{"__type__":"rrule"}' } };
		expect(read({ queue: 'bulk' }, foreign).definition?.recurrence).toEqual(foreign.recurrence);
		expect(read({ every: '2 hours' }, foreign).definition?.recurrence).toMatchObject({ kind: 'every', count: 2 });
	});

	it('names every mistake at its field, and all of them at once', () => {
		expect(
			problems({ name: ' ', task: '', queue: '', zone: 'Mars/Base', every: '5 parsecs', missed: 'never' }),
		).toEqual(['name', 'task', 'queue', 'zone', 'every', 'missed']);
		expect(problems({ cron: '61 * * * *' })).toEqual(['cron']);
		expect(problems({ cron: '' })).toEqual(['cron']);
		expect(problems({ at: 'tomorrow' })).toEqual(['at']);
		expect(problems({ every: '1 hour', cron: '* * * * *' })).toEqual(['cron']);
		expect(problems({ start: '2026-01-02', end: '2026-01-01' })).toEqual(['end']);
		expect(problems({ jitter: '30' })).toEqual(['jitter']);
		expect(problems({ missed: 'all:0' })).toEqual(['missed']);
	});

	it('shows where its arguments are wrong, to the line and column', () => {
		expect(problems({ kwargs: '{\n  "a": 1,\n  "b": urgent\n}' })).toEqual(['kwargs 3:8']);
		expect(problems({ kwargs: '{"a": 1, "a": 2}' })).toEqual(['kwargs 1:10']);
		expect(problems({ kwargs: '[1]' })).toEqual(['kwargs 1:1']);
		expect(problems({ args: "1, 'two" })[0]).toMatch(/^args 1:/);
		expect(problems({ options: '[1]' })).toEqual(['options 1:1']);
	});

	it('takes a JSON array for the arguments where it is no Python, and as one list where it is', () => {
		expect(read({ args: '[true, null, "x"]' }).definition?.args).toBe("True, None, 'x'");
		expect(read({ args: '[1, 2]' }).checked.argsJson).toBe('[[1, 2]]');
		expect(read({ args: '[true, nul]' }).definition).toBeNull();
	});

	it('reads times in the zone that it has then, and takes bounds away', () => {
		const read = readDraft({ at: '2026-07-01T09:00', zone: 'Europe/Berlin' }, BASE, CARROT_DIALECT);
		expect(read.definition?.recurrence).toEqual({ kind: 'once', at: Date.UTC(2026, 6, 1, 7) });
		const bounded = { ...BASE, startAt: 1, endAt: 2 };
		expect(readDraft({ start: 'never', end: '' }, bounded, CARROT_DIALECT).definition).toMatchObject({
			startAt: null,
			endAt: null,
		});
	});

	it('writes lengths of time as people do', () => {
		expect([0, 250, 30_000, 90_000, 86_400_000].map(durationText)).toEqual(['0', '250ms', '30s', '1m30s', '1d']);
	});
});
