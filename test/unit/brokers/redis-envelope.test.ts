import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isCalled, markRedelivered, readEntry, UNREADABLE, writeEntry } from '#main/brokers/redis/envelope.ts';
import type { FieldValue, MessageProperties } from '#main/domain/message.ts';
import { must } from '../../support/brokers.ts';
import { anyTable } from '../../support/field-tables.ts';

interface Captured {
	readonly lists: Readonly<Record<string, readonly Record<string, unknown>[]>>;
	readonly while_running: {
		readonly unacked: Readonly<Record<string, readonly [Record<string, unknown>, string, string]>>;
	};
}
const captured: Captured = JSON.parse(
	readFileSync(new URL('../../fixtures/celery/redis-5.6.3.queues.json', import.meta.url), 'utf8'),
);
const waiting = Object.values(captured.lists).flat();
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const header = (properties: MessageProperties, name: string): FieldValue | undefined =>
	properties.headers?.find(([key]) => key === name)?.[1];
const envelope = (more: Record<string, unknown> = {}, properties: Record<string, unknown> = {}) => ({
	body: 'W10=',
	'content-type': 'application/json',
	'content-encoding': 'utf-8',
	headers: {},
	properties: {
		body_encoding: 'base64',
		delivery_tag: 't',
		delivery_info: { exchange: '', routing_key: 'q' },
		...properties,
	},
	...more,
});

describe('what Celery laid down', () => {
	it('is read whole: 16 messages of all shapes', () => {
		expect(waiting).toHaveLength(16);
		for (const entry of waiting) {
			const { message, tag, readable } = readEntry(bytes(entry), 'holding');
			expect(readable).toBe(true);
			expect(message).toMatchObject({ queue: 'holding', exchange: '', routingKey: 'holding', redelivered: false });
			const carried = entry.properties as Record<string, unknown>;
			expect(tag).toBe(carried.delivery_tag);
			expect(message.properties.correlationId).toBe(carried.correlation_id);
			expect(message.properties.replyTo).toBe(carried.reply_to);
			expect(message.properties.priority).toBe(carried.priority);
			expect(message.properties.contentType).toBe(entry['content-type']);
			expect(Buffer.from(message.body).toString('base64')).toBe(entry.body);
			const names = message.properties.headers?.map(([name]) => name).filter((name) => name !== 'x-kombu-properties');
			expect(names).toEqual(Object.keys(entry.headers as object));
		}
	});

	it('has its headers typed as AMQP would have them', () => {
		const [first] = captured.lists.holding ?? [];
		const { properties } = readEntry(bytes(first), 'holding').message;
		expect(header(properties, 'lang')).toEqual({ type: 'longstr', text: 'py' });
		expect(header(properties, 'retries')).toEqual({ type: 'int32', value: 0 });
		expect(header(properties, 'eta')).toEqual({ type: 'void' });
		expect(header(properties, 'ignore_result')).toEqual({ type: 'bool', value: false });
		expect(header(properties, 'timelimit')).toEqual({ type: 'array', items: [{ type: 'void' }, { type: 'void' }] });
		expect(header(properties, 'stamps')).toEqual({ type: 'table', fields: [] });
	});

	it('says the same when it is published again, under a tag of its own', () => {
		for (const entry of waiting) {
			const { message } = readEntry(bytes(entry), 'holding');
			const again = JSON.parse(must(writeEntry({ ...message, routingKey: 'elsewhere' }, 'new-tag')).toString());
			const { delivery_info, delivery_tag, ...carried } = again.properties;
			expect(delivery_info).toEqual({ exchange: '', routing_key: 'elsewhere' });
			expect(delivery_tag).toBe('new-tag');
			const { delivery_info: _info, delivery_tag: _tag, ...before } = entry.properties as Record<string, unknown>;
			expect(carried).toEqual(before);
			expect({ ...again, properties: null }).toEqual({ ...entry, properties: null });
		}
	});

	it('keeps properties that AMQP has not, in a header of their own', () => {
		const hidden = waiting.find((entry) => 'argsrepr' in (entry.properties as object));
		const { properties } = readEntry(bytes(hidden), 'holding').message;
		expect(header(properties, 'x-kombu-properties')).toEqual({
			type: 'table',
			fields: [
				['argsrepr', { type: 'longstr', text: '<hidden>' }],
				['kwargsrepr', { type: 'longstr', text: '<hidden>' }],
			],
		});
	});

	it('tells what was handed out before, and forgets that when it is published anew', () => {
		const held = Object.values(captured.while_running.unacked).map(([entry]) => readEntry(bytes(entry), 'celery'));
		expect(held.map(({ message }) => message.redelivered).sort()).toEqual([false, false, false, false, true, true]);
		const again = held.find(({ message }) => message.redelivered);
		expect(header(again?.message.properties ?? {}, 'redelivered')).toBeUndefined();
		expect(
			must(
				writeEntry(
					again?.message ?? must({ ok: false, error: { code: 'internal', message: '', retryable: false } }),
					't',
				),
			).toString(),
		).not.toContain('redelivered');
	});
});

