/**
 * Redis behind the driver interface, as kombu's transport (Celery's) lays messages there. Two connections, each opened when first
 * needed: one that takes, publishes and counts (its state is the driver's), one that looks, whose answers may be large.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import type { OutgoingMessage } from '../../domain/message.ts';
import type { RedisBrokerAddress } from '../../domain/profile.ts';
import type { LookCost, QueueDeclaration } from '../../domain/queue.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import {
	type Asides,
	type BrokerCapabilities,
	type BrokerDriver,
	CELERY_ASIDES,
	type ConsumeIntent,
	type Consumption,
} from '../driver.ts';
import type { Session } from '../session.ts';
import { SessionDriver } from '../session-driver.ts';
import type { KeptMessage, SiftEnd, SiftOptions } from '../waiting.ts';
import { Bindings } from './bindings.ts';
import { RedisConsumption } from './consumption.ts';
import { writeEntry } from './envelope.ts';
import { queueFigures } from './figures.ts';
import { Holdings } from './holdings.ts';
import { channelOf, HIGHEST_PRIORITY, Keys } from './keys.ts';
import type { Link } from './link.ts';
import { look, remove } from './lists.ts';
import { redisSession } from './sessions.ts';
import { clearLists, sift } from './sift.ts';
import { RedisUnacked } from './unacked.ts';

/** Until a question waits for a connection in vain, in ms. */
const CONNECT_DEADLINE = 10_000;
/** A body over this does not become one entry: Redis's own limit is 512 MB, and base64 makes four bytes of three. */
const LARGEST_BODY = 256 * 1024 * 1024;

const CAPABILITIES: BrokerCapabilities = {
	listsQueues: true,
	countsUnacked: true,
	look: 'free',
	removesSingle: true,
	replacesAtOnce: true,
	maxPriority: HIGHEST_PRIORITY,
	firstPriority: 'lowest',
	countsConsumers: false,
};
const FREE: LookCost = { kind: 'free', words: 'Looking changes nothing here: Redis answers with copies.' };

export interface RedisDriverOptions {
	readonly address: RedisBrokerAddress;
	/** Asked for at each connect; null: none was given. */
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly log: Log;
	/** How Warren's connections are called in Redis's own tools. */
	readonly clientName: string;
	/** Exchanges that carry no tasks; default: as Celery calls them. */
	readonly asides?: Asides;
}

/** Makes a driver; `connect` starts it. */
export function createRedisDriver(options: RedisDriverOptions): BrokerDriver {
	return new RedisDriver(options);
}

class RedisDriver extends SessionDriver<Link> implements BrokerDriver {
	readonly kind = 'redis';
	readonly capabilities = CAPABILITIES;
	readonly #options: RedisDriverOptions;
	readonly #keys: Keys;
	readonly #bindings: Bindings;
	readonly #looking: Session<Link>;
	readonly #holdings: Holdings;
	readonly unacked: RedisUnacked;
	readonly #consumptions = new Set<RedisConsumption>();

