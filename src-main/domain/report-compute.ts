/** The arithmetic of reports: runs go in one by one, in any order, and the answer is read at the end. */
import { type AppNames, appName, appNamesWith, KNOWN_APP_NAMES } from './app-name.ts';
import { FAILING_STATES } from './failure-group.ts';
import type { Query, TextField } from './query.ts';
import { formatQuery } from './query-format.ts';
import type {
	Report,
	ReportData,
	ReportItem,
	ReportOptions,
	ReportRun,
	RunReportName,
	TaskStatistics,
} from './report.ts';
import { reportInfo } from './report.ts';
import { autoBucket, buckets } from './report-buckets.ts';
import { Groups, largest, Spread } from './report-groups.ts';
import { labelled, MOST_SHARES, OTHERS, type Part, type Settled } from './report-part.ts';
import { type Series, series, spreadSeries } from './report-series.ts';
import { throughput } from './report-throughput.ts';

/** A report being computed. */
export interface ReportSum {
	add(run: ReportRun): void;
	end(): Report;
}

/** Ends that aa-taskmonitor logs. */
const LOGGED: ReadonlySet<string> = new Set(['succeeded', 'failed', 'retrying']);
const FAILING: ReadonlySet<string> = new Set(FAILING_STATES);

/** Begins a report. `scope`: what its runs' tasks were chosen by, for the queries that lead from it to them. */
export function startReport(name: RunReportName, options: ReportOptions, scope: readonly Query[] = []): ReportSum {
	const bucket = options.compatible
		? '5m'
		: options.bucket === 'auto'
			? autoBucket(options.since, options.until)
			: options.bucket;
	const settled: Settled = { ...options, bucket, link: linker(scope) };
	const part = partOf(name, settled);
	const names: AppNames = appNamesWith(options.appNames);
	const apps = new Map<string, string>();
	let runs = 0;
	let runtime = 0;
	let oldest: number | null = null;
	let newest: number | null = null;
	return {
		add(run) {
			if (run.finishedAt < options.since || run.finishedAt >= options.until) return;
			if (!counts(run, options.compatible)) return;
			let app = apps.get(run.name);
			if (app === undefined) {
				app = appName(run.name, names);
				apps.set(run.name, app);
			}
			const took = runtimeOf(run, options.compatible);
			runs += 1;
			runtime += took ?? 0;
			if (oldest === null || run.finishedAt < oldest) oldest = run.finishedAt;
			if (newest === null || run.finishedAt > newest) newest = run.finishedAt;
			part.add(run, app, took);
		},
		end() {
			const basis = { runs, runtime: runtime / 1_000, oldest, newest };
			const { appNames: _, ...shown } = { ...options, bucket };
			return { ...reportInfo(name), options: shown, basis, data: runs === 0 ? null : part.end(basis) };
		},
	};
}

/** Whether it counts: in Warren's way every run that began and ended; a task that was revoked while it waited never ran. */
function counts(run: ReportRun, compatible: boolean): boolean {
	if (LOGGED.has(run.state)) return true;
	return !compatible && (run.state === 'lost' || run.startedAt !== null);
}

/** aa-taskmonitor takes the time between the log entry and the start; Warren takes what was measured where something was. */
function runtimeOf(run: ReportRun, compatible: boolean): number | null {
	const between = run.startedAt === null ? null : run.finishedAt - run.startedAt;
	return compatible ? between : (run.runtimeMs ?? between);
}

function linker(scope: readonly Query[]): (more: Query) => string {
	const flat = (query: Query): readonly Query[] =>
		query.kind === 'all' ? [] : query.kind === 'and' ? query.parts : [query];
	const parts = scope.flatMap(flat);
	return (more) => formatQuery(parts.length === 0 ? more : { kind: 'and', parts: [...parts, ...flat(more)] });
}

/** The query for one field's exact value. */
export function exactly(field: TextField, text: string): Query {
	return { kind: 'field', field, any: [{ kind: 'equals', text }] };
}

/** Whether a run failed. In Warren's way also where it was lost or its message refused. */
export function failing(run: ReportRun, compatible: boolean): boolean {
	return compatible ? run.state === 'failed' : FAILING.has(run.state);
}

