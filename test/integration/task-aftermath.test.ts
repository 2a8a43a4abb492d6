/** What a Warren leaves behind that is killed while it deletes tasks or sends them again: told for what it is, and taken back. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { ok } from '#main/domain/result.ts';
import { openStore } from '#main/store/client.ts';
import { type Bench, must, rabbitBench } from '#test/support/brokers.ts';
import { bootEngine, memoryVault } from '#test/support/engine.ts';
import { MAIN } from '#test/support/entry.ts';
import { failed, finished, published, started } from '#test/support/history.ts';
import { type RabbitServer, startRabbit, uniqueName } from '#test/support/rabbitmq.ts';
import { startProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';

const profile = 'lab';
const THREAD = new URL('../../src-main/store/thread.ts', import.meta.url);
/** Frames as they stand on the wire: class 60, and their methods. */
const [PUBLISH, ACK] = [Buffer.from([0, 60, 0, 40]), Buffer.from([0, 60, 0, 80])];
const NUMBERS = [0, 1, 2];

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
}, 120_000);
afterAll(() => stack?.disposeAsync());

interface Place extends AsyncDisposable {
	readonly home: string;
	readonly proxy: TcpProxy;
	readonly queue: string;
	readonly ids: readonly string[];
}

/** A home whose profile reaches the broker through a proxy, and three tasks in its history: waiting in a queue, or failed. */
async function place(state: 'waiting' | 'failed'): Promise<Place> {
	const own = new AsyncDisposableStack();
	const home = await mkdtemp(join(tmpdir(), 'warren-killed-'));
	own.defer(() => rm(home, { recursive: true, force: true, maxRetries: 5 }));
	const proxy = own.use(await startProxy({ port: server.port }));
	const queue = uniqueName('w');
	must(await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: false }));
	const broker = server.url.replace(`:${server.port}`, `:${proxy.port}`);
	const ids = NUMBERS.map((n) => `${queue}-${n}`);
	let key: string;
	{
		await using engine = await bootEngine({ home });
		await engine.call('profile.add', { name: profile, framework: 'carrot', broker });
		const { items } = await engine.call('profile.list', {});
		key = items.find((one) => one.profile.name === profile)?.profile.id ?? '';
	}
	const store = must(await openStore({ home, thread: THREAD, log: silentLog }));
	for (const [n, id] of ids.entries()) {
		const made = { id, queue, name: 'shop.charge', args: [n], profile: profileId(key) };
		const op = published(Date.now(), made);
		await store.history.apply([op]);
		if (state === 'waiting') must(await driver.publish(op.message));
		else {
			await store.history.apply([
				started(Date.now(), `run-${id}`, made),
				finished(Date.now(), `run-${id}`, failed(), 1, made.profile),
			]);
		}
	}
	await store[Symbol.asyncDispose]();
	return { home, proxy, queue, ids, [Symbol.asyncDispose]: () => own.disposeAsync() };
}

const look = async (queue: string) => must(await driver.look(queue, { limit: 100, deadlineMs: 20_000 })).messages;
const bodies = async (queue: string) => (await look(queue)).map(({ body }) => Buffer.from(body).toString());

/** Runs `task <verb>` for all of a place's tasks until `cut` says that it is cut off there, and kills it. */
async function killedWhile({ home, proxy, ids }: Place, verb: 'delete' | 'requeue', cut: () => Promise<void>) {
	const child = spawn(process.execPath, [MAIN, '--home', home, '--profile', profile, '--yes', 'task', verb, ...ids], {
		stdio: 'ignore',
	});
	const ended = once(child, 'exit');
	await cut();
	child.kill('SIGKILL');
	await ended;
	proxy.onUpstream(null);
	proxy.onDownstream(null);
	proxy.cut();
}

/** From the moment at which a chunk like this goes up, the broker does not hear the client, or the client not the broker. */
function cutAt(proxy: TcpProxy, frame: Buffer, deaf: 'broker' | 'client'): () => boolean {
	let seen = false;
	proxy.onUpstream((chunk) => {
		seen ||= chunk.includes(frame);
		return !(seen && deaf === 'broker');
	});
	proxy.onDownstream(() => !(seen && deaf === 'client'));
	return () => seen;
}

async function reopened(home: string) {
	const vault = { ...memoryVault(), get: async () => ok('guest') };
	const engine = await bootEngine({ home, ports: { vault } });
	const cut = await waitFor(
		'the change to be known as cut off',
		async () => {
			const { items } = await engine.call('undo.list', { profile });
			const row = items.find(({ undoOf }) => undoOf === null);
			return row?.state === 'interrupted' ? row : null;
		},
		90_000,
	);
	const state = async () => (await engine.call('undo.list', { profile })).items.find(({ id }) => id === cut.id)?.state;
	return { engine, cut, state };
}

