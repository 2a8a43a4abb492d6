/** A node of a Redis Cluster: told for what it is before anything is begun there, and left exactly as it was. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDoctor, createDriver, createKeyspace } from '#main/brokers/connect.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { driverContext, must, toQueue } from '../support/brokers.ts';
import { freePorts } from '../support/ports.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

let server: RedisServer;
beforeAll(async () => {
	const [bus = 0] = await freePorts(1);
	server = await startRedis({ own: true, config: ['cluster-enabled yes', `cluster-port ${bus}`] });
	await server.cli('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
	await waitFor('the cluster to take commands', async () =>
		(await server.cli('CLUSTER', 'INFO')).includes('cluster_state:ok'),
	);
	await server.cli('LPUSH', 'celery', 'one', 'two');
	await server.cli('SADD', '_kombu.binding.celery', 'celery\x06\x16\x06\x16celery');
});
afterAll(() => server?.stop());

const SENTENCE = expect.stringContaining(
	'is part of a Redis Cluster, in which neither kombu nor django-q keeps queues',
);
const LOOK = { limit: 10, deadlineMs: 5_000 };

it('refuses every act of the driver with one sentence, and changes nothing', async () => {
	const { address, password } = must(parseBroker(server.url));
	await using driver = createDriver(address, driverContext({ folder: '', password }));
	driver.connect();
	await waitFor('the refusal', () => driver.state().kind === 'refused');
	expect(driver.state()).toMatchObject({ kind: 'refused', reason: SENTENCE });
	const acts = [
		driver.ready(5_000),
		driver.queues([]),
		driver.look('celery', LOOK),
		driver.publish(toQueue('celery', 'x')),
		driver.remove('celery', new Set(['1']), { scanLimit: 10, deadlineMs: 5_000 }),
		driver.clear('celery'),
		driver.ensureQueue(carrotQueue('celery')),
		driver.sift('celery', {
			scanLimit: 10,
			deadlineMs: 5_000,
			batch: 10,
			takesAll: true,
			signal: new AbortController().signal,
			settled: async () => undefined,
			decide: async (messages) => messages.map(() => ({ kind: 'remove' })),
		}),
	];
	for (const outcome of await Promise.all(acts)) {
		expect(outcome).toMatchObject({ ok: false, error: { code: 'refused', message: SENTENCE } });
	}
	expect(await server.cli('LRANGE', 'celery', '0', '-1')).toBe('two\none');
	expect(await server.cli('DBSIZE')).toBe('2');
});

it('is named by the doctor, with what to do', async () => {
	const { address, password } = must(parseBroker(server.url));
	const doctor = createDoctor(address, driverContext({ folder: '', password }));
	const last = (await doctor(['celery'], new AbortController().signal)).at(-1);
	expect(last).toMatchObject({ step: 'server', status: 'failed', finding: SENTENCE });
	expect(last?.cure).toContain('broker_url');
});

it('is refused for books of schedules and results as well', async () => {
	const { address } = must(parseBroker(server.url));
	if (address.kind !== 'redis') throw new Error('No Redis.');
	const context = driverContext({ folder: '', password: null });
	await using keyspace = createKeyspace(address, { ...context, clientName: 'test' });
	keyspace.connect();
	await waitFor('the refusal', () => keyspace.state().kind === 'refused');
	expect(await keyspace.call('GET', 'celery-task-meta-1')).toMatchObject({ ok: false, error: { message: SENTENCE } });
});
