/** What only the built-in broker can go through: its file, and several processes at it. */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDoctor, createDriver } from '#main/brokers/connect.ts';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { Book } from '#main/brokers/embedded/book.ts';
import { Desk, SESSION_SILENCE } from '#main/brokers/embedded/desk.ts';
import type { FromThread } from '#main/brokers/embedded/protocol.ts';
import { bodyText, driverContext, must, take, toQueue } from '../support/brokers.ts';
import { waitFor } from '../support/wait.ts';

let folder: string;
let stack: AsyncDisposableStack;
beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'warren-embedded-'));
	stack = new AsyncDisposableStack();
	stack.defer(() => rm(folder, { recursive: true, force: true }));
});
afterEach(() => stack.disposeAsync());

async function driver(): Promise<BrokerDriver> {
	const made = stack.use(createDriver({ kind: 'embedded' }, driverContext({ folder, password: null })));
	made.connect();
	must(await made.ready(20_000));
	return made;
}

const declaration = { queue: 'q', durable: true, maxPriority: 255, carrotExchange: false };

describe('the file of the built-in broker', () => {
	it('holds every confirmed message after kill -9 in the middle of a storm', async () => {
		const rounds = process.env.WARREN_LONG === undefined ? 3 : 50;
		for (let round = 0; round < rounds; round++) {
			const script = fileURLToPath(new URL('../support/storm.ts', import.meta.url));
			const order = JSON.stringify({ folder, queue: `q${round}` });
			const child = spawn(process.execPath, [script, order], { stdio: ['ignore', 'pipe', 'inherit'] });
			const confirmed: string[] = [];
			const lines = createInterface({ input: child.stdout });
			const closed = new Promise((resolve) => lines.once('close', resolve));
			lines.on('line', (line) => confirmed.push(line));
			await waitFor('a storm', () => confirmed.length > 500);
			child.kill('SIGKILL');
			await closed;
			const there = new Set<string>();
			await using taker = await take(await driver(), `q${round}`, 100, (delivery) => {
				there.add(bodyText(delivery.message));
				void delivery.ack();
			});
			// The last line may have been cut off by the kill; a cut id is no id.
			const whole = confirmed.slice(0, -1);
			await waitFor('every confirmed message', () => whole.every((id) => there.has(id)));
			expect(taker.problems.at(-1)).toBeNull();
		}
	});

	it('keeps messages over an orderly end and start', async () => {
		const first = await driver();
		must(await first.ensureQueue(declaration));
		must(await first.publish(toQueue('q', 'kept')));
		await first[Symbol.asyncDispose]();
		const { messages } = must(await (await driver()).look('q', { limit: 10, deadlineMs: 1000 }));
		expect(messages.map(bodyText)).toEqual(['kept']);
	});

	it('made by a newer Warren is refused, and left as it is', async () => {
		const file = join(folder, 'broker.db');
		const db = new Database(file);
		db.pragma('user_version = 999');
		db.close();
		const refused = stack.use(createDriver({ kind: 'embedded' }, driverContext({ folder, password: null })));
		refused.connect();
		const ready = await refused.ready(20_000);
		expect(ready).toMatchObject({ ok: false, error: { code: 'refused', message: expect.stringContaining('newer') } });
		const again = new Database(file, { readonly: true });
		expect(again.pragma('user_version', { simple: true })).toBe(999);
		again.close();
	});

	it('that is no database is refused with its path, and the doctor says what to do', async () => {
		await writeFile(join(folder, 'broker.db'), 'this is not a database, and long enough to be told from an empty file');
		const refused = stack.use(createDriver({ kind: 'embedded' }, driverContext({ folder, password: null })));
		refused.connect();
		expect(await refused.ready(20_000)).toMatchObject({
			ok: false,
			error: { code: 'refused', message: expect.stringContaining('broker.db') },
		});
		expect(await refused.publish(toQueue('q', 'x'))).toMatchObject({ ok: false, error: { code: 'unreachable' } });
		const doctor = createDoctor({ kind: 'embedded' }, driverContext({ folder, password: null }));
		const last = (await doctor([], AbortSignal.timeout(30_000))).at(-1);
		expect(last).toMatchObject({ step: 'storage', status: 'failed', cure: expect.stringContaining('move it away') });
	});

	it('is sound in the eyes of the doctor, who tells of missing queues', async () => {
		const doctor = createDoctor({ kind: 'embedded' }, driverContext({ folder, password: null }));
		must(await (await driver()).ensureQueue(declaration));
		const steps = await doctor(['q'], AbortSignal.timeout(30_000));
		expect(steps.map((step) => `${step.step} ${step.status}`)).toEqual([
			'address passed',
			'storage passed',
			'queues passed',
		]);
		expect((await doctor(['none'], AbortSignal.timeout(30_000))).at(-1)).toMatchObject({
			step: 'queues',
			status: 'warning',
		});
	});

	it('in a folder that is not there is the doctor’s finding', async () => {
		await chmod(folder, 0o700);
		const doctor = createDoctor(
			{ kind: 'embedded' },
			driverContext({ folder: join(folder, 'nowhere'), password: null }),
		);
		expect((await doctor([], AbortSignal.timeout(30_000))).at(-1)).toMatchObject({ step: 'storage', status: 'failed' });
	});

	it('lists every queue when none is named', async () => {
		const own = await driver();
		for (const queue of ['b', 'a']) must(await own.ensureQueue({ ...declaration, queue }));
		expect(must(await own.queues([])).map((figures) => figures.name)).toEqual(['a', 'b']);
	});
});

