/** A topic exchange of RabbitMQ, heard through a queue of our own on a connection of its own. */
import { randomUUID } from 'node:crypto';
import type { Channel, ConsumeMessage, Message } from 'amqplib';
import type { ConnectionState } from '../../domain/profile.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { reconnectDelay } from '../backoff.ts';
import { pause, type Session } from '../session.ts';
import {
	type HeardMessage,
	MESSAGE_TTL,
	QUEUE_EXPIRES,
	QUEUE_LENGTH,
	type TopicFeed,
	type TopicIntent,
} from '../topic.ts';
import type { Link } from './link.ts';
import { channelFailure, replyCode, unreachable } from './problems.ts';
import { queueFigures, quietChannel } from './queues.ts';
import { type RabbitOptions, rabbitSession } from './sessions.ts';

/** Makes a feed; `connect` starts it. */
export function createRabbitTopicFeed(options: RabbitOptions, intent: TopicIntent): TopicFeed {
	return new RabbitTopicFeed(options, intent);
}

interface Heard extends HeardMessage {
	readonly channel: Channel;
	readonly tag: number;
}

class RabbitTopicFeed implements TopicFeed {
	readonly #options: RabbitOptions;
	readonly #intent: TopicIntent;
	readonly #session: Session<Link>;
	readonly #end = new AbortController();
	/** The name stays: a private queue of a lost connection may not be gone yet, so each set-up adds a mark of its own. */
	readonly #stem: string;
	#setUps = 0;
	#queue: string | null = null;
	#channel: Channel | null = null;
	#lostAt: number | null = null;
	#reason: string | null = null;
	#running: Promise<void> | null = null;

	constructor(options: RabbitOptions, intent: TopicIntent) {
		this.#options = options;
		this.#intent = intent;
		this.#stem = `${intent.queuePrefix}.warren.${randomUUID()}`;
		this.#session = rabbitSession(options, ', listening');
	}

