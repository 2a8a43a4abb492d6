/**
 * Delete: a task leaves the lists, and its message leaves the queue if it still waits there. Each message is kept in the journal, on
 * the disk, before it is removed; then the journal says what became of it. The rows and the raw message stay in the store until
 * retention takes them. So a deletion can be taken back, also one that Warren was killed in the middle of.
 */
import type { Settled, WaitingMessage } from '#main/brokers/waiting.ts';
import type { ActionItem } from '#main/domain/action.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { KeptState } from '#main/domain/journal.ts';
import { idOfMessage } from '#main/domain/message.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { TaskRow } from '#main/domain/task.ts';
import { whyNot } from '#main/domain/task-acts.ts';
import { actLease, holdWhile } from './act-lease.ts';
import { type ActionTarget, READY_DEADLINE_MS } from './deployment.ts';
import type { RunningAction } from './progress.ts';

const BATCH = 500;
/** How deep a queue is searched for messages to remove, for how long, and how many are in hand at once. */
const SCAN_LIMIT = 10_000;
const SCAN_MS = 30_000;
const IN_HAND = 250;

/** Deletes these tasks. One that waits in a queue we can't reach, or can't find there, fails and stays listed. */
export async function deleteTasks(
	target: ActionTarget,
	ids: readonly TaskId[],
	action: RunningAction,
): Promise<Result<void>> {
	const wanted = await listed(target, ids);
	await using kept = wanted.length === 0 ? null : await KeptRemovals.begin(target, wanted);
	const removed: TaskId[] = [];
	for (let at = 0; at < ids.length && !action.signal.aborted; at += BATCH) {
		const batch = ids.slice(at, at + BATCH);
		const rows = new Map((await target.history.rows(target.profile.id, batch)).map((row) => [row.id, row]));
		const items: ActionItem[] = [];
		const free: TaskId[] = [];
		const waiting: TaskRow[] = [];
		for (const id of batch) {
			const row = rows.get(id);
			const reason = row === undefined ? 'is not in history' : whyNot('delete', row.state);
			if (row === undefined || reason !== null) items.push({ id, outcome: 'skipped', reason, messageId: null });
			else if (row.state === 'queued') waiting.push(row);
			else free.push(id);
		}
		const taken = kept === null ? NOTHING : await removeWaiting(target, waiting, kept);
		items.push(...taken.items);
		const gone = [...free, ...taken.removed];
		if (gone.length > 0) {
			await target.history.apply([{ kind: 'removed', profile: target.profile.id, at: target.now(), ids: gone }]);
			for (const id of free) items.push({ id, outcome: 'done', reason: null, messageId: null });
			removed.push(...gone);
		}
		action.record(items);
	}
	await kept?.close(removed);
	return ok(undefined);
}

interface Removals {
	readonly removed: readonly TaskId[];
	readonly items: readonly ActionItem[];
}

const NOTHING: Removals = { removed: [], items: [] };

/** Those that are in the lists now: what is not must not be listed by an undo either. */
async function listed(target: ActionTarget, ids: readonly TaskId[]): Promise<readonly TaskId[]> {
	const found: TaskId[] = [];
	for (let at = 0; at < ids.length; at += BATCH) {
		const rows = await target.history.rows(target.profile.id, ids.slice(at, at + BATCH));
		found.push(...rows.map(({ id }) => id));
	}
	return found;
}

async function removeWaiting(target: ActionTarget, rows: readonly TaskRow[], kept: KeptRemovals): Promise<Removals> {
	if (rows.length === 0) return NOTHING;
	const removed: TaskId[] = [];
	const items: ActionItem[] = [];
	const failAll = (ids: Iterable<TaskId>, reason: string) => {
		for (const id of ids) items.push({ id, outcome: 'failed', reason, messageId: null });
	};
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) {
		const reason = `waits in a queue that cannot be reached: ${ready.error.message}`;
		failAll(
			rows.map(({ id }) => id),
			reason,
		);
		return { removed, items };
	}
	for (const [queue, inQueue] of Map.groupBy(rows, (row) => row.queue ?? '')) {
		const left = new Map<string, TaskId>();
		for (const row of inQueue) {
			const detail = await target.history.detail(target.profile.id, row.id);
			left.set(detail?.history.at(-1)?.messageId ?? row.id, row.id);
		}
		const all = new AbortController();
		/** Of the batch in hand: whose message each is; null: of none that is meant. */
		let owners: readonly (TaskId | null)[] = [];
		const end = await target.driver.sift(queue, {
			scanLimit: SCAN_LIMIT,
			deadlineMs: SCAN_MS,
			batch: IN_HAND,
			takesAll: false,
			signal: all.signal,
			decide: async (messages) => {
				owners = messages.map(({ properties }) => takeOwner(left, idOfMessage(properties)));
				await kept.keep(messages.filter((_, at) => owners[at] !== null));
				return owners.map((owner) => (owner === null ? { kind: 'leave' } : { kind: 'remove' }));
			},
			settled: async (outcomes) => {
				const own = owners.flatMap((id, at) => {
					const outcome = outcomes[at];
					return id === null || outcome === undefined ? [] : [{ id, outcome }];
				});
				await kept.settle(own.map(({ outcome }) => outcome));
				for (const { id, outcome } of own) {
					if (outcome.kind === 'removed') removed.push(id);
					items.push(itemOf(id, outcome, queue));
				}
				if (left.size === 0) all.abort();
			},
		});
		const missing = `was not found among the first ${SCAN_LIMIT} messages of ${queue}: a worker may have taken it`;
		failAll(left.values(), end.ok ? missing : end.error.message);
	}
	return { removed, items };
}

