/** Two consoles at one home watch the same profile: both show an alarm, one of them notifies, and when it goes the other does. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootEngine, memoryVault, type TestEngine } from '#test/support/engine.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const PATIENCE = 60_000;
let redis: RedisServer;
let folder: string;

beforeAll(async () => {
	redis = await startRedis({ own: true });
	folder = mkdtempSync(join(tmpdir(), 'warren-alarms-'));
});
afterAll(async () => {
	await redis?.[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true, force: true });
});

describe('alarms in two consoles at one home', () => {
	it('are shown by both and notified by one', async () => {
		const told: string[] = [];
		const vault = memoryVault();
		const boot = (name: string): Promise<TestEngine> =>
			bootEngine({
				home: folder,
				ports: { host: 'shell', vault, notify: ({ body }) => void told.push(`${name}: ${body}`) },
			});
		const first = await boot('first');
		try {
			await first.call('profile.add', { name: 'shop', framework: 'django-q', broker: redis.url, prefix: ['shop'] });
			await first.call('alarm.set', { profile: 'shop', rule: 'no-cluster', for: '0s' });
			const raised = (engine: TestEngine) => async () => {
				const { items, watched } = await engine.call('alarm.list', { profile: 'shop' });
				return watched && items.some(({ rule, state }) => rule === 'no-cluster' && state === 'raised');
			};
			await using second = await boot('second');
			await waitFor('the alarm in the first', raised(first), PATIENCE);
			await waitFor('the alarm in the second', raised(second), PATIENCE);
			const tells = async () =>
				Promise.all(
					[first, second].map(async (engine) => (await engine.call('alarm.list', { profile: 'shop' })).tells),
				);
			await waitFor('one of them to notify', async () => (await tells()).filter(Boolean).length === 1, PATIENCE);
			expect(told).toHaveLength(1);

			// When the one that notifies has gone, the other takes over what comes next.
			const [firstTells] = await tells();
			const [goes, stays] = firstTells === true ? [first, second] : [second, first];
			await goes[Symbol.asyncDispose]();
			await waitFor(
				'the other to notify',
				async () => (await stays.call('alarm.list', { profile: 'shop' })).tells,
				PATIENCE,
			);
			await stays.call('alarm.set', { profile: 'shop', rule: 'queue-length', threshold: 1, for: '0s' });
			await redis.cli('RPUSH', 'django_q:shop:q', 'a', 'b');
			await waitFor('the second notification', () => told.length === 2, PATIENCE);
			expect(new Set(told.map((line) => line.split(':')[0])).size).toBe(2);
		} finally {
			await first[Symbol.asyncDispose]();
		}
	});
});
