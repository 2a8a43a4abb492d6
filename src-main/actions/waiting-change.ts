/**
 * Carries out a change of waiting messages. Each batch is first kept in the journal, on the disk; then removed or replaced at the
 * broker; then the journal says what became of it. Whatever moment Warren is killed at, each message is in its queue, at its new
 * place, or in the journal, and the journal says which of them it cannot vouch for.
 */
import { type Fate, printOf, type Settled, type WaitingMessage } from '#main/brokers/waiting.ts';
import type { ActionItem, WaitingAction } from '#main/domain/action.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { KeptMessageItem, KeptState } from '#main/domain/journal.ts';
import { idOfMessage, type OutgoingMessage } from '#main/domain/message.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { actLease, holdWhile } from './act-lease.ts';
import { type ActionTarget, READY_DEADLINE_MS } from './deployment.ts';
import type { RunningAction } from './progress.ts';
import { BATCH, type Prints, scanLimitOf, WALK_MS } from './waiting-selection.ts';

/** What takes a message's place. */
export interface Replacement {
	readonly by: OutgoingMessage;
	/** The queue in which it will wait. */
	readonly queue: string;
	/** It is to run next there. */
	readonly next?: true;
}

export interface WaitingChange {
	readonly queue: string;
	readonly action: WaitingAction;
	/** For the journal: `queue.purge`. */
	readonly route: string;
	/** For a person, when so many were done: "Moved 3 messages from a to b". */
	readonly title: (done: number) => string;
	readonly prints: Prints;
	readonly takesAll: boolean;
	/** Null: nothing takes their place. A failure leaves the message as it is. */
	readonly replace: ((message: WaitingMessage) => Result<Replacement>) | null;
}

/** What it came to: the number to take it back by, null when nothing was done. */
export async function changeWaiting(
	target: ActionTarget,
	change: WaitingChange,
	action: RunningAction,
): Promise<Result<number | null>> {
	const { journal } = target;
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	const left = new Map(change.prints);
	let wanted = [...left.values()].reduce((sum, n) => sum + n, 0);
	if (wanted === 0) return ok(null);
	const entry = await journal.begin(
		{
			at: target.now(),
			profile: target.profile.id,
			action: change.route,
			title: change.title(wanted),
			before: JSON.stringify({ queue: change.queue }),
		},
		null,
	);
	await using _lease = await holdWhile(target.leases, actLease(entry));
	const found = new AbortController();
	let seq = 0;
	let done = 0;
	let uncertain = 0;
	const tasks: TaskId[] = [];
	/** Of the batch in hand: which of its messages are meant, and what was decided on each. */
	let batch: readonly Pick[] = [];
	const end = await target.driver.sift(change.queue, {
		scanLimit: scanLimitOf(target),
		deadlineMs: WALK_MS,
		batch: BATCH,
		takesAll: change.takesAll,
		signal: AbortSignal.any([action.signal, found.signal]),
		decide: async (messages) => {
			batch = messages.map((message) => pick(message, left, change));
			const kept = batch.flatMap((one): KeptMessageItem[] => (one.fate.kind === 'leave' ? [] : [keptItem(one, seq++)]));
			if (kept.length > 0) await journal.keep(entry, kept);
			return batch.map(({ fate }) => fate);
		},
		settled: async (outcomes) => {
			const chosen = batch.flatMap((one, at) => (one.meant ? [{ ...one, outcome: outcomes[at] as Settled }] : []));
			let at = seq - chosen.filter(({ fate }) => fate.kind !== 'leave').length;
			const states: { seq: number; state: KeptState | null }[] = [];
			const items: ActionItem[] = [];
			const gone: string[] = [];
			for (const one of chosen) {
				const id = idOfMessage(one.message.properties) ?? one.message.print;
				wanted -= 1;
				if (one.fate.kind === 'leave') {
					items.push({ id, outcome: 'failed', reason: one.reason, messageId: null });
					continue;
				}
				const state = keptState(one.outcome);
				states.push({ seq: at++, state });
				items.push(itemOf(id, one.outcome));
				if (state === 'removed' || state === 'replaced') done += 1;
				if (state === 'removed') gone.push(id);
				if (state === 'unknown') uncertain += 1;
			}
			if (states.length > 0) await journal.settle(entry, states);
			tasks.push(...(await leaveLists(target, gone)));
			action.record(items);
			if (wanted <= 0) found.abort();
		},
	});
	if (end.ok && wanted > 0 && !action.signal.aborted) action.record(missing(left));
	const nothing = done === 0 && uncertain === 0;
	await journal.close(entry, {
		state: 'done',
		title: nothing ? null : change.title(done),
		before: JSON.stringify({ queue: change.queue, tasks }),
	});
	if (!end.ok && nothing) return end;
	if (!end.ok) action.record([{ id: change.queue, outcome: 'failed', reason: end.error.message, messageId: null }]);
	return ok(nothing ? null : entry);
}

