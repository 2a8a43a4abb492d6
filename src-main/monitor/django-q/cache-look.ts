/**
 * One look at django-q's clusters in Django's cache, where they beat whose broker is no Redis (`brokers/__init__.py`, `set_stat`). Nothing is
 * written. A cache may have millions of keys of the site's own, so that clusters are found by the list that django-q keeps of them, which is
 * read by its name; only where no name was given is it searched for, and seldom.
 */
import { inGlob, type Keyspace } from '#main/brokers/keyspace.ts';
import { readCachedText, readCachedTexts } from '#main/dialects/django-q/cached.ts';
import type { ClusterBeat, ClusterReport, OddBeat } from '#main/domain/cluster.ts';
import { cacheLead, type DjangoCache } from '#main/domain/django-cache.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { BeatReader } from './beats.ts';
import type { Looker } from './look.ts';

export interface CacheSite {
	readonly cache: DjangoCache;
	/** `Q_CLUSTER["name"]` of the site; null: all that are found. */
	readonly prefixes: readonly string[] | null;
	/** Null: nothing is verified. */
	readonly secretKey: string | null;
}

/** A cache in which django-q keeps lists of clusters, by their names. */
export interface FoundCache {
	readonly cache: DjangoCache;
	readonly prefixes: readonly string[];
}

/** How often lists are searched for, in ms: that goes through all of a cache's keys. */
const SEARCH_EVERY = 30_000;
/** Clusters of one site, and names, that are looked at. */
const MOST = 1_000;
/** For how long a heartbeat is still asked for that its list no longer names: clusters that write the list at once take each other off it. */
const REMEMBERED_MS = 10_000;
const LIST = /^django_q:(.+):cluster$/s;

/** Looks, and remembers which names there are. */
export class CacheLooker implements Looker {
	readonly #keyspace: Keyspace;
	readonly #site: CacheSite;
	readonly #reader: BeatReader;
	#searchedAt: number | null = null;
	#prefixes: readonly string[];
	#complete = true;
	/** When each heartbeat's key was last named or there. */
	readonly #known = new Map<string, number>();

	constructor(keyspace: Keyspace, site: CacheSite) {
		this.#keyspace = keyspace;
		this.#site = site;
		this.#reader = new BeatReader(site.secretKey);
		this.#prefixes = site.prefixes ?? [];
	}

	async look(now: number): Promise<Result<ClusterReport>> {
		const found = await this.#search(now);
		if (!found.ok) return found;
		const odd: OddBeat[] = [];
		const listed = await this.#listed(odd);
		if (!listed.ok) return listed;
		for (const key of listed.value) this.#known.set(key, now);
		const keys = [...this.#known.keys()];
		const values = await this.#values(keys);
		if (!values.ok) return values;
		const beats: ClusterBeat[] = [];
		for (const [at, key] of keys.entries()) {
			const bytes = values.value[at] ?? null;
			if (bytes === null) {
				const last = this.#known.get(key) ?? now;
				if (now - last > REMEMBERED_MS || now < last) this.#known.delete(key);
				continue;
			}
			this.#known.set(key, now);
			const text = readCachedText(bytes);
			if (!text.ok) {
				odd.push({ key, reason: text.error.message });
				continue;
			}
			const prefix = prefixOf(this.#bare(key));
			const read = this.#reader.read(text.value, { key, prefix, others: this.#prefixes });
			if (read.beat !== null) beats.push(read.beat);
			odd.push(...read.odd);
		}
		return ok({ at: now, beats, odd, queues: [], complete: this.#complete });
	}

	async #search(now: number): Promise<Result<void>> {
		if (this.#site.prefixes !== null) return ok(undefined);
		const due = this.#searchedAt === null || now - this.#searchedAt >= SEARCH_EVERY || now < this.#searchedAt;
		if (!due) return ok(undefined);
		const found = await this.#keyspace.scan(`${inGlob(cacheLead(this.#site.cache))}django_q:*:cluster`, MOST);
		if (!found.ok) return found;
		this.#searchedAt = now;
		this.#complete = found.value.complete;
		this.#prefixes = found.value.keys.flatMap((key) => LIST.exec(this.#bare(key))?.[1] ?? []).sort();
		return ok(undefined);
	}

	/** The keys that the lists name. */
	async #listed(odd: OddBeat[]): Promise<Result<readonly string[]>> {
		const lead = cacheLead(this.#site.cache);
		const lists = this.#prefixes.map((prefix) => `${lead}django_q:${prefix}:cluster`);
		const values = await this.#values(lists);
		if (!values.ok) return values;
		const keys: string[] = [];
		for (const [at, list] of lists.entries()) {
			const bytes = values.value[at] ?? null;
			if (bytes === null) continue;
			const names = readCachedTexts(bytes);
			if (!names.ok) {
				odd.push({ key: list, reason: names.error.message });
				continue;
			}
			// Only what belongs there: a list is no reason to read any other key.
			const own = `django_q:${this.#prefixes[at]}:cluster:`;
			keys.push(...names.value.filter((name) => name.startsWith(own)).map((name) => `${lead}${name}`));
		}
		if (keys.length > MOST) this.#complete = false;
		return ok(keys.slice(0, MOST));
	}

	/** Values as bytes; a key of another kind than text has none. */
	async #values(keys: readonly string[]): Promise<Result<readonly (Uint8Array | null)[]>> {
		const answers = await Promise.all(keys.map((key) => this.#keyspace.bytes('GET', key)));
		const values: (Uint8Array | null)[] = [];
		for (const answer of answers) {
			if (answer.ok) values.push(answer.value);
			else if (answer.error.details?.reply === 'WRONGTYPE') values.push(null);
			else return answer;
		}
		return ok(values);
	}

	#bare(key: string): string {
		return key.slice(cacheLead(this.#site.cache).length);
	}
}

/** The caches in a Redis that hold lists of clusters. Goes through all of its keys, once. */
export async function findCaches(
	keyspace: Keyspace,
): Promise<Result<{ readonly caches: readonly FoundCache[]; readonly complete: boolean }>> {
	const found = await keyspace.scan('*:django_q:*:cluster', MOST);
	if (!found.ok) return found;
	const caches = new Map<string, { readonly cache: DjangoCache; readonly prefixes: string[] }>();
	for (const key of found.value.keys) {
		const [, keyPrefix, version, prefix] = /^(.*):(\d{1,9}):django_q:(.+):cluster$/s.exec(key) ?? [];
		if (keyPrefix === undefined || version === undefined || prefix === undefined) continue;
		const cache = { keyPrefix, version: Number(version) };
		const known = caches.get(cacheLead(cache));
		if (known === undefined) caches.set(cacheLead(cache), { cache, prefixes: [prefix] });
		else known.prefixes.push(prefix);
	}
	return ok({ caches: [...caches.values()], complete: found.value.complete });
}

function prefixOf(key: string): string {
	return key.slice('django_q:'.length, key.lastIndexOf(':cluster:'));
}
