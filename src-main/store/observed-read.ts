/** What others told of a task, for its detail. */
import { byTime } from '#main/domain/observed.ts';
import type { TaskDetail } from '#main/domain/task.ts';
import type { ReadHandle } from './handles.ts';
import type { ObservedLog } from './observed-log.ts';

/** Facts of all its messages by time, and where it stands among others; nothing where nobody told. */
export function toldOf(db: ReadHandle, task: number): Pick<TaskDetail, 'events' | 'lineage'> {
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
	};
}
