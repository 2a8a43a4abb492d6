/** Asking and telling real Celery workers (Debian's Celery 5.2), over a real RabbitMQ and a real Redis. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkerView } from '#main/domain/worker.ts';
import { type CeleryLab, celeryLab, type LabWorker } from '#test/support/celery/lab.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

/** A line of configuration makes it a server of our own, since its exchanges are Celery's. */
const startOwnRabbit = () => startRabbit({ config: ['max_message_size = 33554432'] });

describe.each([
	['RabbitMQ', startOwnRabbit],
	['Redis', () => startRedis({ own: true })],
] as const)('over %s', (kind, start) => {
	let server: Awaited<ReturnType<typeof start>>;
	let engine: TestEngine;
	let lab: CeleryLab;
	let watching: { readonly items: unknown[] } & Disposable;
	let worker: LabWorker;

	beforeAll(async () => {
		server = await start();
		engine = await bootEngine();
		await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: server.url });
		lab = celeryLab(server.url);
		watching = await engine.open('monitor.run', { profile: 'lab' });
		worker = lab.worker('w1');
		await ready('w1@lab');
	}, 180_000);
	afterAll(async () => {
		watching?.[Symbol.dispose]();
		await worker?.[Symbol.asyncDispose]();
		await engine?.[Symbol.asyncDispose]();
		await server?.stop();
	});

	const workers = async (): Promise<readonly WorkerView[]> =>
		(await engine.call('worker.list', { profile: 'lab' })).items;
	const state = async (name: string) => (await workers()).find((one) => one.name === name)?.state;
	const online = (name: string) =>
		waitFor(`${name} to be online`, async () => (await state(name)) === 'online', 90_000);
	/** A worker beats before it listens for commands. */
	const ready = async (name: string) => {
		await online(name);
		await waitFor(
			`${name} to listen`,
			async () => (await inspect('ping', { timeout: 2 })).nodes.get(name)?.state === 'answered',
			60_000,
		);
	};
	/** Asks through the route, as a page does. */
	async function inspect(
		method: 'ping' | 'stats' | 'active' | 'registered' | 'query_task' | 'active_queues' | 'conf' | 'revoked',
		more: {
			readonly destination?: string[];
			readonly pattern?: string;
			readonly timeout?: number;
			readonly values?: string[];
		} = {},
	) {
		using stream = await engine.open('worker.inspect', { profile: 'lab', method, ...more });
		await waitFor('the answers', () =>
			stream.items.some((one) => one.summary?.complete === true || one.failure !== null),
		);
		const summary = stream.items.findLast((one) => one.key === '')?.summary;
		const nodes = new Map(stream.items.flatMap((one) => (one.node === null ? [] : [[one.key, one.node] as const])));
		return { summary, nodes, value: (node: string) => JSON.parse(nodes.get(node)?.answers[0]?.json ?? 'null') };
	}
	it('asks everybody, names who did not answer, and ends as soon as all have', async () => {
		const pinged = await inspect('ping', { timeout: 30 });
		expect(pinged.value('w1@lab')).toEqual({ ok: 'pong' });
		expect(pinged.summary).toMatchObject({ answered: 1, silent: 0, receivers: kind === 'Redis' ? 1 : null });
		expect(pinged.summary?.tookMs).toBeLessThan(30_000);
		const stats = await inspect('stats');
		expect(stats.value('w1@lab').pool['max-concurrency']).toBe(2);
		const registered = await inspect('registered');
		expect(registered.value('w1@lab')).toContain('warrenlab.add');
		const absent = await inspect('ping', { destination: ['w1@lab,nobody@lab'], timeout: 1 });
		expect(absent.nodes.get('nobody@lab')).toMatchObject({
			state: 'silent',
			note: expect.stringContaining('spelling'),
		});
		expect(absent.nodes.get('w1@lab')?.state).toBe('answered');
		const matched = await inspect('ping', { pattern: 'w?@*' });
		expect([...matched.nodes.keys()]).toEqual(['w1@lab']);
	}, 120_000);
});
