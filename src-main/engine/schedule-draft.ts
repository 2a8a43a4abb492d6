/** Schedules as a person writes them, and back: pure. The page's editor and the command line's flags are read by the same rules. */
import { readJson } from '#main/dialects/json/read.ts';
import { messageDialect } from '#main/dialects/messages.ts';
import { writeLiteral } from '#main/dialects/python/write.ts';
import type { CarrotDialect } from '#main/domain/profile.ts';
import { readDuration } from '#main/domain/query-values.ts';
import type { Result } from '#main/domain/result.ts';
import { type MissedPolicy, type ScheduleDefinition, timingOf } from '#main/domain/schedule.ts';
import type { Recurrence, Timing } from '#main/domain/timing.ts';
import type { DraftProblem } from '#main/ipc/contract/schedule-answers.ts';
import type { ScheduleDraft } from '#main/ipc/contract/schedule-draft.ts';
import type { ArgumentProblem } from '#main/ipc/contract/task.ts';
import { readMoment, showMoment } from '#main/scheduler/moment.ts';
import { checkTiming } from '#main/scheduler/recurrence.ts';
import { readInterval } from '#main/scheduler/words.ts';
import { knowsZone } from '#main/scheduler/zones.ts';
import { type CheckedArguments, checkArguments } from './arguments.ts';

/** A draft with what stands apart from it in the routes. */
export type WrittenSchedule = ScheduleDraft & {
	readonly name?: string | undefined;
	readonly active?: boolean | undefined;
};

export interface ReadDraft {
	/** Null while there are problems. */
	readonly definition: ScheduleDefinition | null;
	/** When it would run, whatever else is wrong; null while that cannot be told. */
	readonly timing: Timing | null;
	readonly problems: readonly DraftProblem[];
	/** Its arguments as they were read, for the message. */
	readonly checked: CheckedArguments;
}

/** How far `all` catches up unless a number is given. */
const ALL_MOST = 100;

/** Lays what was written over `base`. Every problem is found, each at its field. */
export function readDraft(
	written: WrittenSchedule,
	base: ScheduleDefinition,
	dialect: CarrotDialect,
	options: { readonly queueMayBeEmpty?: boolean } = {},
): ReadDraft {
	const problems: DraftProblem[] = [];
	const wrong = (field: string, message: string) =>
		void problems.push({ field, message, line: null, column: null, offset: null });
	const taken = <T>(field: string, read: Result<T>, otherwise: T): T => {
		if (read.ok) return read.value;
		wrong(field, read.error.message);
		return otherwise;
	};

	const name = (written.name ?? base.name).trim();
	if (name === '') wrong('name', 'A schedule needs a name, unique in its book.');
	if (name.length > 200) wrong('name', 'A name has at most 200 characters.');
	const task = (written.task ?? base.task).trim();
	if (task === '') wrong('task', 'Say which task to run: its dotted path, e.g. shop.tasks.send_invoices.');
	const queue = (written.queue ?? base.queue).trim();
	if (queue === '' && options.queueMayBeEmpty !== true) wrong('queue', 'Say which queue the task goes to.');

	const zone = written.zone === undefined ? base.zone : written.zone.trim();
	const zoneKnown = knowsZone(zone);
	if (!zoneKnown) wrong('zone', `There is no time zone "${zone}". Zones are named like Europe/London or UTC.`);
	const clockZone = zoneKnown ? zone : 'UTC';
	const recurrence = readRecurrence(written, base.recurrence, clockZone, wrong);
	const bound = (field: 'start' | 'end', text: string | undefined, before: number | null): number | null => {
		if (text === undefined) return before;
		if (text.trim() === '' || text.trim().toLowerCase() === 'never') return null;
		return taken(field, readMoment(text, clockZone), before);
	};
	const startAt = bound('start', written.start, base.startAt);
	const endAt = bound('end', written.end, base.endAt);
	const jitterMs = readJitter(written.jitter, base.jitterMs, wrong);
	const missed = readMissed(written.missed, base.missed, wrong);

	const argsText = written.args ?? base.args;
	const args = asLiterals(argsText);
	const kwargs = written.kwargs ?? base.kwargs;
	const checked = checkArguments(args, kwargs, messageDialect({ framework: 'carrot', dialect }));
	if (checked.argsProblem !== null) problems.push({ field: 'args', ...checked.argsProblem });
	if (checked.kwargsProblem !== null) problems.push({ field: 'kwargs', ...checked.kwargsProblem });
	const more = (written.options ?? base.options).trim();
	const optionsProblem = objectProblem(more === '' ? '{}' : more);
	if (optionsProblem !== null) problems.push({ field: 'options', ...optionsProblem });

	const definition: ScheduleDefinition = {
		name,
		task,
		queue,
		exchange: written.exchange ?? base.exchange,
		routingKey: written.routingKey ?? base.routingKey,
		priority: written.noPriority === true ? null : (written.priority ?? base.priority),
		recurrence,
		zone,
		startAt,
		endAt,
		jitterMs,
		missed,
		args: args.trim(),
		kwargs: kwargs.trim() === '' ? '{}' : kwargs,
		options: more === '' ? '{}' : more,
		active: written.active ?? base.active,
		description: written.description ?? base.description,
	};
	const named = new Set(problems.map((one) => one.field));
	let timing: Timing | null = null;
	if (!['every', 'cron', 'at', 'zone', 'start', 'end', 'jitter'].some((field) => named.has(field))) {
		const possible = checkTiming(timingOf(definition));
		if (possible.ok) timing = timingOf(definition);
		else wrong(timingField(definition), possible.error.message);
	}
	return { definition: problems.length === 0 ? definition : null, timing, problems, checked };
}

