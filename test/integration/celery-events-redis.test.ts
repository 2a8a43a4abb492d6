/** Watching Celery over a real Redis: kombu's envelopes on its channels, heard, folded, and cut off by Redis itself. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCapture } from '#test/support/celery/captures.ts';
import { bootEngine } from '#test/support/engine.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

let server: RedisServer;
beforeAll(async () => {
	server = await startRedis({ own: true });
});
afterAll(() => server?.stop());

it('hears a captured run on all four kinds of channels, and tells a gap when Redis cuts it off', async () => {
	await using engine = await bootEngine();
	await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: server.url });
	using run = await engine.open('monitor.run', { profile: 'lab' });
	const status = () => run.items.at(-1)?.status;
	await waitFor('the monitor to listen', () => status()?.trouble === null);
	const db = new URL(server.url).pathname.slice(1) || '0';
	const channels = (key: string) => [`/${db}.celeryev/${key}`, `/${db}.celeryev`, `celeryev/${key}`, 'celeryev'];
	for (const [at, message] of readCapture('redis-5.2.6').messages.slice(0, 60).entries()) {
		const envelope = {
			body: Buffer.from(message.body).toString('base64'),
			'content-type': 'application/json',
			properties: { body_encoding: 'base64', delivery_info: { exchange: 'celeryev', routing_key: message.routingKey } },
		};
		const channel = channels(message.routingKey)[at % 4] ?? '';
		expect((await server.cli('PUBLISH', channel, JSON.stringify(envelope))).trim()).toBe('1');
	}
	await waitFor('tasks to succeed', async () => {
		const { counts } = await engine.call('profile.show', { name: 'lab' });
		return counts.succeeded >= 5;
	});
	await server.cli('PUBLISH', `/${db}.celeryev/task.sent`, 'no envelope');
	await waitFor('the bad one to be counted', () => status()?.bad === 1);
	await server.cli('CLIENT', 'KILL', 'TYPE', 'pubsub');
	await waitFor('the gap to be told', () => status()?.gapCount === 1 && status()?.trouble === null);
	expect(status()?.gaps[0]?.to).toBeGreaterThanOrEqual(status()?.gaps[0]?.from ?? Infinity);
	expect((await engine.call('worker.list', { profile: 'lab' })).items.map((one) => one.name)).toContain('w1@lab');
}, 120_000);
