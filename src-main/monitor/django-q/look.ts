/**
 * One look at django-q's keys in a Redis: the heartbeats of its clusters and the lists of its queues. Nothing is written. Keys are found by
 * SCAN every few seconds; those that are known are read in one round trip.
 */
import { inGlob, type KeyCommand, type KeyReply, type KeyScript, type Keyspace } from '#main/brokers/keyspace.ts';
import { PACKET_TAIL, signedAtOf } from '#main/dialects/django-q/packet.ts';
import type { ClusterBeat, ClusterQueue, ClusterReport, OddBeat } from '#main/domain/cluster.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { BeatReader } from './beats.ts';

export interface ClusterSite {
	/** `Q_CLUSTER["name"]` of the site; null: all that are found. */
	readonly prefixes: readonly string[] | null;
	/** Queues to count though they are empty; those that are found are counted anyway. */
	readonly queues: readonly string[];
	/** Null: nothing is verified. */
	readonly secretKey: string | null;
}

/** How often keys are searched for, in ms. Clusters that start in between are seen that much later. */
const SEARCH_EVERY = 5_000;
/** Clusters and queues of one site that are looked at. */
const MOST = 1_000;
const PREFIX = 'django_q:';
const CLUSTER = ':cluster:';
const QUEUE = ':q';

/** Lengths, and of the packet that is next what says when it was enqueued: a packet may have megabytes. */
const LENGTHS: KeyScript = {
	name: 'django-q-lengths',
	lua: `
local answers = {}
for index, key in ipairs(KEYS) do
	local length, next = redis.pcall('LLEN', key), redis.pcall('LINDEX', key, 0)
	if type(length) ~= 'number' then length = -1 end
	answers[index] = {length, type(next) == 'string' and string.sub(next, -${PACKET_TAIL}) or ''}
end
return answers`,
};

/** Who looks at a site, wherever its clusters beat. */
export interface Looker {
	/** Fails as the keyspace does; what is odd about single keys is part of the answer. */
	look(now: number): Promise<Result<ClusterReport>>;
}

/** Looks, and remembers which keys there are. */
export class ClusterLooker implements Looker {
	readonly #keyspace: Keyspace;
	readonly #site: ClusterSite;
	#searchedAt: number | null = null;
	#beatKeys: readonly string[] = [];
	readonly #queues: Set<string>;
	#complete = true;
	readonly #reader: BeatReader;

	constructor(keyspace: Keyspace, site: ClusterSite) {
		this.#keyspace = keyspace;
		this.#site = site;
		this.#queues = new Set(site.queues);
		this.#reader = new BeatReader(site.secretKey);
	}

	async look(now: number): Promise<Result<ClusterReport>> {
		if (this.#searchedAt === null || now - this.#searchedAt >= SEARCH_EVERY || now < this.#searchedAt) {
			const found = await this.#search();
			if (!found.ok) return found;
			this.#searchedAt = now;
		}
		const answers = await this.#keyspace.pipeline(this.#beatKeys.map((key): KeyCommand => ['GET', key]));
		if (!answers.ok) return answers;
		const beats: ClusterBeat[] = [];
		const odd: OddBeat[] = [];
		for (const [at, key] of this.#beatKeys.entries()) this.#take(key, answers.value[at], beats, odd);
		const queues = await this.#lengths();
		return queues.ok ? ok({ at: now, beats, odd, queues: queues.value, complete: this.#complete }) : queues;
	}

	async #lengths(): Promise<Result<readonly ClusterQueue[]>> {
		const names = [...this.#queues];
		if (names.length === 0) return ok([]);
		const answer = await this.#keyspace.script(LENGTHS, names.map(keyOf), []);
		if (!answer.ok) return answer;
		const rows = Array.isArray(answer.value) ? answer.value : [];
		return ok(
			names.map((name, at) => {
				const [length, tail] = Array.isArray(rows[at]) ? rows[at] : [];
				return {
					name,
					length: typeof length === 'number' && length >= 0 ? length : null,
					nextSince: typeof tail === 'string' ? signedAtOf(tail) : null,
				};
			}),
		);
	}

	async #search(): Promise<Result<void>> {
		const { prefixes } = this.#site;
		const patterns =
			prefixes === null ? [`${PREFIX}*${CLUSTER}*`] : prefixes.map((prefix) => `${PREFIX}${inGlob(prefix)}${CLUSTER}*`);
		const keys: string[] = [];
		this.#complete = true;
		for (const pattern of patterns) {
			const found = await this.#keyspace.scan(pattern, MOST);
			if (!found.ok) return found;
			keys.push(...found.value.keys);
			if (!found.value.complete) this.#complete = false;
		}
		const lists = await this.#keyspace.scan(`${PREFIX}*${QUEUE}`, MOST);
		if (!lists.ok) return lists;
		if (!lists.value.complete) this.#complete = false;
		for (const key of lists.value.keys) {
			const name = key.slice(PREFIX.length, -QUEUE.length);
			if (name !== '' && this.#queues.size < MOST) this.#queues.add(name);
		}
		this.#beatKeys = [...new Set(keys)].sort().slice(0, MOST);
		return ok(undefined);
	}

	#take(key: string, answer: Result<KeyReply> | undefined, beats: ClusterBeat[], odd: OddBeat[]): void {
		if (answer === undefined) return;
		if (!answer.ok) {
			odd.push({ key, reason: answer.error.message });
			return;
		}
		// It has gone since it was found.
		if (typeof answer.value !== 'string') return;
		const others = [...new Set(this.#beatKeys.map(prefixOf))];
		const read = this.#reader.read(answer.value, { key, prefix: prefixOf(key), others });
		if (read.beat !== null) beats.push(read.beat);
		odd.push(...read.odd);
	}
}

function keyOf(queue: string): string {
	return `${PREFIX}${queue}${QUEUE}`;
}

function prefixOf(key: string): string {
	return key.slice(PREFIX.length, key.lastIndexOf(CLUSTER));
}
