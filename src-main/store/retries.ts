/** Retries: planned with the outcome that caused them, sent by whoever holds the right to, counted for the next decision. */
import { type ProfileId, taskId } from '#main/domain/ids.ts';
import type { RetryPlan } from '#main/domain/task.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { rawMessage } from './messages.ts';
import { profileKeyOf } from './profile-keys.ts';
import type { DueRetry, PendingRetries } from './store.ts';

interface DueRow {
	readonly message_id: string;
	readonly due_at: number;
	readonly source: number;
	readonly task: string;
	readonly queue: string | null;
	readonly begun: number;
}

/** What is due at `now`, oldest first and at most `limit`, and how much is planned in all. */
export function pendingRetries(db: ReadHandle, profile: ProfileId, now: number, limit: number): PendingRetries {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		if (key === null) return { due: [], nextAt: null, pending: 0 };
		const figures = db
			.read<{ n: number; next: number | null }>(
				'pending retries',
				'SELECT count(*) AS n, min(due_at) AS next FROM retries WHERE profile = ? AND due_at IS NOT NULL',
			)
			.get(key);
		const rows = db
			.read<DueRow>(
				'due retries',
				`SELECT r.message_id, r.due_at, r.source, t.id AS task, a.queue,
				EXISTS (SELECT 1 FROM tasks n JOIN attempts b ON b.task = n.seq
					WHERE n.profile = r.profile AND n.id = r.message_id AND b.stray = 0 AND b.run IS NOT NULL)
				OR EXISTS (SELECT 1 FROM attempts b
					WHERE b.profile = r.profile AND b.message_key = r.message_id AND b.stray = 1 AND b.run IS NOT NULL) AS begun
				FROM retries r JOIN tasks t ON t.seq = r.task
				JOIN attempts a ON a.id = r.source WHERE r.profile = ? AND r.due_at <= ? ORDER BY r.due_at LIMIT ?`,
			)
			.all(key, Math.trunc(now), limit);
		const due = rows.map(
			(row): DueRetry => ({
				messageId: row.message_id,
				dueAt: row.due_at,
				taskId: taskId(row.task),
				queue: row.queue,
				message: rawMessage(db, row.source),
				begun: row.begun === 1,
			}),
		);
		return { due, nextAt: figures?.next ?? null, pending: figures?.n ?? 0 };
	});
}

export interface RetryTable {
	plan(profile: number, task: number, source: number, plan: RetryPlan): void;
	/** The broker has this message. */
	sent(profile: number, messageId: string): void;
	/** How many retries of its chain this message is; 0: it is no retry. */
	tries(profile: number, messageId: string): number;
	/** Takes back what is planned for a task and not sent; whether there was anything. */
	cancel(task: number): boolean;
	move(from: number, to: number): void;
	drop(task: number): void;
	/** Forgets what is remembered, since another process or a rollback may have changed it. */
	forget(): void;
}

export function retryTable(db: WriteHandle): RetryTable {
	const plan = db.write(
		'plan retry',
		'INSERT OR IGNORE INTO retries (profile, message_id, task, source, tries, due_at) VALUES (?, ?, ?, ?, ?, ?)',
	);
	const sent = db.write('retry sent', 'UPDATE retries SET due_at = NULL WHERE profile = ? AND message_id = ?');
	const tries = db.read<{ tries: number }>(
		'tries of message',
		'SELECT tries FROM retries WHERE profile = ? AND message_id = ?',
	);
	const any = db.read<{ one: number }>('any retry', 'SELECT 1 AS one FROM retries LIMIT 1');
	/** Most profiles never had one, and every task that starts is asked about; null: not known. */
	let none: boolean | null = null;
	const cancel = db.write('cancel retries', 'DELETE FROM retries WHERE task = ? AND due_at IS NOT NULL');
	const move = db.write('move retries', 'UPDATE retries SET task = ? WHERE task = ?');
	const drop = db.write('drop retries', 'DELETE FROM retries WHERE task = ?');
	return {
		plan(profile, task, source, { messageId, tries: count, dueAt }) {
			none = false;
			plan.run(profile, messageId, task, source, count, Math.trunc(dueAt));
		},
		sent: (profile, messageId) => void sent.run(profile, messageId),
		tries(profile, messageId) {
			none ??= any.get() === undefined;
			return none ? 0 : (tries.get(profile, messageId)?.tries ?? 0);
		},
		cancel: (task) => cancel.run(task).changes > 0,
		move: (from, to) => void move.run(to, from),
		drop: (task) => void drop.run(task),
		forget() {
			none = null;
		},
	};
}
