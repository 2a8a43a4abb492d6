/**
 * Delete: a task leaves the lists, and its message leaves the queue if it still waits there. The rows and the raw message stay
 * in the store until retention takes them, so that a deletion can be taken back.
 */
import type { ActionItem } from '#main/domain/action.ts';
import type { TaskId } from '#main/domain/ids.ts';
import { type BrokerMessage, idOfMessage } from '#main/domain/message.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { TaskRow } from '#main/domain/task.ts';
import { actLease, holdWhile } from './act-lease.ts';
import { type ActionTarget, READY_DEADLINE_MS } from './deployment.ts';
import type { RunningAction } from './progress.ts';
import { skipReason } from './review.ts';

const BATCH = 500;
/** How deep a queue is searched for messages to remove, and for how long. */
const SCAN_LIMIT = 10_000;
const SCAN_MS = 30_000;

/** Deletes these tasks. One that waits in a queue we can't reach, or can't find there, fails and stays listed. */
export async function deleteTasks(
	target: ActionTarget,
	ids: readonly TaskId[],
	action: RunningAction,
): Promise<Result<void>> {
	const removed: TaskId[] = [];
	await using kept = new KeptRemovals(target, ids.length);
	for (let at = 0; at < ids.length && !action.signal.aborted; at += BATCH) {
		const batch = ids.slice(at, at + BATCH);
		const rows = new Map((await target.history.rows(target.profile.id, batch)).map((row) => [row.id, row]));
		const items: ActionItem[] = [];
		const free: TaskId[] = [];
		const waiting: TaskRow[] = [];
		for (const id of batch) {
			const row = rows.get(id);
			const reason = row === undefined ? 'is not in history' : skipReason('delete', row);
			if (row === undefined || reason !== null) items.push({ id, outcome: 'skipped', reason, messageId: null });
			else if (row.state === 'queued') waiting.push(row);
			else free.push(id);
		}
		const taken = await removeWaiting(target, waiting, kept);
		items.push(...taken.items);
		const gone = [...free, ...taken.removed];
		if (gone.length > 0) {
			await target.history.apply([{ kind: 'removed', profile: target.profile.id, at: target.now(), ids: gone }]);
			for (const id of free) items.push({ id, outcome: 'done', reason: null, messageId: null });
			removed.push(...gone);
		}
		action.record(items);
	}
	await kept.close(removed);
	return ok(undefined);
}

async function removeWaiting(
	target: ActionTarget,
	rows: readonly TaskRow[],
	kept: KeptRemovals,
): Promise<{ readonly removed: readonly TaskId[]; readonly items: readonly ActionItem[] }> {
	const removed: TaskId[] = [];
	const items: ActionItem[] = [];
	if (rows.length === 0) return { removed, items };
	const failAll = (some: readonly { id: TaskId }[], reason: string) => {
		for (const row of some) items.push({ id: row.id, outcome: 'failed', reason, messageId: null });
	};
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) {
		failAll(rows, `waits in a queue that cannot be reached: ${ready.error.message}`);
		return { removed, items };
	}
	for (const [queue, inQueue] of Map.groupBy(rows, (row) => row.queue ?? '')) {
		const messageOf = new Map<string, TaskId>();
		for (const row of inQueue) {
			const detail = await target.history.detail(target.profile.id, row.id);
			messageOf.set(detail?.history.at(-1)?.messageId ?? row.id, row.id);
		}
		const options = { scanLimit: SCAN_LIMIT, deadlineMs: SCAN_MS };
		const done = await target.driver.remove(queue, new Set(messageOf.keys()), options);
		if (!done.ok) {
			failAll(inQueue, done.error.message);
			continue;
		}
		await kept.keep(done.value);
		const found = new Set(done.value.map((message) => idOfMessage(message.properties) ?? ''));
		for (const [messageId, id] of messageOf) {
			if (found.has(messageId)) {
				removed.push(id);
				items.push({ id, outcome: 'done', reason: null, messageId: null });
				continue;
			}
			const reason = `was not found among the first ${SCAN_LIMIT} messages of ${queue}: a worker may have taken it`;
			items.push({ id, outcome: 'failed', reason, messageId: null });
		}
	}
	return { removed, items };
}

/** Messages that a deletion took out of their queues, kept for an undo as they come. */
class KeptRemovals implements AsyncDisposable {
	readonly #target: ActionTarget;
	readonly #wanted: number;
	#entry: number | null = null;
	#seq = 0;
	#lease: AsyncDisposable | null = null;

	constructor(target: ActionTarget, wanted: number) {
		this.#target = target;
		this.#wanted = wanted;
	}

	async keep(messages: readonly BrokerMessage[]): Promise<void> {
		if (messages.length === 0) return;
		const entry = await this.#begin();
		await this.#target.journal.keep(
			entry,
			messages.map(({ exchange, routingKey, properties, body, queue }) => ({
				seq: this.#seq++,
				state: 'removed',
				queue,
				print: '',
				messageId: idOfMessage(properties),
				other: null,
				message: { exchange, routingKey, properties, body },
				entry: null,
			})),
		);
	}

	/** Says which tasks were deleted; without any there is no entry. */
	async close(ids: readonly TaskId[]): Promise<void> {
		if (ids.length === 0 && this.#entry === null) return;
		await this.#target.journal.close(await this.#begin(), {
			state: 'done',
			title: titleOf(ids.length),
			before: JSON.stringify({ ids }),
		});
	}

	async #begin(): Promise<number> {
		const { journal, profile, now } = this.#target;
		if (this.#entry !== null) return this.#entry;
		const title = titleOf(this.#wanted);
		this.#entry = await journal.begin(
			{ at: now(), profile: profile.id, action: 'task.delete', title, before: '{}' },
			null,
		);
		this.#lease = await holdWhile(this.#target.leases, actLease(this.#entry));
		return this.#entry;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#lease?.[Symbol.asyncDispose]();
	}
}

function titleOf(count: number): string {
	return count === 1 ? 'Deleted 1 task' : `Deleted ${count} tasks`;
}
