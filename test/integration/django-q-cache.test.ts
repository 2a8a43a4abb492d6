/** Debian's django-q with the database as its broker: its clusters beat in Django's cache, here Debian's django-redis on a private Redis. */
import { type ChildProcess, execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import type { ClusterReport } from '#main/domain/cluster.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { ClusterList } from '#main/ipc/contract/cluster.ts';
import type { Discovery } from '#main/ipc/contract/profile.ts';
import { CacheLooker } from '#main/monitor/django-q/cache-look.ts';
import { ClusterRoster } from '#main/monitor/django-q/roster.ts';
import { ClusterSymptoms } from '#main/monitor/django-q/symptoms.ts';
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

/** The cache's options come from outside, so that one site stands for several. */
const SETTINGS = `
import json, os
SECRET_KEY = ${JSON.stringify(SECRET)}
USE_TZ = True
INSTALLED_APPS = ['django.contrib.contenttypes', 'django.contrib.auth', 'django_q']
DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', 'NAME': os.environ['SITE_DATABASE'], 'OPTIONS': {'timeout': 60}}}
DEFAULT_AUTO_FIELD = 'django.db.models.AutoField'
CACHES = {'default': {'BACKEND': 'django_redis.cache.RedisCache', 'LOCATION': os.environ['SITE_REDIS'], **json.loads(os.environ['SITE_CACHE'])}}
Q_CLUSTER = {'name': ${JSON.stringify(PREFIX)}, 'workers': 2, 'timeout': 90, 'retry': 120, 'orm': 'default', 'log_level': 'ERROR'}
`;

let redis: RedisServer;
let keyspace: Keyspace;
let folder: string;

function envOf(cache: object): NodeJS.ProcessEnv {
	return {
		...process.env,
		DJANGO_SETTINGS_MODULE: 'cached_settings',
		PYTHONPATH: folder,
		SITE_DATABASE: join(folder, 'site.sqlite3'),
		SITE_REDIS: redis.url,
		SITE_CACHE: JSON.stringify(cache),
	};
}

function startCluster(cache: object): ChildProcess {
	const script = 'exec "$0" "$@" 3<&-';
	const cluster = startGroup(script, [PYTHON, '-m', 'django', 'qcluster'], { env: envOf(cache), cwd: folder });
	cluster.stdout?.resume();
	cluster.stderr?.resume();
	return cluster;
}

beforeAll(async () => {
	redis = await startRedis({ own: true });
	keyspace = await openKeyspace(redis.url);
	folder = mkdtempSync(join(tmpdir(), 'warren-django-cache-'));
	writeFileSync(join(folder, 'cached_settings.py'), SETTINGS);
	await run(PYTHON, ['-m', 'django', 'migrate', '--verbosity', '0'], { env: envOf({}), cwd: folder });
});
afterAll(async () => {
	await keyspace?.[Symbol.asyncDispose]();
	await redis?.[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true, force: true });
});

/** Looks until `right`, and feeds the roster. */
async function until(
	looker: CacheLooker,
	roster: ClusterRoster,
	what: string,
	right: (round: ClusterReport) => boolean,
): Promise<ClusterReport> {
	return waitFor(
		what,
		async () => {
			const round = must(await looker.look(Date.now()));
			roster.take(round.at, round.beats);
			return right(round) ? round : null;
		},
		60_000,
	);
}

