/**
 * kombu's envelope: the JSON object that is one entry of a queue's list, and the message in it.
 *
 * JSON has fewer types than AMQP's headers. What is published from here therefore carries, where plain JSON would lose something,
 * its properties once more as AMQP writes them (`x-warren-properties`), which kombu passes over and carries along. They count only
 * while they say the same as the plain ones: whoever changed those is believed. An entry that is no envelope becomes a message all
 * the same, of the type `UNREADABLE` and with its bytes as body; published again, it is laid down as those bytes.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { readJson } from '#main/dialects/json/read.ts';
import { writeJson } from '#main/dialects/json/write.ts';
import type { BrokerMessage, MessageProperties, OutgoingMessage } from '../../domain/message.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { Value } from '../../domain/value.ts';
import { readProperties, writeProperties } from '../properties.ts';
import { fieldOf, dictOf as tableDict } from './values.ts';

/** `properties.type` of an entry that is no envelope. */
export const UNREADABLE = 'redis entry that is no message';

/** Our own member of an envelope. */
const EXACT = 'x-warren-properties';

type Dict = Extract<Value, { kind: 'dict' }>;
type Writable = { -readonly [K in keyof MessageProperties]: MessageProperties[K] };

/**
 * Header that stands for properties which AMQP has not, as Celery makes of options it does not know: here they have no other place.
 * They are put back where they were when the message is laid down again.
 */
const BESIDE = 'x-kombu-properties';
const KNOWN_NUMBERS = ['timestamp', 'delivery_mode', 'priority'];

/** kombu's names of the properties that are texts. */
const TEXTS = {
	correlation_id: 'correlationId',
	reply_to: 'replyTo',
	expiration: 'expiration',
	message_id: 'messageId',
	type: 'type',
	user_id: 'userId',
	app_id: 'appId',
} as const;

/** An entry as it was read. */
export interface Entry {
	readonly message: BrokerMessage;
	/** kombu's `delivery_tag`; null: it has none, or is no envelope. */
	readonly tag: string | null;
	readonly readable: boolean;
}

/** Reads one entry of a queue's list. Never fails: what is no envelope comes out as it is. */
export function readEntry(raw: Uint8Array, queue: string): Entry {
	const envelope = parse(raw);
	const body = envelope === null ? null : bodyOf(envelope);
	const carried = envelope === null ? null : dictOf(envelope, 'properties');
	if (envelope === null || body === null || carried === null || dictOf(envelope, 'headers') === null) {
		return { message: unreadable(raw, queue), tag: null, readable: false };
	}
	const info = dictOf(carried, 'delivery_info');
	const redelivered = isTrue(info, 'redelivered');
	const plain = plainParts(envelope, carried, redelivered);
	return {
		message: {
			queue,
			exchange: textOf(info, 'exchange') ?? '',
			routingKey: textOf(info, 'routing_key') ?? queue,
			properties: exactProperties(envelope, plain) ?? propertiesOf(plain),
			body,
			redelivered,
			deliveryCount: null,
		},
		tag: textOf(carried, 'delivery_tag'),
		readable: true,
	};
}

/** Writes a message as an entry. `invalid-input`: a property does not fit its place, by AMQP's limits, which hold for all brokers. */
export function writeEntry(message: OutgoingMessage, tag: string): Result<Buffer> {
	const { properties, body, exchange, routingKey } = message;
	if (properties.type === UNREADABLE) return ok(Buffer.from(body));
	let exact: Buffer;
	try {
		exact = writeProperties(properties);
	} catch (error) {
		const why = error instanceof Error ? error.message : String(error);
		return fail('invalid-input', `A property of the message does not fit: ${why}`, {
			details: { outcome: 'not-sent' },
		});
	}
	const parts = partsOf(properties);
	const [type, encoding, headers, carried] = parts;
	const text = writeJson(
		dict([
			['body', str(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('base64'))],
			['content-encoding', encoding],
			['content-type', type],
			['headers', headers],
			[
				'properties',
				dict([
					...carried.entries,
					[
						'delivery_info',
						dict([
							['exchange', str(exchange)],
							['routing_key', str(routingKey)],
						]),
					],
					['body_encoding', str('base64')],
					['delivery_tag', str(tag)],
				]),
			],
			...(isDeepStrictEqual(propertiesOf(parts), properties) ? [] : [[EXACT, str(exact.toString('base64'))] as const]),
		]),
		'python',
	);
	if (!text.ok) return fail('invalid-input', text.error.message, { details: { outcome: 'not-sent' } });
	return ok(Buffer.from(text.value));
}

