/** What only RabbitMQ can do to a driver, done to it. */
import amqp from 'amqplib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDoctor, createDriver } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { BrokerAddress, DoctorStep } from '#main/domain/profile.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { type Bench, bodyText, driverContext, must, rabbitBench, take, toQueue } from '../support/brokers.ts';
import { freePort } from '../support/ports.ts';
import { type RabbitServer, startRabbit, uniqueName } from '../support/rabbitmq.ts';
import { startProxy } from '../support/tcp-proxy.ts';
import { waitFor } from '../support/wait.ts';

/** A line of configuration makes it a server of our own, since these tests kill it and give orders to it. */
const OWN = { config: ['max_message_size = 33554432'] };

let server: RabbitServer;
let bench: Bench;
let driver: BrokerDriver;
beforeAll(async () => {
	server = await startRabbit(OWN);
});
afterAll(() => server?.stop());
beforeEach(async () => {
	bench = await rabbitBench(server);
	driver = await bench.driver();
});
afterEach(() => bench[Symbol.asyncDispose]());

async function queue(): Promise<string> {
	const name = uniqueName('q');
	must(await driver.ensureQueue({ queue: name, durable: true, maxPriority: 255, carrotExchange: false }));
	return name;
}

/** A plain amqplib channel, as any other client has. */
async function raw() {
	const connection = await amqp.connect(server.url);
	const channel = await connection.createChannel();
	channel.on('error', () => undefined);
	return Object.assign(channel, { [Symbol.asyncDispose]: () => connection.close() });
}

function address(text: string): { readonly address: BrokerAddress; readonly password: string | null } {
	return must(parseBroker(text));
}

describe('a broker that is killed and started again', () => {
	it('still has what was confirmed, and consumption goes on by itself', async () => {
		const name = await queue();
		await server.settled();
		const sure: string[] = [];
		for (let i = 0; i < 200; i++) {
			must(await driver.publish(toQueue(name, `before ${i}`)));
			sure.push(`before ${i}`);
		}
		const seen = new Set<string>();
		await using taker = await take(driver, name, 20, (delivery) => {
			// Half are held over the crash.
			seen.add(bodyText(delivery.message));
			if (seen.size % 2 === 0) void delivery.ack();
		});
		await taker.got(10);
		await server.kill9();
		await waitFor('the loss to be noticed', () => driver.state().kind === 'reconnecting');
		await server.start();
		must(await driver.ready(60_000));
		for (const delivery of taker.deliveries) await delivery.ack();
		must(await driver.publish(toQueue(name, 'after')));
		await using rest = await take(driver, name, 1000, (delivery) => {
			seen.add(bodyText(delivery.message));
		});
		await waitFor('every message', () => seen.has('after') && sure.every((body) => seen.has(body)));
		expect(taker.problems.at(-1)).toBeNull();
		expect(rest.problems.at(-1)).toBeNull();
	});

	it('keeps the state told as reconnecting, with a reason and the time of the next try, until it is back', async () => {
		await server.kill9();
		const state = await waitFor('several attempts', () => {
			const now = driver.state();
			return now.kind === 'reconnecting' && now.attempt >= 2 ? now : null;
		});
		expect(state.reason).not.toBe('');
		expect(state.nextTryAt).toBeGreaterThanOrEqual(state.since);
		expect(await driver.ready(10)).toMatchObject({ ok: false, error: { code: 'unreachable', retryable: true } });
		await server.start();
		await waitFor('the connection', () => driver.state().kind === 'connected', 60_000);
	});
});

