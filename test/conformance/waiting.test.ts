/** Acts on waiting messages, as every driver promises them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { Fate, Settled, SiftOptions, WaitingMessage } from '#main/brokers/waiting.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import { type Bench, bodyText, must, startBench, take, toQueue } from '../support/brokers.ts';
import { uniqueName } from '../support/rabbitmq.ts';
import { waitFor } from '../support/wait.ts';

/** A sift that decides each message by itself, and what came of it by body. */
async function siftEach(
	driver: BrokerDriver,
	queue: string,
	fate: (message: WaitingMessage) => Fate,
	more: Partial<SiftOptions> = {},
) {
	const seen: string[] = [];
	const outcomes = new Map<string, Settled['kind'][]>();
	let bodies: readonly string[] = [];
	const end = await driver.sift(queue, {
		scanLimit: 10_000,
		deadlineMs: 30_000,
		batch: 4,
		takesAll: false,
		signal: new AbortController().signal,
		decide: async (batch) => {
			bodies = batch.map(bodyText);
			seen.push(...bodies);
			return batch.map(fate);
		},
		settled: async (settled) => {
			settled.forEach(({ kind }, at) => {
				const body = bodies[at] ?? '';
				outcomes.set(body, [...(outcomes.get(body) ?? []), kind]);
			});
		},
		...more,
	});
	return { end, seen, outcomes };
}

const leave: Fate = { kind: 'leave' };
const remove: Fate = { kind: 'remove' };

