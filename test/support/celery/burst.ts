/** A deployment under load, as it tells of itself: each task is sent, received, begun and over, every fiftieth fails. */
import { celeryBody, type Told } from './events.ts';

/** A way to a broker: amqplib's confirm channel has it. */
export interface BurstChannel {
	publish(exchange: string, routingKey: string, body: Buffer, options: object): unknown;
	waitForConfirms(): Promise<void>;
}

export interface Burst {
	readonly channel: BurstChannel;
	readonly exchange: string;
	/** Numbers of the tasks: from the first up to, but without, the last. */
	readonly from: number;
	readonly to: number;
	readonly idOf: (n: number) => string;
}

export const EVENTS_PER_TASK = 4;

/** Whether the nth task of a burst fails. */
export function failsInBurst(n: number): boolean {
	return n % 50 === 0;
}

/** As a worker's own batches hold, when it has much to tell. */
const BATCH = 24;
const TRACEBACK = `Traceback (most recent call last):\n${'  File "x.py", line 1, in f\n'.repeat(8)}ValueError: x\n`;

/** Publishes a burst at full speed: singles from clients, batches from eight workers. Resolves once the broker has all of it. */
export async function publishBurst({ channel, exchange, from, to, idOf }: Burst): Promise<void> {
	const send = (key: string, body: Uint8Array) =>
		channel.publish(exchange, key, Buffer.from(body), { contentType: 'application/json', deliveryMode: 1 });
	// Of now: what succeeded days ago would soon be cleaned up.
	const begun = Date.now();
	let batch: Told[] = [];
	const add = (told: Told) => {
		batch.push(told);
		if (batch.length < BATCH) return;
		send('task.multi', celeryBody(...batch));
		batch = [];
	};
	for (let n = from; n < to; n += 1) {
		const uuid = idOf(n);
		const at = begun + n - to;
		const call = {
			name: `shop.tasks.job${n % 40}`,
			args: `(${n}, 'customer')`,
			kwargs: "{'retry': False}",
			retries: 0,
			root_id: uuid,
			parent_id: null,
		};
		const sent = { uuid, at, host: 'gen1@shop', queue: 'celery', exchange: '', routing_key: 'celery', ...call };
		send('task.sent', celeryBody({ type: 'task-sent', ...sent }));
		const host = `w${n % 8}@shop`;
		add({ type: 'task-received', uuid, at: at + 1, host, clock: n * 3, ...call });
		add({ type: 'task-started', uuid, at: at + 2, host, clock: n * 3 + 1 });
		const over = { uuid, at: at + 3, host, clock: n * 3 + 2 };
		if (failsInBurst(n)) add({ type: 'task-failed', ...over, exception: "ValueError('x')", traceback: TRACEBACK });
		else add({ type: 'task-succeeded', ...over, result: "{'ok': True}", runtime: 0.001 });
		if (n % 1_000 === 999) await channel.waitForConfirms();
	}
	if (batch.length > 0) send('task.multi', celeryBody(...batch));
	await channel.waitForConfirms();
}