describe('an envelope', () => {
	it('brings every property and header back as it was, and what a person reads in it is plain JSON', () => {
		const text = fc.string({ maxLength: 30 }).filter((one) => one.isWellFormed());
		fc.assert(
			fc.property(
				anyTable(3),
				fc.record(
					{ contentType: text, correlationId: text, messageId: text, replyTo: text, expiration: text, userId: text },
					{ requiredKeys: [] },
				),
				fc.record(
					{ priority: fc.integer({ min: 0, max: 255 }), deliveryMode: fc.integer({ min: 1, max: 2 }) },
					{ requiredKeys: [] },
				),
				fc.uint8Array({ maxLength: 100 }),
				fc.boolean(),
				(headers, texts, numbers, body, withHeaders) => {
					const properties = { ...texts, ...numbers, ...(withHeaders ? { headers } : {}) };
					const raw = must(writeEntry({ exchange: 'x', routingKey: 'k', properties, body }, 't'));
					const { message, tag } = readEntry(raw, 'q');
					expect(message.properties).toEqual(properties);
					expect(message).toMatchObject({ exchange: 'x', routingKey: 'k', redelivered: false });
					expect(Buffer.from(message.body).equals(Buffer.from(body))).toBe(true);
					expect(tag).toBe('t');
					const plain = JSON.parse(raw.toString());
					expect(typeof plain.headers).toBe('object');
					expect(plain.properties.priority).toBe(properties.priority ?? 0);
				},
			),
			{ numRuns: 200 },
		);
	});

	it('is as exact after it was given back, but for the mark', () => {
		const properties: MessageProperties = { headers: [['n', { type: 'int8', value: 5 }]], priority: 3 };
		const raw = must(writeEntry({ exchange: '', routingKey: 'q', properties, body: Buffer.from('b') }, 't'));
		const marked = markRedelivered(markRedelivered(raw));
		expect(JSON.parse(marked.toString())).toMatchObject({
			headers: { redelivered: true },
			properties: { delivery_info: { redelivered: true, routing_key: 'q' }, delivery_tag: 't' },
		});
		const { message } = readEntry(marked, 'q');
		expect(message.redelivered).toBe(true);
		expect(message.properties).toEqual(properties);
	});

	it('keeps every digit and bare word of Python when it is given back', () => {
		const raw = Buffer.from(
			'{"body": "W10=", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"id": 9223372036854775809, "x": NaN, "f": 1.50}, "properties": {"body_encoding": "base64", "priority": 0, "delivery_info": {"exchange": "", "routing_key": "q"}, "own": [1, {}]}}',
		);
		expect(markRedelivered(raw).toString()).toBe(
			'{"body": "W10=", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"id": 9223372036854775809, "x": NaN, "f": 1.50, "redelivered": true}, "properties": {"body_encoding": "base64", "priority": 0, "delivery_info": {"exchange": "", "routing_key": "q", "redelivered": true}, "own": [1, {}]}}',
		);
	});

	it('is believed where somebody changed what it says plainly', () => {
		const properties: MessageProperties = { headers: [['n', { type: 'int8', value: 5 }]] };
		const raw = must(writeEntry({ exchange: '', routingKey: 'q', properties, body: new Uint8Array() }, 't'));
		const changed = raw.toString().replace('"n": 5', '"n": 6');
		expect(changed).not.toBe(raw.toString());
		expect(header(readEntry(Buffer.from(changed), 'q').message.properties, 'n')).toEqual({ type: 'int32', value: 6 });
	});

	it('is read by what it says of its body, not by a guess', () => {
		const plain = readEntry(bytes(envelope({ body: 'W10=' }, { body_encoding: 'utf-8' })), 'q').message;
		expect(Buffer.from(plain.body).toString()).toBe('W10=');
		expect(Buffer.from(readEntry(bytes(envelope()), 'q').message.body).toString()).toBe('[]');
	});

	it.each<[string, Buffer]>([
		['no JSON', Buffer.from('hello')],
		['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d])],
		['a list', Buffer.from('[]')],
		['an object without a body', bytes({ headers: {}, properties: {} })],
		['a body that is no base64', bytes(envelope({ body: '***' }))],
		['no headers', bytes(envelope({ headers: null }))],
		['no properties', bytes(envelope({ properties: 'x' }))],
		['nesting without end', Buffer.from(`{"headers":${'['.repeat(5000)}`)],
		['nothing', Buffer.alloc(0)],
	])('that is %s is shown as its bytes, has a name, and is laid down again as it was', (_, raw) => {
		const { message, readable } = readEntry(raw, 'q');
		expect(readable).toBe(false);
		expect(message.properties.type).toBe(UNREADABLE);
		expect(message.properties.messageId).toMatch(/^entry-[0-9a-f]{40}$/);
		expect(Buffer.from(message.body).equals(raw)).toBe(true);
		expect(must(writeEntry(message, 't')).equals(raw)).toBe(true);
	});
});

describe('the name of a message', () => {
	it('is its message id; without one its correlation id, as with Celery, or its tag', () => {
		const celery = readEntry(bytes(envelope({}, { correlation_id: 'c' })), 'q');
		expect(isCalled(celery, new Set(['c']))).toBe('c');
		expect(isCalled(celery, new Set(['t']))).toBe('t');
		const named = readEntry(bytes(envelope({}, { correlation_id: 'c', message_id: 'm' })), 'q');
		expect(isCalled(named, new Set(['c', 't']))).toBeNull();
		expect(isCalled(named, new Set(['m']))).toBe('m');
	});
});
