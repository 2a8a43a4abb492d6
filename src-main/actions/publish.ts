/** Publish: from what a person typed to messages that the profile's workers accept, recorded as queued tasks. */
import type { PacketOptions } from '#main/dialects/django-q/message.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import type { TaskId } from '#main/domain/ids.ts';
import { taskId } from '#main/domain/ids.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { DecodedTask, HistoryOp } from '#main/domain/task.ts';
import type { CallArguments } from '#main/domain/value.ts';
import { type ActionTarget, answeredTo, mayHaveArrived, READY_DEADLINE_MS } from './deployment.ts';

const BATCH = 500;

export interface Publication {
	readonly name: string;
	readonly queue: string;
	readonly call: CallArguments;
	readonly argsJson: string;
	readonly kwargsJson: string;
	readonly priority: number;
	/** Empty: the default exchange, which routes by queue name. */
	readonly exchange: string;
	readonly routingKey: string;
	readonly count: number;
	/** django-q's own options. */
	readonly packet?: PacketOptions;
}

export interface Published {
	/** The first task's id. */
	readonly id: TaskId;
	readonly published: number;
	/** Why others could not be told of what was published; null: they were, or nobody is to be. */
	readonly untold: string | null;
}

/** Publishes one task or many alike. Stops at the first message that the broker does not take, and says how far it came. */
export async function publishTasks(
	target: ActionTarget,
	publication: Publication,
	signal: AbortSignal,
): Promise<Result<Published>> {
	const ready = await target.driver.ready(READY_DEADLINE_MS);
	if (!ready.ok) return ready;
	const replyTo = (await target.replyTo?.()) ?? ok(null);
	if (!replyTo.ok) return replyTo;
	let first: TaskId | null = null;
	let published = 0;
	let untold: string | null = null;
	while (published < publication.count && !signal.aborted) {
		const size = Math.min(BATCH, publication.count - published);
		const ops: HistoryOp[] = [];
		const messages: { readonly id: string; readonly message: OutgoingMessage }[] = [];
		for (let n = 0; n < size; n += 1) {
			const made = make(target, publication, replyTo.value);
			if (!made.ok) return made;
			ops.push(made.value.op);
			messages.push(made.value);
		}
		await target.history.apply(ops);
		const outcomes = await Promise.all(messages.map(({ message }) => target.driver.publish(message)));
		const at = target.now();
		const takenBack = messages.flatMap(({ id }, index): HistoryOp[] => {
			const outcome = outcomes[index] as Result<void>;
			if (outcome.ok || mayHaveArrived(outcome.error)) return [];
			return [{ kind: 'unpublished', profile: target.profile.id, at, messageId: id }];
		});
		if (takenBack.length > 0) await target.history.apply(takenBack);
		const taken = messages.flatMap(({ message }, index) => (outcomes[index]?.ok === true ? [message] : []));
		published += taken.length;
		// Of what may have arrived and may not, nobody is told: an event for a task that is none would never end.
		if (taken.length > 0) untold = (await target.tell?.(taken)) ?? untold;
		first ??= taskId(messages[0]?.id ?? '');
		const failed = outcomes.find((outcome) => !outcome.ok);
		if (failed !== undefined && !failed.ok) {
			if (published === 0) return failed;
			const message = `${published} of ${publication.count} were published, then: ${failed.error.message}`;
			return fail(failed.error.code, message, { details: { published } });
		}
	}
	if (first === null) return fail('cancelled', 'Nothing was published.');
	return ok({ id: first, published, untold });
}

function make(
	target: ActionTarget,
	publication: Publication,
	replyTo: string | null,
): Result<{ readonly id: string; readonly message: OutgoingMessage; readonly op: HistoryOp }> {
	const messageId = target.newId();
	const encoded = messageDialect(target.profile, target.packets).write({
		...publication,
		messageId,
		origin: target.origin,
	});
	if (!encoded.ok) return encoded;
	const message = answeredTo(encoded.value, replyTo);
	const at = target.now();
	const task: DecodedTask = {
		name: publication.name,
		messageId,
		priority: publication.priority,
		publishedAt: at,
		call: publication.call,
		argsJson: publication.argsJson,
		kwargsJson: publication.kwargsJson,
	};
	const op: HistoryOp = {
		kind: 'published',
		profile: target.profile.id,
		at,
		task,
		queue: publication.queue,
		message,
		requeueOf: null,
		cause: 'published',
	};
	return ok({ id: messageId, message, op });
}
