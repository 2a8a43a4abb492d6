/** Queries over everything but tasks, from the command line through the real engine and its sandbox. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { testIo } from '#test/support/cli-io.ts';

let home: string;
beforeAll(() => {
	home = mkdtempSync(join(tmpdir(), 'warren-targets-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

async function run(...args: readonly string[]) {
	const io = testIo(['--home', home, ...args]);
	const code = await runCommandLine(io);
	return { code, out: io.out(), err: io.err() };
}
async function json(...args: readonly string[]) {
	const { code, out } = await run('--json', ...args);
	return { code, doc: JSON.parse(out) };
}

describe('one query language', () => {
	it('looks for waiting messages, and says how many of those looked at match', async () => {
		for (const n of [1, 2, 3]) await json('task', 'publish', 'orders.refund', '--args', String(n));
		const { doc } = await json('queue', 'peek', 'default', '--query', 'name:refund args[0]:>=2', '--limit', '1');
		// The sandbox begins with fourteen messages.
		expect(doc).toMatchObject({ total: 2, looked: 17 });
		expect(doc.items).toHaveLength(1);
		expect((await run('queue', 'peek', 'default', '--query', 'name:nothing')).out).toContain(
			'None of the 17 messages looked at matches.',
		);
		// What a change takes is what a look finds by the same words.
		const purged = await json('queue', 'purge', 'default', '--where', 'name:refund args[0]:>=2', '--yes');
		expect(purged.doc).toMatchObject({ done: 2 });
	});

	it('chooses schedules, and points at a field that they do not have', async () => {
		for (const [name, cron] of [
			['nightly', '0 3 * * *'],
			['hourly', '0 * * * *'],
		] as const) {
			await json('schedule', 'add', name, '--task', 'orders.total', '--queue', 'odd', '--cron', cron);
		}
		await json('schedule', 'pause', 'nightly', '--yes');
		const names = async (query: string) => {
			const { doc } = await json('schedule', 'list', '--query', query);
			expect(doc.total).toBe(doc.items.length);
			return doc.items.map(
				(item: { name?: string; definition?: { name: string } }) => item.definition?.name ?? item.name,
			);
		};
		expect(await names('is:paused queue:odd')).toEqual(['nightly']);
		expect(await names('next:<61m app:orders')).toEqual(['hourly']);
		const wrong = await json('schedule', 'list', '--query', 'is:active state:failed');
		expect(wrong.code).toBe(2);
		expect(wrong.doc.error).toMatchObject({ code: 'invalid-input', details: { position: 10, length: 5 } });
	});

	it('finds what was done in the audit, with its count, page by page', async () => {
		const first = (await json('audit', 'list', 'route:task.publish is:done', '--limit', '2')).doc;
		expect(first).toMatchObject({ total: 3, next: expect.any(Number) });
		const rest = await json(
			'audit',
			'list',
			'route:task.publish is:done',
			'--limit',
			'2',
			'--before',
			String(first.next),
		);
		expect(rest.doc).toMatchObject({ total: 3, next: null });
		expect(rest.doc.items).toHaveLength(1);
		expect((await run('audit', 'list', 'route:nothing')).out).toContain('Nothing in the audit matches.');
	});

	it('finds lines in the logs of tasks that ran', async () => {
		const ran = await run('consumer', 'run', 'default', '--until-empty', '--no-scheduler');
		expect(ran.code).toBe(0);
		const all = (await json('log', 'search', 'name:send_receipt level:>=warning source:log')).doc;
		expect(all.total).toBe(all.items.length);
		// Two receipts, with one warning each.
		expect(all.items).toHaveLength(2);
		expect(all.items[0]).toMatchObject({ name: 'emails.send_receipt', queue: 'default', attempt: 1, level: 'warning' });
		expect((await json('log', 'search', 'app:nobody')).doc).toMatchObject({ total: 0, items: [] });
		expect((await run('log', 'search', '"second mail server" -level:warning')).out).toContain(
			'0 lines found; that is all.',
		);
		expect((await run('log', 'search', '/first mail/')).out).toContain('the first mail server is busy');
	});

	it('tells its fields, suggests values with counts and checks, for each of them', async () => {
		const fields = (await json('query', 'fields', '--target', 'audit')).doc.items.map(
			({ name }: { name: string }) => name,
		);
		expect(fields).toContain('outcome');
		const offered = (await json('query', 'suggest', 'queue:', '--target', 'schedules')).doc;
		expect(offered.items).toContainEqual({ text: 'odd', note: null, count: 2, open: false });
		const levels = (await json('query', 'suggest', 'level:', '--target', 'logs')).doc.items;
		expect(levels.map(({ text }: { text: string }) => text)).toContain('>=warning');
		const checked = (await json('query', 'check', 'level:>=warning text:"a b"', '--target', 'logs')).doc;
		expect(checked).toEqual({ problem: null, normal: 'level:>=warning text:"a b"' });
		const wrong = (await json('query', 'check', 'levl:warning', '--target', 'logs')).doc.problem;
		expect(wrong).toMatchObject({ position: 0, length: 4 });
		expect(wrong.message).toContain('level');
	});

	it.each([
		[['task', 'list', 'stat:failed'], 'stat:failed', '^^^^'],
		[['task', 'count', 'x stat:failed'], 'x stat:failed', '  ^^^^'],
		[['task', 'requeue', '--where', 'state:faild', '--yes'], 'state:faild', '      ^^^^^'],
		[['group', 'list', 'queue:mail stat:x'], 'queue:mail stat:x', '           ^^^^'],
		[['queue', 'peek', 'default', '--query', 'naem:x'], 'naem:x', '^^^^'],
		[['queue', 'purge', 'default', '--where', 'a naem:x', '--yes'], 'a naem:x', '  ^^^^'],
		[['schedule', 'list', '--query', 'is:active state:failed'], 'is:active state:failed', '          ^^^^^'],
		[['audit', 'list', 'is:faled'], 'is:faled', '   ^^^^^'],
		[['log', 'search', 'levl:error'], 'levl:error', '^^^^'],
		[['log', 'show', 'any', '--grep', 'x levl:error'], 'x levl:error', '  ^^^^'],
		[['log', 'find', 'any', 'levl:error'], 'levl:error', '^^^^'],
		[['view', 'save', 'mine', 'stat:failed'], 'stat:failed', '^^^^'],
	])('points at the mistake for people: %j', async (args, query, marks) => {
		const { code, out, err } = await run(...args);
		expect(code).toBe(2);
		expect(out).toBe('');
		expect(err.split('\n').slice(1)).toEqual([`  ${query}`, `  ${marks}`, '']);
		const { out: document, err: beside } = await run('--json', ...args);
		expect(JSON.parse(document).error.details).toMatchObject({ query, position: marks.indexOf('^') });
		expect(beside).toBe('');
	});
});