	constructor(options: RedisDriverOptions) {
		super(redisSession(options, ''), 'Redis');
		this.#options = options;
		const { address, clock, log } = options;
		this.#keys = new Keys(address);
		this.#bindings = new Bindings(this.#keys, clock);
		this.#looking = redisSession(options, ', looking');
		const link = (deadlineMs: number) => this.#lookingLink(deadlineMs);
		const { replies } = options.asides ?? CELERY_ASIDES;
		this.unacked = new RedisUnacked({ keys: this.#keys, bindings: this.#bindings, replies, clock, link });
		this.#holdings = new Holdings({ keys: this.#keys, clock, log, visibilityMs: address.visibilityTimeout * 1000 });
		// What was held by the connection that was lost goes back, whether or not anybody still consumes.
		this.main.onLink((link) => {
			if (this.#holdings.used) void this.#holdings.open(link);
		});
	}

	async queues(names: readonly string[]) {
		const link = await this.link(CONNECT_DEADLINE);
		if (!link.ok) return link;
		return queueFigures(link.value, names, {
			keys: this.#keys,
			bindings: this.#bindings,
			events: (this.#options.asides ?? CELERY_ASIDES).events,
			now: this.#options.clock.now,
		});
	}

	lookCost(): Promise<Result<LookCost>> {
		return Promise.resolve(ok(FREE));
	}

	async look(queue: string, options: { readonly limit: number; readonly deadlineMs: number }) {
		const link = await this.#lookingLink(options.deadlineMs);
		if (!link.ok) return link;
		const { clock } = this.#options;
		const messages = await look(link.value, queue, { ...options, keys: this.#keys, bindings: this.#bindings, clock });
		return messages.ok ? ok({ messages: messages.value, cost: FREE }) : messages;
	}

	async publish(message: OutgoingMessage): Promise<Result<void>> {
		const idle = this.idle();
		if (idle !== null) return idle;
		const link = await this.link(CONNECT_DEADLINE);
		if (!link.ok) return outcome(link, 'not-sent');
		const routed = await this.#route(link.value, message);
		if (!routed.ok) return routed;
		const { entry, queues, lists } = routed.value;
		const [first, ...more] = lists;
		if (first === undefined) return fail('internal', 'A message was routed nowhere.');
		const laid =
			more.length === 0
				? await link.value.bytes(['LPUSH', first, entry])
				: await link.value.script(LAY, lists, [entry]);
		if (!laid.ok) return outcome(laid, laid.error.details?.sent === true ? 'unknown' : 'not-sent');
		for (const consumption of this.#consumptions) if (queues.includes(consumption.queue)) consumption.nudge();
		return ok(undefined);
	}

	async broadcast(message: OutgoingMessage): Promise<Result<void>> {
		const link = await this.link(CONNECT_DEADLINE);
		if (!link.ok) return link;
		const entry = writeEntry(message, randomUUID());
		if (!entry.ok) return entry;
		const { address } = this.#options;
		const channel = channelOf(address, message.exchange);
		const keyed = address.fanoutPatterns === false ? channel : `${channel}/${message.routingKey}`;
		const told = await link.value.bytes(['PUBLISH', keyed, entry.value]);
		return told.ok ? ok(undefined) : told;
	}

	async remove(
		queue: string,
		messageIds: ReadonlySet<string>,
		options: { readonly scanLimit: number; readonly deadlineMs: number },
	) {
		const link = await this.#lookingLink(options.deadlineMs);
		if (!link.ok) return link;
		if (messageIds.size === 0) return ok([]);
		return remove(link.value, queue, messageIds, { ...options, keys: this.#keys, clock: this.#options.clock });
	}

	async sift(queue: string, options: SiftOptions): Promise<Result<SiftEnd>> {
		const found = await this.#lookingLink(CONNECT_DEADLINE);
		if (!found.ok) return found;
		const [link, keys, bindings, { clock }] = [found.value, this.#keys, this.#bindings, this.#options];
		return sift(queue, options, { link, keys, bindings, clock, route: (message) => this.#route(link, message) });
	}

	async putBack(queue: string, message: KeptMessage): Promise<Result<void>> {
		if (message.entry === null) return this.publish({ ...message, exchange: '', routingKey: queue });
		const link = await this.link(CONNECT_DEADLINE);
		if (!link.ok) return outcome(link, 'not-sent');
		const list = this.#keys.stepFor(queue, message.properties.priority);
		const laid = await link.value.bytes(['LPUSH', list, Buffer.from(message.entry)]);
		if (!laid.ok) return outcome(laid, laid.error.details?.sent === true ? 'unknown' : 'not-sent');
		for (const consumption of this.#consumptions) if (consumption.queue === queue) consumption.nudge();
		return ok(undefined);
	}

	async clear(queue: string): Promise<Result<number>> {
		const link = await this.link(CONNECT_DEADLINE);
		if (!link.ok) return link;
		const there = await this.#bindings.look(link.value, queue);
		if (!there.ok) return there;
		if (!there.value) return fail('not-found', `There is no queue "${queue}" in this Redis.`);
		return clearLists(link.value, queue, this.#keys);
	}

	/** Binds the queue to the direct exchange of its own name, as Celery's workers and publishers do. */
	async ensureQueue({ queue }: QueueDeclaration): Promise<Result<void>> {
		if (queue === '') return fail('invalid-input', 'A queue needs a name.');
		const link = await this.link(CONNECT_DEADLINE);
		if (!link.ok) return link;
		const member = this.#keys.member({ routingKey: queue, pattern: '', queue });
		const bound = await link.value.bytes(['SADD', this.#keys.binding(queue), member]);
		this.#bindings.forget();
		return bound.ok ? ok(undefined) : bound;
	}

	async consume(intent: ConsumeIntent): Promise<Result<Consumption>> {
		if (intent.queue === '') return fail('invalid-input', 'A consumption needs the name of a queue.');
		const consumption = new RedisConsumption(intent, {
			session: this.main,
			holdings: this.#holdings,
			bindings: this.#bindings,
			clock: this.#options.clock,
			log: this.#options.log,
			disposed: (gone) => this.#consumptions.delete(gone),
		});
		this.#consumptions.add(consumption);
		return ok(consumption);
	}

	protected override async close(): Promise<void> {
		await Promise.all([...this.#consumptions].map((consumption) => consumption[Symbol.asyncDispose]()));
		await this.#holdings.close();
		await Promise.all([this.main, this.#looking].map((session) => session[Symbol.asyncDispose]()));
	}

	/** The entry of a message, and where it goes. */
	async #route(link: Link, message: OutgoingMessage) {
		if (message.body.byteLength > LARGEST_BODY) {
			return fail('too-large', 'A message of more than 256 MB does not fit into Redis.', {
				details: { outcome: 'not-sent' },
			});
		}
		const entry = writeEntry(message, randomUUID());
		if (!entry.ok) return entry;
		const queues = await this.#bindings.route(link, message.exchange, message.routingKey);
		if (!queues.ok) return outcome(queues, 'not-sent');
		const lists = queues.value.map((queue) => this.#keys.stepFor(queue, message.properties.priority));
		return ok({ entry: entry.value, queues: queues.value, lists });
	}

	async #lookingLink(deadlineMs: number): Promise<Result<Link>> {
		const idle = this.idle();
		if (idle !== null) return idle;
		this.#looking.connect();
		return this.#looking.ready(deadlineMs);
	}
}

/** A message to several lists at once. KEYS: the lists. ARGV: the entry. */
const LAY = { name: 'lay', lua: "for _, list in ipairs(KEYS) do redis.call('LPUSH', list, ARGV[1]) end return #KEYS" };

/** The failure with what is known of the message. */
function outcome(failure: Result<never>, known: 'not-sent' | 'unknown'): Result<never> {
	if (failure.ok) return failure;
	const { code, message, retryable, details } = failure.error;
	return fail(code, message, { retryable, details: { ...details, outcome: known } });
}
