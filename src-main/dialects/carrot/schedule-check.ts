/** What a carrot site would not keep of a schedule, or keep and then choke on. */
import { assertNever } from '#main/domain/result.ts';
import { NEW_SCHEDULE, type ScheduleDefinition, type ScheduleField } from '#main/domain/schedule.ts';
import type { Recurrence } from '#main/domain/timing.ts';
import { readJson } from '../json/read.ts';
import { argumentsTrouble, strip } from './schedule-args.ts';

/** Something wrong with one field: what, and what would be right. */
export interface CarrotProblem {
	readonly field: ScheduleField;
	readonly message: string;
	/** Where in the field's text, where that can be told: line and column from 1, offset from 0. */
	readonly at?: { readonly line: number; readonly column: number; readonly offset: number };
}

/** Characters of the site's columns. */
const LENGTH = 200;
/** The smallest of what databases hold in this column. */
const MOST_COUNT = 2_147_483_647;
/** Names that carrot's own publishing call takes: a task's arguments of these names make it raise, which ends the thread. */
const TAKEN_WORDS = ['task', 'priority', 'queue', 'exchange', 'routing_key'];

/**
 * Everything wrong with a definition for carrot; empty: nothing. Stricter than the site, which takes keyword arguments that end the
 * schedule's thread at its first run.
 */
export function carrotProblems(definition: ScheduleDefinition): readonly CarrotProblem[] {
	const problems: CarrotProblem[] = [];
	const add = (field: ScheduleField, message: string | null) => {
		if (message !== null) problems.push({ field, message });
	};
	add('name', textTrouble(definition.name, 'Give it a name: the site wants one.'));
	add('task', taskTrouble(definition.task));
	add('queue', textTrouble(definition.queue, 'Name the queue: the site wants one.') ?? wireTrouble(definition.queue));
	add('exchange', textTrouble(definition.exchange, null) ?? wireTrouble(definition.exchange));
	add('routingKey', textTrouble(definition.routingKey, null) ?? wireTrouble(definition.routingKey));
	add('recurrence', recurrenceTrouble(definition.recurrence));
	for (const [field, message] of NOT_KEPT) {
		if (JSON.stringify(definition[field]) !== JSON.stringify(NEW_SCHEDULE[field])) add(field, message);
	}
	add('args', characterTrouble(definition.args) ?? argumentsTrouble(definition.args));
	const odd = characterTrouble(definition.kwargs);
	const broken = odd === null ? kwargsTrouble(definition.kwargs, 'refuse') : null;
	add('kwargs', odd);
	if (broken !== null) problems.push({ field: 'kwargs', ...broken });
	return problems;
}

/** Fields that carrot does not have, which must stand at their defaults. */
const NOT_KEPT: readonly (readonly [ScheduleField, string])[] = [
	['priority', 'carrot publishes schedules with priority 0 and keeps no other: leave it empty.'],
	['zone', 'carrot counts seconds and knows no time zones: leave it at UTC.'],
	['startAt', 'carrot has no start date: leave it empty, and resume the schedule when it is to begin.'],
	['endAt', 'carrot has no end date: leave it empty, and pause the schedule when it is to end.'],
	['jitterMs', 'carrot has no jitter: leave it at 0.'],
	['missed', 'carrot never makes up for missed runs and keeps no rule about them: leave it at its default.'],
	['options', 'carrot has no further options: leave them at {}.'],
	['description', 'carrot keeps no descriptions: leave it empty.'],
];

function recurrenceTrouble(recurrence: Recurrence): string | null {
	const where = 'or keep this schedule in a book that Warren runs';
	switch (recurrence.kind) {
		case 'every':
			if (recurrence.unit === 'weeks') return `carrot has no weeks: write ${recurrence.count * 7} days.`;
			if (!Number.isInteger(recurrence.count) || recurrence.count < 1 || recurrence.count > MOST_COUNT) {
				return `The interval needs a whole number from 1 to ${MOST_COUNT.toLocaleString('en-GB')}.`;
			}
			return recurrence.align === 'last-run'
				? null
				: `carrot counts from the last run, not by the clock: choose "after the last run", ${where}.`;
		case 'cron':
			return `carrot has no cron expressions: write an interval in seconds, minutes, hours or days, ${where}.`;
		case 'once':
			return `carrot cannot run something once at a time: write an interval, ${where}.`;
		case 'foreign':
			return 'This rule is understood by its own book only: write an interval in seconds, minutes, hours or days.';
		default:
			return assertNever(recurrence);
	}
}

function taskTrouble(task: string): string | null {
	const trouble = textTrouble(task, 'Name the task by its dotted path, e.g. shop.tasks.add.');
	if (trouble !== null) return trouble;
	return /^[^\s.]+(?:\.[^\s.]+)+$/.test(strip(task))
		? null
		: 'A task is named by its dotted path, e.g. shop.tasks.add: the site cannot import this.';
}

/** `missing`: what to say where nothing stands; null: that is allowed. */
function textTrouble(text: string, missing: string | null): string | null {
	const kept = strip(text);
	if (kept === '') return missing;
	if ([...kept].length > LENGTH) return `The site keeps ${LENGTH} characters; these are ${[...kept].length}.`;
	return characterTrouble(text);
}

function characterTrouble(text: string): string | null {
	if (text.includes('\0')) return 'It holds a null character (U+0000), which the site refuses: take it out.';
	return text.isWellFormed()
		? null
		: 'It holds half a character (a lone surrogate), which the site refuses: take it out.';
}

/** A message carries such names in 255 bytes. */
function wireTrouble(text: string): string | null {
	const bytes = new TextEncoder().encode(strip(text)).length;
	return bytes > 255 ? `A broker takes 255 bytes; this is ${bytes} bytes long.` : null;
}

/**
 * Why keyword arguments would be refused by the site or end the schedule's thread, what would be right, and where; null: they are well.
 * `duplicates`: `last` for what the site already has, since Python takes the last.
 */
export function kwargsTrouble(text: string, duplicates: 'last' | 'refuse'): Omit<CarrotProblem, 'field'> | null {
	const read = readJson(text, { duplicates });
	if (!read.ok) {
		const { line, column, offset } = read.error.details ?? {};
		const placed = typeof line === 'number' && typeof column === 'number' && typeof offset === 'number';
		return placed ? { message: read.error.message, at: { line, column, offset } } : { message: read.error.message };
	}
	if (read.value.kind !== 'dict') {
		const message =
			'Keyword arguments are an object: {"name": value}. The site would take anything else, and its scheduler stop at it.';
		return { message };
	}
	const taken = read.value.entries.find(([key]) => key.kind === 'str' && TAKEN_WORDS.includes(key.value));
	if (taken === undefined || taken[0].kind !== 'str') return null;
	const message = `carrot takes the word "${taken[0].value}" for itself when it publishes: a keyword argument of that name makes its scheduler stop. Give it another name.`;
	return { message };
}
