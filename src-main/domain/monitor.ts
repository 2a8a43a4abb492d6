/** How watching a deployment goes. Times are epoch ms. */
import type { ConnectionState } from './profile.ts';

/** A time of which events are missing. */
export interface MonitorGap {
	readonly from: number;
	readonly to: number;
	readonly reason: string;
}

/** An event that could not be read, as it came. */
export interface BadEventView {
	readonly at: number;
	readonly reason: string;
	readonly routingKey: string;
	/** Its text as far as it is one, at most 4,000 characters. */
	readonly text: string;
	readonly bytes: number;
}

export interface MonitorStatus {
	/** Whether somebody watches, in whichever process of this home. */
	readonly running: boolean;
	/** Which process; null: none. */
	readonly holder: string | null;
	/** Since when it does; null: nobody watches. */
	readonly since: number | null;
	/** Up to when events were heard, as last noted; null: never. */
	readonly until: number | null;
	/** Of the process that watches. */
	readonly connection: ConnectionState;
	/** Why nothing is heard at the moment; null: it is. */
	readonly trouble: string | null;
	/** Events taken into history since the first, and by this run. */
	readonly events: number;
	readonly eventsThisRun: number;
	readonly lastEventAt: number | null;
	/** Messages behind: waiting in our queue, and taken but not committed; null: cannot tell. */
	readonly behind: number | null;
	/** Events that could not be read. */
	readonly bad: number;
	/** Newest first, some; `gapCount` counts all. */
	readonly gaps: readonly MonitorGap[];
	readonly gapCount: number;
	/** Whether the broker goes on collecting while nobody watches. */
	readonly keeping: boolean;
}

/** The same, with what a person decided. */
export interface MonitorStanding extends MonitorStatus {
	/** False: it was switched off, and windows and served consoles leave this deployment alone until it is switched on again. */
	readonly wanted: boolean;
}
