/** What RabbitMQ's dead letters and a killed Warren leave behind: replayed, accounted for, and taken back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import amqp from 'amqplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { ok } from '#main/domain/result.ts';
import { type Bench, must, rabbitBench } from '#test/support/brokers.ts';
import { warrenJson } from '#test/support/cli.ts';
import { bootEngine, memoryVault } from '#test/support/engine.ts';
import { MAIN } from '#test/support/entry.ts';
import { type RabbitServer, startRabbit, uniqueName } from '#test/support/rabbitmq.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';
import { argument, encodeCall } from '#test/support/waiting-calls.ts';

const profile = 'lab';
/** An acknowledgement as it stands on the wire: class 60, method 80. */
const ACK = Buffer.from([0, 60, 0, 80]);

let server: RabbitServer;
let stack: AsyncDisposableStack;
let bench: Bench;
let driver: BrokerDriver;

beforeAll(async () => {
	stack = new AsyncDisposableStack();
	server = await startRabbit();
	stack.defer(() => server.stop());
	bench = stack.use(await rabbitBench(server));
	driver = await bench.driver();
});
afterAll(() => stack?.disposeAsync());

async function queue(): Promise<string> {
	const name = uniqueName('w');
	must(await driver.ensureQueue({ queue: name, durable: true, maxPriority: 255, carrotExchange: false }));
	return name;
}
async function filled(numbers: readonly number[]): Promise<string> {
	const name = await queue();
	for (const n of numbers) must(await driver.publish(must(encodeCall('rabbitmq', 'shop.charge', name, n))));
	return name;
}
const look = async (name: string) => must(await driver.look(name, { limit: 500, deadlineMs: 20_000 })).messages;
const numbersIn = async (name: string) => (await look(name)).map(argument).toSorted((a, b) => a - b);

describe('dead letters', () => {
	it('go back to where each of them died, by the exchange it came through, without the marks of its death', async () => {
		await using engine = await bootEngine();
		await engine.call('profile.add', { name: profile, framework: 'carrot', broker: server.url });
		const [exchange, deadExchange, dead] = [uniqueName('x'), uniqueName('dlx'), uniqueName('dead')];
		const [orders, mails] = [uniqueName('orders'), uniqueName('mails')];
		const connection = await amqp.connect(server.url);
		stack.defer(() => connection.close());
		const channel = await connection.createConfirmChannel();
		await channel.assertExchange(exchange, 'topic', { durable: true });
		await channel.assertExchange(deadExchange, 'fanout', { durable: true });
		await channel.assertQueue(dead);
		await channel.bindQueue(dead, deadExchange, '');
		for (const name of [orders, mails]) await channel.assertQueue(name, { deadLetterExchange: deadExchange });
		await channel.bindQueue(orders, exchange, 'shop.orders.#');
		for (let n = 0; n < 5; n += 1) {
			// Three through the exchange, two straight into the other queue.
			const call = must(encodeCall('rabbitmq', 'shop.charge', n < 3 ? orders : mails, n));
			must(await driver.publish(n < 3 ? { ...call, exchange, routingKey: 'shop.orders.new' } : call));
		}
		const before = [...(await look(orders)), ...(await look(mails))];
		for (const name of [orders, mails]) {
			for (let got = await channel.get(name); got !== false; got = await channel.get(name))
				channel.nack(got, false, false);
		}
		await waitFor('all to have died', async () => (await look(dead)).length === 5);
		must(await driver.publish(must(encodeCall('rabbitmq', 'shop.alive', dead, 99))));

		const review = await engine.call('message.review', { profile, queue: dead, action: 'replay' });
		expect(review.count).toBe(5);
		expect(review.origins.toSorted((a, b) => b.count - a.count)).toMatchObject([
			{ queue: orders, exchange, routingKey: 'shop.orders.new', count: 3 },
			{ queue: mails, exchange: '', routingKey: mails, count: 2 },
		]);
		expect(review.skipped).toMatchObject([{ count: 1 }]);

		const outcome = await engine.call('queue.replay', { profile, queue: dead, review: review.token });
		expect(outcome).toMatchObject({ done: 5, failed: 0 });
		expect(await numbersIn(dead)).toEqual([99]);
		const after = [...(await look(orders)), ...(await look(mails))];
		expect(after.map(({ body, exchange: by, routingKey }) => [body, by, routingKey])).toEqual(
			before.map(({ body, exchange: by, routingKey }) => [body, by, routingKey]),
		);
		expect(after.flatMap(({ properties }) => (properties.headers ?? []).map(([name]) => name))).toEqual(
			before.flatMap(({ properties }) => (properties.headers ?? []).map(([name]) => name)),
		);

		// Taken back, they are dead letters again, with the marks by which they can be replayed once more.
		expect(await engine.call('undo.apply', { profile, id: outcome.undo ?? 0 })).toMatchObject({ done: 5, failed: 0 });
		expect([await numbersIn(orders), await numbersIn(mails)]).toEqual([[], []]);
		const again = await engine.call('message.review', { profile, queue: dead, action: 'replay' });
		expect(again.count).toBe(5);
		expect(again.origins).toHaveLength(2);
	});
});

