import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { scheduleId } from '#renderer/state/schedule-id.ts';
import { ScheduleList, type ScheduleQuery } from '#renderer/state/schedule-list.svelte.ts';
import { ScheduleWatch } from '#renderer/state/schedule-watch.svelte.ts';
import { FakeEngine, failure } from './fake-engine.ts';
import { definition, FakeSchedules, scheduleView } from './fake-schedules.ts';

const open: Disposable[] = [];
// Ticks are followed at a pace; the tests decide when its time has come.
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
	vi.useRealTimers();
});

const BY_NAME: ScheduleQuery = { show: 'all', search: '', book: null, sort: 'name', descending: false };
const BY_NEXT: ScheduleQuery = { ...BY_NAME, sort: 'next' };

function start(count: number): {
	readonly engine: FakeEngine;
	readonly fake: FakeSchedules;
	readonly list: ScheduleList;
} {
	const engine = new FakeEngine();
	const fake = new FakeSchedules(engine);
	for (let index = 0; index < count; index += 1) {
		const name = `s${String(index).padStart(5, '0')}`;
		fake.put(scheduleView(name, { nextRunAt: 1_000 + index }));
	}
	const watch = new ScheduleWatch(engine, 'p');
	const list = new ScheduleList(engine, watch, 'p');
	open.push(list, watch);
	return { engine, fake, list };
}
/** Lets answers arrive, and the pace at which ticks are followed pass. */
async function pass(ms = 1_100): Promise<void> {
	await vi.advanceTimersByTimeAsync(ms);
}
const names = (list: ScheduleList, from: number, to: number): readonly (string | undefined)[] =>
	Array.from({ length: to - from }, (_each, index) => list.at(from + index)?.view.definition.name);

