/**
 * The general acts on the queue of Debian's django-q while a real cluster takes from it: whatever is deleted, moved, held, had run next and
 * taken back, each task runs exactly once or is kept.
 */
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { endGroup, startGroup } from '#test/support/process-group.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const SECRET = 'the secret of this shop';
const PATIENCE = 120_000;
const SETTINGS = `
import os
SECRET_KEY = ${JSON.stringify(SECRET)}
USE_TZ = True
INSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth', 'django_q']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.environ['SITE_DATABASE'], 'OPTIONS': {'timeout': 60}}}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
Q_CLUSTER = {'name': 'shop', 'workers': 1, 'timeout': 90, 'retry': 120, 'redis': os.environ['SITE_REDIS'], 'log_level': 'ERROR'}
`;
const TASKS = `
import os, time

def note(number):
    # Work, so that the list lasts while it is changed.
    time.sleep(0.03)
    with open(os.environ['SITE_NOTES'], 'a') as notes:
        notes.write(f'{number}\\n')
`;

let redis: RedisServer;
let engine: TestEngine;
let folder: string;
let env: NodeJS.ProcessEnv;
let cluster: ChildProcess | null = null;

const site = { profile: 'shop', queue: 'shop' } as const;
/** Numbers of the tasks that ran, in order; what stands after the last line feed is being written. */
const ran = (): readonly number[] => {
	const file = join(folder, 'notes');
	return existsSync(file) ? readFileSync(file, 'utf8').split('\n').slice(0, -1).map(Number) : [];
};
const length = async (queue: string) => Number(await redis.cli('LLEN', `django_q:${queue}:q`));

async function publish(numbers: readonly number[], group: string): Promise<readonly string[]> {
	const ids: string[] = [];
	for (const number of numbers) {
		const sent = await engine.call('task.publish', { ...site, name: 'site_tasks.note', args: `${number},`, group });
		ids.push(sent.id);
	}
	return ids;
}

/** The numbers of the packets that wait, next first. */
async function waiting(queue = 'shop'): Promise<readonly number[]> {
	const page = await engine.call('packet.list', { profile: 'shop', queue, limit: 500 });
	return page.items.map(({ task }) => Number(JSON.parse(task?.argsJson ?? '[]')[0]));
}

function startCluster(): void {
	cluster = startGroup('exec "$0" "$@" 3<&-', [PYTHON, '-m', 'django', 'qcluster'], { env, cwd: folder });
	cluster.stdout?.resume();
	cluster.stderr?.resume();
}

beforeAll(async () => {
	redis = await startRedis({ own: true });
	folder = mkdtempSync(join(tmpdir(), 'warren-django-q-acts-'));
	writeFileSync(join(folder, 'site_settings.py'), SETTINGS);
	writeFileSync(join(folder, 'site_tasks.py'), TASKS);
	env = {
		...process.env,
		DJANGO_SETTINGS_MODULE: 'site_settings',
		PYTHONPATH: folder,
		SITE_DATABASE: join(folder, 'site.sqlite3'),
		SITE_REDIS: redis.url,
		SITE_NOTES: join(folder, 'notes'),
	};
	await run(PYTHON, ['-m', 'django', 'migrate', '--verbosity', '0'], { env, cwd: folder });
	engine = await bootEngine();
	const added = { name: 'shop', framework: 'django-q', broker: redis.url, secretKey: SECRET } as const;
	await engine.call('profile.add', { ...added, prefix: ['shop'] });
});
afterAll(async () => {
	if (cluster !== null) await endGroup(cluster);
	await engine?.[Symbol.asyncDispose]();
	await redis?.[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true, force: true });
});

