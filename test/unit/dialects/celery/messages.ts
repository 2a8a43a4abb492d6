/** Messages as captured from Celery 5.6.3, as brokers would hand them out. */
import { readFileSync } from 'node:fs';
import type { FieldTable, FieldValue, MessageProperties, OutgoingMessage } from '#main/domain/message.ts';

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

interface AmqpMessage {
	readonly fields: { readonly exchange: string; readonly routingKey: string };
	readonly properties: { readonly headers: { readonly [key: string]: Json } } & Omit<MessageProperties, 'headers'>;
	readonly body_base64: string;
}

interface RedisMessage {
	readonly body: string;
	readonly 'content-type': string;
	readonly 'content-encoding': string;
	readonly headers: { readonly [key: string]: Json };
	readonly properties: { readonly correlation_id?: string; readonly reply_to?: string; readonly priority: number };
}

function captured<T>(name: string): T {
	return JSON.parse(readFileSync(new URL(`../../../fixtures/celery/${name}`, import.meta.url), 'utf8')) as T;
}

/** A header as py-amqp writes it. */
export function fieldOf(value: Json): FieldValue {
	if (value === null) return { type: 'void' };
	if (typeof value === 'boolean') return { type: 'bool', value };
	if (typeof value === 'number') return { type: 'int32', value };
	if (typeof value === 'string') return { type: 'longstr', text: value };
	if (Array.isArray(value)) return { type: 'array', items: value.map(fieldOf) };
	return { type: 'table', fields: tableOf(value as { readonly [key: string]: Json }) };
}

export function tableOf(headers: { readonly [key: string]: Json }): FieldTable {
	return Object.entries(headers).map(([name, value]) => [name, fieldOf(value)] as const);
}

/** The sixteen messages that waited in a RabbitMQ queue, in their order. */
export const AMQP: readonly OutgoingMessage[] = captured<{ readonly first_pass: readonly AmqpMessage[] }>(
	'amqp-5.6.3.queues.json',
).first_pass.map(({ fields, properties: { headers, ...properties }, body_base64 }) => ({
	exchange: fields.exchange,
	routingKey: fields.routingKey,
	properties: { ...properties, headers: tableOf(headers) },
	body: new Uint8Array(Buffer.from(body_base64, 'base64')),
}));

/** Those that waited in Redis, by their list. */
export const REDIS: readonly OutgoingMessage[] = Object.values(
	captured<{ readonly lists: Readonly<Record<string, readonly RedisMessage[]>> }>('redis-5.6.3.queues.json').lists,
)
	.flat()
	.map((envelope) => ({
		exchange: '',
		routingKey: 'holding',
		properties: {
			contentType: envelope['content-type'],
			contentEncoding: envelope['content-encoding'],
			headers: tableOf(envelope.headers),
			...(envelope.properties.correlation_id === undefined
				? {}
				: { correlationId: envelope.properties.correlation_id }),
			priority: envelope.properties.priority,
		},
		body: new Uint8Array(Buffer.from(envelope.body, 'base64')),
	}));

/** Headers after a message went through RabbitMQ's management API. */
export const AFTER_HTTP = captured<{ readonly headers_after_http_get: { readonly [key: string]: Json } }>(
	'http-move-5.6.3.json',
).headers_after_http_get;

export function message(headers: FieldTable, body: Uint8Array | string, more: MessageProperties = {}): OutgoingMessage {
	return {
		exchange: '',
		routingKey: 'q',
		properties: { contentType: 'application/json', contentEncoding: 'utf-8', ...more, headers },
		body: typeof body === 'string' ? new TextEncoder().encode(body) : body,
	};
}
