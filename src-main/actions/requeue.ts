/**
 * Requeue: the kept message goes out again, byte for byte, under a new message id, as a new attempt of the same task. What was
 * there before stays in history.
 *
 * Order matters: the new attempt is recorded, then the message is published and confirmed; a publish that fails takes its
 * record back. A worker that is quicker than our confirm therefore finds the attempt known, and a crash in between leaves a
 * queued attempt that never ran rather than a run that nobody can tie to its task.
 */
import type { ActionItem } from '#main/domain/action.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { DecodedTask, HistoryOp, TaskDetail } from '#main/domain/task.ts';
import { NO_ARGUMENTS } from '#main/domain/value.ts';
import { type ActionTarget, mayHaveArrived, READY_DEADLINE_MS } from './deployment.ts';
import type { RunningAction } from './progress.ts';
import { skipReason } from './review.ts';

const BATCH = 200;

interface Prepared {
	readonly id: TaskId;
	readonly messageId: string;
	readonly message: OutgoingMessage;
	readonly op: HistoryOp;
}

/** Sends these tasks again, in their order. `queue` overrides where each goes; null: where it last waited. */
export async function requeueTasks(
	target: ActionTarget,
	ids: readonly TaskId[],
	queue: string | null,
	action: RunningAction,
): Promise<Result<void>> {
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	const sent: { readonly id: TaskId; readonly messageId: string }[] = [];
	for (let at = 0; at < ids.length && !action.signal.aborted; at += BATCH) {
		const batch = ids.slice(at, at + BATCH);
		const prepared = await Promise.all(batch.map((id) => prepare(target, id, queue)));
		const good: Prepared[] = [];
		const items: ActionItem[] = [];
		prepared.forEach((one, index) => {
			if ('op' in one) good.push(one);
			else items.push({ id: batch[index] as TaskId, outcome: 'skipped', reason: one.skip, messageId: null });
		});
		if (good.length > 0) await target.history.apply(good.map((one) => one.op));
		const outcomes = await Promise.all(good.map((one) => target.driver.publish(one.message)));
		const takenBack: HistoryOp[] = [];
		good.forEach((one, index) => {
			const outcome = outcomes[index] as Result<void>;
			if (outcome.ok) {
				sent.push({ id: one.id, messageId: one.messageId });
				items.push({ id: one.id, outcome: 'done', reason: null, messageId: one.messageId });
				return;
			}
			if (!mayHaveArrived(outcome.error)) {
				const at = target.now();
				takenBack.push({ kind: 'unpublished', profile: target.profile.id, at, messageId: one.messageId });
			}
			items.push({ id: one.id, outcome: 'failed', reason: outcome.error.message, messageId: null });
		});
		if (takenBack.length > 0) await target.history.apply(takenBack);
		action.record(items);
	}
	if (sent.length > 0) {
		await target.records.journal({
			at: target.now(),
			profile: target.profile.id,
			action: 'task.requeue',
			title: sent.length === 1 ? 'Requeued 1 task' : `Requeued ${sent.length} tasks`,
			before: JSON.stringify({ sent }),
		});
	}
	return ok(undefined);
}

async function prepare(
	target: ActionTarget,
	id: TaskId,
	queue: string | null,
): Promise<Prepared | { readonly skip: string }> {
	const detail = await target.history.detail(target.profile.id, id);
	if (detail === null || detail.removedAt !== null) return { skip: 'is not in history' };
	const reason = skipReason('requeue', detail);
	if (reason !== null) return { skip: reason };
	const kept = await keptMessage(target, detail);
	if (!kept.ok) return { skip: kept.error.message };
	const to = queue ?? detail.queue ?? kept.value.routingKey;
	const messageId = target.newId();
	const message: OutgoingMessage = {
		...kept.value,
		// To its queue by the default exchange: through the original exchange it could reach other queues as well.
		exchange: '',
		routingKey: to,
		properties: { ...kept.value.properties, messageId },
	};
	const at = target.now();
	const op: HistoryOp = {
		kind: 'published',
		profile: target.profile.id,
		at,
		task: decodedAgain(detail, messageId, at),
		queue: to,
		message,
		requeueOf: detail.id,
		cause: 'requeued',
	};
	return { id: detail.id, messageId, message, op };
}

/** The newest attempt whose raw message is kept. */
async function keptMessage(target: ActionTarget, detail: TaskDetail): Promise<Result<OutgoingMessage>> {
	for (const attempt of detail.history.toReversed()) {
		if (!attempt.hasMessage) continue;
		const message = await target.history.message(attempt.id);
		if (message !== null) return ok(message);
	}
	return fail('gone', 'its message was not kept, so its arguments are not known for certain');
}

function decodedAgain(detail: TaskDetail, messageId: string, at: number): DecodedTask {
	return {
		name: detail.name,
		messageId,
		priority: detail.priority,
		publishedAt: at,
		call: detail.arguments ?? NO_ARGUMENTS,
		argsJson: detail.argsJson ?? '[]',
		kwargsJson: detail.kwargsJson ?? '{}',
	};
}
