/**
 * What a document of RedBeat's would do to beat. Beat decodes each entry as it comes near, and most mistakes in one raise in its loop:
 * then the whole process ends, and no schedule runs any more. So everything that raises in RedBeat 2.4, Celery 5.2 to 5.6 or dateutil
 * is found here, before it is written. Objects with a `__type__` are decoded wherever they stand, in arguments too.
 */
import type { ScheduleField } from '#main/domain/schedule.ts';
import type { Value } from '#main/domain/value.ts';
import {
	type BeatEffect,
	type BeatWorld,
	checkDatetime,
	checkRule,
	checkWeekday,
	type Entries,
	entryOf,
} from './beat-types.ts';

/** One thing that is wrong, with what would be right. */
export interface BeatProblem {
	readonly field: ScheduleField;
	readonly effect: BeatEffect;
	readonly message: string;
	/** A key of the definition that this version of RedBeat does not know; a newer one may. */
	readonly unknownKey?: string;
}

/** What each effect means, in words that begin a sentence. */
export const EFFECTS: Readonly<Record<BeatEffect, string>> = {
	ends: 'Beat ends when it reaches this, and no schedule runs any more',
	stalls: 'Every schedule is held up when beat reaches this',
	drops: 'Beat drops this from its schedule when it reaches it',
	fails: 'Beat cannot send this task when it is due',
	repeats: 'Beat sends this task over and over',
};

/** Python's reader gives up on deeper nesting at about twice this, by an error that stops every schedule. */
const DEEPEST = 400;
/** Python reads no integer that is longer. */
const DIGITS = 4_300;
/** Keys of a definition. The last three are older forms that beat still takes. */
const KEYS = ['name', 'task', 'args', 'kwargs', 'options', 'schedule', 'enabled'];
const ALSO = ['relative', 'last_run_at', 'total_run_count'];
/** What beat gives to `apply_async` itself: twice is a TypeError. */
const OWN_OPTIONS = ['args', 'kwargs', 'producer'];
const FIELD_OF: Readonly<Record<string, ScheduleField>> = {
	name: 'name',
	task: 'task',
	args: 'args',
	kwargs: 'kwargs',
	options: 'options',
	schedule: 'recurrence',
	enabled: 'active',
};

/** Everything wrong with a definition (a JSON object) that is kept under the key of `name`; empty: beat can live with it. */
export function beatProblems(definition: Value, name: string, world: BeatWorld): readonly BeatProblem[] {
	if (definition.kind !== 'dict') {
		return [{ field: 'name', effect: 'ends', message: 'A definition is a JSON object.' }];
	}
	const problems: BeatProblem[] = [];
	const wrong = (field: ScheduleField, effect: BeatEffect, message: string) =>
		void problems.push({ field, effect, message });
	const { entries } = definition;
	if (entryOf(entries, '__type__') !== undefined) {
		wrong('name', 'ends', 'A definition has no "__type__" of its own.');
	}
	for (const [key] of entries) {
		const known = key.kind === 'str' && (KEYS.includes(key.value) || ALSO.includes(key.value));
		if (key.kind === 'str' && !known && key.value !== '__type__') {
			const message = `RedBeat 2.4 knows no "${clip(key.value)}" in a definition. It knows ${KEYS.join(', ')}.`;
			problems.push({ field: 'options', effect: 'ends', message, unknownKey: key.value });
		}
	}
	const own = entryOf(entries, 'name');
	if (own?.kind !== 'str') wrong('name', 'ends', 'The definition has no name; it is the end of its key.');
	else if (own.value !== name) {
		const message = `The definition is called "${own.value}" and its key "${name}", so beat notes the run elsewhere. Both are one name.`;
		wrong('name', 'repeats', message);
	}
	const task = entryOf(entries, 'task');
	if (task?.kind !== 'str' || task.value === '') wrong('task', 'fails', 'It names no task: the dotted path of one.');
	checkArguments(entries, wrong);
	checkSchedule(entryOf(entries, 'schedule'), world, wrong);
	for (const [key, value] of entries) {
		const at = key.kind === 'str' ? key.value : '';
		walk(value, at, 1, at === 'schedule', FIELD_OF[at] ?? 'options', world, wrong);
	}
	return problems;
}

type Wrong = (field: ScheduleField, effect: BeatEffect, message: string) => void;

function checkArguments(entries: Entries, wrong: Wrong): void {
	const args = entryOf(entries, 'args');
	if (args !== undefined && args.kind !== 'list' && args.kind !== 'none') {
		wrong('args', 'fails', `args is ${shown(args)}; it should be a list.`);
	}
	const kwargs = entryOf(entries, 'kwargs');
	if (kwargs !== undefined && kwargs.kind !== 'dict' && kwargs.kind !== 'none') {
		wrong('kwargs', 'fails', `kwargs is ${shown(kwargs)}; it should be an object.`);
	}
	const options = entryOf(entries, 'options');
	if (options === undefined || options.kind === 'none') return;
	if (options.kind !== 'dict') {
		wrong('options', 'fails', `options is ${shown(options)}; it should be an object.`);
		return;
	}
	for (const key of OWN_OPTIONS) {
		if (entryOf(options.entries, key) === undefined) continue;
		const where = key === 'producer' ? 'Leave it out' : `Put them into ${key}`;
		wrong('options', 'fails', `The options hold "${key}", which beat gives by itself. ${where}.`);
	}
	for (const holder of [kwargs, options]) {
		if (holder?.kind !== 'dict' || entryOf(holder.entries, '__type__') === undefined) continue;
		const field = holder === options ? 'options' : 'kwargs';
		wrong(field, 'fails', 'A "__type__" makes beat read the whole object as something else. Name it otherwise.');
	}
}

