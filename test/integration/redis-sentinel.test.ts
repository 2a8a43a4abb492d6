/**
 * A Redis that sentinels watch, as Celery's broker: a real primary with a replica and three sentinels, and a fail-over in the middle.
 * What the replica had is there afterwards, and the console comes back by itself, as does Debian's Celery, with which it is watched.
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDoctor, createDriver } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { carrotQueue } from '#main/domain/queue.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { driverContext, must, toQueue } from '#test/support/brokers.ts';
import { celeryLab } from '#test/support/celery/lab.ts';
import { bootEngine } from '#test/support/engine.ts';
import { freePorts } from '#test/support/ports.ts';
import type { RedisServer } from '#test/support/redis.ts';
import { type SentinelLab, startSentinels } from '#test/support/sentinel.ts';
import { waitFor } from '#test/support/wait.ts';

const MINUTES = 180_000;
let sentinels: SentinelLab;
let stack: AsyncDisposableStack;
let driver: BrokerDriver;
let url: string;
beforeAll(async () => {
	stack = new AsyncDisposableStack();
	sentinels = stack.use(await startSentinels());
	// The first one that is written is not there: the next ones are asked.
	const [nobody = 1] = await freePorts(1);
	url = `sentinel://127.0.0.1:${nobody}/0;${sentinels.url}?master_name=shop`;
	const { address } = must(parseBroker(url));
	driver = stack.use(createDriver(address, driverContext({ folder: '', password: null })));
	driver.connect();
	must(await driver.ready(60_000));
	must(await driver.ensureQueue(carrotQueue('held')));
}, 240_000);
afterAll(() => stack?.disposeAsync());

const message = (id: string) =>
	toQueue('held', 'x', { correlationId: id, contentType: 'text/plain', contentEncoding: 'utf-8' });
const there = async () => {
	const look = must(await driver.look('held', { limit: 1_000, deadlineMs: 20_000 }));
	return look.messages.map(({ properties }) => properties.correlationId ?? '').sort();
};

/** The primary and its replica, whichever they are by now: a machine that stood still for long may have seen a fail-over already. */
async function standing(): Promise<readonly [primary: RedisServer, replica: RedisServer]> {
	const at = await sentinels.primary();
	const [one, other] = sentinels.servers;
	return one.port === at ? [one, other] : [other, one];
}

it('is examined from the sentinels on, and told what is wrong with them', async () => {
	const examine = async (text: string) => {
		const { address } = must(parseBroker(text));
		return createDoctor(address, driverContext({ folder: '', password: null }))(['held'], new AbortController().signal);
	};
	const steps = await examine(url);
	expect(steps.map(({ step }) => step)).toEqual(['address', 'tcp', 'login', 'database', 'server', 'rights', 'queues']);
	expect(steps[0]?.finding).toContain('"shop" by sentinels');
	const other = (await examine(url.replace('=shop', '=other'))).at(-1);
	expect(other).toMatchObject({ step: 'tcp', status: 'failed', cure: expect.stringContaining('SENTINEL MASTERS') });
	expect(other?.finding).toContain('knows no primary called "other"');
	const redis = (await examine(`sentinel://127.0.0.1:${sentinels.servers[0].port}?master_name=shop`)).at(-1);
	expect(redis?.finding).toContain('this is no sentinel but a Redis itself');
}, 120_000);

it('loses nothing that was confirmed and replicated when the primary dies, and goes on with the next one', async () => {
	const confirmed: string[] = [];
	const publish = async (id: string) => {
		const sent = await driver.publish(message(id));
		if (sent.ok) confirmed.push(id);
		return sent.ok;
	};
	for (let n = 0; n < 50; n += 1) expect(await publish(`before-${n}`)).toBe(true);
	const [old, next] = await standing();
	await sentinels.replicated(old, next);
	await old.kill9();
	let n = 0;
	await waitFor('a message to be taken again', () => publish(`after-${n++}`), MINUTES);
	expect(await sentinels.primary()).toBe(next.port);
	expect(driver.state().kind).toBe('connected');
	const known = await there();
	expect(confirmed.filter((id) => !known.includes(id))).toEqual([]);

	// The old one comes back as a replica, and nobody is misled by it.
	await old.start();
	await waitFor(
		'the old one to follow',
		async () => (await old.cli('INFO', 'replication')).includes('role:slave'),
		MINUTES,
	);
	expect(await publish('last')).toBe(true);
	expect(await there()).toContain('last');
}, 400_000);

it("watches Debian's worker, which publishes on channels of its own there, and goes on with it after a fail-over", async () => {
	await using engine = await bootEngine();
	await engine.call('profile.add', { name: 'shop', framework: 'celery', broker: url });
	using run = await engine.open('monitor.run', { profile: 'shop' });
	const status = () => run.items.at(-1)?.status;
	await waitFor('the monitor to listen', () => status()?.trouble === null, MINUTES);
	await using worker = celeryLab(sentinels.url, { broker_transport_options: { master_name: 'shop' } }).worker('one');
	const state = async () =>
		(await engine.call('worker.list', { profile: 'shop' })).items.find(({ name }) => name === 'one@lab')?.state;
	const online = () => waitFor('the worker to be online', async () => (await state()) === 'online', MINUTES);
	const add = async (n: number) =>
		(await engine.call('task.publish', { profile: 'shop', name: 'warrenlab.add', queue: 'celery', args: `${n}, 1` }))
			.id;
	const adds = async (n: number) => {
		const id = await waitFor(`task ${n} to be taken`, () => add(n).catch(() => null), MINUTES);
		const shown = () => engine.call('task.show', { profile: 'shop', id });
		await waitFor(`task ${n} to succeed`, async () => (await shown()).state === 'succeeded', MINUTES);
		expect(await shown()).toMatchObject({ worker: 'one@lab', result: { text: String(n + 1) } });
	};
	await online();
	await adds(1);
	using asked = await engine.open('worker.inspect', { profile: 'shop', method: 'ping' });
	await waitFor('an answer', () => asked.items.some(({ summary }) => summary?.complete === true), MINUTES);
	expect(asked.items.find(({ key }) => key === 'one@lab')?.node?.answers[0]?.json).toContain('pong');

	const [old, next] = await standing();
	await waitFor(
		'the replica to be in step',
		async () => (await next.cli('INFO', 'replication')).includes('master_link_status:up'),
		MINUTES,
	);
	await sentinels.replicated(old, next);
	await old.kill9();
	await waitFor('the other to be the primary', async () => (await sentinels.primary()) === next.port, MINUTES);
	await waitFor('the gap to be told', () => (status()?.gapCount ?? 0) > 0 && status()?.trouble === null, MINUTES);
	await online();
	await adds(2);
	expect(worker.ended()).toBe(false);
}, 600_000);
