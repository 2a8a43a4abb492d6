/** What others told of a task, for its detail. */

import type { ProfileId, TaskId } from '#main/domain/ids.ts';
import { byTime } from '#main/domain/observed.ts';
import type { KeptArguments, TaskDetail } from '#main/domain/task.ts';
import type { ReadHandle } from './handles.ts';
import type { ObservedLog } from './observed-log.ts';
import { profileKeyOf } from './profile-keys.ts';

/** Facts of all its messages by time, and where it stands among others; nothing where nobody told. */
export function toldOf(db: ReadHandle, task: number): Pick<TaskDetail, 'events' | 'lineage' | 'printed'> {
	const rows = db
		.read<{ body: string }>(
			'told of task',
			'SELECT e.body FROM attempts a JOIN attempt_events e ON e.attempt = a.id WHERE a.task = ? ORDER BY a.number',
		)
		.all(task);
	if (rows.length === 0) return {};
	const logs = rows.map((row) => JSON.parse(row.body) as ObservedLog);
	const call = logs.findLast((log) => log.call !== null)?.call ?? null;
	return {
		events: logs.flatMap((log) => log.facts).sort(byTime),
		...(call === null ? {} : { lineage: { rootId: call.rootId, parentId: call.parentId } }),
		...(call === null || (call.argsText === null && call.kwargsText === null)
			? {}
			: { printed: { args: call.argsText, kwargs: call.kwargsText } }),
	};
}

/** What there is of the arguments of tasks, listed or not; unknown ones left out. At most 1,000. */
export function keptArguments(db: ReadHandle, profile: ProfileId, ids: readonly TaskId[]): readonly KeptArguments[] {
	return db.snapshot(() => {
		const owner = profileKeyOf(db, profile);
		if (owner === null) return [];
		const seq = db.read<{ seq: number }>('task seq', 'SELECT seq FROM tasks WHERE profile = ? AND id = ?');
		const heads = db.read<Head>(
			'where arguments are',
			'SELECT number, message_key, has_message_id, has_message FROM attempts WHERE task = ?',
		);
		const found: KeptArguments[] = [];
		for (const id of ids.slice(0, 1_000)) {
			const task = seq.get(owner, id)?.seq;
			if (task === undefined) continue;
			const attempts = heads.all(task);
			const newest = attempts.reduce(
				(best: Head | null, one) => (best !== null && best.number > one.number ? best : one),
				null,
			);
			const message = attempts.some((one) => one.has_message === 1);
			found.push({
				id,
				message,
				messageId: newest?.has_message_id === 1 ? newest.message_key : '',
				printed: message ? null : (toldOf(db, task).printed ?? null),
			});
		}
		return found;
	});
}

interface Head {
	readonly number: number;
	readonly message_key: string;
	readonly has_message_id: number;
	readonly has_message: number;
}
