/** The consumer set over real brokers, a real store and real processes: nothing is lost, and nothing strange stops it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { ConsumerIntent, ConsumerSetView } from '#main/domain/consumer.ts';
import { taskId } from '#main/domain/ids.ts';
import type { FieldTable, MessageProperties } from '#main/domain/message.ts';
import type { TaskDetail } from '#main/domain/task.ts';
import type { OpenStore } from '#main/store/client.ts';
import { type Bench, embeddedBench, must, rabbitBench } from '#test/support/brokers.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';
import { hostSet, type Order, PROFILE, storeOf } from './consumer-host.ts';

const WORKSHOP = fileURLToPath(new URL('../fixtures/projects/workshop', import.meta.url));
const HOST = fileURLToPath(new URL('./consumer-host.ts', import.meta.url));
const QUEUE = 'default';
const TASKS = process.env.WARREN_LONG === undefined ? 300 : 1000;

let server: RabbitServer;
let stack: AsyncDisposableStack;
let folder: string;

beforeAll(async () => {
	server = await startRabbit();
});
afterAll(async () => {
	await server?.stop();
});
beforeEach(() => {
	stack = new AsyncDisposableStack();
	folder = mkdtempSync(join(tmpdir(), 'warren-consumer-'));
	cpSync(WORKSHOP, join(folder, 'project'), { recursive: true });
	stack.defer(() => rmSync(folder, { recursive: true, force: true }));
});
afterEach(() => stack.disposeAsync());

const headers = (task: string): FieldTable => [['type', { type: 'longstr', text: task }]];

interface Place {
	readonly bench: Bench;
	readonly driver: BrokerDriver;
	readonly queue: string;
	readonly order: (intent?: Partial<ConsumerIntent>) => Order;
	send(task: string, args: readonly unknown[], more?: MessageProperties): Promise<string>;
	sendRaw(body: Uint8Array, properties: MessageProperties): Promise<void>;
	/** Runs until the queue is empty, in this process. */
	run(intent?: Partial<ConsumerIntent>): Promise<ConsumerSetView>;
	store(): Promise<OpenStore>;
}

async function place(kind: 'rabbitmq' | 'embedded'): Promise<Place> {
	const bench = stack.use(await (kind === 'rabbitmq' ? rabbitBench(server) : embeddedBench()));
	const driver = await bench.driver();
	const queue = `${QUEUE}-${randomUUID().slice(0, 8)}`;
	must(await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: false }));
	const order: Place['order'] = (intent = {}) => ({
		...bench.context,
		home: join(folder, 'home'),
		intent: {
			queues: [queue],
			concurrency: 2,
			runner: {
				kind: 'python',
				executable: '/usr/bin/python3',
				project: join(folder, 'project'),
				settingsModule: null,
				env: {},
			},
			untilEmpty: true,
			...intent,
		},
	});
	let store: OpenStore | null = null;
	const openOnce = async () => {
		store ??= stack.use(await storeOf(join(folder, 'home')));
		return store;
	};
	const sendRaw: Place['sendRaw'] = async (body, properties) => {
		must(
			await driver.publish({ exchange: '', routingKey: queue, properties: { deliveryMode: 2, ...properties }, body }),
		);
	};
	return {
		bench,
		driver,
		queue,
		order,
		sendRaw,
		store: openOnce,
		async send(task, args, more = {}) {
			const messageId = randomUUID();
			const body = Buffer.from(args.length === 0 ? '{}' : JSON.stringify({ args }));
			await sendRaw(body, { contentType: 'application/json', headers: headers(task), messageId, ...more });
			return messageId;
		},
		async run(intent) {
			await using host = hostSet(order(intent), await openOnce());
			return await host.set.finished;
		},
	};
}

async function detailOf(here: Place, id: string): Promise<TaskDetail> {
	const detail = await (await here.store()).history.detail(PROFILE, taskId(id));
	if (detail === null) throw new Error(`Task ${id} is not in history`);
	return detail;
}

function spawnHost(order: Order): ChildProcess {
	const child = spawn(process.execPath, [HOST, JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'inherit'] });
	stack.defer(() => {
		child.kill('SIGKILL');
	});
	return child;
}

const words = (file: string): readonly string[] =>
	existsSync(file)
		? readFileSync(file, 'utf8')
				.split('\n')
				.filter((word) => word !== '')
		: [];

