/**
 * Two services on one shared book, of which one is killed, stopped, cut off or ended all the time, with Redis and the way to the broker
 * failing in between: each due time is published exactly once, or said to be uncertain. WARREN_LONG=1 makes it ten minutes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createDriver } from '#main/brokers/connect.ts';
import { systemClock } from '#main/domain/clock.ts';
import { profileId } from '#main/domain/ids.ts';
import type { BrokerAddress } from '#main/domain/profile.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { createSharedBook } from '#main/scheduler/books/shared.ts';
import { createSharedLedger } from '#main/scheduler/books/shared-ledger.ts';
import { bodyText, driverContext, must, take, toQueue } from '#test/support/brokers.ts';
import { openKeyspace } from '#test/support/keyspaces.ts';
import { startRabbit, uniqueName } from '#test/support/rabbitmq.ts';
import { startRedis } from '#test/support/redis.ts';
import { create, schedule } from '#test/support/schedule-samples.ts';
import { startProxy } from '#test/support/tcp-proxy.ts';
import { waitFor } from '#test/support/wait.ts';
import { chances } from '../chaos/chaos.ts';
import type { SchedulerMessage, SchedulerOrder } from './scheduler-host.ts';

const HOST = fileURLToPath(new URL('./scheduler-host.ts', import.meta.url));
const LONG = process.env.WARREN_LONG !== undefined;
/** Due times of each schedule, a second apart. */
const DUES = LONG ? 600 : 40;
const SCHEDULES = 3;
/** Short, so that a dead holder is followed within two seconds. */
const TIMES = { ttlMs: 1_500, renewMs: 300, askMs: 150 };

/** A service that is started again whenever it has ended. */
class Service implements AsyncDisposable {
	readonly #order: SchedulerOrder;
	#child: ChildProcess;

	constructor(order: SchedulerOrder) {
		this.#order = order;
		this.#child = this.#start();
	}

	get holder(): string {
		return `${this.#order.name}:${this.#child.pid}`;
	}

	signal(name: NodeJS.Signals): void {
		this.#child.kill(name);
	}

	/** Ends it by this signal and starts another one. */
	async replace(name: 'SIGKILL' | 'SIGTERM'): Promise<void> {
		await this.#end(name);
		this.#child = this.#start();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#end('SIGKILL');
	}

	/** Ends it as a service is ended. */
	async end(): Promise<void> {
		await this.#end('SIGTERM');
	}

