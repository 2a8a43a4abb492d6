/**
 * django-q's lists of packets, beyond what every driver does. A list runs from its head; a cluster that pops a packet has it, and nobody else
 * is told. So what is done to a waiting packet is done by its exact bytes and in one step: either the packet was still there, or nothing
 * happened.
 */
import type { Result } from '#main/domain/result.ts';

/** Some of a list as it was at one moment. */
export interface PacketWindow {
	/** From the asked-for place on, next to run first. */
	readonly packets: readonly Uint8Array[];
	/** Packets in the whole list then. */
	readonly length: number;
}

export interface PacketDoor {
	/** Up to `limit` packets from place `from` on (0 runs next); fewer where they are large. Changes nothing. */
	window(queue: string, from: number, limit: number): Promise<Result<PacketWindow>>;
}

/** How long a name may be, in characters. */
const NAME = 255;
/** Where packets of a queue are held: a list that no cluster serves. */
const HELD = ':held';

/** The queue that keeps what is held of another. Its packets stay valid for ever. */
export function holdOf(queue: string): string {
	return `${queue}${HELD}`;
}

/** The queue that a hold belongs to; null: it is none. */
export function heldFrom(name: string): string | null {
	return name.endsWith(HELD) && name.length > HELD.length ? name.slice(0, -HELD.length) : null;
}

/** The key of a queue's list. */
export function packetKey(queue: string): string {
	return `django_q:${queue}:q`;
}

/** The queue that a key is the list of; null: it is no such key. */
export function queueOfPacketKey(key: string): string | null {
	const name = /^django_q:(.+):q$/s.exec(key)?.[1] ?? null;
	return name !== null && name.length <= NAME ? name : null;
}
