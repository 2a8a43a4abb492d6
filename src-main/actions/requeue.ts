/**
 * Requeue: the kept message goes out again, byte for byte, under a new message id, as a new attempt of the same task. What was
 * there before stays in history. Where a person gives other arguments, they take the place of its own; where no message is kept, the
 * task is sent with the arguments that somebody told for certain (`argument-sources.ts`), and never with what was only printed of it.
 *
 * Order matters: the new attempt is recorded, then the message is published and confirmed; a publish that fails takes its
 * record back. A worker that is quicker than our confirm therefore finds the attempt known, and a crash in between leaves a
 * queued attempt that never ran rather than a run that nobody can tie to its task. The journal names every message before the first
 * one is sent, so that what a crash left half done can be taken back as well.
 */
import { writeJson } from '#main/dialects/json/write.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import type { ActionItem, ArgumentSource } from '#main/domain/action.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { DecodedTask, HistoryOp, TaskDetail } from '#main/domain/task.ts';
import { whyNot } from '#main/domain/task-acts.ts';
import { type CallArguments, NO_ARGUMENTS } from '#main/domain/value.ts';
import { actLease, holdWhile } from './act-lease.ts';
import { ArgumentSearch, type FoundArguments, type ToldArguments, type Wanted } from './argument-sources.ts';
import { type ActionTarget, answeredTo, mayHaveArrived, READY_DEADLINE_MS } from './deployment.ts';
import type { RunningAction } from './progress.ts';

const BATCH = 200;

interface Prepared {
	readonly id: TaskId;
	readonly messageId: string;
	readonly message: OutgoingMessage;
	readonly op: HistoryOp;
	readonly source: ArgumentSource;
}

interface Skipped {
	readonly skip: string;
	readonly repair?: ActionItem['repair'];
}

/** A task that is to be sent again, and its message where that is kept. */
interface Known {
	readonly detail: TaskDetail;
	readonly kept: OutgoingMessage | null;
	/** The id of the message to be. */
	readonly messageId: string;
}

/** A message as the journal names it. Without its queue: it was not sent yet. */
interface Sent {
	readonly id: TaskId;
	readonly messageId: string;
	readonly queue?: string;
}

/** What is the same for all tasks of one change. */
interface Plan {
	readonly queue: string | null;
	readonly given: GivenArguments | null;
	readonly search: ArgumentSearch;
	/** The queue for results; null: they do not come to us. */
	readonly replyTo: string | null;
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
	const replyTo = (await target.replyTo?.()) ?? ok(null);
	if (!replyTo.ok) return replyTo;
	const search = new ArgumentSearch(target.doors ?? null);
	/** The id that each task's message will have. */
	const planned = ids.map((id): Sent => ({ id, messageId: target.newId() }));
	const entry = await target.journal.begin(
		{
			at: target.now(),
			profile: target.profile.id,
			action: 'task.requeue',
			title: titleOf(planned.length),
			before: JSON.stringify({ sent: planned }),
		},
		null,
	);
	await using _lease = await holdWhile(target.leases, actLease(entry));
	/** Those that are at the broker, or may be. */
	const sent: Sent[] = [];
	for (let at = 0; at < planned.length && !action.signal.aborted; at += BATCH) {
		const batch = planned.slice(at, at + BATCH);
		const prepared = await prepareAll(target, batch, { queue, given, search, replyTo: replyTo.value });
		const good: Prepared[] = [];
		const items: ActionItem[] = [];
		prepared.forEach((one, index) => {
			if ('op' in one) good.push(one);
			else {
				const repair = one.repair === undefined ? {} : { repair: one.repair };
				const { id } = batch[index] as Sent;
				items.push({ id, outcome: 'skipped', reason: one.skip, messageId: null, ...repair });
			}
		});
		if (good.length > 0) await target.history.apply(good.map((one) => one.op));
		const outcomes = await Promise.all(good.map((one) => target.driver.publish(one.message)));
		const takenBack: HistoryOp[] = [];
		good.forEach((one, index) => {
			const outcome = outcomes[index] as Result<void>;
			if (outcome.ok || mayHaveArrived(outcome.error)) {
				sent.push({ id: one.id, messageId: one.messageId, queue: one.message.routingKey });
			}
			if (outcome.ok) {
				items.push({ id: one.id, outcome: 'done', reason: null, messageId: one.messageId, source: one.source });
				return;
			}
			if (!mayHaveArrived(outcome.error)) {
				const at = target.now();
				takenBack.push({ kind: 'unpublished', profile: target.profile.id, at, messageId: one.messageId });
			}
			items.push({ id: one.id, outcome: 'failed', reason: outcome.error.message, messageId: null });
		});
		if (takenBack.length > 0) await target.history.apply(takenBack);
		const taken = good.flatMap((one, index) => (outcomes[index]?.ok === true ? [one.message] : []));
		action.record(items);
		if (taken.length > 0) await target.tell?.(taken);
	}
	await target.journal.close(entry, {
		state: 'done',
		title: sent.length === 0 ? null : titleOf(sent.length),
		before: JSON.stringify({ sent }),
	});
	return ok(undefined);
}

function titleOf(count: number): string {
	return count === 1 ? 'Requeued 1 task' : `Requeued ${count} tasks`;
}