	async #end(name: NodeJS.Signals): Promise<void> {
		const child = this.#child;
		child.kill(name);
		await waitFor('a service to end', () => child.exitCode !== null || child.signalCode !== null);
	}

	#start(): ChildProcess {
		return spawn(process.execPath, [HOST, JSON.stringify(this.#order)], { stdio: ['ignore', 'ignore', 'inherit'] });
	}
}

it(
	'fires each due time of two services exactly once while they are killed, stopped and cut off',
	async (context) => {
		if ((process.env.WARREN_TEST_AMQP_URL ?? '') !== '') context.skip('a server that was given is not to be used up');
		const seed = Date.now() % 1_000_000;
		const chance = chances(seed);
		await using stack = new AsyncDisposableStack();
		const redis = stack.use(await startRedis({ own: true }));
		const rabbit = stack.use(await startRabbit());
		const toRabbit = stack.use(await startProxy({ port: rabbit.port }));
		const { address, password } = must(parseBroker(rabbit.url));
		const [prefix, queue] = [`${uniqueName('warren')}:`, uniqueName('due')];

		// Whoever is published to.
		const driver = stack.use(createDriver(address, driverContext({ folder: '', password })));
		driver.connect();
		must(await driver.ready(20_000));
		must(await driver.ensureQueue({ queue, durable: true, maxPriority: null, carrotExchange: false }));
		const taker = stack.use(await take(driver, queue, 1_000, (delivery) => void delivery.ack()));

		// Whoever edits and looks.
		const keyspace = stack.use(await openKeyspace(redis.url));
		const book = stack.use(createSharedBook({ keyspace, prefix, clock: systemClock }));
		const ledger = createSharedLedger({ keyspace, prefix, profile: profileId('test'), clock: systemClock });
		const startAt = Math.ceil(Date.now() / 1_000) * 1_000 + 4_000;
		const dues = Array.from({ length: DUES }, (_, at) => startAt + 1_000 * at);
		const endAt = startAt + 1_000 * DUES;
		const keys = Array.from({ length: SCHEDULES }, (_, at) => `every-second-${at}`);
		for (const key of keys) {
			const recurrence = { kind: 'every', count: 1, unit: 'seconds', align: 'clock' } as const;
			const missed = { kind: 'all', most: 1_000 } as const;
			await create(book, key, schedule(key, { recurrence, startAt, endAt, missed }));
		}
		const broker: BrokerAddress =
			address.kind === 'amqp' ? { ...address, host: '127.0.0.1', port: toRabbit.port } : address;
		const order = { redis: redis.url, prefix, broker, password, queue, times: TIMES };
		const services = [
			stack.use(new Service({ ...order, name: 'first' })),
			stack.use(new Service({ ...order, name: 'second' })),
		] as const;

		const holder = async () => {
			const lease = await keyspace.call('GET', `${prefix}lease`);
			return lease.ok && typeof lease.value === 'string' ? (lease.value.split(' ')[1] ?? null) : null;
		};
		/** Runs as the ledger had them, also those that it does not keep for so long. */
		const known = new Map<string, ScheduleRun>();
		let since = 0;
		const look = async () => {
			const recent = await ledger.recent(since);
			if (!recent.ok) return;
			since = recent.value.until;
			for (const run of recent.value.runs) known.set(`${run.key} ${run.dueAt}`, run);
		};

		const done: Record<string, number> = {};
		const count = (what: string) => {
			done[what] = (done[what] ?? 0) + 1;
		};
		while (Date.now() < endAt) {
			// Now and again soon after something was published, which is when it matters, else at any moment.
			if (chance() < 0.5) {
				const [seen, more] = [taker.deliveries.length, 1 + Math.floor(chance() * 6)];
				await waitFor('something to be published', () => taker.deliveries.length >= seen + more || Date.now() >= endAt);
			} else await pause(200 + 1_200 * chance());
			await look();
			const now = await holder();
			const working = services.find((service) => service.holder === now);
			const victim = chance() < 0.85 && working !== undefined ? working : services[chance() < 0.5 ? 0 : 1];
			const dice = chance();
			if (dice < 0.4) {
				await victim.replace('SIGKILL');
				count('killed');
			} else if (dice < 0.55) {
				// Right before a due time the right is gone and the other's, while one still believes to have it.
				await pause(((1_800 - (Date.now() % 1_000)) % 1_000) + 100 * chance());
				must(await keyspace.call('DEL', `${prefix}lease`));
				count('robbed');
			} else if (dice < 0.72) {
				// As if its machine slept, or its thread stood still, until somebody else had the right for a while.
				victim.signal('SIGSTOP');
				const stopped = victim.holder;
				await waitFor('another to take over', async () => {
					const other = await holder();
					return other !== null && other !== stopped;
				});
				await pause(500 * chance());
				victim.signal('SIGCONT');
				count('stopped');
			} else if (dice < 0.82) {
				await victim.replace('SIGTERM');
				count('ended');
			} else if (dice < 0.93) {
				toRabbit.cut();
				count('cut off from the broker');
			} else {
				await redis.kill9();
				await redis.start();
				must(await keyspace.ready(30_000));
				count('Redis killed');
			}
		}

		await waitFor(
			'every due time to be seen to',
			async () => {
				await look();
				const [cursors, open] = [await ledger.cursors(), await ledger.open()];
				if (!cursors.ok || !open.ok || open.value.length > 0) return false;
				return keys.every((key) => cursors.value.get(key) === dues.at(-1));
			},
			60_000,
		);
		await Promise.all(services.map((service) => service.end()));
		await look();
		// What comes after all that was published tells that all of it is here.
		must(await driver.publish(toQueue(queue, '{}', { messageId: 'last' })));
		await waitFor('the last message', () =>
			taker.deliveries.some(({ message }) => message.properties.messageId === 'last'),
		);

		const fired = new Map<string, SchedulerMessage[]>();
		for (const { message } of taker.deliveries) {
			if (message.properties.messageId === 'last') continue;
			const said = JSON.parse(bodyText(message)) as SchedulerMessage;
			const id = `${said.key} ${said.dueAt}`;
			fired.set(id, [...(fired.get(id) ?? []), said]);
		}
		const expected = keys.flatMap((key) => dues.map((due) => `${key} ${due}`));
		const faults: string[] = [];
		const states: Record<string, number> = {};
		for (const id of expected) {
			const messages = fired.get(id) ?? [];
			const state = known.get(id)?.state ?? 'none';
			states[state] = (states[state] ?? 0) + 1;
			const right = (state === 'fired' && messages.length === 1) || (state === 'uncertain' && messages.length <= 1);
			if (!right)
				faults.push(`${id}: ${state}, published by ${messages.map((one) => one.by).join(' and ') || 'nobody'}`);
		}
		faults.push(...[...fired.keys()].filter((id) => !expected.includes(id)).map((id) => `${id} was never due`));
		expect({ seed, done, states, faults }).toMatchObject({ faults: [] });
		// The storm was one: the right has changed hands again and again, and most due times were fired all the same.
		expect(Number(must(await keyspace.call('GET', `${prefix}fence`)))).toBeGreaterThan(5);
		expect(done.killed).toBeGreaterThan(0);
		expect(states.fired).toBeGreaterThan(expected.length / 2);
	},
	LONG ? 1_200_000 : 240_000,
);
