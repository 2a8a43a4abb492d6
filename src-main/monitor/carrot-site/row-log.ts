/**
 * A row's log as lines. carrot stamps its own first and last line in UTC and the lines between them in the project's zone; and it
 * stores the previous task's log with a task that failed before it began.
 */
import { type ParsedLogLine, parseLog } from '#main/dialects/carrot/log-lines.ts';
import type { SiteRow, SiteRowLog } from '#main/domain/site.ts';
import type { LogLine } from '#main/domain/task.ts';

const START = /^Starting task (\S+)/;
const END = /^Task (\S+) completed successfully/;
/** Clocks of the publishing and the consuming machine may differ by so much, in ms. */
const SKEW_MS = 120_000;

/** Reads the log of a row. Never fails: text in another layout becomes one line. */
export function readRowLog(row: SiteRow): SiteRowLog {
	const nothing: SiteRowLog = { lines: [], worker: null, startedAt: null, stale: false };
	if (row.log === null || row.log === '') return nothing;
	const { lead, records } = parseLog(row.log);
	const first = records[0];
	const at = row.completedAt ?? row.failedAt ?? row.publishedAt ?? 0;
	if (first === undefined) return { ...nothing, lines: [plain(row.log, at)] };
	const begin = records.find((record) => START.test(record.text));
	if (isLeftover(row, begin)) return { ...nothing, stale: true };
	const offset = (row.utcOffset ?? 0) * 60_000;
	const lines = records.map(
		(record): LogLine => ({
			at: isOwn(record) ? record.clock : record.clock - offset,
			level: record.level,
			source: 'log',
			logger: 'carrot',
			text: record.text,
		}),
	);
	return {
		lines: lead === '' ? lines : [plain(lead, lines[0]?.at ?? at), ...lines],
		worker: first.thread.trim() === '' ? null : first.thread.trim(),
		startedAt: begin?.clock ?? null,
		stale: false,
	};
}

/** Only a task that failed before it began can carry another's log: its start line names another task, or lies before its message. */
function isLeftover(row: SiteRow, begin: ParsedLogLine | undefined): boolean {
	if (row.status !== 'FAILED' || begin === undefined) return false;
	const named = START.exec(begin.text)?.[1];
	if (named !== undefined && named !== row.task && !row.task.endsWith(`.${named}`)) return true;
	return row.publishedAt !== null && row.utcOffset !== null && begin.clock < row.publishedAt - SKEW_MS;
}

/** Written by carrot itself, and therefore in UTC. */
function isOwn(record: ParsedLogLine): boolean {
	return START.test(record.text) || END.test(record.text);
}

function plain(text: string, at: number): LogLine {
	return { at, level: 'info', source: 'log', logger: 'carrot', text };
}

/**
 * The offset at which a site writes times without a zone, in minutes east of UTC: the difference between its completion time
 * (`endClock`, taken as UTC) and the last line of the log, which is in UTC. Null where the log does not tell.
 */
export function offsetFromLog(log: string | null, endClock: number | null): number | null {
	if (log === null || endClock === null) return null;
	const end = parseLog(log).records.findLast((record) => END.test(record.text));
	if (end === undefined) return null;
	const minutes = Math.round((endClock - end.clock) / 60_000 / 15) * 15;
	return Math.abs(minutes) <= 14 * 60 && Math.abs(endClock - end.clock - minutes * 60_000) < 5 * 60_000
		? minutes
		: null;
}