describe('clusters whose broker is no Redis', () => {
	it('are found, watched and checked through the cache, and what waits is said not to be seen', async () => {
		const looker = new CacheLooker(keyspace, {
			cache: { keyPrefix: 'eu', version: 2 },
			prefixes: [PREFIX],
			secretKey: SECRET,
		});
		const roster = new ClusterRoster();
		const home = join(folder, 'home');
		const cluster = startCluster({ KEY_PREFIX: 'eu', VERSION: 2 });
		try {
			const idle = await until(
				looker,
				roster,
				'an idle cluster',
				({ beats }) => beats[0]?.status === 'Idle' && beats[0].workers.length === 2,
			);
			expect(idle.odd).toEqual([]);
			expect(idle.beats).toMatchObject([{ prefix: PREFIX, verified: true, taskQueue: 0, aware: true }]);

			const found = await warrenJson<Discovery>(home, ['profile', 'discover', '--broker', redis.url]);
			expect(found).toMatchObject({ sites: [{ name: PREFIX, cache: 'eu:2', clusters: 1 }], queues: [] });
			const add = ['profile', 'add', 'shop', '--framework', 'django-q', '--broker', redis.url, '--discover'];
			expect(await warren(home, [...add, '--secret-key-stdin'], { stdin: `${SECRET}\n` })).toMatchObject({ code: 0 });
			const profile = await warrenJson<Profile>(home, ['profile', 'show', 'shop']);
			expect(profile.djangoQ).toEqual({ prefixes: [PREFIX], cache: { keyPrefix: 'eu', version: 2 } });

			const list = await warrenJson<ClusterList>(home, ['cluster', 'list', '--profile', 'shop']);
			expect(list).toMatchObject({
				total: 1,
				elsewhere: true,
				queues: [],
				odd: [],
				hints: [],
				items: [{ presence: 'live', beat: { verified: true }, stat: { cluster_id: idle.beats[0]?.clusterId } }],
			});
			const shown = await warren(home, ['cluster', 'list', '--profile', 'shop']);
			expect(shown.stdout).toContain("Seen through Django's cache");

			const doctor = await warren(home, ['--json', 'profile', 'test', 'shop']);
			expect((JSON.parse(doctor.stdout) as { steps: readonly object[] }).steps.slice(-4)).toMatchObject([
				{ step: 'rights', status: 'passed' },
				{ step: 'queues', status: 'skipped' },
				{ step: 'clusters', status: 'passed', finding: expect.stringContaining('eu:2:django_q:') },
				{ step: 'signature', status: 'passed' },
			]);

			// Nothing that would change something is tried: the cache's Redis is not the broker.
			const before = must(await keyspace.call('DBSIZE'));
			for (const refused of [
				['queue', 'list'],
				['packet', 'list'],
				['task', 'publish', 'site_tasks.note'],
			]) {
				const answer = await warren(home, ['--json', '--yes', '--profile', 'shop', ...refused]);
				expect([refused.join(' '), answer.code, answer.stdout]).toEqual([
					refused.join(' '),
					1,
					expect.stringMatching(/broker of (a|its) own|no packets/),
				]);
			}
			expect(must(await keyspace.call('DBSIZE'))).toBe(before);
		} finally {
			await endGroup(cluster);
		}

		// Killed, not stopped: it went without a word, which the alarms tell.
		await until(looker, roster, 'its silence', () => roster.all()[0]?.presence === 'lost');
		const symptoms = new ClusterSymptoms().take({
			now: Date.now(),
			queues: [],
			clusters: roster.all(),
			named: true,
			problem: null,
		});
		expect(symptoms.map(({ rule }) => rule)).toEqual(['no-cluster', 'cluster-lost']);
		const empty = await warrenJson<ClusterList>(home, ['cluster', 'list', '--profile', 'shop']);
		expect(empty.hints).toEqual([expect.stringContaining(`eu:2:django_q:${PREFIX}:cluster`)]);
	});

	it('are read where the cache writes JSON and compresses it, and a key of another kind is no harm', async () => {
		const serializer = 'django_redis.serializers.json.JSONSerializer';
		const compressor = 'django_redis.compressors.zlib.ZlibCompressor';
		const cluster = startCluster({ OPTIONS: { SERIALIZER: serializer, COMPRESSOR: compressor } });
		try {
			must(await keyspace.call('RPUSH', ':1:django_q:other:cluster', 'no value of a cache'));
			const looker = new CacheLooker(keyspace, {
				cache: { keyPrefix: '', version: 1 },
				prefixes: null,
				secretKey: 'another key',
			});
			// The list of clusters is written when the first of them beats: until then a search finds nothing.
			await waitFor(
				"django-q's list of clusters",
				async () => must(await keyspace.call('EXISTS', `:1:django_q:${PREFIX}:cluster`)) === 1 || null,
				60_000,
			);
			const round = await until(looker, new ClusterRoster(), 'a cluster', ({ beats }) => beats[0]?.status === 'Idle');
			expect(round.beats).toMatchObject([{ prefix: PREFIX, verified: false }]);
			expect(round.odd).toMatchObject([{ reason: expect.stringContaining('SECRET_KEY') }]);
		} finally {
			await endGroup(cluster);
		}
	});
});
