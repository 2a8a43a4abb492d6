/** What no book takes: the rules that every definition keeps, whoever wrote it. Pure; a book adds its own. */
import { readJson } from '#main/dialects/json/read.ts';
import { readLiterals } from '#main/dialects/python/read.ts';
import type { Failure, Result } from '#main/domain/result.ts';
import {
	type BookCapabilities,
	NEW_SCHEDULE,
	type ScheduleDefinition,
	type ScheduleField,
	timingOf,
} from '#main/domain/schedule.ts';
import type { Recurrence } from '#main/domain/timing.ts';
import type { FieldProblem } from './book.ts';
import { checkTiming, shortestInterval } from './recurrence.ts';
import { knowsZone } from './zones.ts';

const NAME_LENGTH = 200;
const TASK_LENGTH = 1_000;
const DESCRIPTION_LENGTH = 4_000;
/** What AMQP gives an exchange, a queue or a routing key, in bytes. */
const SHORT_STRING = 255;
/** What an editor and a list can still hold. */
const TEXT_LENGTH = 1_000_000;
const MOST_MISSED = 9_999;

/** What a book may do differently from the others. */
export interface CheckOptions {
	/** An empty queue stands for the book's own default. */
	readonly queueMayBeEmpty?: boolean;
}

/** Everything that is wrong with a definition whatever its book, each at its field; empty: nothing. */
export function checkDefinition(definition: ScheduleDefinition, options: CheckOptions = {}): readonly FieldProblem[] {
	return [
		...checkNames(definition, options),
		...checkTimes(definition),
		...checkMissed(definition),
		...checkArguments(definition),
	];
}

/** What a book with these capabilities could not keep of a definition, each at its field; `called` names it in the sentences. */
export function checkCapabilities(
	definition: ScheduleDefinition,
	capabilities: BookCapabilities,
	called: string,
): readonly FieldProblem[] {
	const problems: FieldProblem[] = [];
	for (const field of Object.keys(NEW_SCHEDULE) as ScheduleField[]) {
		if (capabilities.fields.includes(field)) continue;
		if (JSON.stringify(definition[field]) === JSON.stringify(NEW_SCHEDULE[field])) continue;
		problems.push({ field, message: `${called} cannot keep this. ${asItMustBe(field)}` });
	}
	const { recurrence } = definition;
	const wrong = (message: string) => void problems.push({ field: 'recurrence', message });
	if (!capabilities.recurrences.includes(recurrence.kind)) {
		const kinds = capabilities.recurrences.filter((kind) => kind !== 'foreign').map((kind) => KIND_WORDS[kind]);
		wrong(`${called} does not know ${KIND_WORDS[recurrence.kind]}. It knows ${kinds.join(', ')}.`);
	} else if (recurrence.kind === 'every') {
		if (!capabilities.units.includes(recurrence.unit)) {
			wrong(`${called} does not count in ${recurrence.unit}. It counts in ${capabilities.units.join(', ')}.`);
		}
		if (!capabilities.aligns.includes(recurrence.align)) {
			const other = recurrence.align === 'clock' ? 'after the last run' : 'on the wall clock';
			wrong(`${called} runs intervals ${other} only.`);
		}
	}
	return problems;
}

const KIND_WORDS: Readonly<Record<Recurrence['kind'], string>> = {
	every: 'intervals',
	cron: 'cron expressions',
	once: 'single times',
	foreign: 'rules of other books',
};

function asItMustBe(field: ScheduleField): string {
	const value = NEW_SCHEDULE[field];
	if (value === null || value === '' || value === '{}' || value === 0) return 'Leave it empty.';
	if (field === 'missed') return 'Missed runs are run once there.';
	if (field === 'active') return 'Schedules there are always active.';
	return `It must be ${typeof value === 'string' ? `"${value}"` : JSON.stringify(value)}.`;
}

function checkNames(definition: ScheduleDefinition, options: CheckOptions): readonly FieldProblem[] {
	const { name, task, queue, exchange, routingKey, description, priority } = definition;
	const problems: FieldProblem[] = [];
	const wrong = (field: ScheduleField, message: string | null) => {
		if (message !== null) problems.push({ field, message });
	};
	wrong(
		'name',
		name === '' ? 'A schedule needs a name, unique in its book.' : lineProblem(name, 'A name', NAME_LENGTH),
	);
	wrong(
		'task',
		task === ''
			? 'Say which task to run: its dotted path, e.g. shop.tasks.send_invoices.'
			: lineProblem(task, "A task's name", TASK_LENGTH),
	);
	const named = queue === '' && options.queueMayBeEmpty !== true;
	wrong('queue', named ? 'Say which queue the task goes to.' : shortProblem(queue, 'A queue'));
	wrong('exchange', shortProblem(exchange, 'An exchange'));
	wrong('routingKey', shortProblem(routingKey, 'A routing key'));
	if (priority !== null && !(Number.isInteger(priority) && priority >= 0 && priority <= 255)) {
		wrong('priority', `The priority is ${priority}; it should be a whole number from 0 to 255, or none.`);
	}
	if (description.length > DESCRIPTION_LENGTH) {
		wrong('description', `A description has at most ${DESCRIPTION_LENGTH} characters.`);
	} else if (!description.isWellFormed()) wrong('description', HALF);
	else if (/[^\P{Cc}\t\n\r]/u.test(description)) {
		wrong('description', 'A description holds no control characters but line breaks and tabs.');
	}
	return problems;
}

