/** Messages as no dialect would write them, put straight into the built-in broker of a home's sandbox. */
import { join } from 'node:path';
import { createDriver } from '#main/brokers/connect.ts';
import type { MessageProperties } from '#main/domain/message.ts';
import { driverContext, must } from './brokers.ts';

export interface RawMessage {
	readonly queue?: string;
	readonly body: string | Uint8Array;
	/** Named in carrot's header; without it there is none. */
	readonly task?: string;
	readonly id?: string;
}

/** Publishes them in their order, to `default` unless told otherwise; queues are made where they are missing. */
export async function publishRaw(home: string, messages: readonly RawMessage[], profile = 'sandbox'): Promise<void> {
	const folder = join(home, 'profiles', profile);
	await using driver = createDriver({ kind: 'embedded' }, driverContext({ folder, password: null }));
	driver.connect();
	must(await driver.ready(10_000));
	for (const { queue = 'default', body, task, id } of messages) {
		must(await driver.ensureQueue({ queue, durable: true, maxPriority: 255, carrotExchange: false }));
		const properties: MessageProperties = {
			contentType: 'application/json',
			...(id === undefined ? {} : { messageId: id }),
			...(task === undefined ? {} : { headers: [['type', { type: 'longstr', text: task }]] }),
		};
		const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
		must(await driver.publish({ exchange: '', routingKey: queue, properties, body: bytes }));
	}
}
