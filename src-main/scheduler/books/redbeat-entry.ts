/** What lies under RedBeat's keys, as entries of a book. Pure. */
import { createHash } from 'node:crypto';
import { type BeatProblem, EFFECTS } from '#main/dialects/celery/beat-check.ts';
import { type RedbeatEntry, type RedbeatWorld, readRedbeat } from '#main/dialects/celery/redbeat.ts';
import { type RedbeatMeta, readRedbeatMeta } from '#main/dialects/celery/redbeat-meta.ts';
import { describeRule } from '#main/dialects/celery/redbeat-rule.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookEntry, BrokenEntry, ScheduleDefinition, ScheduleRemark } from '#main/domain/schedule.ts';
import { showMoment } from '../moment.ts';
import { BEAT_LOOKS_EVERY, instantOfTime, nextRunBy } from './redbeat-due.ts';

/** RedBeat's keys under a prefix (`redbeat_key_prefix`). */
export interface RedbeatKeys {
	readonly prefix: string;
	/** Sorted set: entries by the time at which beat looks at them next. */
	readonly schedule: string;
	/** Set: names that come from the app's own beat_schedule. */
	readonly statics: string;
	/** The token of the beat that rules, unless `redbeat_lock_key` names another key. */
	readonly lock: string;
	/** A glob of all of them. */
	readonly all: string;
	of(name: string): string;
	/** The name of a key; null: it is no entry's. */
	nameOf(key: string): string | null;
}

export function redbeatKeys(prefix: string): RedbeatKeys {
	return {
		prefix,
		schedule: `${prefix}:schedule`,
		statics: `${prefix}:statics`,
		lock: `${prefix}:lock`,
		all: `${prefix.replace(/[\\*?[\]^]/g, '\\$&')}*`,
		of: (name) => prefix + name,
		nameOf: (key) => (key.startsWith(prefix) && key.length > prefix.length ? key.slice(prefix.length) : null),
	};
}

/** What stands under one key. */
export interface RedbeatRaw {
	readonly key: string;
	readonly name: string;
	/** Null: the hash has none, or there is no hash. */
	readonly definition: string | null;
	readonly meta: string | null;
	/** Epoch seconds; null: it has no place in the schedule, and beat does not know it. */
	readonly score: number | null;
	readonly isStatic: boolean;
}

/** Everything that is known of one entry. */
export interface RedbeatSight {
	readonly raw: RedbeatRaw & { readonly definition: string };
	readonly entry: BookEntry;
	/** As the text says, whether or not beat knows the entry. */
	readonly enabled: boolean;
	/** What the next run counts from, epoch ms; null: beat runs it as soon as it looks. */
	readonly last: number | null;
	readonly problems: readonly BeatProblem[];
}

/** What reading an entry has to be told. */
export interface SightWorld extends RedbeatWorld {
	/** When it was last edited from here, epoch ms; null: not lately. */
	readonly editedAt: (key: string) => number | null;
	/** Reads a definition; by default anew. */
	readonly readText?: typeof readRedbeat;
}

/** Reads one entry. Fails (`undecodable`) where there is no schedule, in words. */
export function readSight(raw: RedbeatRaw, world: SightWorld): Result<RedbeatSight> {
	const { key, name, definition: text, score, isStatic } = raw;
	if (text === null) return fail('undecodable', withoutDefinition(raw));
	const read = (world.readText ?? readRedbeat)(text, name, world);
	if (!read.ok) return read;
	const meta = readRedbeatMeta(raw.meta, world);
	const last = meta.last === null ? null : instantOfTime(meta.last);
	const enabled = read.value.definition.active;
	const definition: ScheduleDefinition = { ...read.value.definition, active: enabled && score !== null };
	const problems = [...read.value.problems, ...meta.problems];
	const remarks = [
		...problems.map((problem) => warning(`${problem.message} ${EFFECTS[problem.effect]}.`)),
		...(isStatic ? [warning(STATIC)] : []),
		...(score === null
			? [warning(`Beat does not know it: it has no place in the schedule. ${enabled ? RESUME : ''}`)]
			: []),
		...(definition.recurrence.kind === 'foreign' ? ruleRemark(definition.recurrence.rule) : []),
		...noticed(world.editedAt(key), world),
	];
	const entry: BookEntry = {
		key,
		version: versionOf(text, score !== null),
		definition,
		...ranBy(meta, last),
		nextRunAt: nextRunBy(definition, score, last, world.now),
		remarks,
	};
	return ok({ raw: { ...raw, definition: text }, entry, enabled, last, problems });
}

const STATIC =
	"It comes from the app's own beat_schedule, which writes it anew whenever beat starts: an edit holds until then. Duplicate it for a schedule that stays.";
const RESUME = 'Resume it to give it one.';

function warning(words: string): ScheduleRemark {
	return { tone: 'warning', words: words.trim() };
}

function ruleRemark(rule: string): readonly ScheduleRemark[] {
	const words = describeRule(rule);
	return words === null ? [] : [{ tone: 'info', words }];
}

/** Until beat has surely looked again. */
function noticed(editedAt: number | null, { now, zone }: SightWorld): readonly ScheduleRemark[] {
	if (editedAt === null || now >= editedAt + BEAT_LOOKS_EVERY) return [];
	const by = showMoment(editedAt + BEAT_LOOKS_EVERY, zone).replace('T', ' ');
	return [
		{ tone: 'info', words: `Beat notices this edit by ${by} (${zone}), unless it looks less often than by default.` },
	];
}

/** RedBeat notes the moment of saving as if it were a run, and counts only true ones. */
function ranBy(meta: RedbeatMeta, last: number | null): Pick<BookEntry, 'lastRunAt' | 'changedAt' | 'totalRuns'> {
	const ran = meta.runs !== null && meta.runs > 0;
	return { lastRunAt: ran ? last : null, changedAt: ran ? null : last, totalRuns: meta.runs };
}

/** Another text, or another standing with beat, is another version; a run is not. */
function versionOf(text: string, known: boolean): string {
	return createHash('sha256')
		.update(`${known ? '' : 'unknown to beat\n'}${text}`)
		.digest('hex')
		.slice(0, 24);
}

function withoutDefinition({ meta, score }: RedbeatRaw): string {
	if (meta !== null) {
		return 'There is only a meta, and no definition: what is left of a schedule that was removed while beat ran it. It does nothing, and can be deleted.';
	}
	return score === null
		? 'There is no definition.'
		: 'It has a place in the schedule and no definition: beat takes it out when it comes to it.';
}

/**
 * A reader that remembers what the texts of the last reading came to, so that of thousands only those that changed are read again.
 * `next` begins another reading: what does not come again is forgotten after it.
 */
export class TextMemory {
	#last = new Map<string, { readonly text: string; readonly entry: Result<RedbeatEntry> }>();
	#now = new Map<string, { readonly text: string; readonly entry: Result<RedbeatEntry> }>();

	next(): void {
		this.#last = this.#now;
		this.#now = new Map();
	}

	readonly read: typeof readRedbeat = (text, name, world) => {
		const before = this.#last.get(name);
		const entry = before?.text === text ? before.entry : readRedbeat(text, name, world);
		this.#now.set(name, { text, entry });
		return entry;
	};
}

/** How much of a broken entry is shown. */
const SHOWN = 4_000;

/** An entry that could not be read. */
export function brokenSight(raw: RedbeatRaw, reason: string): BrokenEntry {
	return { key: raw.key, name: raw.name, reason, raw: (raw.definition ?? raw.meta ?? '').slice(0, SHOWN) };
}
