/** Reports: what is asked of finished runs, and what an answer looks like. The arithmetic is in the `report-*` files beside this. */
import type { TaskState } from './task.ts';

/** States in which a run can end. */
export type RunEnd = Exclude<TaskState, 'queued' | 'running'>;

/** What reports are computed of: one run (attempt) of a task that ended. */
export interface ReportRun {
	readonly name: string;
	readonly state: RunEnd;
	readonly exceptionType: string | null;
	readonly queue: string | null;
	readonly worker: string | null;
	/** When it was there to be run, as far as known. */
	readonly queuedAt: number | null;
	readonly startedAt: number | null;
	readonly finishedAt: number;
	readonly runtimeMs: number | null;
}

export type ReportGroup = 'overview' | 'apps' | 'tasks' | 'time' | 'analysis' | 'places';

export interface ReportInfo {
	readonly name: string;
	readonly group: ReportGroup;
	readonly title: string;
	/** The question that it answers. */
	readonly question: string;
	/** One of aa-taskmonitor's reports; the others are Warren's own. */
	readonly taskmonitor: boolean;
}

/** Every report, in the order in which they are shown. */
export const REPORTS = [
	own('task_runs_by_state', 'overview', 'Task runs by state', 'How many runs succeeded, were retried, failed?'),
	own('task_runs_by_app', 'overview', 'Task runs by app', 'Which apps run how often?'),
	own('tasks_throughput', 'overview', 'Throughput', 'How many runs succeed in a minute?'),
	own('apps_top_runs', 'apps', 'Top apps by total task runs', 'Which apps run most often?'),
	own('apps_top_cum_runtime', 'apps', 'Top apps by total task runtime', 'Which apps take most of the time?'),
	own('tasks_top_runs', 'tasks', 'Top tasks by runs', 'Which tasks run most often?'),
	own('tasks_top_max_runtime', 'tasks', 'Top tasks by max runtime', 'Which tasks had the longest run?'),
	own('tasks_top_avg_runtime', 'tasks', 'Top tasks by average runtime', 'Which tasks take longest on average?'),
	own('tasks_top_cum_runtime', 'tasks', 'Top tasks by total runtime', 'Which tasks take most of the time?'),
	own('tasks_top_failed', 'tasks', 'Top tasks by failed runs', 'Which tasks fail most often?'),
	own('tasks_top_retried', 'tasks', 'Top tasks by retried runs', 'Which tasks are retried most often?'),
	own('tasks_throughput_by_state', 'time', 'Runs over time by state', 'When did how many runs end, and how?'),
	own('tasks_throughput_by_app', 'time', 'Runs over time by app', 'When did which apps run?'),
	own('exceptions_throughput', 'time', 'Exceptions over time', 'When did which exceptions end runs?'),
	own('app_failures_over_time', 'time', 'App failures over time', 'When did runs of which apps fail?'),
	own('queue_length_over_time', 'time', 'Queue length over time', 'When did how much wait in the queues?'),
	own('task_statistics', 'analysis', 'Runs against runtime', 'Which tasks run often, and which take long?'),
	own(
		'statistics',
		'analysis',
		'Statistics per task',
		'How often does each task run, how does it end, how long does it take?',
	),
	extra('runtime_percentiles', 'time', 'Runtime over time', 'How long did runs take (p50, p95, p99)?'),
	extra(
		'wait_percentiles',
		'time',
		'Waiting time over time',
		'How long did tasks wait before they began (p50, p95, p99)?',
	),
	extra('runs_by_queue', 'places', 'Runs by queue', 'Which queues carry how many runs?'),
	extra('runs_by_worker', 'places', 'Runs by worker', 'Which workers do how many runs?'),
	extra('throughput_by_queue', 'places', 'Runs over time by queue', 'When did tasks of which queues run?'),
	extra('throughput_by_worker', 'places', 'Runs over time by worker', 'When did which workers run tasks?'),
] as const satisfies readonly ReportInfo[];

export type ReportName = (typeof REPORTS)[number]['name'];
/** Reports over runs; the others are over samples of queues. */
export type RunReportName = Exclude<ReportName, 'queue_length_over_time'>;

/** The names alone, for whoever checks one. */
export const REPORT_NAMES = REPORTS.map(({ name }) => name) as [ReportName, ...ReportName[]];

