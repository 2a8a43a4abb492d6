/**
 * Publishes mandatory and confirmed. A result is given only when the broker has taken responsibility, or said no, or when
 * nobody can know any more; every failure states in `details.outcome` whether the message was `not-sent` or is `unknown`.
 *
 * It has a connection of its own: RabbitMQ under an alarm stops reading from connections that publish, and acknowledgements of
 * running tasks must not get stuck behind that.
 */
import type { ConfirmChannel, Message } from 'amqplib';
import type { Clock } from '../../domain/clock.ts';
import type { OutgoingMessage } from '../../domain/message.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { Session } from '../session.ts';
import { rawProperties } from './exact-frames.ts';
import type { Link } from './link.ts';
import { type WireMessage, wireMessage } from './message.ts';
import { type AmqpAddress, channelFailure, replyCode, unreachable } from './problems.ts';

/** Until a publish is confirmed, in ms. */
const CONFIRM_DEADLINE = 30_000;
/** Until there is a connection, in ms: long enough for a hiccup, short enough for a person who waits. */
const CONNECT_DEADLINE = 10_000;
/** Bodies from here on may be over a broker's own limit (16 MiB by default since RabbitMQ 4), which closes the channel. */
const LARGE_BODY = 16_000_000;

const DONE: Result<void> = ok(undefined);

interface Pending {
	readonly message: WireMessage;
	readonly deadline: number;
	returned: string | null;
	readonly answer: (result: Result<void>) => void;
}

/** One confirm channel with what it has not confirmed yet, oldest first. */
interface Lane {
	readonly channel: ConfirmChannel;
	readonly pending: Set<Pending>;
	open: boolean;
	error: Error | null;
	timer: Disposable | null;
}

export class Publisher implements Disposable {
	readonly #session: Session<Link>;
	readonly #clock: Clock;
	readonly #address: AmqpAddress;
	/** Lanes by exchange, of one link. A missing exchange closes its channel, and only that. */
	#lanes = new Map<string, Lane | Promise<Result<Lane>>>();
	#link: Link | null = null;

	constructor(session: Session<Link>, address: AmqpAddress, clock: Clock) {
		this.#session = session;
		this.#address = address;
		this.#clock = clock;
	}

	async publish(message: OutgoingMessage): Promise<Result<void>> {
		this.#session.connect();
		const deadline = this.#clock.monotonic() + CONFIRM_DEADLINE;
		let link = this.#session.link();
		if (link === null) {
			const ready = await this.#session.ready(CONNECT_DEADLINE);
			if (!ready.ok) return notSent(ready.error.code, ready.error.message, ready.error.retryable);
			link = ready.value;
		}
		const reason = link.blocked();
		if (reason !== null && !(await this.#unblocked(link, deadline))) {
			return notSent(
				'timeout',
				`RabbitMQ takes no messages at the moment: its alarm says "${reason}". Nothing was sent.`,
				true,
			);
		}
		const wire = wireMessage(message, link.exact.frameMax);
		if (!wire.ok) return wire;
		if (mayCloseChannel(message, this.#address)) return this.#alone(link, wire.value, deadline);
		const known = this.#link === link ? this.#lanes.get(message.exchange) : undefined;
		if (known !== undefined && !(known instanceof Promise) && known.open) {
			return this.#send(link, known, wire.value, deadline);
		}
		const lane = await this.#lane(link, message.exchange);
		return lane.ok ? this.#send(link, lane.value, wire.value, deadline) : lane;
	}

	[Symbol.dispose](): void {
		this.#lanes.clear();
		this.#link = null;
	}

	/** The lane of an exchange on this link, opened when it is first needed. */
	#lane(link: Link, exchange: string): Promise<Result<Lane>> {
		if (this.#link !== link) {
			this.#link = link;
			this.#lanes = new Map();
		}
		const lanes = this.#lanes;
		const known = lanes.get(exchange);
		if (known instanceof Promise) return known;
		if (known?.open === true) return Promise.resolve(ok(known));
		const opening = this.#open(link, exchange).then((lane) => {
			if (lane.ok) lanes.set(exchange, lane.value);
			else lanes.delete(exchange);
			return lane;
		});
		lanes.set(exchange, opening);
		return opening;
	}

