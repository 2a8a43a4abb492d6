/** Reports over time: one line per key, one value per bucket. */
import type { Query } from './query.ts';
import type { ReportRun, ReportSeries } from './report.ts';
import { type Buckets, roundHalfEven } from './report-buckets.ts';
import { Groups, largest, Spread, Timeline } from './report-groups.ts';
import { MOST_SHARES, OTHERS, type Part, type Settled } from './report-part.ts';

/** What its lines are. */
export interface Series {
	/** The line that a run counts in; null: none. */
	readonly of: (run: ReportRun, app: string) => string | null;
	readonly query: (key: string) => Query | null;
}

/** Runs per bucket. In aa-taskmonitor's way every key has its line and empty buckets are absent; in Warren's they are zeros. */
export function series(options: Settled, time: Buckets, what: Series): Part {
	const groups = new Groups(() => new Timeline());
	return {
		add(run, app) {
			const key = what.of(run, app);
			if (key !== null) groups.of(key).add(time.startOf(run.finishedAt));
		},
		end({ oldest }) {
			const all = groups.entries();
			if (all.length === 0) return null;
			const lines = options.compatible ? all : most(all);
			const starts = options.compatible ? null : everyStart(options, time, oldest ?? options.since);
			return {
				kind: 'series',
				unit: 'runs',
				bucket: options.bucket,
				series: lines.map(([label, { counts }]): ReportSeries => {
					const query = label === OTHERS ? null : what.query(label);
					return {
						label,
						points:
							starts === null
								? [...counts].sort((a, b) => a[0] - b[0]).map(([at, n]) => [at, roundHalfEven(n)] as const)
								: starts.map((at) => [at, counts.get(at) ?? 0] as const),
						query: query === null ? null : options.link(query),
					};
				}),
			};
		},
	};
}

/** The largest lines, and one that has all others. */
function most(all: readonly (readonly [string, Timeline])[]): readonly (readonly [string, Timeline])[] {
	const lines = new Map(all);
	const total = ({ counts }: Timeline) => [...counts.values()].reduce((sum, n) => sum + n, 0);
	const sorted = largest(
		all.map(([key, line]) => [key, total(line)] as const),
		Number.POSITIVE_INFINITY,
	).map(([key]) => [key, lines.get(key) ?? new Timeline()] as const);
	if (sorted.length <= MOST_SHARES) return sorted;
	const rest = new Timeline();
	for (const [, line] of sorted.slice(MOST_SHARES)) {
		for (const [at, n] of line.counts) rest.counts.set(at, (rest.counts.get(at) ?? 0) + n);
	}
	return [...sorted.slice(0, MOST_SHARES), [OTHERS, rest]];
}

/** Starts of all buckets from the beginning (of the span, or of what there is where the span has none) to its end. */
function everyStart(options: Settled, time: Buckets, oldest: number): readonly number[] {
	const starts: number[] = [];
	const from = options.since > 0 ? options.since : oldest;
	for (let at = time.startOf(from); at < options.until; at = time.after(at)) starts.push(at);
	return starts;
}

const LINES = [
	['p50', 0.5],
	['p95', 0.95],
	['p99', 0.99],
] as const;

/** Percentiles per bucket, in seconds; null where a bucket has no value. */
export function spreadSeries(
	options: Settled,
	time: Buckets,
	of: (run: ReportRun, runtimeMs: number | null) => number | null,
): Part {
	const spreads = new Map<number, Spread>();
	return {
		add(run, _, runtimeMs) {
			const value = of(run, runtimeMs);
			if (value === null) return;
			const start = time.startOf(run.finishedAt);
			let spread = spreads.get(start);
			if (spread === undefined) {
				spread = new Spread(true);
				spreads.set(start, spread);
			}
			spread.add(value);
		},
		end({ oldest }) {
			if (spreads.size === 0) return null;
			const starts = options.compatible
				? [...spreads.keys()].sort((a, b) => a - b)
				: everyStart(options, time, oldest ?? options.since);
			const values = starts.map((at) => spreads.get(at)?.percentiles(LINES.map(([, share]) => share)) ?? null);
			return {
				kind: 'series',
				unit: 's',
				bucket: options.bucket,
				series: LINES.map(([label], line) => ({
					label,
					query: null,
					points: starts.map((at, i) => {
						const ms = values[i]?.[line] ?? null;
						return [at, ms === null ? null : ms / 1_000] as const;
					}),
				})),
			};
		},
	};
}
