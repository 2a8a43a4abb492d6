/** Messages set aside: kept whole, in a table of their own, until a person has decided and retention has come by. */
import { createHash } from 'node:crypto';
import { attemptId, type ProfileId, taskId } from '#main/domain/ids.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { QuarantineCause, QuarantineItem, QuarantineState } from '#main/domain/quarantine.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { cutEnd, cutName } from './caps.ts';
import type { ReadHandle, SqlValue, WriteHandle } from './handles.ts';
import { profileKeyOf } from './profile-keys.ts';
import type { QuarantinePage, QuarantineRequest, QuarantineSettlement } from './store.ts';

const REASON_CAP = 4_000;

interface Row {
	readonly id: number;
	readonly at: number;
	readonly state: QuarantineState;
	readonly cause: QuarantineCause;
	readonly reason: string;
	readonly queue: string;
	readonly name: string | null;
	readonly message_id: string | null;
	readonly attempt: number | null;
	readonly task: string | null;
	readonly bytes: number;
	readonly alike: number;
	readonly settled_at: number | null;
	readonly settled_to: string | null;
}

const COLUMNS = `q.id, q.at, q.state, q.cause, q.reason, q.queue, q.name, q.message_id, a.id AS attempt, t.id AS task, q.bytes,
	q.settled_at, q.settled_to,
	(SELECT count(*) FROM quarantine o WHERE o.profile = q.profile AND o.digest = q.digest AND o.state = 'held') AS alike`;
/** The attempt by its run: its row may be gone, and ids of gone rows are never used again. */
const FROM = `FROM quarantine q LEFT JOIN attempts a ON a.profile = q.profile AND a.run = q.run LEFT JOIN tasks t ON t.seq = a.task`;

function itemOf(row: Row): QuarantineItem {
	return {
		id: row.id,
		at: row.at,
		state: row.state,
		cause: row.cause,
		reason: row.reason,
		queue: row.queue,
		name: row.name,
		messageId: row.message_id,
		taskId: row.task === null ? null : taskId(row.task),
		attemptId: row.attempt === null ? null : attemptId(row.attempt),
		bytes: row.bytes,
		alike: row.alike,
		settledAt: row.settled_at,
		settledTo: row.settled_to,
	};
}

/** Newest first, from `before` (an id) on. */
export function quarantinePage(db: ReadHandle, profile: ProfileId, request: QuarantineRequest): QuarantinePage {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return { items: [], total: 0, held: 0 };
		const conditions = ['q.profile = ?'];
		const values: SqlValue[] = [key];
		for (const [column, wanted] of Object.entries({
			state: request.state,
			cause: request.cause,
			queue: request.queue,
		})) {
			if (wanted === null) continue;
			conditions.push(`q.${column} = ?`);
			values.push(wanted);
		}
		const where = `WHERE ${conditions.join(' AND ')}`;
		const total = db.read<{ n: number }>('quarantine total', `SELECT count(*) AS n FROM quarantine q ${where}`);
		const held = db.read<{ n: number }>(
			'quarantine held',
			"SELECT count(*) AS n FROM quarantine WHERE profile = ? AND state = 'held'",
		);
		const rows = db
			.read<Row>('quarantine page', `SELECT ${COLUMNS} ${FROM} ${where} AND q.id < ? ORDER BY q.id DESC LIMIT ?`)
			.all(...values, request.before ?? Number.MAX_SAFE_INTEGER, request.limit);
		return { items: rows.map(itemOf), total: total.get(...values)?.n ?? 0, held: held.get(key)?.n ?? 0 };
	});
}

/** One message with its bytes; null when there is none of that number in this profile. */
export function quarantined(
	db: ReadHandle,
	profile: ProfileId,
	id: number,
): { readonly item: QuarantineItem; readonly message: OutgoingMessage } | null {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return null;
		const row = db.read<Row>('quarantined', `SELECT ${COLUMNS} ${FROM} WHERE q.profile = ? AND q.id = ?`).get(key, id);
		const raw = db
			.read<{ envelope: string; body: Uint8Array }>(
				'quarantined raw',
				'SELECT envelope, body FROM quarantine WHERE id = ?',
			)
			.get(id);
		if (row === undefined || raw === undefined) return null;
		const envelope = JSON.parse(raw.envelope) as Omit<OutgoingMessage, 'body'>;
		return { item: itemOf(row), message: { ...envelope, body: new Uint8Array(raw.body) } };
	});
}

export interface QuarantineTable {
	/** Keeps a message; the second time of the same run changes nothing. */
	keep(profile: number, op: Extract<HistoryOp, { kind: 'quarantined' }>): void;
	/** Writes what was decided about messages that are in `from`; the ids that were. */
	settle(profile: ProfileId, ids: readonly number[], settlement: QuarantineSettlement): readonly number[];
	/** A removed profile's. */
	drop(profile: number): void;
}

export function quarantineTable(db: WriteHandle): QuarantineTable {
	const keep = db.write(
		'quarantine message',
		`INSERT OR IGNORE INTO quarantine (profile, at, state, cause, reason, queue, name, message_id, run, bytes, digest, envelope, body)
		VALUES (?, ?, 'held', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
	);
	const again = db.read<{ id: number }>(
		'quarantined before',
		"SELECT id FROM quarantine WHERE profile = ? AND digest = ? AND message_id = ? AND queue = ? AND state = 'held' LIMIT 1",
	);
	const settle = db.write(
		'settle quarantined',
		'UPDATE quarantine SET state = ?, settled_at = ?, settled_to = ? WHERE profile = ? AND id = ? AND state = ?',
	);
	const drop = db.write('drop quarantine', 'DELETE FROM quarantine WHERE profile = ?');
	return {
		keep(profile, op) {
			const { message } = op;
			const { exchange, routingKey, properties } = message;
			const envelope = JSON.stringify({ exchange, routingKey, properties });
			const digest = createHash('sha256').update(envelope).update(message.body).digest('base64');
			// Its acknowledgement was lost after it was kept: it is the message that is here already.
			const known =
				op.messageId !== null && message.redelivered && again.get(profile, digest, op.messageId, message.queue);
			if (typeof known === 'object') return;
			keep.run(
				profile,
				Math.trunc(op.at),
				op.cause,
				cutEnd(op.reason, REASON_CAP),
				message.queue,
				op.name === null ? null : cutName(op.name),
				op.messageId,
				op.run,
				message.body.byteLength,
				digest,
				envelope,
				message.body,
			);
		},
		settle(profile, ids, { from, to, at, queue }) {
			const key = profileKeyOf(db, profile);
			if (key === null) return [];
			return ids.filter(
				(id) => settle.run(to, to === 'held' ? null : Math.trunc(at), queue, key, id, from).changes > 0,
			);
		},
		drop: (profile) => void drop.run(profile),
	};
}
