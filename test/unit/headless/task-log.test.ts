/** `inspect` and `purge` by the command line in this process, over the sandbox and an imported log. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { testIo } from '#test/support/cli-io.ts';

vi.setConfig({ testTimeout: 180_000 });

const LOG = `id;app_name;exception;parent_id;priority;retries;received;runtime;started;state;task_id;task_name;timestamp\r
1;shop;Retry;;4;0;2024-02-29 12:00:00+00:00;0.5;2024-02-29 12:00:01+00:00;retry;t-1;shop.tasks.charge;2024-02-29 12:00:01.500000+00:00\r
2;shop;ValueError;;4;1;2024-02-29 12:01:00+00:00;0.25;2024-02-29 12:01:01+00:00;failure;t-1;shop.tasks.charge;2024-02-29 12:01:01.250000+00:00\r
3;mail;;;;0;2024-02-29 13:00:00+00:00;1.5;2024-02-29 13:00:00+00:00;success;t-2;mail.tasks.send;2024-02-29 13:00:01.500000+00:00\r
4;mail;;;;0;2024-02-29 13:00:00+00:00;1.5;2024-02-29 13:00:00+00:00;success;t-3;mail.tasks.send;2024-02-29 13:00:01.500000+00:00\r
`;

let home: string;
beforeAll(async () => {
	home = mkdtempSync(join(tmpdir(), 'warren-task-log-'));
	const file = join(home, 'tasklogs.csv');
	writeFileSync(file, LOG);
	const broker = 'redis://127.0.0.1:1/0';
	expect((await run(['profile', 'add', 'log', '--framework', 'celery', '--broker', broker])).code).toBe(0);
	expect((await run(['--profile', 'log', 'task', 'import', file])).code).toBe(0);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function run(args: readonly string[], answers?: readonly string[]) {
	const io = testIo(['--home', home, ...args], answers === undefined ? {} : { answers });
	const code = await runCommandLine(io);
	return { code, out: io.out(), err: io.err(), asked: io.asked };
}
async function json(args: readonly string[]) {
	return JSON.parse((await run(['--json', ...args])).out);
}

describe('inspect and purge of logs', () => {
	it('count runs, not tasks', async () => {
		const found = await json(['--profile', 'log', 'inspect', 'logs', '--force-calc']);
		expect(found).toMatchObject({ logs: 4, bytesPerLog: Math.round(found.bytesAbout / 4) });
	});

	it('list every setting by its own name, sorted', async () => {
		const names = (await json(['inspect', 'settings'])).items.map((one: { name: string }) => one.name);
		expect(names).toHaveLength(10);
		expect(names).toEqual([...names].sort());
		expect(names.every((name: string) => name.startsWith('TASKMONITOR_'))).toBe(true);
	});

	it('tell what was set for the profile from what is as out of the box', async () => {
		const at = ['--profile', 'log'];
		const settings = async () => {
			const { items } = await json([...at, 'inspect', 'settings']);
			return new Map<string, { value: unknown; source: string }>(
				items.map(({ name, ...one }: { name: string; value: unknown; source: string }) => [
					name.replace('TASKMONITOR_', ''),
					one,
				]),
			);
		};
		const flags = ['--truncate', 'on', '--batch-size', '5000', '--housekeeping-minutes', '30', '--queued-limit', '7'];
		const kept = ['--queued-cache-seconds', '10'];
		expect(
			(await run([...at, 'history', 'set', ...flags, ...kept, '--reports-top', '1', '--enabled', 'off'])).code,
		).toBe(0);
		const after = await settings();
		for (const [name, value] of [
			['TRUNCATE_NESTED_DATA', true],
			['DELETE_STALE_BATCH_SIZE', 5_000],
			['HOUSEKEEPING_FREQUENCY', 30],
			['QUEUED_TASKS_ADMIN_LIMIT', 7],
			['QUEUED_TASKS_CACHE_TIMEOUT', 10],
			['REPORTS_MAX_TOP', 1],
			['ENABLED', false],
		] as const) {
			expect([name, after.get(name)]).toMatchObject([name, { value, source: 'profile' }]);
		}
		expect(after.get('REPORTS_MAX_AGE')).toMatchObject({ value: 0, source: 'default' });
		expect(after.get('DATA_MAX_AGE')).toMatchObject({ value: 72, source: 'default' });
		// All goes back at once.
		expect((await json([...at, 'history', 'set', '--default'])).own).toEqual([]);
		expect((await settings()).get('QUEUED_TASKS_CACHE_TIMEOUT')).toMatchObject({ value: 0, source: 'default' });
		for (const wrong of ['-1', '1.5', '86401', 'soon']) {
			const refused = await run([...at, 'history', 'set', `--queued-cache-seconds=${wrong}`]);
			expect(refused).toMatchObject({ code: 2, out: '' });
		}
	});

	it('show a report again for as long as the profile says, with the moment it was computed at, unless a fresh one is asked for', async () => {
		const at = ['--profile', 'log'];
		const report = (...flags: string[]) =>
			json([...at, 'report', 'show', 'tasks_top_runs', '--since', 'all', ...flags]);
		const first = await report();
		// Nothing is kept as long as nobody asks for it.
		expect((await report()).computedAt).toBeGreaterThan(first.computedAt);
		await json([...at, 'history', 'set', '--reports-max-age-minutes', '60']);
		const kept = await report();
		expect(await report()).toEqual(kept);
		expect((await report('--top', '1')).computedAt).toBeGreaterThan(kept.computedAt);
		expect(await report()).toEqual(kept);
		const fresh = await report('--fresh');
		expect(fresh.computedAt).toBeGreaterThan(kept.computedAt);
		expect(await report()).toEqual(fresh);
		const { items } = await json([...at, 'inspect', 'settings']);
		expect(items).toContainEqual(
			expect.objectContaining({ name: 'TASKMONITOR_REPORTS_MAX_AGE', value: 60, source: 'profile' }),
		);
		await json([...at, 'history', 'set', '--default']);
		expect((await report()).computedAt).toBeGreaterThan(fresh.computedAt);
	});

	it('want exactly one way of saying what is meant', async () => {
		for (const flags of [[], ['--all', '--app-name', 'shop']]) {
			const refused = await run(['--profile', 'log', 'purge', 'logs', ...flags, '--yes']);
			expect(refused).toMatchObject({ code: 2, out: '' });
			expect(refused.err).toContain('exactly one of --all, --app-name X, --task-id X and --task-name X');
		}
	});

	it('ask before anything goes, and take any answer but y for a no', async () => {
		for (const answer of ['', 'n', 'yes']) {
			const aborted = await run(['--profile', 'log', 'purge', 'logs', '--all'], [answer]);
			expect(aborted).toMatchObject({ code: 1, out: '' });
			expect(aborted.asked[0]).toContain('(y/N)');
		}
		expect((await run(['--profile', 'log', 'purge', 'logs', '--all'])).code).toBe(3);
		expect(await json(['--profile', 'log', 'inspect', 'logs'])).toMatchObject({ logs: 4 });
	});

	it('delete by app, by id and by name, and warn with exit code 1 where nothing matches', async () => {
		const purge = (...flags: string[]) => run(['--profile', 'log', 'purge', 'logs', ...flags], ['y']);
		expect((await purge('--app-name', 'nobody')).code).toBe(1);
		expect((await purge('--task-id', 't-2')).out).toBe('Purged 1 logs.\n');
		expect((await purge('--app-name', 'shop')).code).toBe(0);
		expect(await json(['--profile', 'log', 'inspect', 'logs'])).toMatchObject({ logs: 1 });
		expect((await purge('--task-name', 'mail.tasks.send')).code).toBe(0);
		expect(await json(['--profile', 'log', 'inspect', 'logs'])).toMatchObject({ logs: 0, bytesPerLog: null });
	});
});

describe('inspect and purge of a queue', () => {
	it('asks before more is looked into than the profile says, and counts without a question after --yes', async () => {
		await json(['history', 'set', '--queued-limit', '1']);
		const asked = await run(['inspect', 'queue'], ['n']);
		expect(asked).toMatchObject({ code: 1, out: '' });
		expect(asked.asked[0]).toMatch(/^\d+ tasks wait\. Look at them\? \(y\/N\) $/);
		expect((await run(['inspect', 'queue'])).code).toBe(3);
		const counted = await json(['--yes', 'inspect', 'queue']);
		expect(counted.lookedAt).toBe(counted.total);
		expect((await run(['inspect', 'queue'], ['y'])).out).toContain(`${counted.total} tasks in `);
		await json(['history', 'set', '--default']);
	});

	it('shows what an earlier command counted, with its age, until Warren changes something', async () => {
		// Nothing is kept as long as nobody asks for it.
		expect((await json(['inspect', 'queue'])).ageMs).toBe(null);
		expect((await json(['inspect', 'queue'])).ageMs).toBe(null);
		await json(['history', 'set', '--queued-cache-seconds', '86400']);
		const first = await json(['inspect', 'queue']);
		expect(first.ageMs).toBe(null);
		const again = await json(['inspect', 'queue']);
		expect(again).toEqual({ ...first, ageMs: expect.any(Number) });
		expect((await run(['inspect', 'queue'])).out).toMatch(/Counted \d+ seconds? ago; --fresh counts now\./);
		// Which app a task belongs to is not kept: it is as the profile says now.
		await json(['report', 'map', 'orders', 'shop']);
		expect((await json(['inspect', 'queue'])).apps.map((one: { name: string }) => one.name)).toContain('shop');
		await json(['report', 'map', 'orders']);
		expect((await json(['inspect', 'queue', '--fresh'])).readAt).toBeGreaterThan(first.readAt);

		await json(['task', 'publish', 'extra.tasks.one', '--queue', 'default']);
		const published = await json(['inspect', 'queue']);
		expect(published).toMatchObject({ total: first.total + 1, ageMs: null });
		expect(published.apps).toContainEqual({ name: 'extra', count: 1 });
		expect((await json(['inspect', 'queue'])).ageMs).not.toBe(null);
		await run(['purge', 'queue', '--app-name', 'extra', '--queue', 'default', '--yes']);
		expect(await json(['inspect', 'queue'])).toMatchObject({ total: first.total, ageMs: null });
		await json(['history', 'set', '--default']);
		expect((await json(['inspect', 'queue'])).ageMs).toBe(null);
	});

	it('count what waits by app and by task, take one app out, then all of it', async () => {
		const before = await json(['inspect', 'queue']);
		const sum = (items: readonly { count: number }[]) => items.reduce((total, { count }) => total + count, 0);
		expect(before.total).toBeGreaterThan(0);
		expect(sum(before.apps)).toBe(before.total);
		expect(sum(before.tasks)).toBe(before.total);
		const orders = before.apps.find((one: { name: string }) => one.name === 'orders').count;
		const purged = await run(['purge', 'queue', '--app-name', 'orders', '--queue', 'default'], ['y']);
		expect(purged).toMatchObject({ code: 0, out: `Purged ${orders} tasks.\n` });
		const after = await json(['inspect', 'queue']);
		expect(after.total).toBe(before.total - orders);
		expect(after.apps.map((one: { name: string }) => one.name)).not.toContain('orders');
		expect((await run(['purge', 'queue', '--all', '--queue', 'default', '--yes'])).code).toBe(0);
		expect((await run(['inspect', 'queue'])).out).toBe('Queue is empty.\n');
		expect((await run(['purge', 'queue', '--all', '--queue', 'default', '--yes'])).code).toBe(1);
	});
});
