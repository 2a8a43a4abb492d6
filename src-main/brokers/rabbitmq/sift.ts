/**
 * Going through a queue over AMQP: messages are fetched one after another and held, which hides them from workers, so that none
 * is decided upon while somebody else runs it. What is left is given back all at once at the end, to the places it had: given back
 * earlier, it would be fetched again. What goes is acknowledged after `decide` has kept it or after its replacement is confirmed.
 */
import type { Channel, GetMessage } from 'amqplib';
import type { Clock } from '../../domain/clock.ts';
import type { OutgoingMessage } from '../../domain/message.ts';
import { type Failure, ok, type Result } from '../../domain/result.ts';
import type { Session } from '../session.ts';
import {
	type Fate,
	type Settled,
	type SiftEnd,
	type SiftOptions,
	type WaitingMessage,
	withoutCounters,
} from '../waiting.ts';
import { type DeliveryCounts, RISKY_COUNT, tooRisky } from './delivery-counts.ts';
import type { Link } from './link.ts';
import { brokerMessage, waiting } from './message.ts';
import { quietChannel } from './queues.ts';
import { queueFailure, SilentBroker } from './silence.ts';

/** Most bytes of bodies in one batch. */
const BATCH_BYTES = 16 * 1024 * 1024;
/** How long RabbitMQ may take for one answer, in ms. */
const SILENCE = 15_000;

interface Held {
	readonly got: GetMessage;
	readonly message: WaitingMessage;
}

interface Parts {
	readonly session: Session<Link>;
	readonly clock: Clock;
	readonly counts: DeliveryCounts;
	readonly publish: (message: OutgoingMessage) => Promise<Result<void>>;
}

/** See `BrokerDriver.sift`. */
export async function sift(queue: string, options: SiftOptions, parts: Parts): Promise<Result<SiftEnd>> {
	const { session, clock, counts } = parts;
	const end = clock.monotonic() + options.deadlineMs;
	session.connect();
	const ready = await session.ready(options.deadlineMs);
	if (!ready.ok) return ready;
	const link = ready.value;
	const known = counts.highest(queue);
	if (known >= RISKY_COUNT && !options.takesAll) return tooRisky(queue, known);
	let channel: Channel | null = null;
	let scanned = 0;
	try {
		channel = await answered(clock, quietChannel(link));
		for (;;) {
			if (options.signal.aborted) return await finish(channel, clock, { scanned, ended: 'stopped' });
			if (scanned >= options.scanLimit) return await finish(channel, clock, { scanned, ended: 'limit' });
			if (scanned > 0 && clock.monotonic() > end) return await finish(channel, clock, { scanned, ended: 'deadline' });
			const want = Math.min(options.batch, options.scanLimit - scanned);
			const batch = await fetchBatch(channel, queue, want, parts);
			if (batch.length === 0) return await finish(channel, clock, { scanned, ended: 'end' });
			const fates = await options.decide(batch.map(({ message }) => message));
			if (fates === null) return await finish(channel, clock, { scanned, ended: 'stopped' });
			scanned += batch.length;
			const broken = await carryOut(channel, batch, fates, options, parts);
			if (broken !== null) return { ok: false, error: broken };
			const risk = riskLeft(batch, fates);
			if (risk !== null) {
				await finish(channel, clock, { scanned, ended: 'stopped' });
				return tooRisky(queue, risk);
			}
		}
	} catch (error) {
		// Whatever is still held goes back when the channel ends.
		void channel?.close().catch(() => undefined);
		return queueFailure(error, queue, link, 'Going through');
	}
}

async function fetchBatch(channel: Channel, queue: string, want: number, { clock, counts }: Parts): Promise<Held[]> {
	const batch: Held[] = [];
	let bytes = 0;
	while (batch.length < want && bytes < BATCH_BYTES) {
		const got = await answered(clock, channel.get(queue));
		if (got === false) break;
		const message = waiting(brokerMessage(got, queue));
		counts.note(queue, message.deliveryCount);
		bytes += message.body.byteLength;
		batch.push({ got, message });
	}
	return batch;
}

/** Does with a batch what was decided and tells of it. Answers what broke, where nothing more can be done on this channel. */
async function carryOut(
	channel: Channel,
	batch: readonly Held[],
	fates: readonly Fate[],
	options: SiftOptions,
	parts: Parts,
): Promise<Failure | null> {
	const outcomes = await Promise.all(
		batch.map(async (_, at): Promise<Settled> => {
			const fate = fates[at];
			if (fate === undefined || fate.kind === 'leave') return { kind: 'left' };
			if (fate.kind === 'remove') return { kind: 'removed' };
			const by = fate.kind === 'swap' ? { ...fate.message, exchange: '', routingKey: fate.queue } : fate.by;
			const published = await parts.publish({ ...by, properties: withoutCounters(by.properties) });
			if (published.ok) return { kind: 'replaced' };
			const kind = published.error.details?.outcome === 'unknown' ? 'unknown' : 'failed';
			return { kind, failure: published.error };
		}),
	);
	let broken: Failure | null = null;
	try {
		batch.forEach(({ got }, at) => {
			const kind = outcomes[at]?.kind;
			if (kind === 'removed' || kind === 'replaced') channel.ack(got);
		});
		// An acknowledgement has no answer of its own; what is asked after it on the same channel is answered after it.
		await answered(parts.clock, channel.prefetch(0));
	} catch (error) {
		const failed = queueFailure(error, batch[0]?.message.queue ?? '', null, 'Going through');
		broken = failed.ok ? null : failed.error;
	}
	const lost = broken;
	await options.settled(
		lost === null
			? outcomes
			: outcomes.map((one) =>
					one.kind === 'removed' || one.kind === 'replaced' ? { kind: 'unknown', failure: lost } : one,
				),
	);
	return broken;
}

/** The count of a message that goes back and should not be handed out many more times; null: there is none. */
function riskLeft(batch: readonly Held[], fates: readonly Fate[]): number | null {
	for (const [at, { message }] of batch.entries()) {
		const { deliveryCount } = message;
		if (fates[at]?.kind === 'leave' && deliveryCount !== null && deliveryCount >= RISKY_COUNT) return deliveryCount;
	}
	return null;
}

/** Gives back what is left and waits until that is done. */
async function finish(channel: Channel, clock: Clock, end: SiftEnd): Promise<Result<SiftEnd>> {
	channel.nackAll(true);
	await answered(clock, channel.close());
	return ok(end);
}

/** The answer, or `SilentBroker` when none comes. */
function answered<T>(clock: Clock, asked: Promise<T>): Promise<T> {
	return new Promise((resolve, reject) => {
		const late = clock.after(SILENCE, () => reject(new SilentBroker()));
		asked.then(resolve, reject).finally(() => late[Symbol.dispose]());
	});
}
