/**
 * Lets a connection of amqplib carry message properties as the bytes they are. amqplib 2.3.1 reads headers into plain objects
 * (number widths, 64-bit digits and the order of keys are gone) and guesses types when it writes; it offers no way around, so
 * two methods of its connection object are replaced here, and nothing else of its inside is touched anywhere in Warren:
 * - `recvFrame`: content header frames are handed on with their raw bytes, undecoded (also cheaper on the hot path);
 * - `sendMessage`: a publish whose properties were given as bytes is framed here.
 * The version is pinned, the shape is checked at each connect, and `test/conformance` holds the round trip.
 */
import type { ChannelModel, ConfirmChannel, Message } from 'amqplib';

const FRAME_METHOD = 1;
const FRAME_HEADER = 2;
const FRAME_BODY = 3;
const FRAME_END = 0xce;
const HEADER_BYTES = 7;
const CLASS_BASIC = 60;
const METHOD_PUBLISH = 40;
/** Below this a whole message goes out as one chunk. */
const ONE_CHUNK = 16_384;

/** Where the raw bytes travel on amqplib's message object. */
const RAW = Symbol('raw properties');

/** What is relied on of amqplib's connection. */
interface Inside {
	rest: Buffer;
	readonly maxFrameSize: number;
	readonly frameMax: number;
	readonly stream: { read(): Buffer | null };
	recvSinceLastCheck: boolean;
	sentSinceLastCheck: boolean;
	readonly channels: readonly ({ readonly buffer: { write(chunk: Buffer): boolean } } | null)[];
	recvFrame(): unknown;
	sendMessage(channel: number, method: unknown, fields: unknown, ...rest: readonly unknown[]): boolean;
}

/** A publish by raw properties. */
export interface ExactFrames {
	/** Largest frame both sides agreed on, in bytes; a header frame can't be larger. */
	readonly frameMax: number;
	/** `confirmed` is called once: with null when the broker took responsibility, else with why it did not. */
	publish(
		channel: ConfirmChannel,
		message: {
			readonly exchange: string;
			readonly routingKey: string;
			readonly properties: Buffer;
			readonly body: Buffer;
		},
		confirmed: (error: Error | null) => void,
	): void;
}

/** Takes the connection over. Throws when amqplib is not the version this was written for. */
export function exactFrames(model: ChannelModel): ExactFrames {
	const inside = model.connection as unknown as Inside;
	if (
		!Buffer.isBuffer(inside.rest) ||
		typeof inside.recvFrame !== 'function' ||
		typeof inside.sendMessage !== 'function' ||
		typeof inside.frameMax !== 'number' ||
		!Array.isArray(inside.channels)
	) {
		throw new Error('amqplib has changed inside; this version of Warren works with amqplib 2.3.1.');
	}
	const decode = inside.recvFrame;
	const send = inside.sendMessage;
	let outgoing: Buffer | null = null;

	inside.recvFrame = () => {
		while (!startsWithFrame(inside.rest, inside.maxFrameSize)) {
			const incoming = inside.stream.read();
			if (incoming === null) return false;
			inside.recvSinceLastCheck = true;
			inside.rest = inside.rest.length === 0 ? incoming : Buffer.concat([inside.rest, incoming]);
		}
		const { rest } = inside;
		if (rest[0] !== FRAME_HEADER) return decode.call(inside);
		const size = rest.readUInt32BE(3);
		const end = HEADER_BYTES + size;
		if (rest[end] !== FRAME_END || size < 14) return decode.call(inside);
		inside.rest = rest.subarray(end + 1);
		return {
			id: rest.readUInt16BE(HEADER_BYTES),
			channel: rest.readUInt16BE(1),
			size: Number(rest.readBigUInt64BE(HEADER_BYTES + 4)),
			fields: { [RAW]: rest.subarray(HEADER_BYTES + 12, end) },
		};
	};

	inside.sendMessage = (channel, method, fields, ...rest) => {
		const properties = outgoing;
		outgoing = null;
		const content = rest[2];
		if (properties === null || !Buffer.isBuffer(content)) return send.call(inside, channel, method, fields, ...rest);
		const { exchange, routingKey } = fields as { exchange: string; routingKey: string };
		const buffer = inside.channels[channel]?.buffer;
		if (buffer === undefined) throw new Error(`Channel ${channel} is closed.`);
		inside.sentSinceLastCheck = true;
		const head = [
			publishFrame(channel, exchange, routingKey),
			frame(FRAME_HEADER, channel, [contentHeader(content.length), properties]),
		];
		const largest = inside.frameMax - HEADER_BYTES - 1;
		if (content.length < Math.min(ONE_CHUNK, largest)) {
			if (content.length > 0) head.push(frame(FRAME_BODY, channel, [content]));
			return buffer.write(Buffer.concat(head));
		}
		let more = buffer.write(Buffer.concat(head));
		for (let at = 0; at < content.length; at += largest) {
			more = buffer.write(frame(FRAME_BODY, channel, [content.subarray(at, at + largest)]));
		}
		return more;
	};

	return {
		frameMax: inside.frameMax,
		publish(channel, message, confirmed) {
			outgoing = message.properties;
			try {
				channel.publish(message.exchange, message.routingKey, message.body, { mandatory: true }, (error: unknown) =>
					confirmed(error === null || error === undefined ? null : asError(error)),
				);
			} finally {
				outgoing = null;
			}
		},
	};
}

