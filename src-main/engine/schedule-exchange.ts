/** Schedules as text: Warren's own JSON, carrot's rows, RedBeat's keys. What is imported is checked like anything typed. */
import { exportCarrot, readCarrotExport } from '#main/dialects/carrot/schedule-export.ts';
import type { RedbeatWorld } from '#main/dialects/celery/redbeat.ts';
import { exportRedbeat, readRedbeatExport } from '#main/dialects/celery/redbeat-export.ts';
import type { CarrotDialect } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import type { ScheduleDraft } from '#main/ipc/contract/schedule-draft.ts';
import { knowsZone } from '#main/scheduler/zones.ts';
import { draftOf, readDraft, type WrittenSchedule } from './schedule-draft.ts';

/** Names our own form, so that it is told from others. */
const FORMAT = 'warren-schedules';

/** One schedule of our own form: as a person would write it, with the rule of a foreign one beside. */
type Written = ScheduleDraft & { readonly name: string; readonly active: boolean; readonly rule?: string };

/** Writes schedules; those that the form cannot hold are named, never changed to fit. */
export function exportSchedules(
	definitions: readonly ScheduleDefinition[],
	format: 'json' | 'carrot' | 'redbeat',
	world: ExchangeWorld,
): Result<{
	readonly format: string;
	readonly text: string;
	readonly total: number;
	readonly skipped: readonly string[];
}> {
	switch (format) {
		case 'json': {
			const schedules = definitions.map((definition): Written => {
				const { recurrence } = definition;
				return recurrence.kind === 'foreign' ? { ...draftOf(definition), rule: recurrence.rule } : draftOf(definition);
			});
			const text = `${JSON.stringify({ format: FORMAT, version: 1, schedules }, null, 2)}\n`;
			return ok({ format, text, total: schedules.length, skipped: [] });
		}
		case 'carrot': {
			const { text, skipped } = exportCarrot(definitions);
			return ok({ format, text, total: definitions.length - skipped.length, skipped });
		}
		case 'redbeat': {
			const { text, skipped } = exportRedbeat(definitions, world.prefix, beatWorld(world));
			const left = skipped.map(({ name, reason }) => `${name}: ${reason}`);
			return ok({ format, text, total: definitions.length - left.length, skipped: left });
		}
	}
}

/** What RedBeat's form needs to know and does not say itself: what begins its keys, and the zone of its crontabs. */
export interface ExchangeWorld {
	readonly prefix: string;
	readonly zone: string;
	readonly now: number;
}

/** What a text holds. */
export interface ReadExchange {
	readonly definitions: readonly ScheduleDefinition[];
	readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/** Reads any of the three forms, told apart by what is in it. */
export function readExchange(
	text: string,
	world: ExchangeWorld & { readonly dialect: CarrotDialect },
): Result<ReadExchange> {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		const words = error instanceof Error ? error.message : String(error);
		return fail('invalid-input', `This is no JSON: ${words}`, { details: { field: 'text' } });
	}
	if (isOurs(json)) return readOurs(json.schedules, world.dialect);
	if (looksLikeRedbeat(json)) {
		const read = readRedbeatExport(text, world.prefix, beatWorld(world));
		if (!read.ok) return unknown(read.error.message);
		return ok({ definitions: read.value.definitions, refused: read.value.skipped });
	}
	const read = readCarrotExport(text);
	if (!read.ok) return unknown(read.error.message);
	return ok({ definitions: read.value.definitions, refused: read.value.refused });
}

function unknown(reason: string): Result<never> {
	const forms = "its own export, rows of carrot's API, or RedBeat's keys";
	return fail('invalid-input', `These are no schedules that Warren knows: ${forms}. ${reason}`, {
		details: { field: 'text' },
	});
}

function beatWorld({ zone, now }: ExchangeWorld): RedbeatWorld {
	return { zone, now, knowsZone };
}

function isOurs(json: unknown): json is { readonly schedules: readonly unknown[] } {
	if (typeof json !== 'object' || json === null) return false;
	const { format, schedules } = json as { readonly format?: unknown; readonly schedules?: unknown };
	return format === FORMAT && Array.isArray(schedules);
}

/** RedBeat's definitions have a `schedule` with a `__type__`, by themselves or under their keys. */
function looksLikeRedbeat(json: unknown): boolean {
	return /"(?:__type__|definition)\\?"/.test(JSON.stringify(json).slice(0, 100_000));
}

function readOurs(items: readonly unknown[], dialect: CarrotDialect): Result<ReadExchange> {
	const definitions: ScheduleDefinition[] = [];
	const refused: { name: string; reason: string }[] = [];
	for (const [at, item] of items.entries()) {
		const written = plainDraft(item);
		const name = written?.name ?? `number ${at + 1}`;
		if (written === null) {
			refused.push({ name, reason: 'It is no object of texts, numbers and yes or no.' });
			continue;
		}
		const { rule, ...draft } = written;
		const base: ScheduleDefinition =
			rule === undefined ? NEW_SCHEDULE : { ...NEW_SCHEDULE, recurrence: { kind: 'foreign', rule } };
		// Whether its book can do without a queue is asked when it is known which book that is.
		const read = readDraft(draft, base, dialect, { queueMayBeEmpty: true });
		if (read.definition !== null) definitions.push(read.definition);
		else refused.push({ name, reason: read.problems.map((one) => `${one.field}: ${one.message}`).join(' ') });
	}
	return ok({ definitions, refused });
}

const TEXTS = [
	...['name', 'task', 'queue', 'every', 'cron', 'at', 'align', 'zone', 'start', 'end', 'jitter', 'missed', 'rule'],
	...['args', 'kwargs', 'options', 'exchange', 'routingKey', 'description'],
];

/** Fields of the right types only: what came from a file is not trusted to be what its types say. */
function plainDraft(item: unknown): (WrittenSchedule & { readonly rule?: string }) | null {
	if (typeof item !== 'object' || item === null || Array.isArray(item)) return null;
	const fields: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(item)) {
		if (TEXTS.includes(name)) {
			if (typeof value !== 'string') return null;
			if (name === 'align' && value !== 'clock' && value !== 'last-run') return null;
			fields[name] = value;
		} else if (name === 'active' || name === 'noPriority') {
			if (typeof value !== 'boolean') return null;
			fields[name] = value;
		} else if (name === 'priority') {
			if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > 255) return null;
			fields[name] = value;
		}
	}
	return fields;
}
