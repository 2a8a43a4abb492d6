/**
 * Requeue: the kept message goes out again, byte for byte, under a new message id, as a new attempt of the same task. What was
 * there before stays in history. Where a person gives other arguments, they take the place of its own; where no message is kept, the
 * task is sent with those given, and never with what was only printed of it.
 *
 * Order matters: the new attempt is recorded, then the message is published and confirmed; a publish that fails takes its
 * record back. A worker that is quicker than our confirm therefore finds the attempt known, and a crash in between leaves a
 * queued attempt that never ran rather than a run that nobody can tie to its task.
 */
import { messageDialect } from '#main/dialects/messages.ts';
import { argumentsOfRepr } from '#main/dialects/python/repr-arguments.ts';
import { previewCall, writeLiteral } from '#main/dialects/python/write.ts';
import type { ActionItem } from '#main/domain/action.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { DecodedTask, HistoryOp, TaskDetail } from '#main/domain/task.ts';
import { type CallArguments, NO_ARGUMENTS } from '#main/domain/value.ts';
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

/** Arguments that a person gave in the place of a task's own. */
export interface GivenArguments {
	readonly call: CallArguments;
	readonly argsJson: string;
	readonly kwargsJson: string;
}

/**
 * Sends these tasks again, in their order. `queue` overrides where each goes; null: where it last waited. `given` is for one task.
 */
export async function requeueTasks(
	target: ActionTarget,
	ids: readonly TaskId[],
	queue: string | null,
	action: RunningAction,
	given: GivenArguments | null = null,
): Promise<Result<void>> {
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	const sent: { readonly id: TaskId; readonly messageId: string; readonly queue: string }[] = [];
	for (let at = 0; at < ids.length && !action.signal.aborted; at += BATCH) {
		const batch = ids.slice(at, at + BATCH);
		const prepared = await Promise.all(batch.map((id) => prepare(target, id, queue, given)));
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
				sent.push({ id: one.id, messageId: one.messageId, queue: one.message.routingKey });
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
	given: GivenArguments | null,
): Promise<Prepared | { readonly skip: string }> {
	const detail = await target.history.detail(target.profile.id, id);
	if (detail === null || detail.removedAt !== null) return { skip: 'is not in history' };
	const reason = skipReason('requeue', detail);
	if (reason !== null) return { skip: reason };
	const messageId = target.newId();
	const at = target.now();
	const made = await messageOnceMore(target, detail, { messageId, at, queue, given });
	if (!made.ok) return { skip: made.error.message };
	const to = queue ?? detail.queue ?? made.value.routingKey;
	// To its queue by the default exchange: through the original exchange it could reach other queues as well.
	const message: OutgoingMessage = { ...made.value, exchange: '', routingKey: to };
	const op: HistoryOp = {
		kind: 'published',
		profile: target.profile.id,
		at,
		task: decodedAgain(detail, messageId, at, given),
		queue: to,
		message,
		requeueOf: detail.id,
		cause: 'requeued',
	};
	return { id: detail.id, messageId, message, op };
}

async function messageOnceMore(
	target: ActionTarget,
	detail: TaskDetail,
	wanted: {
		readonly messageId: string;
		readonly at: number;
		readonly queue: string | null;
		readonly given: GivenArguments | null;
	},
): Promise<Result<OutgoingMessage>> {
	const { messageId, given } = wanted;
	const dialect = messageDialect(target.profile, target.packets);
	const kept = await keptMessage(target, detail);
	if (kept !== null) {
		const call = given === null ? {} : { call: given.call };
		return dialect.again(kept, { id: messageId, now: wanted.at, ...call });
	}
	if (given === null) return fail('gone', `its message was not kept, so ${whatIsKnown(detail)}`);
	const queue = wanted.queue ?? detail.queue;
	if (queue === null) return fail('invalid-input', 'nothing says which queue it belongs to; name one with --queue');
	const { name, priority } = detail;
	return dialect.write({ name, messageId, call: given.call, queue, priority, origin: target.origin });
}

/** What a person can do about a task of which only a print of its arguments is known. */
function whatIsKnown(detail: TaskDetail): string {
	const { arguments: call } = detail;
	if (call === null) return 'its arguments are not known for certain; give them with --args and --kwargs';
	// Two arguments may print alike; what passes here printed as nothing else could.
	const kwargs = writeLiteral({
		kind: 'dict',
		entries: call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const),
	});
	const certain = argumentsOfRepr(writeLiteral({ kind: 'tuple', items: call.args }), kwargs);
	const shown = previewCall(call.args, call.kwargs, 120) || 'none';
	const how = certain.ok ? 'were printed as' : 'were printed, perhaps not exactly, as';
	return `its arguments are not known for certain: they ${how} ${shown}. Check them, and give them with --args and --kwargs`;
}

/** Of the newest attempt whose raw message is kept; null: of none. */
async function keptMessage(target: ActionTarget, detail: TaskDetail): Promise<OutgoingMessage | null> {
	for (const attempt of detail.history.toReversed()) {
		if (!attempt.hasMessage) continue;
		const message = await target.history.message(attempt.id);
		if (message !== null) return message;
	}
	return null;
}

function decodedAgain(detail: TaskDetail, messageId: string, at: number, given: GivenArguments | null): DecodedTask {
	return {
		name: detail.name,
		messageId,
		priority: detail.priority,
		publishedAt: at,
		call: given?.call ?? detail.arguments ?? NO_ARGUMENTS,
		argsJson: given?.argsJson ?? detail.argsJson ?? '[]',
		kwargsJson: given?.kwargsJson ?? detail.kwargsJson ?? '{}',
	};
}