describe.each(['rabbitmq', 'embedded'] as const)('a consumer over %s', (kind) => {
	it('runs carrot messages and keeps result, log, exception and traceback', async () => {
		const here = await place(kind);
		const fine = await here.send('workshop.tasks.echo', [1, 'ü', null]);
		const talk = await here.send('workshop.tasks.talk', []);
		const fails = await here.send('workshop.tasks.fail', []);
		const view = await here.run();
		expect(view).toMatchObject({ state: 'stopped', succeeded: 2, failed: 1, note: null });
		expect(await detailOf(here, fine)).toMatchObject({
			state: 'succeeded',
			result: { kind: 'json', text: '{"args": [1, "ü", null], "kwargs": {}}' },
		});
		expect(await detailOf(here, fails)).toMatchObject({
			state: 'failed',
			exception: { type: 'KeyError', message: "'EUR'" },
			traceback: expect.stringContaining('in inner'),
		});
		const { history } = await here.store();
		const attempt = (await detailOf(here, talk)).history[0];
		const log = await history.log(attempt?.id as never, { afterSeq: -1, limit: 100, minLevel: 'debug', search: '' });
		expect(log.ok && log.value.lines.map((line) => line.text.split('\n')[0])).toEqual([
			...['one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight'],
		]);
	});

	it('ends every malformed message in a clear state, and runs the good one behind them', async () => {
		const here = await place(kind);
		const echo = headers('workshop.tasks.echo');
		const bodies: readonly (readonly [name: string, body: Uint8Array | string, properties: MessageProperties])[] = [
			['not JSON', 'not json at all', { headers: echo }],
			['not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), { headers: echo }],
			['empty', '', { headers: echo }],
			['a list', '[1, 2]', { headers: echo }],
			['null kwargs', '{"kwargs": null}', { headers: echo }],
			['null args', '{"args": null}', { headers: echo }],
			['kwargs list', '{"kwargs": [1]}', { headers: echo }],
			['no headers', '{}', {}],
			['no type header', '{}', { headers: [['other', { type: 'longstr', text: 'x' }]] }],
			['strange type header', '{}', { headers: [['type', { type: 'int32', value: 3 }]] }],
			['unknown task', '{}', { headers: headers('nowhere.at.all') }],
			['no dot', '{}', { headers: headers('task') }],
			['deep nesting', `{"args": [${'['.repeat(100_000)}${']'.repeat(100_000)}]}`, { headers: echo }],
			['wrong arguments', '{"args": [1]}', { headers: headers('workshop.tasks.nothing') }],
		];
		const ids: string[] = [];
		for (const [, body, properties] of bodies) {
			const messageId = randomUUID();
			ids.push(messageId);
			await here.sendRaw(Buffer.from(body), { messageId, ...properties });
		}
		await here.sendRaw(Buffer.from('{}'), { headers: echo });
		const good = await here.send('workshop.tasks.echo', ['good']);
		const view = await here.run({ concurrency: 1 });
		expect(view.state).toBe('stopped');
		expect(view.succeeded + view.failed).toBe(bodies.length + 2);
		expect(await detailOf(here, good)).toMatchObject({ state: 'succeeded' });
		for (const [index, [name]] of bodies.entries()) {
			const detail = await detailOf(here, ids[index] as string);
			expect([name, ['succeeded', 'failed'].includes(detail.state)]).toEqual([name, true]);
			if (detail.state === 'failed') expect([name, detail.exception?.message]).not.toEqual([name, '']);
			expect([name, detail.history[0]?.hasMessage]).toEqual([name, true]);
		}
		const figures = must(await here.driver.queues([here.queue]));
		expect(figures[0]).toMatchObject({ ready: 0 });
	});

	it('runs a message of 50 MB', async () => {
		const here = await place(kind);
		const messageId = randomUUID();
		const body = Buffer.from(`{"args": ["${'x'.repeat(50_000_000)}"]}`);
		await here.sendRaw(body, { messageId, headers: headers('builtins.len') });
		const view = await here.run();
		expect(view).toMatchObject({ succeeded: 1, failed: 0 });
		expect(await detailOf(here, messageId)).toMatchObject({ state: 'succeeded', result: { text: '50000000' } });
	});

	it('records a task whose process is killed as failed, and goes on', async () => {
		const here = await place(kind);
		const file = join(folder, 'pids');
		const killed = await here.send('workshop.tasks.start_and_wait', [file]);
		const running = here.run({ concurrency: 1 });
		await waitFor('the task to run', () => existsSync(file));
		const next = await here.send('workshop.tasks.nothing', []);
		process.kill(Number(readFileSync(file, 'utf8').split(' ')[0]), 'SIGKILL');
		await running;
		expect(await detailOf(here, killed)).toMatchObject({
			state: 'failed',
			exception: { type: 'WorkerLost', message: expect.stringContaining('SIGKILL') },
		});
		expect(await detailOf(here, next)).toMatchObject({ state: 'succeeded' });
	});

	it('picks up a mended module without being restarted', async () => {
		const here = await place(kind);
		const store = await here.store();
		await using host = hostSet(here.order({ untilEmpty: false, concurrency: 1 }), store);
		const first = await here.send('workshop.broken.task', []);
		await waitFor('the failure', () => host.set.view().failed === 1);
		expect(await detailOf(here, first)).toMatchObject({ exception: { type: 'SyntaxError' } });
		writeFileSync(join(folder, 'project', 'workshop', 'tasks.py'), 'def nothing():\n    return "before"\n');
		const before = await here.send('workshop.tasks.nothing', []);
		await waitFor('the first version', () => host.set.view().succeeded === 1);
		writeFileSync(join(folder, 'project', 'workshop', 'tasks.py'), 'def nothing():\n    return "mended"\n');
		const after = await here.send('workshop.tasks.nothing', []);
		await waitFor('the second version', () => host.set.view().succeeded === 2);
		expect(await detailOf(here, before)).toMatchObject({ result: { text: '"before"' } });
		expect(await detailOf(here, after)).toMatchObject({ result: { text: '"mended"' } });
	});

	it('loses nothing when its process is killed in the middle', async () => {
		const here = await place(kind);
		const file = join(folder, 'ran');
		const ids = new Map<string, string>();
		for (let index = 0; index < TASKS; index += 1) {
			const word = `task-${index}`;
			ids.set(word, await here.send('workshop.tasks.note', [file, word]));
		}
		const child = spawnHost(here.order());
		await waitFor('a third of them', () => words(file).length > TASKS / 3);
		child.kill('SIGKILL');
		await waitFor('its end', () => child.exitCode !== null || child.signalCode !== null);
		// Dead runners hold nothing back, and tell nobody.
		await here.run();
		await expectAllRan(here, file, ids);
	});

	it('gives the message back when it is stopped now, and another consumer runs it', async () => {
		const here = await place(kind);
		const file = join(folder, 'pids');
		const id = await here.send('workshop.tasks.start_and_wait', [file]);
		const store = await here.store();
		const host = hostSet(here.order({ untilEmpty: false, concurrency: 1 }), store);
		await waitFor('the task to run', () => existsSync(file));
		await host.set.stop('now');
		await host[Symbol.asyncDispose]();
		expect(await detailOf(here, id)).toMatchObject({ state: 'lost', exception: { type: 'ConsumerStopped' } });
		const figures = must(await here.driver.queues([here.queue]));
		expect(figures[0]).toMatchObject({ ready: 1 });
	});
});

/** Every task ran at least once and is in history as succeeded; what ran twice was handed out twice. */
async function expectAllRan(here: Place, file: string, ids: ReadonlyMap<string, string>): Promise<void> {
	const ran = Map.groupBy(words(file), (word) => word);
	expect(ran.size).toBe(ids.size);
	const { history } = await here.store();
	expect(await history.count(PROFILE, 'state:succeeded')).toEqual({ ok: true, value: ids.size });
	for (const [word, times] of ran) {
		if (times.length === 1) continue;
		const detail = await detailOf(here, ids.get(word) as string);
		// A run whose beginning was not committed before the kill has left no attempt, only the broker's mark.
		const open = detail.history.filter((attempt) => attempt.cause === 'redelivered').length;
		expect(times.length).toBeLessThanOrEqual(open + 2);
	}
	// The set's own connection was back before this one, perhaps.
	await waitFor('the connection to be back', () => here.driver.state().kind === 'connected');
	const figures = must(await here.driver.queues([here.queue]));
	expect(figures[0]).toMatchObject({ ready: 0 });
}

describe('a consumer whose RabbitMQ is killed', () => {
	it('loses nothing and stores what ended meanwhile', async (context) => {
		if (server.external) context.skip('a server that was given is not to be killed');
		const here = await place('rabbitmq');
		const file = join(folder, 'ran');
		const ids = new Map<string, string>();
		for (let index = 0; index < TASKS; index += 1) {
			const word = `task-${index}`;
			ids.set(word, await here.send('workshop.tasks.note', [file, word]));
		}
		await server.settled();
		const store = await here.store();
		await using host = hostSet(here.order(), store);
		await waitFor('a third of them', () => words(file).length > TASKS / 3);
		await server.kill9();
		await waitFor('the loss to be seen', () => host.set.view().state === 'waiting-for-broker');
		expect(host.set.view().note).not.toBeNull();
		await server.start();
		const view = await host.set.finished;
		expect(view.state).toBe('stopped');
		await expectAllRan(here, file, ids);
	});

	it('lets a running task end while the broker is away, and does not run it again', async (context) => {
		if (server.external) context.skip('a server that was given is not to be killed');
		const here = await place('rabbitmq');
		const file = join(folder, 'ran');
		const id = await here.send('workshop.tasks.note_slowly', [file, 'once', 3]);
		await server.settled();
		const store = await here.store();
		await using host = hostSet(here.order({ concurrency: 1, untilEmpty: false }), store);
		await waitFor('the task to run', () => host.set.view().slots[0]?.state.kind === 'running');
		await server.kill9();
		await waitFor('it to end and be stored', async () => (await detailOf(here, id)).state === 'succeeded');
		await server.start();
		const detail = await waitFor('it to be handed out again', async () => {
			const seen = await detailOf(here, id);
			return seen.history.length > 1 && seen.history.at(-1)?.state === 'succeeded' ? seen : null;
		});
		await host.set.stop('drain');
		expect(words(file)).toEqual(['once']);
		expect(detail.state).toBe('succeeded');
		expect(detail.history.at(-1)).toMatchObject({ cause: 'redelivered', state: 'succeeded' });
	});
});
