/**
 * What this driver's consumers hold, as Redis knows it. A session is one driver that consumes: it renews a key that expires, and
 * writes down every tag it took (`scripts.ts`). Redis gives nothing back when a connection ends, so Warren does: what was taken by
 * an earlier connection of ours goes back as soon as there is a new one, what a dead session held as soon as another Warren consumes
 * from the same database. Should none ever do so, Celery's workers give it back after the visibility timeout, since it lies where
 * theirs does. While it is held it is kept younger than that timeout.
 */
import { createHash, randomUUID } from 'node:crypto';
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { markRedelivered } from './envelope.ts';
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import { GIVE_BACK, SETTLE, TAKE } from './scripts.ts';

/** How long a session is taken to live without a sign of life, in ms. */
const LEASE = 15_000;
/** Between two signs of life, in ms; sooner where the visibility timeout is short. */
const BEAT = 4_000;
/** Most bytes that one step takes off a queue. */
const TAKE_BYTES = 8 * 1024 * 1024;

/** An entry that is ours until it is settled. */
export interface Taken {
	readonly tag: string;
	readonly raw: Buffer;
}

interface Opened {
	readonly link: Link;
	readonly done: Promise<Result<void>>;
}

export class Holdings {
	readonly #keys: Keys;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #visibilityMs: number;
	readonly #session: string = randomUUID();
	readonly #held = new Map<string, Link>();
	#next = 1;
	/** The connection that is set up for taking, and whether that is done. */
	#open: Opened | null = null;
	/** The last of them that came to its end. */
	#ready: Opened | null = null;
	#used = false;
	/** First numbers of takings that are not answered yet. */
	readonly #taking = new Set<number>();
	/** Tags whose settling is not answered yet. */
	readonly #settling = new Set<string>();
	#beat: Disposable | null = null;
	#refreshedAt = 0;
	#closed = false;

	constructor(options: {
		readonly keys: Keys;
		readonly clock: Clock;
		readonly log: Log;
		readonly visibilityMs: number;
	}) {
		this.#keys = options.keys;
		this.#clock = options.clock;
		this.#log = options.log;
		this.#visibilityMs = options.visibilityMs;
	}

	/** Whether anything was ever taken, so that something may have to go back. */
	get used(): boolean {
		return this.#used;
	}