/** The same entry, marked as handed out before, as kombu marks it; as it was where that cannot be marked. */
export function markRedelivered(raw: Uint8Array): Buffer {
	const envelope = parse(raw);
	const headers = envelope === null ? null : dictOf(envelope, 'headers');
	const carried = envelope === null ? null : dictOf(envelope, 'properties');
	if (envelope === null || headers === null || carried === null) return Buffer.from(raw);
	const info = dictOf(carried, 'delivery_info') ?? dict([]);
	const marked = put(
		put(envelope, 'headers', put(headers, 'redelivered', TRUE)),
		'properties',
		put(carried, 'delivery_info', put(info, 'redelivered', TRUE)),
	);
	const text = writeJson(marked, 'python');
	return text.ok ? Buffer.from(text.value) : Buffer.from(raw);
}

/** Whether an id means this message: its message id, or without one (as Celery's are) its correlation id or its tag. */
export function isCalled({ message, tag }: Entry, ids: ReadonlySet<string>): string | null {
	const { messageId, correlationId } = message.properties;
	const names = messageId === undefined ? [correlationId, tag] : [messageId];
	return names.find((name): name is string => typeof name === 'string' && ids.has(name)) ?? null;
}

/** Content type, content encoding, headers and properties as an envelope holds them. */
type Parts = readonly [type: Value, encoding: Value, headers: Dict, carried: Dict];

/** What is said plainly in an envelope, without what kombu adds of its own. */
function plainParts(envelope: Dict, carried: Dict, redelivered: boolean): Parts {
	const headers = dictOf(envelope, 'headers') ?? dict([]);
	const own = ['delivery_info', 'delivery_tag', 'body_encoding'];
	return [
		get(envelope, 'content-type') ?? NONE,
		get(envelope, 'content-encoding') ?? NONE,
		redelivered ? without(headers, ['redelivered']) : headers,
		without(carried, own),
	];
}

function partsOf(properties: MessageProperties): Parts {
	const carried: (readonly [string, Value])[] = [];
	for (const [name, key] of Object.entries(TEXTS)) {
		const value = properties[key];
		if (value !== undefined) carried.push([name, str(value)]);
	}
	if (properties.timestamp !== undefined) carried.push(['timestamp', number(properties.timestamp)]);
	if (properties.deliveryMode !== undefined) carried.push(['delivery_mode', number(properties.deliveryMode)]);
	// kombu writes one always, and its consumers count on it.
	carried.push(['priority', number(properties.priority ?? 0)]);
	const headers = properties.headers ?? [];
	const beside = headers.find(([name, field]) => name === BESIDE && field.type === 'table')?.[1];
	if (beside?.type === 'table') carried.push(...namedEntries(tableDict(beside.fields)));
	return [
		properties.contentType === undefined ? NONE : str(properties.contentType),
		properties.contentEncoding === undefined ? NONE : str(properties.contentEncoding),
		tableDict(headers.filter(([, field]) => field !== beside)),
		dict(carried),
	];
}

function propertiesOf([type, encoding, headers, carried]: Parts): MessageProperties {
	const fields = namedEntries(headers).map(([name, value]) => [name, fieldOf(value)] as const);
	const others = without(carried, [...Object.keys(TEXTS), ...KNOWN_NUMBERS]);
	const beside = others.entries.length === 0 ? [] : [[BESIDE, fieldOf(others)] as const];
	const properties: Writable = { headers: [...fields, ...beside] };
	if (type.kind === 'str') properties.contentType = type.value;
	if (encoding.kind === 'str') properties.contentEncoding = encoding.value;
	for (const [name, key] of Object.entries(TEXTS)) {
		const value = get(carried, name);
		if (value?.kind === 'str') properties[key] = value.value;
		// Some publishers write the milliseconds of an expiration as a number.
		else if (value?.kind === 'int') properties[key] = value.text;
	}
	const whole = (name: string) => {
		const value = get(carried, name);
		return value?.kind === 'int' && Number.isSafeInteger(Number(value.text)) ? Number(value.text) : undefined;
	};
	const octet = (name: string) => {
		const value = whole(name);
		return value === undefined ? undefined : Math.min(255, Math.max(0, value));
	};
	const [mode, priority, timestamp] = [octet('delivery_mode'), octet('priority'), whole('timestamp')];
	if (mode !== undefined) properties.deliveryMode = mode;
	if (priority !== undefined) properties.priority = priority;
	if (timestamp !== undefined && timestamp >= 0) properties.timestamp = timestamp;
	return properties;
}

