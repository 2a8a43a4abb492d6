/**
 * RedBeat's entries: the JSON of a `definition` and of a `meta`, as schedules and back. A definition that is there is changed member by
 * member, so that digits, unknown keys and spacing of all that was not edited stay as they are; and nothing is written on which beat
 * would stumble.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import { NEW_SCHEDULE, type ScheduleDefinition, type ScheduleField } from '#main/domain/schedule.ts';
import type { Value } from '#main/domain/value.ts';
import { editMembers, membersOf, memberText } from '../json/members.ts';
import { readJson } from '../json/read.ts';
import { quoteJson, writeJson } from '../json/write.ts';
import { readLiterals } from '../python/read.ts';
import { writeLiteral } from '../python/write.ts';
import { type BeatProblem, beatProblems, EFFECTS } from './beat-check.ts';
import { type BeatWorld, entryOf } from './beat-types.ts';
import { isTrue, readRule, writeRule } from './redbeat-rule.ts';

/** What reading and writing have to be told. */
export interface RedbeatWorld extends BeatWorld {
	/** The app's time zone, in which its crontabs are read: the zone of every schedule there. */
	readonly zone: string;
}

/** A definition as it was read, and what beat will make of it. */
export interface RedbeatEntry {
	readonly definition: ScheduleDefinition;
	readonly problems: readonly BeatProblem[];
}

/** Options of apply_async that are fields of a schedule. */
const LIFTED = { queue: 'queue', exchange: 'exchange', routing_key: 'routingKey', priority: 'priority' } as const;

/**
 * Reads the `definition` that is kept under the key of `name`. Fails (`undecodable`) only for what is no schedule at all: no JSON, no
 * object, arguments or options of the wrong kind. Everything else is read, with what is wrong among `problems`.
 */
export function readRedbeat(text: string, name: string, world: RedbeatWorld): Result<RedbeatEntry> {
	const read = readJson(text);
	if (!read.ok) return fail('undecodable', `The definition is no JSON: ${read.error.message} ${EFFECTS.ends}.`);
	const document = read.value;
	if (document.kind !== 'dict') return fail('undecodable', `The definition is no JSON object. ${EFFECTS.ends}.`);
	const problems = beatProblems(document, name, world);
	const args = entryOf(document.entries, 'args');
	const kwargs = entryOf(document.entries, 'kwargs');
	const options = entryOf(document.entries, 'options');
	const shapes: readonly (readonly [ScheduleField, Value | undefined, Value['kind']])[] = [
		['args', args, 'list'],
		['kwargs', kwargs, 'dict'],
		['options', options, 'dict'],
	];
	for (const [field, value, kind] of shapes) {
		if (value === undefined || value.kind === 'none' || value.kind === kind) continue;
		const said = problems.find((problem) => problem.field === field && problem.effect === 'fails');
		return fail('undecodable', `${said?.message ?? `${field} is of the wrong kind.`} ${EFFECTS.fails}.`);
	}
	const task = entryOf(document.entries, 'task');
	const enabled = entryOf(document.entries, 'enabled');
	const routed = readOptions(options?.kind === 'dict' ? (memberText(text, 'options') ?? '{}') : '{}');
	return ok({
		problems,
		definition: {
			...NEW_SCHEDULE,
			name,
			task: task?.kind === 'str' ? task.value : '',
			...routed,
			recurrence: readRule(memberText(text, 'schedule') ?? 'null'),
			zone: world.zone,
			args: args?.kind === 'list' ? args.items.map(writeLiteral).join(', ') : '',
			kwargs: kwargs?.kind === 'dict' ? (memberText(text, 'kwargs') ?? '{}') : '{}',
			active: enabled === undefined || isTrue(enabled),
		},
	});
}

type Routed = Pick<ScheduleDefinition, 'queue' | 'exchange' | 'routingKey' | 'priority' | 'options'>;

/** The options' own fields, and the rest as text. An option that its field cannot hold (no text, empty) stays in the rest. */
function readOptions(text: string): Routed {
	const texts = { queue: '', exchange: '', routingKey: '' };
	let priority: number | null = null;
	const read = readJson(text);
	const lifted: Record<string, null> = {};
	for (const [key, field] of Object.entries(LIFTED)) {
		const value = read.ok && read.value.kind === 'dict' ? entryOf(read.value.entries, key) : undefined;
		if (field === 'priority') {
			if (value?.kind !== 'int' || !isPriority(Number(value.text))) continue;
			priority = Number(value.text);
		} else {
			if (value?.kind !== 'str' || value.value === '') continue;
			texts[field] = value.value;
		}
		lifted[key] = null;
	}
	return { ...texts, priority, options: Object.keys(lifted).length === 0 ? text : editMembers(text, lifted) };
}

function isPriority(number: number): boolean {
	return Number.isInteger(number) && number >= 0 && number <= 255;
}

/** A definition that is to be changed: its text, and the name of its key. */
export interface RedbeatBefore {
	readonly text: string;
	readonly name: string;
}

/**
 * The `definition` text of a schedule. `before` is what is kept now: all that did not change in the schedule keeps its bytes; null makes
 * a new one, in RedBeat's order. Fails (`invalid-input`, `details.problems` with a field and a message each) for everything on which
 * beat would stumble and for what RedBeat cannot keep.
 */
