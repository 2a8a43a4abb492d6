/**
 * Deployments that call everything by other names than Celery does: Debian's Celery over a real RabbitMQ and a real Redis, with
 * exchanges, prefixes, separators and priorities of their own.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type CeleryLab, celeryLab, type LabWorker } from '#test/support/celery/lab.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const NAMES = { control_exchange: 'shop', event_exchange: 'shop.events', event_queue_prefix: 'mon' };
const GIVEN = { controlExchange: 'shop', eventExchange: 'shop.events', eventQueuePrefix: 'mon', sentEvents: true };
/** A broker's own transport options, and the same as parameters of its address. */
const TRANSPORT = {
	global_keyprefix: 'shop:',
	fanout_prefix: '/bus{db}.',
	fanout_patterns: false,
	sep: '|',
	priority_steps: [0, 5, 9],
	visibility_timeout: 7_200,
	unacked_key: 'held',
	unacked_index_key: 'held_at',
};
const PARAMETERS =
	'global_keyprefix=shop:&fanout_prefix=/bus%7Bdb%7D.&fanout_patterns=false&sep=%7C&priority_steps=0,5,9' +
	'&visibility_timeout=7200&unacked_key=held&unacked_index_key=held_at';

/** What both have in common. */
function checks(at: () => { readonly engine: TestEngine; readonly lab: CeleryLab }) {
	const task = async (id: string) => {
		const { items } = await at().engine.call('task.list', { profile: 'lab', query: `id:${id}` });
		return items[0] ?? null;
	};
	const become = (id: string, wanted: string) =>
		waitFor(`${id} to be ${wanted}`, async () => ((await task(id))?.state === wanted ? task(id) : null), 90_000);

	it('hears the events of their workers, and asks and tells them', async () => {
		const { engine } = at();
		await waitFor(
			'the worker to be online',
			async () =>
				(await engine.call('worker.list', { profile: 'lab' })).items.find(({ name }) => name === 'w1@lab')?.state ===
				'online',
			90_000,
		);
		await waitFor(
			'its answer',
			async () => {
				using stream = await engine.open('worker.inspect', { profile: 'lab', method: 'ping', timeout: 3 });
				await waitFor('the round to end', () =>
					stream.items.some((one) => one.summary?.complete === true || one.failure !== null),
				);
				return stream.items.some(({ node }) => node?.node === 'w1@lab' && node.state === 'answered');
			},
			90_000,
		);
		const told = await engine.call('worker.control', {
			profile: 'lab',
			method: 'rate_limit',
			values: ['warrenlab.fail', '5/m'],
		});
		expect(told.items.map(({ node, state }) => [node, state])).toEqual([['w1@lab', 'answered']]);
	}, 240_000);

	it('sends tasks that their workers run, and sees theirs', async () => {
		const { engine, lab } = at();
		const { id } = await engine.call('task.publish', {
			profile: 'lab',
			name: 'warrenlab.add',
			queue: 'celery',
			args: '40, 2',
			priority: 7,
		});
		expect(await become(id, 'succeeded')).toMatchObject({ worker: 'w1@lab', attempts: 1 });
		const theirs = await lab.send('fail', 'kaput');
		expect(await become(theirs, 'failed')).toMatchObject({ name: 'warrenlab.fail' });
	}, 240_000);

	it('tells others of each task once, in the words of Celery’s own publishers', async () => {
		const { engine, lab } = at();
		using heard = await engine.open('event.watch', { profile: 'lab', group: 'task' });
		const sent = (id: string) => heard.items.filter(({ task: of, type }) => of === id && type === 'task-sent');
		// The first that is heard shows that it is listened to from now on.
		const theirs = await waitFor(
			'an event of theirs',
			async () => {
				const id = await lab.send('add', 1, 2);
				await become(id, 'succeeded');
				return sent(id)[0] ?? null;
			},
			90_000,
		);
		const { id } = await engine.call('task.publish', {
			profile: 'lab',
			name: 'warrenlab.add',
			queue: 'celery',
			args: '3, 4',
		});
		await become(id, 'succeeded');
		const again = await engine.call('task.requeue', { profile: 'lab', ids: [id] });
		const messageId = again.items[0]?.messageId ?? '';
		await waitFor('the second run', async () => (await task(id))?.attempts === 2 && (await become(id, 'succeeded')));
		await waitFor('both events', () => sent(id).length > 0 && sent(messageId).length > 0);
		expect([sent(id).length, sent(messageId).length]).toEqual([1, 1]);
		const [mine] = sent(id).map(({ text }) => JSON.parse(text));
		expect(Object.keys(mine).sort()).toEqual(Object.keys(JSON.parse(theirs.text)).sort());
		expect(mine).toMatchObject({ args: '(3, 4)', queue: 'celery', hostname: expect.stringMatching(/^console@/) });
		const { events } = await engine.call('task.show', { profile: 'lab', id });
		expect(events?.filter(({ type }) => type === 'task-sent')).toHaveLength(2);
	}, 240_000);

	it('counts their queues, and leaves those of events and remote control out', async () => {
		const { engine, lab } = at();
		await lab.python(["app.send_task('warrenlab.add', (1, 2), queue='parked', priority=9)"]);
		const list = () => engine.call('queue.list', { profile: 'lab' });
		const { items } = await waitFor('it to be there', async () => {
			const all = await list();
			return all.items.some(({ name, ready }) => name === 'parked' && ready === 1) ? all : null;
		});
		expect(items.map(({ name }) => name).sort()).toEqual(['celery', 'parked']);
		const { items: waiting } = await engine.call('queue.peek', { profile: 'lab', queue: 'parked' });
		expect(waiting.map((one) => one.task?.argsJson)).toEqual(['[1, 2]']);
	}, 120_000);
}