describe('a refused connection', () => {
	it.each([
		['a wrong password', () => `amqp://guest:wrong@127.0.0.1:${server.port}/`, 'login', /refused the login/],
		[
			'an unknown virtual host',
			() => `amqp://guest:guest@127.0.0.1:${server.port}/nowhere`,
			'vhost',
			/no virtual host/,
		],
	])('by %s is told as refused, and by the doctor at its step', async (_, url, step, finding) => {
		const at = address(url());
		await using refused = createDriver(at.address, driverContext({ folder: '', password: at.password }));
		refused.connect();
		expect(await refused.ready(20_000)).toMatchObject({ ok: false, error: { code: 'refused' } });
		expect(refused.state()).toMatchObject({ kind: 'refused', nextTryAt: expect.any(Number) });
		expect(await refused.publish(toQueue('q', 'x'))).toMatchObject({ ok: false, error: { code: 'refused' } });
		const last = await verdict(url());
		expect(last).toMatchObject({ step, status: 'failed' });
		expect(last.finding).toMatch(finding);
	});

	it('by missing permission on the virtual host is told apart from a missing one', async () => {
		const user = uniqueName('user');
		await server.ctl(['add_user', user, 'secret']);
		const last = await verdict(`amqp://${user}:secret@127.0.0.1:${server.port}/`);
		expect(last).toMatchObject({ step: 'vhost', status: 'failed' });
		expect(last.cure).toContain('set_permissions');
	});

	it('never says the password', async () => {
		const steps = await examine(`amqp://guest:sesame@127.0.0.1:${server.port}/`);
		expect(JSON.stringify(steps)).not.toContain('sesame');
	});
});

describe('the doctor', () => {
	it('passes every step of a sound connection, and counts what waits', async () => {
		const name = await queue();
		const steps = await examine(server.url, [name]);
		expect(steps.map((step) => `${step.step} ${step.status}`)).toEqual([
			'address passed',
			'dns skipped',
			'tcp passed',
			'login passed',
			'vhost passed',
			'queues passed',
		]);
	});

	it('says who declares a missing queue, and that nobody consumes', async () => {
		const missing = await verdict(server.url, [uniqueName('none')]);
		expect(missing).toMatchObject({ step: 'queues', status: 'warning' });
		expect(missing.cure).toMatch(/consumers declare/);
		const name = await queue();
		must(await driver.publish(toQueue(name, 'x')));
		const idle = await verdict(server.url, [name]);
		expect(idle).toMatchObject({ step: 'queues', status: 'warning' });
		expect(idle.finding).toContain(`${name} (1)`);
	});

	it('names a port where nothing listens, and a name that nobody knows', async () => {
		const closed = await verdict(`amqp://127.0.0.1:${await freePort()}/`);
		expect(closed).toMatchObject({ step: 'tcp', status: 'failed' });
		expect(closed.cure).toContain('5672');
		const unknown = await verdict('amqp://no-such-host.invalid/');
		expect(unknown).toMatchObject({ step: 'dns', status: 'failed' });
	});

	it('tells a web server and silence from RabbitMQ', async () => {
		const { createServer } = await import('node:http');
		const web = createServer((_, response) => response.end('hello'));
		await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
		const port = (web.address() as { port: number }).port;
		const last = await verdict(`amqp://127.0.0.1:${port}/`);
		web.close();
		expect(last).toMatchObject({ step: 'login', status: 'failed' });
		expect(last.finding).toContain('HTTP');
	});

	it('stops when told to', async () => {
		const at = address(server.url);
		const doctor = createDoctor(at.address, driverContext({ folder: '', password: at.password }));
		expect(await doctor([], AbortSignal.abort())).toEqual([]);
	});
});

