/**
 * Looking at waiting messages and picking some out, over AMQP: messages are fetched one after another, held for a moment and
 * given back all at once (`basic.nack`, never `reject`, which counts towards delivery limits). That marks them as redelivered,
 * and on a quorum queue it may count; where the count comes near the usual limit, the look is refused.
 */
import type { Channel, GetMessage } from 'amqplib';
import type { Clock } from '../../domain/clock.ts';
import { type BrokerMessage, idOfMessage } from '../../domain/message.ts';
import { ok, type Result } from '../../domain/result.ts';
import type { Look } from '../driver.ts';
import type { Session } from '../session.ts';
import type { WaitingMessage } from '../waiting.ts';
import { type DeliveryCounts, RISKY_COUNT, tooRisky } from './delivery-counts.ts';
import type { Link } from './link.ts';
import { brokerMessage, waiting } from './message.ts';
import { channelFailure } from './problems.ts';
import { queueFailure, SilentBroker } from './silence.ts';

/** Most bytes of bodies held by one look. */
const LOOK_BYTES = 64 * 1024 * 1024;

/** How long over its deadline a look may take to give everything back, in ms. */
const SILENCE = 5_000;

interface Fetched {
	readonly got: GetMessage;
	readonly message: BrokerMessage;
}

export class Looks {
	readonly #session: Session<Link>;
	readonly #clock: Clock;
	readonly #counts: DeliveryCounts;

	constructor(session: Session<Link>, clock: Clock, counts: DeliveryCounts) {
		this.#counts = counts;
		this.#session = session;
		this.#clock = clock;
	}

	async look(queue: string, options: { readonly limit: number; readonly deadlineMs: number }): Promise<Result<Look>> {
		const messages: WaitingMessage[] = [];
		let bytes = 0;
		const done = await this.#fetch(queue, options.deadlineMs, async (fetch, giveBack) => {
			while (messages.length < options.limit && bytes < LOOK_BYTES) {
				const fetched = await fetch();
				if (fetched === null) break;
				bytes += fetched.message.body.byteLength;
				messages.push(waiting(fetched.message));
			}
			giveBack();
		});
		return done.ok ? ok({ messages, cost: this.#counts.cost(queue) }) : done;
	}

	async remove(
		queue: string,
		ids: ReadonlySet<string>,
		options: { readonly scanLimit: number; readonly deadlineMs: number },
	): Promise<Result<readonly BrokerMessage[]>> {
		const found: Fetched[] = [];
		const wanted = new Set(ids);
		const done = await this.#fetch(queue, options.deadlineMs, async (fetch, giveBack, channel) => {
			for (let scanned = 0; scanned < options.scanLimit && wanted.size > 0; scanned++) {
				const fetched = await fetch();
				if (fetched === null) break;
				const messageId = idOfMessage(fetched.message.properties);
				// Two messages may share an id (a redelivered publish): each asked-for id takes the first one only.
				if (messageId !== null && wanted.delete(messageId)) found.push(fetched);
			}
			for (const { got } of found) channel.ack(got);
			giveBack();
		});
		return done.ok ? ok(found.map(({ message }) => message)) : done;
	}

	/**
	 * Runs `work` on a channel of its own. `fetch` answers null when the queue is empty or the time is up, and throws a refusal
	 * when a message has been handed out dangerously often. The channel is closed in an orderly way, which also waits until the
	 * broker has done what was sent on it; whatever is still held then goes back by itself.
	 */
	async #fetch(
		queue: string,
		deadlineMs: number,
		work: (fetch: () => Promise<Fetched | null>, giveBack: () => void, channel: Channel) => Promise<void>,
	): Promise<Result<void>> {
		const deadline = this.#clock.monotonic() + deadlineMs;
		this.#session.connect();
		const ready = await this.#session.ready(deadlineMs);
		if (!ready.ok) return ready;
		const known = this.#counts.highest(queue);
		if (known >= RISKY_COUNT) return tooRisky(queue, known);
		const link: Link = ready.value;
		let channel: Channel;
		try {
			channel = await link.model.createChannel();
		} catch (error) {
			return channelFailure(error, `Looking into "${queue}"`);
		}
		channel.on('error', () => undefined);
		let risky = 0;
		// A broker that says nothing at all: what is held goes back when the channel or the connection ends.
		const silence = Promise.withResolvers<never>();
		const late = this.#clock.after(deadlineMs + SILENCE, () => silence.reject(new SilentBroker()));
		silence.promise.catch(() => undefined);
		try {
			const working = work(
				async () => {
					if (risky > 0 || this.#clock.monotonic() > deadline) return null;
					const got = await channel.get(queue);
					if (got === false) return null;
					const message = brokerMessage(got, queue);
					const count = message.deliveryCount;
					this.#counts.note(queue, count);
					if (count !== null && count >= RISKY_COUNT) {
						risky = count;
						return null;
					}
					return { got, message };
				},
				() => channel.nackAll(true),
				channel,
			).then(() => channel.close());
			working.catch(() => undefined);
			await Promise.race([working, silence.promise]);
			return risky > 0 ? tooRisky(queue, risky) : ok(undefined);
		} catch (error) {
			if (error instanceof SilentBroker) void channel.close().catch(() => undefined);
			return queueFailure(error, queue, link, 'Looking into');
		} finally {
			late[Symbol.dispose]();
		}
	}
}
