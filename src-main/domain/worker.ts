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
}