function checkSchedule(schedule: Value | undefined, world: BeatWorld, wrong: Wrong): void {
	if (schedule === undefined || schedule.kind === 'none') {
		wrong('recurrence', 'ends', 'It has no schedule.');
		return;
	}
	// A bare number is an interval in seconds, as in an app's own beat_schedule.
	if (schedule.kind === 'int' || schedule.kind === 'float') {
		const problem = checkRule([[{ kind: 'str', value: 'every' }, schedule]], 'interval', world, false);
		for (const { effect, message } of problem) wrong('recurrence', effect, message);
		return;
	}
	const entries = schedule.kind === 'dict' ? schedule.entries : [];
	const type = entryOf(entries, '__type__');
	const name = type?.kind === 'str' ? type.value : '';
	if (name !== 'interval' && name !== 'crontab' && name !== 'rrule') {
		const has = name === '' ? 'This has no "__type__"' : `RedBeat has no schedule of type "${name}"`;
		wrong('recurrence', 'ends', `${has}. It knows interval, crontab and rrule.`);
		return;
	}
	for (const { effect, message } of checkRule(entries, name, world)) wrong('recurrence', effect, message);
}

/** Goes through a member for typed objects, depth and integers; the schedule's own object was checked by itself. */
function walk(
	value: Value,
	path: string,
	depth: number,
	checked: boolean,
	field: ScheduleField,
	world: BeatWorld,
	wrong: Wrong,
): void {
	if (depth > DEEPEST) {
		wrong(field, 'stalls', `${clip(path)} is nested more than ${DEEPEST} levels deep.`);
		return;
	}
	if (value.kind === 'int' && value.text.length > DIGITS) {
		wrong(field, 'ends', `${clip(path)} is an integer of more than ${DIGITS} digits, which Python does not read.`);
	} else if (value.kind === 'list') {
		for (const [index, item] of value.items.entries()) {
			walk(item, `${path}[${index}]`, depth + 1, checked && path.startsWith('schedule.by'), field, world, wrong);
		}
	} else if (value.kind === 'dict') {
		if (!checked) checkTyped(value.entries, path, field, world, wrong);
		for (const [key, item] of value.entries) {
			const name = key.kind === 'str' ? key.value : '';
			walk(item, `${path}.${name}`, depth + 1, checked && name.startsWith('by'), field, world, wrong);
		}
	}
}

/** An object inside arguments or options that beat would decode. */
function checkTyped(entries: Entries, path: string, field: ScheduleField, world: BeatWorld, wrong: Wrong): void {
	const type = entryOf(entries, '__type__');
	if (type?.kind !== 'str') return;
	const name = type.value;
	const inside = (effect: BeatEffect, message: string) => wrong(field, effect, `${clip(path)}: ${message}`);
	if (name === 'datetime') {
		for (const message of checkDatetime(entries, world)) inside('ends', message);
	} else if (name === 'weekday') {
		const problems = checkWeekday(entries);
		for (const message of problems) inside('ends', message);
		if (problems.length === 0) inside('fails', 'A weekday cannot be sent to a task.');
	} else if (name === 'interval' || name === 'crontab' || name === 'rrule') {
		const problems = checkRule(entries, name, world);
		for (const { effect, message } of problems) inside(effect, message);
		if (problems.length === 0) inside('fails', `A schedule (${name}) cannot be sent to a task.`);
	}
}

/** Everything wrong with the `meta` of an entry, which beat writes itself; null or empty text is fine. */
export function metaProblems(meta: Value | null, world: BeatWorld): readonly BeatProblem[] {
	if (meta === null) return [];
	const problems: BeatProblem[] = [];
	const wrong = (effect: BeatEffect, message: string) => void problems.push({ field: 'name', effect, message });
	if (meta.kind !== 'dict') {
		wrong('ends', 'Its meta is no JSON object.');
		return problems;
	}
	for (const [key, value] of meta.entries) {
		const name = key.kind === 'str' ? key.value : '';
		if (name === '__type__' || ![...KEYS, ...ALSO].includes(name))
			wrong('ends', `RedBeat knows no "${clip(name)}" in a meta.`);
		walk(value, `meta.${name}`, 1, false, 'name', world, (_, effect, message) => wrong(effect, message));
	}
	const last = entryOf(meta.entries, 'last_run_at');
	if (last === undefined) wrong('drops', 'Its meta has no last_run_at.');
	else if (last.kind !== 'none') {
		const type = last.kind === 'dict' ? entryOf(last.entries, '__type__') : undefined;
		if (type?.kind !== 'str' || type.value !== 'datetime') wrong('ends', 'The last_run_at of its meta is no datetime.');
	}
	const count = entryOf(meta.entries, 'total_run_count');
	if (count !== undefined && count.kind !== 'int' && count.kind !== 'none') {
		wrong('ends', 'The total_run_count of its meta is no whole number.');
	}
	return problems;
}

function shown(value: Value): string {
	if (value.kind === 'dict') return 'an object';
	if (value.kind === 'list') return 'a list';
	if (value.kind === 'str') return `the text "${clip(value.value)}"`;
	return value.kind === 'int' || value.kind === 'float' ? value.text.slice(0, 40) : `of type ${value.kind}`;
}

function clip(text: string): string {
	return text.length > 80 ? `${text.slice(0, 60)}…${text.slice(-15)}` : text;
}
