import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ScheduleDrafts } from '#renderer/state/schedule-drafts.svelte.ts';
import type { ScheduleEditor } from '#renderer/state/schedule-editor.svelte.ts';
import { Schedules } from '#renderer/state/schedules.svelte.ts';
import { Toasts } from '#renderer/state/toasts.svelte.ts';
import { FakeEngine, failure } from './fake-engine.ts';
import { bookView, definition, FakeSchedules, scheduleView } from './fake-schedules.ts';

const open: Disposable[] = [];
beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
	for (const each of open.splice(0)) each[Symbol.dispose]();
	vi.useRealTimers();
});

interface Scene {
	readonly engine: FakeEngine;
	readonly fake: FakeSchedules;
	readonly all: Schedules;
	readonly drafts: ScheduleDrafts;
	readonly toasts: Toasts;
	/** Where the page was sent, newest last. */
	readonly went: (string | null)[];
}

function start(): Scene {
	const engine = new FakeEngine();
	const fake = new FakeSchedules(engine);
	fake.put(scheduleView('dun'), scheduleView('vat'), scheduleView('feed', { book: 'shared' }));
	fake.books = [bookView('local'), bookView('shared')];
	const toasts = new Toasts();
	const drafts = new ScheduleDrafts();
	const went: (string | null)[] = [];
	const all = new Schedules(engine, 'p', {
		toasts,
		drafts,
		queue: () => 'default',
		goto: (id) => {
			went.push(id);
			all.show(id);
		},
	});
	engine.stream('schedule.watch').reader.snapshot([{ key: 'p', tick: fake.tick }]);
	open.push(all);
	return { engine, fake, all, drafts, toasts, went };
}
async function pass(ms = 0): Promise<void> {
	await vi.advanceTimersByTimeAsync(ms);
}
/** Opens one and waits until its editor is there. */
async function edit(scene: Scene, id: string): Promise<ScheduleEditor> {
	scene.all.show(id);
	await pass();
	const { editor } = scene.all;
	if (editor === null) throw new Error('There is no editor');
	await editor.check();
	return editor;
}

