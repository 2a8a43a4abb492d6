/** What exactly each report counts, in words: in Warren's way, and in aa-taskmonitor's. docs/reports.md says the same at length. */
import type { ReportName } from '#main/domain/report.ts';

const RUNS = 'Every run that ended in this time, lost ones too, and revoked or rejected ones that had begun.';
const LOGGED = 'Runs that succeeded, were retried or failed; no others.';
const FAILED = 'Runs that failed, were rejected or were lost.';
const FAILED_THERE = 'Runs that failed; no others.';
const RAN = 'Runtime as it was measured, else from start to end.';
const RAN_THERE = 'Runtime from start to the log entry by the clock; runs without a start have none.';
const BUCKETS = 'One value for each bucket, empty ones nought; the 14 largest lines and Others.';
const BUCKETS_THERE = 'Buckets of 5 minutes, empty ones absent; one line for each, however many.';

/** `own`: Warren's way; `there`: aa-taskmonitor's, null where it has no such report. */
interface Definition {
	readonly own: string;
	readonly there: string | null;
}

const DEFINITIONS: Readonly<Record<ReportName, Definition>> = {
	task_runs_by_state: { own: `${RUNS} Counted by how they ended.`, there: `${LOGGED} Counted by state.` },
	task_runs_by_app: {
		own: `${RUNS} Counted by app; beyond the 14 largest the rest is Others.`,
		there: `${LOGGED} Counted by app; beyond the 14 largest the rest is Others.`,
	},
	tasks_throughput: {
		own: 'Successful runs a minute, averaged over all minutes since the first run known, idle ones too.',
		there: 'Successful runs a minute, averaged over minutes that had one: idle minutes are left out.',
	},
	apps_top_runs: { own: `${RUNS} Counted by app.`, there: `${LOGGED} Counted by app.` },
	apps_top_cum_runtime: { own: `${RAN} Summed by app.`, there: `${RAN_THERE} Summed by app.` },
	tasks_top_runs: { own: `${RUNS} Counted by task.`, there: `${LOGGED} Counted by task.` },
	tasks_top_max_runtime: { own: `${RAN} The longest of each task.`, there: `${RAN_THERE} The longest of each task.` },
	tasks_top_avg_runtime: { own: `${RAN} The mean of each task.`, there: `${RAN_THERE} The mean of each task.` },
	tasks_top_cum_runtime: { own: `${RAN} Summed by task.`, there: `${RAN_THERE} Summed by task.` },
	tasks_top_failed: { own: `${FAILED} Counted by task.`, there: `${FAILED_THERE} Counted by task.` },
	tasks_top_retried: {
		own: 'Runs that ended in a retry. Counted by task.',
		there: 'Runs that ended in a retry. Counted by task.',
	},
	tasks_throughput_by_state: { own: `${RUNS} ${BUCKETS}`, there: `${LOGGED} ${BUCKETS_THERE}` },
	tasks_throughput_by_app: {
		own: `Successful runs by app. ${BUCKETS}`,
		there: `Successful runs by app. ${BUCKETS_THERE}`,
	},
	exceptions_throughput: {
		own: `Runs that ended in an exception, retries by their cause where it is known. ${BUCKETS}`,
		there: `Runs that ended in an exception, retries left out. ${BUCKETS_THERE}`,
	},
	app_failures_over_time: { own: `${FAILED} By app. ${BUCKETS}`, there: `${FAILED_THERE} By app. ${BUCKETS_THERE}` },
	queue_length_over_time: {
		own: 'Messages that waited (ready), averaged over each bucket; one line for each queue, a gap where nothing was measured. Search, queue and worker above choose runs, and have no say in it.',
		there:
			'Messages that waited in all queues: the mean of each minute’s mean, in buckets of 5 minutes, rounded half to even. Search, queue and worker above choose runs, and have no say in it.',
	},
	task_statistics: {
		own: `${RUNS} Each dot is a task: its runs across, its mean runtime up.`,
		there: `${LOGGED} Each dot is a task: its runs across, its mean runtime up. ${RAN_THERE}`,
	},
	statistics: {
		own: `${RUNS} ${RAN} Percentiles are the smallest value that so many runs are not above.`,
		there: `${LOGGED} ${RAN_THERE} Percentiles are not known there.`,
	},
	runtime_percentiles: {
		own: `${RAN} In each bucket the value that half, 95 % and 99 % of the runs are not above; a gap where none ran.`,
		there: null,
	},
	wait_percentiles: {
		own: 'From when the task was there to be run until it began. Runs of which either is not known are left out.',
		there: null,
	},
	runs_by_queue: { own: `${RUNS} Counted by queue.`, there: null },
	runs_by_worker: { own: `${RUNS} Counted by worker.`, there: null },
	throughput_by_queue: { own: `${RUNS} By queue. ${BUCKETS}`, there: null },
	throughput_by_worker: { own: `${RUNS} By worker. ${BUCKETS}`, there: null },
};

/** The definition that holds now. */
export function definition(name: ReportName, compatible: boolean): string {
	const { own, there } = DEFINITIONS[name];
	if (!compatible) return own;
	return there ?? `aa-taskmonitor has no such report; counted over what it logs. ${own}`;
}