function own<N extends string>(name: N, group: ReportGroup, title: string, question: string) {
	return { name, group, title, question, taskmonitor: true } as const;
}
function extra<N extends string>(name: N, group: ReportGroup, title: string, question: string) {
	return { name, group, title, question, taskmonitor: false } as const;
}

/** Width of a bucket of time; `auto`: the smallest that gives few enough. Hours and days are those of a zone. */
export const BUCKETS = ['auto', '1m', '5m', '15m', '1h', '1d'] as const;
export type BucketSize = (typeof BUCKETS)[number];

/** How a report is computed. */
export interface ReportOptions {
	/** Epoch ms, half-open: runs that ended in it count. */
	readonly since: number;
	readonly until: number;
	readonly bucket: BucketSize;
	/** IANA name, for hours and days. */
	readonly zone: string;
	/** aa-taskmonitor's definitions: see docs/reports.md for what differs. */
	readonly compatible: boolean;
	/** How many a top list has. */
	readonly top: number;
	/** Other names of apps, each with the app it stands for. */
	readonly appNames: readonly (readonly [string, string])[];
}

/** What a value counts: runs, seconds, or messages that wait. */
export type ReportUnit = 'runs' | 's' | 'messages';

/** A share or a bar. */
export interface ReportItem {
	readonly label: string;
	readonly value: number;
	/** Tasks behind it, in the query language; null: no query says it. */
	readonly query: string | null;
}

export interface ReportSeries {
	readonly label: string;
	/** Start of the bucket (epoch ms) and the value; null: nothing to take the value of. */
	readonly points: readonly (readonly [number, number | null])[];
	readonly query: string | null;
}

export interface ReportDot {
	readonly label: string;
	readonly app: string;
	readonly runs: number;
	/** Seconds. */
	readonly runtime: number;
	readonly query: string | null;
}

/** Runs per minute over one span. */
export interface ThroughputRow {
	/** Hours that it looks back; null: over all. */
	readonly hours: number | null;
	/** Null: no run to take an average of. */
	readonly perMinute: number | null;
}

/** How long the runs of a task took, in seconds; null: no run tells. */
export interface TaskStatistics {
	readonly task: string;
	readonly app: string;
	readonly runs: number;
	readonly succeeded: number;
	readonly failed: number;
	readonly retried: number;
	readonly min: number | null;
	readonly avg: number | null;
	readonly max: number | null;
	readonly total: number | null;
	/** Null in aa-taskmonitor's way too, which knows no percentiles. */
	readonly p50: number | null;
	readonly p95: number | null;
	readonly p99: number | null;
	readonly query: string;
}

export type ReportData =
	| { readonly kind: 'shares'; readonly unit: ReportUnit; readonly items: readonly ReportItem[] }
	| {
			readonly kind: 'bars';
			readonly unit: ReportUnit;
			readonly items: readonly ReportItem[];
			/** How many more there are than a top list has. */
			readonly left: number;
	  }
	| {
			readonly kind: 'series';
			readonly unit: ReportUnit;
			readonly bucket: Exclude<BucketSize, 'auto'>;
			readonly series: readonly ReportSeries[];
	  }
	| { readonly kind: 'dots'; readonly dots: readonly ReportDot[] }
	| {
			readonly kind: 'throughput';
			readonly rows: readonly ThroughputRow[];
			readonly peak: { readonly at: number; readonly runs: number };
	  }
	| { readonly kind: 'statistics'; readonly items: readonly TaskStatistics[] };

/** Runs that a report was computed of. */
export interface ReportBasis {
	readonly runs: number;
	/** Seconds. */
	readonly runtime: number;
	/** When the first and the last of them ended; null: there is none. */
	readonly oldest: number | null;
	readonly newest: number | null;
	/** Samples of queues instead of runs, where it is of those; the times are theirs then. */
	readonly samples?: number;
}

/** A report, computed. */
export interface Report extends ReportInfo {
	readonly name: ReportName;
	readonly options: Omit<ReportOptions, 'appNames'>;
	readonly basis: ReportBasis;
	/** Null: there is no run that it could be about. */
	readonly data: ReportData | null;
}

/** What is said of a report. */
export function reportInfo(name: ReportName): ReportInfo & { readonly name: ReportName } {
	const found = REPORTS.find((one) => one.name === name);
	if (found === undefined) throw new RangeError(`There is no report ${name}`);
	return found;
}
