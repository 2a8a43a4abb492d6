/**
 * Rows of a site as facts of Warren's history, so that its tasks can be searched when the site is away and when the row is gone. Pure.
 *
 * What Warren saw itself is worth more than a row: a message that this home ran, or whose end it knows, is left alone. Everything
 * is keyed by the row's uuid, so the same row may be told any number of times.
 */
import { messageOfRow, queueOfRow } from '#main/dialects/carrot/row-message.ts';
import { readJson } from '#main/dialects/json/read.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { BrokerMessage } from '#main/domain/message.ts';
import type { CarrotDialect } from '#main/domain/profile.ts';
import type { SiteRow } from '#main/domain/site.ts';
import type { AttemptOutcome, HistoryOp, LogLine, TaskException, TaskState } from '#main/domain/task.ts';
import { readRowLog } from './row-log.ts';

/** What history knows of a row's message already. */
export interface KnownAttempt {
	readonly state: TaskState;
	readonly worker: string | null;
}

/** The worker that attempts of the site's own consumers carry: `site`, or `site:` and the thread that the log names. */
export const SITE_WORKER = 'site';

/** Whether an attempt was told by a site's row rather than seen by Warren. */
export function isSiteWorker(worker: string | null): boolean {
	return worker === SITE_WORKER || worker?.startsWith(`${SITE_WORKER}:`) === true;
}

export interface RowContext {
	readonly profile: ProfileId;
	readonly dialect: CarrotDialect;
	/** Epoch ms. */
	readonly now: number;
	/** What history knows of this uuid; empty: nothing. */
	readonly known: readonly KnownAttempt[];
	/**
	 * Whether the row's status may be taken for more than "there is such a message". False for a row that changed this moment:
	 * the consumer that changed it may be of this home, and tells its own story better.
	 */
	readonly settled: boolean;
}

/** What a row adds to history; empty when it adds nothing. */
export function opsOfRow(row: SiteRow, context: RowContext): readonly HistoryOp[] {
	if (row.uuid === '') return [];
	const { profile, known, now } = context;
	const { message, task, fault } = messageOfRow(row, context.dialect);
	const seen: BrokerMessage = {
		...message,
		queue: queueOfRow(row) ?? row.queue ?? 'default',
		redelivered: false,
		deliveryCount: null,
	};
	const ops: HistoryOp[] = [];
	if (known.length === 0) {
		ops.push({ kind: 'waiting', profile, at: row.publishedAt ?? now, task, fault, message: seen, key: row.uuid });
	}
	if (row.status === 'PUBLISHED' || !context.settled) return ops;
	const own = known.find((attempt) => attempt.state !== 'queued' && !isSiteWorker(attempt.worker));
	const ended = known.some((attempt) => attempt.state !== 'queued' && attempt.state !== 'running');
	if (own !== undefined || ended) return ops;
	const run = `site:${row.uuid}`;
	const log = readRowLog(row);
	const endedAt = row.completedAt ?? row.failedAt;
	const running = known.some((attempt) => attempt.state === 'running');
	if (!running) {
		const at = log.startedAt ?? endedAt ?? now;
		const worker = log.worker === null ? SITE_WORKER : `${SITE_WORKER}:${log.worker}`;
		ops.push({ kind: 'started', profile, at, key: row.uuid, run, task, fault, message: seen, worker });
	}
	if (row.status === 'IN_PROGRESS') return ops;
	const at = endedAt ?? now;
	const lines = notedLog(log.lines, log.stale, at);
	if (lines.length > 0) ops.push({ kind: 'log', profile, run, lines, from: 0 });
	const runtimeMs = log.startedAt === null || endedAt === null ? null : Math.max(0, endedAt - log.startedAt);
	ops.push({ kind: 'finished', profile, at, run, runtimeMs, outcome: outcomeOfRow(row) });
	return ops;
}

function notedLog(lines: readonly LogLine[], stale: boolean, at: number): readonly LogLine[] {
	if (!stale) return lines;
	const text = "The site stored the log of the worker's previous task with this row; it is left out.";
	return [{ at, level: 'info', source: 'warren', logger: null, text }];
}

function outcomeOfRow(row: SiteRow): AttemptOutcome {
	if (row.status === 'FAILED') {
		return { state: 'failed', exception: exceptionOfRow(row), traceback: row.traceback };
	}
	if (row.output === null) return { state: 'succeeded', result: null };
	// carrot stores dicts as JSON and everything else as `str()` prints it, without saying which.
	const isObject = row.output.startsWith('{') && readJson(row.output).ok;
	return {
		state: 'succeeded',
		result: isObject ? { kind: 'json', text: row.output } : { kind: 'text', text: row.output, type: 'str()' },
	};
}

/** The row keeps the message only; the class stands in the last line of the traceback. */
export function exceptionOfRow(row: Pick<SiteRow, 'exception' | 'traceback'>): TaskException {
	const message = row.exception ?? '';
	const lines = (row.traceback ?? '').trimEnd().split('\n');
	for (const line of lines.toReversed()) {
		const found = /^([A-Za-z_][\w.]*)(?::|$)/.exec(line);
		if (found?.[1] !== undefined && found[1] !== 'Traceback') return { type: found[1], message };
	}
	return { type: 'Exception', message };
}
