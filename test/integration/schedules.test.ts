/** Schedules through the engine's routes: the local book on the built-in broker, from the draft to the task that it ran. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'sandbox';
let engine: TestEngine;

beforeAll(async () => {
	engine = await bootEngine();
});
afterAll(async () => {
	await engine?.[Symbol.asyncDispose]();
});

const names = async () => {
	const { items } = await engine.call('schedule.list', { profile, sort: 'name' });
	return items.map((one) => one.definition.name);
};

describe('a schedule of the local book', () => {
	it('is made, and shows its next runs, its exact message and its past', async () => {
		const made = await engine.call('schedule.add', {
			profile,
			name: 'nightly',
			task: 'orders.total',
			cron: '30 2 * * 1-5',
			zone: 'Europe/Berlin',
			args: '9223372036854775809, True',
			kwargs: '{"tags": ["vip"]}',
			priority: 7,
		});
		expect(made).toMatchObject({ outcome: 'done', note: null, schedule: { sync: 'synced', book: 'local' } });
		expect(made.schedule.words).toBe('every weekday at 02:30, Europe/Berlin');
		const detail = await engine.call('schedule.show', { profile, name: 'nightly' });
		expect(detail.coming).toHaveLength(20);
		expect(new Set(detail.coming.map((run) => run.local.slice(11)))).toEqual(new Set(['02:30:00']));
		expect(detail.message).toMatchObject({
			routingKey: 'default',
			properties: { priority: 7 },
			headers: [['type', 'orders.total']],
			body: '{"args": [9223372036854775809, true], "kwargs": {"tags": ["vip"]}}',
		});
		expect(detail.draft).toMatchObject({ cron: '30 2 * * 1-5', zone: 'Europe/Berlin', priority: 7 });
		expect(detail.versions).toMatchObject([{ what: 'created', by: 'here', after: { name: 'nightly' } }]);
	});

	it('is refused with what is wrong at which field and place, and nothing of it is kept', async () => {
		const bad = { profile, name: 'bad', task: 'a.b', every: '5 minutes', kwargs: '{\n  "a": urgent\n}' };
		const refusal = await engine.refusal('schedule.add', bad);
		expect(refusal.code).toBe('invalid-input');
		expect(refusal.details).toMatchObject({ field: 'kwargs', line: 2, column: 8 });
		const twice = await engine.refusal('schedule.add', { ...bad, kwargs: '{}', cron: '* * * * *' });
		expect(twice.details).toMatchObject({ field: 'cron' });
		const taken = await engine.refusal('schedule.add', { ...bad, name: 'nightly', kwargs: '{}' });
		expect([taken.code, taken.details?.field]).toEqual(['conflict', 'name']);
		expect(await names()).toEqual(['nightly']);
	});

	it('is checked while it is written, every problem at its field', async () => {
		const preview = await engine.call('schedule.preview', {
			profile,
			name: 'nightly',
			task: '',
			cron: '0 25 * * *',
			args: "1, 'two",
			kwargs: '{"a": 1, "a": 2}',
		});
		expect(preview.definition).toBeNull();
		expect(preview.problems.map((one) => one.field)).toEqual(['task', 'args', 'kwargs', 'cron']);
		expect(preview.problems.find((one) => one.field === 'kwargs')).toMatchObject({ line: 1, column: 10 });
		const good = await engine.call('schedule.preview', { profile, of: 'nightly', cron: '0 9 * * *' });
		expect(good.problems).toEqual([]);
		expect(good.words).toBe('every day at 09:00, Europe/Berlin');
		const taken = await engine.call('schedule.preview', { profile, name: 'nightly', task: 'a.b', every: '1 hour' });
		expect(taken.problems).toMatchObject([{ field: 'name' }]);
	});

	it('is changed in the fields that are given, renamed, paused and resumed, and each step can be taken back', async () => {
		const before = await engine.call('schedule.show', { profile, name: 'nightly' });
		const renamed = await engine.call('schedule.edit', { profile, name: 'nightly', rename: 'invoices', queue: 'bulk' });
		expect(renamed.schedule).toMatchObject({ key: before.view.key, definition: { name: 'invoices', priority: 7 } });
		const stale = await engine.refusal('schedule.edit', {
			profile,
			name: 'invoices',
			queue: 'mail',
			from: before.view.fingerprint,
		});
		expect(stale.code).toBe('conflict');
		expect(await engine.call('schedule.pause', { profile, names: ['invoices'] })).toMatchObject({ done: 1, failed: 0 });
		const paused = await engine.call('schedule.show', { profile, name: 'invoices' });
		expect(paused.view).toMatchObject({ nextRunAt: null, definition: { active: false } });
		expect(paused.coming).toEqual([]);
		const again = await engine.call('schedule.pause', { profile, names: ['invoices'] });
		expect(again.items).toMatchObject([{ outcome: 'skipped' }]);
		const both = { profile, names: ['invoices'], dryRun: true };
		expect(await engine.call('schedule.pause', both)).toMatchObject({ done: 0, items: [{ outcome: 'skipped' }] });
		expect(await engine.call('schedule.resume', both)).toMatchObject({ done: 1, items: [{ outcome: 'done' }] });
		expect((await engine.call('schedule.show', { profile, name: 'invoices' })).view.definition.active).toBe(false);
		await engine.call('schedule.resume', { profile, names: ['invoices'] });
		const past = await engine.call('schedule.history', { profile, name: 'invoices' });
		const rename = past.items.find((one) => one.before?.name === 'nightly' && one.after?.name === 'invoices');
		const restored = await engine.call('schedule.restore', { profile, version: rename?.id ?? 0 });
		expect(restored.schedule.definition).toEqual(before.view.definition);
	});

	it('is copied paused, removed, and brought back from its past', async () => {
		const copy = await engine.call('schedule.duplicate', { profile, name: 'nightly', as: 'copy' });
		expect(copy.schedule.definition).toMatchObject({ name: 'copy', active: false, task: 'orders.total' });
		const would = await engine.call('schedule.remove', { profile, names: ['copy', 'nightly'], dryRun: true });
		expect(would).toMatchObject({ done: 2, dryRun: true });
		expect(await names()).toEqual(['copy', 'nightly']);
		const slip = await engine.refusal('schedule.remove', { profile, names: ['copy', 'nigthly'] });
		expect(slip.code).toBe('not-found');
		expect(await names()).toEqual(['copy', 'nightly']);
		await engine.call('schedule.remove', { profile, names: ['copy'] });
		expect(await names()).toEqual(['nightly']);
		const past = await engine.call('schedule.history', { profile, name: 'copy' });
		const removal = past.items.find((one) => one.what === 'removed');
		expect(removal?.before).toMatchObject({ name: 'copy' });
		await engine.call('schedule.restore', { profile, version: removal?.id ?? 0 });
		expect(await names()).toEqual(['copy', 'nightly']);
	});

	it('goes through an export and an import as it was', async () => {
		const text = (await engine.call('schedule.export', { profile })).text;
		const before = (await engine.call('schedule.list', { profile, sort: 'name' })).items;
		expect(await engine.call('schedule.import', { profile, text })).toMatchObject({ done: 0, failed: 0 });
		await engine.call('schedule.remove', { profile, names: ['copy', 'nightly'] });
		const would = await engine.call('schedule.import', { profile, text, dryRun: true });
		expect(would.items).toMatchObject([{ reason: 'would be made' }, { reason: 'would be made' }]);
		expect(await names()).toEqual([]);
		expect(await engine.call('schedule.import', { profile, text })).toMatchObject({ done: 2, failed: 0 });
		const after = (await engine.call('schedule.list', { profile, sort: 'name' })).items;
		expect(after.map((one) => one.definition)).toEqual(before.map((one) => one.definition));
		const same = await engine.call('schedule.import', { profile, text, replace: true, dryRun: true });
		expect(same.items).toMatchObject([{ outcome: 'skipped' }, { outcome: 'skipped' }]);
		const rubbish = await engine.refusal('schedule.import', { profile, text: '{"a": 1}' });
		expect(rubbish.details).toMatchObject({ field: 'text' });
		const half = JSON.stringify({
			format: 'warren-schedules',
			schedules: [{ name: 'x', task: 'a.b', cron: '99 * * * *' }],
		});
		expect((await engine.call('schedule.import', { profile, text: half })).items).toMatchObject([
			{ name: 'x', outcome: 'failed' },
		]);
	});
});

describe('a schedule that is due', () => {
	it('runs its task by itself while a consumer of this process works, and its run leads to the task', async () => {
		const set = await engine.call('consumer.run', { profile, queues: ['default'] });
		await engine.call('schedule.add', {
			profile,
			name: 'often',
			task: 'orders.total',
			every: '1 second',
			args: '1, 2',
		});
		await waitFor('three runs', async () => {
			const { items } = await engine.call('schedule.runs', { profile, name: 'often' });
			return items.filter((run) => run.state === 'fired').length >= 3;
		});
		await engine.call('schedule.pause', { profile, names: ['often'] });
		const runs = (await engine.call('schedule.runs', { profile, name: 'often' })).items;
		expect(new Set(runs.map((run) => run.dueAt)).size).toBe(runs.length);
		expect(runs.every((run) => run.dueAt % 1_000 === 0)).toBe(true);
		const fired = runs.find((run) => run.state === 'fired');
		await waitFor('its task to succeed', async () => {
			const task = await engine.call('task.show', { profile, id: fired?.taskId ?? '' });
			return task.state === 'succeeded';
		});
		const { books } = await engine.call('schedule.list', { profile });
		expect(books[0]?.runner).toMatchObject({ here: true });
		await engine.call('consumer.stop', { profile, id: set.id });
	});

	it('runs now when a person says so, paused or not, and its due times stay', async () => {
		const outcome = await engine.call('schedule.run', { profile, names: ['copy'] });
		const task = await engine.call('task.show', { profile, id: outcome.items[0]?.taskId ?? '' });
		expect(task).toMatchObject({ name: 'orders.total', argsJson: '[9223372036854775809, true]' });
		const { items } = await engine.call('schedule.runs', { profile, name: 'copy' });
		expect(items).toMatchObject([{ manual: true, state: 'fired', taskId: task.id }]);
		await engine.call('schedule.edit', { profile, name: 'copy', queue: 'nowhere' });
		const lost = await engine.call('schedule.run', { profile, names: ['copy'] });
		expect(lost).toMatchObject({ failed: 1 });
		expect(lost.items[0]?.reason).toContain('nowhere');
	});

	it('runs once, however many processes of the home would run it', async () => {
		const home = mkdtempSync(join(tmpdir(), 'warren-schedules-'));
		try {
			await using first = await bootEngine({ home, ports: { host: 'serve' } });
			await using second = await bootEngine({ home, ports: { host: 'serve' } });
			await second.call('schedule.add', { profile, name: 'once-each', task: 'orders.total', every: '1 second' });
			await waitFor('five runs', async () => {
				const { items } = await first.call('schedule.runs', { profile });
				return items.filter((run) => run.state === 'fired').length >= 5;
			});
			const { items } = await second.call('schedule.runs', { profile, limit: 500 });
			expect(new Set(items.map((run) => run.dueAt)).size).toBe(items.length);
			expect(new Set(items.map((run) => run.by)).size).toBe(1);
			const runners = await Promise.all(
				[first, second].map(async (one) => (await one.call('schedule.books', { profile })).items[0]?.runner),
			);
			expect(runners.filter((runner) => runner?.here === true)).toHaveLength(1);
			expect(new Set(runners.map((runner) => runner?.holder)).size).toBe(1);
		} finally {
			rmSync(home, { recursive: true, force: true });
		}
	});
});
