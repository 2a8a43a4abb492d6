/**
 * Changes of a carrot site's own rows, one by one, each with an outcome. The site's bulk endpoints are not used: they stop at the first
 * row that fails, half way, and one of them ignores its filter.
 *
 * Before a row is touched it is kept: in history, which outlives it, and in the journal, word for word.
 */
import { forecastRequeue } from '#main/dialects/carrot/row-forecast.ts';
import { queueOfRow, requeueOp } from '#main/dialects/carrot/row-message.ts';
import type { ActionItem } from '#main/domain/action.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { SiteLink, SiteRow } from '#main/domain/site.ts';
import { READY_DEADLINE_MS } from './deployment.ts';
import type { RunningAction } from './progress.ts';
import type { SiteTarget } from './site-doors.ts';
import { sendAgain } from './site-ways.ts';

export interface SiteChangeOptions {
	/** Also rows that are in progress: they may run twice, or end into a row that is gone. */
	readonly running: boolean;
	/** Also rows that still wait: their messages stay in the queue. */
	readonly waiting: boolean;
	/** Take the old messages of waiting rows out of their queue as well. */
	readonly messages: boolean;
}

const JOURNAL_ROWS = 50;
const SCAN = { scanLimit: 10_000, deadlineMs: 30_000 };

/** Why a row is left out of a change; null: it is not. */
export function siteSkipReason(kind: 'requeue' | 'delete', row: SiteRow, options: SiteChangeOptions): string | null {
	if (row.status === 'IN_PROGRESS' && !options.running) {
		return kind === 'requeue'
			? 'is in progress and would run twice (allow it with --running)'
			: 'is in progress, and its worker puts the row back when it ends (allow it with --running)';
	}
	if (row.status === 'PUBLISHED' && !options.waiting) {
		return 'still waits: its message would stay in the queue without a row and stall a worker (allow it with --waiting)';
	}
	return null;
}

/** Requeues rows, in their order. Ends early when `action` is cancelled. */
export async function requeueSiteRows(
	target: SiteTarget,
	ids: readonly number[],
	options: SiteChangeOptions,
	action: RunningAction,
): Promise<readonly SiteLink[]> {
	const links: SiteLink[] = [];
	await eachRow(target, ids, 'requeue', options, action, async (row) => {
		const sent = await sendAgain(target, row, forecastRequeue(row));
		if (!sent.ok) return { item: failed(row, sent.error.message), link: null };
		const { link, note } = sent.value;
		links.push(link);
		if (link.newUuid !== null && link.way !== 'database') await linkHistory(target, row, link.newUuid, sent.value.at);
		const more = await tidyMessage(target, row, options);
		const reason = [note, more].filter((one) => one !== null).join(' ');
		return { item: done(row, link.newUuid, reason === '' ? null : reason), link };
	});
	return links;
}

/** Deletes rows, in their order. Rows that ended stay in history; one that waited leaves its lists, since it will not run. */
export async function deleteSiteRows(
	target: SiteTarget,
	ids: readonly number[],
	options: SiteChangeOptions,
	action: RunningAction,
): Promise<void> {
	await eachRow(target, ids, 'delete', options, action, async (row) => {
		const removed = await target.door.remove(row.id);
		if (!removed.ok && removed.error.code !== 'not-found') {
			return { item: failed(row, removed.error.message), link: null };
		}
		if (row.status === 'PUBLISHED') {
			const { history, profile, now } = target.broker;
			const task = await history.taskOfMessage(profile.id, row.uuid);
			if (task !== null) await history.apply([{ kind: 'removed', profile: profile.id, at: now(), ids: [task] }]);
		}
		return { item: done(row, null, await tidyMessage(target, row, options)), link: null };
	});
}

interface Changed {
	readonly item: ActionItem;
	readonly link: SiteLink | null;
}

async function eachRow(
	target: SiteTarget,
	ids: readonly number[],
	kind: 'requeue' | 'delete',
	options: SiteChangeOptions,
	action: RunningAction,
	change: (row: SiteRow) => Promise<Changed>,
): Promise<void> {
	let kept: { readonly row: SiteRow; readonly link: SiteLink | null }[] = [];
	const journal = async () => {
		if (kept.length === 0) return;
		const some = kept;
		kept = [];
		const verb = kind === 'requeue' ? 'Requeued' : 'Deleted';
		await target.broker.records.journal({
			at: target.broker.now(),
			profile: target.broker.profile.id,
			action: `site.${kind}`,
			title: `${verb} ${some.length === 1 ? '1 row' : `${some.length} rows`} of the site`,
			before: JSON.stringify({ rows: some.map((one) => one.row), links: some.flatMap((one) => one.link ?? []) }),
		});
	};
	for (const id of ids) {
		if (action.signal.aborted) break;
		const row = await target.door.row(id);
		if (!row.ok) {
			const gone = row.error.code === 'not-found';
			const reason = gone ? 'is no longer on the site' : row.error.message;
			action.record([{ id: String(id), outcome: gone ? 'skipped' : 'failed', reason, messageId: null }]);
			continue;
		}
		const reason = siteSkipReason(kind, row.value, options);
		if (reason !== null) {
			action.record([{ id: String(id), outcome: 'skipped', reason, messageId: null }]);
			continue;
		}
		await target.keep([row.value]);
		const { item, link } = await change(row.value);
		if (item.outcome === 'done') kept.push({ row: row.value, link });
		action.record([item]);
		if (kept.length >= JOURNAL_ROWS) await journal();
	}
	await journal();
}

function done(row: SiteRow, messageId: string | null, reason: string | null): ActionItem {
	return { id: String(row.id), outcome: 'done', reason, messageId };
}

function failed(row: SiteRow, reason: string): ActionItem {
	return { id: String(row.id), outcome: 'failed', reason, messageId: null };
}

/** Ties the new message to the old task: history has one task with two attempts. */
async function linkHistory(target: SiteTarget, row: SiteRow, messageId: string, at: number): Promise<void> {
	const { history, profile } = target.broker;
	const task = await history.taskOfMessage(profile.id, row.uuid);
	const op = requeueOp(row, { messageId, at }, task, { profile: profile.id, dialect: profile.dialect });
	if (op !== null) await history.apply([op]);
}

/** Takes the message of a row that waited out of its queue, where that was asked for. What could not be done, in words. */
async function tidyMessage(target: SiteTarget, row: SiteRow, options: SiteChangeOptions): Promise<string | null> {
	if (row.status !== 'PUBLISHED') return null;
	const left = 'Its old message stays in the queue without a row and stalls a worker for 5 seconds or more.';
	if (!options.messages) return left;
	const removed = await removeMessage(target, row);
	return removed.ok
		? removed.value
			? null
			: `${left} It was not found there: a worker may have it.`
		: `${left} ${removed.error.message}`;
}

async function removeMessage(target: SiteTarget, row: SiteRow): Promise<Result<boolean>> {
	const queue = queueOfRow(row);
	if (queue === null) return fail('unsupported', "Which queue has it, the site's own exchange decides.");
	const ready = await target.broker.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	const removed = await target.broker.driver.remove(queue, new Set([row.uuid]), SCAN);
	return removed.ok ? ok(removed.value.length > 0) : removed;
}
