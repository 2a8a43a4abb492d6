/** django-q's lists behind the driver interface: what of a driver's promises applies to them, and what only they have. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { createPacketDriver } from '#main/brokers/redis/packets/driver.ts';
import type { Fate, Settled, SiftOptions, WaitingMessage } from '#main/brokers/waiting.ts';
import { systemClock } from '#main/domain/clock.ts';
import { silentLog } from '#main/domain/log.ts';
import { parseBroker } from '#main/profiles/address.ts';
import { bodyText, must, toQueue } from '../support/brokers.ts';
import { openKeyspace } from '../support/keyspaces.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { waitFor } from '../support/wait.ts';

let redis: RedisServer;
let keyspace: Keyspace;
let driver: BrokerDriver;
let made = 0;

/** What stands before the first dot is a packet's id here. */
const idOf = (packet: Uint8Array) => Buffer.from(packet).toString('latin1').split('.')[0] || null;

function newDriver(): BrokerDriver {
	const { address } = must(parseBroker(redis.url));
	if (address.kind !== 'redis') throw new Error('The server has no URL of Redis.');
	const options = { address, password: async () => null, clock: systemClock, log: silentLog, clientName: 'packets' };
	return createPacketDriver({ ...options, idOf });
}

beforeAll(async () => {
	redis = await startRedis({ own: true });
	keyspace = await openKeyspace(redis.url);
	driver = newDriver();
	driver.connect();
	must(await driver.ready(20_000));
});
afterAll(async () => {
	await driver?.[Symbol.asyncDispose]();
	await keyspace?.[Symbol.asyncDispose]();
	await redis?.[Symbol.asyncDispose]();
});

async function filled(bodies: readonly string[]): Promise<string> {
	made += 1;
	const name = `site ${made}`;
	for (const body of bodies) must(await driver.publish(toQueue(name, body)));
	return name;
}
const door = () => {
	if (driver.packets === undefined) throw new Error('The driver has no packets.');
	return driver.packets;
};
const look = async (name: string) => must(await driver.look(name, { limit: 1_000, deadlineMs: 10_000 })).messages;
const bodiesIn = async (name: string) => (await look(name)).map(bodyText);
const numbers = (count: number) => Array.from({ length: count }, (_, at) => `p${String(at).padStart(4, '0')}.x`);

async function siftEach(
	name: string,
	fate: (message: WaitingMessage) => Fate,
	more: Partial<SiftOptions> = {},
): Promise<{ readonly kinds: readonly Settled['kind'][]; readonly seen: readonly string[] }> {
	const kinds: Settled['kind'][] = [];
	const seen: string[] = [];
	must(
		await driver.sift(name, {
			scanLimit: 100_000,
			deadlineMs: 60_000,
			batch: 7,
			takesAll: false,
			signal: new AbortController().signal,
			decide: async (batch) => {
				seen.push(...batch.map(bodyText));
				return batch.map(fate);
			},
			settled: async (settled) => {
				kinds.push(...settled.map(({ kind }) => kind));
			},
			...more,
		}),
	);
	return { kinds, seen };
}

/** A cluster's way of taking: `BLPOP`, as fast as it can. Ends when told. */
async function popAll(name: string, taken: string[], until: () => boolean): Promise<void> {
	while (!until()) {
		const one = must(await keyspace.call('LPOP', `django_q:${name}:q`));
		if (typeof one === 'string') taken.push(one);
		else await new Promise((resolve) => setImmediate(resolve));
	}
}

