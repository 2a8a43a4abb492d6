import { describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { NEW_SCHEDULE, type ScheduleChange, type ScheduleDefinition } from '#main/domain/schedule.ts';
import { chosen, countsOf, idOf, nextRunOf, overlay, viewOf } from '#main/engine/schedule-views.ts';
import type { StoredEntry } from '#main/store/store.ts';

const NOW = Date.UTC(2026, 10, 26, 12, 0, 30);
const HOUR = 3_600_000;
const schedule = (name: string, more: Partial<ScheduleDefinition> = {}): ScheduleDefinition => ({
	...NEW_SCHEDULE,
	name,
	task: `shop.${name}`,
	...more,
});
const entry = (key: string, definition: ScheduleDefinition, more: Partial<StoredEntry> = {}): StoredEntry => ({
	book: 'local',
	key,
	version: 'v1',
	definition,
	changedAt: NOW - HOUR,
	lastRunAt: null,
	nextRunAt: null,
	totalRuns: null,
	remarks: [],
	seenAt: NOW,
	...more,
});
const change = (key: string, more: Partial<ScheduleChange>): ScheduleChange => ({
	profile: profileId('shop'),
	book: 'local',
	key,
	kind: 'change',
	base: null,
	baseVersion: null,
	mine: null,
	conflict: null,
	sending: null,
	problem: null,
	createdAt: NOW,
	updatedAt: NOW,
	...more,
});
const facts = { lastRun: null, troubled: 0, now: NOW };

describe('schedules as lists show them', () => {
	const rows = overlay(
		[
			entry('1', schedule('plain')),
			entry('2', schedule('edited')),
			entry('3', schedule('leaving')),
			entry('4', schedule('torn'), { book: 'shared' }),
		],
		[
			change('2', { base: schedule('edited'), mine: schedule('edited', { queue: 'bulk', active: false }) }),
			change('3', { kind: 'remove', base: schedule('leaving') }),
			change('4', {
				book: 'shared',
				base: schedule('torn'),
				mine: schedule('torn', { queue: 'a' }),
				conflict: {
					theirs: schedule('torn', { queue: 'b' }),
					theirVersion: 'v2',
					fields: ['queue'],
					choices: {},
					seenAt: 1,
				},
			}),
			change('5', { kind: 'create', mine: schedule('fresh') }),
			change('6', { kind: 'create', mine: schedule('bad'), problem: 'The book has one of that name.' }),
		],
	);
	const view = (name: string) => {
		const one = rows.find(({ definition }) => definition.name === name);
		if (one === undefined) throw new Error(`There is no ${name}`);
		return viewOf(one, facts);
	};

	it('are as they are to be, and say where they stand', () => {
		expect(rows.map(({ definition }) => [definition.name, view(definition.name).sync])).toEqual([
			['plain', 'synced'],
			['edited', 'edited'],
			['leaving', 'removed'],
			['torn', 'conflict'],
			['fresh', 'new'],
			['bad', 'refused'],
		]);
		expect(view('edited').changed).toEqual(['queue', 'active']);
		expect(view('bad').problem).toBe('The book has one of that name.');
	});

	it('have a fingerprint that changes with what they say and with nothing else', () => {
		const [one] = overlay([entry('1', schedule('plain'), { seenAt: 5, lastRunAt: 9 })], []);
		if (one === undefined) throw new Error('There is none');
		expect(viewOf(one, facts).fingerprint).toBe(view('plain').fingerprint);
		expect(view('plain').fingerprint).not.toBe(view('edited').fingerprint);
	});

	it('are counted, filtered, searched and put in a total order', () => {
		const troubled = new Map([['local/1', 2]]);
		expect(countsOf(rows, troubled)).toEqual({
			all: 6,
			active: 5,
			paused: 1,
			edited: 5,
			conflict: 1,
			refused: 1,
			troubled: 1,
		});
		const names = (input: Partial<Parameters<typeof chosen>[1]>) =>
			chosen(rows, { show: 'all', sort: 'name', ...input }, troubled, NOW).map(({ definition }) => definition.name);
		expect(names({})).toEqual(['bad', 'edited', 'fresh', 'leaving', 'plain', 'torn']);
		expect(names({ descending: true })[0]).toBe('torn');
		expect(names({ show: 'conflict' })).toEqual(['torn']);
		expect(names({ show: 'paused' })).toEqual(['edited']);
		expect(names({ show: 'troubled' })).toEqual(['plain']);
		expect(names({ book: 'shared' })).toEqual(['torn']);
		expect(names({ names: ['2', 'torn', 'gone'] })).toEqual(['edited', 'torn']);
		expect(names({ search: 'BULK shop' })).toEqual(['edited']);
		expect(names({ sort: 'next' }).slice(-2)).toEqual(['edited', 'leaving']);
	});

	it('are next due when their runner said, or by their timing where nobody has yet', () => {
		const one = (more: Partial<StoredEntry>, edit: ScheduleChange | null = null) => {
			const [row] = overlay([entry('1', schedule('plain'), more)], edit === null ? [] : [edit]);
			if (row === undefined) throw new Error('There is none');
			return nextRunOf(row, NOW);
		};
		const due = Date.UTC(2026, 10, 26, 13);
		expect(one({})).toBe(due);
		expect(one({ nextRunAt: NOW - 60_000 })).toBe(NOW - 60_000);
		expect(
			one({ nextRunAt: due }, change('1', { base: schedule('plain'), mine: schedule('plain', { active: false }) })),
		).toBe(null);
		const sooner = schedule('plain', { recurrence: { kind: 'every', count: 1, unit: 'minutes', align: 'clock' } });
		expect(one({ nextRunAt: due }, change('1', { base: schedule('plain'), mine: sooner }))).toBe(NOW + 30_000);
		expect(one({ book: 'redbeat' })).toBeNull();
		expect(idOf({ book: 'redbeat', key: 'a' })).toBe('redbeat/a');
	});
});
