/**
 * AMQP's greeting, step by step over a socket of its own, for the doctor: amqplib says only that it failed, this says what
 * the broker answered and at which step. Reads and writes the connection class of AMQP 0-9-1 (sections 1.4 and 4.2.2).
 */
import type { Socket } from 'node:net';
import { readTable, writeShortString, writeTable } from '../field-table.ts';

/** Where the greeting ended. */
export type Greeting =
	| { readonly kind: 'opened'; readonly server: string }
	/** It answered with an orderly no, at that step. */
	| {
			readonly kind: 'refused';
			readonly at: 'login' | 'vhost';
			readonly code: number;
			readonly text: string;
			readonly server: string;
	  }
	/** It answered something else; `bytes` are the first of it. */
	| { readonly kind: 'foreign'; readonly bytes: Buffer }
	/** It closed the connection, or was silent, after that step. */
	| {
			readonly kind: 'ended';
			readonly at: 'greeting' | 'login' | 'vhost';
			readonly why: 'closed' | 'silent';
			readonly server: string;
	  };

export interface GreetingOptions {
	readonly username: string;
	readonly password: string;
	readonly vhost: string;
	/** How long to wait for each answer, in ms. */
	readonly patience: number;
}

const CONNECTION = 10;
const START = 10;
const TUNE = 30;
const OPEN_OK = 41;
const CLOSE = 50;

/** Greets over a connected socket. The socket is destroyed in the end, whatever came of it. */
export async function greet(socket: Socket, options: GreetingOptions): Promise<Greeting> {
	const frames = new Frames(socket, options.patience);
	let server = '';
	try {
		socket.write(Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1]));
		const start = await frames.next();
		if (start.kind !== 'method') return ending(start, 'greeting', server);
		if (start.method !== START) return { kind: 'foreign', bytes: start.payload.subarray(0, 16) };
		server = serverName(start.payload);
		socket.write(method(11, startOk(options)));
		const tune = await frames.next();
		if (tune.kind !== 'method') return ending(tune, 'login', server);
		if (tune.method === CLOSE) return { kind: 'refused', at: 'login', server, ...closeReason(tune.payload) };
		if (tune.method !== TUNE) return { kind: 'foreign', bytes: tune.payload.subarray(0, 16) };
		// The limits as offered, which are always acceptable.
		socket.write(method(31, tune.payload.subarray(4, 12)));
		socket.write(method(40, Buffer.concat([writeShortString(options.vhost), writeShortString(''), Buffer.from([0])])));
		const open = await frames.next();
		if (open.kind !== 'method') return ending(open, 'vhost', server);
		if (open.method === CLOSE) return { kind: 'refused', at: 'vhost', server, ...closeReason(open.payload) };
		if (open.method !== OPEN_OK) return { kind: 'foreign', bytes: open.payload.subarray(0, 16) };
		socket.write(method(CLOSE, Buffer.concat([Buffer.from([0, 200]), writeShortString('OK'), Buffer.alloc(4)])));
		await frames.next();
		return { kind: 'opened', server };
	} finally {
		socket.destroy();
	}
}

function startOk(options: GreetingOptions): Buffer {
	const response = Buffer.from(`\0${options.username}\0${options.password}`);
	const length = Buffer.alloc(4);
	length.writeUInt32BE(response.length, 0);
	return Buffer.concat([
		writeTable([
			['product', { type: 'longstr', text: 'Warren' }],
			['connection_name', { type: 'longstr', text: 'Warren connection test' }],
			// Without it RabbitMQ answers a wrong password by silence and a closed socket.
			['capabilities', { type: 'table', fields: [['authentication_failure_close', { type: 'bool', value: true }]] }],
		]),
		writeShortString('PLAIN'),
		length,
		response,
		writeShortString('en_US'),
	]);
}

/** `RabbitMQ 3.10.8` from the properties in connection.start. */
function serverName(payload: Buffer): string {
	const properties = readTable({ bytes: payload, at: 6 });
	const text = (name: string) => {
		const value = properties.find(([key]) => key === name)?.[1];
		return value?.type === 'longstr' ? value.text : '';
	};
	return `${text('product')} ${text('version')}`.trim();
}

function closeReason(payload: Buffer): { readonly code: number; readonly text: string } {
	const length = payload.readUInt8(6);
	return { code: payload.readUInt16BE(4), text: payload.toString('utf8', 7, 7 + length) };
}

function ending(
	frame: Exclude<Frame, { kind: 'method' }>,
	at: 'greeting' | 'login' | 'vhost',
	server: string,
): Greeting {
	if (frame.kind === 'foreign') return { kind: 'foreign', bytes: frame.bytes };
	return { kind: 'ended', at, why: frame.kind, server };
}

function method(id: number, fields: Buffer): Buffer {
	const bytes = Buffer.alloc(12 + fields.length);
	bytes.writeUInt8(1, 0);
	bytes.writeUInt16BE(0, 1);
	bytes.writeUInt32BE(4 + fields.length, 3);
	bytes.writeUInt16BE(CONNECTION, 7);
	bytes.writeUInt16BE(id, 9);
	fields.copy(bytes, 11);
	bytes.writeUInt8(0xce, 11 + fields.length);
	return bytes;
}

type Frame =
	/** `payload` begins with class and method. */
	| { readonly kind: 'method'; readonly method: number; readonly payload: Buffer }
	| { readonly kind: 'foreign'; readonly bytes: Buffer }
	| { readonly kind: 'closed' | 'silent' };

/** Frames of channel 0 as they come. */
class Frames {
	readonly #patience: number;
	#rest: Buffer = Buffer.alloc(0);
	#closed = false;
	#wake: () => void = () => undefined;

	constructor(socket: Socket, patience: number) {
		this.#patience = patience;
		const closed = () => {
			this.#closed = true;
			this.#wake();
		};
		socket.on('data', (chunk: Buffer) => {
			this.#rest = Buffer.concat([this.#rest, chunk]);
			this.#wake();
		});
		socket.on('end', closed);
		socket.on('close', closed);
		socket.on('error', closed);
	}

	async next(): Promise<Frame> {
		const until = performance.now() + this.#patience;
		for (;;) {
			const rest = this.#rest;
			if (rest.length > 0 && rest.readUInt8(0) !== 1 && rest.readUInt8(0) !== 8) {
				return { kind: 'foreign', bytes: rest.subarray(0, 16) };
			}
			if (rest.length >= 8) {
				const size = rest.readUInt32BE(3);
				if (size > 1_000_000) return { kind: 'foreign', bytes: rest.subarray(0, 16) };
				if (rest.length >= size + 8) {
					this.#rest = rest.subarray(size + 8);
					if (rest.readUInt8(0) === 8) continue; // A heartbeat.
					const payload = rest.subarray(7, 7 + size);
					if (payload.readUInt16BE(0) !== CONNECTION) return { kind: 'foreign', bytes: rest.subarray(0, 16) };
					return { kind: 'method', method: payload.readUInt16BE(2), payload };
				}
			}
			if (this.#closed) return { kind: 'closed' };
			const left = until - performance.now();
			if (left <= 0) return { kind: 'silent' };
			await this.#change(left);
		}
	}

	#change(ms: number): Promise<void> {
		return new Promise((resolve) => {
			const timer = setTimeout(resolve, ms);
			this.#wake = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}
}
