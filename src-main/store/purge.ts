/** Takes the history of removed profiles away, a few tasks at a time. */
import type { CountKeeper } from './counts.ts';
import type { FailureKeeper } from './failure-keeper.ts';
import type { WriteHandle } from './handles.ts';
import type { ProfileKeys } from './profile-keys.ts';
import type { QuarantineTable } from './quarantine.ts';
import type { SearchIndex } from './search-index.ts';
import type { SeenKeeper } from './seen.ts';

/** Takes one task with everything that hangs on it; counts are the caller's business. */
export function taskEraser(db: WriteHandle, search: SearchIndex): (seq: number) => void {
	const ofAttempts = ['log_lines', 'messages', 'attempt_texts', 'attempt_events', 'failures'].map((table) =>
		db.write(`purge ${table}`, `DELETE FROM ${table} WHERE attempt IN (SELECT id FROM attempts WHERE task = ?)`),
	);
	const lineage = db.write(
		'purge lineage',
		'DELETE FROM lineage WHERE (profile, key) IN (SELECT profile, message_key FROM attempts WHERE task = ?)',
	);
	const attempts = db.write('purge attempts', 'DELETE FROM attempts WHERE task = ?');
	const texts = db.write('purge task texts', 'DELETE FROM task_texts WHERE seq = ?');
	const retries = db.write('purge retries', 'DELETE FROM retries WHERE task = ?');
	const task = db.write('purge task', 'DELETE FROM tasks WHERE seq = ?');
	return (seq) => {
		for (const statement of ofAttempts) statement.run(seq);
		lineage.run(seq);
		attempts.run(seq);
		search.drop(seq);
		texts.run(seq);
		retries.run(seq);
		task.run(seq);
	};
}

/** Works in the open transaction; true while there is more to do. */
export function purger(
	db: WriteHandle,
	keepers: {
		readonly keys: ProfileKeys;
		readonly counts: CountKeeper;
		readonly seen: SeenKeeper;
		readonly search: SearchIndex;
		readonly quarantine: QuarantineTable;
		readonly failures: FailureKeeper;
	},
): (limit: number) => boolean {
	const tasks = db.read<{ seq: number }>('tasks to purge', 'SELECT seq FROM tasks WHERE profile = ? LIMIT ?');
	const erase = taskEraser(db, keepers.search);
	return (limit) => {
		const key = keepers.keys.detached();
		if (key === null) return false;
		const batch = tasks.all(key, limit);
		for (const { seq } of batch) erase(seq);
		if (batch.length < limit) {
			keepers.counts.drop(key);
			keepers.seen.drop(key);
			keepers.quarantine.drop(key);
			keepers.failures.drop(key);
			keepers.keys.drop(key);
		}
		return true;
	};
}
