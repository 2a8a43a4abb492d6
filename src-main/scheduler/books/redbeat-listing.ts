/** Finds and fetches RedBeat's keys: all that beat knows, and hashes that it does not know. Reads only, never `KEYS`. */
import type { KeyCommand, KeyReply, Keyspace } from '#main/brokers/keyspace.ts';
import type { Clock } from '#main/domain/clock.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BrokenEntry } from '#main/domain/schedule.ts';
import type { RedbeatKeys, RedbeatRaw } from './redbeat-entry.ts';
import { listOf, pairsOf } from './redis-replies.ts';

/** Members of the schedule per step. */
const STEP = 1_000;
/** Entries per round trip. */
const BATCH = 200;
/** A scan goes through all keys of the server, so its answer is good for this long, in ms. */
const SCAN_EVERY = 60_000;
/** A server with more keys than this is not scanned at all. */
const MOST_KEYS = 1_000_000;
/** Entries that are listed at most. */
const MOST = 100_000;

/** Everything under the prefix. */
export interface Listed {
	readonly found: readonly RedbeatRaw[];
	/** Members of the schedule that are no hashes at all. */
	readonly broken: readonly BrokenEntry[];
	/** Why entries that beat does not know were not looked for; null: they were. */
	readonly unsought: string | null;
}

interface Scanned {
	readonly at: number;
	readonly keys: readonly string[];
	readonly unsought: string | null;
}

/** Lists the book of one prefix. */
export class RedbeatListing {
	readonly #keyspace: Keyspace;
	readonly #keys: RedbeatKeys;
	readonly #clock: Clock;
	#scanned: Scanned | null = null;

	constructor(keyspace: Keyspace, keys: RedbeatKeys, clock: Clock) {
		this.#keyspace = keyspace;
		this.#keys = keys;
		this.#clock = clock;
	}

	/** What stands under one key; null: nothing, or it is no entry's key. */
	async one(key: string): Promise<Result<RedbeatRaw | null>> {
		const name = this.#keys.nameOf(key);
		if (name === null || this.#isOwn(key)) return ok(null);
		const answers = await this.#keyspace.pipeline([...this.#about(key), ['SISMEMBER', this.#keys.statics, name]]);
		if (!answers.ok) return answers;
		const [texts, score, isStatic] = answers.value;
		if (texts?.ok === false) return texts;
		if (score?.ok === false) return score;
		const raw = rawOf(key, name, texts?.value, score?.value, isStatic?.ok === true && isStatic.value === 1);
		return ok(raw.definition === null && raw.meta === null && raw.score === null ? null : raw);
	}

	/** All entries: what the schedule names, and hashes with a definition that it does not name. */
	async list(signal?: AbortSignal): Promise<Result<Listed>> {
		const members = await this.#members(signal);
		if (!members.ok) return members;
		const statics = await this.#keyspace.call('SMEMBERS', this.#keys.statics);
		if (!statics.ok && statics.error.code !== 'refused') return statics;
		const own = new Set(statics.ok ? listOf(statics.value).map(String) : []);
		const scanned = await this.#scan();
		if (!scanned.ok) return scanned;
		const { keys: others, unsought } = scanned.value;
		const known = new Set(members.value);
		const keys = [...known, ...others.filter((key) => !known.has(key))];
		const found: RedbeatRaw[] = [];
		const broken: BrokenEntry[] = [];
		for (let from = 0; from < keys.length; from += BATCH) {
			if (signal?.aborted === true) return fail('cancelled', 'Reading the RedBeat book was cancelled.');
			const batch = keys.slice(from, from + BATCH);
			const answers = await this.#keyspace.pipeline(batch.flatMap((key) => this.#about(key)));
			if (!answers.ok) return answers;
			for (const [index, key] of batch.entries()) {
				const [texts, score] = answers.value.slice(index * 2, index * 2 + 2);
				const name = this.#keys.nameOf(key);
				if (name === null || texts?.ok !== true) {
					// What others keep under names that begin alike is no business of the book.
					if (known.has(key)) broken.push(brokenMember(key, name === null, texts));
					continue;
				}
				const raw = rawOf(key, name, texts.value, score?.ok === true ? score.value : null, own.has(name));
				const listed = known.has(key)
					? raw.score !== null || raw.definition !== null
					: raw.definition !== null || raw.meta !== null;
				// Neither: it was removed since.
				if (listed) found.push(raw);
			}
		}
		return ok({ found, broken, unsought });
	}

	#about(key: string): readonly KeyCommand[] {
		return [
			['HMGET', key, 'definition', 'meta'],
			['ZSCORE', this.#keys.schedule, key],
		];
	}

	/**
	 * By ZSCAN rather than by rank: every run moves its entry to another rank, so a list in pieces could leave one out, and somebody
	 * would take it for removed. A scan gives every member that was there all the time.
	 */
	async #members(signal?: AbortSignal): Promise<Result<readonly string[]>> {
		const members = new Set<string>();
		let cursor = '0';
		do {
			if (signal?.aborted === true) return fail('cancelled', 'Reading the RedBeat book was cancelled.');
			const piece = await this.#keyspace.call('ZSCAN', this.#keys.schedule, cursor, 'COUNT', STEP);
			if (!piece.ok) return piece;
			const [next, found] = listOf(piece.value);
			for (const [key] of pairsOf(found)) members.add(key);
			if (members.size > MOST) {
				return fail('too-large', `RedBeat's schedule has more than ${MOST} entries; Warren lists no more.`);
			}
			cursor = String(next);
		} while (cursor !== '0');
		return ok([...members]);
	}

