/** What an export of history reads: tasks with all their attempts, or single finished runs as a task log counts them. */
import type { ProfileId } from './ids.ts';
import type { Attempt, TaskResult, TaskRow, TaskState } from './task.ts';

/** Where an export stands between two of its pages. */
export interface ExportPlace {
	/** Row number that was read last; 0: none yet. */
	readonly after: number;
	/** Rows that came later than the export's beginning have greater numbers, and stay out. */
	readonly until: number;
	/** The moment that `since:2h` and the like are measured from. */
	readonly now: number;
}

export interface ExportRequest {
	readonly profile: ProfileId;
	/** The query language; empty: all that are listed. */
	readonly query: string;
	/** Null: the beginning. */
	readonly place: ExportPlace | null;
	/** Rows a page, 1 to 1,000; fewer come where they are large. */
	readonly limit: number;
}

/** A page; `next` null: it was the last. */
export interface ExportPage<Row> {
	readonly rows: readonly Row[];
	readonly next: ExportPlace | null;
	/** Rows there are in all; on the first page only. */
	readonly total: number | null;
}

/** A task with everything but logs and raw messages. */
export interface ExportedTask {
	readonly row: TaskRow;
	readonly result: TaskResult | null;
	readonly traceback: string | null;
	readonly attempts: readonly Attempt[];
	readonly rootId: string | null;
	readonly parentId: string | null;
}

/** A finished run. */
export interface ExportedRun {
	/** Of the attempt; rises. */
	readonly id: number;
	readonly taskId: string;
	readonly name: string;
	readonly state: Extract<TaskState, 'succeeded' | 'failed' | 'retrying'>;
	readonly priority: number | null;
	/** Runs of the task that ended in a retry before this one. */
	readonly retries: number;
	/** Epoch ms. */
	readonly receivedAt: number | null;
	readonly startedAt: number | null;
	readonly finishedAt: number;
	readonly runtimeMs: number | null;
	readonly exceptionType: string | null;
	readonly parentId: string | null;
}
