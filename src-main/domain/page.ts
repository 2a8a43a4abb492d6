/** Lists: a keyset page and the tick that says it has grown old. */

/** Fields a task list can be ordered by. */
export type TaskSortField =
	| 'finishedAt'
	| 'publishedAt'
	| 'startedAt'
	| 'updatedAt'
	| 'name'
	| 'queue'
	| 'priority'
	| 'runtimeMs'
	| 'state';

/** All of them, for who offers or reads them. */
export const TASK_SORT_FIELDS: readonly TaskSortField[] = [
	'finishedAt',
	'publishedAt',
	'startedAt',
	'updatedAt',
	'name',
	'queue',
	'priority',
	'runtimeMs',
	'state',
];

export interface TaskSort {
	readonly field: TaskSortField;
	readonly descending: boolean;
}

/** One window of a list. */
export interface Page<T> {
	readonly items: readonly T[];
	/** How many match in all; null: still being counted (ask `task.count`). */
	readonly total: number | null;
	/** Rises with every change of the profile's tasks; what the page was read at. */
	readonly revision: number;
	/** Opaque; hand it back for the rows after (`next`) or before (`previous`). Null: there are none. */
	readonly next: string | null;
	readonly previous: string | null;
	/** Only so much was found in the time that was given: `next` goes on looking from there, and may find nothing. */
	readonly unfinished?: boolean;
}

/** Counts behind the rail and the tabs. `scheduled` are those of all books, as last read. */
export interface TaskCounts {
	readonly queued: number;
	readonly running: number;
	readonly succeeded: number;
	readonly failed: number;
	readonly retrying: number;
	readonly revoked: number;
	readonly rejected: number;
	readonly lost: number;
	readonly scheduled: number;
	readonly revision: number;
}

/** The tick of a task list: something changed since a revision. */
export interface TaskTick {
	readonly revision: number;
	readonly counts: TaskCounts;
}
