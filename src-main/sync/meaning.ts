/**
 * When two values of a field are the same. There are two answers: identical as they are written, and the same by what they mean. A
 * person's spaces and quotes are kept where nobody changed what a value means, and are never a reason for a conflict.
 */
import { readJson } from '#main/dialects/json/read.ts';
import { readLiterals } from '#main/dialects/python/read.ts';
import type { Result } from '#main/domain/result.ts';
import { SCHEDULE_FIELDS, type ScheduleDefinition, type ScheduleField } from '#main/domain/schedule.ts';
import type { Recurrence } from '#main/domain/timing.ts';
import type { Value } from '#main/domain/value.ts';

/** Whether a field is written the same in both; in recurrences and the like the order of properties does not count. */
export function identical(field: ScheduleField, a: ScheduleDefinition, b: ScheduleDefinition): boolean {
	const [first, second] = [a[field], b[field]];
	if (first === second) return true;
	return typeof first === 'object' && typeof second === 'object' && plainText(first) === plainText(second);
}

/**
 * Whether a field means the same in both. Keyword arguments and options: as JSON, whatever spaces and order of keys, but digit by
 * digit (`1`, `1.0` and `1.00` are three values). Positional arguments: as Python literals, where both are some, likewise. Cron
 * expressions: but for spaces. All else: as written.
 */
export function same(field: ScheduleField, a: ScheduleDefinition, b: ScheduleDefinition): boolean {
	if (identical(field, a, b)) return true;
	switch (field) {
		case 'kwargs':
		case 'options':
			return sameText(a[field], b[field], jsonMeaning);
		case 'args':
			return sameText(a.args, b.args, literalsMeaning);
		case 'recurrence':
			return sameRecurrence(a.recurrence, b.recurrence);
		default:
			return false;
	}
}

/** Fields that are not written the same, in the order in which fields are shown. */
export function differing(a: ScheduleDefinition, b: ScheduleDefinition): readonly ScheduleField[] {
	return SCHEDULE_FIELDS.filter((field) => !identical(field, a, b));
}

/** Whether two definitions are the same to the letter. */
export function identicalDefinitions(a: ScheduleDefinition, b: ScheduleDefinition): boolean {
	return SCHEDULE_FIELDS.every((field) => identical(field, a, b));
}

/** Whether two definitions mean the same. */
export function sameDefinitions(a: ScheduleDefinition, b: ScheduleDefinition): boolean {
	return SCHEDULE_FIELDS.every((field) => same(field, a, b));
}

function sameRecurrence(a: Recurrence, b: Recurrence): boolean {
	if (a.kind === 'cron' && b.kind === 'cron') return words(a.expression) === words(b.expression);
	if (a.kind === 'foreign' && b.kind === 'foreign') return sameText(a.rule, b.rule, jsonMeaning);
	return false;
}

function words(text: string): string {
	return text.trim().split(/\s+/).join(' ');
}

/** Texts that one of their readers does not understand are the same only as they are written. */
function sameText(a: string, b: string, meaning: (text: string) => string | null): boolean {
	const first = meaning(a);
	return first !== null && first === meaning(b);
}

function jsonMeaning(text: string): string | null {
	const read = readJson(text, LIMITS);
	return read.ok ? canonical(read.value) : null;
}

function literalsMeaning(text: string): string | null {
	const read: Result<readonly Value[]> = readLiterals(text, LIMITS);
	return read.ok ? `(${read.value.map(canonical).join(',')})` : null;
}

/** Deeper values are compared as text: what is here recurses. */
const LIMITS = { depth: 200 };

/** A text that two values share exactly when they mean the same. */
function canonical(value: Value): string {
	switch (value.kind) {
		case 'none':
			return 'none';
		case 'bool':
			return value.value ? 'true' : 'false';
		case 'int':
		case 'float':
			return `${value.kind} ${value.text}`;
		case 'str':
			return JSON.stringify(value.value);
		case 'bytes':
			return `bytes ${value.base64}`;
		case 'list':
			return `[${value.items.map(canonical).join(',')}]`;
		case 'tuple':
			return `(${value.items.map(canonical).join(',')})`;
		case 'set':
		case 'frozenset':
			return `${value.kind}{${value.items.map(canonical).toSorted().join(',')}}`;
		case 'dict':
			return `{${value.entries
				.map(([key, item]) => `${canonical(key)}:${canonical(item)}`)
				.toSorted()
				.join(',')}}`;
		case 'opaque':
			return `opaque ${JSON.stringify([value.type, value.text])}`;
	}
}

/** Plain data as text, properties in order of their names. */
function plainText(value: unknown): string {
	return JSON.stringify(value, (_, part: unknown) =>
		typeof part === 'object' && part !== null && !Array.isArray(part)
			? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
			: part,
	);
}
