/** The hash of what is held, as kombu keeps it: read by pieces, and given back by tag. And what remote control left behind. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { inGlob } from '../keyspace.ts';
import type { HeldMessage, ReplyList, Returned, UnackedDoor } from '../unacked.ts';
import { type Bindings, scanKeys } from './bindings.ts';
import { markRedelivered, readEntry } from './envelope.ts';
import { endOf, queuesOf } from './figures.ts';
import type { Binding, Keys } from './keys.ts';
import type { Link } from './link.ts';
import { GIVE_BACK, HELD, SWEEP_REPLIES } from './scripts.ts';

/** Entries in one step, and most bytes of each that come with it; larger ones are fetched by themselves. */
const STEP = 20;
const STEP_BYTES = 65_536;
/** A held entry over this is not read, in bytes. */
const LARGEST = 32 * 1024 * 1024;
/** How long the keys of a database may be gone through, in ms. */
const SCAN_LIMIT = 20_000;

interface UnackedOptions {
	readonly keys: Keys;
	readonly bindings: Bindings;
	/** The exchange of answers to remote control. */
	readonly replies: string;
	readonly clock: Clock;
	/** The connection to ask on. */
	readonly link: (deadlineMs: number) => Promise<Result<Link>>;
}

/** How long to wait for a connection, in ms. */
const PATIENCE = 10_000;

export class RedisUnacked implements UnackedDoor {
	readonly #options: UnackedOptions;

	constructor(options: UnackedOptions) {
		this.#options = options;
	}

	async held({ limit, deadlineMs }: { readonly limit: number; readonly deadlineMs: number }) {
		const { keys, bindings, clock } = this.#options;
		const end = clock.monotonic() + deadlineMs;
		const found = await this.#options.link(deadlineMs);
		if (!found.ok) return found;
		const link = found.value;
		const all = await bindings.all(link);
		if (!all.ok) return all;
		const total = await link.bytes(['HLEN', keys.unacked]);
		if (!total.ok) return total;
		const items = new Map<string, HeldMessage>();
		const living = new Map<string, boolean>();
		let cursor = '0';
		do {
			const step = await link.script(HELD, [keys.unacked, keys.index], [cursor, STEP, STEP_BYTES]);
			if (!step.ok) return step;
			const [next, ...parts] = step.value as readonly (Buffer | number | null)[];
			cursor = String(next);
			for (let at = 0; at + 4 < parts.length; at += 5) {
				const [tag, score, size, begin, tail] = parts.slice(at, at + 5);
				const read = await this.#read(link, String(tag), Number(size), begin as Buffer);
				if (!read.ok) return read;
				const warren = await this.#holder(link, String(tag), living);
				if (!warren.ok) return warren;
				items.set(String(tag), {
					tag: String(tag),
					takenAt: score === null ? null : Math.round(Number(String(score)) * 1000),
					size: Number(size),
					message: messageOf(read.value, all.value),
					queues: queuesOf(String(tail), all.value),
					warren: warren.value,
				});
			}
		} while (cursor !== '0' && items.size < limit && clock.monotonic() < end);
		const complete = cursor === '0' && items.size <= limit;
		return ok({ items: [...items.values()].slice(0, limit), total: Number(total.value), complete });
	}

	async returnToQueue(
		tags: readonly string[],
		seen?: ReadonlyMap<string, number | null>,
	): Promise<Result<readonly Returned[]>> {
		const found = await this.#options.link(PATIENCE);
		if (!found.ok) return found;
		const all = await this.#options.bindings.all(found.value);
		if (!all.ok) return all;
		const outcomes: Returned[] = [];
		for (const tag of new Set(tags)) {
			const one = await this.#return(found.value, tag, all.value, seen?.get(tag) ?? null);
			// What went back already has to be told; the next call tells what is wrong.
			if (!one.ok) return outcomes.length > 0 ? ok(outcomes) : one;
			outcomes.push(one.value);
		}
		return ok(outcomes);
	}

	async replyLists({ idleMs }: { readonly idleMs: number }) {
		const { keys, clock } = this.#options;
		const found = await this.#options.link(PATIENCE);
		if (!found.ok) return found;
		const link = found.value;
		const lists = await scanKeys(link, `${keys.glob('')}*.${inGlob(this.#options.replies)}`, clock, SCAN_LIMIT);
		if (!lists.ok) return lists;
		const items: ReplyList[] = [];
		for (const list of lists.value.keys) {
			const kind = await link.call(['TYPE', list]);
			if (!kind.ok) return kind;
			if (kind.value !== 'list') continue;
			const idle = await link.call(['OBJECT', 'IDLETIME', list]);
			if (!idle.ok) return /LFU/.test(idle.error.message) ? cannotTellIdle() : idle;
			if (idle.value === null || Number(idle.value) * 1000 < idleMs) continue;
			// Its length is not asked: that would count as a use, and it would never be old enough to go.
			const bytes = await link.call(['MEMORY', 'USAGE', list]);
			const size = bytes.ok && bytes.value !== null ? Number(bytes.value) : null;
			items.push({ queue: keys.nameOf(list), idleMs: Number(idle.value) * 1000, bytes: size });
		}
		return ok({ items, complete: lists.value.complete });
	}

