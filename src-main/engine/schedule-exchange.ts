/** Schedules as text: Warren's own JSON, carrot's rows, RedBeat's keys. What is imported is checked like anything typed. */
import type { CarrotDialect } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { NEW_SCHEDULE, type ScheduleDefinition } from '#main/domain/schedule.ts';
import type { ScheduleDraft } from '#main/ipc/contract/schedule.ts';
import { draftOf, readDraft, type WrittenSchedule } from './schedule-draft.ts';

/** Names our own form, so that it is told from others. */
const FORMAT = 'warren-schedules';

/** One schedule of our own form: as a person would write it, with the rule of a foreign one beside. */
type Written = ScheduleDraft & { readonly name: string; readonly active: boolean; readonly rule?: string };

/** Writes schedules; those that the form cannot hold are named, never changed to fit. */
export function exportSchedules(
	definitions: readonly ScheduleDefinition[],
	format: 'json' | 'carrot' | 'redbeat',
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
		case 'carrot':
		case 'redbeat':
			return fail('unsupported', 'Not yet.');
	}
}

/** What a text holds. */
export interface ReadExchange {
	readonly definitions: readonly ScheduleDefinition[];
	readonly refused: readonly { readonly name: string; readonly reason: string }[];
}

/** Reads any of the three forms, told apart by what is in it. `zone`: of RedBeat's crontabs, which name none. */
export function readExchange(
	text: string,
	world: { readonly zone: string; readonly dialect: CarrotDialect },
): Result<ReadExchange> {
	let json: unknown;
	try {
		json = JSON.parse(text);
	} catch (error) {
		const words = error instanceof Error ? error.message : String(error);
		return fail('invalid-input', `This is no JSON: ${words}`, { details: { field: 'text' } });
	}
	if (isOurs(json)) return readOurs(json.schedules, world.dialect);
	return fail('invalid-input', 'These are no schedules that Warren knows.', { details: { field: 'text' } });
}

function isOurs(json: unknown): json is { readonly schedules: readonly unknown[] } {
	if (typeof json !== 'object' || json === null) return false;
	const { format, schedules } = json as { readonly format?: unknown; readonly schedules?: unknown };
	return format === FORMAT && Array.isArray(schedules);
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
		const read = readDraft(draft, base, dialect);
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
