/** Tasks as lines of text: JSON Lines and two kinds of CSV. */
import { type CsvCell, type CsvLayout, csvLine } from '#main/dialects/csv.ts';
import { type EntryState, entryHeader, entryLine, type LogEntry } from '#main/dialects/taskmonitor/entry.ts';
import { type AppNames, appName } from '#main/domain/app-name.ts';
import type { ExportedRun, ExportedTask } from '#main/domain/export.ts';
import { attemptJson, resultJson, taskRowJson } from '#main/domain/task-json.ts';

/** A task as one JSON document in a line, with `attempts` as `task show` has them. */
export function taskLine(task: ExportedTask, names: AppNames): string {
	const { row, result, traceback, attempts, rootId, parentId } = task;
	return `${JSON.stringify({
		...taskRowJson(row),
		app: appName(row.name, names),
		...resultJson(result),
		traceback,
		rootId,
		parentId,
		attempts: attempts.map(attemptJson),
	})}\n`;
}

const ENTRY_STATES: Readonly<Record<ExportedRun['state'], EntryState>> = {
	succeeded: 'success',
	retrying: 'retry',
	failed: 'failure',
};

/** A finished run as aa-taskmonitor logs it. */
export function entryOf(run: ExportedRun, names: AppNames): LogEntry {
	return {
		id: run.id,
		appName: appName(run.name, names),
		// A retry is logged by what asks for it, which has one name whatever went wrong.
		exception: run.state === 'retrying' ? 'Retry' : className(run.exceptionType),
		parentId: run.parentId,
		priority: run.priority,
		retries: run.retries,
		received: run.receivedAt,
		runtime: run.runtimeMs === null ? null : run.runtimeMs / 1000,
		started: run.startedAt,
		state: ENTRY_STATES[run.state],
		taskId: run.taskId,
		taskName: run.name,
		timestamp: run.finishedAt,
	};
}

function className(type: string | null): string {
	return type === null ? '' : type.slice(type.lastIndexOf('.') + 1);
}

/** One of the two CSV files. */
export interface CsvFile<Row> {
	header(layout: CsvLayout): string;
	line(row: Row, layout: CsvLayout, names: AppNames): string;
}

/** Byte for byte what aa-taskmonitor exports. */
export const logFile: CsvFile<ExportedRun> = {
	header: entryHeader,
	line: (run, layout, names) => entryLine(entryOf(run, names), layout),
};

/** Columns of the full file; times are ISO 8601 in UTC, runtimes in seconds. */
const FULL: readonly (readonly [string, (task: ExportedTask, names: AppNames) => CsvCell])[] = [
	['task_id', ({ row }) => row.id],
	['task_name', ({ row }) => row.name],
	['app_name', ({ row }, names) => appName(row.name, names)],
	['state', ({ row }) => row.state],
	['queue', ({ row }) => row.queue],
	['priority', ({ row }) => row.priority],
	['worker', ({ row }) => row.worker],
	['attempts', ({ row }) => row.attempts],
	['published', ({ row }) => iso(row.publishedAt)],
	['started', ({ row }) => iso(row.startedAt)],
	['finished', ({ row }) => iso(row.finishedAt)],
	['runtime', ({ row }) => (row.runtimeMs === null ? null : row.runtimeMs / 1000)],
	['args', ({ row }) => row.argsJson],
	['kwargs', ({ row }) => row.kwargsJson],
	['result', ({ result }) => result?.text ?? null],
	['exception', ({ row }) => row.exception?.type ?? null],
	['exception_message', ({ row }) => row.exception?.message ?? null],
	['traceback', ({ traceback }) => traceback],
	['root_id', ({ rootId }) => rootId],
	['parent_id', ({ parentId }) => parentId],
];

/** One line per task with all that a table can hold. */
export const fullFile: CsvFile<ExportedTask> = {
	header: (layout) =>
		csvLine(
			FULL.map(([name]) => name),
			layout,
		),
	line: (task, layout, names) =>
		csvLine(
			FULL.map(([, cell]) => cell(task, names)),
			layout,
		),
};

function iso(at: number | null): string | null {
	return at === null || Math.abs(at) > 8.64e15 ? null : new Date(at).toISOString();
}