describe('the list of schedules', () => {
	test('reads what is looked at, wherever that is, and nothing of the ten thousand around it', async () => {
		const { list, engine } = start(10_000);
		list.show(BY_NAME);
		await pass(0);
		expect([list.total, list.status]).toEqual([10_000, 'ready']);
		list.look(7_000, 7_020);
		await pass(0);
		expect(names(list, 7_000, 7_002)).toEqual(['s07000', 's07001']);
		expect(list.at(5_000)).toBeUndefined();
		expect(engine.called('schedule.list').length).toBeLessThan(5);
	});

	test('while nobody is at it, shows what has changed in its new order', async () => {
		const { list, fake } = start(3);
		list.show(BY_NEXT);
		await pass(0);
		fake.put(scheduleView('s00000', { nextRunAt: 9_000 }));
		fake.announce();
		await pass();
		expect(names(list, 0, 3)).toEqual(['s00001', 's00002', 's00000']);
		expect(list.pending).toBeNull();
	});

	test.each([
		['under the pointer', (list: ScheduleList) => list.point(true)],
		['at the keyboard', (list: ScheduleList) => list.focus('local/k-s00001')],
		['that are ticked', (list: ScheduleList) => list.selection.set(['local/k-s00001'], true)],
	])(
		'rows %s do not move for a tick: they say what is new where they stand, and the rest is offered',
		async (_where, hold) => {
			const { list, fake } = start(3);
			list.show(BY_NEXT);
			await pass(0);
			hold(list);
			fake.put(scheduleView('s00000', { nextRunAt: 9_000, totalRuns: 7 }), scheduleView('early', { nextRunAt: 1 }));
			fake.announce();
			await pass();
			expect(names(list, 0, 3)).toEqual(['s00000', 's00001', 's00002']);
			expect(list.at(0)?.view).toMatchObject({ nextRunAt: 9_000, totalRuns: 7 });
			expect(list.pending).toEqual({ added: 1, gone: 0, moved: true });
			list.reload();
			await pass(0);
			expect(names(list, 0, 4)).toEqual(['early', 's00001', 's00002', 's00000']);
			expect(list.pending).toBeNull();
		},
	);

	test('a row that was removed elsewhere stays in sight, marked, until the list is shown anew', async () => {
		const { list, fake } = start(3);
		list.show(BY_NAME);
		await pass(0);
		list.point(true);
		fake.rows.delete('local/k-s00001');
		fake.put();
		fake.announce();
		await pass();
		expect(list.at(1)).toMatchObject({ gone: true, view: { definition: { name: 's00001' } } });
		expect(list.pending).toMatchObject({ gone: 1, added: 0 });
		list.reload();
		await pass(0);
		expect(names(list, 0, 3)).toEqual(['s00000', 's00002', undefined]);
	});

	test('a row that a filter does not fit any more is marked, with what it is now', async () => {
		const { list, fake } = start(2);
		list.show({ ...BY_NAME, show: 'active' });
		await pass(0);
		list.point(true);
		fake.put(scheduleView('s00000', { definition: definition('s00000', { active: false }) }));
		fake.announce();
		await pass();
		expect(list.at(0)).toMatchObject({ gone: true, view: { definition: { active: false } } });
	});

	test('what a person changed is shown at once, and the keyboard takes the place of a row that went', async () => {
		const { list, fake } = start(3);
		list.show(BY_NAME);
		await pass(0);
		list.focus('local/k-s00001');
		fake.rows.delete('local/k-s00001');
		fake.put();
		await list.settle();
		expect([list.focused, list.total]).toEqual(['local/k-s00002', 2]);
	});

	test('an answer about an earlier search is dropped', async () => {
		const { list, engine } = start(3);
		let release = (): void => {};
		engine.gate = (called) =>
			called.input.search === 's00001' ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
		list.show({ ...BY_NAME, search: 's00001' });
		list.show({ ...BY_NAME, search: 's00002' });
		await pass(0);
		release();
		await pass(0);
		expect(names(list, 0, 2)).toEqual(['s00002', undefined]);
	});

	test('ticks everything that matches by id, also what was never looked at', async () => {
		const { list } = start(1_234);
		list.show({ ...BY_NAME, search: 's000' });
		await pass(0);
		await list.selectEverything();
		expect(list.selection.count).toBe(100);
		list.show(BY_NAME);
		await pass(0);
		await list.selectEverything();
		expect(list.selection.count).toBe(1_234);
		expect(list.selection.has('local/k-s01233')).toBe(true);
	});

	test('the keyboard goes to a row that is not read yet, and is there once it is', async () => {
		const { list } = start(500);
		list.show(BY_NAME);
		await pass(0);
		list.focusAt(400);
		expect([list.focused, list.focusedPlace]).toEqual([null, 400]);
		list.look(395, 410);
		await pass(0);
		expect(list.focused).toBe('local/k-s00400');
		expect(list.moveFocus(1)).toBe('local/k-s00401');
	});

	test('what cannot be read says so, and the rows that are there stay', async () => {
		const { list, engine, fake } = start(2);
		list.show(BY_NAME);
		await pass(0);
		const answer = engine.handlers.get('schedule.list');
		engine.handlers.set('schedule.list', () => failure('unreachable', 'The engine does not answer.'));
		fake.put();
		fake.announce();
		await pass();
		expect([list.error?.code, list.at(0)?.view.definition.name]).toEqual(['unreachable', 's00000']);
		if (answer !== undefined) engine.handlers.set('schedule.list', answer);
		list.reload();
		await pass(0);
		expect(list.error).toBeNull();
	});

	test('is asked once a second at most, however many ticks come', async () => {
		const { list, engine, fake } = start(2);
		list.show(BY_NAME);
		await pass(0);
		for (let tick = 0; tick < 50; tick += 1) {
			fake.put();
			fake.announce();
			await pass(20);
		}
		await pass();
		expect(engine.called('schedule.list').length).toBeLessThan(5);
	});

	test('ids hold book and key apart, whatever a key is made of', () => {
		expect(scheduleId({ book: 'redbeat', key: 'redbeat:a/b' })).toBe('redbeat/redbeat:a/b');
	});
});