	connect(): void {
		if (this.#running !== null) return;
		this.#session.connect();
		this.#running = this.#run();
	}

	state(): ConnectionState {
		return this.#session.state();
	}

	onState(listener: (state: ConnectionState) => void): Disposable {
		return this.#session.onState(listener);
	}

	async lag(): Promise<Result<number | null>> {
		const link = this.#session.link();
		if (link === null || this.#queue === null) return unreachable('It does not listen at the moment.');
		const figures = await queueFigures(link, [this.#queue], this.#options.clock.now);
		if (!figures.ok) return figures;
		const [figure] = figures.value;
		return figure?.exists === true ? ok(figure.ready) : fail('gone', 'Our queue is not there any more.');
	}

	settle(message: HeardMessage): void {
		const { channel, tag } = message as Heard;
		if (channel !== this.#channel) return;
		try {
			// Never ackAll: it would also take what is still on its way to us.
			channel.ack({ fields: { deliveryTag: tag } } as Message, true);
		} catch (error) {
			this.#options.log.debug('ack after the channel closed', { why: String(error) });
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#end.abort();
		const channel = this.#channel;
		this.#channel = null;
		// What is not settled goes back to a kept queue, and with a private one.
		await channel?.close().catch(() => undefined);
		await this.#session[Symbol.asyncDispose]();
		await this.#running;
	}

	async #run(): Promise<void> {
		const { signal } = this.#end;
		// A set-up that its connection was closed under may never hear of it; whoever stops does not wait for it.
		const stopped = new Promise<null>((resolve) => {
			signal.addEventListener('abort', () => resolve(null), { once: true });
		});
		let attempt = 0;
		while (!signal.aborted) {
			const link = await this.#session.next(signal);
			if (link === null) return;
			const listening = this.#listenOn(link, () => {
				attempt = 0;
			});
			const reason = await Promise.race([listening, stopped]);
			if (reason === null || signal.aborted) return;
			this.#intent.onTrouble(reason);
			attempt += 1;
			if (link.alive()) await pause(this.#options.clock, reconnectDelay(attempt, Math.random()), signal);
		}
	}

	/** Sets up, and resolves with the reason when that has ended. */
	async #listenOn(link: Link, inForce: () => void): Promise<string> {
		const { clock } = this.#options;
		const { exchange } = this.#intent;
		let lastError: unknown = null;
		try {
			await this.#ensureExchange(link);
			const { queue, complete } = await this.#ensureQueue(link);
			const channel = await link.model.createChannel();
			const ended = new Promise<string>((resolve) => {
				channel.on('error', (error) => {
					lastError = error;
				});
				channel.on('close', () => resolve(this.#words(link, lastError, 'The channel was closed.')));
			});
			const deleted = Promise.withResolvers<string>();
			for (const pattern of this.#intent.patterns) await channel.bindQueue(queue, exchange, pattern);
			await channel.prefetch(this.#intent.prefetch);
			if (this.#end.signal.aborted) return 'Stopped.';
			// Before the consumer is there: its first message may come in the same breath as the answer.
			this.#channel = channel;
			this.#queue = queue;
			const at = clock.now();
			const start = {
				at,
				complete: complete && this.#intent.keep !== null,
				lostAt: this.#lostAt,
				reason: this.#reason,
			};
			inForce();
			this.#intent.onStart(start);
			await channel.consume(queue, (message) => {
				if (message === null) deleted.resolve(`Our queue "${queue}" was deleted.`);
				else this.#hear(channel, message);
			});
			const told = await Promise.race([ended, deleted.promise]);
			// Channels of a lost connection close before it says so itself.
			await new Promise((resolve) => setImmediate(resolve));
			const reason = link.alive() ? told : await link.closed;
			if (link.alive()) await channel.close().catch(() => undefined);
			this.#lostAt = clock.now();
			this.#reason = reason;
			return reason;
		} catch (error) {
			return this.#words(link, error, 'It could not be set up.');
		} finally {
			this.#channel = null;
			this.#queue = null;
		}
	}

	#hear(channel: Channel, message: ConsumeMessage): void {
		const heard: Heard = {
			routingKey: message.fields.routingKey,
			contentType: text(message.properties.contentType),
			body: message.content,
			receivedAt: this.#options.clock.now(),
			channel,
			tag: message.fields.deliveryTag,
		};
		try {
			this.#intent.onMessage(heard);
		} catch (error) {
			// A defect of the owner; amqplib would close the channel for it, and all that follows would be lost.
			this.#options.log.error('event handler threw', { why: String(error) });
		}
	}

	/** Where nobody declared the exchange yet, it is declared as Celery does; where that is not permitted, binding says so. */
	async #ensureExchange(link: Link): Promise<void> {
		const { exchange } = this.#intent;
		if (exchange === '') return;
		const looking = await quietChannel(link);
		try {
			await looking.checkExchange(exchange);
			await looking.close();
			return;
		} catch (error) {
			if (replyCode(error) !== 404) return;
		}
		const declaring = await quietChannel(link);
		try {
			await declaring.assertExchange(exchange, 'topic', { durable: true, autoDelete: false });
			await declaring.close();
		} catch (error) {
			// 403: the user may not; 406: somebody was quicker, with other attributes.
			if (replyCode(error) !== 403 && replyCode(error) !== 406) throw error;
		}
	}

	/** Our queue, and whether it was there already, with all that came since. */
	async #ensureQueue(link: Link): Promise<{ readonly queue: string; readonly complete: boolean }> {
		const limits = { 'x-max-length': QUEUE_LENGTH, 'x-overflow': 'drop-head' };
		const { keep } = this.#intent;
		if (keep === null) {
			this.#setUps += 1;
			const queue = `${this.#stem}.${this.#setUps}`;
			const channel = await quietChannel(link);
			await channel.assertQueue(queue, {
				durable: false,
				exclusive: true,
				autoDelete: true,
				arguments: { ...limits, 'x-message-ttl': MESSAGE_TTL, 'x-expires': QUEUE_EXPIRES },
			});
			await channel.close();
			return { queue, complete: false };
		}
		const there = await queueFigures(link, [keep.name], this.#options.clock.now);
		if (there.ok && there.value[0]?.exists === true) return { queue: keep.name, complete: true };
		const channel = await quietChannel(link);
		await channel.assertQueue(keep.name, {
			durable: true,
			arguments: { ...limits, 'x-message-ttl': Math.max(MESSAGE_TTL, keep.forMs), 'x-expires': keep.forMs },
		});
		await channel.close();
		return { queue: keep.name, complete: false };
	}

	#words(link: Link, error: unknown, otherwise: string): string {
		if (!link.alive()) return 'The connection to the broker was lost.';
		return error === null ? otherwise : channelFailure(error, `Listening to "${this.#intent.exchange}"`).error.message;
	}
}

function text(value: unknown): string | null {
	return typeof value === 'string' ? value : null;
}