	async removeReplyLists(queues: readonly string[], idleMs: number): Promise<Result<readonly string[]>> {
		const { keys, replies } = this.#options;
		const ending = `.${replies}`;
		const found = await this.#options.link(PATIENCE);
		if (!found.ok) return found;
		const bindings = keys.binding(replies);
		const removed: string[] = [];
		for (const queue of queues) {
			if (!queue.endsWith(ending)) continue;
			const member = keys.member({ routingKey: queue.slice(0, -ending.length), pattern: '', queue });
			const lists = [keys.own(queue), bindings];
			const swept = await found.value.script(SWEEP_REPLIES, lists, [Math.ceil(idleMs / 1000), member]);
			// What went already has to be told; the next call tells what is wrong.
			if (!swept.ok) return removed.length > 0 ? ok(removed) : swept;
			if (Number(swept.value) > 0) removed.push(queue);
		}
		return ok(removed);
	}

	/** A held entry as it lies there; null: too large. */
	async #read(link: Link, tag: string, size: number, begin: Buffer): Promise<Result<Buffer | null>> {
		if (size <= begin.length) return ok(begin);
		if (size > LARGEST) return ok(null);
		const whole = await link.bytes(['HGET', this.#options.keys.unacked, tag]);
		return whole.ok ? ok(whole.value as Buffer | null) : whole;
	}

	/** Whether a consumer of Warren's holds this tag, and lives. */
	async #holder(link: Link, tag: string, living: Map<string, boolean>): Promise<Result<HeldMessage['warren']>> {
		const session = sessionOf(tag);
		if (session === null) return ok(null);
		const known = living.get(session);
		if (known !== undefined) return ok({ alive: known });
		const there = await link.bytes(['EXISTS', this.#options.keys.alive(session)]);
		if (!there.ok) return there;
		living.set(session, there.value === 1);
		return ok({ alive: there.value === 1 });
	}

	async #return(
		link: Link,
		tag: string,
		bindings: readonly Binding[],
		takenAt: number | null,
	): Promise<Result<Returned>> {
		const { keys } = this.#options;
		const kept = (words: string): Result<Returned> => ok({ tag, outcome: 'kept', words });
		const holder = await this.#holder(link, tag, new Map());
		if (!holder.ok) return holder;
		if (holder.value?.alive === true) return kept('A consumer of Warren’s that is running holds it.');
		const held = await link.bytes(['HGET', keys.unacked, tag]);
		if (!held.ok) return held;
		if (held.value === null) return ok({ tag, outcome: 'gone', words: null });
		const raw = held.value as Buffer;
		const message = messageOf(raw, bindings);
		const end = endOf(raw);
		if (message === null || end === null) return kept('What is held there is no message of kombu’s.');
		const queues = queuesOf(end, bindings);
		if (queues.length === 0) return kept('No queue is bound to its exchange any more.');
		const entry = markRedelivered(raw.subarray(1, raw.length - Buffer.byteLength(end)));
		const digest = createHash('sha1').update(raw).digest('hex');
		const session = sessionOf(tag) ?? 'none';
		const lists = queues.map((queue) => keys.stepFor(queue, message.properties.priority));
		const own = [keys.unacked, keys.index, keys.held(session), keys.aside(session)];
		const given = await link.script(GIVE_BACK, [...own, ...lists], [tag, digest, entry, takenAt ?? '']);
		if (!given.ok) return given;
		return ok({ tag, outcome: given.value === 1 ? 'returned' : 'gone', words: null });
	}
}

/** The message in a held entry; null: it was not read, or is none. */
function messageOf(raw: Buffer | null, bindings: readonly Binding[]): HeldMessage['message'] {
	const end = raw === null ? null : endOf(raw);
	if (raw === null || end === null || raw[0] !== 0x5b) return null;
	const [queue = ''] = queuesOf(end, bindings);
	const entry = readEntry(raw.subarray(1, raw.length - Buffer.byteLength(end)), queue);
	return entry.readable ? entry.message : null;
}

/** The session that a tag of Warren's belongs to; null: it is a worker's. */
function sessionOf(tag: string): string | null {
	return /^warren:([^:]+):\d+$/.exec(tag)?.[1] ?? null;
}

function cannotTellIdle(): Result<never> {
	return fail(
		'unsupported',
		'This Redis counts how often keys are used (an LFU maxmemory-policy) and so cannot tell since when they are not.',
	);
}
