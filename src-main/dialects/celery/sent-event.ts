/**
 * The event `task-sent`, which Celery's publishers send beside a task where `task_send_sent_event` is on: it alone names the queue, and
 * tells whoever watches of a task before a worker has it.
 */
import type { FieldTable, FieldValue, OutgoingMessage } from '#main/domain/message.ts';

/** The routing key of the event; each is sent by itself, never in a batch. */
export const SENT_KEY = 'task.sent';

/** Who sent it, and when. */
export interface Sender {
	/** As its origin stands in the message: `console@user`. */
	readonly host: string;
	readonly pid: number;
	/** Lamport's clock of the sender. */
	readonly clock: number;
	/** Epoch ms. */
	readonly now: number;
	/** Minutes west of Greenwich. */
	readonly minutesWest: number;
}

/** The event of a message as bytes; null: it is of protocol 1, whose call lies in a body that is not read for it, or names no task. */
export function sentEvent(message: OutgoingMessage, sender: Sender): Uint8Array | null {
	const headers = message.properties.headers ?? [];
	const [name, uuid] = [plain(headers, 'task'), plain(headers, 'id')];
	if (typeof name !== 'string' || typeof uuid !== 'string') return null;
	return Buffer.from(
		JSON.stringify({
			type: 'task-sent',
			uuid,
			name,
			args: plain(headers, 'argsrepr'),
			kwargs: plain(headers, 'kwargsrepr'),
			retries: plain(headers, 'retries') ?? 0,
			eta: plain(headers, 'eta'),
			expires: plain(headers, 'expires'),
			root_id: plain(headers, 'root_id'),
			parent_id: plain(headers, 'parent_id'),
			queue: message.routingKey,
			exchange: message.exchange,
			routing_key: message.routingKey,
			hostname: sender.host,
			pid: sender.pid,
			clock: sender.clock,
			// Whole hours, as Celery's senders write them.
			utcoffset: Math.floor(sender.minutesWest / 60),
			timestamp: sender.now / 1_000,
		}),
	);
}

function plain(headers: FieldTable, name: string): string | number | null {
	const value: FieldValue | undefined = headers.find(([key]) => key === name)?.[1];
	if (value?.type === 'longstr') return value.text;
	return value !== undefined && 'value' in value && typeof value.value === 'number' ? value.value : null;
}
