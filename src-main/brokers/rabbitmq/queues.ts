/** Asking after queues without touching them, and declaring those that are ours. */
import type { Channel } from 'amqplib';
import type { QueueDeclaration, QueueFigures } from '../../domain/queue.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { Link } from './link.ts';
import { channelFailure, replyCode } from './problems.ts';

/** Channels used side by side; each question is one round trip. */
const PARALLEL = 4;

/** Figures of these queues by passive declares. `now` in epoch ms. */
export async function queueFigures(
	link: Link,
	names: readonly string[],
	now: () => number,
): Promise<Result<readonly QueueFigures[]>> {
	const figures: QueueFigures[] = [];
	let next = 0;
	let problem: Result<never> | null = null;
	const ask = async () => {
		let channel: Channel | null = null;
		while (next < names.length && problem === null) {
			const index = next++;
			const name = names[index];
			if (name === undefined) break;
			try {
				channel ??= await quietChannel(link);
				const { messageCount, consumerCount } = await channel.checkQueue(name);
				figures[index] = {
					name,
					exists: true,
					ready: messageCount,
					unacked: null,
					consumers: consumerCount,
					at: now(),
					source: 'amqp',
				};
			} catch (error) {
				channel = null; // The answer "no" closes the channel.
				const code = replyCode(error);
				if (code !== 404 && code !== 405) {
					problem = channelFailure(error, `Asking after the queue "${name}"`);
					return;
				}
				// 405: it exists, and belongs to another connection alone.
				const figure = { name, exists: code === 405, unacked: null, at: now(), source: 'amqp' } as const;
				figures[index] = { ...figure, ready: null, consumers: null };
			}
		}
		await channel?.close().catch(() => undefined);
	};
	await Promise.all(Array.from({ length: Math.min(PARALLEL, names.length) }, ask));
	return problem ?? ok(figures);
}

/** Whether a queue exists, on a throw-away channel. */
export async function queueExists(link: Link, queue: string): Promise<Result<boolean>> {
	const figures = await queueFigures(link, [queue], () => 0);
	return figures.ok ? ok(figures.value[0]?.exists === true) : figures;
}

/** Destroys what waits in a queue; answers how many. What workers hold stays theirs. */
export async function clearQueue(link: Link, queue: string): Promise<Result<number>> {
	try {
		const channel = await quietChannel(link);
		const { messageCount } = await channel.purgeQueue(queue);
		await channel.close();
		return ok(messageCount);
	} catch (error) {
		if (replyCode(error) === 404) return fail('not-found', `There is no queue "${queue}" on this virtual host.`);
		return channelFailure(error, `Purging "${queue}"`);
	}
}

/** Declares a queue of ours where there is none of that name; one that is there is used as it is. */
export async function ensureQueue(link: Link, declaration: QueueDeclaration): Promise<Result<void>> {
	const { queue, durable, maxPriority, carrotExchange } = declaration;
	if (queue === '' || Buffer.byteLength(queue) > 255) {
		return fail('invalid-input', 'A queue name has 1 to 255 bytes.');
	}
	const there = await queueExists(link, queue);
	if (!there.ok) return there;
	if (there.value) return ok(undefined);
	try {
		const channel = await quietChannel(link);
		await channel.assertQueue(queue, {
			durable,
			// The width that carrot's consumers use: a 32-bit integer.
			arguments: maxPriority === null ? {} : { 'x-max-priority': { '!': 'int32', value: maxPriority } },
		});
		if (carrotExchange) {
			if (!(await exchangeExists(link, queue))) await channel.assertExchange(queue, 'direct', { durable: false });
			await channel.bindQueue(queue, queue, queue);
		}
		await channel.close();
		return ok(undefined);
	} catch (error) {
		// Somebody else was quicker, with other attributes: then it exists, and that is all that was asked for.
		if (replyCode(error) === 406) {
			const now = await queueExists(link, queue);
			if (now.ok && now.value) return ok(undefined);
		}
		return channelFailure(error, `Declaring the queue "${queue}"`);
	}
}

/** Asked passively. */
export async function exchangeExists(link: Link, exchange: string): Promise<boolean> {
	const channel = await quietChannel(link);
	try {
		await channel.checkExchange(exchange);
		await channel.close();
		return true;
	} catch (error) {
		if (replyCode(error) === 404) return false;
		throw error;
	}
}

/** A channel whose closing is told by the call that failed, not by an event. */
export async function quietChannel(link: Link): Promise<Channel> {
	const channel = await link.model.createChannel();
	channel.on('error', () => undefined);
	return channel;
}