/** The properties by their types, where the envelope has them so and nobody changed what it says plainly. */
function exactProperties(envelope: Dict, plain: Parts): MessageProperties | null {
	const written = textOf(envelope, EXACT);
	if (written === null) return null;
	try {
		const exact = readProperties(Buffer.from(written, 'base64'));
		return sameText(partsOf(exact), plain) ? exact : null;
	} catch (error) {
		// Not what was written here: then what is said plainly holds.
		if (error instanceof RangeError || error instanceof TypeError) return null;
		throw error;
	}
}

function sameText(one: Parts, other: Parts): boolean {
	return one.every((part, at) => {
		const [left, right] = [writeJson(part, 'compact'), writeJson(other[at] ?? NONE, 'compact')];
		return left.ok && right.ok && left.value === right.value;
	});
}

function parse(raw: Uint8Array): Dict | null {
	let text: string;
	try {
		text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(raw);
	} catch {
		// Not UTF-8, so not JSON.
		return null;
	}
	const value = readJson(text);
	return value.ok && value.value.kind === 'dict' ? value.value : null;
}

/** The body, by what the envelope says of its encoding; null: it is none. */
function bodyOf(envelope: Dict): Uint8Array | null {
	const carried = dictOf(envelope, 'properties');
	const body = textOf(envelope, 'body');
	if (body === null) return null;
	const bytes =
		textOf(carried, 'body_encoding') !== 'base64'
			? Buffer.from(body)
			: /^[A-Za-z0-9+/]*={0,2}$/.test(body)
				? Buffer.from(body, 'base64')
				: null;
	// A copy of exactly its own size: small buffers are views of a shared one.
	return bytes === null ? null : Uint8Array.from(bytes);
}

function unreadable(raw: Uint8Array, queue: string): BrokerMessage {
	const messageId = `entry-${createHash('sha1').update(raw).digest('hex')}`;
	return {
		queue,
		exchange: '',
		routingKey: queue,
		properties: { type: UNREADABLE, messageId },
		body: Uint8Array.from(raw),
		redelivered: false,
		deliveryCount: null,
	};
}

const NONE: Value = { kind: 'none' };
const TRUE: Value = { kind: 'bool', value: true };

function str(value: string): Value {
	return { kind: 'str', value };
}

function number(value: number): Value {
	return { kind: 'int', text: String(Math.trunc(value)) };
}

function dict(entries: readonly (readonly [Value | string, Value])[]): Dict {
	return { kind: 'dict', entries: entries.map(([key, value]) => [typeof key === 'string' ? str(key) : key, value]) };
}

/** What a dict holds, by the text of its keys. */
function namedEntries(from: Dict): readonly (readonly [string, Value])[] {
	return from.entries.map(([key, value]) => [keyText(key), value] as const);
}

function keyText(key: Value): string {
	return key.kind === 'str' ? key.value : '';
}

function get(from: Dict | null, name: string): Value | null {
	return from?.entries.find(([key]) => keyText(key) === name)?.[1] ?? null;
}

function dictOf(from: Dict, name: string): Dict | null {
	const value = get(from, name);
	return value?.kind === 'dict' ? value : null;
}

function textOf(from: Dict | null, name: string): string | null {
	const value = get(from, name);
	return value?.kind === 'str' ? value.value : null;
}

function isTrue(from: Dict | null, name: string): boolean {
	const value = get(from, name);
	return value?.kind === 'bool' && value.value;
}

function without(from: Dict, names: readonly string[]): Dict {
	return { kind: 'dict', entries: from.entries.filter(([key]) => !names.includes(keyText(key))) };
}

/** The dict with this in the place of what it has by that name, or at its end. */
function put(into: Dict, name: string, value: Value): Dict {
	if (get(into, name) === null) return { kind: 'dict', entries: [...into.entries, [str(name), value]] };
	return {
		kind: 'dict',
		entries: into.entries.map(([key, old]) => [key, keyText(key) === name ? value : old] as const),
	};
}
