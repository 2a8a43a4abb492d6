/** Schedules as text in carrot's own form: the fields of its API as a JSON array, which people and scripts can post one by one. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ScheduleDefinition } from '#main/domain/schedule.ts';
import type { Value } from '#main/domain/value.ts';
import { readJson } from '../json/read.ts';
import { writeJson } from '../json/write.ts';
import { definitionOfRow, fieldsOfDefinition, nameOfRow, remarksOfRow, type ScheduleRow } from './schedules.ts';

/** What was written, and one sentence for each schedule that carrot's form cannot hold. */
export interface CarrotExport {
	readonly text: string;
	readonly skipped: readonly string[];
}

/** Writes schedules as the API takes them. One that carrot could not keep as it is is left out, never changed to fit. */
export function exportCarrot(definitions: readonly ScheduleDefinition[]): CarrotExport {
	const rows: unknown[] = [];
	const skipped: string[] = [];
	for (const definition of definitions) {
		const fields = fieldsOfDefinition(definition);
		if (!fields.ok) {
			skipped.push(`${definition.name}: ${fields.error.message}`);
			continue;
		}
		const { name, task, queue, exchange, routingKey, intervalType, intervalCount, argsText, content, active } =
			fields.value;
		rows.push({
			task_name: name,
			task,
			queue,
			exchange,
			routing_key: routingKey,
			interval_type: intervalType,
			interval_count: intervalCount,
			task_args: argsText,
			content,
			active,
		});
	}
	return { text: `${JSON.stringify(rows, null, 2)}\n`, skipped };
}

/** Schedules that were read from text. */
export interface CarrotImport {
	readonly definitions: readonly ScheduleDefinition[];
	/** Entries that are no schedules: what they are called, or which they are, and why. */
	readonly refused: readonly { readonly name: string; readonly reason: string }[];
	/** What a person should know about those that were read, by name. */
	readonly notes: readonly string[];
}

/**
 * Reads what `exportCarrot` wrote, a page of `GET api/scheduled-tasks/`, one row of it, or rows that Django's `dumpdata` wrote.
 * Fails (`invalid-input`, with line and column where the JSON is broken) when it is none of these.
 */
export function readCarrotExport(text: string): Result<CarrotImport> {
	const read = readJson(text);
	if (!read.ok) return read;
	const found = rowsIn(read.value);
	if (found === null) {
		return fail(
			'invalid-input',
			'This holds no schedules of carrot. It should be a JSON array of objects with task, queue, interval_type and interval_count, or a page of api/scheduled-tasks/.',
		);
	}
	const definitions: ScheduleDefinition[] = [];
	const refused: CarrotImport['refused'][number][] = [];
	const notes: string[] = [...found.notes];
	for (const [index, value] of found.rows.entries()) {
		const row = rowOf(value, index + 1);
		if (!row.ok) {
			const named = member(member(value, 'fields') ?? value, 'task_name');
			const name = named?.kind === 'str' && named.value !== '' ? named.value : `number ${index + 1}`;
			refused.push({ name, reason: row.error.message });
			continue;
		}
		definitions.push(definitionOfRow(row.value));
		notes.push(...remarksOfRow(row.value).map((remark) => `${nameOfRow(row.value)}: ${remark.words}`));
	}
	return ok({ definitions, refused, notes });
}

/** Whether parsed JSON looks like something that `readCarrotExport` reads: for telling forms apart, before reading one. */
export function isCarrotExport(json: unknown): boolean {
	if (typeof json !== 'object' || json === null) return false;
	const { results } = json as { readonly results?: unknown };
	const items = Array.isArray(json) ? json : Array.isArray(results) ? results : [json];
	return items.some((item: unknown) => {
		if (typeof item !== 'object' || item === null) return false;
		const { fields = item } = item as { readonly fields?: unknown };
		return typeof fields === 'object' && fields !== null && 'task' in fields && 'interval_type' in fields;
	});
}

function rowsIn(value: Value): { readonly rows: readonly Value[]; readonly notes: readonly string[] } | null {
	if (value.kind === 'list') return { rows: value.items, notes: [] };
	const results = member(value, 'results');
	if (results?.kind !== 'list') return member(value, 'task') === null ? null : { rows: [value], notes: [] };
	const ends = [member(value, 'next'), member(value, 'previous')].filter((one) => one !== null && one.kind === 'str');
	const note = 'This is one page of several: the schedules of the other pages are not in it.';
	return { rows: results.items, notes: ends.length === 0 ? [] : [note] };
}

function rowOf(value: Value, position: number): Result<ScheduleRow> {
	const fields = member(value, 'fields') ?? value;
	if (fields.kind !== 'dict') return fail('invalid-input', 'It is no object.');
	const texts: Record<'task_name' | 'task' | 'queue' | 'exchange' | 'routing_key' | 'task_args', string | null> = {
		task_name: null,
		task: null,
		queue: null,
		exchange: null,
		routing_key: null,
		task_args: null,
	};
	for (const name of Object.keys(texts) as (keyof typeof texts)[]) {
		const found = member(fields, name);
		if (found === null || found.kind === 'none') continue;
		if (found.kind !== 'str') return fail('invalid-input', `Its ${name} should be a text.`);
		texts[name] = found.value;
	}
	if (texts.task === null || texts.task === '') return fail('invalid-input', 'It names no task.');
	const count = member(fields, 'interval_count');
	const intervalCount = count?.kind === 'int' ? Number(count.text) : Number.NaN;
	if (!Number.isSafeInteger(intervalCount) || intervalCount < 0) {
		return fail('invalid-input', 'Its interval_count should be a whole number.');
	}
	const type = member(fields, 'interval_type');
	if (type?.kind !== 'str')
		return fail('invalid-input', 'Its interval_type should be seconds, minutes, hours or days.');
	const active = member(fields, 'active');
	if (active !== null && active.kind !== 'bool') return fail('invalid-input', 'Its active should be true or false.');
	const content = contentIn(member(fields, 'content'));
	if (!content.ok) return content;
	const id = member(value, 'id') ?? member(value, 'pk');
	return ok({
		id: id?.kind === 'int' && Number.isSafeInteger(Number(id.text)) ? Number(id.text) : position,
		name: texts.task_name,
		keepsName: true,
		task: texts.task,
		queue: texts.queue,
		exchange: texts.exchange,
		routingKey: texts.routing_key,
		intervalCount,
		intervalType: type.value,
		argsText: texts.task_args,
		content: content.value,
		active: active?.value ?? true,
	});
}

/** Keyword arguments: JSON in a text, as the API has them, or an object, as people write them. */
function contentIn(value: Value | null): Result<string | null> {
	if (value === null || value.kind === 'none') return ok(null);
	if (value.kind === 'str') return ok(value.value);
	if (value.kind !== 'dict') return fail('invalid-input', 'Its content should be an object, or an object in a text.');
	return writeJson(value, 'readable', 'content');
}

function member(value: Value, name: string): Value | null {
	if (value.kind !== 'dict') return null;
	return value.entries.find(([key]) => key.kind === 'str' && key.value === name)?.[1] ?? null;
}
