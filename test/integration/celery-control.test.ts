/** Asking and telling real Celery workers (Debian's Celery 5.2), over a real RabbitMQ and a real Redis. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { WorkerView } from '#main/domain/worker.ts';
import type { ControlOutcome } from '#main/domain/worker-control.ts';
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
	const taskState = async (id: string) => {
		const { items } = await engine.call('task.list', { profile: 'lab', query: `id:${id}` });
		return items[0]?.state ?? null;
	};
	const become = (id: string, wanted: string) =>
		waitFor(`${id} to be ${wanted}`, async () => (await taskState(id)) === wanted, 60_000);

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
	const tell = (input: Omit<Parameters<typeof engine.call<'worker.control'>>[1], 'profile'>): Promise<ControlOutcome> =>
		engine.call('worker.control', { profile: 'lab', ...input });

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

	it('is understood by a worker whatever number a question has', async () => {
		// From the 128th on a number takes more than a byte.
		for (let n = 0; n < 140; n += 1) {
			const { nodes } = await inspect('ping', { timeout: 30 });
			expect(nodes.get('w1@lab')?.state, `question ${n}: ${worker.output()}`).toBe('answered');
		}
		expect(worker.ended()).toBe(false);
	}, 240_000);

	it('revokes a task that waits, ends one that runs, and says where each was', async () => {
		const running = await lab.send('sleep', 600);
		await become(running, 'running');
		const refused = await engine.refusal('task.revoke', { profile: 'lab', ids: [running], signal: 'KILL' });
		expect(refused.code).toBe('invalid-input');
		const outcome = await engine.call('task.revoke', {
			profile: 'lab',
			ids: [running, 'nobody-knows'],
			terminate: true,
			signal: 'kill',
		});
		expect(outcome).toMatchObject({ done: 2, answered: 1, arguments: { signal: 'SIGKILL' } });
		expect(outcome.tasks).toEqual([
			{ id: running, where: 'active', node: 'w1@lab', name: 'warrenlab.sleep' },
			{ id: 'nobody-knows', where: null, node: null, name: null },
		]);
		await become(running, 'revoked');
		const revoked = await inspect('revoked');
		expect(revoked.value('w1@lab')).toEqual(expect.arrayContaining([running, 'nobody-knows']));
	}, 120_000);

	it('pauses a queue by taking its consumer away, and resumes it', async () => {
		const cancelled = await tell({ method: 'cancel_consumer', values: ['celery'] });
		expect(cancelled).toMatchObject({ answered: 1, failed: 0 });
		await waitFor('the queue to be left', async () => (await inspect('active_queues')).value('w1@lab').length === 0);
		const waiting = await lab.send('add', 1, 2);
		const { value } = await inspect('stats');
		expect(value('w1@lab').total['warrenlab.add'] ?? 0).toBe(0);
		expect(['succeeded', 'running']).not.toContain(await taskState(waiting));
		expect(await tell({ method: 'add_consumer', queue: 'celery' })).toMatchObject({ answered: 1, failed: 0 });
		await become(waiting, 'succeeded');
	}, 120_000);

	it('limits a task to a rate, so that of several only the first runs at once', async () => {
		const limited = await tell({ method: 'rate_limit', values: ['warrenlab.add', '1/h'] });
		expect(limited).toMatchObject({ answered: 1, arguments: { task_name: 'warrenlab.add', rate_limit: '1/h' } });
		const first = await lab.send('add', 1, 1);
		await become(first, 'succeeded');
		const second = await lab.send('add', 2, 2);
		await become(second, 'queued');
		const stats = await inspect('stats');
		expect(stats.value('w1@lab').total['warrenlab.add']).toBe(2);
		await tell({ method: 'rate_limit', values: ['warrenlab.add', '0'] });
		const unknown = await tell({ method: 'rate_limit', values: ['no.such.task', '1/m'] });
		expect(unknown).toMatchObject({ answered: 0, failed: 1 });
		expect(unknown.items[0]?.answers[0]?.words).toContain('registered');
	}, 120_000);

	it('changes limits and the size of the pool, and tells what a worker refuses', async () => {
		expect(await tell({ method: 'time_limit', values: ['warrenlab.sleep', '1', '3'] })).toMatchObject({ answered: 1 });
		const limits = await inspect('registered', { values: ['soft_time_limit', 'time_limit'] });
		expect(limits.value('w1@lab')).toContainEqual(
			expect.stringMatching(/^warrenlab\.sleep \[soft_time_limit=1\b.* time_limit=3\b/),
		);
		expect(await tell({ method: 'pool_grow', values: ['2'] })).toMatchObject({ answered: 1 });
		const size = async () => (await inspect('stats')).value('w1@lab').pool.processes.length;
		await waitFor('the pool to grow', async () => (await size()) === 4);
		expect(await tell({ method: 'pool_shrink', n: 2 })).toMatchObject({ answered: 1 });
		await waitFor('the pool to shrink', async () => (await size()) === 2);
		const scaled = await tell({ method: 'autoscale', values: ['4', '1'] });
		expect(scaled.items[0]?.answers[0]).toMatchObject({ ok: false, words: expect.stringContaining('pool_grow') });
		const stamped = await tell({ method: 'revoke_by_stamped_headers', headers: { batch: 'b1' } });
		expect(stamped.items[0]?.answers[0]?.words).toContain('older than that command');
	}, 120_000);

	it('refuses arguments that no worker would take, before anything is sent', async () => {
		const refusal = (input: Omit<Parameters<typeof tell>[0], 'timeout'>) =>
			engine.refusal('worker.control', { profile: 'lab', ...input });
		expect((await refusal({ method: 'rate_limit', values: ['t', 'x/y'] })).message).toContain('10/s');
		expect((await refusal({ method: 'pool_grow', queue: 'q' })).message).toContain('takes no --queue');
		expect((await refusal({ method: 'autoscale', max: 1, min: 2 })).message).toContain('larger');
		expect((await refusal({ method: 'ping' as 'heartbeat' })).code).toBe('invalid-input');
	});

	it('scales a worker that scales, sees it stop when told to, and one that is killed become lost', async () => {
		await using scaled = lab.worker('w2', { flags: ['--autoscale=2,1'] });
		await ready('w2@lab');
		const told = await tell({ method: 'autoscale', values: ['5', '2'], destination: ['w2@lab'] });
		expect(told).toMatchObject({ answered: 1, total: 1 });
		const ended = await tell({ method: 'shutdown', destination: ['w2@lab'], timeout: 60 });
		expect(ended.items).toMatchObject([{ node: 'w2@lab', state: 'stopped' }]);
		await waitFor('the worker to be seen as stopped', async () => (await state('w2@lab')) === 'stopped');
		await waitFor('its process to end', () => scaled.ended());
		await using killed = lab.worker('w3', { events: false });
		await ready('w3@lab');
		await killed.kill9();
		await waitFor('silence to be noticed', async () => (await state('w3@lab')) === 'late', 30_000);
		await waitFor('it to be lost', async () => (await state('w3@lab')) === 'lost', 30_000);
		expect((await workers()).find((one) => one.name === 'w3@lab')?.ageMs).toBeGreaterThan(10_000);
	}, 240_000);

	it('tells two workers of one name apart', async () => {
		await using _twin = lab.worker('w1');
		await waitFor(
			'both to be heard',
			async () => (await workers()).some((one) => one.name === 'w1@lab' && one.duplicate),
			90_000,
		);
		if (kind !== 'Redis') return;
		// Over RabbitMQ they share one queue for commands, so that each command reaches one of them.
		const pinged = await waitFor(
			'both to answer',
			async () => {
				const { nodes } = await inspect('ping', { timeout: 2 });
				return (nodes.get('w1@lab')?.answers.length ?? 0) === 2 ? nodes.get('w1@lab') : null;
			},
			90_000,
		);
		expect(pinged?.note).toContain('share');
	}, 240_000);

	it('knows a worker that tells nothing of its tasks, and has it tell', async () => {
		await using mute = lab.worker('w4', { events: false, flags: ['-Q', 'mute'] });
		await ready('w4@lab');
		const told = async () => (await workers()).find((one) => one.name === 'w4@lab')?.events;
		const run = () => lab.python(["app.send_task('warrenlab.add', (1, 2), queue='mute')"]);
		await waitFor(
			'it to be noticed',
			async () => {
				await run();
				return (await told()) === 'untold';
			},
			60_000,
		);
		expect(await tell({ method: 'enable_events', destination: ['w4@lab'] })).toMatchObject({ answered: 1 });
		await run();
		await waitFor('events of its tasks', async () => (await told()) === 'tasks');
		const { items } = await engine.call('worker.list', { profile: 'lab', details: true });
		const details = items.find((one) => one.name === 'w4@lab')?.details;
		expect(details).toMatchObject({ concurrency: 2, queues: ['mute'], pid: expect.any(Number) });
		expect(mute.ended()).toBe(false);
	}, 240_000);
});

it.each([
	['RabbitMQ', startOwnRabbit],
	['Redis', () => startRedis({ own: true })],
] as const)(
	'says that nobody listens on an empty %s, and leaves nothing behind',
	async (kind, start) => {
		await using server = await start();
		{
			await using engine = await bootEngine();
			await engine.call('profile.add', { name: 'lab', framework: 'celery', broker: server.url });
			const outcome = await engine.call('worker.control', { profile: 'lab', method: 'heartbeat', timeout: 60 });
			expect(outcome).toMatchObject({ receivers: 0, answered: 0, notes: [expect.stringContaining('Nobody received')] });
		}
		if (kind === 'Redis') {
			const { cli } = server as Awaited<ReturnType<typeof startRedis>>;
			expect(await cli('KEYS', '*')).toBe('');
		}
	},
	120_000,
);
