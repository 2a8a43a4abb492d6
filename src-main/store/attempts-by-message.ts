/**
 * The attempts of a message. Mostly the message named its task, so that they are found through it and need no index of their own;
 * those of other messages (`stray`) have one.
 */
import type { ReadHandle } from './handles.ts';

/** SQL over `attempts`: whether a row's message is another than the one that its task is called by. Takes the task's number. */
export const STRAY = 'message_key IS NOT (SELECT id FROM tasks WHERE seq = ?)';

/** Reads the attempts of a message, in no promised order. Each statement keeps to one table, so that it is compiled once. */
export function attemptsByMessage<Row>(
	db: ReadHandle,
	columns: string,
): (profile: number, key: string) => readonly Row[] {
	const named = db.read<{ seq: number }>('task of a message', 'SELECT seq FROM tasks WHERE profile = ? AND id = ?');
	const own = db.read<Row>(
		'attempts of a task by its message',
		`SELECT ${columns} FROM attempts WHERE task = ? AND stray = 0`,
	);
	const stray = db.read<Row>(
		'attempts by other messages',
		`SELECT ${columns} FROM attempts INDEXED BY attempts_stray WHERE profile = ? AND message_key = ? AND stray = 1`,
	);
	return (profile, key) => {
		const others = stray.all(profile, key);
		const task = named.get(profile, key);
		return task === undefined ? others : [...own.all(task.seq), ...others];
	};
}
