/**
 * Which clusters there are, from rounds of looking at their heartbeats. Pure: each round brings its time. A heartbeat lives three seconds in
 * Redis, so that what a cluster said last tells how it went: one that is gone and had said that it stops has stopped, any other is lost.
 */
import type { ClusterBeat, ClusterPresence, ClusterState } from '#main/domain/cluster.ts';

/** Heartbeats come each half second; a slow scheduler pass holds them up for some. */
const LATE_MS = 2_000;
/** How long a heartbeat outlives its cluster. */
const LIFE_MS = 3_000;
/** From when a silent cluster is lost: clusters with a long `guard_cycle` come and go. */
export const LOST_MS = 10_000;
/** Differences of clocks by which the skew is told. */
const SAMPLES = 60;
/** Clusters that are kept after they have gone; the longest gone leave first. */
const GONE = 200;

interface Known {
	state: ClusterState;
	/** Since when it is not there, in rounds that would have seen it; null: it is. */
	missingSince: number | null;
	readonly leads: number[];
}

/** Keeps what is known of clusters between rounds. */
export class ClusterRoster {
	readonly #known = new Map<string, Known>();
	#lastRound: number | null = null;

	/** Takes what a round has found at `at` (epoch ms): all heartbeats there are. */
	take(at: number, beats: readonly ClusterBeat[]): void {
		// Who did not look for a while cannot tell when somebody went.
		const blind = this.#lastRound === null || at - this.#lastRound > LIFE_MS;
		this.#lastRound = at;
		const here = new Set<string>();
		for (const beat of beats) {
			here.add(beat.clusterId);
			this.#seen(at, beat);
		}
		for (const [id, known] of this.#known) {
			if (!here.has(id)) this.#missed(at, known, blind);
		}
		this.#forget();
	}

	/** All that are known: by host, then by age, so that rows keep their places. */
	all(): readonly ClusterState[] {
		return [...this.#known.values()]
			.map(({ state }) => state)
			.sort(
				(a, b) =>
					compare(a.beat.host, b.beat.host) ||
					a.beat.bornAt - b.beat.bornAt ||
					compare(a.beat.clusterId, b.beat.clusterId),
			);
	}

	/** Takes a cluster that is gone off the list; false: it is not there, or not gone. */
	dismiss(clusterId: string): boolean {
		const presence = this.#known.get(clusterId)?.state.presence;
		if (presence !== 'stopped' && presence !== 'lost') return false;
		return this.#known.delete(clusterId);
	}

	#seen(at: number, beat: ClusterBeat): void {
		const known = this.#known.get(beat.clusterId);
		if (known === undefined) {
			const leads = [beat.beatAt - at];
			this.#known.set(beat.clusterId, {
				missingSince: null,
				leads,
				state: {
					beat,
					presence: beat.status === 'Stopped' ? 'stopped' : 'live',
					since: at,
					seenAt: at,
					skewMs: null,
					mostWorkers: beat.workers.length,
				},
			});
			return;
		}
		const { state, leads } = known;
		const fresh = beat.beatAt !== state.beat.beatAt;
		if (fresh) {
			leads.push(beat.beatAt - at);
			if (leads.length > SAMPLES) leads.shift();
		}
		known.missingSince = null;
		const seenAt = fresh ? at : state.seenAt;
		const presence = beat.status === 'Stopped' ? 'stopped' : at - seenAt > LATE_MS ? 'late' : 'live';
		known.state = {
			beat,
			presence,
			since: presence === state.presence ? state.since : at,
			seenAt,
			// The round trip and the wait for the round only ever make a heartbeat look older.
			skewMs: leads.length < 3 ? null : Math.max(...leads),
			mostWorkers: Math.max(state.mostWorkers, beat.workers.length),
		};
	}

	#missed(at: number, known: Known, blind: boolean): void {
		const { state } = known;
		if (state.presence === 'stopped' || state.presence === 'lost') return;
		if (state.beat.status === 'Stopping' || state.beat.status === 'Stopped') {
			known.state = turned(state, 'stopped', at);
			return;
		}
		// The time when nobody looked does not count against it.
		if (known.missingSince === null || blind) known.missingSince = at;
		const presence = at - known.missingSince + LIFE_MS >= LOST_MS ? 'lost' : 'late';
		if (presence !== state.presence) known.state = turned(state, presence, at);
	}

	#forget(): void {
		const gone = [...this.#known].filter(([, { state }]) => state.presence === 'stopped' || state.presence === 'lost');
		gone.sort(([, a], [, b]) => a.state.since - b.state.since);
		for (const [id] of gone.slice(0, Math.max(0, gone.length - GONE))) this.#known.delete(id);
	}
}

function turned(state: ClusterState, presence: ClusterPresence, at: number): ClusterState {
	return { ...state, presence, since: at };
}

function compare(a: string, b: string): number {
	return a < b ? -1 : a > b ? 1 : 0;
}