	async #open(link: Link, exchange: string): Promise<Result<Lane>> {
		if (exchange !== '') {
			const there = await exchangeExists(link, exchange);
			if (!there.ok) return there;
		}
		try {
			const channel = await link.model.createConfirmChannel();
			const lane: Lane = { channel, pending: new Set(), open: true, error: null, timer: null };
			channel.on('return', (returned) => markReturned(lane, returned));
			channel.on('error', (error) => {
				lane.error = error;
			});
			channel.on('close', () => {
				lane.open = false;
				lane.timer?.[Symbol.dispose]();
			});
			return ok(lane);
		} catch (error) {
			return unreachable(error instanceof Error ? error.message : String(error));
		}
	}

	/** On a channel of its own, because the broker may close the channel over it. */
	async #alone(link: Link, message: WireMessage, deadline: number): Promise<Result<void>> {
		const lane = await this.#open(link, message.exchange);
		if (!lane.ok) return lane;
		const result = await this.#send(link, lane.value, message, deadline);
		if (lane.value.open) await lane.value.channel.close().catch(() => undefined);
		return result;
	}

	#send(link: Link, lane: Lane, message: WireMessage, deadline: number): Promise<Result<void>> {
		return new Promise((answer) => {
			const entry: Pending = { message, deadline, returned: null, answer };
			try {
				link.exact.publish(lane.channel, message, (error) => {
					// The whole of a lost channel is told at once, so what was lost alone is still known here.
					const alone = lane.pending.size === 1;
					lane.pending.delete(entry);
					answer(error === null ? confirmed(entry) : unconfirmed(error, lane, alone));
				});
			} catch (error) {
				answer(unreachable(error instanceof Error ? error.message : String(error)));
				return;
			}
			lane.pending.add(entry);
			if (lane.timer === null) this.#watch(lane, entry.deadline);
		});
	}

	/** One timer per lane, on its oldest publish. */
	#watch(lane: Lane, deadline: number): void {
		lane.timer = this.#clock.after(Math.max(0, deadline - this.#clock.monotonic()), () => {
			lane.timer = null;
			const now = this.#clock.monotonic();
			for (const entry of lane.pending) {
				if (entry.deadline > now) {
					this.#watch(lane, entry.deadline);
					return;
				}
				lane.pending.delete(entry);
				entry.answer(
					fail(
						'timeout',
						'The broker did not confirm the message within 30 s. It may or may not have taken it: look before sending it again.',
						{ retryable: false, details: { outcome: 'unknown' } },
					),
				);
			}
		});
	}

	#unblocked(link: Link, deadline: number): Promise<boolean> {
		return new Promise((resolve) => {
			const answer = (yes: boolean) => {
				timer[Symbol.dispose]();
				link.model.off('unblocked', free);
				link.model.off('close', gone);
				resolve(yes);
			};
			const free = () => answer(true);
			const gone = () => answer(false);
			link.model.on('unblocked', free);
			link.model.on('close', gone);
			const timer = this.#clock.after(Math.max(0, deadline - this.#clock.monotonic()), gone);
		});
	}
}

/** Asked on a throw-away channel, which a missing exchange closes. */
async function exchangeExists(link: Link, exchange: string): Promise<Result<void>> {
	try {
		const channel = await link.model.createChannel();
		channel.on('error', () => undefined);
		await channel.checkExchange(exchange);
		await channel.close();
		return DONE;
	} catch (error) {
		if (replyCode(error) === 404) {
			return notSent('not-found', `There is no exchange "${exchange}" on this virtual host. Nothing was sent.`, false);
		}
		return channelFailure(error, `Publishing to the exchange "${exchange}"`);
	}
}

/**
 * Messages that a broker may answer by closing the channel: with somebody else's user id, with an expiration it cannot read,
 * over its size limit.
 */
function mayCloseChannel(message: OutgoingMessage, address: AmqpAddress): boolean {
	const { userId, expiration } = message.properties;
	return (
		(userId !== undefined && userId !== address.username) ||
		(expiration !== undefined && !/^\d+$/.test(expiration)) ||
		message.body.byteLength >= LARGE_BODY
	);
}

/**
 * Notes that the broker returned a message as unroutable; its confirm follows. A return does not say which publish it answers,
 * but returns come in the order of publishing, and equal messages are unroutable together.
 */
function markReturned(lane: Lane, returned: Message): void {
	const { exchange, routingKey } = returned.fields;
	const properties = rawProperties(returned);
	for (const entry of lane.pending) {
		const { message } = entry;
		if (
			entry.returned === null &&
			message.routingKey === routingKey &&
			message.exchange === exchange &&
			message.properties.equals(properties) &&
			message.body.equals(returned.content)
		) {
			entry.returned = String(Reflect.get(returned.fields, 'replyText'));
			return;
		}
	}
}

function confirmed(entry: Pending): Result<void> {
	if (entry.returned === null) return DONE;
	const { exchange, routingKey } = entry.message;
	return notSent(
		'unroutable',
		exchange === ''
			? `There is no queue "${routingKey}", so the message went nowhere. Queues are declared by who consumes them: start a consumer or worker first.`
			: `No queue is bound to the exchange "${exchange}" for the routing key "${routingKey}", so the message went nowhere.`,
		false,
	);
}

function unconfirmed(error: Error, lane: Lane, alone: boolean): Result<void> {
	if (/nacked/.test(error.message)) {
		return notSent(
			'refused',
			'The broker did not take the message: its queue is full, or it failed to store it.',
			true,
		);
	}
	if (lane.error !== null && alone) return channelFailure(lane.error, 'Publishing');
	return fail(
		'unreachable',
		'The connection broke before the broker confirmed the message. It may or may not have taken it: look before sending it again.',
		{ retryable: false, details: { outcome: 'unknown' } },
	);
}

function notSent(code: Parameters<typeof fail>[0], message: string, retryable: boolean): Result<never> {
	return fail(code, message, { retryable, details: { outcome: 'not-sent' } });
}
