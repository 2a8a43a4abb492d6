/** Remote control over RabbitMQ: a fanout exchange that workers declare, and a queue of our own for the answers. */
import { randomUUID } from 'node:crypto';
import type { ConfirmChannel, ConsumeMessage } from 'amqplib';
import type { ConnectionState } from '../../domain/profile.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import {
	ADDRESS_STEM,
	ANSWER_EXPIRES,
	ANSWER_TTL,
	type Mailbox,
	type MailboxIntent,
	type SendOptions,
	type Sent,
} from '../mailbox.ts';
import type { Session } from '../session.ts';
import type { Link } from './link.ts';
import { brokerMessage } from './message.ts';
import { channelFailure, replyCode, unreachable } from './problems.ts';
import { exchangeExists, quietChannel } from './queues.ts';
import { type RabbitOptions, rabbitSession } from './sessions.ts';

/** Makes a mailbox; `connect` starts it. */
export function createRabbitMailbox(
	options: RabbitOptions,
	intent: MailboxIntent,
	session: Session<Link> = rabbitSession(options, ', remote control'),
): Mailbox {
	return new RabbitMailbox(options, intent, session);
}

/** A queue of answers that is being listened to, or about to be. */
interface Ear {
	readonly link: Link;
	readonly ready: Promise<Result<void>>;
}

class RabbitMailbox implements Mailbox {
	readonly address = `${ADDRESS_STEM}${randomUUID()}`;
	readonly #options: RabbitOptions;
	readonly #intent: MailboxIntent;
	readonly #session: Session<Link>;
	/** Null: there is none, and the next request sets one up. Two at once would hear each answer twice. */
	#ear: Ear | null = null;
	#setUps = 0;

	constructor(options: RabbitOptions, intent: MailboxIntent, session: Session<Link>) {
		this.#options = options;
		this.#intent = intent;
		this.#session = session;
	}

	connect(): void {
		this.#session.connect();
	}

	state(): ConnectionState {
		return this.#session.state();
	}

	listen(): Disposable {
		// The queue of answers is consumed as long as its connection lives: an idle consumer costs nothing.
		return { [Symbol.dispose]() {} };
	}

