/** Reads the runs that a report is about, once, and sums them up as they come. */
import { parseQuery } from '#main/domain/query-parse.ts';
import type { Report, ReportOptions, ReportRun } from '#main/domain/report.ts';
import { bucketCount, MOST_BUCKETS } from '#main/domain/report-buckets.ts';
import { startReport } from '#main/domain/report-compute.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { STATE_CODES, stateName } from './codes.ts';
import type { ListReader } from './lists.ts';
import { profileKeyOf } from './profile-keys.ts';
import { queueLengths } from './report-queues.ts';
import { compileQuery } from './search.ts';
import type { ReportRequest } from './store.ts';

const { queued: _, running: __, ...ENDS } = STATE_CODES;
const OVER = Object.values(ENDS).join(', ');

interface Row {
	readonly name: string;
	readonly state: number;
	readonly exception_type: string | null;
	readonly queue: string | null;
	readonly worker: string | null;
	readonly queued_at: number | null;
	readonly started_at: number | null;
	readonly finished_at: number;
	readonly runtime_ms: number | null;
}

/**
 * Computes a report. Attempts are read in the order of the file, which spares an index by time that every attempt would have to be
 * written to; only what the arithmetic needs is held.
 */
export function readReport(reader: ListReader, request: ReportRequest, now: number): Result<Report> {
	const { db } = reader;
	const { name } = request;
	if (name === 'queue_length_over_time') return queueLengths(db, request);
	const parsed = parseQuery(request.query, now);
	if (!parsed.ok) return parsed;
	return db.snapshot(() => {
		const profile = profileKeyOf(db, request.profile);
		const scope = [parsed.value];
		const since = { kind: 'time', field: 'activity', op: '>=', at: request.options.since } as const;
		if (request.options.since > 0) scope.push(since);
		if (request.options.until <= now) {
			scope.push({ kind: 'time', field: 'activity', op: '<', at: request.options.until });
		}
		if (profile === null) return ok(startReport(name, request.options, scope).end());
		reader.tests.clear();
		const condition = compileQuery(parsed.value, { db, profile, grams: reader.grams }, reader.tests);
		const texts = condition.texts ? 'JOIN task_texts x ON x.seq = t.seq' : '';
		const from = `FROM attempts a CROSS JOIN tasks t ON t.seq = a.task ${texts}
			WHERE a.profile = ? AND a.state IN (${OVER}) AND a.finished_at >= ? AND a.finished_at < ?
			AND t.removed_at IS NULL AND (${condition.sql})`;
		const values = [profile, request.options.since, request.options.until, ...condition.values];
		const options = wholeSpan(request.options, () => {
			const first = db.read<{ at: number | null }>('oldest run', `SELECT min(a.finished_at) AS at ${from}`, true);
			return first.get(...values)?.at;
		});
		const { bucket } = options;
		const many = bucket !== 'auto' && bucketCount(bucket, options.since, options.until) > MOST_BUCKETS;
		if (many && !options.compatible) {
			return fail(
				'invalid-input',
				`bucket: ${bucket} makes more than ${MOST_BUCKETS} of that time. Take a wider one, or less time.`,
				{ details: { field: 'bucket' } },
			);
		}
		const sum = startReport(name, options, scope);
		const rows = db
			.read<Row>(
				'report',
				`SELECT a.name, a.state, a.exception_type, coalesce(a.queue, t.queue) AS queue, a.worker,
					coalesce(a.queued_at, a.published_at) AS queued_at, a.started_at, a.finished_at, a.runtime_ms ${from}`,
				true,
			)
			.iterate(...values);
		for (const row of rows) sum.add(runOf(row));
		return ok(sum.end());
	});
}

/** Without a beginning, a span begins with the oldest run: its buckets are chosen by that. */
function wholeSpan(options: ReportOptions, oldest: () => number | null | undefined): ReportOptions {
	if (options.since > 0 || options.compatible) return options;
	// Of nothing there is no time to divide.
	return { ...options, since: oldest() ?? options.until };
}

function runOf(row: Row): ReportRun {
	return {
		name: row.name,
		state: stateName(row.state) as ReportRun['state'],
		exceptionType: row.exception_type,
		queue: row.queue,
		worker: row.worker,
		queuedAt: row.queued_at,
		startedAt: row.started_at,
		finishedAt: row.finished_at,
		runtimeMs: row.runtime_ms,
	};
}
