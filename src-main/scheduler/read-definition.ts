/** Reads a definition that somebody else wrote, strictly: every field, of its kind, and no others. Pure. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import { SCHEDULE_FIELDS, type ScheduleDefinition, type ScheduleField } from '#main/domain/schedule.ts';
import { INTERVAL_UNITS } from '#main/domain/timing.ts';

/** What a field's value should be, in words; null: it is that. */
type Check = (value: unknown) => string | null;

const text: Check = (value) => (typeof value === 'string' ? null : 'a text');
const number: Check = (value) => (typeof value === 'number' && Number.isFinite(value) ? null : 'a number');
const flag: Check = (value) => (typeof value === 'boolean' ? null : 'true or false');
const orNull =
	(check: Check): Check =>
	(value) => {
		const wrong = value === null ? null : check(value);
		return wrong === null ? null : `${wrong}, or null`;
	};
const oneOf =
	(names: readonly string[]): Check =>
	(value) =>
		typeof value === 'string' && names.includes(value) ? null : `one of ${names.join(', ')}`;

/** An object with a `kind`, and with exactly the other members that this kind has. */
const union =
	(kinds: Readonly<Record<string, Readonly<Record<string, Check>>>>): Check =>
	(value) => {
		const members = membersOf(value);
		const kind = members?.get('kind');
		const checks = typeof kind === 'string' && Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
		if (members === null || checks === undefined)
			return `an object whose kind is one of ${Object.keys(kinds).join(', ')}`;
		for (const [name, check] of Object.entries(checks)) {
			const wrong = check(members.get(name));
			if (wrong !== null) return `an object whose ${name} is ${wrong}`;
		}
		const strange = [...members.keys()].find((name) => name !== 'kind' && !Object.hasOwn(checks, name));
		return strange === undefined ? null : `an object without "${strange}"`;
	};

const CHECKS: Readonly<Record<ScheduleField, Check>> = {
	name: text,
	task: text,
	queue: text,
	exchange: text,
	routingKey: text,
	priority: orNull(number),
	recurrence: union({
		every: { count: number, unit: oneOf(INTERVAL_UNITS), align: oneOf(['clock', 'last-run']) },
		cron: { expression: text },
		once: { at: number },
		foreign: { rule: text },
	}),
	zone: text,
	startAt: orNull(number),
	endAt: orNull(number),
	jitterMs: number,
	missed: union({ skip: {}, once: {}, all: { most: number } }),
	args: text,
	kwargs: text,
	options: text,
	active: flag,
	description: text,
};

/** The definition that a parsed JSON value is; `undecodable` says what is wrong with it. */
export function readDefinition(value: unknown): Result<ScheduleDefinition> {
	const members = membersOf(value);
	if (members === null) return fail('undecodable', 'The definition should be an object.');
	for (const field of SCHEDULE_FIELDS) {
		if (!members.has(field)) return fail('undecodable', `The definition has no "${field}".`);
		const wrong = CHECKS[field](members.get(field));
		if (wrong !== null) return fail('undecodable', `In the definition "${field}" should be ${wrong}.`);
	}
	const strange = [...members.keys()].find((name) => !Object.hasOwn(CHECKS, name));
	if (strange !== undefined) {
		return fail('undecodable', `The definition has "${strange}", which this version does not know.`);
	}
	return ok(value as ScheduleDefinition);
}

function membersOf(value: unknown): ReadonlyMap<string, unknown> | null {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
	return new Map(Object.entries(value));
}
