/** The `meta` of RedBeat's entries: when beat last ran one, and how often. It is beat's to write. */
import type { Value } from '#main/domain/value.ts';
import { editMembers } from '../json/members.ts';
import { readJson } from '../json/read.ts';
import { type BeatProblem, metaProblems } from './beat-check.ts';
import { type BeatWorld, entryOf, numberOf } from './beat-types.ts';

/** A time as RedBeat writes it: a wall clock (in ms, as if it were UTC) in a zone of a name, or so many ms from UTC. */
export interface RedbeatTime {
	readonly local: number;
	readonly zone: string | number;
}

export interface RedbeatMeta {
	/**
	 * What the next run counts from. With `runs` null it need not be a run: RedBeat writes the moment of saving there, and what an
	 * outside edit cleared is null.
	 */
	readonly last: RedbeatTime | null;
	/** Null: it was never counted. */
	readonly runs: number | null;
	readonly problems: readonly BeatProblem[];
}

/** Reads a `meta`; null or empty text is one that was never written. Never fails: what is wrong is among `problems`. */
export function readRedbeatMeta(text: string | null, world: BeatWorld): RedbeatMeta {
	if (text === null || text === '') return { last: null, runs: null, problems: [] };
	const read = readJson(text);
	if (!read.ok) {
		const message = `Its meta is no JSON: ${read.error.message}`;
		return { last: null, runs: null, problems: [{ field: 'name', effect: 'ends', message }] };
	}
	const problems = metaProblems(read.value, world);
	const entries = read.value.kind === 'dict' ? read.value.entries : [];
	const last = entryOf(entries, 'last_run_at');
	const count = entryOf(entries, 'total_run_count');
	const runs = count?.kind === 'int' ? Number(count.text) : null;
	return {
		last: problems.length === 0 && last?.kind === 'dict' ? timeOf(last) : null,
		runs: runs !== null && Number.isSafeInteger(runs) && runs >= 0 ? runs : null,
		problems,
	};
}

function timeOf(value: Extract<Value, { readonly kind: 'dict' }>): RedbeatTime {
	const part = (key: string) => {
		const found = entryOf(value.entries, key);
		return found === undefined ? 0 : (numberOf(found) ?? 0);
	};
	const date = new Date(0);
	date.setUTCFullYear(part('year'), part('month') - 1, part('day'));
	date.setUTCHours(part('hour'), part('minute'), part('second'), Math.floor(part('microsecond') / 1_000));
	const zone = entryOf(value.entries, 'timezone');
	const seconds = zone === undefined ? null : numberOf(zone);
	return { local: date.getTime(), zone: zone?.kind === 'str' ? zone.value : (seconds ?? 0) * 1_000 };
}

/** A new entry's `meta`: counted from this instant, as RedBeat's own `save` writes it. */
export function newRedbeatMeta(now: number): string {
	const date = new Date(now);
	const time = {
		__type__: 'datetime',
		year: date.getUTCFullYear(),
		month: date.getUTCMonth() + 1,
		day: date.getUTCDate(),
		hour: date.getUTCHours(),
		minute: date.getUTCMinutes(),
		second: date.getUTCSeconds(),
		microsecond: date.getUTCMilliseconds() * 1_000,
		timezone: 'UTC',
	};
	return JSON.stringify({ last_run_at: time });
}

/** A `meta` that has beat run its entry at once; how often it ran stays counted. */
export function clearedRedbeatMeta(text: string | null): string {
	const read = text === null || text === '' ? null : readJson(text);
	const whole = read?.ok === true && read.value.kind === 'dict' && text !== null;
	return editMembers(whole ? text : '{}', { last_run_at: 'null' });
}
