/**
 * A consumption is an intent: it is set up anew on every connection, and whenever its queue comes or comes back. Each set-up
 * (a `Subscription`) has its own channel; deliveries belong to it and die with it.
 */
import type { Channel, ConsumeMessage, Message } from 'amqplib';
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import type { BrokerMessage } from '../../domain/message.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { reconnectDelay } from '../backoff.ts';
import type { ConsumeIntent, Consumption, Delivery } from '../driver.ts';
import { pause, type Session } from '../session.ts';
import type { Link } from './link.ts';
import { brokerMessage } from './message.ts';
import { channelFailure, replyCode } from './problems.ts';

/** Between two looks whether a missing queue is there by now, in ms. */
const MISSING_QUEUE = 2_000;

const DONE: Promise<Result<void>> = Promise.resolve(ok(undefined));
const GONE: Promise<Result<void>> = Promise.resolve(
	fail('gone', 'The connection this message came by is no more. The broker hands the message out again.'),
);

/** Why a set-up ended, and how long to wait before the next. */
interface Ending {
	readonly problem: string;
	readonly delay: number;
}

export interface ConsumptionOptions {
	readonly session: Session<Link>;
	readonly clock: Clock;
	readonly log: Log;
	/** Told when it was disposed of. */
	readonly disposed: (consumption: RabbitConsumption) => void;
}

export class RabbitConsumption implements Consumption {
	readonly #session: Session<Link>;
	readonly #intent: ConsumeIntent;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #end = new AbortController();
	readonly #disposed: (consumption: RabbitConsumption) => void;
	readonly #running: Promise<void>;
	#prefetch: number;
	#cancelled = false;
	#subscription: Subscription | null = null;
	/** One change of the set-up at a time. */
	#changing: Promise<unknown> = Promise.resolve();
	/** What was last told, to tell changes only. */
	#told: string | null | undefined;

	constructor(intent: ConsumeIntent, options: ConsumptionOptions) {
		this.#session = options.session;
		this.#intent = intent;
		this.#clock = options.clock;
		this.#log = options.log;
		this.#disposed = options.disposed;
		this.#prefetch = clampPrefetch(intent.prefetch);
		this.#running = this.#run();
	}

	async cancel(): Promise<void> {
		this.#cancelled = true;
		await this.#change(async () => this.#subscription?.cancel());
	}

