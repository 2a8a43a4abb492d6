/**
 * An entry of aa-taskmonitor's task log: one finished run of a task, as its CSV export has it. A task that was retried twice and
 * succeeded has three of them under one task id.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import { type CsvCell, type CsvLayout, csvLine } from '../csv.ts';

/** The three ends that are logged, by the label that the export writes. */
export type EntryState = 'success' | 'retry' | 'failure';

export interface LogEntry {
	readonly id: number;
	readonly appName: string;
	/** Class name without its module; empty: none. A retry has `Retry`. */
	readonly exception: string;
	readonly parentId: string | null;
	readonly priority: number | null;
	readonly retries: number;
	/** Epoch ms, with fractions down to a microsecond. */
	readonly received: number | null;
	/** Seconds. */
	readonly runtime: number | null;
	readonly started: number | null;
	readonly state: EntryState;
	readonly taskId: string;
	readonly taskName: string;
	/** When the entry was made: the end of the run. */
	readonly timestamp: number;
}

/** Columns in their order. */
export const ENTRY_COLUMNS = [
	'id',
	'app_name',
	'exception',
	'parent_id',
	'priority',
	'retries',
	'received',
	'runtime',
	'started',
	'state',
	'task_id',
	'task_name',
	'timestamp',
] as const;

/** The file's first line. */
export function entryHeader(layout: CsvLayout): string {
	return csvLine(ENTRY_COLUMNS, layout);
}

/** One line of the file. */
export function entryLine(entry: LogEntry, layout: CsvLayout): string {
	const cells: readonly CsvCell[] = [
		entry.id,
		entry.appName,
		entry.exception,
		entry.parentId,
		entry.priority,
		entry.retries,
		moment(entry.received),
		entry.runtime === null ? null : pythonFloat(entry.runtime),
		moment(entry.started),
		entry.state,
		entry.taskId,
		entry.taskName,
		moment(entry.timestamp),
	];
	return csvLine(cells, layout);
}

/** `YYYY-MM-DD HH:MM:SS[.ffffff]+00:00`, as Python prints a moment in UTC. Not a number or out of reach: null. */
export function moment(ms: number | null): string | null {
	if (ms === null || !Number.isFinite(ms) || Math.abs(ms) > 8.64e15) return null;
	const micros = Math.round(ms * 1000);
	const seconds = Math.floor(micros / 1_000_000);
	const fraction = micros - seconds * 1_000_000;
	const text = new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ');
	return `${text}${fraction === 0 ? '' : `.${String(fraction).padStart(6, '0')}`}+00:00`;
}

/** A float as Python prints one: `1.0`, not `1`. Exponents do not occur in runtimes worth logging. */
function pythonFloat(value: number): CsvCell {
	return Number.isInteger(value) ? value.toFixed(1) : value;
}

/** Reads a record of the file; the columns may stand in any order. `invalid-input` says which column is wrong. */
export function readEntry(record: readonly string[], header: readonly string[]): Result<LogEntry> {
	if (record.length !== header.length) {
		return wrong('columns', `has ${record.length} of them, and the first line names ${header.length}`);
	}
	const cell = (name: (typeof ENTRY_COLUMNS)[number]) => record[header.indexOf(name)] ?? '';
	const state = cell('state');
	if (state !== 'success' && state !== 'retry' && state !== 'failure') {
		return wrong('state', `"${state}" is none of success, retry, failure`);
	}
	const taskId = cell('task_id');
	if (taskId === '' || taskId.length > 400) return wrong('task_id', 'is empty or too long');
	const numbers: Record<string, number | null> = {};
	for (const name of ['id', 'priority', 'retries', 'runtime'] as const) {
		const text = cell(name);
		const value = text === '' ? null : Number(text);
		if (value !== null && (!Number.isFinite(value) || (name !== 'runtime' && !Number.isSafeInteger(value)))) {
			return wrong(name, `"${text}" is no number`);
		}
		numbers[name] = value;
	}
	const times: Record<string, number | null> = {};
	for (const name of ['received', 'started', 'timestamp'] as const) {
		const text = cell(name);
		const at = text === '' ? null : readMoment(text);
		if (at === undefined) return wrong(name, `"${text}" is no time like 2024-02-29 12:00:00.123456+00:00`);
		times[name] = at;
	}
	const timestamp = times.timestamp ?? null;
	if (timestamp === null) return wrong('timestamp', 'is empty');
	return ok({
		id: numbers.id ?? 0,
		appName: cell('app_name'),
		exception: cell('exception'),
		parentId: cell('parent_id') === '' ? null : cell('parent_id'),
		priority: numbers.priority ?? null,
		retries: Math.max(0, numbers.retries ?? 0),
		received: times.received ?? null,
		runtime: numbers.runtime ?? null,
		started: times.started ?? null,
		state,
		taskId,
		taskName: cell('task_name'),
		timestamp,
	});
}

/** Whether a first line is this file's: all of its columns are there. */
export function isEntryHeader(header: readonly string[]): boolean {
	return ENTRY_COLUMNS.every((name) => header.includes(name));
}

const MOMENT = /^(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:\d{2})$/;

/** Epoch ms with fractions; undefined: not a moment. */
function readMoment(text: string): number | undefined {
	const found = MOMENT.exec(text);
	if (found === null) return undefined;
	const [, day, time, fraction = '', zone] = found;
	const whole = Date.parse(`${day}T${time}${zone}`);
	return Number.isNaN(whole) ? undefined : whole + Number(fraction.padEnd(6, '0')) / 1000;
}

function wrong(column: string, what: string): Result<never> {
	return fail('invalid-input', `${column}: ${what}.`, { details: { column } });
}
