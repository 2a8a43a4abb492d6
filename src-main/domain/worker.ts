/** Workers that others run, as far as what they send tells. */

/** late: silent for more than two heartbeats; lost: for more than three, and ten seconds; stopped: it said so. */
export type WorkerLiveness = 'online' | 'late' | 'lost' | 'stopped';

/** A main process that spoke under a worker's name. Times are epoch ms. */
export interface WorkerProcess {
	readonly pid: number;
	readonly firstAt: number;
	readonly lastAt: number;
	readonly stopped: boolean;
}

/**
 * What is heard of a worker. tasks: events of its tasks as well. beats: it lives, and has run nothing since. untold: its heartbeats say
 * that it runs tasks, and no event told of them: it was started without -E, which `enable_events` mends until it restarts. none: it
 * answered a question, but was never heard. unknown: nobody listened for events of tasks.
 */
export type WorkerEvents = 'tasks' | 'beats' | 'untold' | 'none' | 'unknown';

/** What a worker says of itself when it is asked (`stats` and `active_queues`). Null: it did not say. */
export interface WorkerDetails {
	/** When it answered, epoch ms. */
	readonly at: number;
	/** e.g. `prefork`. */
	readonly pool: string | null;
	/** Processes or threads at the moment. */
	readonly concurrency: number | null;
	/** Bounds, where it scales by itself. */
	readonly autoscale: { readonly min: number; readonly max: number } | null;
	/** Messages it may hold; 0: no limit. */
	readonly prefetch: number | null;
	readonly queues: readonly string[] | null;
	readonly uptimeS: number | null;
	/** Tasks done since its start, by name; the most frequent 100. */
	readonly total: Readonly<Record<string, number>>;
	/** Main process, and those of its pool. */
	readonly pid: number | null;
	readonly processes: readonly number[];
}

/** One node of a cluster. Times are epoch ms by our clock; null means it did not say. */
export interface WorkerView {
	readonly name: string;
	readonly state: WorkerLiveness;
	readonly heardAt: number;
	/** How long it had been silent at `asOf`. */
	readonly ageMs: number;
	/** The last moment at which we had heard everything: now, unless we lag or nobody watches. */
	readonly asOf: number;
	/** Seconds between heartbeats. */
	readonly freqS: number;
	readonly active: number | null;
	/** Since its start. */
	readonly processed: number | null;
	/** Of the machine, over 1, 5 and 15 minutes. */
	readonly loadavg: readonly number[] | null;
	readonly software: { readonly ident: string | null; readonly version: string | null; readonly system: string | null };
	/** Newest first. */
	readonly processes: readonly WorkerProcess[];
	/** Two live processes share this name, which Celery does not expect: control commands reach both, figures alternate. */
	readonly duplicate: boolean;
	/** How far its clock is behind ours, less the way, at the least: negative when its clock is ahead. */
	readonly skewMs: number | null;
	readonly events: WorkerEvents;
	/** As it last said; null: it was not asked, or did not answer. */
	readonly details: WorkerDetails | null;
}