describe("acts on django-q's waiting packets", () => {
	it('are reviewed, done to what was reviewed, and taken back once', async () => {
		const ids = await publish([1, 2, 3, 4], 'mails');
		await publish([5], 'other');
		const review = await engine.call('message.review', { ...site, group: 'mails', action: 'hold' });
		expect(review).toMatchObject({ count: 4, complete: true });
		await publish([6], 'mails');
		const held = await engine.call('packet.hold', { ...site, review: review.token });
		expect(held).toMatchObject({ done: 4, failed: 0, skipped: 0, from: 'shop', to: 'shop:held' });
		// What came in after the review has no part in it, and a review is good once.
		expect(await waiting()).toEqual([5, 6]);
		expect(await waiting('shop:held')).toEqual([1, 2, 3, 4]);
		expect(await engine.refusal('packet.hold', { ...site, review: review.token })).toMatchObject({ code: 'conflict' });
		const undone = await engine.call('undo.apply', { profile: 'shop', id: held.undo ?? 0 });
		expect(undone).toMatchObject({ done: 4, failed: 0 });
		expect(await waiting()).toEqual([5, 6, 1, 2, 3, 4]);
		const again = await engine.refusal('undo.apply', { profile: 'shop', id: held.undo ?? 0 });
		expect(again).toMatchObject({ code: 'conflict' });

		const wanted = await engine.call('packet.next', {
			...site,
			ids: [ids[3] ?? '', ids[1] ?? '', 'f'.repeat(32)],
			dryRun: true,
		});
		expect(wanted).toMatchObject({ done: 2, skipped: 1, dryRun: true });
		const next = await engine.call('packet.next', { ...site, review: wanted.review ?? '' });
		expect(next).toMatchObject({ done: 2 });
		// In the order in which they waited, whatever the order in which they were named.
		expect(await waiting()).toEqual([2, 4, 5, 6, 1, 3]);
		expect(await engine.call('undo.apply', { profile: 'shop', id: next.undo ?? 0 })).toMatchObject({ done: 2 });
		expect(await waiting()).toEqual([5, 6, 1, 3, 2, 4]);

		const copy = await engine.call('packet.clone', { ...site, id: ids[0] ?? '' });
		expect(await waiting()).toEqual([5, 6, 1, 3, 2, 4, 1]);
		expect(await engine.call('undo.apply', { profile: 'shop', id: copy.undo })).toMatchObject({ done: 1 });
		expect(await waiting()).toEqual([5, 6, 1, 3, 2, 4]);

		const moved = await engine.call('queue.move', {
			...site,
			to: 'aside',
			where: 'name:site_tasks.note',
			group: 'mails',
		});
		expect(moved).toMatchObject({ done: 5, failed: 0 });
		expect(await waiting()).toEqual([5]);
		expect(await waiting('aside')).toEqual([6, 1, 3, 2, 4]);
		expect(await engine.call('undo.apply', { profile: 'shop', id: moved.undo ?? 0 })).toMatchObject({ done: 5 });
		expect(await waiting()).toEqual([5, 6, 1, 3, 2, 4]);
		const purged = await engine.call('queue.purge', { ...site, group: 'other' });
		expect(purged).toMatchObject({ done: 1 });
		expect(await waiting()).not.toContain(5);
		const rest = await engine.call('queue.purge', site);
		expect(rest).toMatchObject({ done: 5 });
		expect(await length('shop')).toBe(0);
		await engine.call('undo.apply', { profile: 'shop', id: rest.undo ?? 0 });
		expect((await waiting()).toSorted()).toEqual([1, 2, 3, 4, 6]);
		await engine.call('queue.purge', { ...site, withoutUndo: true });
	});

	it('against a busy cluster never lose or double a task', async () => {
		const numbers = Array.from({ length: 400 }, (_, at) => at + 100);
		const groups = new Map<string, readonly string[]>();
		for (const [at, group] of ['run', 'delete', 'hold', 'move', 'next'].entries()) {
			groups.set(
				group,
				await publish(
					numbers.filter((number) => number % 5 === at),
					group,
				),
			);
		}
		startCluster();
		await waitFor('the cluster to run some', () => ran().length > 3, PATIENCE);
		const kept: number[] = [];
		const act = async (
			input: Promise<{ readonly done: number; readonly failed: number; readonly undo: number | null }>,
		) => {
			const { failed, undo } = await input;
			expect(failed).toBe(0);
			if (undo !== null) kept.push(undo);
		};
		// All at once, while tasks are taken from the head of the same list.
		await Promise.all([
			act(engine.call('message.delete', { ...site, group: 'delete' })),
			act(engine.call('packet.hold', { ...site, group: 'hold' })),
			act(engine.call('queue.move', { ...site, group: 'move', to: 'aside' })),
			act(engine.call('packet.next', { ...site, group: 'next' })),
		]);
		expect(kept).toHaveLength(4);
		const aside = [...(await waiting('shop:held')), ...(await waiting('aside'))];
		expect(aside.length).toBeGreaterThan(0);
		for (const id of kept) await engine.call('undo.apply', { profile: 'shop', id });
		await waitFor('all to have run', () => new Set(ran()).size >= numbers.length, PATIENCE);
		await waitFor('the lists to be empty', async () => (await length('shop')) === 0, PATIENCE);
		expect(ran().toSorted((a, b) => a - b)).toEqual(numbers);
		expect(await length('shop:held')).toBe(0);
		expect(await length('aside')).toBe(0);
	});
});
