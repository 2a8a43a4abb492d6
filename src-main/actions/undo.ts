/**
 * Takes a change back, by what the journal kept of the world before it. Each message is marked before it is put back and once it is, so
 * that a second undo, in this process or another, finds nothing left to do; what a crash left in between is not repeated unless that
 * is asked for.
 */
import type { Fate, Settled } from '#main/brokers/waiting.ts';
import type { ActionItem } from '#main/domain/action.ts';
import { type TaskId, taskId } from '#main/domain/ids.ts';
import type { JournalRow, JournalState, KeptMessageItem, KeptState } from '#main/domain/journal.ts';
import { idOfMessage } from '#main/domain/message.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { actLease, holdWhile } from './act-lease.ts';
import { type ActionTarget, READY_DEADLINE_MS } from './deployment.ts';
import type { RunningAction } from './progress.ts';
import { type Before, beforeOf, undoOutlook } from './undo-outlook.ts';
import { contentOf } from './waiting-change.ts';
import { BATCH, MOST_MESSAGES, scanLimitOf, WALK_MS } from './waiting-selection.ts';

export interface UndoOptions {
	/** Also put back what may be back already, or may have been run since. */
	readonly uncertain: boolean;
}

/** Takes a change back; answers the state it then has. */
export async function undo(
	target: ActionTarget,
	row: JournalRow,
	options: UndoOptions,
	action: RunningAction,
): Promise<Result<JournalState>> {
	const outlook = undoOutlook(row);
	if (!outlook.able) return fail('conflict', `Change ${row.id} cannot be taken back: it ${outlook.words}.`);
	await using lease = await holdWhile(target.leases, `undo ${row.id}`);
	if (lease === null)
		return fail('busy', `Change ${row.id} is being taken back already, by another window or process.`);
	// Somebody may have taken it back between the look and the lease.
	const fresh = await target.journal.get(target.profile.id, row.id);
	if (fresh === null || !undoOutlook(fresh).able) return fail('conflict', `Change ${row.id} was taken back already.`);
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	const entry = await target.journal.begin(
		{
			at: target.now(),
			profile: target.profile.id,
			action: 'undo.apply',
			title: `Took back: ${fresh.title}`,
			before: JSON.stringify({ of: row.id }),
		},
		row.id,
	);
	await using _under = await holdWhile(target.leases, actLease(entry));
	const work = new Undoing(target, fresh, options, action);
	const done = await work.run();
	const after = await target.journal.get(target.profile.id, row.id);
	const kept = after?.kept ?? {};
	const open =
		(kept.removed ?? 0) + (kept.replaced ?? 0) + (kept.kept ?? 0) + (kept.unknown ?? 0) + (kept.restoring ?? 0);
	const state: JournalState = done.ok && open === 0 && !work.short ? 'undone' : 'partly';
	await target.journal.close(row.id, { state, title: fresh.title, before: null });
	await target.journal.close(entry, {
		state: 'done',
		title: work.count === 0 ? null : `Took back: ${fresh.title}`,
		before: null,
	});
	return done.ok ? ok(state) : done;
}

class Undoing {
	/** How many things were taken back. */
	count = 0;
	/** Something could not be, for good. */
	short = false;
	readonly #target: ActionTarget;
	readonly #row: JournalRow;
	readonly #options: UndoOptions;
	readonly #action: RunningAction;

	constructor(target: ActionTarget, row: JournalRow, options: UndoOptions, action: RunningAction) {
		this.#target = target;
		this.#row = row;
		this.#options = options;
		this.#action = action;
	}

