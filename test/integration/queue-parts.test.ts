/** What a real Celery worker holds of a queue, over Redis: reserved, for a later time, and what is left behind when it is killed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type CeleryApp, celeryApp } from '#test/support/celery/app.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'shop';
const folder = mkdtempSync(join(tmpdir(), 'warren-parts-'));
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
			'@app.task(acks_late=True)',
			'def slow(name):',
			'    print("RUNS " + name, flush=True)',
			`    while not os.path.exists(${JSON.stringify(letGo)}): time.sleep(0.05)`,
			'@app.task',
			'def quick(name):',
			'    print("RUNS " + name, flush=True)',
		]),
	);
	engine = stack.use(await bootEngine());
	await engine.call('profile.add', { name: profile, framework: 'celery', broker: server.url });
});
afterAll(() => stack?.disposeAsync());

const celery = async () => (await engine.call('queue.list', { profile })).items.find((one) => one.name === 'celery');

it('tells one true backlog with its parts, of which a list’s length is the smallest', async () => {
	const worker = await app.worker('celery');
	// The one for later first: a worker takes no more while it is busy.
	await app.python('slow.apply_async(("later",), countdown=3600)', 'for n in range(10): slow.delay("r%d" % n)');
	const seen = await waitFor(
		'the worker to hold some',
		async () => {
			const one = await celery();
			return one?.depth.scheduled.count === 1 && (one.depth.running.count ?? 0) > 0 ? one : null;
		},
		60_000,
	);
	const { depth } = seen;
	expect(depth.backlog).toMatchObject({ count: 11, words: 'ready + unacked + delayed' });
	expect((depth.ready.count ?? 0) + (depth.unacked.count ?? 0)).toBe(11);
	const parts = [depth.running, depth.reserved, depth.scheduled, depth.unclaimed].map((part) => part.count ?? 0);
	expect(parts.reduce((sum, count) => sum + count, 0)).toBe(depth.unacked.count);
	expect(depth.reserved).toMatchObject({ source: 'inspect' });
	expect(seen.more?.heldSince).toBeGreaterThan(0);
	expect(seen.more?.steps?.map((step) => step.priority)).toEqual([0, 3, 6, 9]);
	await worker.kill9();
});
