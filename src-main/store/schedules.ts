/** Schedules as lists show them. */
import { profileId } from '#main/domain/ids.ts';
import type { Recurrence, ScheduleRow } from '#main/domain/schedule.ts';
import type { ReadHandle } from './handles.ts';

interface Row {
	readonly profile: string;
	readonly book: ScheduleRow['book'];
	readonly name: string;
	readonly task: string;
	readonly queue: string;
	readonly recurrence: string;
	readonly args: string;
	readonly kwargs: string;
	readonly active: number;
	readonly last_run_at: number | null;
	readonly next_run_at: number | null;
	readonly updated_at: number;
}

/** A profile's schedules of all books: next to run first, those without a next time last. */
export function scheduleRows(db: ReadHandle, profile: string): readonly ScheduleRow[] {
	return db
		.read<Row>(
			'schedules',
			'SELECT * FROM schedules WHERE profile = ? ORDER BY next_run_at IS NULL, next_run_at, name, book',
		)
		.all(profile)
		.map((row) => ({
			profile: profileId(row.profile),
			name: row.name,
			task: row.task,
			queue: row.queue,
			recurrence: JSON.parse(row.recurrence) as Recurrence,
			argsJson: row.args,
			kwargsJson: row.kwargs,
			active: row.active === 1,
			book: row.book,
			lastRunAt: row.last_run_at,
			nextRunAt: row.next_run_at,
			updatedAt: row.updated_at,
		}));
}
