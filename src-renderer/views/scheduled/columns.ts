/** The columns of the list of schedules, and which of them stand where it is narrow. */
import type { ScheduleSortField } from '../../state/schedule-list.svelte.ts';

export type ScheduleColumnId = 'active' | 'schedule' | 'timing' | 'next' | 'last' | 'queue' | 'sync';

export interface ScheduleColumn {
	readonly id: ScheduleColumnId;
	readonly label: string;
	readonly width: string;
	readonly sort?: ScheduleSortField;
	/** Needs a list at least this wide, in px. */
	readonly from: number;
}

export const SCHEDULE_COLUMNS: readonly ScheduleColumn[] = [
	{ id: 'active', label: 'Active', width: '28px', from: 0 },
	{ id: 'schedule', label: 'Schedule', width: 'minmax(0, 1.3fr)', sort: 'name', from: 0 },
	{ id: 'timing', label: 'Runs', width: 'minmax(0, 1.2fr)', from: 520 },
	{ id: 'next', label: 'Next', width: '118px', sort: 'next', from: 0 },
	{ id: 'last', label: 'Last', width: '104px', sort: 'last', from: 760 },
	{ id: 'queue', label: 'Queue', width: 'minmax(0, 0.6fr)', sort: 'queue', from: 940 },
	{ id: 'sync', label: 'Book', width: '74px', from: 420 },
];

/** The columns that a list of this width has room for. */
export function columnsFor(width: number): readonly ScheduleColumn[] {
	return SCHEDULE_COLUMNS.filter((column) => column.from <= width);
}

/** The grid template of some columns, with the tick before them. */
export function template(columns: readonly ScheduleColumn[]): string {
	return ['20px', ...columns.map((column) => column.width)].join(' ');
}

export const SORT_WORDS: Readonly<Record<ScheduleSortField, string>> = {
	next: 'next run',
	name: 'name',
	task: 'task',
	queue: 'queue',
	last: 'last run',
};