describe('editing a schedule', () => {
	test('is looked at once nobody types for a moment, and a late answer about an earlier text is dropped', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		let release = (): void => {};
		scene.engine.gate = (called) =>
			called.input.cron === 'first' ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
		scene.fake.problems = (input) =>
			input.cron === 'first' ? [{ field: 'cron', message: 'no', line: null, column: null, offset: null }] : [];
		const asked = scene.engine.called('schedule.preview').length;
		editor.form = { ...editor.form, timing: 'cron', cron: 'fir' };
		editor.look();
		editor.form = { ...editor.form, cron: 'first' };
		editor.look();
		await pass(300);
		expect(scene.engine.called('schedule.preview').length).toBe(asked + 1);
		editor.form = { ...editor.form, cron: '0 2 * * *' };
		editor.look();
		await pass(300);
		release();
		await pass();
		expect(editor.problems).toEqual([]);
	});

	test('a mistake is at its place, and nothing is saved while there is one', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		scene.fake.problems = (input) =>
			String(input.kwargs).includes('urgent')
				? [{ field: 'kwargs', message: 'a word needs quotes', line: 3, column: 19, offset: 40 }]
				: [];
		editor.form = { ...editor.form, kwargs: '{"tags": [urgent]}' };
		await scene.all.save();
		expect(editor.problemAt('kwargs')).toMatchObject({ line: 3, column: 19, offset: 40 });
		expect(scene.engine.called('schedule.edit')).toEqual([]);
		expect(editor.dirty).toBe(true);
		editor.form = { ...editor.form, kwargs: '{}' };
		await editor.check();
		expect(editor.problems).toEqual([]);
	});

	test('a new one points at what is missing once somebody was there or tried to save, not before', async () => {
		const scene = start();
		scene.all.begin();
		const { editor } = scene.all;
		if (editor === null) throw new Error('There is no editor');
		await editor.check();
		expect([editor.problems.length, editor.problemAt('name')]).toEqual([2, null]);
		editor.touch('task');
		expect(editor.problemAt('task')?.message).toContain('missing');
		await scene.all.save();
		expect(editor.problemAt('name')?.message).toContain('missing');
		expect(scene.engine.called('schedule.add')).toEqual([]);
	});

	test('saving sends what was edited, against the version it was filled from, and shows what is there then', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		const from = scene.fake.rows.get('local/k-dun')?.fingerprint;
		editor.form = { ...editor.form, queue: 'bulk' };
		await scene.all.save();
		await pass();
		expect(scene.engine.called('schedule.edit').at(-1)?.input).toEqual({
			profile: 'p',
			book: 'local',
			name: 'k-dun',
			queue: 'bulk',
			from,
		});
		expect([editor.dirty, scene.all.open?.detail?.view.definition.queue]).toEqual([false, 'bulk']);
		expect(scene.toasts.items.at(-1)?.title).toBe('dun is saved');
	});

	test('what was typed while it was being saved stays an edit', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		editor.form = { ...editor.form, queue: 'bulk' };
		let release = (): void => {};
		scene.engine.gate = (called) =>
			called.route === 'schedule.edit' ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
		const saving = scene.all.save();
		await pass();
		editor.form = { ...editor.form, queue: 'bulky' };
		release();
		await saving;
		await pass();
		expect([editor.dirty, editor.form.queue, editor.start.queue]).toEqual([true, 'bulky', 'bulk']);
	});

	test('a new one is added with all it says, and opened', async () => {
		const scene = start();
		scene.all.begin();
		const { editor } = scene.all;
		if (editor === null) throw new Error('There is no editor');
		editor.form = { ...editor.form, name: ' fresh ', task: 'shop.tasks.pay', active: false };
		await scene.all.save();
		await pass();
		expect(scene.engine.called('schedule.add').at(-1)?.input).toMatchObject({
			name: 'fresh',
			task: 'shop.tasks.pay',
			every: '1 hours',
			inactive: true,
			book: 'local',
		});
		expect(scene.went.at(-1)).toBe('local/k-fresh');
		expect(scene.drafts.any).toBe(false);
	});
});

