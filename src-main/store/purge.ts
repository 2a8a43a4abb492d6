/** Takes the history of removed profiles away, a few tasks at a time. */
import type { CountKeeper } from './counts.ts';
import type { WriteHandle } from './handles.ts';
import type { ProfileKeys } from './profile-keys.ts';
import type { SearchIndex } from './search-index.ts';
import type { SeenKeeper } from './seen.ts';

/** Works in the open transaction; true while there is more to do. */
export function purger(
	db: WriteHandle,
	keepers: {
		readonly keys: ProfileKeys;
		readonly counts: CountKeeper;
		readonly seen: SeenKeeper;
		readonly search: SearchIndex;
	},
): (limit: number) => boolean {
	const tasks = db.read<{ seq: number }>('tasks to purge', 'SELECT seq FROM tasks WHERE profile = ? LIMIT ?');
	const ofAttempts = ['log_lines', 'messages', 'attempt_texts'].map((table) =>
		db.write(`purge ${table}`, `DELETE FROM ${table} WHERE attempt IN (SELECT id FROM attempts WHERE task = ?)`),
	);
	const attempts = db.write('purge attempts', 'DELETE FROM attempts WHERE task = ?');
	const texts = db.write('purge task texts', 'DELETE FROM task_texts WHERE seq = ?');
	const task = db.write('purge task', 'DELETE FROM tasks WHERE seq = ?');
	return (limit) => {
		const key = keepers.keys.detached();
		if (key === null) return false;
		const batch = tasks.all(key, limit);
		for (const { seq } of batch) {
			for (const statement of ofAttempts) statement.run(seq);
			attempts.run(seq);
			keepers.search.drop(seq);
			texts.run(seq);
			task.run(seq);
		}
		if (batch.length < limit) {
			keepers.counts.drop(key);
			keepers.seen.drop(key);
			keepers.keys.drop(key);
		}
		return true;
	};
}