/** What a message says, wherever it waits: by this its copy is found again. */
export function contentOf({ exchange, routingKey, properties, body }: OutgoingMessage): string {
	return printOf({ exchange, routingKey, properties, body });
}

interface Pick {
	readonly message: WaitingMessage;
	readonly meant: boolean;
	readonly fate: Fate;
	readonly other: KeptMessageItem['other'];
	readonly reason: string | null;
}

function pick(message: WaitingMessage, left: Map<string, number>, change: WaitingChange): Pick {
	const none = { message, fate: { kind: 'leave' }, other: null } as const;
	const n = left.get(message.print) ?? 0;
	if (n === 0) return { ...none, meant: false, reason: null };
	left.set(message.print, n - 1);
	if (change.replace === null) return { message, meant: true, fate: { kind: 'remove' }, other: null, reason: null };
	const replacement = change.replace(message);
	if (!replacement.ok) return { ...none, meant: true, reason: replacement.error.message };
	const { by, queue, next } = replacement.value;
	return {
		message,
		meant: true,
		fate: { kind: 'replace', by, ...(next === undefined ? {} : { next }) },
		other: { queue, content: contentOf(by) },
		reason: null,
	};
}

function keptItem({ message, other }: Pick, seq: number): KeptMessageItem {
	const { exchange, routingKey, properties, body, entry, print, queue } = message;
	return {
		seq,
		state: 'kept',
		queue,
		print,
		messageId: idOfMessage(properties),
		other,
		message: { exchange, routingKey, properties, body },
		entry,
	};
}

function keptState(outcome: Settled): KeptState | null {
	switch (outcome.kind) {
		case 'removed':
		case 'replaced':
		case 'unknown':
			return outcome.kind;
		default:
			return null;
	}
}

function itemOf(id: string, outcome: Settled): ActionItem {
	switch (outcome.kind) {
		case 'removed':
		case 'replaced':
			return { id, outcome: 'done', reason: null, messageId: null };
		case 'gone':
			return { id, outcome: 'skipped', reason: 'no longer waits: a worker took it', messageId: null };
		case 'left':
			return { id, outcome: 'failed', reason: 'was left as it is', messageId: null };
		case 'failed':
			return { id, outcome: 'failed', reason: `stays as it is: ${outcome.failure.message}`, messageId: null };
		case 'unknown':
			return {
				id,
				outcome: 'failed',
				reason: `it is not known what became of it: ${outcome.failure.message} It is kept under "undo list".`,
				messageId: null,
			};
	}
}

/** Those that a review froze and that do not wait any more. */
function missing(left: Prints): readonly ActionItem[] {
	return [...left].flatMap(([print, n]) =>
		Array.from(
			{ length: n },
			(): ActionItem => ({
				id: print,
				outcome: 'skipped',
				reason: 'no longer waits: a worker took it, or somebody else changed it',
				messageId: null,
			}),
		),
	);
}

/** Tasks whose message will never come leave the list of those that are queued; answers which, for an undo. */
async function leaveLists(target: ActionTarget, messageIds: readonly string[]): Promise<readonly TaskId[]> {
	if (messageIds.length === 0) return [];
	const profile = target.profile.id;
	const known = await Promise.all(messageIds.map((id) => target.history.taskOfMessage(profile, id)));
	const ids = [...new Set(known.filter((id) => id !== null))];
	const rows = ids.length === 0 ? [] : await target.history.rows(profile, ids);
	const waiting = rows.filter((row) => row.state === 'queued').map((row) => row.id);
	if (waiting.length === 0) return [];
	const op: HistoryOp = { kind: 'removed', profile, at: target.now(), ids: waiting };
	await target.history.apply([op]);
	return waiting;
}