describe('an unsaved edit', () => {
	test('is kept when somebody steps to another schedule, and is there when they come back', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		editor.form = { ...editor.form, queue: 'bulk' };
		await edit(scene, 'local/k-vat');
		expect(scene.all.unsaved).toEqual(['local/k-dun']);
		scene.all.show(null);
		expect((await edit(scene, 'local/k-dun')).form.queue).toBe('bulk');
		scene.all.discard();
		scene.all.show(null);
		expect([scene.all.unsaved, scene.drafts.any]).toEqual([[], false]);
	});

	test('outlives the profile that was left, and is counted for the page', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		editor.form = { ...editor.form, queue: 'bulk' };
		scene.all[Symbol.dispose]();
		expect([scene.drafts.any, scene.drafts.unsaved('p'), scene.drafts.unsaved('other')]).toEqual([
			true,
			['local/k-dun'],
			[],
		]);
	});

	test('takes over what changed elsewhere in other fields, says so, and saves both', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		editor.form = { ...editor.form, queue: 'bulk' };
		const view = scene.fake.rows.get('local/k-dun');
		if (view === undefined) throw new Error('It is gone');
		scene.fake.edit(view, { ...view.definition, description: 'theirs' });
		scene.fake.announce();
		await pass(1_100);
		expect(editor.form).toMatchObject({ queue: 'bulk', description: 'theirs' });
		expect([editor.taken, editor.clashes]).toEqual([['description'], []]);
		await scene.all.save();
		expect(scene.fake.rows.get('local/k-dun')?.definition).toMatchObject({ queue: 'bulk', description: 'theirs' });
	});

	test('that meets another value in the same field is not saved before a person decided, and overwrites nothing', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		editor.form = { ...editor.form, queue: 'mine' };
		const view = scene.fake.rows.get('local/k-dun');
		if (view === undefined) throw new Error('It is gone');
		scene.fake.edit(view, { ...view.definition, queue: 'theirs' });
		scene.fake.announce();
		await pass(1_100);
		expect(editor.clashes.map((clash) => clash.field)).toEqual(['queue']);
		await scene.all.save();
		expect(scene.fake.rows.get('local/k-dun')?.definition.queue).toBe('theirs');
		expect(editor.barred).toContain('decide');
		editor.decide('queue', 'mine');
		await scene.all.save();
		expect(scene.fake.rows.get('local/k-dun')?.definition.queue).toBe('mine');
	});

	test('is refused by the engine when it changed at that very moment, and is then shown both sides', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		editor.form = { ...editor.form, queue: 'mine' };
		const view = scene.fake.rows.get('local/k-dun');
		if (view === undefined) throw new Error('It is gone');
		// No tick has told of it yet.
		scene.fake.edit(view, { ...view.definition, queue: 'theirs' });
		await scene.all.save();
		await pass();
		expect(scene.fake.rows.get('local/k-dun')?.definition.queue).toBe('theirs');
		expect(editor.clashes.map((clash) => clash.field)).toEqual(['queue']);
		editor.decide('queue', 'theirs');
		expect([editor.form.queue, editor.dirty]).toEqual(['theirs', false]);
	});

	test('goes along when its book gives the schedule a key of its own', async () => {
		const scene = start();
		const editor = await edit(scene, 'shared/k-feed');
		editor.form = { ...editor.form, queue: 'bulk' };
		const view = scene.fake.rows.get('shared/k-feed');
		if (view === undefined) throw new Error('It is gone');
		scene.fake.rows.delete('shared/k-feed');
		scene.fake.put({ ...view, key: '42' });
		scene.fake.announce();
		await pass(1_100);
		expect(scene.went.at(-1)).toBe('shared/42');
		await pass();
		expect([scene.all.editor?.id, scene.all.editor?.form.queue]).toEqual(['shared/42', 'bulk']);
		expect(scene.all.unsaved).toEqual(['shared/42']);
	});

	test('of a schedule that was removed elsewhere can be made a new one', async () => {
		const scene = start();
		const editor = await edit(scene, 'local/k-dun');
		editor.form = { ...editor.form, queue: 'bulk' };
		scene.fake.rows.delete('local/k-dun');
		scene.fake.put();
		scene.fake.announce();
		await pass(1_100);
		expect(scene.all.open?.error?.code).toBe('not-found');
		expect(editor.form.queue).toBe('bulk');
		scene.all.begin(editor.form);
		expect(scene.all.editor).toMatchObject({ id: null, form: { name: 'dun', queue: 'bulk' } });
	});
});

