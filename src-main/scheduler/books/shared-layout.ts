/**
 * How the shared book lies in Redis. All keys begin with the book's prefix, `warren:` by default:
 *
 * entries    hash     key of a schedule -> {"format":1,"changedAt":MS,"definition":{all fields}}; what is true is only here
 * names      hash     name -> key; where to look whether a name is taken, believed only if that entry has the name
 * revision   number   rises with every change of entries
 * changes    channel  the new revision, after every change of entries
 *
 * lease      text     "FENCE HOLDER", expires unless renewed: who may run the schedules
 * fence      number   the highest fence that was ever given
 * open       hash     "DUE|KEY" -> run; claimed and not settled
 * runs:KEY   hash     DUE -> run; settled, the newest RUNS_KEPT of a schedule; after its removal for a week
 * cursors    hash     key -> newest due time that has a run
 * ran        hash     key -> newest due time that was published
 * total      hash     key -> how often it was published
 * touched    sorted   key by the number of its run that was settled last
 * settling   number   rises with every settled run, and is its number
 *
 * DUE is epoch ms, with an `m` before it for a run by hand. A run is JSON that begins with its state and, once it is settled, ends
 * with its number (`"settled":N}`); without what its place says (book, key, due time) and without the profile, which is each console's own.
 */
import type { ProfileId, TaskId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookEntry, BrokenEntry, ScheduleRun, ScheduleRunState } from '#main/domain/schedule.ts';
import { readDefinition } from '../read-definition.ts';
import { definitionVersion } from '../version.ts';

/** The keys of a book. */
export interface SharedKeys {
	readonly entries: string;
	readonly names: string;
	readonly revision: string;
	readonly changes: string;
	readonly lease: string;
	readonly fence: string;
	readonly open: string;
	/** What `runs:KEY` begins with. */
	readonly runs: string;
	readonly cursors: string;
	readonly ran: string;
	readonly total: string;
	readonly touched: string;
	readonly settling: string;
}

/** Names the keys of the book with this prefix. */
export function sharedKeys(prefix: string): SharedKeys {
	return {
		entries: `${prefix}entries`,
		names: `${prefix}names`,
		revision: `${prefix}revision`,
		changes: `${prefix}changes`,
		lease: `${prefix}lease`,
		fence: `${prefix}fence`,
		open: `${prefix}open`,
		runs: `${prefix}runs:`,
		cursors: `${prefix}cursors`,
		ran: `${prefix}ran`,
		total: `${prefix}total`,
		touched: `${prefix}touched`,
		settling: `${prefix}settling`,
	};
}

const FORMAT = 1;
/** How much of a broken entry is shown. */
const RAW_SHOWN = 4_000;

/** Reads the text of an entry; what is not exactly one, or what nobody could run, is `undecodable`. */
export function readEntry(key: string, raw: string, check: Checker): Result<BookEntry> {
	let value: unknown;
	try {
		value = JSON.parse(raw);
	} catch {
		return fail('undecodable', 'This is no JSON: something else than Warren wrote it.');
	}
	if (typeof value !== 'object' || value === null || !('format' in value) || !('definition' in value)) {
		return fail(
			'undecodable',
			'This is no schedule of a shared book: it should be an object with format and definition.',
		);
	}
	if (value.format !== FORMAT) {
		return fail(
			'undecodable',
			`This has format ${JSON.stringify(value.format)}: a newer Warren wrote it. Update this one.`,
		);
	}
	const definition = readDefinition(value.definition);
	if (!definition.ok) return definition;
	const [problem] = check(definition.value);
	if (problem !== undefined)
		return fail('undecodable', `In the definition "${problem.field}" is wrong: ${problem.message}`);
	const changedAt: unknown = 'changedAt' in value ? value.changedAt : null;
	return ok({
		key,
		version: definitionVersion(definition.value),
		definition: definition.value,
		changedAt: typeof changedAt === 'number' && Number.isSafeInteger(changedAt) ? changedAt : null,
		lastRunAt: null,
		nextRunAt: null,
		totalRuns: null,
		remarks: [],
	});
}

