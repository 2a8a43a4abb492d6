import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NEW_SCHEDULE, SCHEDULE_FIELDS, type ScheduleDefinition } from '#main/domain/schedule.ts';
import {
	differingFields,
	draftOf,
	editOf,
	emptyForm,
	formOf,
	placeOfProblem,
	rebased,
	type ScheduleForm,
	withFields,
} from '#renderer/state/schedule-form.ts';
import { NEW_ID, scheduleId, splitScheduleId } from '#renderer/state/schedule-id.ts';
import { CARROT } from './fake-schedules.ts';

const text = fc.string({ maxLength: 12 });
const form: fc.Arbitrary<ScheduleForm> = fc.record({
	book: fc.constantFrom('local', 'shared'),
	name: text,
	task: text,
	queue: text,
	exchange: text,
	routingKey: text,
	priority: fc.constantFrom('', '3'),
	timing: fc.constantFrom('every', 'cron', 'once', 'foreign'),
	count: fc.constantFrom('1', '15'),
	unit: fc.constantFrom('minutes', 'hours'),
	align: fc.constantFrom('clock', 'last-run'),
	cron: text,
	at: text,
	zone: fc.constantFrom('UTC', 'Europe/Berlin'),
	start: text,
	end: text,
	jitter: fc.constantFrom('0', '30s'),
	missed: fc.constantFrom('skip', 'once', 'all'),
	most: fc.constantFrom('5', '100'),
	args: text,
	kwargs: text,
	options: text,
	description: text,
	active: fc.boolean(),
});

describe('a schedule as a form', () => {
	test('edits that nobody else touched go through, and what only others changed is taken over', () => {
		fc.assert(
			fc.property(form, form, form, (base, mine, theirs) => {
				const result = rebased(base, mine, theirs);
				const byMe = differingFields(base, mine);
				for (const field of SCHEDULE_FIELDS) {
					const want = byMe.includes(field) ? mine : theirs;
					expect(differingFields(result.form, want)).not.toContain(field);
				}
				// Both sides named a field, and it differs: a person has to decide, and nothing of theirs was laid over mine.
				for (const field of result.clashes) expect(differingFields(result.form, mine)).not.toContain(field);
				expect(result.taken.filter((field) => byMe.includes(field))).toEqual([]);
			}),
		);
	});

	test('what was typed for another kind of timing is no difference', () => {
		const one = { ...emptyForm('local', 'default', 'UTC'), timing: 'every' as const };
		expect(differingFields(one, { ...one, cron: '* * * * *' })).toEqual([]);
		expect(differingFields(one, { ...one, timing: 'cron', cron: '* * * * *' })).toEqual(['recurrence']);
		expect(differingFields({ ...one, missed: 'once' }, { ...one, missed: 'once', most: '7' })).toEqual([]);
	});

	test('an edit sends what was edited and no more', () => {
		const start = emptyForm('local', 'default', 'UTC');
		expect(editOf(start, start, null)).toEqual({});
		expect(editOf(start, { ...start, queue: 'bulk', active: false, name: ' new ' }, null)).toEqual({
			queue: 'bulk',
			rename: 'new',
			active: false,
		});
		expect(editOf(start, { ...start, timing: 'cron', cron: '0 2 * * *' }, null)).toEqual({ cron: '0 2 * * *' });
		expect(editOf({ ...start, priority: '3' }, start, null)).toEqual({ noPriority: true });
	});

	test('wall-clock times are sent along with another zone, in which they are meant', () => {
		const start = {
			...emptyForm('local', 'default', 'UTC'),
			timing: 'once' as const,
			at: '2026-12-24T18:00',
			end: '2027-01-01T00:00',
		};
		expect(editOf(start, { ...start, zone: 'Europe/Berlin' }, null)).toEqual({
			zone: 'Europe/Berlin',
			at: '2026-12-24T18:00',
			end: '2027-01-01T00:00',
		});
	});

	test('what a book cannot keep is not sent to it', () => {
		const draft = draftOf({ ...emptyForm('carrot', 'default', 'UTC'), priority: '3', zone: 'Europe/Berlin' }, CARROT);
		expect(Object.keys(draft).sort()).toEqual(
			['align', 'args', 'every', 'exchange', 'kwargs', 'queue', 'routingKey', 'task'].sort(),
		);
	});

	test('a schedule comes back from its form as it was', () => {
		const said: ScheduleDefinition = {
			...NEW_SCHEDULE,
			name: 'n',
			task: 't',
			priority: 4,
			missed: { kind: 'all', most: 7 },
			kwargs: '{"a": 9223372036854775809}',
		};
		const one = formOf({}, said, 'local');
		expect(draftOf(one, null)).toMatchObject({
			every: '1 hours',
			align: 'clock',
			priority: 4,
			missed: 'all:7',
			kwargs: '{"a": 9223372036854775809}',
			start: 'never',
		});
		expect(one.start).toBe('');
	});

	test('a rule that only the book understands is not touched by an edit of something else', () => {
		const said: ScheduleDefinition = { ...NEW_SCHEDULE, recurrence: { kind: 'foreign', rule: '{"solar": 1}' } };
		const one = formOf({}, said, 'redbeat');
		expect(Object.keys(editOf(one, { ...one, queue: 'bulk' }, null))).toEqual(['queue']);
	});

	test('fields of another form are taken over whole', () => {
		const one = emptyForm('local', 'default', 'UTC');
		const other = { ...one, timing: 'cron' as const, cron: '0 2 * * *', queue: 'bulk' };
		expect(withFields(one, other, ['recurrence'])).toMatchObject({
			timing: 'cron',
			cron: '0 2 * * *',
			queue: 'default',
		});
	});

	test('every problem has its place, and a strange one has none', () => {
		for (const [field, place] of [
			['every', 'recurrence'],
			['at', 'recurrence'],
			['start', 'startAt'],
			['jitter', 'jitterMs'],
			['kwargs', 'kwargs'],
		])
			expect(placeOfProblem(field ?? '')).toBe(place);
		expect(placeOfProblem('book')).toBeNull();
	});

	test('ids come apart as they were put together, and what is none is known', () => {
		fc.assert(
			fc.property(fc.constantFrom('local', 'shared', 'carrot', 'redbeat'), fc.string({ minLength: 1 }), (book, key) => {
				expect(splitScheduleId(scheduleId({ book, key }))).toEqual({ book, key });
			}),
		);
		for (const none of [NEW_ID, '', 'local', 'local/', 'nowhere/x']) expect(splitScheduleId(none)).toBeNull();
	});
});
