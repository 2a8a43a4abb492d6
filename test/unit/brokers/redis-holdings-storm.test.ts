/**
 * What Warren holds in Redis in a storm, by a clock that a test moves: connections are lost before or after a command was carried out,
 * Redis refuses, the session lapses, prefetches change and consumptions come and go. When it is over every message was acknowledged,
 * no held one was handed out twice, and nothing is written down as held. What goes wrong names its seed.
 */
import { expect, it } from 'vitest';
import type { Delivery } from '#main/brokers/driver.ts';
import { Bindings } from '#main/brokers/redis/bindings.ts';
import { RedisConsumption } from '#main/brokers/redis/consumption.ts';
import { Holdings } from '#main/brokers/redis/holdings.ts';
import { Keys } from '#main/brokers/redis/keys.ts';
import type { Link } from '#main/brokers/redis/link.ts';
import { Session } from '#main/brokers/session.ts';
import { silentLog } from '#main/domain/log.ts';
import { fail, ok } from '#main/domain/result.ts';
import { KOMBU_DEFAULTS } from '#main/profiles/redis-broker.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { memoryRedis } from './memory-redis.ts';

const SEEDS = process.env.WARREN_LONG === undefined ? 40 : 2_000;
const MESSAGES = 40;
const QUEUES = ['one', 'two'];

/** What went wrong in one storm, in words. */
async function storm(seed: number): Promise<readonly string[]> {
	const random = randomFrom(seed);
	const time = manualClock();
	const faults = new Set<string>();
	const keys = new Keys(KOMBU_DEFAULTS);
	const redis = memoryRedis(time.now);
	let refuse = 0;
	let cut = 0;
	const dial = async (): Promise<Link> => {
		const ended = Promise.withResolvers<string>();
		let alive = true;
		const lose = () => {
			alive = false;
			ended.resolve('cut');
		};
		const lost = () => fail('unreachable', 'cut', { details: { sent: true } });
		const ask = async (run: () => unknown) => {
			if (!alive) return lost();
			if (random() < cut) {
				// Redis may still carry it out, even after the next connection has begun.
				const late = random();
				if (late < 0.3) run();
				else if (late < 0.6) time.after(random() * 5_000, run);
				lose();
				return lost();
			}
			if (random() < refuse) return fail('refused', 'BUSY', { details: { sent: false, reply: 'BUSY' } });
			const value = run();
			for (let turns = Math.floor(random() * 3); turns > 0; turns -= 1) await Promise.resolve();
			return alive ? ok(value) : lost();
		};
		const link = {
			server: 'Redis',
			alive: () => alive,
			closed: ended.promise,
			close: async () => lose(),
			bytes: (command: readonly (string | number)[]) => ask(() => redis.command(command)),
			script: (script: { name: string }, names: string[], args: (string | number | Buffer)[]) =>
				ask(() => redis.script(script.name, names, args)),
		};
		lines.push(link);
		return link as unknown as Link;
	};
	const lines: { close(): Promise<void> }[] = [];
	const session = new Session<Link>({
		dial,
		problem: () => ({ kind: 'unreachable', reason: 'no' }),
		unreachable: () => fail('unreachable', 'no'),
		password: async () => null,
		clock: time,
		log: silentLog,
		name: 'storm',
	});
	const holdings = new Holdings({ keys, clock: time, log: silentLog, visibilityMs: 3_600_000 });
	session.onLink((link) => {
		if (holdings.used) void holdings.open(link);
	});
	const bindings = new Bindings(keys, time);
	const acked = new Set<string>();
	/** By message, who holds it by which connection, since which lapse. */
	const held = new Map<string, { readonly by: Link | null; readonly lapse: number; readonly delivery: Delivery }>();
	let lapses = 0;
	const consume = (queue: string) =>
		new RedisConsumption(
			{
				queue,
				prefetch: 1 + Math.floor(random() * 5),
				onDelivery: (delivery) => {
					const id = String(delivery.message.properties.correlationId);
					const before = held.get(id);
					if (acked.has(id)) faults.add(`${id} came again after it was acknowledged`);
					if (before?.by != null && before.by === session.link() && before.lapse === lapses) {
						faults.add(`${id} was handed out while it was held`);
					}
					held.set(id, { by: session.link(), lapse: lapses, delivery });
				},
			},
			{ session, holdings, bindings, clock: time, log: silentLog, disposed: () => undefined },
		);
	const settle = async (id: string, how: 'ack' | 'release') => {
		const one = held.get(id);
		if (one === undefined) return;
		held.delete(id);
		if ((await one.delivery[how]()).ok && how === 'ack') acked.add(id);
	};
	for (const queue of QUEUES) redis.bind(keys.binding(queue), keys.member({ routingKey: queue, pattern: '', queue }));
	session.connect();
	const consumptions = QUEUES.map((queue) => consume(queue));
	for (let sent = 0; sent < MESSAGES; ) {
		for (let more = Math.ceil(random() * 4); more > 0 && sent < MESSAGES; more -= 1, sent += 1) {
			redis.publish(QUEUES[sent % 2] as string, `m${sent}`);
		}
		const dice = random();
		if (dice < 0.2) [refuse, cut] = [random() < 0.5 ? 0 : random() * 0.5, random() < 0.5 ? 0 : random() * 0.2];
		else if (dice < 0.3) [refuse, cut] = [0, 0];
		else if (dice < 0.4) void lines.at(-1)?.close();
		else if (dice < 0.5) {
			lapses += 1;
			redis.lapse();
		} else if (dice < 0.65) void consumptions[Math.floor(random() * 2)]?.setPrefetch(1 + Math.floor(random() * 6));
		else if (dice < 0.75) {
			const at = Math.floor(random() * 2);
			await Promise.all([consumptions[at]?.[Symbol.asyncDispose](), time.advance(4_000)]);
			for (const [id, one] of held) if (one.delivery.message.queue === QUEUES[at]) held.delete(id);
			consumptions[at] = consume(QUEUES[at] as string);
		}
		for (const id of [...held.keys()]) if (random() < 0.4) void settle(id, random() < 0.7 ? 'ack' : 'release');
		await time.advance(Math.round(random() * 1_500));
	}
	[refuse, cut] = [0, 0];
	for (let round = 0; round < 30 && redis.left() > 0; round += 1) {
		await time.advance(2_000);
		for (const id of [...held.keys()]) void settle(id, 'ack');
	}
	await time.advance(1_000);
	if (redis.left() > 0) faults.add(`${redis.left()} messages were never settled: ${redis.where()}`);
	const ended = Promise.all(consumptions.map((one) => one[Symbol.asyncDispose]())).then(async () => {
		const signal = new AbortController().signal;
		await session[Symbol.asyncDispose]();
		await session.next(signal);
	});
	await time.advance(5_000);
	await ended;
	return [...faults];
}

it('settles every message once whatever happens to the connection, and leaves nothing written down as held', async () => {
	const wrong: string[] = [];
	for (let seed = 1; seed <= SEEDS && wrong.length < 5; seed += 1) {
		for (const fault of await storm(seed)) wrong.push(`seed ${seed}: ${fault}`);
	}
	expect(wrong).toEqual([]);
}, 600_000);