function partOf(name: RunReportName, options: Settled): Part {
	const { compatible, top } = options;
	const succeeded = (run: ReportRun) => run.state === 'succeeded';
	switch (name) {
		case 'task_runs_by_state':
			return shares(options, (run) => run.state, stateQuery, Number.POSITIVE_INFINITY);
		case 'task_runs_by_app':
			return shares(options, (_, app) => app, appQuery(options), MOST_SHARES);
		case 'runs_by_queue':
			return shares(options, (run) => run.queue ?? '', textQuery('queue'), MOST_SHARES);
		case 'runs_by_worker':
			return shares(options, (run) => run.worker ?? '', textQuery('worker'), MOST_SHARES);
		case 'tasks_throughput':
			return throughput(options);
		case 'apps_top_runs':
			return bars(options, 'app', 'runs', ({ count }) => count, { value: () => 1 });
		case 'apps_top_cum_runtime':
			return bars(options, 'app', 's', ({ sum }) => sum / 1_000);
		case 'tasks_top_runs':
			return bars(options, 'name', 'runs', ({ count }) => count, { value: () => 1 });
		case 'tasks_top_max_runtime':
			return bars(options, 'name', 's', ({ max }) => max / 1_000);
		case 'tasks_top_avg_runtime':
			return bars(options, 'name', 's', ({ count, sum }) => sum / count / 1_000);
		case 'tasks_top_cum_runtime':
			return bars(options, 'name', 's', ({ sum }) => sum / 1_000);
		case 'tasks_top_failed':
			return bars(options, 'name', 'runs', ({ count }) => count, {
				value: (run) => (failing(run, compatible) ? 1 : null),
				only: failingQuery(compatible),
			});
		case 'tasks_top_retried':
			return bars(options, 'name', 'runs', ({ count }) => count, {
				value: (run) => (run.state === 'retrying' ? 1 : null),
				only: stateQuery('retrying'),
			});
		case 'tasks_throughput_by_state':
			return lines(options, { of: (run) => run.state, query: stateQuery });
		case 'tasks_throughput_by_app':
			return lines(options, {
				of: (run, app) => (succeeded(run) ? app : null),
				query: appQuery(options, stateQuery('succeeded')),
			});
		case 'exceptions_throughput':
			return lines(options, { of: exceptionOf(compatible), query: textQuery('exception') });
		case 'app_failures_over_time':
			return lines(options, {
				of: (run, app) => (failing(run, compatible) ? app : null),
				query: appQuery(options, failingQuery(compatible)),
			});
		case 'throughput_by_queue':
			return lines(options, { of: (run) => run.queue ?? '', query: textQuery('queue') });
		case 'throughput_by_worker':
			return lines(options, { of: (run) => run.worker ?? '', query: textQuery('worker') });
		case 'runtime_percentiles':
			return spreadSeries(options, buckets(options.bucket, options.zone), (_, took) => took);
		case 'wait_percentiles':
			return spreadSeries(options, buckets(options.bucket, options.zone), (run) =>
				run.queuedAt === null || run.startedAt === null ? null : Math.max(0, run.startedAt - run.queuedAt),
			);
		case 'task_statistics':
			return statistics(options, (items) => ({
				kind: 'dots',
				dots: items.flatMap(({ task, app, runs, avg, query }) =>
					avg === null ? [] : [{ label: task, app, runs, runtime: avg, query }],
				),
			}));
		case 'statistics':
			return statistics({ ...options, top }, (items) => ({ kind: 'statistics', items }));
	}
}

/** A retry is logged under Celery's own `Retry`, which says nothing of the cause. Warren often knows the cause, and shows it. */
function exceptionOf(compatible: boolean): Series['of'] {
	return (run) => {
		const type = run.exceptionType ?? '';
		if (type === '' || type === 'Retry' || (compatible && run.state === 'retrying')) return null;
		return type;
	};
}

/** No task stands in `retrying` for long: those that were retried are asked for. */
function stateQuery(state: string): Query {
	if (state === 'retrying') return { kind: 'is', any: ['retried'] };
	return { kind: 'state', any: [state as ReportRun['state']] };
}

/** Tasks that stand as failed: one whose failed run was repeated with success is not among them. */
function failingQuery(compatible: boolean): Query {
	return { kind: 'state', any: compatible ? ['failed'] : FAILING_STATES };
}

