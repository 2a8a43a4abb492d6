/** Two ends in one process: the wire of the command line's tests and of anything that needs no boundary. */
import type { Wire } from '../frames.ts';
import { BasicWire } from './base.ts';

/**
 * Makes two wires that end in each other. Frames are copied as a port would copy them, and arrive in a later microtask, so
 * that nobody comes to rely on sharing objects or on being called back at once.
 */
export function wirePair<A, B>(): readonly [Wire<A, B>, Wire<B, A>] {
	const left: BasicWire<A, B> = new BasicWire<A, B>({
		send: (frame) => queueMicrotask(() => right.receive(structuredClone(frame))),
		close: (reason) => queueMicrotask(() => right.ended(reason)),
	});
	const right: BasicWire<B, A> = new BasicWire<B, A>({
		send: (frame) => queueMicrotask(() => left.receive(structuredClone(frame))),
		close: (reason) => queueMicrotask(() => left.ended(reason)),
	});
	return [left, right];
}
