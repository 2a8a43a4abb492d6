/** The joint between a report and the parts that do its sums. */
import type { Query } from './query.ts';
import type { ReportBasis, ReportData, ReportItem, ReportOptions, ReportRun } from './report.ts';

/** What is made of the runs that count, whose app and runtime (ms) are known by then. */
export interface Part {
	add(run: ReportRun, app: string, runtimeMs: number | null): void;
	end(basis: ReportBasis): ReportData | null;
}

/** Options with their bucket decided, and what makes links. */
export interface Settled extends ReportOptions {
	readonly bucket: Exclude<ReportOptions['bucket'], 'auto'>;
	/** The query for those tasks of the report that also match this one. */
	readonly link: (more: Query) => string;
}

/** Beyond so many shares or lines the rest is one. */
export const MOST_SHARES = 14;
/** What that one is called. */
export const OTHERS = 'Others';

/** An item with the link for its key. */
export function labelled(options: Settled, label: string, value: number, query: Query | null): ReportItem {
	return { label, value, query: query === null ? null : options.link(query) };
}
