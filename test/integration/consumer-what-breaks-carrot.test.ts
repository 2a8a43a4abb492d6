/**
 * What kills or stalls a worker of stock django-carrot, each row with what Warren makes of it: a clear state, nothing lost, and a
 * consumer that works afterwards. Over a real RabbitMQ.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDriver } from '#main/brokers/connect.ts';
import type { ConsumerSet } from '#main/consumer/ports.ts';
import { type Clock, systemClock } from '#main/domain/clock.ts';
import { taskId } from '#main/domain/ids.ts';
import type { FieldTable } from '#main/domain/message.ts';
import type { OpenStore } from '#main/store/client.ts';
import { driverContext, must } from '#test/support/brokers.ts';
import { type RabbitServer, startRabbit } from '#test/support/rabbitmq.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';
import { hostSet, PROFILE } from './consumer-host.ts';
import { openPlace, type Place, setOver } from './consumer-place.ts';

const HOST = fileURLToPath(new URL('./consumer-host.ts', import.meta.url));
const TASKS = `
import os, time
HERE = os.environ['PLACE']

def echo(*args, **kwargs):
    return [args, kwargs]

def nothing():
    pass

def busy(seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return 'done'

def once(name):
    """Waits for ever the first time, so that somebody can kill it."""
    path = os.path.join(HERE, name)
    if not os.path.exists(path):
        open(path, 'w').close()
        time.sleep(600)
    return 'the second time'
`;

let server: RabbitServer;
beforeAll(async () => {
	server = await startRabbit();
});
afterAll(async () => {
	await server?.stop();
});

const header: FieldTable = [['type', { type: 'longstr', text: 'tasks.echo' }]];

async function place(): Promise<Place> {
	const here = await openPlace(server);
	here.write('tasks.py', TASKS);
	return here;
}

/** The consumer is what it was: all slots alive, one consumer at the broker, and the next task runs. */
async function works(here: Place, set: ConsumerSet): Promise<void> {
	const id = await here.send('tasks.echo', ['still here']);
	await here.reaches(id, 'succeeded');
	await waitFor('all slots to be idle', () => set.view().slots.every((slot) => slot.state.kind === 'idle'));
	expect(set.view()).toMatchObject({ state: 'running', note: null });
	await waitFor('nothing to be left', async () => {
		const figures = must(await here.driver.queues([here.queue]));
		return figures[0]?.ready === 0 && figures[0].consumers === 1;
	});
}

