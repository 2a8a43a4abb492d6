/** The engine's end of a WebSocket, over `ws`. */
import type { WebSocket } from 'ws';
import type { DownFrame, UpFrame, Wire } from '../frames.ts';
import { BasicWire } from './base.ts';

/** Bytes of one incoming frame at most; the largest honest one names 100,000 tasks by id. */
export const MAX_FRAME_BYTES = 48 * 1024 * 1024;
/** Between two pings; a page that answers none of them is gone (a laptop that fell asleep, a cut connection). */
const PING_MS = 30_000;

/** A wire over an accepted WebSocket. Text that is not JSON, and binary messages, close it. */
export function serverSocketWire(socket: WebSocket): Wire<DownFrame, UpFrame> {
	const wire = new BasicWire<DownFrame, UpFrame>({
		send: (frame) => socket.send(JSON.stringify(frame)),
		close: (reason) => socket.close(1000, cutReason(reason)),
	});
	let answered = true;
	const ping = setInterval(() => {
		if (!answered) {
			socket.terminate();
			return;
		}
		answered = false;
		socket.ping();
	}, PING_MS);
	ping.unref();
	socket.on('pong', () => {
		answered = true;
	});
	socket.on('message', (data, binary) => {
		if (binary) {
			wire.close('The page sent bytes.');
			return;
		}
		let frame: UpFrame;
		try {
			frame = JSON.parse(data.toString()) as UpFrame;
		} catch {
			wire.close('The page sent something that is not JSON.');
			return;
		}
		wire.receive(frame);
	});
	socket.on('close', (code, reason) => {
		clearInterval(ping);
		wire.ended(reason.length > 0 ? reason.toString() : `The connection closed (code ${code}).`);
	});
	// A 'close' follows every error, and it is what ends the wire.
	socket.on('error', () => {});
	return wire;
}

/** A close reason may hold 123 bytes. */
function cutReason(reason: string): string {
	let cut = reason;
	while (Buffer.byteLength(cut) > 120) cut = cut.slice(0, -1);
	return cut;
}