describe('publishing to RabbitMQ', () => {
	it('refuses numbers that its language lacks before they end the connection', async () => {
		const name = await queue();
		const nan = await driver.publish(toQueue(name, 'x', { headers: [['h', { type: 'double', value: Number.NaN }]] }));
		expect(nan).toMatchObject({ ok: false, error: { code: 'invalid-input', details: { outcome: 'not-sent' } } });
	});

	it('refuses headers over one frame with words', async () => {
		const name = await queue();
		const headers = [['big', { type: 'longstr', text: 'x'.repeat(200_000) }]] as const;
		const result = await driver.publish(toQueue(name, 'x', { headers }));
		expect(result).toMatchObject({ ok: false, error: { code: 'too-large', details: { outcome: 'not-sent' } } });
	});

	it.each([
		["somebody else's user id", { userId: 'nobody' }, 'x'],
		['an expiration that is no number', { expiration: 'soon' }, 'x'],
	])('lets %s fail alone', async (_, properties, body) => {
		const name = await queue();
		const results = await Promise.all([
			driver.publish(toQueue(name, 'a')),
			driver.publish(toQueue(name, body, properties)),
			driver.publish(toQueue(name, 'b')),
		]);
		expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).toEqual(['ok', 'refused', 'ok']);
	});

	it("lets a body over the broker's limit fail alone, with its words", async () => {
		const name = await queue();
		const results = await Promise.all([
			driver.publish(toQueue(name, 'a')),
			driver.publish(toQueue(name, Buffer.alloc(40 * 1024 * 1024))),
			driver.publish(toQueue(name, 'b')),
		]);
		expect(results.map((result) => (result.ok ? 'ok' : result.error.code))).toEqual(['ok', 'refused', 'ok']);
	});

	it('says refused when a full queue takes no more', async () => {
		const name = uniqueName('full');
		await using channel = await raw();
		await channel.assertQueue(name, { arguments: { 'x-max-length': 1, 'x-overflow': 'reject-publish' } });
		must(await driver.publish(toQueue(name, 'a')));
		expect(await driver.publish(toQueue(name, 'b'))).toMatchObject({
			ok: false,
			error: { code: 'refused', details: { outcome: 'not-sent' } },
		});
	});

	it('goes on consuming and acknowledging while an alarm blocks publishers', async () => {
		const name = await queue();
		for (const body of ['a', 'b', 'c']) must(await driver.publish(toQueue(name, body)));
		await server.ctl(['set_vm_memory_high_watermark', 'absolute', '1']);
		try {
			await using taker = await take(driver, name, 1, (delivery) => void delivery.ack());
			const stuck = driver.publish(toQueue(name, 'late'));
			await taker.got(3);
			await server.ctl(['set_vm_memory_high_watermark', '0.9']);
			must(await stuck);
			await taker.got(4);
			expect(taker.bodies()).toEqual(['a', 'b', 'c', 'late']);
		} finally {
			await server.ctl(['set_vm_memory_high_watermark', '0.9']);
		}
	});

	it('states that nobody can know when the connection breaks before the confirm', async () => {
		const name = await queue();
		must(await driver.publish(toQueue(name, 'first')));
		await using proxy = await startProxy({ port: server.port });
		const at = address(`amqp://guest:guest@127.0.0.1:${proxy.port}/`);
		await using own = createDriver(at.address, driverContext({ folder: '', password: at.password }));
		own.connect();
		must(await own.publish(toQueue(name, 'second')));
		proxy.onUpstream((chunk) => {
			if (!chunk.includes('third')) return true;
			proxy.cut();
			return false;
		});
		expect(await own.publish(toQueue(name, 'third'))).toMatchObject({
			ok: false,
			error: { code: 'unreachable', retryable: false, details: { outcome: 'unknown' } },
		});
		proxy.onUpstream(null);
		must(await own.publish(toQueue(name, 'third')));
		const { messages } = must(await own.look(name, { limit: 10, deadlineMs: 10_000 }));
		expect(messages.map(bodyText)).toEqual(['first', 'second', 'third']);
	});
});

describe('consuming from RabbitMQ', () => {
	it('says so when the queue is deleted, and goes on when it is back', async () => {
		const name = await queue();
		await using taker = await take(driver, name, 1);
		await waitFor('the consumption to be in force', () => taker.problems.at(-1) === null);
		await using channel = await raw();
		await channel.deleteQueue(name);
		await waitFor('the problem', () => taker.problems.at(-1)?.includes(name));
		await channel.assertQueue(name, { durable: true });
		must(await driver.publish(toQueue(name, 'back')));
		await taker.got(1);
		expect(taker.problems.at(-1)).toBeNull();
	});

	it('notices a connection that hangs by its heartbeat', async () => {
		await using proxy = await startProxy({ port: server.port });
		const at = address(`amqp://guest:guest@127.0.0.1:${proxy.port}/?heartbeat=1`);
		await using own = createDriver(at.address, driverContext({ folder: '', password: at.password }));
		own.connect();
		must(await own.ready(20_000));
		proxy.hang();
		await waitFor('the loss to be noticed', () => own.state().kind === 'reconnecting');
		proxy.resume();
		await waitFor('the connection to come back', () => own.state().kind === 'connected');
	});

	it('is known to the broker by a name of ours', async () => {
		expect(await server.ctl(['list_connections', 'client_properties'])).toContain('Warren test');
	});
});

