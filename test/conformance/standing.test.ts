/** A driver that goes on over another one: what its holders see, over each broker. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StandingDriver } from '#main/brokers/standing-driver.ts';
import { systemClock } from '#main/domain/clock.ts';
import { silentLog } from '#main/domain/log.ts';
import { type Bench, bodyText, must, startBench, take, toQueue } from '../support/brokers.ts';
import { uniqueName } from '../support/rabbitmq.ts';
import { waitFor } from '../support/wait.ts';

describe.each(['rabbitmq', 'embedded', 'redis'] as const)('a standing driver over %s', (kind) => {
	let bench: Bench;
	beforeAll(async () => {
		bench = await startBench(kind);
	});
	afterAll(async () => {
		await bench?.[Symbol.asyncDispose]();
	});

	/** A connected one, with a queue of its own. */
	async function standing() {
		const driver = new StandingDriver(bench.idleDriver(), { clock: systemClock, log: silentLog });
		driver.connect();
		must(await driver.ready(20_000));
		const queue = uniqueName('q');
		must(await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: false }));
		const send = async (body: string) => must(await driver.publish(toQueue(queue, body, { messageId: body })));
		return { driver, queue, send };
	}

	it('hands out again what was held, and goes on with the intent as it is by then', async () => {
		const { driver, queue, send } = await standing();
		await using _end = driver;
		await using taker = await take(driver, queue, 1);
		await send('first');
		await send('second');
		const [held] = await taker.got(1);
		must(await taker.consumption.setPrefetch(2));
		await taker.got(2);
		driver.replace(bench.idleDriver());
		await taker.got(4);
		expect(await held?.ack()).toMatchObject({ ok: false, error: { code: 'gone' } });
		expect(taker.bodies().slice(2).toSorted()).toEqual(['first', 'second']);
		for (const delivery of taker.deliveries.slice(2)) must(await delivery.ack());
		await send('third');
		await taker.got(5);
		expect(bodyText(taker.deliveries[4]?.message ?? { body: new Uint8Array() })).toBe('third');
		expect(taker.problems.at(-1)).toBeNull();
	});

	it('loses nothing over many replacements in a row, and tells its state as it is', async () => {
		const { driver, queue, send } = await standing();
		await using _end = driver;
		const acked = new Set<string>();
		const states: string[] = [];
		using _watch = driver.onState((state) => {
			expect(state).toEqual(driver.state());
			states.push(state.kind);
		});
		await using _taker = await take(driver, queue, 3, (delivery) => {
			void delivery.ack().then((done) => done.ok && acked.add(bodyText(delivery.message)));
		});
		for (let round = 0; round < 6; round += 1) {
			await send(`message ${round}`);
			driver.replace(bench.idleDriver());
			// Every other time the next one comes before this one is connected.
			if (round % 2 === 0) must(await driver.ready(20_000));
		}
		must(await driver.ready(20_000));
		await waitFor('all to be taken', async () => {
			const [figures] = must(await driver.queues([queue]));
			return acked.size === 6 && figures?.ready === 0;
		});
		expect(states.at(-1)).toBe('connected');
		expect(states).toContain('connecting');
	});

	it('sets up nothing that was cancelled, disposed of, or asked for after its end', async () => {
		const { driver, queue, send } = await standing();
		const cancelled = await take(driver, queue, 1);
		await cancelled.consumption.cancel();
		const disposed = await take(driver, queue, 1);
		await disposed.consumption[Symbol.asyncDispose]();
		const ready = driver.ready(20_000);
		driver.replace(bench.idleDriver());
		must(await ready);
		await using last = await take(driver, queue, 1);
		await send('only');
		await last.got(1);
		must((await last.deliveries[0]?.ack()) ?? { ok: false, error: { code: 'gone', message: '', retryable: false } });
		expect([cancelled.deliveries, disposed.deliveries]).toEqual([[], []]);
		await driver[Symbol.asyncDispose]();
		driver.replace(bench.idleDriver());
		expect((await driver.ready(10)).ok).toBe(false);
		expect(driver.state().kind).toBe('idle');
	});

	it('waits for the driver that is there by then', async () => {
		const driver = new StandingDriver(bench.idleDriver(), { clock: systemClock, log: silentLog });
		await using _end = driver;
		driver.connect();
		const ready = driver.ready(60_000);
		driver.replace(bench.idleDriver());
		must(await ready);
		expect(driver.state().kind).toBe('connected');
		expect(driver.kind).toBe(kind);
	});
});
