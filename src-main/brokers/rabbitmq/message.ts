/** amqplib's messages as Warren's, and Warren's as bytes. */
import type { GetMessage, Message } from 'amqplib';
import type { BrokerMessage, FieldValue, MessageProperties, OutgoingMessage } from '../../domain/message.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { readProperties, writeProperties } from '../properties.ts';
import { printOf, type WaitingMessage } from '../waiting.ts';
import { rawProperties } from './exact-frames.ts';

/** A message ready for the wire. */
export interface WireMessage {
	readonly exchange: string;
	readonly routingKey: string;
	readonly properties: Buffer;
	readonly body: Buffer;
}

/**
 * Reads what a queue handed out. The body is a copy of exactly its own size: the network's chunk would be kept alive (and
 * copied whole to other threads) by a view of it. Unreadable properties, which RabbitMQ itself would have refused, come out empty.
 */
export function brokerMessage(message: Message | GetMessage, queue: string): BrokerMessage {
	let properties: MessageProperties;
	try {
		properties = readProperties(rawProperties(message));
	} catch {
		// The body is still worth showing, and one strange message must not end a stream.
		properties = {};
	}
	const { content, fields } = message;
	return {
		queue,
		exchange: fields.exchange,
		routingKey: fields.routingKey,
		properties,
		body: content.byteLength === content.buffer.byteLength ? new Uint8Array(content.buffer) : Uint8Array.from(content),
		redelivered: fields.redelivered,
		deliveryCount: deliveryCount(properties),
	};
}

/** A message that waits, with its print. */
export function waiting(message: BrokerMessage): WaitingMessage {
	return { ...message, print: printOf(message), entry: null };
}

/** Quorum queues count deliveries in a header from the second one on; other queues don't count: null. */
export function deliveryCount(properties: MessageProperties): number | null {
	const count = properties.headers?.find(([key]) => key === 'x-delivery-count')?.[1];
	if (count === undefined) return null;
	if (count.type === 'int64') return Number(count.text);
	return 'value' in count && typeof count.value === 'number' ? count.value : null;
}

/** Writes a message; `invalid-input` names what does not fit into AMQP, `too-large` headers over one frame. */
export function wireMessage(message: OutgoingMessage, frameMax: number): Result<WireMessage> {
	for (const [what, name] of [
		['exchange', message.exchange],
		['routing key', message.routingKey],
	] as const) {
		if (Buffer.byteLength(name) > 255) {
			return fail('invalid-input', `The ${what} is longer than the 255 bytes that AMQP allows.`, {
				details: { outcome: 'not-sent' },
			});
		}
	}
	// RabbitMQ's language has no such numbers: it would end the connection over them.
	if (message.properties.headers?.some(([, value]) => holdsNonFinite(value)) === true) {
		return fail('invalid-input', 'RabbitMQ cannot take NaN or infinite numbers in headers.', {
			details: { outcome: 'not-sent' },
		});
	}
	let properties: Buffer;
	try {
		properties = writeProperties(message.properties);
	} catch (error) {
		return fail('invalid-input', `The message cannot be written: ${(error as Error).message}`, {
			details: { outcome: 'not-sent' },
		});
	}
	if (properties.length + 20 > frameMax) {
		return fail(
			'too-large',
			`The headers take ${properties.length} bytes, and this broker allows ${frameMax} in one frame. Move data into the body.`,
			{ details: { outcome: 'not-sent' } },
		);
	}
	const { body } = message;
	return ok({
		exchange: message.exchange,
		routingKey: message.routingKey,
		properties,
		body: Buffer.from(body.buffer, body.byteOffset, body.byteLength),
	});
}

function holdsNonFinite(value: FieldValue): boolean {
	switch (value.type) {
		case 'float':
		case 'double':
			return !Number.isFinite(value.value);
		case 'array':
			return value.items.some(holdsNonFinite);
		case 'table':
			return value.fields.some(([, field]) => holdsNonFinite(field));
		default:
			return false;
	}
}