/** The query for an app: for all names that stand for it. A query knows the known names, and not the deployment's own. */
function appQuery({ appNames }: Settled, only?: Query): (text: string) => Query | null {
	return (text) => {
		if (text === '') return null;
		const others = appNames.flatMap(([other, app]) => (app === text ? [KNOWN_APP_NAMES.get(other) ?? other] : []));
		const names = [...new Set([text, ...others])];
		const query: Query = { kind: 'field', field: 'app', any: names.map((name) => ({ kind: 'equals', text: name })) };
		return only === undefined ? query : { kind: 'and', parts: [query, only] };
	};
}

/** The query for a field's value, and for nothing else where `only` says more. */
function textQuery(field: TextField, only?: Query): (text: string) => Query | null {
	return (text) => {
		if (text === '') return null;
		const value = exactly(field, text);
		return only === undefined ? value : { kind: 'and', parts: [value, only] };
	};
}

function lines(options: Settled, what: Series): Part {
	return series(options, buckets(options.bucket, options.zone), what);
}

function shares(
	options: Settled,
	of: (run: ReportRun, app: string) => string,
	query: (key: string) => Query | null,
	most: number,
): Part {
	const counted = new Map<string, number>();
	return {
		add(run, app) {
			const key = of(run, app);
			counted.set(key, (counted.get(key) ?? 0) + 1);
		},
		end() {
			const sorted = largest([...counted], Number.POSITIVE_INFINITY);
			const items: ReportItem[] = sorted
				.slice(0, most)
				.map(([key, value]) => labelled(options, key, value, query(key)));
			const rest = sorted.slice(most).reduce((sum, [, value]) => sum + value, 0);
			if (rest > 0) items.push({ label: OTHERS, value: rest, query: null });
			return { kind: 'shares', unit: 'runs', items };
		},
	};
}

/** `value`: what of a run goes into the sum, the runtime unless it is said; null: the run does not count. `only`: tasks with such runs. */
function bars(
	options: Settled,
	by: 'app' | 'name',
	unit: 'runs' | 's',
	read: (spread: Spread) => number,
	what: { readonly value: (run: ReportRun) => number | null; readonly only?: Query } | null = null,
): Part {
	const query = by === 'app' ? appQuery(options, what?.only) : textQuery(by, what?.only);
	const groups = new Groups(() => new Spread(false));
	return {
		add(run, app, took) {
			const one = what === null ? took : what.value(run);
			if (one !== null) groups.of(by === 'app' ? app : run.name).add(one);
		},
		end() {
			const all = groups.entries().map(([key, spread]) => [key, read(spread)] as const);
			if (all.length === 0) return null;
			const items = largest(all, options.top).map(([key, found]) => labelled(options, key, found, query(key)));
			return { kind: 'bars', unit, items, left: all.length - items.length };
		},
	};
}

const SHARES = [0.5, 0.95, 0.99] as const;

function statistics(options: Settled, read: (items: readonly TaskStatistics[]) => ReportData): Part {
	const { compatible } = options;
	const groups = new Groups(() => ({
		app: '',
		runs: 0,
		succeeded: 0,
		failed: 0,
		retried: 0,
		spread: new Spread(!compatible),
	}));
	const seconds = (ms: number | null | undefined) => (ms === null || ms === undefined ? null : ms / 1_000);
	return {
		add(run, app, took) {
			const group = groups.of(run.name);
			group.app = app;
			group.runs += 1;
			if (run.state === 'succeeded') group.succeeded += 1;
			else if (run.state === 'retrying') group.retried += 1;
			else if (failing(run, compatible)) group.failed += 1;
			if (took !== null) group.spread.add(took);
		},
		end() {
			const sorted = largest(
				groups.entries().map(([name, { runs }]) => [name, runs] as const),
				Number.POSITIVE_INFINITY,
			);
			const items = sorted.map(([task]): TaskStatistics => {
				const { app, runs, succeeded, failed, retried, spread } = groups.of(task);
				const some = spread.count > 0;
				const [p50, p95, p99] = spread.percentiles(SHARES).map(seconds);
				return {
					task,
					app,
					runs,
					succeeded,
					failed,
					retried,
					min: some ? spread.min / 1_000 : null,
					avg: seconds(spread.mean),
					max: some ? spread.max / 1_000 : null,
					total: some ? spread.sum / 1_000 : null,
					p50: p50 ?? null,
					p95: p95 ?? null,
					p99: p99 ?? null,
					query: options.link(exactly('name', task)),
				};
			});
			return read(items);
		},
	};
}
