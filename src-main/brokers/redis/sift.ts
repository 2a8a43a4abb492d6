/**
 * Going through a queue's lists and doing with each entry what was decided, always by its exact bytes: one that a worker takes
 * between the look and the act is told as gone, and nothing is published in its place.
 */
import type { Clock } from '../../domain/clock.ts';
import type { OutgoingMessage } from '../../domain/message.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { Fate, Settled, SiftEnd, SiftOptions } from '../waiting.ts';
import type { Bindings } from './bindings.ts';
import { readEntry } from './envelope.ts';
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import { waiting } from './lists.ts';
import { goPast, type Place, unknownAmong } from './place.ts';
import { CLEAR, REPLACE, WINDOW } from './scripts.ts';

/** Most bytes of entries in one batch. */
const BATCH_BYTES = 8 * 1024 * 1024;
/** How far beyond its place an entry is looked for, when others were given back to the front meanwhile. */
const GIVEN_BACK = 1_000;

interface Parts {
	readonly link: Link;
	readonly keys: Keys;
	readonly bindings: Bindings;
	readonly clock: Clock;
	/** The entry of a message, and the lists that it goes to. */
	readonly route: (
		message: OutgoingMessage,
	) => Promise<Result<{ readonly lists: readonly string[]; readonly entry: Buffer }>>;
}

/** See `BrokerDriver.sift`. */
export async function sift(queue: string, options: SiftOptions, parts: Parts): Promise<Result<SiftEnd>> {
	const { link, keys, clock } = parts;
	const end = clock.monotonic() + options.deadlineMs;
	const there = await parts.bindings.look(link, queue);
	if (!there.ok) return there;
	if (!there.value) return fail('not-found', `There is no queue "${queue}" in this Redis.`);
	let scanned = 0;
	for (const list of keys.steps(queue)) {
		const place: Place = { passed: 0, anchor: null };
		for (;;) {
			if (options.signal.aborted) return ok({ scanned, ended: 'stopped' });
			if (scanned >= options.scanLimit) return ok({ scanned, ended: 'limit' });
			if (scanned > 0 && clock.monotonic() > end) return ok({ scanned, ended: 'deadline' });
			const found = await findPlace(link, list, place);
			if (!found.ok) return found;
			const want = Math.min(options.batch, options.scanLimit - scanned);
			const window = await link.script(WINDOW, [list], [place.passed, want, BATCH_BYTES]);
			if (!window.ok) {
				if (window.error.details?.reply === 'WRONGTYPE') break;
				return window;
			}
			const entries = window.value as readonly Buffer[];
			if (entries.length === 0) break;
			const fates = await options.decide(entries.map((raw) => waiting(readEntry(raw, queue).message, raw)));
			if (fates === null) return ok({ scanned, ended: 'stopped' });
			scanned += entries.length;
			const routes = await Promise.all(fates.map((fate) => routeOf(fate, parts)));
			// Sent in this order, on one connection, so that what is replaced keeps it.
			const outcomes = await Promise.all(
				entries.map((raw, at) => carryOut(link, { list, raw, fate: fates[at], route: routes[at] ?? null })),
			);
			goPast(place, entries, outcomes);
			await options.settled(outcomes);
			const lost = unknownAmong(outcomes);
			if (lost !== null) return lost;
		}
	}
	return ok({ scanned, ended: 'end' });
}

/** Removes all that waits in a queue's lists. */
export async function clearLists(link: Link, queue: string, keys: Keys): Promise<Result<number>> {
	const cleared = await link.script(CLEAR, keys.steps(queue), []);
	return cleared.ok ? ok(Number(cleared.value)) : cleared;
}

/**
 * Workers take from the tail, where the walk began, so what was left behind slips towards it. The anchor tells by how much. Where
 * it is not there any more, all that lay before it was taken too.
 */
async function findPlace(link: Link, list: string, place: Place): Promise<Result<void>> {
	const { anchor, passed } = place;
	if (anchor === null) return ok(undefined);
	const there = await link.bytes(['LINDEX', list, -passed]);
	if (!there.ok) return there;
	if (Buffer.isBuffer(there.value) && there.value.equals(anchor)) return ok(undefined);
	const found = await link.bytes(['LPOS', list, anchor, 'RANK', -1, 'MAXLEN', passed + GIVEN_BACK]);
	// Redis has LPOS since 6.0.6. Before it the walk begins anew, and what it left behind is decided upon once more.
	if (!found.ok && found.error.details?.reply !== 'ERR') return found;
	const at = found.ok && typeof found.value === 'number' ? found.value : null;
	const length = at === null ? ok(0) : await link.bytes(['LLEN', list]);
	if (!length.ok) return length;
	place.passed = at === null ? 0 : Number(length.value) - at;
	if (at === null) place.anchor = null;
	return ok(undefined);
}

interface Route {
	readonly lists: readonly string[];
	readonly entry: Buffer;
}

async function carryOut(
	link: Link,
	one: {
		readonly list: string;
		readonly raw: Buffer;
		readonly fate: Fate | undefined;
		readonly route: Result<Route> | null;
	},
): Promise<Settled> {
	const { list, raw, fate, route } = one;
	if (fate === undefined || fate.kind === 'leave') return { kind: 'left' };
	if (route?.ok === false) return { kind: 'failed', failure: route.error };
	const done =
		route === null
			? await link.bytes(['LREM', list, -1, raw])
			: await link.script(REPLACE, [list, ...route.value.lists], [raw, route.value.entry]);
	if (!done.ok) return { kind: done.error.details?.sent === false ? 'failed' : 'unknown', failure: done.error };
	if (done.value !== 1) return { kind: 'gone' };
	return { kind: route === null ? 'removed' : 'replaced' };
}

/** Where a replacement goes, and the entry that is laid down there; null: there is none. */
async function routeOf(fate: Fate, { keys, route }: Parts): Promise<Result<Route> | null> {
	if (fate.kind === 'replace') return route(fate.by);
	if (fate.kind !== 'swap') return null;
	const { queue, message } = fate;
	if (message.entry === null) return route({ ...message, exchange: '', routingKey: queue });
	return ok({ lists: [keys.stepFor(queue, message.properties.priority)], entry: Buffer.from(message.entry) });
}
