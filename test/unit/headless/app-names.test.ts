/** Names of apps by the command line in this process: tried, kept, used by reports and files, and taken away again. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { testIo } from '#test/support/cli-io.ts';

vi.setConfig({ testTimeout: 300_000 });

const row = (id: number, app: string, name: string) =>
	`${id};${app};;;;0;2024-02-29 13:00:00+00:00;1.5;2024-02-29 13:00:00+00:00;success;t-${id};${name};2024-02-29 13:00:01.500000+00:00\r\n`;
const LOG = `id;app_name;exception;parent_id;priority;retries;received;runtime;started;state;task_id;task_name;timestamp\r
${row(1, 'shop', 'shop.tasks.charge')}${row(2, 'shop_v2', 'shop_v2.tasks.charge')}${row(3, 'mail', 'mail.tasks.send')}`;

let home: string;
beforeAll(async () => {
	home = mkdtempSync(join(tmpdir(), 'warren-app-names-'));
	const file = join(home, 'tasklogs.csv');
	writeFileSync(file, LOG);
	const broker = 'redis://127.0.0.1:1/0';
	expect((await run(['profile', 'add', 'log', '--framework', 'celery', '--broker', broker])).code).toBe(0);
	expect((await run(['--profile', 'log', 'task', 'import', file])).code).toBe(0);
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function run(args: readonly string[]) {
	const io = testIo(['--home', home, ...args]);
	const code = await runCommandLine(io);
	return { code, out: io.out(), err: io.err() };
}
const log = (...args: string[]) => run(['--profile', 'log', ...args]);
const json = async (...args: string[]) => JSON.parse((await log('--json', ...args)).out);
const runsByApp = async () => {
	const { data } = await json('report', 'show', 'apps_top_runs', '--since', 'all');
	return data.items as readonly { label: string; value: number; query: string }[];
};

describe('names of apps', () => {
	it('are tried without a change, kept for reports and CSV, and taken away again', async () => {
		const tried = await json('report', 'apps', '--try', 'shop_v2=shop');
		expect(tried).toMatchObject({ total: 3, changes: 1 });
		expect(tried.tasks).toContainEqual({ task: 'shop_v2.tasks.charge', runs: 1, app: 'shop', before: 'shop_v2' });
		expect((await runsByApp()).map(({ label }) => label)).toEqual(['mail', 'shop', 'shop_v2']);

		const kept = await json('report', 'map', 'shop_v2', 'shop');
		expect(kept.names).toContainEqual({ other: 'shop_v2', app: 'shop', builtIn: false });
		expect(kept.names).toContainEqual({ other: 'standings_requests', app: 'standingsrequests', builtIn: true });
		const [shop] = await runsByApp();
		expect(shop).toMatchObject({ label: 'shop', value: 2 });
		// The figure leads to as many tasks as it says, by both names.
		expect(await json('task', 'count', shop?.query ?? '')).toEqual({ total: 2 });
		const csv = (await log('task', 'export', '--format', 'csv')).out;
		expect(csv.match(/^\d+;shop;/gm)).toHaveLength(2);
		const setting = (await json('inspect', 'settings')).items.find(({ name }: { name: string }) =>
			name.includes('APP_NAME'),
		);
		expect(setting.value).toContain('shop_v2=shop');
		// Editing something else of the profile leaves them.
		expect((await run(['profile', 'edit', 'log', '--environment', 'staging'])).code).toBe(0);
		expect(await runsByApp()).toHaveLength(2);

		expect((await log('report', 'map', 'shop_v2')).code).toBe(0);
		expect(await runsByApp()).toHaveLength(3);
	});

	it('are refused where one would have to be looked up twice, or says nothing', async () => {
		expect((await log('report', 'map', 'a', 'b')).code).toBe(0);
		for (const [args, words] of [
			[['b', 'c'], '"a" stands for "b" already'],
			[['c', 'a'], '"a" itself stands for "b"'],
			[['d', 'd'], 'cannot stand for itself'],
			[['nobody'], '"nobody" stands for no other app'],
		] as const) {
			const refused = await log('report', 'map', ...args);
			expect(refused.code).not.toBe(0);
			expect(refused.err).toContain(words);
		}
		const refused = await log('report', 'apps', '--try', 'nothing');
		expect(refused.err).toContain('Write OTHER=APP');
	});

	it('cannot be changed in a read-only profile', async () => {
		expect((await run(['profile', 'edit', 'log', '--read-only'])).code).toBe(0);
		expect((await log('report', 'map', 'x', 'y')).code).toBe(3);
		expect((await log('report', 'apps')).code).toBe(0);
	});
});
