/** The queue behind Debian's django-q: looked at, changed and written to by the command line, and run by a real cluster. */
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import type { ClusterList } from '#main/ipc/contract/cluster.ts';
import type { PacketPage, PacketsMoved, PacketView } from '#main/ipc/contract/packet.ts';
import { must } from '#test/support/brokers.ts';
import { warren, warrenJson } from '#test/support/cli.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { endGroup, startGroup } from '#test/support/process-group.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const SECRET = 'the secret of this shop';
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
import json, os

def note(*args, **kwargs):
    with open(os.environ['SITE_NOTES'], 'a') as notes:
        notes.write(json.dumps([repr(args), repr(kwargs)]) + '\\n')
`;

let redis: RedisServer;
let keyspace: Keyspace;
let folder: string;
let home: string;
let env: NodeJS.ProcessEnv;

const django = async (...args: readonly string[]) =>
	(await run(PYTHON, ['-m', 'django', ...args], { env, cwd: folder })).stdout;
const notes = (): readonly unknown[] => {
	const file = join(folder, 'notes');
	if (!existsSync(file)) return [];
	// What stands after the last line feed is a line that is being written.
	return readFileSync(file, 'utf8')
		.split('\n')
		.slice(0, -1)
		.map((line) => JSON.parse(line));
};
const shop = <T>(...args: readonly string[]) => warrenJson<T>(home, ['--profile', 'shop', ...args]);
const ids = async (queue = 'shop') =>
	(await shop<PacketPage>('packet', 'list', queue)).items.map(({ task }) => task?.messageId ?? '');

function startCluster(): ChildProcess {
	const cluster = startGroup('exec "$0" "$@" 3<&-', [PYTHON, '-m', 'django', 'qcluster'], { env, cwd: folder });
	cluster.stdout?.resume();
	cluster.stderr?.resume();
	return cluster;
}

beforeAll(async () => {
	redis = await startRedis({ own: true });
	keyspace = await openKeyspace(redis.url);
	folder = mkdtempSync(join(tmpdir(), 'warren-django-q-queue-'));
	home = join(folder, 'home');
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
	await django('migrate', '--verbosity', '0');
	const added = ['profile', 'add', 'shop', '--framework', 'django-q', '--broker', redis.url, '--prefix', 'shop'];
	expect(await warren(home, [...added, '--secret-key-stdin'], { stdin: `${SECRET}\n` })).toMatchObject({ code: 0 });
	expect(await warren(home, ['profile', 'add', 'keyless', ...added.slice(3)])).toMatchObject({ code: 0 });
});
afterAll(async () => {
	await keyspace?.[Symbol.asyncDispose]();
	await redis?.[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true, force: true });
});

describe("django-q's queue", () => {
	it('shows packets of the site and of Warren alike, holds them, has them run next, and a cluster runs them all once', async () => {
		await django(
			'shell',
			'-c',
			[
				'from django_q.tasks import async_task',
				'import datetime, decimal',
				'async_task("site_tasks.note", "plain", group="mails", task_name="first")',
				'async_task("site_tasks.note", datetime.date(2026, 1, 2), decimal.Decimal("1.50"), {1: (None, b"x")})',
			].join('\n'),
		);
		const published = await shop<{ id: string; note: string | null }>(
			...['task', 'publish', 'site_tasks.note', '--args', "7, (1.5, {'é'}), b'\\x00\\xff'"],
			...['--kwargs', '{"deep": {"a": [null, true]}}', '--group', 'mails', '--label', 'from Warren'],
		);
		expect(published.id).toMatch(/^[0-9a-f]{32}$/);
		expect(published.note).toContain('No cluster of "shop" beats');

		const page = await shop<PacketPage>('packet', 'list');
		expect(page).toMatchObject({ queue: 'shop', total: 3, scanned: 3, next: null });
		expect(page.items).toMatchObject([
			{ place: 0, packet: { name: 'first', group: 'mails', signature: { verified: true, prefix: 'shop' } } },
			{ place: 1, task: { name: 'site_tasks.note' }, packet: { signature: { verified: true } } },
			{ place: 2, task: { messageId: published.id }, packet: { name: 'from Warren', signature: { verified: true } } },
		]);
		const mails = await shop<PacketPage>('packet', 'list', '--group', 'mails');
		expect(mails.items.map(({ place }) => place)).toEqual([0, 2]);
		expect(await shop('packet', 'groups', '--by', 'group')).toMatchObject({
			total: 3,
			complete: true,
			items: [
				{ name: 'mails', count: 2 },
				{ name: null, count: 1 },
			],
		});
		const [first = '', second = '', third = ''] = await ids();
		const shown = await shop<PacketView & { instructions: readonly { name: string }[] }>('packet', 'show', second);
		expect(shown.instructions.at(-1)?.name).toBe('STOP');
		expect(Buffer.from(shown.raw ?? '', 'base64').toString()).toBe(
			must(await keyspace.call('LINDEX', 'django_q:shop:q', 1)),
		);
		const peeked = await shop<{ items: readonly { verified: boolean | null }[] }>('queue', 'peek', 'shop');
		expect(peeked.items.map(({ verified }) => verified)).toEqual([true, true, true]);

		// Without the key everything can be seen and moved, and nothing be written.
		const keyless = await warrenJson<PacketPage>(home, ['--profile', 'keyless', 'packet', 'list']);
		expect(keyless.items.map(({ packet }) => packet?.signature.verified)).toEqual([null, null, null]);
		const refused = await warren(home, ['--profile', 'keyless', 'task', 'publish', 'site_tasks.note']);
		expect(refused.code).not.toBe(0);
		expect(refused.stderr).toContain('--secret-key-stdin');
		expect(await ids()).toHaveLength(3);

		// Held, brought back, cloned, and run next.
		const held = await shop<PacketsMoved>('packet', 'hold', first, 'f'.repeat(32));
		expect(held).toMatchObject({ done: 1, failed: 0, from: 'shop', to: 'shop:held', undo: expect.any(Number) });
		expect(await ids()).toEqual([second, third]);
		expect(await ids('shop:held')).toEqual([first]);
		const clone = await shop<{ id: string }>('packet', 'clone', second);
		const edited = await shop<{ id: string }>('packet', 'clone', third, '--args', '8', '--kwargs', '{}');
		expect(await ids()).toEqual([second, third, clone.id, edited.id]);
		expect(await shop<PacketsMoved>('packet', 'release', '--all')).toMatchObject({ done: 1 });
		expect(await shop<PacketsMoved>('--yes', 'packet', 'next', first, edited.id)).toMatchObject({ done: 2 });
		// In the order in which they waited: the copy stood before the one that was released last.
		expect(await ids()).toEqual([edited.id, first, second, third, clone.id]);

		const cluster = startCluster();
		try {
			await waitFor('all five to have run', () => notes().length >= 5, 60_000);
			const dates = "(datetime.date(2026, 1, 2), Decimal('1.50'), {1: (None, b'x')})";
			expect(notes().map(String).toSorted()).toEqual(
				[
					['(8,)', '{}'],
					["('plain',)", '{}'],
					[dates, '{}'],
					[dates, '{}'],
					["(7, (1.5, {'é'}), b'\\x00\\xff')", "{'deep': {'a': [None, True]}}"],
				]
					.map(String)
					.toSorted(),
			);
			await waitFor('a cluster that beats', async () => {
				const list = await shop<ClusterList>('cluster', 'list');
				return list.items.some(({ presence, beat }) => presence === 'live' && beat.verified === true);
			});
			// While one beats nothing need be taken for granted, and a wrong key is found out before anything is sent.
			expect(await shop('task', 'publish', 'site_tasks.note')).toMatchObject({ note: null });
			await waitFor('the sixth to have run', () => notes().length === 6, 60_000);
			const wrong = ['profile', 'edit', 'keyless', '--secret-key-stdin'];
			expect(await warren(home, wrong, { stdin: 'not the key\n' })).toMatchObject({ code: 0 });
			const lost = await warren(home, ['--profile', 'keyless', 'task', 'publish', 'site_tasks.note']);
			expect(lost.code).not.toBe(0);
			expect(lost.stderr).toContain('another SECRET_KEY');
		} finally {
			await endGroup(cluster);
		}
	});
});
