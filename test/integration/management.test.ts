/** RabbitMQ's management API, as Debian's RabbitMQ answers, and what is told without it. */
import { createServer } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createManagement, type Management } from '#main/brokers/rabbitmq/management.ts';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { freePorts } from '#test/support/ports.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { waitFor } from '#test/support/wait.ts';

const VHOST = 'shop/eu west';
let stack: AsyncDisposableStack;
let server: RabbitServer;
let engine: TestEngine;
const at = 'shop';
const broker = (vhost = VHOST) => `amqp://guest:guest@127.0.0.1:${server.port}/${encodeURIComponent(vhost)}`;

beforeAll(async () => {
	stack = new AsyncDisposableStack();
	server = stack.use(await startRabbit({ management: true }));
	await server.ctl(['add_vhost', VHOST]);
	await server.ctl(['set_permissions', '-p', VHOST, 'guest', '.*', '.*', '.*']);
	await server.ctl(['add_user', 'outsider', 'of-no-use']);
	await server.ctl(['add_user', 'elsewhere', 'of-no-use']);
	await server.ctl(['set_user_tags', 'elsewhere', 'management']);
	engine = stack.use(await bootEngine());
	await engine.call('profile.add', {
		name: at,
		framework: 'celery',
		broker: broker(),
		management: server.managementUrl ?? '',
		queues: ['mail', 'absent'],
	});
});
afterAll(() => stack?.disposeAsync());

function client(login: { username: string; password: string }, url = server.managementUrl ?? ''): Management {
	return createManagement({ url, tls: null, login: async () => login, now: () => 1 });
}
const list = (profile = at) => engine.call('queue.list', { profile });
const queue = async (name: string, profile = at) => (await list(profile)).items.find((one) => one.name === name);

describe('the management API', () => {
	it('tells of queues that nobody named, with what is handed out, of a virtual host whose name needs escapes', async () => {
		await server.ctl(['eval', declare('mail')]);
		await engine.call('task.publish', { profile: at, name: 'shop.mail', queue: 'mail' });
		const seen = await waitFor('the API to count it', async () => {
			const one = await queue('mail');
			return one?.depth.ready.count === 1 ? one : null;
		});
		expect(seen).toMatchObject({
			source: 'management',
			consumers: 0,
			depth: { unacked: { count: 0, source: 'management API' }, backlog: { count: 1 } },
			more: { type: 'classic', arguments: { 'x-dead-letter-exchange': 'dead' } },
		});
		const all = await list();
		expect(all).toMatchObject({ complete: true, management: { state: 'used' } });
		expect(all.items.find((one) => one.name === 'absent')).toMatchObject({ exists: false, ready: null });
	});

	it('is read in pages, to the last one', async () => {
		await server.ctl([
			'eval',
			`lists:foreach(fun(N) -> ${declareCall('iolist_to_binary(["many-", integer_to_list(N)])')} end, lists:seq(1, 520)).`,
		]);
		const found = await waitFor('all to be listed', async () => {
			const read = await client({ username: 'guest', password: 'guest' }).queues(VHOST);
			return read.ok && read.value.figures.length > 520 ? read.value : null;
		});
		expect(found.complete).toBe(true);
		expect(new Set(found.figures.map((one) => one.name)).size).toBe(found.figures.length);
	});

	it('is asked with a login of its own, which is kept in the vault and never in the profile', async () => {
		const url = new URL(server.managementUrl ?? '');
		url.username = 'elsewhere';
		url.password = 'of-no-use';
		const added = await engine.call('profile.add', {
			name: 'own',
			framework: 'celery',
			broker: broker(),
			management: url.href,
		});
		expect(JSON.stringify(added)).not.toContain('of-no-use');
		expect(added.secrets.management).toBe(true);
		const { items, management } = await list('own');
		expect(management).toMatchObject({ state: 'down', reason: expect.stringContaining('"elsewhere"') });
		expect(items[0]).toMatchObject({ source: 'amqp' });
	});
});

describe('without it', () => {
	it('says that a login is wrong and what to do, in a step of the doctor', async () => {
		const wrong = await client({ username: 'outsider', password: 'wrong' }).overview();
		expect(wrong).toMatchObject({
			ok: false,
			error: { code: 'refused', message: expect.stringContaining('set_user_tags outsider') },
		});
		const { steps, passed } = await engine.call('profile.test', { name: 'own' });
		expect(passed).toBe(true);
		expect(steps.find((step) => step.step === 'management')).toMatchObject({
			status: 'warning',
			cure: expect.stringContaining('monitoring'),
		});
		const fine = await engine.call('profile.test', { name: at });
		expect(fine.steps.find((step) => step.step === 'management')).toMatchObject({ status: 'passed', cure: null });
	});

	it('tells what AMQP knows when nothing listens there, names the reason, and leaves the rest untold', async () => {
		const [port = 0] = await freePorts(1);
		await engine.call('profile.add', {
			name: 'down',
			framework: 'celery',
			broker: broker(),
			management: `http://127.0.0.1:${port}`,
			queues: ['mail'],
		});
		const { management, complete } = await list('down');
		expect(management).toMatchObject({ state: 'down', reason: expect.stringContaining('rabbitmq-plugins enable') });
		expect(complete).toBe(false);
		expect(await queue('mail', 'down')).toMatchObject({
			ready: 1,
			consumers: 0,
			// Nobody consumes there, so that nobody holds anything of it.
			depth: { unacked: { count: null }, backlog: { count: 1, atLeast: 1 }, delayed: { count: 0 } },
		});
	});

	it('counts what waits in Celery’s queues of delays, for all queues together', async () => {
		await server.ctl(['eval', declare('celery_delayed_0')]);
		await server.ctl(['eval', declare('celery_delayed_3')]);
		await engine.call('task.publish', { profile: at, name: 'shop.later', queue: 'celery_delayed_3' });
		const counted = await waitFor('the API to count it', async () => {
			const all = await list();
			return all.delayed.count === 1 ? all : null;
		});
		expect(counted.hidden).toBeGreaterThan(0);
		expect(counted.items.find((one) => one.name === 'celery_delayed_3')).toBeUndefined();
		expect(counted.items.find((one) => one.name === 'mail')?.depth.backlog).toMatchObject({ count: null, atLeast: 1 });
	});

	it('takes what is no API for what it is, and does not wait for what never answers', async () => {
		const mute = createServer(
			(socket) => void socket.on('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi')),
		);
		await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve));
		const address = mute.address();
		const port = typeof address === 'object' && address !== null ? address.port : 0;
		const told = await client({ username: 'a', password: 'b' }, `http://127.0.0.1:${port}`).queues('/');
		expect(told).toMatchObject({ ok: false, error: { code: 'undecodable' } });
		await new Promise<void>((resolve) => mute.close(() => resolve()));
		const stopped = await client({ username: 'guest', password: 'guest' }).queues('/', AbortSignal.abort());
		expect(stopped.ok).toBe(false);
	});
});

/** Erlang that declares a queue of the test's virtual host, with a dead-letter exchange. */
function declare(name: string): string {
	return `${declareCall(`<<"${name}">>`)}.`;
}
function declareCall(name: string): string {
	const resource = `rabbit_misc:r(<<"${VHOST}">>, queue, ${name})`;
	return `rabbit_amqqueue:declare(${resource}, true, false, [{<<"x-dead-letter-exchange">>, longstr, <<"dead">>}], none, <<"test">>)`;
}
