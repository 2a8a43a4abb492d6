/** What is amiss with a site of django-q, round by round, for the rules of `domain/alarm.ts`. Each round brings its time. */
import type { Symptom } from '#main/domain/alarm.ts';
import type { ClusterQueue, ClusterState } from '#main/domain/cluster.ts';

/** How far back results are compared, and replaced processes. */
const RISING_MS = 5 * 60_000;
const HOUR_MS = 3_600_000;
/** Samples are kept this far apart at least. */
const SPACING_MS = 5_000;
/** For how long a lost cluster is worth an alarm; it stays among the workers. */
const LOST_MS = HOUR_MS;

interface Sample {
	readonly at: number;
	readonly value: number;
}

/** A round of looking; `problem`: why nothing could be looked at, and then only that is said. */
export interface SymptomRound {
	readonly now: number;
	readonly queues: readonly ClusterQueue[];
	readonly clusters: readonly ClusterState[];
	/** The profile names its site, so that no cluster at all is amiss though nothing waits. */
	readonly named: boolean;
	readonly problem: string | null;
}

/** Says what is amiss, and remembers as much of earlier rounds as that needs. */
export class ClusterSymptoms {
	readonly #results = new Map<string, Sample[]>();
	readonly #restarts = new Map<string, Sample[]>();
	/** Of a queue: what is next, and how many waited when that came to be next while all were idle. */
	readonly #standing = new Map<string, { readonly next: number | null; readonly length: number }>();

	take({ now, queues, clusters, named, problem }: SymptomRound): readonly Symptom[] {
		if (problem !== null) return [{ rule: 'unreachable', subject: '', value: 1, words: problem }];
		const here = clusters.filter(({ presence }) => presence === 'live' || presence === 'late');
		this.#forget(new Set(clusters.map(({ beat }) => beat.clusterId)));
		return [
			...absence(queues, clusters, here, named),
			...clusters.flatMap((state) => this.#cluster(state, now)),
			...this.#queues(queues, here, now),
		];
	}

	#cluster(state: ClusterState, now: number): readonly Symptom[] {
		const { beat, presence, since, seenAt, mostWorkers } = state;
		const subject = beat.clusterId;
		const name = `Cluster ${subject.slice(-8)} on ${beat.host}`;
		if (presence === 'stopped') return [];
		if (presence === 'lost') {
			if (now - since >= LOST_MS) return [];
			const words = `${name} went without a word. What it had taken (TQ ${beat.taskQueue}, and what ran) is lost.`;
			return [{ rule: 'cluster-lost', subject, value: 1, words }];
		}
		const found: Symptom[] = [];
		if (presence === 'late') {
			const seconds = Math.max(0, Math.floor((now - seenAt) / 1_000));
			found.push({
				rule: 'heartbeat-late',
				subject,
				value: seconds,
				words: `${name} was last heard ${seconds} s ago.`,
			});
		}
		if (beat.taskQueue > 0) {
			const words = `${name} holds ${beat.taskQueue} tasks in its memory.`;
			found.push({ rule: 'task-limit', subject, value: beat.taskQueue, words });
		}
		const results = sampled(this.#results, subject, { at: now, value: beat.resultQueue }, RISING_MS);
		const more = beat.resultQueue - Math.min(...results.map(({ value }) => value));
		if (more > 0) {
			const words = `${name} has ${beat.resultQueue} results to write, ${more} more than lately: its database may be slow.`;
			found.push({ rule: 'results-rising', subject, value: more, words });
		}
		const settled = beat.status === 'Idle' || beat.status === 'Working';
		const missing = mostWorkers - beat.workers.length;
		if (settled && missing > 0) {
			const words = `${name} has ${beat.workers.length} workers of the ${mostWorkers} it was seen with.`;
			found.push({ rule: 'pool-short', subject, value: missing, words });
		}
		const restarts = sampled(this.#restarts, subject, { at: now, value: beat.reincarnations }, HOUR_MS);
		const replaced = beat.reincarnations - (restarts[0]?.value ?? beat.reincarnations);
		if (replaced > 0) {
			const words = `${name} replaced ${replaced} processes within an hour, ordinary recycling included.`;
			found.push({ rule: 'restarts', subject, value: replaced, words });
		}
		return found;
	}

	#queues(queues: readonly ClusterQueue[], here: readonly ClusterState[], now: number): readonly Symptom[] {
		const idle = here.length > 0 && here.every(({ beat }) => beat.status === 'Idle' && beat.taskQueue === 0);
		const found: Symptom[] = [];
		for (const { name, length, nextSince } of queues) {
			const before = this.#standing.get(name);
			if (length === null || length === 0 || !idle) this.#standing.delete(name);
			else if (before === undefined || before.next !== nextSince || length < before.length) {
				// Something was taken: it does not hang.
				this.#standing.set(name, { next: nextSince, length });
			} else if (length > before.length) {
				const words = `${name} grew from ${before.length} to ${length} while every cluster says Idle: their pushers may hang on a dead connection, or serve another queue. Restart a cluster to see.`;
				found.push({ rule: 'stuck-queue', subject: name, value: length - before.length, words });
			}
			if (length === null || length === 0) continue;
			found.push({
				rule: 'queue-length',
				subject: name,
				value: length,
				words: `${packets(length)} ${wait(length)} in ${name}.`,
			});
			if (nextSince === null) continue;
			const seconds = Math.max(0, Math.floor((now - nextSince) / 1_000));
			const words = `The next packet of ${name} waits for ${seconds} s.`;
			found.push({ rule: 'oldest-waiting', subject: name, value: seconds, words });
		}
		return found;
	}

	#forget(known: ReadonlySet<string>): void {
		for (const samples of [this.#results, this.#restarts]) {
			for (const id of samples.keys()) if (!known.has(id)) samples.delete(id);
		}
	}
}

/** Of the site as a whole: whether anything runs its tasks, and is its own. */
function absence(
	queues: readonly ClusterQueue[],
	clusters: readonly ClusterState[],
	here: readonly ClusterState[],
	named: boolean,
): readonly Symptom[] {
	const waiting = queues.reduce((sum, { length }) => sum + (length ?? 0), 0);
	const wrong = here.filter(({ beat }) => beat.verified === false).length;
	const found: Symptom[] = [];
	if (here.length === 0 && (named || waiting > 0 || clusters.length > 0)) {
		const words =
			waiting === 0 ? 'Nothing would run a task.' : `Nothing runs the ${packets(waiting)} that ${wait(waiting)}.`;
		found.push({ rule: 'no-cluster', subject: '', value: 1, words });
	}
	if (wrong > 0) {
		const words = `Heartbeats of ${wrong === 1 ? 'a cluster' : `${wrong} clusters`} do not verify by the SECRET_KEY of the profile.`;
		found.push({ rule: 'unsigned', subject: '', value: wrong, words });
	}
	return found;
}

/** What was seen of something within `window`, with the newest; the samples in between are thinned. */
function sampled(all: Map<string, Sample[]>, key: string, newest: Sample, window: number): readonly Sample[] {
	const samples = (all.get(key) ?? []).filter(({ at }) => newest.at - at <= window && at <= newest.at);
	const last = samples.at(-1);
	if (last === undefined || newest.at - last.at >= SPACING_MS) samples.push(newest);
	all.set(key, samples);
	return [...samples, newest];
}

function packets(count: number): string {
	return count === 1 ? '1 packet' : `${count} packets`;
}

function wait(count: number): string {
	return count === 1 ? 'waits' : 'wait';
}