const HALF = 'This holds half a character (a lone surrogate); type it again.';

function lineProblem(text: string, what: string, most: number): string | null {
	if (text.length > most) return `${what} has at most ${most} characters; this has ${text.length}.`;
	if (!text.isWellFormed()) return HALF;
	if (/\p{Cc}/u.test(text)) return `${what} is one line without control characters.`;
	return text === text.trim() ? null : `${what} neither begins nor ends with a space.`;
}

function shortProblem(text: string, what: string): string | null {
	if (!text.isWellFormed()) return HALF;
	const bytes = new TextEncoder().encode(text).length;
	if (bytes > SHORT_STRING) return `${what} has at most ${SHORT_STRING} bytes; this has ${bytes}.`;
	return /\p{Cc}/u.test(text) ? `${what} holds no control characters.` : null;
}

/** Each part by itself, so that the problem stands at the field that a person has to mend. */
function checkTimes(definition: ScheduleDefinition): readonly FieldProblem[] {
	const problems: FieldProblem[] = [];
	const timing = timingOf(definition);
	const { recurrence, startAt, endAt, jitterMs } = timing;
	const zone = knowsZone(timing.zone) ? timing.zone : 'UTC';
	const sound = { recurrence: { kind: 'once', at: 0 }, zone, startAt: null, endAt: null, jitterMs: 0 } as const;
	const wrong = (field: ScheduleField, checked: Result<void>) => {
		if (!checked.ok) problems.push({ field, message: checked.error.message });
	};
	wrong('zone', checkTiming({ ...sound, zone: timing.zone }));
	wrong('recurrence', checkTiming({ ...sound, recurrence }));
	wrong('startAt', checkTiming({ ...sound, startAt }));
	wrong('endAt', checkTiming({ ...sound, endAt }));
	wrong('jitterMs', checkTiming({ ...sound, jitterMs }));
	if (problems.length > 0) return problems;
	wrong('endAt', checkTiming({ ...sound, startAt, endAt }));
	if (recurrence.kind === 'once' && problems.length === 0) {
		const { at } = recurrence;
		if ((startAt !== null && at < startAt) || (endAt !== null && at >= endAt)) {
			problems.push({
				field: 'recurrence',
				message: 'The time lies outside the start and the end, so it would never run.',
			});
		}
	}
	const shortest = jitterMs === 0 ? null : shortestInterval(timing);
	if (shortest !== null && jitterMs >= shortest) {
		const message = `Jitter has to be shorter than the time between two runs, which is ${shortest / 1_000} seconds at times.`;
		problems.push({ field: 'jitterMs', message });
	}
	return problems;
}

function checkMissed({ missed }: ScheduleDefinition): readonly FieldProblem[] {
	if (missed.kind !== 'all') return [];
	const { most } = missed;
	if (Number.isInteger(most) && most >= 1 && most <= MOST_MISSED) return [];
	return [
		{ field: 'missed', message: `Of missed runs, the newest 1 to ${MOST_MISSED} can be run; this says ${most}.` },
	];
}

function checkArguments(definition: ScheduleDefinition): readonly FieldProblem[] {
	const problems: FieldProblem[] = [];
	const wrong = (field: ScheduleField, message: string) => void problems.push({ field, message });
	for (const field of ['args', 'kwargs', 'options'] as const) {
		const text = definition[field];
		if (text.length > TEXT_LENGTH) wrong(field, `This has at most ${TEXT_LENGTH} characters; it has ${text.length}.`);
		else if (text.includes('\0')) problems.push(nulIn(field, text));
		else if (field === 'args') {
			const read = readLiterals(text);
			if (!read.ok) problems.push(placed(field, read.error));
		} else {
			const read = readJson(text, { duplicates: 'refuse' });
			if (!read.ok) problems.push(placed(field, read.error));
			else if (read.value.kind !== 'dict') wrong(field, `This is a JSON object: {"name": value}; {} for none.`);
		}
	}
	return problems;
}

/** Neither language has one in its source, and much that reads a text stops at it. */
function nulIn(field: ScheduleField, text: string): FieldProblem {
	const offset = text.indexOf('\0');
	const before = text.slice(0, offset).split('\n');
	const at = { line: before.length, column: (before.at(-1)?.length ?? 0) + 1, offset };
	return { field, message: `There is a NUL here. Write ${field === 'args' ? '\\x00' : '\\u0000'} instead.`, at };
}

/** The readers of both languages say where they stopped. */
function placed(field: ScheduleField, failure: Failure): FieldProblem {
	const { line, column, offset } = failure.details ?? {};
	if (typeof line !== 'number' || typeof column !== 'number' || typeof offset !== 'number') {
		return { field, message: failure.message };
	}
	return { field, message: failure.message, at: { line, column, offset } };
}