describe('queues that are not ours', () => {
	it('are declared as carrot declares them, so that its consumers are not refused', async () => {
		const name = uniqueName('carrot');
		must(await driver.ensureQueue({ queue: name, durable: true, maxPriority: 255, carrotExchange: true }));
		await using channel = await raw();
		await channel.assertExchange(name, 'direct', { durable: false });
		await channel.assertQueue(name, { durable: true, arguments: { 'x-max-priority': { '!': 'int', value: 255 } } });
		await channel.bindQueue(name, name, name);
		const listed = await server.ctl(['list_queues', 'name', 'durable', 'arguments', '--formatter=json']);
		const found = (JSON.parse(listed) as { name: string }[]).find((entry) => entry.name === name);
		expect(found).toEqual({ name, durable: true, arguments: [['x-max-priority', 'signedint', 255]] });
	});

	it('keep an exchange of that name as it is', async () => {
		const name = uniqueName('durable-exchange');
		await using channel = await raw();
		await channel.assertExchange(name, 'direct', { durable: true });
		must(await driver.ensureQueue({ queue: name, durable: true, maxPriority: 255, carrotExchange: true }));
		must(await driver.publish({ ...toQueue(name, 'x'), exchange: name }));
	});

	it('that belong to another connection alone are told as there, without figures', async () => {
		const name = uniqueName('exclusive');
		await using channel = await raw();
		await channel.assertQueue(name, { exclusive: true });
		expect(must(await driver.queues([name]))).toMatchObject([{ exists: true, ready: null, consumers: null }]);
	});
});

describe('looking into a quorum queue', () => {
	it('tells the cost once it is known, and refuses before a message could be dropped', async () => {
		const name = uniqueName('quorum');
		await using channel = await raw();
		await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum' } });
		must(await driver.publish(toQueue(name, 'precious', { messageId: 'precious' })));
		const look = () => driver.look(name, { limit: 5, deadlineMs: 10_000 });
		let looks = 0;
		let result = await look();
		while (result.ok) {
			expect(result.value.messages.map(bodyText)).toEqual(['precious']);
			looks += 1;
			expect(looks).toBeLessThan(20);
			result = await look();
		}
		expect(result.error.code).toBe('refused');
		expect(must(await driver.lookCost(name)).kind).toBe('risky');
		const removing = await driver.remove(name, new Set(['precious']), { scanLimit: 5, deadlineMs: 10_000 });
		expect(removing).toMatchObject({ ok: false, error: { code: 'refused' } });
		await using taker = await take(driver, name, 1);
		const [delivery] = await taker.got(1);
		expect(delivery?.message.deliveryCount).toBe(looks + 1);
	});

	it('into a stream is refused with words, and harms no consumption', async () => {
		const stream = uniqueName('stream');
		await using channel = await raw();
		await channel.assertQueue(stream, { durable: true, arguments: { 'x-queue-type': 'stream' } });
		const name = await queue();
		await using taker = await take(driver, name, 1);
		must(await driver.publish(toQueue(name, 'held')));
		const [held] = await taker.got(1);
		expect(await driver.look(stream, { limit: 1, deadlineMs: 10_000 })).toMatchObject({
			ok: false,
			error: { code: 'unsupported' },
		});
		expect((await held?.ack())?.ok).toBe(true);
	});
});

async function examine(url: string, queues: readonly string[] = []): Promise<readonly DoctorStep[]> {
	const at = address(url);
	const doctor = createDoctor(at.address, driverContext({ folder: '', password: at.password }));
	return doctor(queues, AbortSignal.timeout(60_000));
}

async function verdict(url: string, queues: readonly string[] = []): Promise<DoctorStep> {
	const last = (await examine(url, queues)).at(-1);
	if (last === undefined) throw new Error('The doctor said nothing.');
	return last;
}
