/** Raw messages, one per attempt, bytes untouched. */
import type { OutgoingMessage } from '#main/domain/message.ts';
import { BODY_CAP } from './caps.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

type Envelope = Omit<OutgoingMessage, 'body'>;

/** The message that carried an attempt; null where none is kept. */
export function rawMessage(db: ReadHandle, attempt: number): OutgoingMessage | null {
	const row = db
		.read<{ envelope: string; body: Uint8Array }>(
			'raw message',
			'SELECT envelope, body FROM messages WHERE attempt = ?',
		)
		.get(attempt);
	// A message that the broker handed out again is kept once, with the first of its attempts.
	if (row === undefined) {
		const first = db
			.read<{ id: number }>(
				'first attempt of message',
				`SELECT m.attempt AS id FROM attempts a JOIN attempts b ON b.task = a.task AND b.message_key = a.message_key
				JOIN messages m ON m.attempt = b.id WHERE a.id = ? AND a.has_message = 1 AND b.id <> a.id LIMIT 1`,
			)
			.get(attempt);
		return first === undefined ? null : rawMessage(db, first.id);
	}
	const envelope = JSON.parse(row.envelope) as Envelope;
	// A plain array of its own: what SQLite handed out is a Buffer, which loses its type on the way between threads.
	return { ...envelope, body: new Uint8Array(row.body) };
}

/** Whether a message's body is small enough to be kept. */
export function keepable(message: OutgoingMessage): boolean {
	return message.body.byteLength <= BODY_CAP;
}

export interface MessageTable {
	put(attempt: number, message: OutgoingMessage): void;
	drop(attempt: number): void;
}

export function messageTable(db: WriteHandle): MessageTable {
	const put = db.write('keep message', 'INSERT OR REPLACE INTO messages (attempt, envelope, body) VALUES (?, ?, ?)');
	const drop = db.write('drop message', 'DELETE FROM messages WHERE attempt = ?');
	return {
		put(attempt, message) {
			const envelope: Envelope = {
				exchange: message.exchange,
				routingKey: message.routingKey,
				properties: message.properties,
			};
			put.run(attempt, JSON.stringify(envelope), message.body);
		},
		drop: (attempt) => void drop.run(attempt),
	};
}