	async #scan(): Promise<Result<Scanned>> {
		const now = this.#clock.monotonic();
		if (this.#scanned !== null && now - this.#scanned.at < SCAN_EVERY) return ok(this.#scanned);
		const size = await this.#keyspace.call('DBSIZE');
		if (!size.ok && size.error.code !== 'refused') return size;
		const found =
			size.ok && Number(size.value) > MOST_KEYS
				? ok({ keys: [], complete: false })
				: await this.#keyspace.scan(this.#keys.all, MOST);
		if (!found.ok && found.error.code !== 'refused') return found;
		const unsought =
			found.ok && found.value.complete
				? null
				: 'Schedules that beat does not know, since they have no place in its schedule: this Redis holds too many keys to go through, or does not let them be listed.';
		const keys = found.ok ? found.value.keys : [];
		// Another app's prefix may begin like this one: its keys are its own.
		const inner = keys.flatMap((key) => {
			const prefix = /^(.*):(?:schedule|statics|lock)$/s.exec(key)?.[1];
			return prefix !== undefined && prefix !== this.#keys.prefix && prefix.startsWith(this.#keys.prefix)
				? [prefix]
				: [];
		});
		const ours = keys.filter((key) => !this.#isOwn(key) && !inner.some((prefix) => key.startsWith(prefix)));
		this.#scanned = { at: now, keys: ours, unsought };
		return ok(this.#scanned);
	}

	#isOwn(key: string): boolean {
		const { schedule, statics, lock } = this.#keys;
		return key === schedule || key === statics || key === lock;
	}
}

function rawOf(
	key: string,
	name: string,
	texts: KeyReply | undefined,
	score: KeyReply | undefined,
	isStatic: boolean,
): RedbeatRaw {
	const [definition, meta] = listOf(texts);
	const number = typeof score === 'string' ? Number(score) : Number.NaN;
	return {
		key,
		name,
		definition: typeof definition === 'string' ? definition : null,
		meta: typeof meta === 'string' ? meta : null,
		score: Number.isNaN(number) ? null : number,
		isStatic,
	};
}

function brokenMember(key: string, foreign: boolean, texts: Result<KeyReply> | undefined): BrokenEntry {
	const reason = foreign
		? 'It stands in the schedule and does not begin with the prefix. Is the prefix right (redbeat_key_prefix)?'
		: `It stands in the schedule and is no hash: ${texts?.ok === false ? texts.error.message : 'it cannot be read.'} Beat ends when it comes to it.`;
	return { key, name: key, reason, raw: '' };
}
