/**
 * django-q's packets behind the face of every framework's messages (`../messages.ts`). A message is exactly the packet's bytes; it has no
 * properties, since all it says is inside.
 */
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { QueuedCall } from '#main/domain/queued-call.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { toPlain, writeJson } from '../json/write.ts';
import { writeLiteral } from '../python/write.ts';
import { type Digest, type Packet, pickleOf, readPacket, type Signing, TASK_LIMIT, writePacket } from './packet.ts';
import { skimPacket } from './skim.ts';
import { readTask, writeTask } from './task.ts';

/** What is needed to write packets that a site's clusters run. */
export interface PacketSite extends Signing {
	readonly digest: Digest;
	/** The site has `USE_TZ`, so that its times have zones. */
	readonly aware: boolean;
	/** Epoch ms: when what is written is signed. */
	readonly now: number;
	/** What was taken for granted since no cluster beats that could be asked; null: nothing. */
	readonly assumed: string | null;
}

/** What a new packet says beside its function and arguments. */
export interface PacketOptions {
	/** Null: made of the id. */
	readonly name: string | null;
	readonly group: string | null;
	readonly hook: string | null;
	/** Seconds; -1: none. */
	readonly timeout: number | null;
}

export type ReadPacket =
	| { readonly kind: 'task'; readonly task: DecodedTask; readonly queued: QueuedCall; readonly packet: Packet }
	| { readonly kind: 'fault'; readonly fault: UndecodableTask; readonly packet: Packet | null };

/** See `packetNames`. */
export interface PacketNames {
	readonly func: string | null;
	readonly group: string | null;
	/** Epoch ms. */
	readonly signedAt: number | null;
}

const NO_OPTIONS: PacketOptions = { name: null, group: null, hook: null, timeout: null };

