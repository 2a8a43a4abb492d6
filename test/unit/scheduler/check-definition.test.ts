import { describe, expect, it } from 'vitest';
import {
	type BookCapabilities,
	NEW_SCHEDULE,
	type ScheduleDefinition,
	type ScheduleField,
} from '#main/domain/schedule.ts';
import { checkLocal } from '#main/scheduler/books/local.ts';
import { checkCapabilities, checkDefinition } from '#main/scheduler/check-definition.ts';

const good: ScheduleDefinition = { ...NEW_SCHEDULE, name: 'nightly', task: 'shop.tasks.tidy' };
const fields = (more: Partial<ScheduleDefinition>): readonly ScheduleField[] =>
	checkDefinition({ ...good, ...more }).map((problem) => problem.field);
const message = (more: Partial<ScheduleDefinition>): string =>
	checkDefinition({ ...good, ...more })
		.map((problem) => problem.message)
		.join(' | ');

describe('a definition', () => {
	it('that says everything is taken as it is', () => {
		expect(checkDefinition(good)).toEqual([]);
		expect(
			checkDefinition({
				...good,
				name: 'Täglich: Rechnungen 📧',
				args: "1, 'two', [3]",
				kwargs: '{"id": 12345678901234567890123}',
				description: 'first line\nsecond line',
				missed: { kind: 'all', most: 9_999 },
				priority: 255,
			}),
		).toEqual([]);
	});

	it('is refused at the field that has to be mended', () => {
		expect(fields({ name: '' })).toEqual(['name']);
		expect(fields({ name: ' nightly' })).toEqual(['name']);
		expect(fields({ name: 'a\nb' })).toEqual(['name']);
		expect(fields({ name: 'x'.repeat(201) })).toEqual(['name']);
		expect(fields({ name: '\ud800' })).toEqual(['name']);
		expect(fields({ task: '' })).toEqual(['task']);
		expect(fields({ queue: '' })).toEqual(['queue']);
		expect(fields({ queue: 'é'.repeat(128) })).toEqual(['queue']);
		expect(fields({ exchange: 'a\u0000b' })).toEqual(['exchange']);
		expect(fields({ routingKey: 'x'.repeat(256) })).toEqual(['routingKey']);
		expect(fields({ priority: 256 })).toEqual(['priority']);
		expect(fields({ priority: 1.5 })).toEqual(['priority']);
		expect(fields({ zone: 'Mars/Olympus' })).toEqual(['zone']);
		expect(fields({ startAt: Number.NaN })).toEqual(['startAt']);
		expect(fields({ endAt: 9e15 })).toEqual(['endAt']);
		expect(fields({ startAt: 2_000, endAt: 1_000 })).toEqual(['endAt']);
		expect(fields({ jitterMs: -1 })).toEqual(['jitterMs']);
		expect(fields({ missed: { kind: 'all', most: 0 } })).toEqual(['missed']);
		expect(fields({ args: '[1, 2' })).toEqual(['args']);
		expect(fields({ kwargs: '[1]' })).toEqual(['kwargs']);
		expect(fields({ options: '"x"' })).toEqual(['options']);
		expect(fields({ description: 'x'.repeat(4_001) })).toEqual(['description']);
		expect(fields({ description: 'a\0b' })).toEqual(['description']);
		expect(checkDefinition({ ...good, args: "1,\n'a\0b'" })).toMatchObject([
			{ field: 'args', at: { line: 2, column: 3, offset: 5 } },
		]);
		expect(fields({ recurrence: { kind: 'cron', expression: '61 * * * *' } })).toEqual(['recurrence']);
		expect(fields({ recurrence: { kind: 'once', at: -1 } })).toEqual(['recurrence']);
		expect(fields({ recurrence: { kind: 'once', at: 500 }, startAt: 1_000 })).toEqual(['recurrence']);
	});

	it('has all its problems told at once', () => {
		expect(fields({ name: '', queue: '', kwargs: '{' })).toEqual(['name', 'queue', 'kwargs']);
	});

	it('says where in a text it went wrong', () => {
		const [twice] = checkDefinition({ ...good, kwargs: '{"a": 1,\n "a": 2}' });
		expect(twice).toMatchObject({ field: 'kwargs', at: { line: 2, column: 2 } });
		const [open] = checkDefinition({ ...good, args: '1, {' });
		expect(open?.at?.line).toBe(1);
	});

	it('may leave the queue to its book only where the book has one', () => {
		expect(checkDefinition({ ...good, queue: '' }, { queueMayBeEmpty: true })).toEqual([]);
	});
});

describe('jitter', () => {
	it('is shorter than what lies between two runs, so that runs keep their order', () => {
		expect(fields({ jitterMs: 3_599_999 })).toEqual([]);
		expect(fields({ jitterMs: 3_600_000 })).toEqual(['jitterMs']);
		const twice = { kind: 'cron', expression: '0,10 9 * * 1-5' } as const;
		expect(fields({ recurrence: twice, jitterMs: 599_000 })).toEqual([]);
		expect(message({ recurrence: twice, jitterMs: 600_000 })).toContain('600 seconds');
		expect(fields({ recurrence: { kind: 'once', at: 5_000 }, jitterMs: 86_400_000 })).toEqual([]);
	});
});

describe('what a book cannot keep', () => {
	const small: BookCapabilities = {
		runBy: 'beat',
		fields: ['name', 'task', 'queue', 'recurrence', 'kwargs', 'active'],
		recurrences: ['every', 'cron', 'foreign'],
		units: ['seconds'],
		aligns: ['last-run'],
		renames: false,
		notes: [],
	};
	const secondly = { ...good, recurrence: { kind: 'every', count: 5, unit: 'seconds', align: 'last-run' } } as const;
	const told = (more: Partial<ScheduleDefinition>) =>
		checkCapabilities({ ...secondly, ...more }, small, 'That book').map(
			({ field, message: words }) => `${field}: ${words}`,
		);

	it('stands at its default, or is named with what would do', () => {
		expect(told({})).toEqual([]);
		expect(told({ priority: 3, zone: 'Europe/Berlin' })).toEqual([
			'priority: That book cannot keep this. Leave it empty.',
			'zone: That book cannot keep this. It must be "UTC".',
		]);
		expect(told({ missed: { kind: 'skip' } })).toEqual([
			'missed: That book cannot keep this. Missed runs are run once there.',
		]);
	});

	it('includes kinds, units and alignments of intervals', () => {
		expect(told({ recurrence: { kind: 'once', at: 5 } })).toEqual([
			'recurrence: That book does not know single times. It knows intervals, cron expressions.',
		]);
		expect(told({ recurrence: { kind: 'every', count: 1, unit: 'days', align: 'clock' } })).toEqual([
			'recurrence: That book does not count in days. It counts in seconds.',
			'recurrence: That book runs intervals after the last run only.',
		]);
	});

	it('is options and rules of others for the local book', () => {
		expect(checkLocal(good)).toEqual([]);
		expect(checkLocal({ ...good, options: '{"expires": 60}' }).map((problem) => problem.field)).toEqual(['options']);
		expect(
			checkLocal({ ...good, recurrence: { kind: 'foreign', rule: '{}' } }).map((problem) => problem.field),
		).toEqual(['recurrence']);
	});
});