	async send(body: Uint8Array, options: SendOptions): Promise<Result<Sent>> {
		const link = await this.#session.ready(options.deadlineMs, options.signal);
		if (!link.ok) return link;
		const ear = this.#hear(link.value);
		const heard = await ear.ready;
		if (!heard.ok) return heard;
		const sent = await this.#publish(link.value, body, options);
		return sent.ok ? ok({ ...sent.value, deaf: () => this.#ear !== ear || !link.value.alive() }) : sent;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		// The queue is exclusive: it goes with the connection.
		await this.#session[Symbol.asyncDispose]();
	}

	#hear(link: Link): Ear {
		if (this.#ear?.link === link) return this.#ear;
		const lost = () => {
			// By the time it is known, another may have taken its place.
			if (this.#ear === ear) this.#ear = null;
		};
		const ready = this.#setUp(link, lost).then((done) => {
			// What failed is tried again by the next request.
			if (!done.ok) lost();
			return done;
		});
		const ear: Ear = { link, ready };
		this.#ear = ear;
		return ear;
	}

	/** `lost` is called once nothing is heard by it any more. */
	async #setUp(link: Link, lost: () => void): Promise<Result<void>> {
		const { replyExchange } = this.#intent;
		try {
			await this.#ensureReplyExchange(link);
			this.#setUps += 1;
			const channel = await link.model.createChannel();
			channel.on('error', (error) => {
				this.#options.log.warn('remote control channel failed', { why: String(error) });
			});
			channel.on('close', lost);
			// The name tells set-ups apart: the queue of a lost connection may not be gone yet.
			const queue = `${this.address}.${this.#setUps}.${replyExchange}`;
			await channel.assertQueue(queue, {
				durable: false,
				exclusive: true,
				autoDelete: true,
				arguments: { 'x-expires': ANSWER_EXPIRES, 'x-message-ttl': ANSWER_TTL },
			});
			await channel.bindQueue(queue, replyExchange, this.address);
			const deaf = () => {
				// Somebody deleted the queue. RabbitMQ tells by this alone: channel and connection live on.
				this.#options.log.warn('the queue of answers was deleted', { queue });
				lost();
				channel.close().catch((error: unknown) => {
					this.#options.log.debug('channel of a deleted queue', { why: String(error) });
				});
			};
			await channel.consume(queue, (message) => (message === null ? deaf() : this.#take(message)), { noAck: true });
			return ok(undefined);
		} catch (error) {
			return link.alive() ? channelFailure(error, 'Setting up remote control') : unreachable('The connection broke.');
		}
	}

	/** The first worker that answers declares it; where none did yet, it is declared as kombu does. */
	async #ensureReplyExchange(link: Link): Promise<void> {
		const { replyExchange } = this.#intent;
		if (await exchangeExists(link, replyExchange)) return;
		const channel = await quietChannel(link);
		try {
			await channel.assertExchange(replyExchange, 'direct', { durable: false, autoDelete: false });
			await channel.close();
		} catch (error) {
			// 406: somebody was quicker, with other attributes. Then it is there.
			if (replyCode(error) !== 406) throw error;
		}
	}

	#take(message: ConsumeMessage): void {
		try {
			const { body, properties } = brokerMessage(message, '');
			const ticket = properties.headers?.find(([key]) => key === 'ticket')?.[1];
			this.#intent.onLetter({
				contentType: properties.contentType ?? null,
				contentEncoding: properties.contentEncoding ?? null,
				body,
				ticket: ticket?.type === 'longstr' ? ticket.text : null,
				receivedAt: this.#options.clock.now(),
				fault: null,
			});
		} catch (error) {
			// A defect of the owner; amqplib would close the channel for it, and later answers would be lost.
			this.#options.log.error('handler of answers threw', { why: String(error) });
		}
	}

	/** Mandatory and confirmed: the broker hands a request back that no worker's queue is bound for. */
	async #publish(
		link: Link,
		body: Uint8Array,
		options: SendOptions,
	): Promise<Result<{ readonly receivers: number | null }>> {
		const { exchange } = this.#intent;
		let channel: ConfirmChannel | null = null;
		try {
			if (options.signal.aborted) return fail('cancelled', 'It was cancelled before it was sent.');
			// Where no worker was ever connected there is no exchange, and whoever publishes to none loses the channel.
			if (!(await exchangeExists(link, exchange))) return ok({ receivers: 0 });
			const opened = await link.model.createConfirmChannel();
			channel = opened;
			opened.on('error', () => undefined);
			if (options.signal.aborted) return fail('cancelled', 'It was cancelled before it was sent.');
			let returned = false;
			opened.on('return', () => {
				returned = true;
			});
			opened.publish(exchange, '', Buffer.from(body), {
				mandatory: true,
				contentType: 'application/json',
				contentEncoding: 'utf-8',
				deliveryMode: 1,
				headers: { clock: asInteger(options.clock), expires: options.expires },
			});
			await opened.waitForConfirms();
			return ok({ receivers: returned ? 0 : null });
		} catch (error) {
			return link.alive()
				? channelFailure(error, 'Sending a command to workers')
				: unreachable('The connection broke while the command was sent: it may have arrived.');
		} finally {
			await channel?.close().catch(() => undefined);
		}
	}
}

/**
 * Left to itself, amqplib writes whole numbers from 128 to 32,767 as `s`, which RabbitMQ and it take for 16 bits. Celery's library reads
 * `s` as a short text, loses its place in the headers, and the worker ends on it. It writes 32 bits itself.
 */
function asInteger(value: number): { readonly '!': 'int'; readonly value: number } {
	return { '!': 'int', value };
}