async function prepareAll(
	target: ActionTarget,
	batch: readonly Sent[],
	plan: Plan,
): Promise<readonly (Prepared | Skipped)[]> {
	const { given, search } = plan;
	const known = await Promise.all(batch.map((one) => look(target, one)));
	const wanted =
		given === null ? known.flatMap((one) => ('detail' in one && one.kept === null ? [wantedOf(one.detail)] : [])) : [];
	const found = await search.find(wanted);
	return known.map((one) => ('detail' in one ? prepare(target, one, plan, found.get(one.detail.id)) : one));
}

async function look(target: ActionTarget, { id, messageId }: Sent): Promise<Known | Skipped> {
	const detail = await target.history.detail(target.profile.id, id);
	if (detail === null || detail.removedAt !== null) return { skip: 'is not in history' };
	const reason = whyNot('requeue', detail.state);
	if (reason !== null) return { skip: reason };
	return { detail, kept: await keptMessage(target, detail), messageId };
}

function wantedOf({ id, state, history, printed }: TaskDetail): Wanted {
	return { id, state, messageId: history.at(-1)?.messageId ?? '', printed: printed ?? null };
}

function prepare(
	target: ActionTarget,
	{ detail, kept, messageId }: Known,
	{ queue, given, replyTo }: Plan,
	found: FoundArguments | undefined,
): Prepared | Skipped {
	if (found?.kind === 'refused') {
		return { skip: found.reason, ...(found.repair === null ? {} : { repair: found.repair }) };
	}
	const told = given === null ? (found ?? null) : { ...given, name: null, queue: null };
	const at = target.now();
	const made = messageOnceMore(target, detail, kept, { messageId, at, queue, told });
	if (!made.ok) return { skip: made.error.message };
	const to = queue ?? detail.queue ?? told?.queue ?? made.value.routingKey;
	// To its queue by the default exchange: through the original exchange it could reach other queues as well.
	const message = answeredTo({ ...made.value, exchange: '', routingKey: to }, replyTo);
	const op: HistoryOp = {
		kind: 'published',
		profile: target.profile.id,
		at,
		task: decodedAgain(detail, messageId, at, given ?? (told === null ? null : textsOf(told.call)), told?.name ?? null),
		queue: to,
		message,
		requeueOf: detail.id,
		cause: 'requeued',
	};
	const source = given !== null ? 'given' : found === undefined ? 'message' : found.source;
	return { id: detail.id, messageId, message, op, source };
}

function messageOnceMore(
	target: ActionTarget,
	detail: TaskDetail,
	kept: OutgoingMessage | null,
	wanted: {
		readonly messageId: string;
		readonly at: number;
		readonly queue: string | null;
		readonly told: ToldArguments | null;
	},
): Result<OutgoingMessage> {
	const { messageId, told } = wanted;
	const dialect = messageDialect(target.profile, target.packets);
	if (kept !== null) {
		const call = told === null ? {} : { call: told.call };
		return dialect.again(kept, { id: messageId, now: wanted.at, ...call });
	}
	if (told === null) return fail('gone', 'its message was not kept');
	const queue = wanted.queue ?? detail.queue ?? told.queue;
	if (queue === null) return fail('invalid-input', 'nothing says which queue it belongs to; name one with --queue');
	const name = detail.name === UNKNOWN && told.name !== null ? told.name : detail.name;
	if (name === UNKNOWN) return fail('invalid-input', 'nothing says which task it is, so it cannot be sent again');
	const { priority, lineage } = detail;
	const rootId = lineage?.rootId ?? detail.id;
	// A retry names itself as its parent.
	const parentId = lineage?.parentId === detail.id ? null : (lineage?.parentId ?? null);
	const { origin } = target;
	const made = dialect.write({ name, messageId, call: told.call, queue, priority, origin, rootId, parentId });
	return made.ok ? made : fail(made.error.code, `its arguments cannot be sent: ${made.error.message}`);
}

/** How history calls a task that nobody named. */
const UNKNOWN = '(unknown)';

/** Of the newest attempt whose raw message is kept; null: of none. */
async function keptMessage(target: ActionTarget, detail: TaskDetail): Promise<OutgoingMessage | null> {
	for (const attempt of detail.history.toReversed()) {
		if (!attempt.hasMessage) continue;
		const message = await target.history.message(attempt.id);
		if (message !== null) return message;
	}
	return null;
}

/** A call with its texts as history keeps them; what JSON cannot say was refused before. */
function textsOf(call: CallArguments): GivenArguments {
	const args = writeJson({ kind: 'list', items: call.args }, 'readable');
	const entries = call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const);
	const kwargs = writeJson({ kind: 'dict', entries }, 'readable');
	return { call, argsJson: args.ok ? args.value : '[]', kwargsJson: kwargs.ok ? kwargs.value : '{}' };
}

function decodedAgain(
	detail: TaskDetail,
	messageId: string,
	at: number,
	given: GivenArguments | null,
	name: string | null,
): DecodedTask {
	return {
		name: detail.name === UNKNOWN && name !== null ? name : detail.name,
		messageId,
		priority: detail.priority,
		publishedAt: at,
		call: given?.call ?? detail.arguments ?? NO_ARGUMENTS,
		argsJson: given?.argsJson ?? detail.argsJson ?? '[]',
		kwargsJson: given?.kwargsJson ?? detail.kwargsJson ?? '{}',
	};
}
