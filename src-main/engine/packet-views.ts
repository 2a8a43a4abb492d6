/** Packets as routes show them. */
import { printOfEntry } from '#main/brokers/waiting.ts';
import { type PacketCheck, signatureOf } from '#main/dialects/django-q/check.ts';
import { type ReadPacket, readPacketMessage } from '#main/dialects/django-q/message.ts';
import type { PacketFacts } from '#main/domain/packet.ts';
import type { PacketView } from '#main/ipc/contract/packet.ts';

/** Bytes of a packet that a list carries. */
const RAW_LIMIT = 64 * 1024;

/** What a packet says beside its task; null where that cannot be read. */
export function packetFacts(read: ReadPacket, check: PacketCheck, size: number): PacketFacts | null {
	if (read.kind === 'fault') return null;
	const { func: _func, ...facts } = read.queued;
	return { ...facts, signature: signatureOf(read.packet, check), size, compressed: read.packet.compressed };
}

/** The check for a queue: its own name may be what its packets are signed under. */
export function checkFor(check: PacketCheck, queue: string): PacketCheck {
	const names = [...check.prefixes];
	return { ...check, prefixes: names.includes(queue) ? names : [...names, queue] };
}

/** A packet at its place. `whole`: with all its bytes. */
export function packetView(
	packet: Uint8Array,
	at: { readonly place: number; readonly now: number; readonly whole: boolean },
	check: PacketCheck,
): PacketView {
	const read = readPacketMessage(packet);
	const signedAt = read.packet?.signedAt ?? null;
	return {
		place: at.place,
		print: printOfEntry(packet),
		task: read.kind === 'task' ? read.task : null,
		fault: read.kind === 'fault' ? read.fault : null,
		packet: packetFacts(read, check, packet.byteLength),
		waitingMs: signedAt === null ? null : Math.max(0, at.now - signedAt),
		raw: at.whole || packet.byteLength <= RAW_LIMIT ? Buffer.from(packet).toString('base64') : null,
		bytes: packet.byteLength,
	};
}