describe('changing several', () => {
	test('asks book by book, runs by the keys that were reviewed, and says what came of it', async () => {
		const scene = start();
		scene.all.list.show({ show: 'all', search: '', book: null, sort: 'name', descending: false });
		await pass();
		scene.all.list.selection.set(['local/k-dun', 'shared/k-feed', 'local/k-vat'], true);
		scene.all.ask('remove', scene.all.aim);
		await pass();
		expect(scene.all.change.stage).toMatchObject({ kind: 'asking', review: { done: 3 } });
		// What comes meanwhile is not touched.
		scene.fake.put(scheduleView('later'));
		await scene.all.change.confirm('shop');
		const runs = scene.engine.called('schedule.remove').filter((call) => call.input.dryRun !== true);
		expect(runs.map((call) => [call.input.book, call.input.names, call.confirm])).toEqual([
			['local', ['k-dun', 'k-vat'], 'shop'],
			['shared', ['k-feed'], 'shop'],
		]);
		expect([...scene.fake.rows.keys()]).toEqual(['local/k-later']);
		expect(scene.toasts.items.at(-1)?.title).toBe('3 schedules removed');
		expect(scene.all.list.selection.empty).toBe(true);
	});

	test('tells what was done although a later book refuses', async () => {
		const scene = start();
		const answer = scene.engine.handlers.get('schedule.pause');
		scene.engine.handlers.set('schedule.pause', (input) =>
			input.book === 'shared' && input.dryRun !== true
				? failure('unreachable', 'The book does not answer.')
				: (answer?.(input) ?? failure('internal', 'no')),
		);
		scene.all.ask('pause', ['local/k-dun', 'shared/k-feed']);
		await pass();
		await scene.all.change.confirm();
		expect(scene.toasts.items.at(-1)).toMatchObject({
			title: '1 schedule paused, 1 failed',
			text: 'The book does not answer.',
		});
		expect(scene.fake.rows.get('local/k-dun')?.definition.active).toBe(false);
	});

	test('one is paused and resumed without a question, once at a time', async () => {
		const scene = start();
		const view = scene.fake.rows.get('local/k-dun');
		if (view === undefined) throw new Error('It is gone');
		const first = scene.all.toggle(view);
		expect(scene.all.working.has('local/k-dun')).toBe(true);
		await scene.all.toggle(view);
		await first;
		expect(scene.engine.called('schedule.pause').length).toBe(1);
		expect(scene.fake.rows.get('local/k-dun')?.definition.active).toBe(false);
		expect(scene.all.working.size).toBe(0);
	});

	test('a switch that could not be thrown says why, and nothing is changed', async () => {
		const scene = start();
		scene.engine.handlers.set('schedule.pause', () => failure('read-only', 'The profile is read-only.'));
		await scene.all.toggle(scheduleView('dun'));
		expect(scene.toasts.items.at(-1)).toMatchObject({ tone: 'failed', text: 'The profile is read-only.' });
	});
});

describe('the review of edits that wait', () => {
	const report = {
		book: 'shared',
		at: 0,
		state: 'done',
		dryRun: true,
		items: [
			{ book: 'shared', key: 'k-feed', name: 'feed', outcome: 'sent', fields: ['queue'], resumed: null, message: null },
		],
		unchanged: 3,
		note: null,
	} as const;

	test('shows both sides before anything is sent, then what was done', async () => {
		const scene = start();
		scene.fake.put(scheduleView('feed', { book: 'shared', sync: 'edited', changed: ['queue'] }));
		scene.fake.reports = [report];
		await scene.all.sync.review(null);
		expect(scene.all.sync.stage).toMatchObject({ kind: 'review', reports: [{ dryRun: true }] });
		expect(scene.all.sync.waiting.map((view) => view.key)).toEqual(['k-feed']);
		expect(scene.engine.called('schedule.sync').map((call) => call.input.dryRun)).toEqual([true]);
		await scene.all.sync.sync();
		expect(scene.all.sync.stage).toMatchObject({ kind: 'done', reports: [{ dryRun: false }] });
	});

	test('asks no book on a read-only profile, and still shows what waits', async () => {
		const scene = start();
		scene.fake.put(scheduleView('feed', { book: 'shared', sync: 'edited' }));
		await scene.all.sync.review(null, false);
		expect(scene.engine.called('schedule.sync')).toEqual([]);
		expect(scene.all.sync.waiting.length).toBe(1);
	});

	test('takes one edit back, and looks again', async () => {
		const scene = start();
		const base = definition('feed', { queue: 'old' });
		scene.fake.put(scheduleView('feed', { book: 'shared', sync: 'edited' }));
		scene.fake.bases.set('shared/k-feed', base);
		await scene.all.sync.review('shared');
		await scene.all.sync.revert({ book: 'shared', key: 'k-feed' });
		expect(scene.fake.rows.get('shared/k-feed')?.definition.queue).toBe('old');
		expect(scene.all.sync.waiting).toEqual([]);
		expect(scene.engine.called('schedule.sync').length).toBe(2);
	});

	test('that was closed is not opened again by its late answer', async () => {
		const scene = start();
		let release = (): void => {};
		scene.engine.gate = (called) =>
			called.route === 'schedule.sync' ? new Promise((resolve) => (release = resolve)) : Promise.resolve();
		const asked = scene.all.sync.review(null);
		await pass();
		scene.all.sync.close();
		release();
		await asked;
		expect(scene.all.sync.open).toBe(false);
	});
});
