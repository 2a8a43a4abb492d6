/** The report of how much waited in queues over time: it is of samples of queues, not of runs. */
import type { KeptFigure } from './figure.ts';
import type { Report, ReportData, ReportOptions, ReportSeries } from './report.ts';
import { reportInfo } from './report.ts';
import { autoBucket, buckets, roundHalfEven } from './report-buckets.ts';
import { MOST_SHARES, OTHERS } from './report-part.ts';

/** Minutes (or hours) of one queue, oldest first. */
export interface QueueLengths {
	readonly queue: string;
	readonly kept: Iterable<KeptFigure>;
}

/** The width of its spans: aa-taskmonitor's five minutes, or as asked. */
export function queueLengthBucket(options: ReportOptions): Exclude<ReportOptions['bucket'], 'auto'> {
	if (options.compatible) return '5m';
	return options.bucket === 'auto' ? autoBucket(options.since, options.until) : options.bucket;
}

/**
 * Sums it up. In Warren's way one line per queue, the longest first, and a null where nothing was measured. In aa-taskmonitor's, given
 * all queues as one: the mean of each minute's mean, rounded half to even, and no point where a span has none.
 */
export function queueLengthReport(options: ReportOptions, queues: readonly QueueLengths[]): Report {
	const bucket = queueLengthBucket(options);
	const time = buckets(bucket, options.zone);
	let oldest: number | null = null;
	let newest: number | null = null;
	let samples = 0;
	const lines = queues.map(({ queue, kept }) => {
		const spans = new Map<number, { sum: number; minutes: number }>();
		let total = 0;
		let count = 0;
		for (const one of kept) {
			const start = time.startOf(one.start);
			const span = spans.get(start) ?? { sum: 0, minutes: 0 };
			span.sum += one.sum / one.samples;
			span.minutes += 1;
			spans.set(start, span);
			total += one.sum;
			count += one.samples;
			if (oldest === null || one.start < oldest) oldest = one.start;
			if (newest === null || one.lastAt > newest) newest = one.lastAt;
		}
		samples += count;
		return { queue, spans, mean: count === 0 ? 0 : total / count, measured: count > 0 };
	});
	const measured = lines
		.filter((line) => line.measured)
		.sort((a, b) => b.mean - a.mean || (a.queue < b.queue ? -1 : 1));
	const { appNames: _, ...shown } = { ...options, bucket };
	const basis = { runs: 0, runtime: 0, oldest, newest, samples };
	const info = { ...reportInfo('queue_length_over_time'), options: shown, basis };
	if (measured.length === 0 || oldest === null) return { ...info, data: null };
	const mean = (span: { readonly sum: number; readonly minutes: number } | undefined): number | null =>
		span === undefined ? null : span.sum / span.minutes;
	let series: readonly ReportSeries[];
	if (options.compatible) {
		series = measured.map(({ spans }) => ({
			label: 'Queue length',
			query: null,
			points: [...spans]
				.sort((a, b) => a[0] - b[0])
				.map(([at, span]) => [at, roundHalfEven(span.sum / span.minutes)] as const),
		}));
	} else {
		const starts: number[] = [];
		const from = options.since > 0 ? options.since : oldest;
		for (let at = time.startOf(from); at < options.until; at = time.after(at)) starts.push(at);
		series = measured.slice(0, MOST_SHARES).map(({ queue, spans }) => ({
			label: queue,
			query: null,
			points: starts.map((at) => [at, hundredths(mean(spans.get(at)))] as const),
		}));
		const rest = measured.slice(MOST_SHARES);
		if (rest.length > 0) {
			const points = starts.map((at) => {
				const told = rest.flatMap(({ spans }) => mean(spans.get(at)) ?? []);
				return [at, told.length === 0 ? null : hundredths(told.reduce((a, b) => a + b, 0))] as const;
			});
			series = [...series, { label: OTHERS, query: null, points }];
		}
	}
	const data: ReportData = { kind: 'series', unit: 'messages', bucket, series };
	return { ...info, data };
}

function hundredths(value: number | null): number | null {
	return value === null ? null : Math.round(value * 100) / 100;
}
