/** What a person does to packets that wait in django-q's lists: found by exact bytes, moved in one step each, written down. */
import type { PacketDoor } from '#main/brokers/packets.ts';
import { readPacketMessage } from '#main/dialects/django-q/message.ts';
import type { ActionItem } from '#main/domain/action.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { type ActionTarget, READY_DEADLINE_MS } from './deployment.ts';

/** The most that one change may cover. */
const MOST = 100_000;
/** Packets of a list that are looked at, and how long that may take in ms. */
const SCAN_LIMIT = 2_000_000;
const SCAN_MS = 120_000;
const BATCH = 500;
const LISTED = 1_000;

/** Which packets are meant: by ids of tasks or prints, or by what they say; several conditions hold together. */
export interface PacketChoice {
	readonly ids: readonly string[] | null;
	readonly func: string | null;
	readonly group: string | null;
	/** Without any condition: all. */
	readonly all: boolean;
}

export interface PacketMove {
	readonly from: string;
	readonly to: string;
	readonly place: 'next' | 'last';
	readonly choice: PacketChoice;
	readonly dryRun: boolean;
	/** `packet.hold` and the like, for the journal. */
	readonly action: string;
}

export interface Moved {
	readonly done: number;
	readonly gone: number;
	readonly failed: number;
	readonly items: readonly ActionItem[];
}

interface Chosen {
	readonly id: string;
	readonly packet: Uint8Array;
}

/** The door of a profile's broker; `unsupported` where there are no packets. */
export function packetDoor(target: ActionTarget): Result<PacketDoor> {
	const { packets } = target.driver;
	if (packets !== undefined) return ok(packets);
	return fail('unsupported', `"${target.profile.name}" is no profile of django-q over Redis, so it has no packets.`);
}

/** Moves what was chosen. Ids that are not found are told as skipped: a cluster may have taken them. */
export async function movePackets(target: ActionTarget, move: PacketMove, signal: AbortSignal): Promise<Result<Moved>> {
	const door = packetDoor(target);
	if (!door.ok) return door;
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	const chosen = await choose(target, move.from, move.choice, signal);
	if (!chosen.ok) return chosen;
	const items: ActionItem[] = [];
	const counts = { done: 0, skipped: 0, failed: 0 };
	const note = (item: ActionItem): void => {
		counts[item.outcome] += 1;
		if (items.length < LISTED) items.push(item);
	};
	for (const id of chosen.value.missing) {
		const reason = `waits no more in ${move.from}: a cluster has taken it`;
		note({ id, outcome: 'skipped', reason, messageId: null });
	}
	const moved: string[] = [];
	// Each goes before the last one, so that the first of them is next in the end.
	const inOrder = move.place === 'next' ? chosen.value.packets.toReversed() : chosen.value.packets;
	for (const { id, packet } of inOrder) {
		if (signal.aborted) break;
		if (move.dryRun) {
			note({ id, outcome: 'done', reason: null, messageId: null });
			continue;
		}
		const done = await door.value.move(move.from, packet, { queue: move.to, place: move.place });
		if (!done.ok) {
			note({ id, outcome: 'failed', reason: done.error.message, messageId: null });
			if (done.error.code === 'unreachable') break;
			continue;
		}
		if (!done.value) {
			const reason = 'a cluster took it meanwhile; nothing was done';
			note({ id, outcome: 'skipped', reason, messageId: null });
			continue;
		}
		moved.push(id);
		note({ id, outcome: 'done', reason: null, messageId: null });
	}
	if (moved.length > 0) {
		await target.records.journal({
			at: target.now(),
			profile: target.profile.id,
			action: move.action,
			title: titleOf(move, moved.length),
			before: JSON.stringify({ from: move.from, to: move.to, place: move.place, ids: moved }),
		});
	}
	return ok({ done: counts.done, gone: counts.skipped, failed: counts.failed, items });
}

/** The first packet that an id or print names; null: there is none. */
export async function findPacket(
	target: ActionTarget,
	queue: string,
	id: string,
	signal: AbortSignal,
): Promise<Result<Uint8Array | null>> {
	const found = await choose(target, queue, { ids: [id], func: null, group: null, all: false }, signal);
	return found.ok ? ok(found.value.packets[0]?.packet ?? null) : found;
}

async function choose(
	target: ActionTarget,
	queue: string,
	choice: PacketChoice,
	signal: AbortSignal,
): Promise<Result<{ readonly packets: readonly Chosen[]; readonly missing: readonly string[] }>> {
	const { ids, func, group, all } = choice;
	if (ids === null && func === null && group === null && !all) {
		return fail('invalid-input', 'Say which packets: by ids, --func or --group.');
	}
	const missing = new Set(ids ?? []);
	const packets: Chosen[] = [];
	const sifted = await target.driver.sift(queue, {
		scanLimit: SCAN_LIMIT,
		deadlineMs: SCAN_MS,
		batch: BATCH,
		takesAll: false,
		signal,
		decide: async (batch) => {
			for (const { body, print } of batch) {
				const read = readPacketMessage(body);
				const id = read.kind === 'task' ? read.task.messageId : read.fault.messageId;
				// An id that was asked for once means one packet, also where its bytes are there twice.
				if (ids !== null && !missing.delete(print) && (id === null || !missing.delete(id))) continue;
				if (func !== null && (read.kind !== 'task' || read.queued.func !== func)) continue;
				if (group !== null && (read.kind !== 'task' || read.queued.group !== group)) continue;
				packets.push({ id: id ?? print, packet: body });
			}
			if (packets.length > MOST) return null;
			// What was asked for by name is found: the rest of the list need not be gone through.
			return ids !== null && missing.size === 0 ? null : batch.map(() => ({ kind: 'leave' }));
		},
		settled: async () => undefined,
	});
	if (!sifted.ok) return sifted;
	if (packets.length > MOST) return fail('too-large', `At most ${MOST} packets can be moved at once; filter them.`);
	return ok({ packets, missing: [...missing] });
}

function titleOf({ action, from, to }: PacketMove, count: number): string {
	const what = count === 1 ? '1 packet' : `${count} packets`;
	if (action === 'packet.next') return `Had ${what} of ${from} run next`;
	return action === 'packet.hold' ? `Held ${what} of ${from} back` : `Moved ${what} from ${from} to ${to}`;
}
