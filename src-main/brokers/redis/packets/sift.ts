/** Going through a list of packets and doing with each what was decided, by its exact bytes: see `BrokerDriver.sift`. */
import type { Clock } from '../../../domain/clock.ts';
import { ok, type Result } from '../../../domain/result.ts';
import { packetKey } from '../../packets.ts';
import type { Fate, Settled, SiftEnd, SiftOptions, WaitingMessage } from '../../waiting.ts';
import type { Link } from '../link.ts';
import { goPast, type Place, unknownAmong } from '../place.ts';
import { MOVE_BY, MOVE_NEXT, PACKETS } from './scripts.ts';

/** Most bytes of packets in one batch. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** How far beyond its place a packet is looked for, when others were laid to the front meanwhile. */
const LAID_BEFORE = 1_000;

interface Parts {
	readonly link: Link;
	readonly clock: Clock;
	readonly waiting: (packet: Buffer) => WaitingMessage;
}

/** Walks one queue's list. */
export async function siftPackets(queue: string, options: SiftOptions, parts: Parts): Promise<Result<SiftEnd>> {
	const { link, clock } = parts;
	const list = packetKey(queue);
	const end = clock.monotonic() + options.deadlineMs;
	const place: Place = { passed: 0, anchor: null };
	let scanned = 0;
	/** What was laid to the front last, by its list: those that follow it there keep the order that they had. */
	const fronts = new Map<string, Uint8Array>();
	for (;;) {
		if (options.signal.aborted) return ok({ scanned, ended: 'stopped' });
		if (scanned >= options.scanLimit) return ok({ scanned, ended: 'limit' });
		if (scanned > 0 && clock.monotonic() > end) return ok({ scanned, ended: 'deadline' });
		const found = await findPlace(link, list, place);
		if (!found.ok) return found;
		const want = Math.min(options.batch, options.scanLimit - scanned);
		const window = await link.script(PACKETS, [list], [place.passed, want, BATCH_BYTES]);
		if (!window.ok) return window;
		const [, ...packets] = window.value as readonly [number, ...Buffer[]];
		if (packets.length === 0) return ok({ scanned, ended: 'end' });
		const fates = await options.decide(packets.map(parts.waiting));
		if (fates === null) return ok({ scanned, ended: 'stopped' });
		scanned += packets.length;
		const outcomes = fates.some(isNext)
			? await inTurn(packets, (packet, at) => carryOut(link, list, packet, fates[at], fronts))
			: await Promise.all(packets.map((packet, at) => carryOut(link, list, packet, fates[at], fronts)));
		goPast(place, packets, outcomes);
		await options.settled(outcomes);
		const lost = unknownAmong(outcomes);
		if (lost !== null) return lost;
	}
}

/**
 * Clusters take from the head, where the walk began, so what was left behind slips towards it. The anchor tells by how much. Where it is
 * not there any more, all that lay before it was taken too.
 */
async function findPlace(link: Link, list: string, place: Place): Promise<Result<void>> {
	const { anchor, passed } = place;
	if (anchor === null) return ok(undefined);
	const there = await link.bytes(['LINDEX', list, passed - 1]);
	if (!there.ok) return there;
	if (Buffer.isBuffer(there.value) && there.value.equals(anchor)) return ok(undefined);
	const found = await link.bytes(['LPOS', list, anchor, 'MAXLEN', passed + LAID_BEFORE]);
	// Redis has LPOS since 6.0.6. Before it the walk begins anew, and what it left behind is decided upon once more.
	if (!found.ok && found.error.details?.reply !== 'ERR') return found;
	const at = found.ok && typeof found.value === 'number' ? found.value : null;
	place.passed = at === null ? 0 : at + 1;
	if (at === null) place.anchor = null;
	return ok(undefined);
}

function isNext(fate: Fate): boolean {
	return fate.kind === 'replace' && fate.next === true;
}

/** One after another, each with what came of those before it. */
async function inTurn(
	packets: readonly Buffer[],
	work: (packet: Buffer, at: number) => Promise<Settled>,
): Promise<readonly Settled[]> {
	const outcomes: Settled[] = [];
	for (const [at, packet] of packets.entries()) outcomes.push(await work(packet, at));
	return outcomes;
}

async function carryOut(
	link: Link,
	list: string,
	packet: Buffer,
	fate: Fate | undefined,
	fronts: Map<string, Uint8Array>,
): Promise<Settled> {
	if (fate === undefined || fate.kind === 'leave') return { kind: 'left' };
	// A packet is its body: what was kept of one goes back as that.
	const [queue, other] =
		fate.kind === 'remove'
			? [null, null]
			: fate.kind === 'swap'
				? [fate.queue, fate.message.entry ?? fate.message.body]
				: [fate.by.routingKey, fate.by.body];
	const keys = queue === null ? [list] : [list, packetKey(queue)];
	const done =
		other === null
			? await link.bytes(['LREM', list, 1, packet])
			: isNext(fate)
				? await link.script(MOVE_NEXT, keys, [packet, Buffer.from(other), Buffer.from(fronts.get(queue) ?? [])])
				: await link.script(MOVE_BY, keys, [packet, Buffer.from(other)]);
	if (!done.ok) return { kind: done.error.details?.sent === false ? 'failed' : 'unknown', failure: done.error };
	if (done.value !== 1) return { kind: 'gone' };
	if (other !== null && isNext(fate)) fronts.set(queue, other);
	return { kind: fate.kind === 'remove' ? 'removed' : 'replaced' };
}