describe("the driver of django-q's lists", () => {
	it('lays packets at the end of their list, byte for byte, and counts them', async () => {
		const name = await filled(['a.1', 'b.2']);
		expect(must(await keyspace.call('LRANGE', `django_q:${name}:q`, 0, -1))).toEqual(['a.1', 'b.2']);
		expect(await look(name)).toMatchObject([
			{ queue: name, exchange: '', routingKey: name, properties: { messageId: 'a' }, redelivered: false },
			{ properties: { messageId: 'b' } },
		]);
		expect(must(await driver.queues([name, 'nobody']))).toMatchObject([
			{ name, exists: true, ready: 2, unacked: 0, consumers: null },
			{ name: 'nobody', exists: true, ready: 0 },
		]);
		expect(must(await driver.queues([])).map((queue) => queue.name)).toContain(name);
	});

	it('keeps bytes that are no text', async () => {
		const name = await filled([]);
		const body = Uint8Array.from({ length: 256 }, (_, byte) => byte);
		must(await driver.publish({ exchange: '', routingKey: name, properties: {}, body }));
		const [message] = await look(name);
		expect(Buffer.from(message?.body ?? []).equals(body)).toBe(true);
	});

	it('refuses exchanges, consuming, and what is no list, with words, and goes on', async () => {
		const name = await filled([]);
		expect(await driver.publish({ ...toQueue(name, 'x'), exchange: 'e' })).toMatchObject({
			ok: false,
			error: { code: 'not-found', details: { outcome: 'not-sent' } },
		});
		expect(await driver.consume({ queue: name, prefetch: 1, onDelivery: () => undefined })).toMatchObject({
			ok: false,
			error: { code: 'unsupported', message: expect.stringContaining('qcluster') },
		});
		must(await keyspace.call('SET', `django_q:${name}:q`, 'text'));
		expect(await driver.look(name, { limit: 1, deadlineMs: 5_000 })).toMatchObject({
			ok: false,
			error: { code: 'refused', message: expect.stringContaining('no list') },
		});
		const other = await filled(['a']);
		expect(await bodiesIn(other)).toEqual(['a']);
	});

	it('says unreachable, and that nothing was sent, while nobody asked for the connection', async () => {
		const idle = newDriver();
		expect(await idle.publish(toQueue('x', 'y'))).toMatchObject({
			ok: false,
			error: { code: 'unreachable', details: { outcome: 'not-sent' } },
		});
	});

	it('removes by id the first of those that share it, and hands back its bytes', async () => {
		const name = await filled(['a.1', 'b.2', 'a.3']);
		const removed = must(await driver.remove(name, new Set(['a', 'nobody']), { scanLimit: 100, deadlineMs: 10_000 }));
		expect(removed.map(bodyText)).toEqual(['a.1']);
		expect(await bodiesIn(name)).toEqual(['b.2', 'a.3']);
	});

	it('removes one of equal packets, not both', async () => {
		const name = await filled(['a.1', 'a.1', 'b.2']);
		must(await driver.remove(name, new Set(['a']), { scanLimit: 100, deadlineMs: 10_000 }));
		expect(await bodiesIn(name)).toEqual(['a.1', 'b.2']);
	});

	it('shows a window of a long list by places', async () => {
		const all = numbers(2_500);
		const name = await filled([]);
		must(await keyspace.call('RPUSH', `django_q:${name}:q`, ...all));
		const window = must(await door().window(name, 1_200, 50));
		expect(window.length).toBe(2_500);
		expect(window.packets.map((packet) => Buffer.from(packet).toString())).toEqual(all.slice(1_200, 1_250));
		expect(must(await door().window(name, 2_490, 500)).packets).toHaveLength(10);
		expect(must(await door().window(name, 9_999, 5))).toEqual({ packets: [], length: 2_500 });
	});

	it('answers large packets a few at a time', async () => {
		const name = await filled(Array.from({ length: 6 }, (_, at) => `${at}.${'x'.repeat(1_500_000)}`));
		const first = must(await door().window(name, 0, 100));
		expect(first.packets.length).toBeLessThan(6);
		expect(await look(name)).toHaveLength(6);
	});
});