describe.each(['rabbitmq', 'embedded', 'redis'] as const)('waiting messages of the %s driver', (kind) => {
	let bench: Bench;
	let driver: BrokerDriver;
	beforeAll(async () => {
		bench = await startBench(kind);
		driver = await bench.driver();
	});
	afterAll(async () => {
		await bench?.[Symbol.asyncDispose]();
	});

	async function queue(maxPriority: number | null = null): Promise<string> {
		const name = uniqueName('q');
		must(await driver.ensureQueue({ queue: name, durable: true, maxPriority, carrotExchange: false }));
		return name;
	}
	async function filled(bodies: readonly string[]): Promise<string> {
		const name = await queue();
		for (const body of bodies) must(await driver.publish(toQueue(name, body, { messageId: `id-${body}` })));
		return name;
	}
	const look = async (name: string) => must(await driver.look(name, { limit: 1_000, deadlineMs: 10_000 })).messages;
	const bodiesIn = async (name: string) => (await look(name)).map(bodyText);
	const numbers = (count: number) => Array.from({ length: count }, (_, at) => `m${String(at).padStart(3, '0')}`);

	it('have a print that stays the same from look to look', async () => {
		const name = await filled(['a', 'b']);
		const first = await look(name);
		const second = await look(name);
		expect(second.map(({ print }) => print)).toEqual(first.map(({ print }) => print));
		expect(new Set(first.map(({ print }) => print)).size).toBe(2);
	});

	it('of one id are told apart by their bytes', async () => {
		const name = await queue();
		for (const body of ['one', 'two']) must(await driver.publish(toQueue(name, body, { messageId: 'same' })));
		const meant = (await look(name)).find((message) => bodyText(message) === 'two')?.print;
		const { outcomes } = await siftEach(driver, name, ({ print }) => (print === meant ? remove : leave));
		expect([...outcomes]).toEqual([
			['one', ['left']],
			['two', ['removed']],
		]);
		expect(await bodiesIn(name)).toEqual(['one']);
	});

	it('are all seen once, next first, and stay as they were when all are left', async () => {
		const name = await filled(numbers(11));
		const { end, seen } = await siftEach(driver, name, () => leave);
		expect(must(end)).toEqual({ scanned: 11, ended: 'end' });
		expect(seen).toEqual(numbers(11));
		expect(await bodiesIn(name)).toEqual(numbers(11));
	});

	it('go where they are told, and the others keep their order', async () => {
		const name = await filled(numbers(12));
		const odd = (message: WaitingMessage) => Number(bodyText(message).slice(1)) % 2 === 1;
		const { outcomes } = await siftEach(driver, name, (message) => (odd(message) ? remove : leave));
		expect([...outcomes.values()].flat().filter((one) => one === 'removed')).toHaveLength(6);
		expect(await bodiesIn(name)).toEqual(numbers(12).filter((_, at) => at % 2 === 0));
	});

	it('are kept before they are removed: nothing has gone while the decision is made', async () => {
		const name = await filled(['a', 'b', 'c']);
		const other = await bench.driver();
		const counts: (number | null)[] = [];
		await siftEach(driver, name, () => remove, {
			takesAll: true,
			decide: async (batch) => {
				const [figures] = must(await other.queues([name]));
				// RabbitMQ counts only what is not handed out, and a message in hand is not lost: it is given back.
				counts.push(kind === 'rabbitmq' ? batch.length : (figures?.ready ?? null));
				return null;
			},
		});
		expect(counts).toEqual([3]);
		expect(await bodiesIn(name)).toEqual(['a', 'b', 'c']);
	});

	it('are replaced by messages elsewhere, properties and all', async () => {
		const [from, to] = [await filled(numbers(9)), await queue()];
		const moved = (message: WaitingMessage): OutgoingMessage => ({ ...message, exchange: '', routingKey: to });
		const { outcomes } = await siftEach(driver, from, (message) => ({ kind: 'replace', by: moved(message) }));
		expect(new Set([...outcomes.values()].flat())).toEqual(new Set(['replaced']));
		expect(await bodiesIn(from)).toEqual([]);
		const there = await look(to);
		expect(there.map(bodyText)).toEqual(numbers(9));
		expect(there[3]).toMatchObject({
			queue: to,
			routingKey: to,
			properties: { messageId: 'id-m003', deliveryMode: 2 },
		});
	});

	it('stay where they are when nothing takes their replacement', async () => {
		const name = await filled(['a', 'b']);
		const nowhere = uniqueName('nobody');
		const by = (message: WaitingMessage): OutgoingMessage => ({ ...message, exchange: '', routingKey: nowhere });
		const { outcomes } = await siftEach(driver, name, (message) => ({ kind: 'replace', by: by(message) }));
		expect([...outcomes.values()].flat()).toEqual(['failed', 'failed']);
		expect(await bodiesIn(name)).toEqual(['a', 'b']);
	});

	it('are gone through no further than the limit, and not at all once it was called off', async () => {
		const name = await filled(numbers(8));
		const limited = await siftEach(driver, name, () => leave, { scanLimit: 5 });
		expect(must(limited.end)).toEqual({ scanned: 5, ended: 'limit' });
		const aborted = await siftEach(driver, name, () => remove, { signal: AbortSignal.abort() });
		expect(must(aborted.end)).toEqual({ scanned: 0, ended: 'stopped' });
		expect(await bodiesIn(name)).toEqual(numbers(8));
	});

	it('that a worker takes meanwhile are its own, once: nothing is lost and nothing doubled', async () => {
		const all = numbers(300);
		const [from, to] = [await filled(all), await queue()];
		const other = await bench.driver();
		const taken: string[] = [];
		await using _worker = await take(other, from, 3, (delivery) => {
			taken.push(bodyText(delivery.message));
			void delivery.ack();
		});
		await waitFor('the worker to begin', () => taken.length > 5);
		await siftEach(driver, from, (message) => ({ kind: 'replace', by: { ...message, exchange: '', routingKey: to } }), {
			batch: 7,
		});
		await waitFor('the queue to be empty', async () => {
			const [figures] = must(await driver.queues([from]));
			return figures?.ready === 0 && (figures.unacked ?? 0) === 0;
		});
		const moved = (await look(to)).map(bodyText);
		expect([...taken, ...moved].sort()).toEqual(all);
	});

	it('that were kept are put back, byte for byte and in their order', async () => {
		const name = await queue(9);
		const header = ['n', { type: 'int64', text: '9007199254740993' }] as const;
		for (const body of ['a', 'b', 'c']) {
			must(await driver.publish(toQueue(name, body, { messageId: body, headers: [header], priority: 3 })));
		}
		const before = await look(name);
		const kept: WaitingMessage[] = [];
		await siftEach(driver, name, (message) => {
			kept.push(message);
			return remove;
		});
		expect(await bodiesIn(name)).toEqual([]);
		for (const message of kept) must(await driver.putBack(name, message));
		const after = await look(name);
		expect(after.map(({ print, properties }) => [print, properties])).toEqual(
			before.map(({ print, properties }) => [print, properties]),
		);
	});

	it('are destroyed at once by the broker itself, when that is what is asked for', async () => {
		const name = await filled(numbers(20));
		expect(must(await driver.clear(name))).toBe(20);
		expect(await bodiesIn(name)).toEqual([]);
		expect(await driver.clear(uniqueName('no'))).toMatchObject({ ok: false, error: { code: 'not-found' } });
	});

	it('of a queue that is not there are not-found', async () => {
		const { end } = await siftEach(driver, uniqueName('no'), () => leave);
		expect(end).toMatchObject({ ok: false, error: { code: 'not-found' } });
	});
});