describe('a message that kills or stalls a carrot worker', () => {
	const clean = [
		['"kwargs": null', '{"kwargs": null}', header, 'succeeded'],
		['"args": null', '{"args": null}', header, 'succeeded'],
		['"kwargs": [..]', '{"kwargs": [1]}', header, 'failed'],
		['no headers at all', '{}', null, 'failed'],
		['an unknown message, for which no row exists', '{"args": [1]}', header, 'succeeded'],
		[
			'wrong arguments',
			'{"args": [1]}',
			[['type', { type: 'longstr', text: 'tasks.nothing' }]] as FieldTable,
			'failed',
		],
		['a body that is not JSON', 'not json', header, 'failed'],
		['a body that is not UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), header, 'failed'],
	] as const;

	it.each(clean)('%s: ends in a clear state', async (_row, body, headers, state) => {
		await using here = await place();
		const set = here.start({ concurrency: 2 });
		const messageId = randomUUID();
		await here.sendRaw(body, headers === null ? { messageId } : { messageId, headers });
		const detail = await here.reaches(messageId, state);
		expect(detail.attempts).toBe(1);
		if (state === 'failed') expect(detail.exception?.message).not.toBe('');
		await works(here, set);
	});

	it('the same id twice: runs as two attempts of one task', async () => {
		await using here = await place();
		const messageId = randomUUID();
		await here.send('tasks.echo', [1], { messageId });
		await here.send('tasks.echo', [2], { messageId });
		const set = here.start({ concurrency: 2 });
		await waitFor('both to end', () => set.view().succeeded === 2);
		const detail = await here.detail(messageId);
		expect(detail.history.map((one) => one.state)).toEqual(['succeeded', 'succeeded']);
		expect(detail.history.map((one) => one.result?.text)).toEqual(['[[1], {}]', '[[2], {}]']);
		await works(here, set);
	});
});

describe('an event that kills or stalls a carrot worker', () => {
	it('a database error while saving: nothing is acknowledged until the outcome can be stored', async () => {
		await using here = await place();
		let broken = false;
		const store: OpenStore = {
			...here.store,
			history: {
				...here.store.history,
				apply: (ops) => (broken ? Promise.reject(new Error('disk I/O error')) : here.store.history.apply(ops)),
			},
		};
		await using host = hostSet(here.order({ concurrency: 2 }), store);
		await waitFor('it to run', () => host.set.view().slots.every((slot) => slot.state.kind === 'idle'));
		broken = true;
		const id = await here.send('tasks.echo', [1]);
		await waitFor('it to say so', () => host.set.view().note?.includes('Outcomes cannot be stored: disk I/O error'));
		expect(await here.store.history.detail(PROFILE, taskId(id))).toBeNull();
		broken = false;
		expect((await here.reaches(id, 'succeeded')).attempts).toBe(1);
		await waitFor('the trouble to be over', () => host.set.view().note === null);
		await works(here, host.set);
	});

	it('a task that outlasts the heartbeat without a pause: keeps its connection and its message', async () => {
		await using here = await place();
		const order = here.order({ concurrency: 2 });
		if (order.address.kind !== 'amqp') throw new Error('This is about AMQP.');
		// RabbitMQ gives a client up after two intervals.
		await using host = hostSet({ ...order, address: { ...order.address, heartbeat: 1 } }, here.store);
		const id = await here.send('tasks.busy', [6]);
		const detail = await here.reaches(id, 'succeeded');
		expect(detail.history.map((one) => [one.cause, one.state])).toEqual([['published', 'succeeded']]);
		await works(here, host.set);
	});

	it('a process that is killed in the middle of a task: the task is lost there, and runs again elsewhere', async () => {
		await using here = await place();
		const id = await here.send('tasks.once', ['first']);
		const child = spawn(process.execPath, [HOST, JSON.stringify(here.order())], { stdio: 'ignore' });
		const gone = new Promise((resolve) => child.once('exit', resolve));
		await waitFor('the task to run', () => existsSync(join(here.folder, 'first')));
		await here.reaches(id, 'running');
		child.kill('SIGKILL');
		await gone;
		const set = here.start({ concurrency: 2 });
		const detail = await here.reaches(id, 'succeeded');
		expect(detail.history.map((one) => [one.cause, one.state])).toEqual([
			['published', 'lost'],
			['redelivered', 'succeeded'],
		]);
		await works(here, set);
	});

	it('a broker that is away for a moment: the consumer comes back', async () => {
		await using here = await place();
		await using proxy = await startProxy({ host: '127.0.0.1', port: server.port });
		const order = here.order({ concurrency: 2 });
		if (order.address.kind !== 'amqp') throw new Error('This is about AMQP.');
		await using host = hostSet({ ...order, address: { ...order.address, port: proxy.port } }, here.store);
		await works(here, host.set);
		proxy.refuse();
		proxy.cut();
		await waitFor('the loss to be seen', () => host.set.view().state === 'waiting-for-broker');
		proxy.allow();
		await works(here, host.set);
	});

	it('a broker that is away for hours: the consumer comes back all the same', async () => {
		await using here = await place();
		const order = here.order({ concurrency: 2 });
		if (order.address.kind !== 'amqp') throw new Error('This is about AMQP.');
		await using proxy = await startProxy({ host: '127.0.0.1', port: server.port });
		const hurried = hurry();
		const address = { ...order.address, port: proxy.port };
		await using driver = createDriver(address, { ...driverContext(order), clock: hurried.clock });
		driver.connect();
		await using set = setOver(driver, here, { concurrency: 2 });
		await works(here, set);
		proxy.refuse();
		proxy.cut();
		await waitFor('the loss to be seen', () => set.view().state === 'waiting-for-broker');
		hurried.factor = 2000;
		const left = systemClock.monotonic();
		await waitFor('three hours of tries', () => (systemClock.monotonic() - left) * hurried.factor > 3 * 3_600_000);
		expect(set.view().state).toBe('waiting-for-broker');
		hurried.factor = 1;
		proxy.allow();
		await works(here, set);
	});
});

/** A clock whose timers come sooner: pauses between tries shrink, and what the tries themselves take does not. */
function hurry(): { readonly clock: Clock; factor: number } {
	const state = {
		factor: 1,
		clock: {
			now: () => systemClock.now(),
			monotonic: () => systemClock.monotonic(),
			after: (ms: number, callback: () => void) => systemClock.after(ms / state.factor, callback),
		},
	};
	return state;
}