/** Reads a packet whoever signed it. Never throws, whatever the bytes. */
export function readPacketMessage(body: Uint8Array): ReadPacket {
	const packet = readPacket(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'));
	if (!packet.ok) return { kind: 'fault', packet: null, fault: fault(null, null, packet.error.message) };
	const queued = readTask(packet.value);
	if (!queued.ok) return { kind: 'fault', packet: packet.value, fault: fault(null, null, queued.error.message) };
	const { id, func, arguments: call, enqueuedAt } = queued.value;
	if (call === null) {
		const reason = 'Its "args" and "kwargs" are not what can be passed to a function (a tuple, and a dict with names).';
		return { kind: 'fault', packet: packet.value, fault: fault(func, id, reason) };
	}
	let argsJson: string | null = null;
	let kwargsJson: string | null = null;
	const task: DecodedTask = {
		name: func,
		messageId: id,
		priority: null,
		publishedAt: enqueuedAt,
		call,
		// Written when they are asked for: who searches, counts or checks signatures does not.
		get argsJson() {
			argsJson ??= jsonOf({ kind: 'list', items: call.args });
			return argsJson;
		},
		get kwargsJson() {
			kwargsJson ??= jsonOf({
				kind: 'dict',
				entries: call.kwargs.map(([key, item]) => [{ kind: 'str', value: key }, item] as const),
			});
			return kwargsJson;
		},
	};
	return { kind: 'task', packet: packet.value, task, queued: queued.value };
}

/** The id of the task in a packet, by which its result is kept; null: it holds none. */
export function packetIdOf(body: Uint8Array): string | null {
	const skimmed = skimPacket(body);
	if (skimmed !== null) return skimmed.id;
	const read = readPacketMessage(body);
	return read.kind === 'task' ? read.task.messageId : read.fault.messageId;
}

/** What a packet is called and counted by; `func` and `signedAt` are null where it says neither. Costs a tenth of reading it. */
export function packetNames(body: Uint8Array): PacketNames {
	const skimmed = skimPacket(body);
	if (skimmed !== null) return skimmed;
	const read = readPacketMessage(body);
	const signedAt = read.packet?.signedAt ?? null;
	return read.kind === 'task'
		? { func: read.queued.func, group: read.queued.group, signedAt }
		: { func: read.fault.name, group: null, signedAt };
}

/** Writes a call as a packet to a queue. Fails as `writeTask` does. */
export function writePacketMessage(
	call: { readonly id: string; readonly name: string; readonly call: CallArguments; readonly queue: string },
	site: PacketSite,
	options: PacketOptions = NO_OPTIONS,
): Result<OutgoingMessage> {
	const text = writeTask(
		{
			id: call.id,
			name: options.name ?? nameOf(call.id),
			func: call.name,
			arguments: call.call,
			group: options.group,
			hook: options.hook,
			timeout: options.timeout,
			cluster: call.queue === site.prefix ? null : call.queue,
		},
		site,
		{ now: site.now, aware: site.aware, compress: false },
	);
	return text.ok ? ok(messageOf(text.value, call.queue)) : text;
}

/**
 * A packet once more under another id, signed anew. Without other arguments only the id is changed, inside the pickle, so that everything else
 * stays as it was, foreign objects too; with them it is written anew, of plain values only. `unsupported` where that cannot be.
 */
export function packetAgain(
	message: OutgoingMessage,
	again: { readonly id: string; readonly call?: CallArguments },
	site: PacketSite,
): Result<OutgoingMessage> {
	const read = readPacketMessage(message.body);
	if (read.kind === 'fault') return fail('undecodable', read.fault.reason);
	const queue = message.routingKey;
	if (again.call !== undefined) {
		const { queued } = read;
		const text = writeTask(
			{ ...queued, id: again.id, name: again.id === queued.id ? queued.name : nameOf(again.id), arguments: again.call },
			site,
			{ now: site.now, aware: site.aware, compress: read.packet.compressed },
		);
		return text.ok ? ok(messageOf(text.value, queue)) : text;
	}
	const pickle = pickleOf(read.packet, TASK_LIMIT);
	if (!pickle.ok) return pickle;
	const changed = withId(pickle.value, read.queued.id, again.id);
	if (changed === null) {
		return fail('unsupported', 'Its id cannot be changed in place; give its arguments, and it is written anew.');
	}
	const text = writePacket(changed, site, { now: site.now, compress: read.packet.compressed });
	const check = readPacketMessage(Buffer.from(text, 'latin1'));
	if (check.kind === 'fault' || check.queued.id !== again.id) {
		return fail('unsupported', 'Its id cannot be changed in place; give its arguments, and it is written anew.');
	}
	return ok(messageOf(text, queue));
}

/** The body as it will be pickled, for a person: Python's notation. */
export function shownCall(call: CallArguments): string {
	const args = writeLiteral({ kind: 'tuple', items: call.args });
	const kwargs = writeLiteral({
		kind: 'dict',
		entries: call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const),
	});
	return `{'args': ${args}, 'kwargs': ${kwargs}}`;
}

/** An id stands in the pickle once, as text of a certain length; another of the same length takes its place. */
function withId(pickle: Uint8Array, from: string, to: string): Uint8Array | null {
	if (from.length !== to.length || !/^[\x20-\x7e]+$/.test(from)) return null;
	const old = Buffer.from(from, 'latin1');
	const bytes = Buffer.from(pickle);
	const at = bytes.indexOf(old);
	// An id that an argument holds too would change there as well, or instead.
	if (at < 0 || bytes.indexOf(old, at + 1) >= 0) return null;
	bytes.write(to, at, 'latin1');
	return bytes;
}

/** django-q names tasks by four words made of the id; any name does. */
function nameOf(id: string): string {
	return `warren-${id.slice(0, 12)}`;
}

function messageOf(text: string, queue: string): OutgoingMessage {
	return { exchange: '', routingKey: queue, properties: {}, body: Buffer.from(text, 'latin1') };
}

/** JSON that says all where JSON can, else what it can say: what the values are stands in the call beside it. */
function jsonOf(value: Value): string {
	const written = writeJson(value, 'readable');
	return written.ok ? written.value : toPlain(value);
}

function fault(name: string | null, messageId: string | null, reason: string): UndecodableTask {
	return { name, messageId, priority: null, reason, exceptionType: 'InvalidPacket' };
}
