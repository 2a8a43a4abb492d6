/** The command line in this process, over a home of its own and the real engine with its sandbox. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runCommandLine } from '#main/headless/cli/run.ts';
import { testIo } from '#test/support/cli-io.ts';

let home: string;
beforeAll(() => {
	home = mkdtempSync(join(tmpdir(), 'warren-cli-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

async function run(args: readonly string[], options: Parameters<typeof testIo>[1] = {}) {
	const io = testIo(['--home', home, ...args], options);
	const code = await runCommandLine(io);
	return { code, out: io.out(), err: io.err(), asked: io.asked };
}
async function json(args: readonly string[], options: Parameters<typeof testIo>[1] = {}) {
	const ran = await run(['--json', ...args], options);
	// One document and nothing else.
	expect(ran.out.trimEnd().split('\n')).toHaveLength(1);
	return { ...ran, doc: JSON.parse(ran.out) };
}
const publish = async (...args: readonly string[]) =>
	(await json(['task', 'publish', 'orders.total', ...args])).doc.id as string;

vi.setConfig({ testTimeout: 60_000 });

describe('warren', () => {
	it('lists the sandbox on its first start, as a table and as JSON', async () => {
		const text = await run(['profile', 'list']);
		expect(text.code).toBe(0);
		expect(text.out).toMatch(/^NAME +FRAMEWORK[\s\S]*sandbox +carrot/);
		const { doc } = await json(['profile', 'list']);
		expect(doc).toMatchObject({ total: 1, items: [{ name: 'sandbox', sandbox: true, broker: { kind: 'embedded' } }] });
	});

	it('shows a task with real JSON and all digits', async () => {
		const id = await publish(
			'--args',
			"9223372036854775808, 1.50, {'a': (1, None)}",
			'--kwargs',
			'{"price": 10.10}',
			'--priority',
			'7',
		);
		const { out, doc } = await json(['task', 'show', id]);
		expect(out).toContain('"args":[9223372036854775808,1.50,{"a":[1,null]}]');
		expect(out).toContain('"kwargs":{"price":10.10}');
		expect(doc).toMatchObject({ id, name: 'orders.total', state: 'queued', priority: 7, log: [], result: null });
		expect(doc.attempts).toMatchObject([{ number: 1, cause: 'published', state: 'queued' }]);
		const listed = await json(['task', 'list', `id:${id}`]);
		expect(listed.doc.items[0]).toMatchObject({ id, attempts: 1, kwargs: { price: 10.1 } });
	});

	it('prints one JSON document that holds the error, and exits by its code', async () => {
		const missing = await json(['task', 'show', 'nope']);
		expect(missing.code).toBe(1);
		expect(missing.doc.error).toMatchObject({ code: 'not-found' });
		const usage = await json(['task', 'shwo', 'nope']);
		expect(usage.code).toBe(2);
		expect(usage.doc.error).toMatchObject({ code: 'invalid-input' });
		expect(usage.doc.error.message).toContain('Did you mean "show"');
		expect(usage.err).toBe('');
	});

	it('takes a Redis for Celery, without its password in sight, and not for django-carrot', async () => {
		const url = 'redis://:sesame@redis.example:6380/1?global_keyprefix=shop%3A';
		const slip = await run(['profile', 'add', 'slip', '--broker', url]);
		expect(slip.code).toBe(2);
		expect(slip.err).toContain('celery');
		const { out, doc } = await json(['profile', 'add', 'on-redis', '--framework', 'celery', '--broker', url]);
		expect(doc.broker).toMatchObject({ kind: 'redis', port: 6380, db: 1, keyPrefix: 'shop:' });
		expect(doc.secrets.broker).toBe(true);
		expect(out).not.toContain('sesame');
		const ca = await run(['profile', 'edit', 'on-redis', '--ca-file', '/ca.pem']);
		expect(ca.err).toContain('rediss://');
		const tls = await json(['profile', 'edit', 'on-redis', '--broker', 'rediss://h', '--ca-file', '/ca.pem']);
		expect(tls.doc.broker).toMatchObject({ kind: 'redis', host: 'h', tls: { caFile: '/ca.pem' } });
		expect((await run(['profile', 'remove', 'on-redis', '--yes'])).code).toBe(0);
	});

	it('names the flag when a value is not allowed', async () => {
		const ran = await run(['task', 'list', '--limit', '0']);
		expect(ran.code).toBe(2);
		expect(ran.err).toContain('--limit: must be at least 1.');
		expect(ran.out).toBe('');
		expect((await run(['task', 'publish', 'a', '--args', '[1,'])).err).toContain('--args:');
	});

	it('takes the profile from the flag, then the environment, then the sandbox', async () => {
		expect((await run(['task', 'count', '--profile', 'nope'])).err).toContain('nope');
		const unknown = await run(['task', 'count'], { env: { WARREN_PROFILE: 'other' } });
		expect(unknown.code).toBe(1);
		expect(unknown.err).toContain('other');
		await run(['settings', 'change', '--last-profile', 'gone']);
		expect((await run(['task', 'count'])).code).toBe(0);
	});

	it('keeps a password that came by standard input out of every file but the vault', async () => {
		const secret = 'correct-horse-battery';
		const added = await json(['profile', 'add', 'far', '--broker', 'amqp://me@127.0.0.1:1/', '--password-stdin'], {
			lines: [secret],
		});
		expect(added.doc).toMatchObject({ name: 'far', secrets: { broker: true } });
		expect(added.out).not.toContain(secret);
		const files = readdirSync(home, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
		const holding = files.filter((file) => readFileSync(join(file.parentPath, file.name)).includes(secret));
		expect(holding.map((file) => file.name)).toEqual([]);
		expect(files.map((file) => file.name)).toContain('vault.json');
	});

	it('exits with 4 when the doctor finds the broker away, each step with its cure', async () => {
		const { code, doc } = await json(['profile', 'test', 'far']);
		expect(code).toBe(4);
		expect(doc.passed).toBe(false);
		expect(doc.steps.find((step: { status: string }) => step.status === 'failed').cure).not.toBeNull();
	});
});

describe('a change', () => {
	it('of one task is made without asking; deleting asks, and exits with 3 where nobody can answer', async () => {
		const id = await publish('--args', '1');
		const refused = await json(['task', 'delete', id]);
		expect(refused.code).toBe(3);
		expect(refused.doc.error.code).toBe('not-confirmed');
		expect(refused.doc.error.message).toContain('1 task');
		expect((await json(['task', 'show', id])).doc.removedAt).toBeNull();
		const done = await json(['task', 'delete', id, '--yes']);
		expect(done).toMatchObject({ code: 0, doc: { done: 1 } });
	});

	it('of many states the exact count and does exactly those', async () => {
		const where = ['task', 'delete', '--where', 'orders.refund'];
		for (const n of ['1', '2', '3']) await json(['task', 'publish', 'orders.refund', '--args', n]);
		expect((await json([...where, '--dry-run'])).doc).toMatchObject({ dryRun: true, done: 3 });
		const no = await run(where, { answers: ['n'] });
		expect(no.code).toBe(3);
		expect(no.asked).toHaveLength(1);
		expect(no.asked[0]).toContain('3 tasks');
		const yes = await run(where, { answers: ['y'] });
		expect(yes.code).toBe(0);
		expect(yes.out).toContain('Deleted 3 tasks.');
		expect((await json(['task', 'count', 'orders.refund'])).doc.total).toBe(0);
	});

	it('on production asks for the name, and takes nothing else for it', async () => {
		const remove = ['task', 'delete', await publish('--args', '1')];
		await json(['profile', 'edit', 'sandbox', '--environment', 'production']);
		expect((await json([...remove, '--yes'])).code).toBe(3);
		expect((await json([...remove, '--yes', '--confirm', 'Sandbox'])).code).toBe(3);
		expect((await run(remove, { answers: ['sandbx'] })).code).toBe(3);
		expect((await run(remove, { answers: ['sandbox'] })).code).toBe(0);
		await json(['profile', 'edit', 'sandbox', '--environment', 'development']);
	});

	it('that removes a production profile takes its name as well', async () => {
		await json(['profile', 'duplicate', 'sandbox', 'Shop']);
		await json(['profile', 'edit', 'Shop', '--environment', 'production']);
		expect((await json(['profile', 'remove', 'Shop', '--yes'])).code).toBe(3);
		const removed = await json(['profile', 'remove', 'Shop', '--confirm', 'Shop']);
		expect(removed).toMatchObject({ code: 0, doc: { removed: 'Shop' } });
	});

	it('on a read-only profile is refused with 3, whatever is answered', async () => {
		await json(['profile', 'edit', 'sandbox', '--read-only']);
		const refused = await json(['task', 'publish', 'orders.total', '--yes']);
		expect(refused).toMatchObject({ code: 3, doc: { error: { code: 'read-only' } } });
		const consumer = await json(['consumer', 'run', 'default', '--until-empty']);
		expect(consumer).toMatchObject({ code: 3, doc: { error: { code: 'read-only' } } });
		await json(['profile', 'edit', 'sandbox', '--no-read-only']);
		expect((await json(['task', 'publish', 'orders.total', '--args', '1'])).code).toBe(0);
	});
});

describe('consumer run', () => {
	it('runs what waits, tells it line by line, and ends when the queue is empty', async () => {
		const ran = await run(['--json', 'consumer', 'run', 'default', '--concurrency', '2', '--until-empty']);
		expect(ran.code).toBe(0);
		const events = ran.out
			.trimEnd()
			.split('\n')
			.map((line) => JSON.parse(line));
		expect(events[0]).toMatchObject({ event: 'started', set: { state: expect.any(String) } });
		expect(events.filter((event) => event.event === 'log').length).toBeGreaterThan(0);
		expect(events.at(-1)).toMatchObject({ event: 'stopped' });
		expect(events.at(-1).succeeded).toBeGreaterThan(0);
		const { doc } = await json(['task', 'list', 'state:failed']);
		expect(doc.total).toBeGreaterThan(0);
		const shown = await json(['task', 'show', doc.items[0].id]);
		expect(shown.doc.exception).toMatchObject({ type: expect.any(String), message: expect.any(String) });
	});

	it('says that the runner cannot be started, and fails', async () => {
		await publish('--args', '1');
		const args = ['consumer', 'run', 'default', '--python', '/nonexistent/python', '--project', home, '--until-empty'];
		const { code, out } = await run(['--json', ...args]);
		expect(code).toBe(1);
		const last = JSON.parse(out.trimEnd().split('\n').at(-1) ?? '');
		expect(last.error.message).toContain('/nonexistent/python');
	});
});