type Wrong = (field: string, message: string) => void;

function readRecurrence(written: WrittenSchedule, base: Recurrence, zone: string, wrong: Wrong): Recurrence {
	const ways = (['every', 'cron', 'at'] as const).filter((way) => written[way] !== undefined);
	if (ways.length > 1) {
		wrong(ways[1] as string, "Say when in one way only: every '5 seconds', a cron expression, or a time.");
		return base;
	}
	if (written.cron !== undefined) {
		if (written.cron.trim() === '') wrong('cron', 'Write a cron expression: minute hour day month weekday.');
		return { kind: 'cron', expression: written.cron.trim() };
	}
	if (written.at !== undefined) {
		const at = readMoment(written.at, zone);
		if (at.ok) return { kind: 'once', at: at.value };
		wrong('at', at.error.message);
		return base;
	}
	const align = written.align ?? (base.kind === 'every' ? base.align : 'clock');
	if (written.every !== undefined) {
		const interval = readInterval(written.every);
		if (interval.ok) return { kind: 'every', ...interval.value, align };
		wrong('every', interval.error.message);
		return base;
	}
	return base.kind === 'every' ? { ...base, align } : base;
}

function readJitter(text: string | undefined, before: number, wrong: Wrong): number {
	if (text === undefined) return before;
	if (text.trim() === '') return 0;
	const ms = readDuration(text.trim());
	if (typeof ms === 'number') return Math.round(ms);
	wrong('jitter', `"${text}" is no length of time. Write it like 30s or 2m; 0 for none.`);
	return before;
}

function readMissed(text: string | undefined, before: MissedPolicy, wrong: Wrong): MissedPolicy {
	if (text === undefined) return before;
	if (text === 'skip' || text === 'once') return { kind: text };
	const all = /^all(?::(\d{1,4}))?$/.exec(text);
	if (all !== null && Number(all[1] ?? 1) > 0) return { kind: 'all', most: Number(all[1] ?? ALL_MOST) };
	wrong('missed', 'Missed runs are treated as one of: skip, once, all, or all:N for the newest N.');
	return before;
}

/**
 * Positional arguments as literals. A JSON array that is no Python (true, null) is taken for the list of arguments; one that is
 * both stays what it is in Python: one argument, a list.
 */
function asLiterals(text: string): string {
	const trimmed = text.trim();
	if (!trimmed.startsWith('[') || !/\b(?:true|false|null)\b/.test(trimmed)) return text;
	const json = readJson(trimmed);
	if (!json.ok || json.value.kind !== 'list') return text;
	return json.value.items.map(writeLiteral).join(', ');
}

function objectProblem(text: string): ArgumentProblem | null {
	const read = readJson(text, { duplicates: 'refuse' });
	if (read.ok) {
		if (read.value.kind === 'dict') return null;
		return { message: 'Options are a JSON object: {"name": value}.', line: 1, column: 1, offset: 0 };
	}
	const { line, column, offset } = read.error.details ?? {};
	return {
		message: read.error.message,
		line: asNumber(line, 1),
		column: asNumber(column, 1),
		offset: asNumber(offset, 0),
	};
}

function asNumber(value: unknown, otherwise: number): number {
	return typeof value === 'number' ? value : otherwise;
}

/** The field at which a timing that makes no sense as a whole is shown. */
function timingField({ recurrence, startAt, endAt }: ScheduleDefinition): string {
	if (startAt !== null && endAt !== null && endAt <= startAt) return 'end';
	return { every: 'every', cron: 'cron', once: 'at', foreign: 'every' }[recurrence.kind];
}

/** A definition as a person would write it: `readDraft` of it over anything gives it again. */
export function draftOf(
	definition: ScheduleDefinition,
): ScheduleDraft & { readonly name: string; readonly active: boolean } {
	const { recurrence, zone, missed } = definition;
	const bound = (at: number | null): string => (at === null ? 'never' : unambiguous(at, zone));
	return {
		name: definition.name,
		active: definition.active,
		task: definition.task,
		queue: definition.queue,
		...(recurrence.kind === 'every'
			? { every: `${recurrence.count} ${recurrence.unit}`, align: recurrence.align }
			: recurrence.kind === 'cron'
				? { cron: recurrence.expression }
				: recurrence.kind === 'once'
					? { at: unambiguous(recurrence.at, zone) }
					: {}),
		zone,
		start: bound(definition.startAt),
		end: bound(definition.endAt),
		jitter: durationText(definition.jitterMs),
		missed: missed.kind === 'all' ? `all:${missed.most}` : missed.kind,
		args: definition.args,
		kwargs: definition.kwargs,
		options: definition.options,
		exchange: definition.exchange,
		routingKey: definition.routingKey,
		...(definition.priority === null ? { noPriority: true } : { priority: definition.priority }),
		description: definition.description,
	};
}

/** An instant as its zone's wall clock, where that names it again; of a time that comes twice only the first can be written so. */
function unambiguous(at: number, zone: string): string {
	if (!knowsZone(zone)) return String(at);
	const shown = showMoment(at, zone);
	const read = readMoment(shown, zone);
	return read.ok && read.value === at ? shown : String(at);
}

/** `0`, `250ms`, `30s`, `1m30s`. */
export function durationText(ms: number): string {
	if (ms === 0) return '0';
	const parts: string[] = [];
	let rest = Math.round(ms);
	for (const [unit, size] of [
		['d', 86_400_000],
		['h', 3_600_000],
		['m', 60_000],
		['s', 1_000],
		['ms', 1],
	] as const) {
		const count = Math.floor(rest / size);
		if (count > 0) parts.push(`${count}${unit}`);
		rest -= count * size;
	}
	return parts.join('');
}
