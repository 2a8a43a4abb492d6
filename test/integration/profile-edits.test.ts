/** What goes on while its profile is edited: consumers, watched schedules, and whoever found the profile a moment too early. */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { bootEngine, type TestEngine } from '#test/support/engine.ts';
import { startRabbit } from '#test/support/rabbitmq.ts';
import { startRedis } from '#test/support/redis.ts';
import { startProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'sandbox';
const MODULE = fileURLToPath(new URL('../../resources/sandbox/orders.mjs', import.meta.url));

/** Publishes a task and waits until it has run here. */
async function runsOne(engine: TestEngine, on: string, queue: string): Promise<void> {
	const { id } = await engine.call('task.publish', { profile: on, name: 'orders.confirm', args: '[7]', queue });
	await waitFor(`task ${id} to have run`, async () => {
		const { items } = await engine.call('task.list', { profile: on, query: `id:${id} state:succeeded` });
		return items.length === 1;
	});
}

it('a consumer goes on after edits of its profile, whatever they concern', async () => {
	await using engine = await bootEngine();
	const queue = 'orders';
	const set = await engine.call('consumer.run', { profile, queues: [queue], node: [MODULE] });
	await runsOne(engine, profile, queue);
	await engine.call('profile.edit', { name: profile, environment: 'staging' });
	await runsOne(engine, profile, queue);
	// A password is part of every connection: this edit replaces it, also where the broker asks for none.
	await engine.call('profile.edit', { name: profile, password: 'secret' });
	await runsOne(engine, profile, queue);
	const { items } = await engine.call('consumer.list', { profile });
	expect(items.map(({ id, state, failed }) => ({ id, state, failed }))).toEqual([
		{ id: set.id, state: 'running', failed: 0 },
	]);
});

it('a consumer goes on after somebody had its broker tried again, or its address changed', async () => {
	await using stack = new AsyncDisposableStack();
	const server = await startRabbit();
	stack.defer(() => server.stop());
	const { hostname: host, port } = new URL(server.url);
	const one = stack.use(await startProxy({ host, port: Number(port) }));
	const other = stack.use(await startProxy({ host, port: Number(port) }));
	const address = (proxy: TcpProxy) => server.url.replace(`${host}:${port}`, `127.0.0.1:${proxy.port}`);
	await using engine = await bootEngine();
	await engine.call('profile.add', { name: 'shop', framework: 'carrot', broker: address(one) });
	await engine.call('consumer.run', { profile: 'shop', queues: ['orders'], node: [MODULE], declare: true });
	await runsOne(engine, 'shop', 'orders');

	one.refuse();
	one.cut();
	const connection = async () => (await engine.call('profile.show', { name: 'shop' })).connection.kind;
	await waitFor('the connection to be lost', async () => (await connection()) === 'reconnecting');
	await engine.call('profile.connect', { name: 'shop' });
	one.allow();
	await waitFor('the connection to be back', async () => (await connection()) === 'connected');
	await runsOne(engine, 'shop', 'orders');

	await engine.call('profile.edit', { name: 'shop', broker: address(other) });
	one.refuse();
	one.cut();
	await runsOne(engine, 'shop', 'orders');
});

it('watched schedules go on coming while the profile is edited and others look at it', async () => {
	await using redis = await startRedis({ own: true });
	await using here = await bootEngine();
	await using there = await bootEngine();
	await here.call('profile.edit', { name: profile, book: { shared: redis.url } });
	await there.call('profile.edit', { name: profile, book: { shared: redis.url } });
	using _watch = await here.open('schedule.watch', { profile });
	for (let round = 0; round < 12; round += 1) {
		const looks = [0, 1, 2].map(() => here.call('schedule.list', { profile }));
		await here.call('profile.edit', { name: profile, readOnly: round % 2 === 0 });
		await Promise.all(looks);
		const name = `made-${round}`;
		await there.call('schedule.add', { profile, book: 'shared', name, task: 'orders.total', every: '1 day' });
		await waitFor(`${name} to come`, async () => {
			const { items } = await here.call('schedule.list', { profile });
			return items.some(({ definition }) => definition.name === name);
		});
	}
});

it('a refused removal of the sandbox stops nothing in it', async () => {
	await using engine = await bootEngine();
	await engine.call('consumer.run', { profile, queues: ['orders'], node: [MODULE] });
	await runsOne(engine, profile, 'orders');
	expect(await engine.refusal('profile.remove', { name: profile }, profile)).toMatchObject({ code: 'unsupported' });
	await runsOne(engine, profile, 'orders');
});
