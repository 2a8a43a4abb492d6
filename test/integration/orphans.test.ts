/** What a real Celery worker that was killed leaves in Redis: told apart from what a live one holds, and given back exactly once. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CeleryApp, celeryApp } from '#test/support/celery/app.ts';
import { warrenJson } from '#test/support/cli.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'shop';
const folder = mkdtempSync(join(tmpdir(), 'warren-orphans-'));
/** While there is no such file, tasks go on. */
const letGo = join(folder, 'go');
let stack: AsyncDisposableStack;
let server: RedisServer;
let app: CeleryApp;
let engine: TestEngine;
beforeAll(async () => {
	stack = new AsyncDisposableStack();
	stack.defer(() => rmSync(folder, { recursive: true, force: true }));
	server = stack.use(await startRedis({ own: true }));
	app = stack.use(
		await celeryApp(server.url, [
			'import os, time',
			'app.conf.worker_prefetch_multiplier = 3',
			'@app.task(acks_late=True)',
			'def slow(name):',
			'    print("RUNS " + name, flush=True)',
			`    while not os.path.exists(${JSON.stringify(letGo)}): time.sleep(0.05)`,
			'@app.task(acks_late=True, rate_limit="1/h")',
			'def paced(name):',
			'    print("RUNS " + name, flush=True)',
		]),
	);
	engine = stack.use(await bootEngine());
	await engine.call('profile.add', { name: profile, framework: 'celery', broker: server.url });
});
afterAll(() => stack?.disposeAsync());

const orphans = () => engine.call('queue.orphans', { profile });
const held = async () => Number(await server.cli('HLEN', 'unacked'));
const publish = async (...lines: readonly string[]) => (await app.python(...lines)).trim().split('\n');

it('leaves alone what a live worker holds, and gives what a killed one held back once, for the next to run it all', async () => {
	const worker = await app.worker('celery');
	const ids = await publish('for n in range(5): print(slow.delay("r%d" % n).id)');
	await waitFor('the worker to hold three', async () => (await held()) === 3 && worker.output().includes('RUNS r0'));
	// Long enough ago that only the worker's word keeps them from being taken for orphans.
	await server.cli(
		'EVAL',
		"for _, t in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('ZADD', KEYS[2], 1700000000, t) end",
		'2',
		'unacked',
		'unacked_index',
	);
	expect(await orphans()).toMatchObject({ total: 0, held: 3, complete: true });
	expect(await engine.call('queue.rescue', { profile, all: true })).toMatchObject({ done: 0, skipped: 0, items: [] });
	const byId = await engine.call('queue.rescue', { profile, ids: ids.slice(0, 1) });
	expect(byId).toMatchObject({ done: 0, skipped: 1, items: [{ reason: expect.stringContaining('alive') }] });
	expect(await held()).toBe(3);

	await worker.kill9();
	const found = await waitFor(
		'nobody to claim them',
		async () => {
			const list = await orphans();
			return list.rescuable === 3 ? list : null;
		},
		60_000,
	);
	expect(found.items.map((one) => one.id).sort()).toEqual(ids.slice(0, 3).sort());
	expect(found.items[0]).toMatchObject({
		task: 'labapp.slow',
		queues: ['celery'],
		certainty: 'likely',
		holder: 'worker',
	});
	const dry = await engine.call('queue.rescue', { profile, all: true, dryRun: true });
	expect([dry.done, await held()]).toEqual([3, 3]);

	const at = new Map(found.items.map(({ id, tag }) => [id, tag]));
	const [one, two, cli] = [
		engine.call('queue.rescue', { profile, all: true }),
		engine.call('queue.rescue', { profile, ids: [...at.values()] }),
		warrenJson(engine.home, ['--profile', profile, 'queue', 'orphans']),
	];
	const outcomes = [await one, await two];
	await cli;
	expect(outcomes.map((outcome) => outcome.done).reduce((a, b) => a + b)).toBe(3);
	expect(await held()).toBe(0);
	expect(await server.cli('LLEN', 'celery')).toBe('5');
	expect((await engine.call('undo.list', { profile })).items.map((row) => row.action)).toContain('queue.rescue');

	writeFileSync(letGo, '');
	const next = await app.worker('celery');
	await waitFor('all to have run', async () => (await held()) === 0 && (await server.cli('LLEN', 'celery')) === '0');
	const runs = [...next.output().matchAll(/RUNS (r\d)/g)].map(([, name]) => name);
	expect(runs.sort()).toEqual(['r0', 'r1', 'r2', 'r3', 'r4']);
	await next.kill9();
}, 240_000);

it('is never given back while it waits for a rate limit in a live worker, which is in no answer', async () => {
	const worker = await app.worker('paced');
	await publish('for n in range(2): paced.apply_async(("p%d" % n,), queue="paced")');
	await waitFor(
		'one to have run and the other to wait',
		async () => (await held()) === 1 && /RUNS p\d/.test(worker.output()),
	);
	const found = await waitFor(
		'it to be in no answer',
		async () => {
			const list = await orphans();
			return list.total === 1 ? list : null;
		},
		60_000,
	);
	expect(found.items[0]).toMatchObject({ certainty: 'unsure', reason: expect.stringContaining('rate limit') });
	expect(await engine.call('queue.rescue', { profile, all: true })).toMatchObject({ done: 0, skipped: 1 });
	expect(await held()).toBe(1);
	await worker.kill9();
	await waitFor('it to be nobody’s', async () => (await orphans()).rescuable === 1, 60_000);
	const outcome = await warrenJson(engine.home, ['--profile', profile, 'queue', 'rescue', '--all', '--yes']);
	expect(outcome).toMatchObject({ done: 1, failed: 0 });
	expect(await server.cli('LLEN', 'paced')).toBe('1');
}, 240_000);

it('and answers that nobody fetched are removed when they are old enough, and no others', async () => {
	const list = 'i.reply.celery.pidbox';
	await server.cli('LPUSH', list, 'an answer');
	const call = { profile, all: true } as const;
	expect((await engine.call('queue.replies', { profile })).items).toEqual([]);
	expect(await engine.call('queue.clean', call)).toMatchObject({ done: 0 });
	const age = "return redis.call('RESTORE', KEYS[1], 0, redis.call('DUMP', KEYS[1]), 'REPLACE', 'IDLETIME', 7200)";
	await server.cli('EVAL', age, '1', list);
	const { items } = await engine.call('queue.replies', { profile });
	expect(items).toMatchObject([{ queue: list, idleMs: expect.any(Number) }]);
	expect(await engine.call('queue.clean', { ...call, dryRun: true })).toMatchObject({ done: 1, dryRun: true });
	const left = await engine.call('queue.clean', { profile, ids: ['celery', list] });
	expect(left).toMatchObject({ done: 1, skipped: 1 });
	expect(await server.cli('EXISTS', list)).toBe('0');
	expect(await engine.refusal('queue.clean', { profile })).toMatchObject({ code: 'invalid-input' });
});
