/** The page's end of a WebSocket, with the browser's own WebSocket. */
import type { DownFrame, UpFrame, Wire } from '../frames.ts';
import { BasicWire } from './base.ts';

/** The part of a browser's WebSocket that is used; Node has the same one. */
export interface PageSocket {
	addEventListener(type: 'open' | 'error', listener: () => void): void;
	addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
	addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void;
	send(text: string): void;
	close(code?: number, reason?: string): void;
}

/** Resolves once the socket is open; rejects with why it could not be. */
export function pageSocketWire(socket: PageSocket): Promise<Wire<UpFrame, DownFrame>> {
	return new Promise((resolve, reject) => {
		let open = false;
		const wire = new BasicWire<UpFrame, DownFrame>({
			send: (frame) => socket.send(JSON.stringify(frame)),
			// A close reason may hold 123 bytes at most.
			close: (reason) => socket.close(1000, reason.slice(0, 40)),
		});
		socket.addEventListener('open', () => {
			open = true;
			resolve(wire);
		});
		socket.addEventListener('message', (event) => {
			if (typeof event.data !== 'string') return;
			let frame: DownFrame;
			try {
				frame = JSON.parse(event.data) as DownFrame;
			} catch {
				wire.close('The engine sent something that is not JSON.');
				return;
			}
			wire.receive(frame);
		});
		socket.addEventListener('close', (event) => {
			const reason = event.reason === '' ? `The connection closed (code ${event.code}).` : event.reason;
			if (open) wire.ended(reason);
			else reject(new Error('The engine does not answer. Is "warren serve" still running?'));
		});
		// A 'close' always follows, and it knows more.
		socket.addEventListener('error', () => {});
	});
}
