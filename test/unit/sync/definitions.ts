/** Definitions for tests of syncing: few values per field, so that sides agree, collide and come back now and then. */
import fc from 'fast-check';
import { profileId } from '#main/domain/ids.ts';
import {
	type BookEntry,
	NEW_SCHEDULE,
	SCHEDULE_FIELDS,
	type ScheduleChange,
	type ScheduleDefinition,
	type ScheduleField,
} from '#main/domain/schedule.ts';

export const SHOP = profileId('shop');

/** How often a property is tried: some hundred times, many thousand with `WARREN_LONG`. */
export const RUNS = process.env.WARREN_LONG === undefined ? 300 : 20_000;

/** How long such a property may take. */
export const PATIENCE_MS = process.env.WARREN_LONG === undefined ? 20_000 : 600_000;

/** A schedule of some name. */
export function schedule(name: string, more: Partial<ScheduleDefinition> = {}): ScheduleDefinition {
	return { ...NEW_SCHEDULE, name, task: 'shop.tasks.tick', ...more };
}

/** As a book has it. */
export function entryOf(key: string, definition: ScheduleDefinition, version = 'v1'): BookEntry {
	const times = { changedAt: null, lastRunAt: null, nextRunAt: null, totalRuns: null };
	return { key, version, definition, ...times, remarks: [] };
}

/** An edit that waits. */
export function changeOf(
	key: string,
	base: ScheduleDefinition | null,
	mine: ScheduleDefinition | null,
	more: Partial<ScheduleChange> = {},
): ScheduleChange {
	return {
		profile: SHOP,
		book: 'shared',
		key,
		kind: mine === null ? 'remove' : base === null ? 'create' : 'change',
		base,
		baseVersion: base === null ? null : 'v1',
		mine,
		conflict: null,
		sending: null,
		problem: null,
		createdAt: 1,
		updatedAt: 1,
		...more,
	};
}

const VALUES: { readonly [F in ScheduleField]: readonly ScheduleDefinition[F][] } = {
	name: ['a', 'b', 'c'],
	task: ['shop.tasks.tick', 'shop.tasks.tock'],
	queue: ['default', 'bulk', 'mail'],
	exchange: ['', 'topics'],
	routingKey: ['', 'eu.mail'],
	priority: [null, 0, 5],
	recurrence: [
		{ kind: 'every', count: 1, unit: 'hours', align: 'clock' },
		{ kind: 'cron', expression: '0 9 * * 1-5' },
		{ kind: 'cron', expression: '0  9 * * 1-5 ' },
		{ kind: 'once', at: 5_000 },
		{ kind: 'foreign', rule: '{"a": 1, "b": [2]}' },
		{ kind: 'foreign', rule: '{"b":[2],"a":1}' },
	],
	zone: ['UTC', 'Europe/London'],
	startAt: [null, 1_000, 3_000],
	endAt: [null, 2_000, 4_000],
	jitterMs: [0, 500],
	missed: [{ kind: 'skip' }, { kind: 'once' }, { kind: 'all', most: 3 }],
	args: ['', '1, 2', '1,2', "'x'", '"x"', '1, ', 'not literals('],
	kwargs: ['{}', '{"a": 1, "b": 2}', '{"b":2,"a":1}', '{"a": 1.0, "b": 2}', '{"a": 12345678901234567890}', '{'],
	options: ['{}', '{"expires": 60}', '{ "expires": 60 }'],
	active: [true, false],
	description: ['', 'nightly', 'hourly'],
};

/** Any definition whose bounds do not exclude each other. */
export const DEFINITION: fc.Arbitrary<ScheduleDefinition> = fc
	.record(Object.fromEntries(SCHEDULE_FIELDS.map((field) => [field, fc.constantFrom(...(VALUES[field] as unknown[]))])))
	.map((fields) => fields as unknown as ScheduleDefinition)
	.map((one) =>
		one.startAt !== null && one.endAt !== null && one.startAt >= one.endAt ? { ...one, startAt: null } : one,
	);

/** A definition and what few edits make of it. */
export function editOf(base: ScheduleDefinition): fc.Arbitrary<ScheduleDefinition> {
	return fc
		.tuple(fc.uniqueArray(fc.constantFrom(...SCHEDULE_FIELDS), { maxLength: 4 }), DEFINITION)
		.map(([fields, other]) => ({ ...base, ...Object.fromEntries(fields.map((field) => [field, other[field]])) }))
		.filter((one) => one.startAt === null || one.endAt === null || one.startAt < one.endAt);
}

/** A base and two people's edits of it. */
export const THREE: fc.Arbitrary<readonly [ScheduleDefinition, ScheduleDefinition, ScheduleDefinition]> =
	DEFINITION.chain((base) => fc.tuple(fc.constant(base), editOf(base), editOf(base)));
