/** When something runs: recurrence, zone and bounds. Instants are epoch milliseconds. */

export type IntervalUnit = 'seconds' | 'minutes' | 'hours' | 'days' | 'weeks';
export const INTERVAL_UNITS: readonly IntervalUnit[] = ['seconds', 'minutes', 'hours', 'days', 'weeks'];

/** When a schedule runs, apart from its bounds. */
export type Recurrence =
	/**
	 * clock: on a grid of the zone's wall clock (every 15 minutes: :00, :15, :30, :45), from midnight, or from the start if
	 * there is one. last-run: one interval after the last run.
	 */
	| {
			readonly kind: 'every';
			readonly count: number;
			readonly unit: IntervalUnit;
			readonly align: 'clock' | 'last-run';
	  }
	/** Five fields, or six with seconds first. */
	| { readonly kind: 'cron'; readonly expression: string }
	| { readonly kind: 'once'; readonly at: number }
	/** A rule that only its own book understands, as the book writes it (JSON). Warren keeps it and cannot work out due times. */
	| { readonly kind: 'foreign'; readonly rule: string };

/** A recurrence with its zone and bounds. */
export interface Timing {
	readonly recurrence: Recurrence;
	/** IANA name, e.g. `Europe/London`. */
	readonly zone: string;
	/** No run before; null: no bound. */
	readonly startAt: number | null;
	/** No run at or after; null: no bound. */
	readonly endAt: number | null;
	/** Each run is published up to this much after its due time, by a delay that is the same whoever works it out. */
	readonly jitterMs: number;
}