	async run(): Promise<Result<void>> {
		const before = beforeOf(this.#row);
		if (before.sent !== undefined) return this.#takeOut(before.sent);
		const doubts = await this.#resolveDoubts();
		if (!doubts.ok) return doubts;
		const back = await this.#putBack();
		if (!back.ok) return back;
		const swapped = await this.#swapBack();
		if (!swapped.ok) return swapped;
		const ids = before.ids ?? before.tasks ?? [];
		if (ids.length > 0 && !this.#action.signal.aborted) {
			const profile = this.#target.profile.id;
			const op: HistoryOp = {
				kind: 'restored',
				profile,
				at: this.#target.now(),
				ids: ids.map(taskId) as readonly TaskId[],
			};
			await this.#target.history.apply([op]);
			if (before.ids !== undefined) this.#record(ids.map((id) => done(id)));
		}
		return ok(undefined);
	}

	/**
	 * Messages of which the journal does not know whether the change reached them. Those that lie in their queue untouched were not
	 * changed, and are done with; a copy of one that is still there as well is what a crash between publishing and removing left.
	 */
	async #resolveDoubts(): Promise<Result<void>> {
		for (;;) {
			const items = await this.#items(['kept', 'unknown']);
			if (items.length === 0) return ok(undefined);
			const there = new Set<number>();
			for (const [queue, some] of Map.groupBy(items, (item) => item.queue)) {
				const found = await this.#find(
					queue,
					some,
					(item) => item.print,
					() => ({ kind: 'leave' }),
				);
				if (!found.ok) return found;
				for (const seq of found.value.keys()) there.add(seq);
			}
			const copies = items.filter((item) => item.other !== null && there.has(item.seq) && !isItself(item));
			for (const [queue, some] of Map.groupBy(copies, (item) => item.other?.queue ?? '')) {
				const found = await this.#find(
					queue,
					some,
					(item) => item.other?.content ?? '',
					() => ({ kind: 'remove' }),
				);
				if (!found.ok) return found;
				for (const item of some) {
					const removed = found.value.get(item.seq)?.kind === 'removed';
					const name = item.messageId ?? item.print;
					this.#record([
						removed ? done(name) : skipped(name, 'still waits where it was; no copy of it waits elsewhere'),
					]);
				}
			}
			const states = items.map((item): { seq: number; state: KeptState } => {
				// Those that left their queue did so by this change, or by a worker since.
				if (!there.has(item.seq)) return { seq: item.seq, state: item.other === null ? 'restoring' : 'replaced' };
				if (item.other === null || isItself(item))
					this.#record([skipped(item.messageId ?? item.print, 'still waits where it was')]);
				return { seq: item.seq, state: 'passed' };
			});
			await this.#target.journal.settle(this.#row.id, states);
		}
	}

	/** Removed ones, back into their queues. */
	async #putBack(): Promise<Result<void>> {
		const { driver, journal } = this.#target;
		const wanted: readonly KeptState[] = this.#options.uncertain ? ['removed', 'restoring'] : ['removed'];
		const unsure = await this.#items(['restoring'], MOST_MESSAGES);
		if (!this.#options.uncertain && unsure.length > 0) {
			this.short = true;
			this.#record(
				unsure.map((item) =>
					failed(
						item.messageId ?? item.print,
						'may be back already, or may have been run since; look into its queue, then put it back with --uncertain if it is missing',
					),
				),
			);
		}
		let afterSeq = -1;
		while (!this.#action.signal.aborted) {
			const items = await journal.messages(this.#row.id, { states: wanted, afterSeq, limit: BATCH });
			const last = items.at(-1);
			if (last === undefined) break;
			afterSeq = last.seq;
			await journal.settle(
				this.#row.id,
				items.map(({ seq }) => ({ seq, state: 'restoring' })),
			);
			// One after another, so that they come to lie in the order they had.
			const states: { seq: number; state: KeptState | null }[] = [];
			const record: ActionItem[] = [];
			for (const item of items) {
				const name = item.messageId ?? item.print;
				const put = await driver.putBack(item.queue, { ...item.message, entry: item.entry });
				if (put.ok) {
					states.push({ seq: item.seq, state: 'restored' });
					record.push(done(name));
					continue;
				}
				if (put.error.details?.outcome !== 'unknown') states.push({ seq: item.seq, state: 'removed' });
				record.push(failed(name, put.error.message));
			}
			await journal.settle(this.#row.id, states);
			this.#record(record);
			if (record.every((item) => item.outcome === 'failed'))
				return fail('unreachable', record[0]?.reason ?? 'Nothing could be put back.');
		}
		return ok(undefined);
	}

	/** Replaced ones: what took their place goes, and they come back, in one act. */
	async #swapBack(): Promise<Result<void>> {
		for (;;) {
			const items = await this.#items(['replaced']);
			if (items.length === 0 || this.#action.signal.aborted) return ok(undefined);
			for (const [queue, some] of Map.groupBy(items, (item) => item.other?.queue ?? '')) {
				const found = await this.#find(
					queue,
					some,
					(item) => item.other?.content ?? '',
					(item) => ({ kind: 'swap', queue: item.queue, message: { ...item.message, entry: item.entry } }),
				);
				if (!found.ok) return found;
				const states: { seq: number; state: KeptState }[] = [];
				const record: ActionItem[] = [];
				for (const item of some) {
					const name = item.messageId ?? item.print;
					const outcome = found.value.get(item.seq);
					switch (outcome?.kind) {
						case 'replaced':
							states.push({ seq: item.seq, state: 'restored' });
							record.push(done(name));
							break;
						case 'unknown':
							states.push({ seq: item.seq, state: 'restoring' });
							record.push(failed(name, outcome.failure.message));
							break;
						case 'failed':
							return fail(outcome.failure.code, outcome.failure.message);
						default:
							this.short = true;
							states.push({ seq: item.seq, state: 'passed' });
							record.push(skipped(name, `does not wait in ${queue} any more: a worker took it`));
					}
				}
				await this.#target.journal.settle(this.#row.id, states);
				this.#record(record);
			}
		}
	}

	/** Messages that were sent: those that still wait are taken out again. */
	async #takeOut(sent: NonNullable<Before['sent']>): Promise<Result<void>> {
		const { driver, history, profile } = this.#target;
		const queues = new Map<string, Set<string>>();
		const placeless: string[] = [];
		for (const { messageId, queue } of sent) {
			const task = queue === undefined ? await history.taskOfMessage(profile.id, messageId) : null;
			const [row] = task === null ? [] : await history.rows(profile.id, [task]);
			const name = queue ?? row?.queue ?? null;
			if (name === null) placeless.push(messageId);
			else queues.set(name, (queues.get(name) ?? new Set()).add(messageId));
		}
		// History knows of a message before it is sent.
		const cutOff = this.#row.state === 'open';
		const why = cutOff ? 'was never sent' : 'is not in history any more, and nothing else tells its queue';
		if (placeless.length > 0) this.#record(placeless.map((id) => skipped(id, why)));
		for (const [queue, ids] of queues) {
			if (this.#action.signal.aborted) break;
			const scanLimit = driver.packets === undefined ? MOST_MESSAGES : scanLimitOf(this.#target);
			const removed = await driver.remove(queue, ids, { scanLimit, deadlineMs: WALK_MS });
			if (!removed.ok) return removed;
			const out = new Set(removed.value.map((message) => idOfMessage(message.properties) ?? ''));
			const ops = [...out].map(
				(messageId): HistoryOp => ({ kind: 'unpublished', profile: profile.id, at: this.#target.now(), messageId }),
			);
			if (ops.length > 0) await history.apply(ops);
			const left = [...ids].filter((id) => !out.has(id));
			if (left.length > 0) this.short = true;
			this.#record([
				...[...out].map(done),
				...left.map((id) =>
					skipped(id, `does not wait any more: a worker took it${cutOff ? ', or it was never sent' : ''}`),
				),
			]);
		}
		return ok(undefined);
	}

	/** Goes through a queue for these, each by its name there; what became of each that was found, by its number. */
	async #find(
		queue: string,
		items: readonly KeptMessageItem[],
		nameOf: (item: KeptMessageItem) => string,
		fate: (item: KeptMessageItem) => Fate,
	): Promise<Result<ReadonlyMap<number, Settled>>> {
		const wanted = new Map<string, KeptMessageItem[]>();
		for (const item of items) wanted.set(nameOf(item), [...(wanted.get(nameOf(item)) ?? []), item]);
		const found = new Map<number, Settled>();
		const enough = new AbortController();
		let batch: readonly (KeptMessageItem | null)[] = [];
		const end = await this.#target.driver.sift(queue, {
			scanLimit: scanLimitOf(this.#target),
			deadlineMs: WALK_MS,
			batch: BATCH,
			takesAll: false,
			signal: AbortSignal.any([this.#action.signal, enough.signal]),
			decide: async (messages) => {
				batch = messages.map(
					(message) => wanted.get(message.print)?.shift() ?? wanted.get(contentOf(message))?.shift() ?? null,
				);
				return batch.map((item) => (item === null ? { kind: 'leave' } : fate(item)));
			},
			settled: async (outcomes) => {
				batch.forEach((item, at) => {
					const outcome = outcomes[at];
					if (item !== null && outcome !== undefined) found.set(item.seq, outcome);
				});
				if (found.size === items.length) enough.abort();
			},
		});
		// A queue that is not there holds none of them.
		if (!end.ok && end.error.code !== 'not-found') return end;
		return ok(found);
	}

	#items(states: readonly KeptState[], limit = BATCH): Promise<readonly KeptMessageItem[]> {
		return this.#target.journal.messages(this.#row.id, { states, afterSeq: -1, limit });
	}

	#record(items: readonly ActionItem[]): void {
		this.count += items.filter((item) => item.outcome === 'done').length;
		this.#action.record(items);
	}
}

/** What took its place is the same message at another place of the same queue: there is no copy of it. */
function isItself({ queue, other, message }: KeptMessageItem): boolean {
	return other !== null && other.queue === queue && other.content === contentOf(message);
}

function done(id: string): ActionItem {
	return { id, outcome: 'done', reason: null, messageId: null };
}

function skipped(id: string, reason: string): ActionItem {
	return { id, outcome: 'skipped', reason, messageId: null };
}

function failed(id: string, reason: string): ActionItem {
	return { id, outcome: 'failed', reason, messageId: null };
}