describe('Warren killed while it deletes waiting tasks', () => {
	it('has kept what the broker already removed, and puts it back when that is asked for', async () => {
		await using here = await place('waiting');
		const before = await bodies(here.queue);
		expect(before).toHaveLength(3);
		const acknowledged = cutAt(here.proxy, ACK, 'client');
		await killedWhile(here, 'delete', async () => {
			await waitFor('the messages to be acknowledged', acknowledged, 60_000);
			await waitFor('the messages to be gone', async () => (await look(here.queue)).length === 0, 60_000);
		});
		const { engine, cut, state } = await reopened(here.home);
		await using _engine = engine;
		expect(cut).toMatchObject({ title: 'Deleted 3 tasks', able: true, kept: { kept: 3 } });
		expect(cut.words).toContain('3 messages may or may not have been changed');

		// They are out of the queue, by the deletion or by a worker: that is said, and nothing is run twice unasked.
		const careful = await engine.call('undo.apply', { profile, id: cut.id });
		expect(careful.items.filter(({ outcome }) => outcome === 'failed')).toHaveLength(3);
		expect(careful.items[0]?.reason).toContain('--uncertain');
		expect(await bodies(here.queue)).toEqual([]);
		await engine.call('undo.apply', { profile, id: cut.id, uncertain: true });
		expect(await bodies(here.queue)).toEqual(before);
		const listed = await engine.call('task.list', { profile, query: 'state:queued' });
		expect(listed.items.map(({ id }) => id).toSorted()).toEqual(here.ids);
		expect(await state()).toBe('undone');
	}, 240_000);

	it('has lost nothing that the broker did not hear of, and an undo doubles none of it', async () => {
		await using here = await place('waiting');
		const before = await bodies(here.queue);
		const acknowledged = cutAt(here.proxy, ACK, 'broker');
		await killedWhile(here, 'delete', async () => {
			await waitFor('the messages to be acknowledged', acknowledged, 60_000);
		});
		await waitFor('the messages to be back', async () => (await look(here.queue)).length === 3, 60_000);
		const { engine, cut, state } = await reopened(here.home);
		await using _engine = engine;
		const undone = await engine.call('undo.apply', { profile, id: cut.id });
		expect(undone.failed).toBe(0);
		expect((await bodies(here.queue)).toSorted()).toEqual(before.toSorted());
		expect(await state()).toBe('undone');
	}, 240_000);
});

describe('Warren killed while it sends tasks again', () => {
	it('knows each message that it was to send, and takes those out that wait', async () => {
		await using here = await place('failed');
		const sent = cutAt(here.proxy, PUBLISH, 'client');
		await killedWhile(here, 'requeue', async () => {
			await waitFor('the messages to be sent', sent, 60_000);
			await waitFor('the messages to wait', async () => (await look(here.queue)).length > 0, 60_000);
		});
		const waiting = (await look(here.queue)).length;
		const { engine, cut, state } = await reopened(here.home);
		await using _engine = engine;
		expect(cut).toMatchObject({ title: 'Requeued 3 tasks', able: true });
		expect(cut.words).toContain('Of 3 messages that it was to send, those that wait are taken out again');
		const undone = await engine.call('undo.apply', { profile, id: cut.id });
		expect(undone).toMatchObject({ done: waiting, failed: 0, skipped: 3 - waiting });
		expect(await look(here.queue)).toEqual([]);
		expect(await state()).not.toBe('interrupted');
		// Those that were taken out are what they were before.
		const again = await engine.call('task.list', { profile, query: 'state:failed' });
		expect(again.total).toBe(waiting);
	}, 240_000);

	it('says of messages that never left that they were not sent or were taken', async () => {
		await using here = await place('failed');
		const sent = cutAt(here.proxy, PUBLISH, 'broker');
		await killedWhile(here, 'requeue', () => waitFor('the messages to be sent', sent, 60_000).then(() => undefined));
		const { engine, cut } = await reopened(here.home);
		await using _engine = engine;
		expect(await look(here.queue)).toEqual([]);
		const undone = await engine.call('undo.apply', { profile, id: cut.id });
		expect(undone).toMatchObject({ done: 0, failed: 0, skipped: 3 });
		for (const { reason } of undone.items) expect(reason).toContain('never sent');
	}, 240_000);
});
