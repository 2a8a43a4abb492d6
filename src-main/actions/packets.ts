/** Packets that wait in django-q's lists, found again by what names them. */
import type { PacketDoor } from '#main/brokers/packets.ts';
import { packetIdOf } from '#main/dialects/django-q/message.ts';
import { skimsFor } from '#main/dialects/django-q/skim.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { type ActionTarget, READY_DEADLINE_MS } from './deployment.ts';
import { scanLimitOf } from './waiting-selection.ts';

/** How long a list is gone through for one packet, in ms. */
const SCAN_MS = 120_000;
const BATCH = 2_000;
/** As prints are written. */
const PRINT = /^[0-9a-f]{32}$/;

/** The door of a profile's broker; `unsupported` where there are no packets. */
export function packetDoor(target: ActionTarget): Result<PacketDoor> {
	const { packets } = target.driver;
	if (packets !== undefined) return ok(packets);
	return fail('unsupported', `"${target.profile.name}" is no profile of django-q over Redis, so it has no packets.`);
}

/** The first packet that an id or print names; null: there is none. */
export async function findPacket(
	target: ActionTarget,
	queue: string,
	id: string,
	signal: AbortSignal,
): Promise<Result<Uint8Array | null>> {
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	let found: Uint8Array | null = null;
	const mayBe = skimsFor([id]);
	const isPrint = PRINT.test(id);
	const sifted = await target.driver.sift(queue, {
		scanLimit: scanLimitOf(target),
		deadlineMs: SCAN_MS,
		batch: BATCH,
		takesAll: false,
		signal,
		decide: async (batch) => {
			// An id is looked for before anything is read, and read only where it may be: a list may have a million packets.
			const one = batch.find((message) => {
				if (mayBe(message.body) && packetIdOf(message.body) === id) return true;
				return isPrint && message.print === id;
			});
			found = one?.body ?? null;
			return found === null ? batch.map(() => ({ kind: 'leave' })) : null;
		},
		settled: async () => undefined,
	});
	return sifted.ok ? ok(found) : sifted;
}