describe('Warren killed after the new messages were confirmed and before the old ones went', () => {
	const acts = [
		{
			act: 'moving',
			words: (from: string, to: string) => ['queue', 'move', from, to],
			title: 'Moved',
			count: 3,
		},
		{
			act: 'editing',
			words: (from: string, to: string) => ['message', 'edit', from, `id-${from}-0`, '--to-queue', to],
			title: 'Edited',
			count: 1,
		},
	] as const;
	it.each(acts)('loses nothing by $act, says that it was cut off, and an undo takes the copies out', async (act) => {
		const home = await mkdtemp(join(tmpdir(), 'warren-killed-'));
		stack.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
		await using proxy = await startProxy({ port: server.port });
		const url = server.url.replace(`:${server.port}`, `:${proxy.port}`);
		await warrenJson(home, ['profile', 'add', profile, '--framework', 'carrot', '--broker', url]);
		const [from, to] = [await filled([0, 1, 2]), await queue()];
		const before = await look(from);
		let acknowledged = false;
		proxy.onUpstream((chunk) => {
			acknowledged ||= chunk.includes(ACK);
			return !acknowledged;
		});
		const child = spawn(
			process.execPath,
			[MAIN, '--home', home, '--profile', profile, '--yes', ...act.words(from, to)],
			{ stdio: 'ignore' },
		);
		const ended = once(child, 'exit');
		await waitFor('the old messages to be about to go', () => acknowledged);
		const vault = { ...memoryVault(), get: async () => ok('guest') };
		await using engine = await bootEngine({ home, ports: { vault } });
		const changed = async () =>
			(await engine.call('undo.list', { profile })).items.find(({ undoOf }) => undoOf === null);
		// It hangs, but lives: nobody else touches what it has in hand.
		const under = await changed();
		expect(under).toMatchObject({ state: 'running', able: false });
		expect(under?.words).toMatch(/If its process was killed, it is called interrupted \d+ seconds after that/);
		expect(await engine.refusal('undo.apply', { profile, id: under?.id ?? 0 })).toMatchObject({ code: 'busy' });
		child.kill('SIGKILL');
		await ended;
		proxy.cut();
		proxy.onUpstream(null);

		// Each is where it was, and its copy is where it was to go: doubled, which is told, and not lost.
		await waitFor('the old ones to be back', async () => (await look(from)).length === 3);
		expect(await numbersIn(from)).toEqual([0, 1, 2]);
		expect(await look(to)).toHaveLength(act.count);

		const cut = await waitFor(
			'the change to be known as cut off',
			async () => {
				const row = await changed();
				return row?.state === 'interrupted' ? row : null;
			},
			60_000,
		);
		expect(cut).toMatchObject({ able: true, kept: { kept: act.count } });
		expect(cut.title).toMatch(new RegExp(`^${act.title}`));
		expect(cut.words).toContain('may or may not have been changed');
		expect(cut.words).toContain('an undo looks for each in its queue first');

		const undone = await engine.call('undo.apply', { profile, id: cut.id });
		expect(undone).toMatchObject({ done: act.count, failed: 0 });
		expect(await look(to)).toEqual([]);
		const after = await look(from);
		expect(after.map(({ body }) => body)).toEqual(before.map(({ body }) => body));
		expect(await changed()).toMatchObject({ state: 'undone', able: false });
	});
});
