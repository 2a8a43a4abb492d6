/**
 * Waiting messages: looked at and picked out. A queue is several lists, and a list may hold a million entries or some of many MB,
 * so everything goes by windows from the tail, where the next ones are. Looking changes nothing.
 */
import type { Clock } from '../../domain/clock.ts';
import type { BrokerMessage } from '../../domain/message.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { printOfEntry, type WaitingMessage } from '../waiting.ts';
import type { Bindings } from './bindings.ts';
import { type Entry, isCalled, readEntry } from './envelope.ts';
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import { WINDOW } from './scripts.ts';

/** Most entries, and most bytes, in one answer of Redis. */
const WINDOW_ENTRIES = 500;
const WINDOW_BYTES = 4 * 1024 * 1024;
/** Most bytes of entries that one look answers with. */
const LOOK_BYTES = 64 * 1024 * 1024;
/** How often a list that is emptied by workers meanwhile is gone through in search of an id. */
const PASSES = 3;

interface Found extends Entry {
	readonly list: string;
	readonly raw: Buffer;
}

/** Up to `limit` messages of a queue, next ones first. */
export async function look(
	link: Link,
	queue: string,
	options: {
		readonly keys: Keys;
		readonly bindings: Bindings;
		readonly clock: Clock;
		readonly limit: number;
		readonly deadlineMs: number;
	},
): Promise<Result<readonly WaitingMessage[]>> {
	const there = await options.bindings.look(link, queue);
	if (!there.ok) return there;
	if (!there.value) return fail('not-found', `There is no queue "${queue}" in this Redis.`);
	const messages: WaitingMessage[] = [];
	let bytes = 0;
	const walk = walkQueue(link, queue, { ...options, most: options.limit });
	for await (const step of walk) {
		if (!step.ok) return step;
		const { raw, message } = step.value;
		bytes += raw.length;
		messages.push(waiting(message, raw));
		if (bytes >= LOOK_BYTES) break;
	}
	return ok(messages);
}

/** A message that waits, with its bytes and its print. */
export function waiting(message: BrokerMessage, raw: Buffer): WaitingMessage {
	return { ...message, print: printOfEntry(raw), entry: raw };
}

/** Removes waiting messages that ids call by name, by their exact bytes; those that a worker took meanwhile are left out. */
export async function remove(
	link: Link,
	queue: string,
	ids: ReadonlySet<string>,
	options: { readonly keys: Keys; readonly clock: Clock; readonly scanLimit: number; readonly deadlineMs: number },
): Promise<Result<readonly BrokerMessage[]>> {
	const wanted = new Set(ids);
	const removed: BrokerMessage[] = [];
	const end = options.clock.monotonic() + options.deadlineMs;
	let scanned = 0;
	// Workers take from the tail, where the walk begins, so entries slip towards it past the walk: then there is another.
	for (let pass = 0; pass < PASSES && wanted.size > 0 && scanned < options.scanLimit; pass++) {
		const before = await lengths(link, options.keys.steps(queue));
		if (!before.ok) return partly(before, removed);
		if (before.value.every((length) => length === 0)) break;
		const found: Found[] = [];
		const most = options.scanLimit - scanned;
		for await (const step of walkQueue(link, queue, {
			...options,
			deadlineMs: end - options.clock.monotonic(),
			most,
		})) {
			if (!step.ok) return partly(step, removed);
			scanned += 1;
			const id = isCalled(step.value, wanted);
			if (id === null) continue;
			// Two messages may share an id (a publish that was repeated): each asked-for id takes the first one only.
			wanted.delete(id);
			found.push(step.value);
			if (wanted.size === 0) break;
		}
		for (const { list, raw, message } of found) {
			const gone = await link.bytes(['LREM', list, -1, raw]);
			if (!gone.ok) return partly(gone, removed);
			if (gone.value === 1) removed.push(message);
		}
		const after = await lengths(link, options.keys.steps(queue));
		if (!after.ok) return partly(after, removed);
		if (after.value.every((length, at) => length >= (before.value[at] ?? 0))) break;
		if (options.clock.monotonic() > end) break;
	}
	return ok(removed);
}

/** How many entries each of these lists has; 0 for a key that is none. */
export async function lengths(link: Link, lists: readonly string[]): Promise<Result<readonly number[]>> {
	const answers = await Promise.all(lists.map((list) => link.bytes(['LLEN', list])));
	const found: number[] = [];
	for (const answer of answers) {
		if (!answer.ok && answer.error.details?.reply !== 'WRONGTYPE') return answer;
		found.push(answer.ok ? Number(answer.value) : 0);
	}
	return ok(found);
}

/** The entries of a queue from the next one on, until there is no more, `most` have come or the time is up. */
async function* walkQueue(
	link: Link,
	queue: string,
	options: { readonly keys: Keys; readonly clock: Clock; readonly most: number; readonly deadlineMs: number },
): AsyncGenerator<Result<Found>> {
	const end = options.clock.monotonic() + options.deadlineMs;
	let left = options.most;
	for (const list of options.keys.steps(queue)) {
		let at = 0;
		while (left > 0 && options.clock.monotonic() < end) {
			const want = Math.min(left, WINDOW_ENTRIES);
			const reply = await link.script(WINDOW, [list], [at, want, WINDOW_BYTES]);
			if (!reply.ok) {
				if (reply.error.details?.reply === 'WRONGTYPE') break;
				yield reply;
				return;
			}
			const entries = reply.value as readonly Buffer[];
			if (entries.length === 0) break;
			for (const raw of entries) yield ok({ ...readEntry(raw, queue), list, raw });
			at += entries.length;
			left -= entries.length;
		}
	}
}

/** What was removed already must be known, or nobody could bring it back: then the failure waits for the next call. */
function partly(failure: Result<never>, removed: readonly BrokerMessage[]): Result<readonly BrokerMessage[]> {
	return removed.length > 0 ? ok(removed) : failure;
}
