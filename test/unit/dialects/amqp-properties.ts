/** The content header's property list, written by the book (AMQP 0-9-1, 4.2.6.1), to compare messages byte for byte. */
import type { FieldValue, MessageProperties } from '#main/domain/message.ts';

function shortstr(text: string): Buffer {
	const bytes = Buffer.from(text);
	return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}

function longstr(bytes: Buffer): Buffer {
	const length = Buffer.alloc(4);
	length.writeUInt32BE(bytes.length);
	return Buffer.concat([length, bytes]);
}

function field(value: FieldValue): Buffer {
	if (value.type !== 'longstr') throw new Error(`This encoder knows long strings only, not ${value.type}`);
	return Buffer.concat([Buffer.from('S'), longstr(Buffer.from(value.text))]);
}

/** Flags word and properties in the order of the specification. */
export function propertyList(properties: MessageProperties): Buffer {
	const table = properties.headers?.map(([key, value]) => Buffer.concat([shortstr(key), field(value)]));
	const timestamp = Buffer.alloc(8);
	timestamp.writeBigUInt64BE(BigInt(properties.timestamp ?? 0));
	const short = (text: string | undefined): Buffer | undefined => (text === undefined ? undefined : shortstr(text));
	const octet = (value: number | undefined): Buffer | undefined =>
		value === undefined ? undefined : Buffer.from([value]);
	const parts: readonly (Buffer | undefined)[] = [
		short(properties.contentType),
		short(properties.contentEncoding),
		table === undefined ? undefined : longstr(Buffer.concat(table)),
		octet(properties.deliveryMode),
		octet(properties.priority),
		short(properties.correlationId),
		short(properties.replyTo),
		short(properties.expiration),
		short(properties.messageId),
		properties.timestamp === undefined ? undefined : timestamp,
		short(properties.type),
		short(properties.userId),
		short(properties.appId),
	];
	const flags = Buffer.alloc(2);
	flags.writeUInt16BE(parts.reduce((word, part, index) => (part === undefined ? word : word | (0x8000 >> index)), 0));
	return Buffer.concat([flags, ...parts.filter((part) => part !== undefined)]);
}
