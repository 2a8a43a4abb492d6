/**
 * How a profile's history is written and looked after, beyond how long it is kept: what aa-taskmonitor has as `TASKMONITOR_…` settings of a
 * whole site is decided per profile here.
 */

export interface TaskLogSettings {
	/** False: what others tell of tasks that they run is not written. What Warren runs itself always is. */
	readonly enabled: boolean;
	/** Arguments and results are kept with one level only, see `dialects/taskmonitor`. */
	readonly truncate: boolean;
	/** Rows that a clean-up takes away in one transaction. */
	readonly batchSize: number;
	/** Between two clean-ups. */
	readonly housekeepingMinutes: number;
	/** A longer queue is looked into only after a question. */
	readonly queuedLimit: number;
	/** For how long what was counted of waiting tasks is shown again; 0: never. */
	readonly queuedCacheSeconds: number;
	/** For how long a report that was computed is shown again; 0: never. */
	readonly reportsMaxAgeMinutes: number;
	/** Bars of a report where nobody says how many. */
	readonly reportsTop: number;
}

/** Out of the box. Batches are small, since everybody else's writes wait for one; nothing is shown again that may have changed. */
export const DEFAULT_TASK_LOG: TaskLogSettings = {
	enabled: true,
	truncate: false,
	batchSize: 100,
	housekeepingMinutes: 60,
	queuedLimit: 100_000,
	queuedCacheSeconds: 0,
	reportsMaxAgeMinutes: 0,
	reportsTop: 20,
};

/** The least and the most of those that are numbers. */
export const TASK_LOG_RANGES = {
	batchSize: [1, 50_000],
	housekeepingMinutes: [1, 10_080],
	queuedLimit: [1, 100_000_000],
	queuedCacheSeconds: [0, 86_400],
	reportsMaxAgeMinutes: [0, 10_080],
	reportsTop: [1, 1_000],
} as const satisfies Partial<Record<keyof TaskLogSettings, readonly [number, number]>>;

/** Settings as they are kept: only what differs from the defaults. What is no setting, or out of its range, is as if it were not there. */
export function readTaskLog(json: string): Partial<TaskLogSettings> {
	const kept = parsed(json);
	const right = Object.entries(kept).filter(([name, value]) => {
		if (name === 'enabled' || name === 'truncate') return typeof value === 'boolean';
		const range = Object.hasOwn(TASK_LOG_RANGES, name) ? TASK_LOG_RANGES[name as keyof typeof TASK_LOG_RANGES] : null;
		return range !== null && Number.isInteger(value) && Number(value) >= range[0] && Number(value) <= range[1];
	});
	return Object.fromEntries(right);
}

function parsed(json: string): object {
	try {
		const value: unknown = JSON.parse(json);
		return typeof value === 'object' && value !== null ? value : {};
	} catch {
		// Something else wrote it: as good as nothing.
		return {};
	}
}
