/**
 * The message of a site's row, rebuilt from what the row keeps of it: the call, the queue and the priority. What the row does not keep
 * (other properties, the very bytes) is carrot's default.
 */
import type { ProfileId, TaskId } from '#main/domain/ids.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { CarrotDialect } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { SiteRow } from '#main/domain/site.ts';
import type { DecodedTask, HistoryOp, UndecodableTask } from '#main/domain/task.ts';
import { encodeCarrot } from './encode.ts';
import { argumentTexts, rowArguments } from './row-arguments.ts';

/** The queue in which a row's message waits; null when an exchange of the site's own decides that. */
export function queueOfRow(row: Pick<SiteRow, 'queue' | 'exchange' | 'routingKey'>): string | null {
	if (row.exchange !== null && row.exchange !== '') return null;
	return row.routingKey === null || row.routingKey === '' ? (row.queue ?? 'default') : row.routingKey;
}

/** A row's message as the site published it, as far as the row tells. */
export interface RowMessage {
	readonly message: OutgoingMessage;
	readonly task: DecodedTask | null;
	readonly fault: UndecodableTask | null;
}

/**
 * Rebuilds the message of a row under `messageId`. Where the arguments can't be read the message has an empty body, which every
 * consumer refuses to run, rather than one without arguments.
 */
export function messageOfRow(row: SiteRow, dialect: CarrotDialect, messageId = row.uuid): RowMessage {
	const rebuilt = rebuild(row, dialect, messageId);
	if (rebuilt.ok) return { ...rebuilt.value, fault: null };
	const { message: reason } = rebuilt.error;
	return {
		message: { ...addressOf(row), properties: { messageId, priority: row.priority }, body: new Uint8Array() },
		task: null,
		fault: { name: row.task, messageId, priority: row.priority, reason, exceptionType: 'UnreadableRow' },
	};
}

function rebuild(
	row: SiteRow,
	dialect: CarrotDialect,
	messageId: string,
): Result<{ readonly message: OutgoingMessage; readonly task: DecodedTask }> {
	const call = rowArguments(row);
	if (!call.ok) return call;
	const texts = argumentTexts(call.value);
	if (!texts.ok) return texts;
	const { task: name, priority, publishedAt } = row;
	const queue = queueOfRow(row) ?? row.queue ?? 'default';
	const message = encodeCarrot({ name, call: call.value, queue, priority, messageId, ...addressOf(row) }, dialect);
	if (!message.ok) return message;
	return ok({
		message: message.value,
		task: { name, messageId, priority, publishedAt, call: call.value, ...texts.value },
	});
}

function addressOf(row: SiteRow): { readonly exchange: string; readonly routingKey: string } {
	return { exchange: row.exchange ?? '', routingKey: row.routingKey ?? queueOfRow(row) ?? row.queue ?? 'default' };
}

/** A requeue as history keeps it: the new row's message is a further attempt of the old row's task. */
export function requeueOp(
	row: SiteRow,
	made: { readonly messageId: string; readonly at: number },
	task: TaskId | null,
	context: { readonly profile: ProfileId; readonly dialect: CarrotDialect },
): HistoryOp | null {
	const rebuilt = messageOfRow(row, context.dialect, made.messageId);
	if (rebuilt.task === null) return null;
	return {
		kind: 'published',
		profile: context.profile,
		at: made.at,
		task: { ...rebuilt.task, publishedAt: made.at },
		queue: queueOfRow(row) ?? row.queue ?? 'default',
		message: rebuilt.message,
		requeueOf: task,
		cause: task === null ? 'published' : 'requeued',
	};
}