/** The raw properties of a message that came over a connection taken over by `exactFrames`. */
export function rawProperties(message: Message): Buffer {
	const raw: unknown = Reflect.get(message.properties, RAW);
	if (!Buffer.isBuffer(raw)) throw new Error('This message did not come over an exact connection.');
	return raw;
}

function asError(value: unknown): Error {
	return value instanceof Error ? value : new Error(String(value));
}

/** Whether the bytes begin with a whole frame (or with one that is too large, which amqplib is to refuse). */
function startsWithFrame(bytes: Buffer, maxFrameSize: number): boolean {
	if (bytes.length < HEADER_BYTES) return false;
	const size = bytes.readUInt32BE(3);
	if (maxFrameSize > 0 && size > maxFrameSize) return true;
	return bytes.length >= HEADER_BYTES + size + 1;
}

function frame(type: number, channel: number, payload: readonly Buffer[]): Buffer {
	const size = payload.reduce((sum, part) => sum + part.length, 0);
	const bytes = Buffer.allocUnsafe(HEADER_BYTES + size + 1);
	bytes.writeUInt8(type, 0);
	bytes.writeUInt16BE(channel, 1);
	bytes.writeUInt32BE(size, 3);
	let at = HEADER_BYTES;
	for (const part of payload) at += part.copy(bytes, at);
	bytes.writeUInt8(FRAME_END, at);
	return bytes;
}

function publishFrame(channel: number, exchange: string, routingKey: string): Buffer {
	const exchangeLength = Buffer.byteLength(exchange);
	const keyLength = Buffer.byteLength(routingKey);
	const payload = Buffer.allocUnsafe(9 + exchangeLength + keyLength);
	payload.writeUInt16BE(CLASS_BASIC, 0);
	payload.writeUInt16BE(METHOD_PUBLISH, 2);
	payload.writeUInt16BE(0, 4);
	payload.writeUInt8(exchangeLength, 6);
	payload.write(exchange, 7);
	payload.writeUInt8(keyLength, 7 + exchangeLength);
	payload.write(routingKey, 8 + exchangeLength);
	// The only bit: mandatory.
	payload.writeUInt8(1, 8 + exchangeLength + keyLength);
	return frame(FRAME_METHOD, channel, [payload]);
}

function contentHeader(bodyLength: number): Buffer {
	const bytes = Buffer.allocUnsafe(12);
	bytes.writeUInt16BE(CLASS_BASIC, 0);
	bytes.writeUInt16BE(0, 2);
	bytes.writeBigUInt64BE(BigInt(bodyLength), 4);
	return bytes;
}