	/** Sets a connection up for taking: the session lives, and what was taken by another connection has gone back. */
	async open(link: Link): Promise<Result<void>> {
		// Whoever still has a lost connection in hand must not undo what was set up on the one after it.
		if (!link.alive()) return lost();
		if (this.#open?.link === link) return this.#open.done;
		this.#beat?.[Symbol.dispose]();
		this.#used = true;
		const done = this.#begin(link);
		const opened: Opened = { link, done };
		this.#open = opened;
		const result = await done;
		if (this.#open !== opened) return result;
		if (result.ok) {
			this.#ready = opened;
			this.#nextBeat(opened);
		} else {
			// A refusal is no answer for the rest of this connection's life: it is tried again, whether or not anybody consumes.
			this.#open = null;
			this.#beat = this.#clock.after(BEAT, () => {
				if (!this.#closed && this.#open === null) void this.open(link);
			});
		}
		return result;
	}

	/** Takes up to `most` entries off a queue, next ones first. */
	async take(link: Link, queue: string, most: number): Promise<Result<readonly Taken[]>> {
		// While the session begins anew, what is written down as its own goes back: nothing is taken meanwhile.
		do {
			const ready = await this.open(link);
			if (!ready.ok) return ready;
		} while (this.#open?.link !== link || this.#open !== this.#ready);
		const opened = this.#open;
		const first = this.#next;
		this.#next += most;
		const keys = [...this.#own(), this.#keys.alive(this.#session), ...this.#keys.steps(queue)];
		const tail = `,"",${JSON.stringify(queue)}]`;
		const seconds = (this.#clock.now() / 1000).toFixed(3);
		this.#taking.add(first);
		const reply = await link.script(TAKE, keys, [most, TAKE_BYTES, `warren:${this.#session}:`, first, seconds, tail]);
		this.#taking.delete(first);
		if (!reply.ok) return reply;
		if (reply.value === null) {
			// This process was asleep for so long that others may have given back what it held: begin anew.
			if (this.#open === opened) this.#open = null;
			const again = await this.open(link);
			return again.ok ? ok([]) : again;
		}
		const parts = reply.value as readonly Buffer[];
		const taken: Taken[] = [];
		for (let at = 0; at + 1 < parts.length; at += 2) {
			const [tag, raw] = [parts[at]?.toString() ?? '', parts[at + 1] ?? Buffer.alloc(0)];
			this.#held.set(tag, link);
			taken.push({ tag, raw });
		}
		return ok(taken);
	}

	/** Whether a tag is still ours, by the connection it came by. */
	holds(tag: string): boolean {
		return this.#held.get(tag)?.alive() === true;
	}

	/** Forgets an entry for good; false: it had been given back by somebody else. */
	async settle(tag: string): Promise<Result<boolean>> {
		const link = this.#held.get(tag);
		this.#held.delete(tag);
		if (link === undefined || !link.alive()) return ok(false);
		this.#settling.add(tag);
		const reply = await link.script(SETTLE, this.#own(), [tag]);
		this.#settling.delete(tag);
		return reply.ok ? ok((reply.value as readonly number[])[0] !== 0) : reply;
	}

	/** Puts entries back where they were taken, the first of them to be the next; answers how many went back. */
	async release(tags: readonly string[]): Promise<Result<number>> {
		// Some may have come by a connection that was lost, or before the session lapsed: those have gone back already.
		const ours = tags.filter((tag) => this.holds(tag));
		const link = this.#held.get(ours[0] ?? '');
		for (const tag of tags) this.#held.delete(tag);
		return link === undefined ? ok(0) : this.#giveBack(link, this.#session, ours);
	}

	/** Says goodbye: nothing is held any more, or what is goes back by itself. */
	async close(): Promise<void> {
		this.#closed = true;
		this.#beat?.[Symbol.dispose]();
		const link = this.#open?.link;
		if (link?.alive() !== true) return;
		await this.#open?.done;
		const left = await this.#restore(link, this.#session);
		if (!left.ok) return;
		await link.bytes(['DEL', this.#keys.alive(this.#session)]);
		await link.bytes(['SREM', this.#keys.sessions, this.#session]);
	}

	#own(session = this.#session): readonly string[] {
		return [this.#keys.unacked, this.#keys.index, this.#keys.held(session), this.#keys.aside(session)];
	}

	async #begin(link: Link): Promise<Result<void>> {
		const alive = await this.#live(link);
		if (!alive.ok) return alive;
		// All of it was taken by an earlier connection, or before the session lapsed.
		this.#held.clear();
		const restored = await this.#restore(link, this.#session);
		if (!restored.ok) return restored;
		await this.#restoreDead(link);
		this.#refreshedAt = this.#clock.monotonic();
		return ok(undefined);
	}

	async #live(link: Link): Promise<Result<unknown>> {
		const set = await link.bytes(['SET', this.#keys.alive(this.#session), '1', 'PX', LEASE]);
		return set.ok ? link.bytes(['SADD', this.#keys.sessions, this.#session]) : set;
	}

	#nextBeat(opened: Opened): void {
		const { link } = opened;
		// Well within the visibility timeout, however short a deployment has made it.
		const soon = Math.min(BEAT, Math.max(250, this.#visibilityMs / 4));
		this.#beat = this.#clock.after(soon, () => {
			if (!link.alive() || this.#closed) return;
			void this.#onBeat(link).then((result) => {
				if (!result.ok) this.#log.warn('redis session not renewed', { reason: result.error.message });
				if (link.alive() && !this.#closed && this.#open === opened) this.#nextBeat(opened);
			});
		});
	}

	async #onBeat(link: Link): Promise<Result<unknown>> {
		// Only while it is there: a session that has lapsed begins anew with its next taking.
		const renewed = await link.bytes(['PEXPIRE', this.#keys.alive(this.#session), LEASE]);
		if (!renewed.ok) return renewed;
		// Another Warren may have struck it off while it had lapsed, and would not look for it when it dies.
		const listed = await link.bytes(['SADD', this.#keys.sessions, this.#session]);
		if (!listed.ok) return listed;
		const now = this.#clock.monotonic();
		if (now - this.#refreshedAt > this.#visibilityMs / 4 && this.#held.size > 0) {
			this.#refreshedAt = now;
			const seconds = (this.#clock.now() / 1000).toFixed(3);
			const scores = [...this.#held.keys()].flatMap((tag) => [seconds, tag]);
			const kept = await link.bytes(['ZADD', this.#keys.index, 'XX', ...scores]);
			if (!kept.ok) return kept;
		}
		const strays = await this.#restoreStrays(link);
		if (!strays.ok) return strays;
		return this.#restoreDead(link);
	}

	/**
	 * Gives back what is written down as ours though nobody has it: Redis refused to settle it, or a taking of a lost connection was
	 * carried out only after the next one had begun.
	 */
	async #restoreStrays(link: Link): Promise<Result<number>> {
		const written = await link.bytes(['HKEYS', this.#keys.held(this.#session)]);
		if (!written.ok) return written;
		const firstTaking = Math.min(...this.#taking);
		const strays = (written.value as readonly Buffer[])
			.map((tag) => tag.toString())
			.filter((tag) => !this.#held.has(tag) && !this.#settling.has(tag) && numberOf(tag) < firstTaking)
			.sort((a, b) => numberOf(a) - numberOf(b));
		return this.#giveBack(link, this.#session, strays);
	}

	/** Gives back what sessions hold that show no sign of life any more. */
	async #restoreDead(link: Link): Promise<Result<void>> {
		const sessions = await link.bytes(['SMEMBERS', this.#keys.sessions]);
		if (!sessions.ok) return sessions;
		for (const entry of sessions.value as readonly Buffer[]) {
			const session = entry.toString();
			if (session === this.#session) continue;
			const lives = await link.bytes(['EXISTS', this.#keys.alive(session)]);
			if (!lives.ok) return lives;
			if (lives.value !== 0) continue;
			const restored = await this.#restore(link, session);
			if (!restored.ok) return restored;
			await link.bytes(['SREM', this.#keys.sessions, session]);
			if (restored.value > 0) this.#log.warn('gave back what a dead consumer held', { count: restored.value });
		}
		return ok(undefined);
	}

	/** Gives back all that a session holds; answers how many. */
	async #restore(link: Link, session: string): Promise<Result<number>> {
		const tags = await link.bytes(['HKEYS', this.#keys.held(session)]);
		if (!tags.ok) return tags;
		const names = (tags.value as readonly Buffer[]).map((tag) => tag.toString());
		names.sort((a, b) => numberOf(a) - numberOf(b));
		return this.#giveBack(link, session, names);
	}

	/** Gives tags back, oldest first in `tags`; pushed from the last on, so that the first comes to lie at the very front. */
	async #giveBack(link: Link, session: string, tags: readonly string[]): Promise<Result<number>> {
		let count = 0;
		for (const tag of tags.toReversed()) {
			const given = await this.#giveOneBack(link, session, tag);
			if (!given.ok) return given;
			count += given.value ? 1 : 0;
		}
		return ok(count);
	}

	async #giveOneBack(link: Link, session: string, tag: string): Promise<Result<boolean>> {
		const [unacked, , held, aside] = this.#own(session) as readonly [string, string, string, string];
		const [place, kept, apart] = await Promise.all([
			link.bytes(['HGET', held, tag]),
			link.bytes(['HGET', unacked, tag]),
			link.bytes(['HGET', aside, tag]),
		]);
		if (!place.ok) return place;
		if (!kept.ok) return kept;
		if (!apart.ok) return apart;
		const from = /^(\d+):(.*)$/s.exec(String(place.value ?? ''));
		const raw = (kept.value ?? apart.value) as Buffer | null;
		if (from === null || raw === null) {
			// A worker has given it back already, after the visibility timeout.
			const forgotten = await link.script(SETTLE, this.#own(session), [tag]);
			return forgotten.ok ? ok(false) : forgotten;
		}
		const entry = kept.value === null ? raw : markRedelivered(raw.subarray(1, raw.length - Number(from[1])));
		const digest = createHash('sha1').update(raw).digest('hex');
		const given = await link.script(GIVE_BACK, [...this.#own(session), from[2] ?? ''], [tag, digest, entry]);
		return given.ok ? ok(given.value === 1) : given;
	}
}

/** The number at the end of a tag, by which they were taken. */
function numberOf(tag: string): number {
	return Number(tag.slice(tag.lastIndexOf(':') + 1));
}

function lost(): Result<never> {
	return fail('unreachable', 'The connection to Redis was lost.', { details: { sent: false } });
}
