/** What a Celery message's headers say (protocol 2), or the members of its body (protocol 1), by their names. */
import type { CeleryMessage } from '#main/domain/celery.ts';
import type { FieldTable, FieldValue } from '#main/domain/message.ts';
import type { Value } from '#main/domain/value.ts';
import { memberOf } from './message-signatures.ts';

/** Nulls: not said. */
export interface MessageFacts
	extends Pick<
		CeleryMessage,
		| 'retries'
		| 'eta'
		| 'expires'
		| 'group'
		| 'groupIndex'
		| 'rootId'
		| 'parentId'
		| 'timeLimits'
		| 'shadow'
		| 'origin'
		| 'ignoreResult'
		| 'argsRepr'
		| 'kwargsRepr'
		| 'custom'
		| 'doubts'
	> {
	readonly task: string | null;
	readonly id: string | null;
	readonly compression: string | null;
}

/** Celery's own headers; `stamps` is shown with the others where it holds some. */
const OWN = new Set([
	'lang',
	'task',
	'id',
	'shadow',
	'eta',
	'expires',
	'group',
	'group_index',
	'retries',
	'timelimit',
	'root_id',
	'parent_id',
	'argsrepr',
	'kwargsrepr',
	'origin',
	'ignore_result',
	'replaced_task_nesting',
	'stamped_headers',
	'compression',
]);

/** The facts in headers. */
export function headerFacts(headers: FieldTable): MessageFacts {
	return factsOf(
		(name) => valueOfField(headers.find(([key]) => key === name)?.[1]),
		headers.filter(([name, value]) => !OWN.has(name) && !(name === 'stamps' && isEmpty(value))),
	);
}

/** The facts in a body of protocol 1. */
export function bodyFacts(body: Value): MessageFacts {
	return factsOf((name) => memberOf(body, name), []);
}

function isEmpty(value: FieldValue): boolean {
	return value.type === 'void' || (value.type === 'table' && value.fields.length === 0);
}

function factsOf(read: (name: string) => Value | null, custom: FieldTable): MessageFacts {
	const doubts: string[] = [];
	const text = (name: string): string | null => {
		const value = read(name);
		if (value === null || value.kind === 'none') return null;
		if (value.kind === 'str') return value.value;
		if (value.kind === 'int' || value.kind === 'float' || value.kind === 'opaque') return value.text;
		doubts.push(`Its "${name}" is a ${value.kind}; it should be text.`);
		return null;
	};
	const whole = (name: string): number | null => {
		const value = read(name);
		if (value === null || value.kind === 'none') return null;
		const number = value.kind === 'int' ? Number(value.text) : Number.NaN;
		if (Number.isSafeInteger(number)) return number;
		doubts.push(`Its "${name}" is no whole number.`);
		return null;
	};
	const moment = (name: string): string | null => {
		const found = text(name);
		const kind = read(name)?.kind;
		if (found !== null && kind === 'str' && !MOMENT.test(found)) {
			const lost =
				found === 'undefined' ? ' It passed through RabbitMQ’s management API, which turns nulls into text.' : '';
			doubts.push(`Its "${name}" is "${found.slice(0, 40)}", which is no time; a worker refuses the message.${lost}`);
		}
		return found;
	};
	const task = text('task');
	const limits = read('timelimit');
	const pair = limits?.kind === 'list' || limits?.kind === 'tuple' ? limits.items : [];
	const ignore = read('ignore_result');
	return {
		task: task === null || task.trim() === '' ? null : task,
		id: text('id') || null,
		compression: text('compression'),
		retries: whole('retries'),
		eta: moment('eta'),
		expires: moment('expires'),
		group: text('group') ?? text('taskset'),
		groupIndex: whole('group_index'),
		rootId: text('root_id'),
		parentId: text('parent_id'),
		timeLimits: { hard: secondsOf(pair[0], doubts), soft: secondsOf(pair[1], doubts) },
		shadow: text('shadow'),
		origin: text('origin'),
		ignoreResult: ignore?.kind === 'bool' ? ignore.value : null,
		argsRepr: text('argsrepr'),
		kwargsRepr: text('kwargsrepr'),
		custom,
		doubts,
	};
}

/** ISO 8601 as Celery reads it, with or without a time of day and an offset. */
const MOMENT = /^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?$/;

function secondsOf(value: Value | undefined, doubts: string[]): number | null {
	if (value === undefined || value.kind === 'none') return null;
	const seconds = value.kind === 'int' || value.kind === 'float' ? Number(value.text) : Number.NaN;
	if (Number.isFinite(seconds)) return seconds;
	doubts.push('Its time limits are no numbers.');
	return null;
}

/** A header's value in the common model; null where there is none. */
export function valueOfField(field: FieldValue | undefined, depth = 0): Value | null {
	if (field === undefined || depth > 20) return null;
	switch (field.type) {
		case 'longstr':
			return { kind: 'str', value: field.text };
		case 'bytes':
			return { kind: 'bytes', base64: field.base64 };
		case 'bool':
			return { kind: 'bool', value: field.value };
		case 'float':
		case 'double':
			// Brokers that keep headers as JSON have one kind of number.
			return Number.isSafeInteger(field.value)
				? { kind: 'int', text: String(field.value) }
				: { kind: 'float', text: String(field.value) };
		case 'int64':
		case 'timestamp':
			return { kind: 'int', text: field.text };
		case 'decimal':
			return { kind: 'float', text: String(field.digits / 10 ** field.places) };
		case 'void':
			return { kind: 'none' };
		case 'array':
			return { kind: 'list', items: field.items.map((item) => valueOfField(item, depth + 1) ?? { kind: 'none' }) };
		case 'table':
			return {
				kind: 'dict',
				entries: field.fields.map(
					([name, item]) => [{ kind: 'str', value: name }, valueOfField(item, depth + 1) ?? { kind: 'none' }] as const,
				),
			};
		default:
			return { kind: 'int', text: String(field.value) };
	}
}
