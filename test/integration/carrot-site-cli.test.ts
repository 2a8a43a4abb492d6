/** `warren site …` as a person and a script use it, against the stand-in monitor. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SitePage, SiteReconciliation, SiteRowDetail, SiteRowView } from '#main/domain/site.ts';
import type { SiteOutcome } from '#main/ipc/contract/site.ts';
import { type StandInSite, startStandIn } from '#test/support/carrot-site/server.ts';
import { type CliRun, warren } from '#test/support/cli.ts';

const LOGIN = { username: 'ann', password: 'login-canary-77' };
let home: string;
let site: StandInSite;
const said: string[] = [];

beforeAll(async () => {
	home = mkdtempSync(join(tmpdir(), 'warren-site-cli-'));
	site = await startStandIn({ login: LOGIN });
	const add = [
		'profile',
		'add',
		'shop',
		'--broker',
		'embedded:',
		'--monitor',
		site.url,
		'--monitor-user',
		LOGIN.username,
	];
	const run = await warren(home, [...add, '--monitor-password-stdin'], { stdin: `${LOGIN.password}\n` });
	expect([run.stderr, run.code]).toEqual(['', 0]);
});
afterAll(async () => {
	await site[Symbol.asyncDispose]();
	rmSync(home, { recursive: true, force: true });
});

async function cli(...words: readonly string[]): Promise<CliRun> {
	const run = await warren(home, ['--profile', 'shop', 'site', ...words]);
	said.push(run.stdout, run.stderr);
	return run;
}
async function json<T>(...words: readonly string[]): Promise<T> {
	const run = await cli(...words, '--json');
	if (run.code !== 0) throw new Error(`${run.code}: ${run.stdout} ${run.stderr}`);
	return JSON.parse(run.stdout) as T;
}

describe('warren site', () => {
	it('lists a tab and shows a row', async () => {
		const row = site.add({
			status: 'FAILED',
			task: 'shop.refund',
			task_args: "('a, b',)",
			exception: 'no \u001b[31morder',
		});
		const page = await json<SitePage<SiteRowView>>('list', 'failed');
		expect(page.items).toMatchObject([{ id: row.id, argsJson: '["a, b"]' }]);
		const detail = await json<SiteRowDetail>('show', String(row.id));
		expect(detail.forecast.siteCan).toBe(false);
		const table = await cli('list');
		expect(table.stdout).toContain('shop.refund');
		expect(table.stdout).not.toContain('\u001b');
		expect((await cli('show', '9999')).code).toBe(1);
		site.rows.clear();
	});

	it('requeues rows, tells which could not be, and ends with 1 then', async () => {
		const good = site.add({ status: 'FAILED', task_args: '(1,)' });
		const bad = site.add({ status: 'FAILED', task_args: '([1, 2],)' });
		const run = await cli('requeue', String(good.id), String(bad.id), '--yes', '--json');
		const outcome = JSON.parse(run.stdout) as SiteOutcome;
		expect(run.code).toBe(1);
		expect(outcome).toMatchObject({ done: 1, failed: 1, links: [{ id: good.id, way: 'site' }] });
		expect(run.stderr).toContain('arguments that the site cannot read itself');
		expect(site.rows.has(bad.id)).toBe(true);
		site.rows.clear();
	});

	it('deletes only what was confirmed, and says beforehand what it would delete', async () => {
		const row = site.add({ status: 'FAILED' });
		const foreseen = await json<SiteOutcome>('delete', '--all', 'failed', '--dry-run');
		expect(foreseen.review?.ids).toEqual([row.id]);
		const refused = await cli('delete', '--all', 'failed');
		expect(refused.code).toBe(3);
		expect(site.rows.size).toBe(1);
		expect(await json<SiteOutcome>('delete', '--all', 'failed', '--yes')).toMatchObject({ done: 1 });
		expect(site.rows.size).toBe(0);
	});

	it('reconciles, with numbers that a person was asked for', async () => {
		const found = await json<SiteReconciliation>('reconcile', '--expect', 'default=1');
		expect(found.findings.map((one) => one.kind)).toEqual(['fewer-consumers']);
		const words = await cli('reconcile');
		expect(words.stdout).toContain('--expect default=N');
	});

	it('tells status, and 4 when the monitor is away', async () => {
		expect((await cli('status')).stdout).toMatch(/monitor\s+open/);
		site.mishap(/./, 'break', 100);
		expect((await cli('list')).code).toBe(4);
		site.clearMishaps();
	});

	it('says what is wrong with its words', async () => {
		expect((await cli('requeue')).code).toBe(2);
		expect((await cli('requeue', 'seven')).code).toBe(2);
		expect((await cli('list', 'lost')).code).toBe(2);
	});

	it('shows no password, and keeps none in any file as it is', () => {
		expect(said.join('')).not.toContain('canary');
		const files = readdirSync(home, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile());
		for (const file of files) {
			expect([file.name, readFileSync(join(file.parentPath, file.name)).includes('canary')]).toEqual([
				file.name,
				false,
			]);
		}
	});
});