export function writeRedbeat(
	definition: ScheduleDefinition,
	before: RedbeatBefore | null,
	world: RedbeatWorld,
): Result<string> {
	const problems: { readonly field: ScheduleField; readonly message: string }[] = [];
	const was = before === null ? null : readRedbeat(before.text, before.name, world);
	if (was !== null && !was.ok) return was;
	const old = was?.value.definition ?? null;
	const changes: Record<string, string> = {};
	const part = (field: ScheduleField, key: string, made: () => Result<string>) => {
		const result = made();
		if (result.ok) changes[key] = result.value;
		else problems.push({ field, message: result.error.message });
	};
	const oldName = before === null ? null : memberText(before.text, 'name');
	const name = quoteJson(definition.name, false);
	if (oldName === null || !sameText(oldName, definition.name)) changes.name = name;
	if (old?.task !== definition.task) changes.task = quoteJson(definition.task, false);
	if (old?.args !== definition.args) part('args', 'args', () => writeArgs(definition.args));
	if (old?.kwargs !== definition.kwargs)
		part('kwargs', 'kwargs', () => objectText(definition.kwargs, 'Keyword arguments'));
	const oldOptions = before === null ? null : memberText(before.text, 'options');
	if (
		old === null ||
		(Object.values(LIFTED) as (keyof Routed)[]).concat('options').some((at) => old[at] !== definition[at])
	) {
		part('options', 'options', () => writeOptions(definition, old, oldOptions));
	}
	if (old === null || JSON.stringify(old.recurrence) !== JSON.stringify(definition.recurrence)) {
		const rule = before === null ? null : memberText(before.text, 'schedule');
		part('recurrence', 'schedule', () => writeRule(definition.recurrence, rule));
	}
	if (old?.active !== definition.active) changes.enabled = definition.active ? 'true' : 'false';
	if (problems.length > 0) return refused(problems);

	const text = editMembers(before?.text ?? '{}', changes);
	const written = readJson(text);
	if (!written.ok) return written;
	const known = was?.value.problems.map(({ unknownKey }) => unknownKey) ?? [];
	for (const problem of beatProblems(written.value, definition.name, world)) {
		// A key that stood there before is somebody's, and beat has met it.
		if (problem.unknownKey !== undefined && known.includes(problem.unknownKey)) continue;
		problems.push({ field: problem.field, message: `${problem.message} ${EFFECTS[problem.effect]}.` });
	}
	return problems.length > 0 ? refused(problems) : ok(text);
}

function refused(problems: readonly { readonly field: ScheduleField; readonly message: string }[]): Result<never> {
	const first = problems[0]?.message ?? '';
	const more = problems.length > 1 ? ` (And ${problems.length - 1} more.)` : '';
	return fail('invalid-input', first + more, { details: { problems } });
}

/** The definition as RedBeat would give it back: literals, spacing and units in the form in which they are read. */
export function asRedbeatKeeps(definition: ScheduleDefinition, world: RedbeatWorld): ScheduleDefinition {
	const text = writeRedbeat(definition, null, world);
	const read = text.ok ? readRedbeat(text.value, definition.name, world) : text;
	return read.ok ? read.value.definition : definition;
}

function writeArgs(literals: string): Result<string> {
	const values = readLiterals(literals);
	return values.ok ? writeJson({ kind: 'list', items: values.value }, 'compact', 'args') : values;
}

/** A JSON object's text as a person wrote it; refuses all else. */
function objectText(text: string, what: string): Result<string> {
	const read = readJson(text, { duplicates: 'refuse' });
	if (!read.ok) return read;
	if (read.value.kind !== 'dict')
		return fail('invalid-input', `${what} are a JSON object: {"name": value}; {} for none.`);
	return ok(text.trim());
}

function writeOptions(
	definition: ScheduleDefinition,
	old: ScheduleDefinition | null,
	oldText: string | null,
): Result<string> {
	const rest = objectText(definition.options, 'Options');
	if (!rest.ok) return rest;
	const here = readOptions(rest.value);
	const same = old !== null && old.options === definition.options;
	const members: Record<string, string | null> = {};
	for (const [key, field] of Object.entries(LIFTED)) {
		const value = definition[field];
		const set = value !== '' && value !== null;
		const held = memberText(rest.value, key) !== null;
		if (here[field] !== '' && here[field] !== null) {
			return fail('invalid-input', `The options hold "${key}", which has a field of its own: write it there.`);
		}
		if (held && set) return fail('invalid-input', `The options hold "${key}" too: take it out of there.`);
		if (set) members[key] = typeof value === 'string' ? quoteJson(value, false) : String(value);
		else if (same && old[field] !== value) members[key] = null;
	}
	if (same && oldText?.startsWith('{')) {
		for (const [key, field] of Object.entries(LIFTED)) if (old[field] === definition[field]) delete members[key];
		return ok(editMembers(oldText, members));
	}
	const front = Object.entries(members).flatMap(([key, text]) => (text === null ? [] : [`"${key}":${text}`]));
	if (front.length === 0) return ok(rest.value);
	const inner = rest.value.slice(1);
	return ok(`{${front.join(',')}${membersOf(rest.value).length === 0 ? '}' : `,${inner}`}`);
}

function sameText(literal: string, text: string): boolean {
	const read = readJson(literal);
	return read.ok && read.value.kind === 'str' && read.value.value === text;
}
