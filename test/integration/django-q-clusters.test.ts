/** Debian's django-q on a private Redis, seen through its keys. */
import { type ChildProcess, execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { readPacket } from '#main/dialects/django-q/packet.ts';
import { readTask, writeTask } from '#main/dialects/django-q/task.ts';
import type { ClusterReport } from '#main/domain/cluster.ts';
import type { CallArguments } from '#main/domain/value.ts';
import type { ClusterList } from '#main/ipc/contract/cluster.ts';
import { ClusterLooker } from '#main/monitor/django-q/look.ts';
import { ClusterRoster } from '#main/monitor/django-q/roster.ts';
import { must } from '#test/support/brokers.ts';
import { warren, warrenJson } from '#test/support/cli.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { endGroup, startGroup } from '#test/support/process-group.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const run = promisify(execFile);
const PYTHON = '/usr/bin/python3';
const SECRET = 'a secret of this test';
const PREFIX = 'My [Site] é';

const SETTINGS = `
import os
SECRET_KEY = ${JSON.stringify(SECRET)}
USE_TZ = True
INSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth', 'django_q']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.environ['SITE_DATABASE'], 'OPTIONS': {'timeout': 60}}}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
Q_CLUSTER = {'name': ${JSON.stringify(PREFIX)}, 'workers': 2, 'timeout': 90, 'retry': 120, 'redis': os.environ['SITE_REDIS'], 'log_level': 'ERROR'}
`;
const TASKS = `
import json, os, time

def note(*args, **kwargs):
    with open(os.environ['SITE_NOTES'], 'a') as notes:
        notes.write(json.dumps([repr(args), repr(kwargs)]) + '\\n')

def rest(seconds):
    time.sleep(seconds)
`;

let redis: RedisServer;
let keyspace: Keyspace;
let folder: string;
let env: NodeJS.ProcessEnv;

async function django(...args: readonly string[]): Promise<string> {
	return (await run(PYTHON, ['-m', 'django', ...args], { env, cwd: folder })).stdout;
}

function startCluster(): ChildProcess {
	const script = 'exec "$0" "$@" 3<&-';
	const cluster = startGroup(script, [PYTHON, '-m', 'django', 'qcluster'], { env, cwd: folder });
	cluster.stdout?.resume();
	cluster.stderr?.resume();
	return cluster;
}

beforeAll(async () => {
	redis = await startRedis({ own: true });
	keyspace = await openKeyspace(redis.url);
	folder = mkdtempSync(join(tmpdir(), 'warren-django-q-'));
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
});
afterAll(async () => {
	await keyspace?.[Symbol.asyncDispose]();
	await redis?.[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true, force: true });
});

/** Looks until `right`, once every quarter of a second of its own clock or so, and feeds the roster. */
function watching(looker: ClusterLooker, roster: ClusterRoster) {
	return async (what: string, right: (round: ClusterReport) => boolean): Promise<ClusterReport> =>
		waitFor(
			what,
			async () => {
				const now = Date.now();
				const round = must(await looker.look(now));
				roster.take(now, round.beats);
				return right(round) ? round : null;
			},
			60_000,
		);
}

const packetOf = (name: string, call: CallArguments, id: string) =>
	must(
		writeTask(
			{ id, name, func: `site_tasks.${name}`, arguments: call, group: null, hook: null, timeout: null, cluster: null },
			{ prefix: PREFIX, secretKey: SECRET, digest: 'sha256' },
			{ now: Date.now(), aware: true, compress: false },
		),
	);

