/** How reports are asked for: time, bucket, filters and way of counting, as the address keeps them. Pure. */
import type { Query } from '#main/domain/query.ts';
import { formatQuery } from '#main/domain/query-format.ts';
import { BUCKETS, type BucketSize, REPORT_NAMES, type ReportName } from '#main/domain/report.ts';

export interface ReportAsked {
	/** As the engine takes them: `24h`, `2026-11-20T08:30`, `all`; `now`. */
	readonly since: string;
	readonly until: string;
	readonly bucket: BucketSize;
	/** Only runs of tasks of this queue, or that this worker ran; empty: of all. */
	readonly queue: string;
	readonly worker: string;
	readonly top: number;
	readonly compatible: boolean;
}

export const USUAL: ReportAsked = {
	since: '24h',
	until: 'now',
	bucket: 'auto',
	queue: '',
	worker: '',
	top: 20,
	compatible: false,
};

/** Reads the address's `asked`; what it doesn't understand is as usual. */
export function parseAsked(text: string | null): ReportAsked {
	const fields = new URLSearchParams(text ?? '');
	const top = Number(fields.get('top') ?? USUAL.top);
	return {
		since: fields.get('since') ?? USUAL.since,
		until: fields.get('until') ?? USUAL.until,
		bucket: BUCKETS.find((known) => known === fields.get('bucket')) ?? USUAL.bucket,
		queue: fields.get('queue') ?? USUAL.queue,
		worker: fields.get('worker') ?? USUAL.worker,
		top: Number.isInteger(top) && top >= 1 && top <= 1_000 ? top : USUAL.top,
		compatible: fields.get('compatible') === '1',
	};
}

/** The other way round; null where all is as usual. */
export function formatAsked(asked: ReportAsked): string | null {
	const fields = new URLSearchParams();
	for (const key of ['since', 'until', 'bucket', 'queue', 'worker', 'top'] as const) {
		if (asked[key] !== USUAL[key]) fields.set(key, String(asked[key]));
	}
	if (asked.compatible) fields.set('compatible', '1');
	const text = fields.toString();
	return text === '' ? null : text;
}

/** The whole filter: queue, worker, task and what was typed. */
export function askedQuery(asked: Pick<ReportAsked, 'queue' | 'worker'>, typed: string, task: string | null): string {
	const only = (field: 'queue' | 'worker' | 'name', text: string): string => {
		const query: Query = { kind: 'field', field, any: [{ kind: 'equals', text }] };
		return formatQuery(query);
	};
	const parts = [
		...(task === null ? [] : [only('name', task)]),
		...(asked.queue === '' ? [] : [only('queue', asked.queue)]),
		...(asked.worker === '' ? [] : [only('worker', asked.worker)]),
	];
	const rest = typed.trim();
	if (rest !== '') parts.push(parts.length === 0 ? rest : `(${rest})`);
	return parts.join(' ');
}

/** The report that a place names; the first one otherwise. */
export function reportOf(part: string | null): ReportName {
	return REPORT_NAMES.find((name) => name === part) ?? REPORT_NAMES[0];
}
