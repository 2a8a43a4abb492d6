/** Results of tasks, groups and chords in Celery's Redis backend, read with a deadline and a cap. Nothing there is changed. */
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { RESULT_BYTES, readCounted, readGroup, readResult } from '#main/dialects/celery/result.ts';
import type { CeleryResult, ChordCounters, ResultNode, ResultSource } from '#main/domain/celery-result.ts';
import type { Clock } from '#main/domain/clock.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { resultKeys } from './result-keys.ts';

/** How long a connection is waited for, in ms. */
const PATIENCE_MS = 10_000;
/** Results read in one go: a round trip for each, of which so many are under way. */
const AT_ONCE = 100;
/** Members of a chord that are read. */
const MOST_MEMBERS = 5_000;

/** A result and where it was found. */
export interface FoundResult {
	readonly result: CeleryResult;
	readonly source: ResultSource;
}

/** What is kept of a group: its members where it was saved, and the counters while it is an open chord. */
export interface FoundGroup {
	/** Null: the group was not saved. */
	readonly members: readonly ResultNode[] | null;
	readonly counters: ChordCounters | null;
	/** Members that have counted, with Celery's word for how they ended. */
	readonly counted: readonly { readonly id: string; readonly status: string }[];
}

export class ResultBackend {
	readonly #keyspace: Keyspace;
	readonly #keys: ReturnType<typeof resultKeys>;
	readonly #clock: Clock;

	constructor(keyspace: Keyspace, prefix: string, clock: Clock) {
		this.#keyspace = keyspace;
		this.#keys = resultKeys(prefix);
		this.#clock = clock;
	}

	/** A task's result; null: none is kept. `undecodable` and `too-large` for what cannot be read. */
	async task(id: string): Promise<Result<FoundResult | null>> {
		const ready = await this.#keyspace.ready(PATIENCE_MS);
		if (!ready.ok) return ready;
		const key = this.#keys.task(id);
		const [bytes, ttl] = await Promise.all([this.#value(key), this.#keyspace.call('PTTL', key)]);
		if (!bytes.ok) return bytes;
		if (!ttl.ok) return ttl;
		if (bytes.value === null) return ok(null);
		const read = readResult(bytes.value, id);
		if (!read.ok) return fail(read.error.code, `${key}: ${read.error.message}`);
		const readAt = this.#clock.now();
		return ok({
			result: read.value,
			source: { kind: 'redis', place: key, readAt, expiresAt: expiry(ttl.value, readAt) },
		});
	}

	/** Those of many that have a result that can be read, by id; the connection's failure, if it fails. */
	async tasks(ids: readonly string[]): Promise<Result<ReadonlyMap<string, FoundResult>>> {
		const found = new Map<string, FoundResult>();
		for (let at = 0; at < ids.length; at += AT_ONCE) {
			const batch = ids.slice(at, at + AT_ONCE);
			const answers = await Promise.all(batch.map((id) => this.task(id)));
			for (const [index, answer] of answers.entries()) {
				if (answer.ok && answer.value !== null) found.set(batch[index] ?? '', answer.value);
				// One that cannot be read stops nobody else; a lost connection does.
				if (!answer.ok && answer.error.code !== 'undecodable' && answer.error.code !== 'too-large') return answer;
			}
		}
		return ok(found);
	}

	/** What is kept of a group or chord. */
	async group(id: string): Promise<Result<FoundGroup>> {
		const ready = await this.#keyspace.ready(PATIENCE_MS);
		if (!ready.ok) return ready;
		const keys = this.#keys;
		const [saved, size, kind, ttl] = await Promise.all([
			this.#value(keys.group(id)),
			this.#keyspace.call('GET', keys.size(id)),
			this.#keyspace.call('TYPE', keys.counted(id)),
			this.#keyspace.call('PTTL', keys.size(id)),
		]);
		if (!saved.ok) return saved;
		if (!size.ok) return size;
		if (!kind.ok) return kind;
		const most = MOST_MEMBERS - 1;
		const listed =
			kind.value === 'zset'
				? await this.#keyspace.call('ZRANGE', keys.counted(id), 0, most)
				: kind.value === 'list'
					? await this.#keyspace.call('LRANGE', keys.counted(id), 0, most)
					: ok([]);
		if (!listed.ok) return listed;
		const entries = Array.isArray(listed.value) ? (listed.value as readonly unknown[]) : [];
		const counted = entries
			.map((entry) => (typeof entry === 'string' ? readCounted(new TextEncoder().encode(entry)) : null))
			.filter((entry) => entry !== null);
		const whole = typeof size.value === 'string' && /^\d{1,9}$/.test(size.value) ? Number(size.value) : null;
		const open = whole !== null || kind.value === 'zset' || kind.value === 'list';
		return ok({
			members: saved.value === null ? null : (readGroup(saved.value)?.members ?? null),
			counters: open
				? { size: whole, counted: entries.length, expiresAt: expiry(ttl.ok ? ttl.value : null, this.#clock.now()) }
				: null,
			counted,
		});
	}

	/** Calls back whenever a task's result changes, and whenever it may have changed unheard. */
	watch(id: string, changed: () => void): Disposable {
		return this.#keyspace.subscribe(this.#keys.task(id), changed, changed);
	}

	/** The bytes of a key, null where there are none; `too-large` beyond the cap, without fetching them. */
	async #value(key: string): Promise<Result<Uint8Array | null>> {
		const read = await this.#keyspace.bytes('GETRANGE', key, 0, RESULT_BYTES);
		if (!read.ok || read.value === null || read.value.byteLength === 0) return read.ok ? ok(null) : read;
		if (read.value.byteLength <= RESULT_BYTES) return read;
		return fail('too-large', `${key} has more than ${RESULT_BYTES} bytes; Warren reads no more of a result.`);
	}
}

/** What PTTL says, as a moment; null: it stays. */
function expiry(ttl: unknown, now: number): number | null {
	return typeof ttl === 'number' && ttl >= 0 ? now + ttl : null;
}