describe('over RabbitMQ', () => {
	let server: RabbitServer;
	let engine: TestEngine;
	let lab: CeleryLab;
	let worker: LabWorker;
	let watching: { readonly items: unknown[] } & Disposable;

	beforeAll(async () => {
		server = await startRabbit({ management: true });
		engine = await bootEngine();
		const management = server.managementUrl ?? '';
		await engine.call('profile.add', {
			name: 'lab',
			framework: 'celery',
			broker: server.url,
			management,
			queues: ['celery', 'parked'],
			...GIVEN,
		});
		lab = celeryLab(server.url, NAMES);
		watching = await engine.open('monitor.run', { profile: 'lab' });
		worker = lab.worker('w1');
	}, 180_000);
	afterAll(async () => {
		watching?.[Symbol.dispose]();
		await worker?.[Symbol.asyncDispose]();
		await engine?.[Symbol.asyncDispose]();
		await server?.stop();
	});

	checks(() => ({ engine, lab }));

	it("calls its own queue of events by the deployment's prefix, and declares nothing by Celery's names", async () => {
		const queues = await server.ctl(['list_queues', 'name', '--quiet']);
		expect(queues).toMatch(/^mon\.warren\./m);
		expect(queues).not.toMatch(/celeryev|celery\.pidbox/);
		const exchanges = await server.ctl(['list_exchanges', 'name', '--quiet']);
		expect(exchanges).not.toMatch(/celeryev|celery\.pidbox/);
	});
});

describe('over Redis', () => {
	let server: RedisServer;
	let engine: TestEngine;
	let lab: CeleryLab;
	let worker: LabWorker;
	let watching: { readonly items: unknown[] } & Disposable;

	beforeAll(async () => {
		server = await startRedis({ own: true });
		engine = await bootEngine();
		await engine.call('profile.add', {
			name: 'lab',
			framework: 'celery',
			broker: `${server.url}?${PARAMETERS}`,
			results: `${server.url}?global_keyprefix=shop`,
			...GIVEN,
		});
		lab = celeryLab(server.url, {
			...NAMES,
			broker_transport_options: TRANSPORT,
			result_backend: `warrenlab.PrefixedBackend+${server.url}`,
		});
		watching = await engine.open('monitor.run', { profile: 'lab' });
		worker = lab.worker('w1');
	}, 180_000);
	afterAll(async () => {
		watching?.[Symbol.dispose]();
		await worker?.[Symbol.asyncDispose]();
		await engine?.[Symbol.asyncDispose]();
		await server?.stop();
	});

	checks(() => ({ engine, lab }));

	it('reads results by their prefix', async () => {
		const { id } = await engine.call('task.publish', {
			profile: 'lab',
			name: 'warrenlab.add',
			queue: 'celery',
			args: '1, 2',
		});
		const view = await waitFor(
			'its result',
			async () => {
				const one = await engine.call('task.result', { profile: 'lab', id });
				return one.result === null ? null : one;
			},
			90_000,
		);
		expect(view.result).toMatchObject({ status: 'SUCCESS', valueJson: '3' });
		expect(view.words).toContain('shop_celery-task-meta-');
	}, 120_000);

	it("lays nothing beside the deployment's own keys", async () => {
		const keys = (await server.cli('KEYS', '*')).split('\n').filter(Boolean);
		expect(keys.filter((key) => !/^(shop:|shop_celery-task-meta-)/.test(key))).toEqual([]);
		expect(await server.cli('LLEN', 'shop:parked|9')).toBe('1');
		expect(await server.cli('PUBSUB', 'CHANNELS', '*celery*')).toBe('');
	});
});