describe("acts on packets in django-q's lists", () => {
	it('move one to run next, last, or to another list, and only while it is there', async () => {
		const name = await filled(['a.1', 'b.2', 'c.3', 'd.4']);
		const only = (ids: string, by: (message: WaitingMessage) => Fate) =>
			siftEach(name, (message) => (ids.includes(bodyText(message)[0] ?? '') ? by(message) : { kind: 'leave' }));
		await only('cd', (message) => ({ kind: 'replace', by: { ...message }, next: true }));
		// In the order in which they waited.
		expect(await bodiesIn(name)).toEqual(['c.3', 'd.4', 'a.1', 'b.2']);
		await only('c', (message) => ({ kind: 'replace', by: { ...message, routingKey: `${name}:held` } }));
		expect(await bodiesIn(name)).toEqual(['d.4', 'a.1', 'b.2']);
		expect(await bodiesIn(`${name}:held`)).toEqual(['c.3']);
		const gone = await siftEach(name, () => ({ kind: 'leave' }), {
			decide: async (found) => {
				must(await keyspace.call('DEL', `django_q:${name}:q`));
				return found.map((message): Fate => ({ kind: 'replace', by: { ...message }, next: true }));
			},
		});
		expect(gone.kinds).toEqual(['gone', 'gone', 'gone']);
		expect(await bodiesIn(name)).toEqual([]);
	});

	it('leave a packet where it is when the other key is no list', async () => {
		const name = await filled(['a.1']);
		must(await keyspace.call('SET', 'django_q:taken:q', 'text'));
		for (const how of [{}, { next: true }] as const) {
			const { kinds } = await siftEach(name, (one) => ({
				kind: 'replace',
				by: { ...one, routingKey: 'taken' },
				...how,
			}));
			expect(kinds).toEqual(['failed']);
		}
		expect(await bodiesIn(name)).toEqual(['a.1']);
	});

	it('see all once, next first, and leave the others in their order', async () => {
		const name = await filled(numbers(23));
		const odd = (message: WaitingMessage) => Number(bodyText(message).slice(1, 5)) % 2 === 1;
		const { seen, kinds } = await siftEach(name, (message) => ({ kind: odd(message) ? 'remove' : 'leave' }));
		expect(seen).toEqual(numbers(23));
		expect(kinds.filter((kind) => kind === 'removed')).toHaveLength(11);
		expect(await bodiesIn(name)).toEqual(numbers(23).filter((_, at) => at % 2 === 0));
	});

	it('put back what was kept, byte for byte', async () => {
		const name = await filled(['a.1', 'b.2']);
		const kept = await look(name);
		expect(new Set(kept.map(({ print }) => print)).size).toBe(2);
		expect(must(await driver.clear(name))).toBe(2);
		expect(await bodiesIn(name)).toEqual([]);
		for (const message of kept) must(await driver.putBack(name, message));
		expect((await look(name)).map(({ print }) => print)).toEqual(kept.map(({ print }) => print));
	});

	it('against a busy cluster never lose or double a packet, whatever they do', async () => {
		const all = numbers(3_000);
		const [name, taken, removed] = [await filled([]), [] as string[], [] as string[]];
		must(await keyspace.call('RPUSH', `django_q:${name}:q`, ...all));
		let done = false;
		const popping = popAll(name, taken, () => done);
		await waitFor('the cluster to begin', () => taken.length > 5);
		let batch: readonly string[] = [];
		await siftEach(name, () => ({ kind: 'leave' }), {
			decide: async (found) => {
				batch = found.map(bodyText);
				return found.map((message): Fate => {
					const number = Number(bodyText(message).slice(1, 5));
					if (number % 3 === 0) return { kind: 'remove' };
					return number % 3 === 1
						? { kind: 'replace', by: { ...message, routingKey: `${name}:held` } }
						: { kind: 'leave' };
				});
			},
			settled: async (settled) => {
				settled.forEach(({ kind }, at) => {
					if (kind === 'removed') removed.push(batch[at] ?? '');
				});
			},
		});
		// Some of what is held goes back to run next.
		let back = 0;
		await siftEach(`${name}:held`, (message) => {
			back += 1;
			return back > 100 ? { kind: 'leave' } : { kind: 'replace', by: { ...message, routingKey: name }, next: true };
		});
		await waitFor('the list to be empty', async () => must(await driver.queues([name]))[0]?.ready === 0);
		done = true;
		await popping;
		const held: string[] = must(await keyspace.call('LRANGE', `django_q:${name}:held:q`, 0, -1)) as string[];
		expect([...taken, ...removed, ...held].sort()).toEqual(all);
	});
});