describe('a desk at the file', () => {
	/** A desk on the same file as others, with what it said. */
	function desk(session: string) {
		const said: FromThread[] = [];
		const book = stack.use(new Book(join(folder, 'broker.db')));
		const made = new Desk(book, session, (message) => said.push(message));
		let id = 0;
		const ask = (command: Parameters<Desk['serve']>[0][number]['command']) => {
			id += 1;
			made.serve([{ id, command }]);
			for (const message of said) {
				if (message.kind !== 'batch') continue;
				const reply = message.replies.find((candidate) => candidate.id === id);
				if (reply !== undefined) return reply.result;
			}
			throw new Error('No reply.');
		};
		const handed = () => said.flatMap((message) => (message.kind === 'batch' ? message.handed : []));
		return { desk: made, book, ask, handed, said };
	}

	it('hands out what another process published, at its next pulse', () => {
		const [one, two] = [desk('one'), desk('two')];
		one.ask({ kind: 'ensure', declaration, at: 1 });
		two.ask({ kind: 'consume', consumer: 1, queue: 'q', prefetch: 5 });
		one.ask({ kind: 'publish', message: toQueue('q', 'x'), at: 1 });
		expect(two.handed()).toEqual([]);
		two.desk.pulse();
		expect(two.handed().map(({ message }) => bodyText(message))).toEqual(['x']);
	});

	it('takes over from a session that stopped beating, and what that one settles later is gone', () => {
		const [one, two] = [desk('one'), desk('two')];
		one.ask({ kind: 'ensure', declaration, at: 1 });
		one.ask({ kind: 'publish', message: toQueue('q', 'x'), at: 1 });
		one.ask({ kind: 'consume', consumer: 1, queue: 'q', prefetch: 1 });
		const [first] = one.handed();
		if (first === undefined) throw new Error('Nothing was handed out.');
		two.ask({ kind: 'consume', consumer: 1, queue: 'q', prefetch: 1 });
		const now = Date.now();
		two.desk.beat(now + SESSION_SILENCE - 1000);
		expect(two.handed()).toEqual([]);
		two.desk.beat(now + SESSION_SILENCE + 1000);
		const [second] = two.handed();
		expect(second?.message).toMatchObject({ redelivered: true, deliveryCount: 1 });
		expect(one.ask({ kind: 'ack', token: first.token })).toMatchObject({ ok: false, error: { code: 'gone' } });
		if (second === undefined) throw new Error('Nothing was taken over.');
		expect(two.ask({ kind: 'ack', token: second.token })).toMatchObject({ ok: true });
	});

	it('takes over at once from a process of this machine that is gone', () => {
		const one = desk('one');
		one.ask({ kind: 'ensure', declaration, at: 1 });
		one.ask({ kind: 'publish', message: toQueue('q', 'x'), at: 1 });
		// A number that no process has: over the largest that Linux gives.
		one.book.beat({ id: 'dead', host: hostname(), pid: 2 ** 30, beat_at: Date.now() });
		one.book.take('q', 'dead', 1);
		one.ask({ kind: 'consume', consumer: 1, queue: 'q', prefetch: 1 });
		expect(one.handed()).toEqual([]);
		one.desk.beat(Date.now());
		expect(one.handed()).toHaveLength(1);
	});

	it('a delivery that was given back and taken again cannot be settled by its first token', () => {
		const one = desk('one');
		one.ask({ kind: 'ensure', declaration, at: 1 });
		one.ask({ kind: 'publish', message: toQueue('q', 'x'), at: 1 });
		one.ask({ kind: 'consume', consumer: 1, queue: 'q', prefetch: 1 });
		const [first] = one.handed();
		if (first === undefined) throw new Error('Nothing was handed out.');
		one.ask({ kind: 'release', token: first.token });
		expect(one.handed()).toHaveLength(2);
		expect(one.ask({ kind: 'ack', token: first.token })).toMatchObject({ ok: false, error: { code: 'gone' } });
	});

	it('answers busy when it cannot write, and still knows afterwards what it holds', () => {
		const one = desk('one');
		one.ask({ kind: 'ensure', declaration, at: 1 });
		one.ask({ kind: 'publish', message: toQueue('q', 'x'), at: 1 });
		one.ask({ kind: 'publish', message: toQueue('q', 'y'), at: 1 });
		one.ask({ kind: 'consume', consumer: 1, queue: 'q', prefetch: 1 });
		const [first] = one.handed();
		if (first === undefined) throw new Error('Nothing was handed out.');
		const transaction = one.book.transaction.bind(one.book);
		one.book.transaction = <T>(work: () => T): T =>
			transaction(() => {
				work();
				throw new Error('disk full');
			});
		expect(one.ask({ kind: 'ack', token: first.token })).toMatchObject({ ok: false, error: { code: 'busy' } });
		one.book.transaction = transaction;
		expect(one.handed()).toHaveLength(1);
		expect(one.ask({ kind: 'ack', token: first.token })).toMatchObject({ ok: true });
		expect(one.handed().map(({ message }) => bodyText(message))).toEqual(['x', 'y']);
	});
});
