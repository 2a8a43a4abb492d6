/** The Redis driver between Debian's Celery on both sides: its publishers and its workers, one of which is killed. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDriver } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { orphansAmong } from '#main/brokers/unacked.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { bodyText, driverContext, must, take, toQueue } from '#test/support/brokers.ts';
import { type CeleryApp, celeryApp } from '#test/support/celery/app.ts';
import { type RedisServer, startRedis } from '#test/support/redis.ts';
import { waitFor } from '#test/support/wait.ts';

const LOOK = { limit: 100, deadlineMs: 10_000 };

let stack: AsyncDisposableStack;
let server: RedisServer;
let app: CeleryApp;
let driver: BrokerDriver;
beforeAll(async () => {
	stack = new AsyncDisposableStack();
	server = stack.use(await startRedis({ own: true }));
	app = stack.use(
		await celeryApp(server.url, [
			'import time',
			'@app.task',
			'def add(x, y=0):',
			'    return x + y',
			'@app.task(acks_late=True)',
			'def slow(seconds):',
			'    print("SLOW BEGINS", flush=True)',
			'    time.sleep(seconds)',
			'    return "slept"',
		]),
	);
	const { address, password } = must(parseBroker(server.url));
	driver = stack.use(createDriver(address, driverContext({ folder: '', password })));
	driver.connect();
	must(await driver.ready(20_000));
});
afterAll(() => stack?.disposeAsync());

/** The result of a task, once there is one. */
function resultOf(id: string): Promise<{ readonly status: string; readonly result: unknown }> {
	return waitFor(
		`the result of ${id}`,
		async () => {
			const meta = await server.cli('GET', `celery-task-meta-${id}`);
			return meta === '' ? null : JSON.parse(meta);
		},
		60_000,
	);
}

const call = (id: string, task: string, args: string, more: object = {}) =>
	toQueue('celery', `[${args}, {}, {"callbacks": null, "errbacks": null, "chain": null, "chord": null}]`, {
		contentType: 'application/json',
		contentEncoding: 'utf-8',
		correlationId: id,
		headers: [
			['lang', { type: 'longstr', text: 'py' }],
			['task', { type: 'longstr', text: `labapp.${task}` }],
			['id', { type: 'longstr', text: id }],
			['retries', { type: 'int32', value: 0 }],
		],
		...more,
	});

it("is read, picked from and consumed, as Celery's publisher laid it down", async () => {
	const ids = (
		await app.python(
			'for n, options in ((1, {}), (2, {}), (2**63 + 1, {"priority": 9}), (4, {"priority": 3, "expires": 900})):',
			'    print(add.apply_async((n,), {"y": 1}, queue="picked", **options).id)',
		)
	)
		.trim()
		.split('\n');
	const [first = '', second = '', last = '', third = ''] = ids;
	const { messages } = must(await driver.look('picked', LOOK));
	expect(messages.map((message) => message.properties.correlationId)).toEqual([first, second, third, last]);
	expect(messages.map(bodyText).at(-1)).toMatch(/^\[\[9223372036854775809\], \{"y": 1\}, /);
	expect(must(await driver.queues([])).find((queue) => queue.name === 'picked')).toMatchObject({
		ready: 4,
		unacked: 0,
	});

	const removed = must(await driver.remove('picked', new Set([second]), { scanLimit: 100, deadlineMs: 10_000 }));
	expect(removed.map((message) => message.properties.correlationId)).toEqual([second]);
	await using taker = await take(driver, 'picked', 10, (delivery) => void delivery.ack());
	await taker.got(3);
	expect(taker.deliveries.map((delivery) => delivery.message.properties.correlationId)).toEqual([first, third, last]);
	await waitFor('all to be settled', async () => (await server.cli('HLEN', 'unacked')) === '0');
});

it('is given back by kombu itself, should Warren never come back for it', async () => {
	must(await driver.ensureQueue({ queue: 'abandoned', durable: true, maxPriority: null, carrotExchange: false }));
	must(await driver.publish({ ...call('a-1', 'add', '[9223372036854775809]'), routingKey: 'abandoned' }));
	await using taker = await take(driver, 'abandoned', 1);
	const [delivery] = await taker.got(1);
	await taker.consumption.cancel();
	const tag = await server.cli('HKEYS', 'unacked');
	await app.python(
		'with app.connection_for_read() as connection:',
		`    connection.default_channel.qos.restore_by_tag(${JSON.stringify(tag)})`,
	);
	expect(await server.cli('HLEN', 'unacked')).toBe('0');
	expect(await delivery?.ack()).toMatchObject({ ok: false, error: { code: 'gone' } });
	const [back] = must(await driver.look('abandoned', LOOK)).messages;
	expect(back).toMatchObject({ redelivered: true, routingKey: 'abandoned', properties: delivery?.message.properties });
	expect(bodyText(back ?? { body: new Uint8Array() })).toMatch(/^\[\[9223372036854775809\]/);
});

it('runs in a real worker when it was published or moved here, and comes back from one that was killed', async () => {
	const worker = await app.worker('celery');
	must(await driver.publish(call('11111111-0000-4000-8000-000000000001', 'add', '[40, 2]', { priority: 5 })));
	expect(await resultOf('11111111-0000-4000-8000-000000000001')).toMatchObject({ status: 'SUCCESS', result: 42 });

	// Published by Celery elsewhere, looked at, laid down here and removed there.
	const moved = (await app.python('print(add.apply_async((1, 2), queue="parking").id)')).trim();
	const [parked] = must(await driver.look('parking', LOOK)).messages;
	if (parked === undefined) throw new Error('Nothing is parked.');
	must(await driver.publish({ ...parked, exchange: '', routingKey: 'celery' }));
	must(await driver.remove('parking', new Set([moved]), { scanLimit: 100, deadlineMs: 10_000 }));
	expect(await resultOf(moved)).toMatchObject({ status: 'SUCCESS', result: 3 });

	// A worker is killed in the middle of a task: nobody runs it until it is given back.
	const id = '11111111-0000-4000-8000-000000000002';
	must(await driver.publish(call(id, 'slow', '[0.2]')));
	must(await driver.publish(call('11111111-0000-4000-8000-000000000003', 'slow', '[600]')));
	await resultOf(id);
	await waitFor('the long one to begin', () => worker.output().split('SLOW BEGINS').length > 2);
	await worker.kill9();
	const door = driver.unacked;
	if (door === undefined) throw new Error('This driver does not tell what is held.');
	const { items } = must(await door.held(LOOK));
	const now = Date.now() + 60_000;
	const orphans = orphansAmong(items, { claimed: new Set(), now, graceMs: 5_000 });
	expect(orphans.map((orphan) => orphan.message?.properties.correlationId)).toEqual([
		'11111111-0000-4000-8000-000000000003',
	]);
	const claimed = new Set(['11111111-0000-4000-8000-000000000003']);
	expect(orphansAmong(items, { claimed, now, graceMs: 5_000 })).toEqual([]);
	expect(must(await door.returnToQueue(orphans.map((orphan) => orphan.tag)))).toMatchObject([{ outcome: 'returned' }]);
	expect(await server.cli('HLEN', 'unacked')).toBe('0');

	// The next worker takes it, and sees that it was handed out before.
	const again = await app.worker('celery');
	await waitFor('it to run again', () => again.output().includes('SLOW BEGINS'));
	const held = JSON.parse(await server.cli('--raw', 'HVALS', 'unacked'));
	expect(held[0].properties.delivery_info.redelivered).toBe(true);
});
