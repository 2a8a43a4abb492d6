/** Clusters of django-q that only beat: heartbeats as django-q's own `Stat` writes them, kept fresh in a Redis until told otherwise. */
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { writePacket } from '#main/dialects/django-q/packet.ts';
import { type PickledRecord, writePickle } from '#main/dialects/python/write-pickle.ts';
import type { ClusterStatus } from '#main/domain/cluster.ts';
import type { Value } from '#main/domain/value.ts';
import { must } from './brokers.ts';

/** What a heartbeat says; the rest is made up. */
export interface BeatFacts {
	readonly id: string;
	readonly host: string;
	readonly status: ClusterStatus;
	readonly workers: readonly number[];
	readonly taskQueue?: number;
	readonly resultQueue?: number;
	readonly reincarnations?: number;
	/** Epoch ms. */
	readonly bornAt: number;
	/** What its clock is ahead, ms. */
	readonly ahead?: number;
}

export interface BeatSite {
	readonly prefix: string;
	readonly secretKey: string;
}

/** PROTO 4, GLOBAL of the class, and NEWOBJ of no arguments. */
const OPENING = Buffer.from('\x80\x04cdjango_q.status\nStat\n)\x81', 'latin1');
/** BUILD and STOP. */
const CLOSING = Buffer.from('b.', 'latin1');

/** One heartbeat as it lies in Redis: an instance of `Stat` with its attributes as state, signed. */
export function writeBeat(site: BeatSite, facts: BeatFacts, now: number): string {
	const int = (value: number): Value => ({ kind: 'int', text: String(value) });
	const str = (value: string): Value => ({ kind: 'str', value });
	const at = now + (facts.ahead ?? 0);
	const state: PickledRecord = {
		kind: 'record',
		fields: [
			['workers', { kind: 'list', items: facts.workers.map(int) }],
			['tob', { kind: 'datetime', at: facts.bornAt, aware: true }],
			['reincarnations', int(facts.reincarnations ?? 0)],
			['pid', int(4_100)],
			['cluster_id', str(facts.id)],
			['sentinel', int(4_101)],
			['status', str(facts.status)],
			['done_q_size', int(facts.resultQueue ?? 0)],
			['host', str(facts.host)],
			['monitor', int(4_102)],
			['task_q_size', int(facts.taskQueue ?? 0)],
			['pusher', int(4_103)],
			['timestamp', { kind: 'datetime', at, aware: true }],
		],
	};
	// The state without its own PROTO and STOP.
	const inner = must(writePickle(state)).subarray(2, -1);
	const pickle = Buffer.concat([OPENING, inner, CLOSING]);
	return writePacket(pickle, { ...site, digest: 'sha256' }, { now: at, compress: true });
}

export interface Beating extends AsyncDisposable {
	/** Has a cluster beat by these facts from now on. */
	beat(facts: BeatFacts): Promise<void>;
	/** Has it beat no more: its key goes at once, as three seconds after the last heartbeat. */
	silence(id: string): Promise<void>;
}

/** Clusters in a Redis, each beating every 400 ms until disposed of. */
export function startBeating(keyspace: Keyspace, site: BeatSite): Beating {
	const clusters = new Map<string, BeatFacts>();
	const keyOf = (id: string): string => `django_q:${site.prefix}:cluster:${id}`;
	const write = async (facts: BeatFacts): Promise<void> => {
		must(await keyspace.call('SET', keyOf(facts.id), writeBeat(site, facts, Date.now()), 'PX', 3_000));
	};
	let round: Promise<unknown> = Promise.resolve();
	const timer = setInterval(() => {
		round = Promise.all([...clusters.values()].map(write));
	}, 400);
	return {
		async beat(facts) {
			clusters.set(facts.id, facts);
			await write(facts);
		},
		async silence(id) {
			clusters.delete(id);
			await round;
			must(await keyspace.call('DEL', keyOf(id)));
		},
		async [Symbol.asyncDispose]() {
			clearInterval(timer);
			await round;
		},
	};
}
