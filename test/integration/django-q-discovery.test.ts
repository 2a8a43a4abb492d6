/** Finding django-q's sites in a Redis before there is a profile, by heartbeats that clusters were captured with. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { Discovery } from '#main/ipc/contract/profile.ts';
import { must } from '#test/support/brokers.ts';
import { warren, warrenJson } from '#test/support/cli.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';

const FILE = new URL('../fixtures/django-q/stats-django5.2-q2-1.11.1.json', import.meta.url);
const stats = JSON.parse(readFileSync(FILE, 'utf8')) as {
	readonly secret_key: string;
	readonly prefix: string;
	readonly items: readonly { readonly wire_ascii: string }[];
};
const { prefix, secret_key: secretKey } = stats;

let redis: RedisServer;
let keyspace: Keyspace;
let home: string;

beforeAll(async () => {
	redis = await startRedis({ own: true });
	keyspace = await openKeyspace(redis.url);
	home = mkdtempSync(join(tmpdir(), 'warren-discovery-'));
});
afterAll(async () => {
	await keyspace?.[Symbol.asyncDispose]();
	await redis?.[Symbol.asyncDispose]();
	rmSync(home, { recursive: true, force: true });
});

describe("discovery of django-q's sites", () => {
	it('finds nothing in an empty Redis, and saves nothing then', async () => {
		const found = await warrenJson<Discovery>(home, ['profile', 'discover', '--broker', redis.url]);
		expect(found).toEqual({ sites: [], queues: [], odd: [], complete: true });
		const added = ['profile', 'add', 'none', '--framework', 'django-q', '--broker', redis.url, '--discover'];
		const refused = await warren(home, added);
		expect(refused.code).not.toBe(0);
		expect(refused.stderr).toContain('nothing was saved');
		expect((await warren(home, ['profile', 'show', 'none'])).code).not.toBe(0);
	});

	it('offers clusters that beat and lists that hold something, and makes a profile of them', async () => {
		const beat = stats.items.at(-1)?.wire_ascii ?? '';
		must(await keyspace.call('SET', `django_q:${prefix}:cluster:00000000-0000-0000-0000-000000000001`, beat));
		must(await keyspace.call('RPUSH', 'django_q:bulk:q', 'a', 'b'));
		must(await keyspace.call('RPUSH', 'django_q:bulk:held:q', 'c'));
		const discover = ['profile', 'discover', '--broker', redis.url];
		const found = await warrenJson<Discovery>(home, discover);
		expect(found.sites).toMatchObject([{ name: prefix, clusters: 1, verified: null }]);
		// What Warren itself holds back is no queue of theirs.
		expect(found.queues).toMatchObject([{ name: 'bulk', length: 2 }]);
		expect((await warren(home, discover)).stdout).toContain('--discover');

		const add = ['profile', 'add', 'site', '--framework', 'django-q', '--broker', redis.url, '--discover'];
		const made = await warren(home, ['--json', ...add, '--secret-key-stdin'], { stdin: `${secretKey}\n` });
		expect(made).toMatchObject({ code: 0 });
		const profile = await warrenJson<Profile>(home, ['profile', 'show', 'site']);
		expect(profile).toMatchObject({ djangoQ: { prefixes: [prefix] }, queues: ['bulk'] });
		expect(await warrenJson<Discovery>(home, ['profile', 'discover', 'site'])).toMatchObject({
			sites: [{ name: prefix, verified: true }],
		});
	});

	it("is what the doctor of a profile of django-q's goes by, down to the key", async () => {
		const steps = async (...args: readonly string[]) => {
			const run = await warren(home, ['--json', 'profile', 'test', ...args]);
			return (JSON.parse(run.stdout) as { steps: readonly { step: string; status: string; finding: string }[] }).steps;
		};
		const good = await steps('site');
		expect(good.slice(-4)).toMatchObject([
			{ step: 'rights', status: 'passed' },
			{ step: 'queues', status: 'passed', finding: expect.stringContaining('django_q:bulk:q (2 waiting)') },
			{ step: 'clusters', status: 'passed', finding: expect.stringContaining(prefix) },
			{ step: 'signature', status: 'passed' },
		]);
		expect(JSON.stringify(good)).not.toMatch(/kombu|[Cc]elery/);
		expect(await warren(home, ['profile', 'edit', 'site', '--secret-key-stdin'], { stdin: 'other\n' })).toMatchObject({
			code: 0,
		});
		expect((await steps('site')).at(-1)).toMatchObject({ step: 'signature', status: 'failed' });
	});
});
