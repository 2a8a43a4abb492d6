/**
 * The basic properties of AMQP 0-9-1 (section 1.8.3 of its reference) as bytes and as values: a word of flags, then each
 * property whose flag is set. What is absent stays absent, so a message that was received can be sent again as it was.
 * Not kept: the reserved `cluster-id`, short strings that are not UTF-8, timestamps over 2^53 s.
 */
import type { MessageProperties } from '../domain/message.ts';
import { type Cursor, readShortString, readTable, writeShortString, writeTable } from './field-table.ts';

const CONTENT_TYPE = 0x8000;
const CONTENT_ENCODING = 0x4000;
const HEADERS = 0x2000;
const DELIVERY_MODE = 0x1000;
const PRIORITY = 0x0800;
const CORRELATION_ID = 0x0400;
const REPLY_TO = 0x0200;
const EXPIRATION = 0x0100;
const MESSAGE_ID = 0x0080;
const TIMESTAMP = 0x0040;
const TYPE = 0x0020;
const USER_ID = 0x0010;
const APP_ID = 0x0008;

type Writable = { -readonly [K in keyof MessageProperties]: MessageProperties[K] };

/** Reads flags and properties. Throws RangeError or TypeError on bytes that are none. */
export function readProperties(bytes: Buffer): MessageProperties {
	const flags = bytes.readUInt16BE(0);
	const cursor: Cursor = { bytes, at: 2 };
	const properties: Writable = {};
	if (flags & CONTENT_TYPE) properties.contentType = readShortString(cursor);
	if (flags & CONTENT_ENCODING) properties.contentEncoding = readShortString(cursor);
	if (flags & HEADERS) properties.headers = readTable(cursor);
	if (flags & DELIVERY_MODE) properties.deliveryMode = bytes.readUInt8(cursor.at++);
	if (flags & PRIORITY) properties.priority = bytes.readUInt8(cursor.at++);
	if (flags & CORRELATION_ID) properties.correlationId = readShortString(cursor);
	if (flags & REPLY_TO) properties.replyTo = readShortString(cursor);
	if (flags & EXPIRATION) properties.expiration = readShortString(cursor);
	if (flags & MESSAGE_ID) properties.messageId = readShortString(cursor);
	if (flags & TIMESTAMP) {
		properties.timestamp = Number(bytes.readBigUInt64BE(cursor.at));
		cursor.at += 8;
	}
	if (flags & TYPE) properties.type = readShortString(cursor);
	if (flags & USER_ID) properties.userId = readShortString(cursor);
	if (flags & APP_ID) properties.appId = readShortString(cursor);
	return properties;
}

/** Writes flags and properties. Throws RangeError when a value does not fit its place. */
export function writeProperties(properties: MessageProperties): Buffer {
	let flags = 0;
	const parts: Buffer[] = [];
	const word = Buffer.allocUnsafe(2);
	parts.push(word);
	const text = (flag: number, value: string | undefined) => {
		if (value === undefined) return;
		flags |= flag;
		parts.push(writeShortString(value));
	};
	const octet = (flag: number, value: number | undefined) => {
		if (value === undefined) return;
		flags |= flag;
		const byte = Buffer.allocUnsafe(1);
		byte.writeUInt8(value, 0);
		parts.push(byte);
	};
	text(CONTENT_TYPE, properties.contentType);
	text(CONTENT_ENCODING, properties.contentEncoding);
	if (properties.headers !== undefined) {
		flags |= HEADERS;
		parts.push(writeTable(properties.headers));
	}
	octet(DELIVERY_MODE, properties.deliveryMode);
	octet(PRIORITY, properties.priority);
	text(CORRELATION_ID, properties.correlationId);
	text(REPLY_TO, properties.replyTo);
	text(EXPIRATION, properties.expiration);
	text(MESSAGE_ID, properties.messageId);
	if (properties.timestamp !== undefined) {
		flags |= TIMESTAMP;
		const seconds = Buffer.allocUnsafe(8);
		seconds.writeBigUInt64BE(BigInt(Math.trunc(properties.timestamp)), 0);
		parts.push(seconds);
	}
	text(TYPE, properties.type);
	text(USER_ID, properties.userId);
	text(APP_ID, properties.appId);
	word.writeUInt16BE(flags, 0);
	return Buffer.concat(parts);
}
