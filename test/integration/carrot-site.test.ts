/** A carrot site through the engine's routes: the stand-in monitor, the built-in broker, and a real Django database beside them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeSiteProject, type SiteProject } from '#test/support/carrot-site/project.ts';
import { type StandInSite, startStandIn } from '#test/support/carrot-site/server.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'site';
const LOGIN = { username: 'ann', password: 'login-canary-77 ü' };
const OLD = '2026-01-01T00:00:00.000000+00:00';

let engine: TestEngine;
let site: StandInSite;
const said: unknown[] = [];

beforeAll(async () => {
	engine = await bootEngine();
	site = await startStandIn({ login: LOGIN, notImportable: ['shop.gone'] });
	const address = site.url.replace('http://', `http://${LOGIN.username}:${encodeURIComponent(LOGIN.password)}@`);
	said.push(
		await engine.call('profile.add', { name: profile, broker: 'embedded:', monitor: address, queues: ['default'] }),
	);
	// Makes the built-in broker's queue.
	await engine.call('consumer.run', {
		profile,
		queues: ['default'],
		node: ['none.mjs'],
		project: engine.home,
		untilEmpty: true,
	});
});
afterAll(async () => {
	await engine?.[Symbol.asyncDispose]();
	await site?.[Symbol.asyncDispose]();
});
beforeEach(() => {
	site.rows.clear();
	site.schedules.clear();
	site.requests.length = 0;
});

const call: TestEngine['call'] = async (route, input, confirm) => {
	const answer = await engine.call(route, input, confirm);
	said.push(answer);
	return answer;
};
const show = (id: string) => call('task.show', { profile, id });

describe('the way in', () => {
	it('keeps user and password of a pasted address in the vault, and shows the address without them', async () => {
		const { profile: saved, secrets } = await call('profile.show', { name: profile });
		expect(saved.monitorUrl).toBe(site.url);
		expect(secrets.monitor).toBe(true);
	});

	it('tells which doors are open, what the release offers, and how many rows there are', async () => {
		site.add({ status: 'FAILED' });
		site.addSchedule();
		const status = await call('site.status', { profile });
		expect(status.doors.map((one) => [one.door, one.state])).toEqual([
			['monitor', 'open'],
			['broker', 'open'],
			['database', 'not-set'],
		]);
		expect(status).toMatchObject({ login: 'session', counts: { failed: 1 }, features: { taskNames: true } });
		expect(site.requests.join()).not.toMatch(/purge|requeue\/|run\//);
	});

	it('says what to do where no monitor is set', async () => {
		const refused = await engine.refusal('site.list', { profile: 'sandbox' });
		expect(refused).toMatchObject({ code: 'unsupported' });
		expect(refused.message).toContain('--monitor');
	});
});

describe('reading the site', () => {
	it("lists rows with their arguments read, and makes them tasks of Warren's history", async () => {
		const row = site.add({
			status: 'FAILED',
			task: 'shop.tasks.refund',
			task_args: "('a, b', (1, 2))",
			content: '{"big": 9007199254740993}',
			publish_time: OLD,
			failure_time: OLD,
			exception: 'no such order',
			traceback: 'Traceback (most recent call last):\n  File "shop.py", line 1, in refund\nKeyError: 17\n',
			log: 'default-consumer-1 2026-01-01 00:00:00,000 INFO:: Starting task tasks.refund',
		});
		const page = await call('site.list', { profile, tab: 'failed' });
		expect(page.items[0]).toMatchObject({
			id: row.id,
			argsJson: '["a, b", [1, 2]]',
			kwargsJson: '{"big": 9007199254740993}',
			preview: "'a, b', (1, 2), big=9007199254740993",
			taskId: row.uuid,
		});
		const task = await show(row.uuid);
		expect(task).toMatchObject({
			state: 'failed',
			name: 'shop.tasks.refund',
			worker: 'site:default-consumer-1',
			exception: { type: 'KeyError', message: 'no such order' },
		});
		const found = await call('task.list', { profile, query: 'state:failed refund' });
		expect(found.items.map((one) => one.id)).toContain(row.uuid);
	});

	it('shows one row with its log on one clock and what a requeue would do', async () => {
		const row = site.add({ status: 'FAILED', task_args: '([1, 2],)' });
		const detail = await call('site.show', { profile, id: String(row.id) });
		expect(detail.args).toMatchObject([{ kind: 'list' }]);
		expect(detail.forecast.siteCan).toBe(false);
		expect((await engine.refusal('site.show', { profile, id: 99_999 })).code).toBe('not-found');
	});

	it('keeps in history what the site has deleted, and can be told to read all pages', async () => {
		for (let n = 0; n < 130; n += 1) {
			site.add({ status: 'COMPLETED', task: 'shop.bulk', completion_time: OLD, output: `${n}`, publish_time: OLD });
		}
		expect(await call('site.collect', { profile, tab: 'completed' })).toEqual({ rows: 130, complete: true });
		site.rows.clear();
		expect((await call('task.count', { profile, query: 'name:shop.bulk state:succeeded' })).total).toBe(130);
	});

	it('ticks while somebody watches, and keeps what it sees', async () => {
		const watch = await engine.open('site.watch', { profile, every: 2 });
		await waitFor('the first look', () => watch.items.some((one) => one.tick.at !== null));
		const row = site.add({ status: 'FAILED', failure_time: OLD });
		await waitFor('a tick for the new row', () => watch.items.some((one) => one.tick.counts?.failed === 1));
		await waitFor('the row in history', async () => (await show(row.uuid)).state === 'failed');
		watch[Symbol.dispose]();
	});
});

describe('requeueing rows', () => {
	it('by the site itself, with old and new row as attempts of one task', async () => {
		const row = site.add({ status: 'FAILED', task_args: '(1, 2)', failure_time: OLD, exception: 'first' });
		const outcome = await call('site.requeue', { profile, ids: [row.id] });
		expect(outcome).toMatchObject({ done: 1, failed: 0, links: [{ id: row.id, uuid: row.uuid, way: 'site' }] });
		const link = outcome.links[0];
		const task = await show(link?.newUuid ?? '');
		expect(task.id).toBe(row.uuid);
		expect(task.history.map((one) => [one.state, one.cause, one.messageId])).toEqual([
			['failed', 'published', row.uuid],
			['queued', 'requeued', link?.newUuid],
		]);
		expect(task.history[0]?.exception?.message).toBe('first');
		// A later look at the site adds nothing to it.
		await call('site.list', { profile, tab: 'published' });
		expect((await show(row.uuid)).history).toHaveLength(2);
	});

	it('through the database where the site cannot read its own arguments, with priority and types as they were', async () => {
		using project = await makeSiteProject();
		const row = site.add({
			status: 'FAILED',
			task: 'carrotsite.tasks.add',
			task_args: "('a, b', [1, 2])",
			content: '{"x": 9007199254740993}',
			priority: 7,
			failure_time: OLD,
		});
		const outcome = await call('site.requeue', { profile, ids: [row.id], ...projectOf(project) });
		const link = outcome.links[0];
		expect(outcome).toMatchObject({ done: 1, links: [{ way: 'database' }] });
		expect(site.rows.size).toBe(0);
		expect(site.requests.filter((one) => one.startsWith('PUT'))).toEqual([]);
		expect(await project.rows()).toMatchObject([
			{ id: link?.newId, uuid: link?.newUuid, status: 'PUBLISHED', task_args: "('a, b', [1, 2])", priority: 7 },
		]);
		const { items } = await call('queue.peek', { profile, queue: 'default' });
		const message = items.find((one) => one.task?.messageId === link?.newUuid);
		expect(message?.task).toMatchObject({
			argsJson: '["a, b", [1, 2]]',
			kwargsJson: '{"x": 9007199254740993}',
			priority: 7,
		});
		expect((await show(row.uuid)).history.map((one) => one.state)).toEqual(['failed', 'queued']);
	});

	it('by a schedule that runs once where nothing is changed by that, and leaves no schedule behind', async () => {
		const row = site.add({ status: 'FAILED', task_args: null, content: '{"x": 1}', failure_time: OLD });
		const outcome = await call('site.requeue', { profile, ids: [row.id] });
		expect(outcome).toMatchObject({ done: 1, links: [{ way: 'schedule' }] });
		const [made] = [...site.rows.values()];
		expect(made).toMatchObject({ content: '{"x": 1}', task_args: '()', status: 'PUBLISHED' });
		expect(outcome.links[0]?.newUuid).toBe(made?.uuid);
		expect(site.schedules.size).toBe(0);
	});

	it('is refused, row kept, where every way would change an argument, with what would help', async () => {
		const row = site.add({ status: 'FAILED', task_args: "('a, b',)" });
		const outcome = await call('site.requeue', { profile, ids: [row.id] });
		expect(outcome).toMatchObject({ done: 0, failed: 1 });
		expect(outcome.items[0]?.reason).toContain('--project');
		expect([...site.rows.keys()]).toEqual([row.id]);
		expect(site.schedules.size).toBe(0);
	});

	it('fails for a task that the web process cannot import, and keeps the row', async () => {
		const row = site.add({ status: 'FAILED', task: 'shop.gone', task_args: '(1,)' });
		const outcome = await call('site.requeue', { profile, ids: [row.id] });
		expect(outcome).toMatchObject({ done: 0, failed: 1 });
		expect(site.rows.has(row.id)).toBe(true);
	});

	it('goes on after a row that fails, and never by the bulk endpoint', async () => {
		const ids = [1, 2, 3].map((n) => site.add({ status: 'FAILED', task_args: `(${n},)` }).id);
		site.mishap(new RegExp(`^PUT .*/${ids[1]}/`), { status: 500 });
		const outcome = await call('site.requeue', { profile, all: 'failed' });
		expect(outcome).toMatchObject({ done: 2, failed: 1 });
		expect(site.requests.filter((one) => /^(PUT|DELETE) .*\/(failed|completed|published)\//.test(one))).toEqual([]);
	});

	it('sends a change that got no answer once, and tells whether it was carried out', async () => {
		const kept = site.add({ status: 'FAILED', task_args: '(5,)' });
		site.mishap(/^PUT/, 'break');
		const before = await call('site.requeue', { profile, ids: [kept.id] });
		expect(before.items[0]).toMatchObject({ outcome: 'failed' });
		expect(before.items[0]?.reason).toContain('still there');
		const done = site.add({ status: 'FAILED', task_args: '(6,)' });
		site.mishap(/^PUT/, 'break-after');
		const after = await call('site.requeue', { profile, ids: [done.id] });
		const made = [...site.rows.values()].find((row) => row.task_args === '(6,)');
		expect(after).toMatchObject({ done: 1, links: [{ id: done.id, newId: made?.id, newUuid: made?.uuid }] });
		expect(site.requests.filter((one) => one.startsWith('PUT'))).toHaveLength(2);
	});

	it('asks first before rows that run or wait', async () => {
		const running = site.add({ status: 'IN_PROGRESS' });
		const waiting = site.add({ status: 'PUBLISHED' });
		const outcome = await call('site.requeue', { profile, ids: [running.id, waiting.id] });
		expect(outcome).toMatchObject({ done: 0, skipped: 2 });
		expect(outcome.items.map((one) => one.reason).join()).toMatch(/--running[\s\S]*--waiting/);
		const allowed = await call('site.requeue', {
			profile,
			ids: [running.id, waiting.id],
			running: true,
			waiting: true,
		});
		expect(allowed).toMatchObject({ done: 2 });
		expect(allowed.items.some((one) => one.reason?.includes('stalls a worker'))).toBe(true);
	});

	it('says beforehand what it would do, and then does nothing', async () => {
		site.add({ status: 'FAILED', task_args: "('a, b',)" });
		site.add({ status: 'FAILED' });
		const before = [...site.rows.keys()];
		const outcome = await call('site.requeue', { profile, all: 'failed', dryRun: true });
		expect(outcome.review?.ids.toSorted()).toEqual(before);
		expect(outcome.review?.warnings.join()).toContain('cannot read itself');
		expect([...site.rows.keys()]).toEqual(before);
		expect(site.requests.filter((one) => !one.startsWith('GET'))).toEqual([]);
	});

	it('stops between two rows when it is cancelled', async () => {
		const ids = Array.from({ length: 40 }, () => site.add({ status: 'FAILED' }).id);
		const progress = await engine.open('action.watch', {});
		const asked = call('site.requeue', { profile, ids });
		const key = await waitFor(
			'the change under way',
			() => progress.items.findLast((one) => one.total === 40 && one.done > 0 && one.state === 'running')?.key,
		);
		await call('action.cancel', { key });
		const outcome = await asked;
		expect(outcome.cancelled).toBe(true);
		expect(outcome.done).toBeLessThan(40);
		// Each row is either as it was or requeued.
		expect(site.rows.size).toBe(40);
		progress[Symbol.dispose]();
	});
});

describe('deleting rows', () => {
	it('leaves an ended task in history and the row in the journal', async () => {
		const row = site.add({ status: 'FAILED', task: 'shop.tasks.kept', failure_time: OLD, exception: 'kept' });
		const outcome = await call('site.delete', { profile, ids: [row.id] });
		expect(outcome).toMatchObject({ done: 1, action: 'delete' });
		expect(site.rows.size).toBe(0);
		expect((await show(row.uuid)).exception?.message).toBe('kept');
		expect((await call('task.list', { profile, query: 'name:shop.tasks.kept' })).items).toHaveLength(1);
	});

	it('warns that the message of a waiting row stays, and takes it out when asked to', async () => {
		const { id: uuid } = await call('task.publish', { profile, name: 'shop.tasks.add', args: '1' });
		const row = site.add({ status: 'PUBLISHED', uuid, task_args: '(1,)' });
		expect(await call('site.delete', { profile, ids: [row.id] })).toMatchObject({ done: 0, skipped: 1 });
		const outcome = await call('site.delete', { profile, ids: [row.id], waiting: true, messages: true });
		expect(outcome.items).toMatchObject([{ outcome: 'done', reason: null }]);
		const { items } = await call('queue.peek', { profile, queue: 'default' });
		expect(items.some((one) => one.task?.messageId === uuid)).toBe(false);
		expect((await call('task.list', { profile, query: `state:queued ${uuid}` })).items).toEqual([]);
	});

	it('counts a row that somebody else deleted meanwhile as skipped', async () => {
		const outcome = await call('site.delete', { profile, ids: [424_242] });
		expect(outcome).toMatchObject({ skipped: 1, items: [{ reason: 'is no longer on the site' }] });
	});
});

describe('reconciling', () => {
	it('finds lost rows, stranger messages, dead schedules and missing consumers, each with cause and next action', async () => {
		const { id: stranger } = await call('task.publish', { profile, name: 'shop.stranger' });
		const lost = site.add({ status: 'PUBLISHED', publish_time: OLD });
		const running = site.add({ status: 'IN_PROGRESS', publish_time: OLD });
		site.addSchedule({ task: 'shop.tick', task_name: 'tick', interval_count: 10 });
		site.add({ status: 'COMPLETED', task: 'shop.tick', publish_time: OLD, completion_time: OLD });
		const { findings } = await call('site.reconcile', { profile, peek: true, expect: { default: '2' } });
		const of = (kind: string) => findings.find((one) => one.kind === kind);
		expect(of('rows-without-messages')?.rows).toEqual([{ id: lost.id, uuid: lost.uuid }]);
		expect(of('messages-without-rows')?.messages).toContain(stranger);
		expect(of('running-without-consumer')?.rows).toEqual([{ id: running.id, uuid: running.uuid }]);
		expect(of('dead-schedule')).toMatchObject({ certainty: 'likely', title: 'The schedule tick no longer runs' });
		expect(of('fewer-consumers')).toMatchObject({ certainty: 'certain', count: 2 });
		for (const finding of findings) {
			expect(finding.cause.length).toBeGreaterThan(20);
			expect(finding.next.length).toBeGreaterThan(20);
		}
	});

	it('says what it cannot tell when the monitor is away', async () => {
		site.mishap(/./, { status: 500 }, 1_000);
		const { cannotTell } = await call('site.reconcile', { profile });
		expect(cannotTell.map((one) => one.kind)).toEqual(
			expect.arrayContaining(['rows-without-messages', 'messages-without-rows', 'dead-schedule']),
		);
		site.clearMishaps();
	});
});

describe('schedules of the site', () => {
	it('are listed with their interval', async () => {
		site.addSchedule({ task_name: 'nightly', interval_type: 'days', interval_count: 1 });
		const { items } = await call('site.schedules', { profile });
		expect(items).toMatchObject([{ name: 'nightly', intervalMs: 86_400_000, active: true }]);
	});
});

describe('what must never be', () => {
	it('a change on a read-only profile', async () => {
		const row = site.add({ status: 'FAILED' });
		await call('profile.edit', { name: profile, readOnly: true });
		expect((await engine.refusal('site.requeue', { profile, ids: [row.id] })).code).toBe('read-only');
		expect((await engine.refusal('site.delete', { profile, ids: [row.id] })).code).toBe('read-only');
		await call('profile.edit', { name: profile, readOnly: false });
		expect(site.rows.has(row.id)).toBe(true);
	});

	it("the broker's or the monitor's password in an answer, the audit, or any file of the home", async () => {
		said.push(await call('audit.list', { limit: 1_000 }));
		expect(JSON.stringify(said)).not.toMatch(/canary/);
		for (const file of filesIn(engine.home)) {
			expect([file, readFileSync(file).includes('canary')]).toEqual([file, false]);
		}
	});
});

function projectOf(project: SiteProject) {
	const spec = project.spec();
	if (spec.kind !== 'python') throw new Error('no Python project');
	return { project: spec.project, settings: spec.settingsModule ?? '', python: spec.executable, env: { ...spec.env } };
}

function filesIn(folder: string): readonly string[] {
	return readdirSync(folder, { withFileTypes: true, recursive: true })
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name));
}