/** Two messages may share an id (a redelivered publish): the first one is meant. */
function takeOwner(left: Map<string, TaskId>, messageId: string | null): TaskId | null {
	const owner = messageId === null ? undefined : left.get(messageId);
	if (messageId === null || owner === undefined) return null;
	left.delete(messageId);
	return owner;
}

function itemOf(id: TaskId, outcome: Settled, queue: string): ActionItem {
	const failed = (reason: string): ActionItem => ({ id, outcome: 'failed', reason, messageId: null });
	switch (outcome.kind) {
		case 'removed':
		case 'replaced':
			return { id, outcome: 'done', reason: null, messageId: null };
		case 'failed':
			return failed(outcome.failure.message);
		case 'unknown':
			return failed(
				`it is not known whether its message left ${queue}: ${outcome.failure.message} It is kept under "undo list".`,
			);
		case 'gone':
		case 'left':
			return failed(`does not wait in ${queue} any more: a worker took it`);
	}
}

/** Messages that a deletion takes out of their queues, kept for an undo before they go. */
class KeptRemovals implements AsyncDisposable {
	readonly #target: ActionTarget;
	readonly #entry: number;
	readonly #lease: AsyncDisposable | null;
	#seq = 0;
	/** Where the batch in hand begins. */
	#from = 0;
	#uncertain = 0;

	private constructor(target: ActionTarget, entry: number, lease: AsyncDisposable | null) {
		this.#target = target;
		this.#entry = entry;
		this.#lease = lease;
	}

	static async begin(target: ActionTarget, ids: readonly TaskId[]): Promise<KeptRemovals> {
		const { journal, profile, leases, now } = target;
		const title = titleOf(ids.length);
		const before = JSON.stringify({ ids });
		const entry = await journal.begin({ at: now(), profile: profile.id, action: 'task.delete', title, before }, null);
		return new KeptRemovals(target, entry, await holdWhile(leases, actLease(entry)));
	}

	/** Keeps these before they are touched. */
	async keep(messages: readonly WaitingMessage[]): Promise<void> {
		this.#from = this.#seq;
		if (messages.length === 0) return;
		await this.#target.journal.keep(
			this.#entry,
			messages.map(({ exchange, routingKey, properties, body, queue, print, entry }) => ({
				seq: this.#seq++,
				state: 'kept',
				queue,
				print,
				messageId: idOfMessage(properties),
				other: null,
				message: { exchange, routingKey, properties, body },
				entry,
			})),
		);
	}

	/** Says what became of those kept last, in their order. */
	async settle(outcomes: readonly Settled[]): Promise<void> {
		if (outcomes.length === 0) return;
		this.#uncertain += outcomes.filter(({ kind }) => kind === 'unknown').length;
		await this.#target.journal.settle(
			this.#entry,
			outcomes.map(({ kind }, at) => ({ seq: this.#from + at, state: stateOf(kind) })),
		);
	}

	/** Says which tasks were deleted; where nothing was done, nothing is left of it. */
	async close(ids: readonly TaskId[]): Promise<void> {
		await this.#target.journal.close(this.#entry, {
			state: 'done',
			title: ids.length + this.#uncertain === 0 ? null : titleOf(ids.length),
			before: JSON.stringify({ ids }),
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#lease?.[Symbol.asyncDispose]();
	}
}

function stateOf(kind: Settled['kind']): KeptState | null {
	return kind === 'removed' || kind === 'unknown' ? kind : null;
}

function titleOf(count: number): string {
	return count === 1 ? 'Deleted 1 task' : `Deleted ${count} tasks`;
}
