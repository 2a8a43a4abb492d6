/** django-q's clusters: what one says of itself in a heartbeat (its `Stat`), and what follows from having listened for a while. */

/** As the cluster calls it. Idle: nothing waits in it at that instant; one that is busy with a single long task says so too. */
export type ClusterStatus = 'Starting' | 'Idle' | 'Working' | 'Stopping' | 'Stopped';

export const CLUSTER_STATUSES: readonly ClusterStatus[] = ['Starting', 'Idle', 'Working', 'Stopping', 'Stopped'];

/** One heartbeat. Times are epoch milliseconds by the cluster's clock. */
export interface ClusterBeat {
	/** UUID text; django-q before 1.2 had the parent's pid. */
	readonly clusterId: string;
	readonly host: string;
	/** `Q_CLUSTER["name"]`, by which it signs. */
	readonly prefix: string;
	readonly status: ClusterStatus;
	/** Process ids of the workers there are now. Their number is the pool. */
	readonly workers: readonly number[];
	/** Parent; null before 1.2. */
	readonly pid: number | null;
	readonly sentinel: number;
	/** Saves results; 0: not started. */
	readonly monitor: number;
	/** Takes packets off the list; 0: not started. */
	readonly pusher: number;
	/** TQ: packets taken and waiting in its memory. */
	readonly taskQueue: number;
	/** RQ: results not yet written. */
	readonly resultQueue: number;
	/** RC: processes replaced since its start, for whatever reason. */
	readonly reincarnations: number;
	readonly bornAt: number;
	readonly beatAt: number;
	/** Whether the site's key has verified it; null: no key was given. */
	readonly verified: boolean | null;
	/** What it is signed with, and so what the cluster takes packets by; null: no signature of Django's. */
	readonly digest: 'sha1' | 'sha256' | null;
	/** Its times have zones: the site has `USE_TZ`. */
	readonly aware: boolean;
}

/** A list of packets. */
export interface ClusterQueue {
	/** `CLUSTER_NAME`: the list's key is `django_q:<name>:q`. */
	readonly name: string;
	/** Packets that no cluster has taken yet; null: the key is no list. */
	readonly length: number | null;
	/** When the packet that runs next was enqueued, epoch ms; null: there is none, or it is no packet of django-q's. */
	readonly nextSince: number | null;
}

/** A heartbeat that could not be read, or not be trusted. */
export interface OddBeat {
	readonly key: string;
	readonly reason: string;
}

/** What one look at a site's keys has found. */
export interface ClusterReport {
	readonly at: number;
	readonly beats: readonly ClusterBeat[];
	readonly odd: readonly OddBeat[];
	readonly queues: readonly ClusterQueue[];
	/** False: there were more keys than are looked at. */
	readonly complete: boolean;
}

/**
 * What is known of a cluster. live: heartbeats come. late: none for a while, which a slow scheduler pass or database explains too. stopped: it
 * said so and went. lost: it went without saying so, as one does that was killed or whose host is gone.
 */
export type ClusterPresence = 'live' | 'late' | 'stopped' | 'lost';

export interface ClusterState {
	/** The last heartbeat. */
	readonly beat: ClusterBeat;
	readonly presence: ClusterPresence;
	/** Since when, epoch ms by our clock. */
	readonly since: number;
	/** When the last heartbeat was seen here. */
	readonly seenAt: number;
	/** The cluster's clock minus ours in ms, as near as it can be told (the least of late heartbeats); null: not yet. */
	readonly skewMs: number | null;
	/** The most workers it was ever seen with. */
	readonly mostWorkers: number;
}