/** The book's own rules for definitions. */
export type Checker = (
	definition: BookEntry['definition'],
) => readonly { readonly field: string; readonly message: string }[];

/** What could not be read, as it is shown. */
export function brokenEntry(key: string, raw: string, reason: string): BrokenEntry {
	const name = /"name"\s*:\s*"((?:[^"\\]|\\.){1,200})"/.exec(raw)?.[1] ?? key;
	return { key, name, reason, raw: raw.length > RAW_SHOWN ? `${raw.slice(0, RAW_SHOWN - 1)}…` : raw };
}

/** Under what a run lies in `runs:KEY`. */
export function dueField(run: Pick<ScheduleRun, 'dueAt' | 'manual'>): string {
	return `${run.manual ? 'm' : ''}${run.dueAt}`;
}

/** Under what an open run lies in `open`. */
export function openField(run: Pick<ScheduleRun, 'dueAt' | 'manual' | 'key'>): string {
	return `${dueField(run)}|${run.key}`;
}

/** Whether a run is still somebody's to settle. */
export function isOpen(state: ScheduleRunState): boolean {
	return state === 'claimed' || state === 'retrying';
}

/** The text of a run. Scripts read the state, so it comes first. */
export function writeRun(run: ScheduleRun): string {
	const { state, name, firedAt, messageId, taskId, by, tries, note, updatedAt } = run;
	return JSON.stringify({ state, name, firedAt, messageId, taskId, by, tries, note, updatedAt: Math.trunc(updatedAt) });
}

const STATES: readonly ScheduleRunState[] = ['claimed', 'retrying', 'fired', 'failed', 'missed', 'uncertain'];

/** Where a run lies: the schedule's key and the due time's field. */
export interface RunPlace {
	readonly profile: ProfileId;
	readonly key: string;
	readonly due: string;
}

/** The place that a field of `open` names; null: it names none. */
export function openPlace(profile: ProfileId, field: string): RunPlace | null {
	const [, due, key] = /^(m?\d+)\|(.*)$/s.exec(field) ?? [];
	return due === undefined || key === undefined ? null : { profile, key, due };
}

/**
 * Reads a run's text. One that is none was written by something else: then the due time is taken, and nobody can tell by what.
 */
export function readRun(text: string, place: RunPlace): ScheduleRun {
	const manual = place.due.startsWith('m');
	const base = {
		profile: place.profile,
		book: 'shared' as const,
		key: place.key,
		dueAt: Number(manual ? place.due.slice(1) : place.due),
		manual,
	};
	const read = fieldsOf(text);
	const string = (name: string) => {
		const value = read?.get(name);
		return typeof value === 'string' ? value : null;
	};
	const number = (name: string) => {
		const value = read?.get(name);
		return typeof value === 'number' && Number.isFinite(value) ? value : null;
	};
	const state = STATES.find((one) => one === string('state'));
	if (state === undefined) {
		return {
			...base,
			state: 'uncertain',
			name: place.key,
			firedAt: null,
			messageId: null,
			taskId: null,
			by: 'unknown',
			tries: 0,
			note: 'What Redis has of this run cannot be read: something else than Warren wrote it.',
			updatedAt: base.dueAt,
		};
	}
	return {
		...base,
		state,
		name: string('name') ?? place.key,
		firedAt: number('firedAt'),
		messageId: string('messageId'),
		taskId: string('taskId') as TaskId | null,
		by: string('by') ?? 'unknown',
		tries: number('tries') ?? 0,
		note: string('note'),
		updatedAt: number('updatedAt') ?? base.dueAt,
	};
}

function fieldsOf(text: string): ReadonlyMap<string, unknown> | null {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === 'object' && value !== null ? new Map(Object.entries(value)) : null;
	} catch {
		return null;
	}
}