describe("django-q's own clusters", () => {
	it('are seen from their start to their end, and run what is enqueued from here', async () => {
		const looker = new ClusterLooker(keyspace, { prefixes: [PREFIX], queues: [], secretKey: SECRET });
		const roster = new ClusterRoster();
		const until = watching(looker, roster);
		const started = Date.now();
		const cluster = startCluster();
		try {
			const idle = await until(
				'an idle cluster',
				({ beats }) => beats[0]?.status === 'Idle' && beats[0].workers.length === 2,
			);
			expect(idle.odd).toEqual([]);
			expect(idle.beats).toMatchObject([
				{ prefix: PREFIX, verified: true, taskQueue: 0, resultQueue: 0, reincarnations: 0 },
			]);
			expect(idle.beats[0]?.bornAt).toBeGreaterThan(started - 1_000);
			expect(idle.beats[0]?.pid).toBeGreaterThan(1);

			const call: CallArguments = {
				args: [
					{ kind: 'int', text: '9223372036854775808' },
					{ kind: 'tuple', items: [{ kind: 'none' }, { kind: 'float', text: '0.1' }] },
					{ kind: 'bytes', base64: 'AP8=' },
					{ kind: 'set', items: [{ kind: 'str', value: 'é' }] },
				],
				kwargs: [
					[
						'deep',
						{
							kind: 'dict',
							entries: [
								[
									{ kind: 'int', text: '1' },
									{ kind: 'list', items: [{ kind: 'bool', value: true }] },
								],
							],
						},
					],
				],
			};
			must(await keyspace.call('RPUSH', `django_q:${PREFIX}:q`, packetOf('note', call, 'a'.repeat(32))));
			const notes = join(folder, 'notes');
			const written = await waitFor(
				'the task to have run',
				() => {
					// The file is there before its line is.
					const text = existsSync(notes) ? readFileSync(notes, 'utf8') : '';
					return text.endsWith('\n') ? text : null;
				},
				60_000,
			);
			expect(JSON.parse(written)).toEqual([
				"(9223372036854775808, (None, 0.1), b'\\x00\\xff', {'é'})",
				"{'deep': {1: [True]}}",
			]);

			// Both workers are busy and more waits in the cluster's memory.
			const rest: CallArguments = { args: [{ kind: 'int', text: '2' }], kwargs: [] };
			for (const digit of '123456') {
				must(await keyspace.call('RPUSH', `django_q:${PREFIX}:q`, packetOf('rest', rest, digit.repeat(32))));
			}
			await until('a working cluster', ({ beats }) => beats[0]?.status === 'Working' && beats[0].taskQueue > 0);
			process.kill(idle.beats[0]?.workers[0] ?? -1, 'SIGKILL');
			await until('a replaced worker', ({ beats }) => (beats[0]?.reincarnations ?? 0) > 0);

			// The same by the command line, in django-q's own words.
			const home = join(folder, 'home');
			const added = ['profile', 'add', 'shop', '--framework', 'django-q', '--broker', redis.url, '--prefix', PREFIX];
			expect(await warren(home, [...added, '--secret-key-stdin'], { stdin: `${SECRET}\n` })).toMatchObject({ code: 0 });
			const list = await warrenJson<ClusterList>(home, ['cluster', 'list', '--profile', 'shop']);
			expect(list).toMatchObject({
				total: 1,
				odd: [],
				problem: null,
				items: [
					{
						presence: 'live',
						beat: { prefix: PREFIX, verified: true },
						stat: {
							cluster_id: idle.beats[0]?.clusterId,
							pid: idle.beats[0]?.pid,
							sentinel: idle.beats[0]?.sentinel,
							reincarnations: expect.any(Number),
							empty_queues: expect.any(Boolean),
						},
					},
				],
			});
			const shown = await warren(home, ['cluster', 'list', '--profile', 'shop']);
			expect(shown.stdout).toMatch(/^HOST +ID +NAME +STATE +POOL +TQ +RQ +RC +UP/);
			expect(shown.stdout).toContain(idle.beats[0]?.clusterId.slice(-8));
			expect(shown.stdout).not.toContain(SECRET);

			process.kill(idle.beats[0]?.pid ?? -1, 'SIGTERM');
			await until(
				'a stopping cluster',
				({ beats }) => beats[0]?.status === 'Stopping' || beats[0]?.status === 'Stopped',
			);
			await until('its end', ({ beats }) => beats.length === 0);
			expect(roster.all()).toMatchObject([{ presence: 'stopped', mostWorkers: 2 }]);
		} finally {
			await endGroup(cluster);
		}
	});

	it('that are killed are lost, what they left in their list is counted, and a wrong key is told', async () => {
		const looker = new ClusterLooker(keyspace, { prefixes: null, queues: [PREFIX], secretKey: 'another key' });
		const roster = new ClusterRoster();
		const until = watching(looker, roster);
		const cluster = startCluster();
		try {
			const seen = await until('a cluster', ({ beats }) => beats[0]?.status === 'Idle');
			expect(seen.beats[0]?.verified).toBe(false);
			expect(seen.odd).toMatchObject([{ reason: expect.stringContaining('SECRET_KEY') }]);
		} finally {
			await endGroup(cluster);
		}
		await until('its silence', () => roster.all()[0]?.presence === 'lost');

		const before = Math.floor(Date.now() / 1_000) * 1_000;
		await django(
			'shell',
			'-c',
			'from django_q.tasks import async_task; async_task("site_tasks.note", (1, 2.5), x={"a": None})',
		);
		const { queues } = await until('the queue', (round) => round.queues[0]?.length === 1);
		expect(queues).toMatchObject([{ name: PREFIX, length: 1 }]);
		expect(queues[0]?.nextSince).toBeGreaterThanOrEqual(before);
		const text = must(await keyspace.call('LINDEX', `django_q:${PREFIX}:q`, 0));
		const task = must(readTask(must(readPacket(String(text)))));
		expect(task).toMatchObject({
			func: 'site_tasks.note',
			arguments: {
				args: [
					{
						kind: 'tuple',
						items: [
							{ kind: 'int', text: '1' },
							{ kind: 'float', text: '2.5' },
						],
					},
				],
				kwargs: [['x', { kind: 'dict' }]],
			},
		});
	});
});