	async setPrefetch(count: number): Promise<Result<void>> {
		const wanted = clampPrefetch(count);
		if (wanted === this.#prefetch) return ok(undefined);
		this.#prefetch = wanted;
		return this.#change(async () => {
			if (this.#cancelled) return ok(undefined);
			return (await this.#subscription?.setPrefetch(wanted)) ?? ok(undefined);
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#cancelled = true;
		this.#end.abort();
		await this.#change(async () => this.#subscription?.close());
		await this.#running;
		this.#disposed(this);
	}

	#change<T>(change: () => Promise<T>): Promise<T> {
		const next = this.#changing.then(change);
		this.#changing = next.catch(() => undefined);
		return next;
	}

	async #run(): Promise<void> {
		let attempt = 0;
		while (!this.#end.signal.aborted) {
			if (this.#session.link() === null) this.#tell('Not connected to the broker.');
			const link = await this.#session.next(this.#end.signal);
			if (link === null) return;
			const ending = await this.#consumeOn(link, () => {
				attempt = 0;
			});
			if (this.#end.signal.aborted || this.#cancelled) return;
			this.#tell(ending.problem);
			attempt += 1;
			const delay = ending.delay > 0 ? ending.delay : reconnectDelay(attempt, Math.random());
			if (link.alive()) await pause(this.#clock, delay, this.#end.signal);
		}
	}

	/** Sets up, and resolves when that has ended. */
	async #consumeOn(link: Link, inForce: () => void): Promise<Ending> {
		const { queue } = this.#intent;
		let lastError: Error | null = null;
		try {
			const channel = await link.model.createChannel();
			channel.on('error', (error) => {
				lastError = error;
			});
			const subscription = new Subscription(channel, this.#intent, this.#prefetch, this.#log);
			await subscription.start();
			if (this.#cancelled) {
				await subscription.close();
				return { problem: 'Stopped.', delay: 0 };
			}
			this.#subscription = subscription;
			inForce();
			this.#tell(null);
			const deleted = await Promise.race([subscription.ended, link.closed.then(() => false)]);
			if (deleted) {
				await subscription.close();
				return { problem: `The queue "${queue}" was deleted. Waiting for it to come back.`, delay: MISSING_QUEUE };
			}
			return { problem: endingWords(lastError, link, queue), delay: 0 };
		} catch (error) {
			if (replyCode(error) === 404) {
				return { problem: `The queue "${queue}" does not exist yet. Waiting for it.`, delay: MISSING_QUEUE };
			}
			return { problem: endingWords(error, link, queue), delay: 0 };
		} finally {
			this.#subscription = null;
		}
	}

	#tell(problem: string | null): void {
		if (this.#told === problem) return;
		this.#told = problem;
		this.#intent.onStatus?.(problem);
	}
}

function endingWords(error: unknown, link: Link, queue: string): string {
	if (!link.alive()) return 'The connection to the broker was lost.';
	if (error === null) return `The channel that consumes "${queue}" was closed.`;
	return channelFailure(error, `Consuming "${queue}"`).error.message;
}

function clampPrefetch(count: number): number {
	return Math.min(65_535, Math.max(1, Math.trunc(count)));
}

/** One channel with one consumer, and the deliveries that are out. */
class Subscription {
	/** Resolves when it is over: true when the broker took the consumer away (its queue was deleted). */
	readonly ended: Promise<boolean>;
	readonly #channel: Channel;
	readonly #queue: string;
	readonly #priority: number | null;
	readonly #onDelivery: (delivery: Delivery) => void;
	readonly #log: Log;
	/** Tags that are handed to the owner and not settled, rising. */
	readonly #held = new Set<number>();
	/** Arrived over the prefetch while that was being changed, oldest first. */
	#backlog: ConsumeMessage[] = [];
	#acks: number[] = [];
	#flushing = false;
	#prefetch: number;
	#tag = '';
	#open = true;
	#end: (deleted: boolean) => void = () => undefined;

	constructor(channel: Channel, intent: ConsumeIntent, prefetch: number, log: Log) {
		this.#channel = channel;
		this.#queue = intent.queue;
		this.#priority = intent.priority ?? null;
		this.#prefetch = prefetch;
		this.#onDelivery = intent.onDelivery;
		this.#log = log;
		this.ended = new Promise((resolve) => {
			this.#end = resolve;
		});
		channel.on('close', () => {
			this.#open = false;
			this.#held.clear();
			this.#backlog = [];
			this.#end(false);
		});
	}

	async start(): Promise<void> {
		// Per consumer, not per channel (`global`): quorum queues know no other, and RabbitMQ 4 deprecates it.
		await this.#channel.prefetch(this.#prefetch);
		const { consumerTag } = await this.#channel.consume(
			this.#queue,
			(message) => this.#arrived(message),
			this.#priority === null ? {} : { priority: this.#priority },
		);
		this.#tag = consumerTag;
	}

	/** RabbitMQ applies a prefetch to consumers that come after it, so the consumer is replaced; held deliveries stay. */
	async setPrefetch(count: number): Promise<Result<void>> {
		this.#prefetch = count;
		try {
			await this.#channel.cancel(this.#tag);
			await this.start();
			this.#drain();
			return ok(undefined);
		} catch (error) {
			return channelFailure(error, 'Changing the prefetch');
		}
	}

	async cancel(): Promise<void> {
		if (!this.#open) return;
		await this.#channel
			.cancel(this.#tag)
			.catch((error: Error) => this.#log.debug('cancel failed', { why: error.message }));
		const over = this.#backlog;
		this.#backlog = [];
		for (const message of over) this.#nack(message.fields.deliveryTag);
	}

	/** Gives everything back and closes the channel. */
	async close(): Promise<void> {
		if (!this.#open) return;
		this.#flush();
		await this.cancel();
		try {
			if (this.#held.size > 0) this.#channel.nackAll(true);
			this.#held.clear();
			await this.#channel.close();
		} catch (error) {
			// Closed from the other side in the meantime, which gives everything back as well.
			this.#log.debug('channel was closed already', { why: error instanceof Error ? error.message : String(error) });
		}
		this.#open = false;
	}

	ack(tag: number): Promise<Result<void>> {
		if (!this.#held.delete(tag)) return GONE;
		this.#acks.push(tag);
		if (!this.#flushing) {
			this.#flushing = true;
			queueMicrotask(() => this.#flush());
		}
		if (this.#backlog.length > 0) this.#drain();
		return DONE;
	}

	release(tag: number): Promise<Result<void>> {
		if (!this.#held.delete(tag)) return GONE;
		this.#nack(tag);
		if (this.#backlog.length > 0) this.#drain();
		return DONE;
	}

	#arrived(message: ConsumeMessage | null): void {
		if (message === null) this.#end(true);
		else if (this.#held.size >= this.#prefetch) this.#backlog.push(message);
		else this.#hand(message);
	}

	#drain(): void {
		while (this.#held.size < this.#prefetch) {
			const message = this.#backlog.shift();
			if (message === undefined) return;
			this.#hand(message);
		}
	}

	#hand(message: ConsumeMessage): void {
		const tag = message.fields.deliveryTag;
		this.#held.add(tag);
		try {
			this.#onDelivery(new RabbitDelivery(this, tag, brokerMessage(message, this.#queue)));
		} catch (error) {
			// A defect of the owner; the message goes back rather than being held for ever.
			this.#log.error('delivery handler threw', { queue: this.#queue, why: String(error) });
			void this.release(tag);
		}
	}

	#nack(tag: number): void {
		try {
			this.#channel.nack(settled(tag), false, true);
		} catch (error) {
			this.#log.debug('nack after the channel closed', { why: String(error) });
		}
	}

	/** Everything acknowledged in one go of the event loop: one frame for all below the oldest that is still out. */
	#flush(): void {
		this.#flushing = false;
		const tags = this.#acks;
		if (tags.length === 0) return;
		this.#acks = [];
		if (!this.#open) return;
		try {
			const [only] = tags;
			if (tags.length === 1 && only !== undefined) {
				this.#channel.ack(settled(only));
				return;
			}
			const oldest = Math.min(first(this.#held) ?? Infinity, this.#backlog[0]?.fields.deliveryTag ?? Infinity);
			let upTo = 0;
			for (const tag of tags) {
				if (tag > oldest) this.#channel.ack(settled(tag));
				else if (tag > upTo) upTo = tag;
			}
			if (upTo > 0) this.#channel.ack(settled(upTo), true);
		} catch (error) {
			// The channel closed between the answer and this moment: the broker hands these messages out again.
			this.#log.debug('ack after the channel closed', { why: String(error), count: tags.length });
		}
	}
}

class RabbitDelivery implements Delivery {
	readonly message: BrokerMessage;
	readonly #subscription: Subscription;
	readonly #tag: number;

	constructor(subscription: Subscription, tag: number, message: BrokerMessage) {
		this.#subscription = subscription;
		this.#tag = tag;
		this.message = message;
	}

	ack(): Promise<Result<void>> {
		return this.#subscription.ack(this.#tag);
	}

	release(): Promise<Result<void>> {
		return this.#subscription.release(this.#tag);
	}
}

function first(tags: ReadonlySet<number>): number | undefined {
	for (const tag of tags) return tag;
	return undefined;
}

/** All that amqplib reads of a message to settle it. */
function settled(deliveryTag: number): Message {
	return { fields: { deliveryTag } } as Message;
}
