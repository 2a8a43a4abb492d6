/** Reads what the report of queue lengths is about: samples of queues, by the minute as far as they reach. */
import { ALL_QUEUES, type FigureTier } from '#main/domain/figure.ts';
import type { Report } from '#main/domain/report.ts';
import { bucketCount, MOST_BUCKETS } from '#main/domain/report-buckets.ts';
import { queueLengthBucket, queueLengthReport } from '#main/domain/report-queues.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { figureSeries, keptFigures } from './figures.ts';
import type { ReadHandle } from './handles.ts';
import type { ReportRequest } from './store.ts';

/** Computes it. A query chooses tasks, of which queues know nothing: `invalid-input`. */
export function queueLengths(db: ReadHandle, request: ReportRequest): Result<Report> {
	if (request.query.trim() !== '') {
		return fail(
			'invalid-input',
			'query: this report counts what waits in queues, which a query over tasks cannot choose. Leave the query out.',
			{ details: { field: 'query' } },
		);
	}
	return db.snapshot(() => {
		const { compatible } = request.options;
		const series = figureSeries(db, request.profile, 'queue', compatible ? ALL_QUEUES : null).filter(
			({ figure, name }) => figure === 'ready' && (name === ALL_QUEUES) === compatible,
		);
		const options = { ...request.options, since: beginning(db, request, series) };
		const bucket = queueLengthBucket(options);
		if (!compatible && bucketCount(bucket, options.since, options.until) > MOST_BUCKETS) {
			return fail(
				'invalid-input',
				`bucket: ${bucket} makes more than ${MOST_BUCKETS} of that time. Take a wider one, or less time.`,
				{ details: { field: 'bucket' } },
			);
		}
		const tier: FigureTier = bucket === '1h' || bucket === '1d' ? 'hour' : 'minute';
		return ok(
			queueLengthReport(
				options,
				series.map(({ id, name }) => ({
					queue: name,
					kept: keptFigures(db, tier, id, options.since, options.until),
				})),
			),
		);
	});
}

/** Without a beginning, a report begins with the first hour that was measured. */
function beginning(db: ReadHandle, { options }: ReportRequest, series: readonly { readonly id: number }[]): number {
	if (options.since > 0) return options.since;
	const first = db.read<{ start: number | null }>(
		'first hour of figures',
		'SELECT min(start) AS start FROM figure_hours WHERE series = ?',
	);
	const starts = series.flatMap(({ id }) => first.get(id)?.start ?? []);
	return starts.length === 0 ? options.since : Math.min(...starts) * 3_600_000;
}
