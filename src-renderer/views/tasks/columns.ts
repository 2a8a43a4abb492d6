/** The columns of each task list, widest lists first to lose the least needed. */
import type { TaskSortField } from '#main/domain/page.ts';
import type { ListView } from '../../state/route.svelte.ts';

export type ColumnId =
	| 'state'
	| 'when'
	| 'priority'
	| 'task'
	| 'exception'
	| 'arguments'
	| 'queue'
	| 'runtime'
	| 'attempts';

export interface Column {
	readonly id: ColumnId;
	readonly label: string;
	/** A grid track. */
	readonly width: string;
	readonly field?: TaskSortField;
	readonly align?: 'end';
	/** The narrowest list, in px, that has room for it. */
	readonly from: number;
}

const STATE: Column = { id: 'state', label: 'State', width: '18px', from: 0 };
const TASK: Column = { id: 'task', label: 'Task', width: 'minmax(140px, 1.3fr)', field: 'name', from: 0 };
const ARGUMENTS: Column = { id: 'arguments', label: 'Arguments', width: 'minmax(120px, 1.6fr)', from: 620 };
const QUEUE: Column = { id: 'queue', label: 'Queue', width: 'minmax(64px, 0.5fr)', field: 'queue', from: 820 };
const RUNTIME: Column = { id: 'runtime', label: 'Ran', width: '76px', field: 'runtimeMs', align: 'end', from: 520 };

export const COLUMNS: Readonly<Record<ListView, readonly Column[]>> = {
	queued: [
		STATE,
		{ id: 'priority', label: 'Priority', width: '64px', field: 'priority', align: 'end', from: 480 },
		TASK,
		ARGUMENTS,
		QUEUE,
		{ id: 'when', label: 'Waiting since', width: '104px', field: 'publishedAt', align: 'end', from: 380 },
	],
	failed: [
		STATE,
		{ id: 'when', label: 'Failed', width: '84px', field: 'finishedAt', from: 380 },
		TASK,
		{ id: 'exception', label: 'Exception', width: 'minmax(140px, 1.7fr)', from: 480 },
		{ ...ARGUMENTS, width: 'minmax(100px, 1.1fr)', from: 860 },
		{ ...QUEUE, from: 980 },
		RUNTIME,
	],
	completed: [
		STATE,
		{ id: 'when', label: 'Completed', width: '96px', field: 'finishedAt', from: 380 },
		TASK,
		ARGUMENTS,
		QUEUE,
		{ id: 'attempts', label: 'Attempts', width: '72px', align: 'end', from: 900 },
		RUNTIME,
	],
	all: [
		STATE,
		{ id: 'when', label: 'Latest', width: '84px', from: 380 },
		TASK,
		ARGUMENTS,
		{ id: 'exception', label: 'Exception', width: 'minmax(120px, 1fr)', from: 900 },
		QUEUE,
		{ id: 'attempts', label: 'Attempts', width: '72px', align: 'end', from: 980 },
		RUNTIME,
	],
};

/** The columns that a list of this width has room for, with the tick before them. */
export function columnsFor(view: ListView, width: number): readonly Column[] {
	return COLUMNS[view].filter((column) => column.from <= width);
}

/** The grid template of header and rows. */
export function template(columns: readonly Column[]): string {
	return ['28px', ...columns.map((column) => column.width)].join(' ');
}
