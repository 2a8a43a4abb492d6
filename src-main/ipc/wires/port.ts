/** Wires over message ports: a page's, Node's, and the ones of Electron's main process. */
import type { Wire } from '../frames.ts';
import { BasicWire } from './base.ts';

/** The part of a page's MessagePort that is used; Node's has the same. */
export interface PagePort {
	postMessage(message: unknown): void;
	addEventListener(type: 'message' | 'close', listener: (event: { readonly data?: unknown }) => void): void;
	start(): void;
	close(): void;
}

/** The part of Electron's MessagePortMain that is used. */
export interface MainPort {
	postMessage(message: unknown): void;
	on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
	on(event: 'close', listener: () => void): unknown;
	start(): void;
	close(): void;
}

/** A wire over a page's (or Node's) port. Frames are taken as they come: whoever listens checks them. */
export function portWire<Out, In>(port: PagePort): Wire<Out, In> {
	const wire = new BasicWire<Out, In>({
		send: (frame) => port.postMessage(frame),
		close: () => port.close(),
	});
	port.addEventListener('message', (event) => wire.receive(event.data as In));
	port.addEventListener('close', () => wire.ended('The other side closed the port.'));
	port.start();
	return wire;
}

/** A wire over a port of Electron's main process. */
export function mainPortWire<Out, In>(port: MainPort): Wire<Out, In> {
	const wire = new BasicWire<Out, In>({
		send: (frame) => port.postMessage(frame),
		close: () => port.close(),
	});
	port.on('message', (event) => wire.receive(event.data as In));
	port.on('close', () => wire.ended('The page closed its port.'));
	port.start();
	return wire;
}
