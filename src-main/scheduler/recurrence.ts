/**
 * Due times, pure. Three rules hold whatever the clocks do:
 * - seconds, minutes and hours are an interval: when the clock goes back they run through the repeated hour, and when it goes
 *   forward they skip what did not exist;
 * - days, weeks and a cron with fixed times are an appointment: one that falls into a gap happens right after it, and one in a
 *   repeated hour happens once, the first time;
 * - the next due time is always later than the one it is asked after.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { IntervalUnit, Recurrence, Timing } from '#main/domain/timing.ts';
import { nextCron, nextOnWallClock, readCron } from './cron.ts';
import { clockChanges, instantOf, knowsZone, localAt, offsetAt } from './zones.ts';

const DAY = 86_400_000;
const UNIT_MS: Readonly<Record<IntervalUnit, number>> = {
	seconds: 1_000,
	minutes: 60_000,
	hours: 3_600_000,
	days: DAY,
	weeks: 7 * DAY,
};
/** 1970-01-05 was a Monday: weeks are counted from there. */
const FIRST_MONDAY = 4 * DAY;
/** A hundred years of any unit is a typing mistake. */
const LONGEST_MS = 100 * 366 * DAY;
const START_OF_2024 = 1_704_067_200_000;
/** The end of the year 9999, after which dates have no common way of writing. */
const LAST_MOMENT = 253_402_300_799_999;

/** What the last run was, for recurrences that count from it. */
export interface RunFacts {
	readonly lastRunAt: number | null;
	readonly createdAt: number;
}

/** Checks a timing for what no due time could be worked out from; says what is wrong and what would be right. */
export function checkTiming(timing: Timing): Result<void> {
	if (!knowsZone(timing.zone)) {
		return fail('invalid-input', `There is no time zone "${timing.zone}". Zones are named like Europe/London or UTC.`);
	}
	if (!isMoment(timing.startAt) || !isMoment(timing.endAt)) {
		return fail('invalid-input', 'A start or an end is a time from 1970 to 9999, in whole milliseconds.');
	}
	if (timing.startAt !== null && timing.endAt !== null && timing.endAt <= timing.startAt) {
		return fail('invalid-input', 'The end lies before the start, so it would never run.');
	}
	if (!Number.isFinite(timing.jitterMs) || timing.jitterMs < 0) {
		return fail('invalid-input', 'Jitter is a length of time: zero or more.');
	}
	return checkRecurrence(timing.recurrence);
}

function isMoment(at: number | null): boolean {
	return at === null || (Number.isSafeInteger(at) && at >= 0 && at <= LAST_MOMENT);
}

function checkRecurrence(recurrence: Recurrence): Result<void> {
	switch (recurrence.kind) {
		case 'every': {
			if (!Number.isSafeInteger(recurrence.count) || recurrence.count < 1) {
				return fail(
					'invalid-input',
					`Every ${recurrence.count} ${recurrence.unit}: the count is a whole number from 1.`,
				);
			}
			const tooLong = recurrence.count * UNIT_MS[recurrence.unit] > LONGEST_MS;
			return tooLong ? fail('invalid-input', 'An interval of more than a hundred years is a mistake.') : ok(undefined);
		}
		case 'cron': {
			const rule = readCron(recurrence.expression);
			return rule.ok ? ok(undefined) : rule;
		}
		case 'once':
			return isMoment(recurrence.at)
				? ok(undefined)
				: fail('invalid-input', 'The time to run once is a time from 1970 to 9999, in whole milliseconds.');
		case 'foreign':
			return ok(undefined);
	}
}

/** The first due time after `after` (exclusive) within the timing's bounds; null: never again. */
export function nextDue(timing: Timing, after: number, facts: RunFacts): number | null {
	const from = timing.startAt === null ? after : Math.max(after, timing.startAt - 1);
	const due = nextOf(timing, from, facts);
	if (due === null || (timing.endAt !== null && due >= timing.endAt)) return null;
	return due;
}

function nextOf(timing: Timing, after: number, facts: RunFacts): number | null {
	const { recurrence, zone } = timing;
	switch (recurrence.kind) {
		case 'once':
			return recurrence.at > after ? recurrence.at : null;
		case 'foreign':
			return null;
		case 'cron': {
			const rule = readCron(recurrence.expression);
			return rule.ok ? nextCron(rule.value, zone, after) : null;
		}
		case 'every': {
			if (recurrence.align === 'last-run') return afterLastRun(recurrence.count, recurrence.unit, timing, after, facts);
			const appointment = recurrence.unit === 'days' || recurrence.unit === 'weeks';
			const anchor = timing.startAt === null ? null : localAt(zone, timing.startAt);
			return appointment
				? nextDay(recurrence.count, recurrence.unit, zone, after, anchor)
				: nextOnGrid(recurrence.count * UNIT_MS[recurrence.unit], zone, after, anchor ?? 0);
		}
	}
}

/** Seconds to hours: every instant at which the wall clock stands on the grid. */
function nextOnGrid(step: number, zone: string, after: number, anchor: number): number | null {
	return nextOnWallClock(zone, after, (local) => gridAfter(local, step, anchor));
}

function gridAfter(local: number, step: number, anchor: number): number {
	return anchor + (Math.floor((local - anchor) / step) + 1) * step;
}

/** Days and weeks: the same wall-clock time on every n-th day. */
function nextDay(count: number, unit: 'days' | 'weeks', zone: string, after: number, anchor: number | null): number {
	const step = count * UNIT_MS[unit];
	const from = anchor ?? (unit === 'weeks' ? FIRST_MONDAY : 0);
	// One step back, because a gap may have pushed an earlier appointment past `after`.
	let local = gridAfter(localAt(zone, after), step, from) - step;
	for (;;) {
		const { instant } = instantOf(zone, local);
		if (instant > after) return instant;
		local += step;
	}
}

function afterLastRun(count: number, unit: IntervalUnit, timing: Timing, after: number, facts: RunFacts): number {
	if (facts.lastRunAt === null && timing.startAt !== null && timing.startAt > after) return timing.startAt;
	const base = facts.lastRunAt ?? timing.startAt ?? facts.createdAt;
	const step = count * UNIT_MS[unit];
	if (unit === 'days' || unit === 'weeks') {
		return nextDay(count, unit, timing.zone, Math.max(after, base), localAt(timing.zone, base));
	}
	return base + Math.max(1, Math.floor((after - base) / step) + 1) * step;
}

/** How many due times lie in (from, to]; counted by arithmetic where the rule allows it, else walked through up to `most`. */
export function countDues(
	timing: Timing,
	from: number,
	to: number,
	facts: RunFacts,
	most: number,
): { readonly count: number; readonly exact: boolean } {
	const { recurrence, zone } = timing;
	const begin = timing.startAt === null ? from : Math.max(from, timing.startAt - 1);
	const end = timing.endAt === null ? to : Math.min(to, timing.endAt - 1);
	if (end <= begin) return { count: 0, exact: true };
	if (recurrence.kind === 'every' && recurrence.unit !== 'days' && recurrence.unit !== 'weeks') {
		const step = recurrence.count * UNIT_MS[recurrence.unit];
		const count =
			recurrence.align === 'clock'
				? countOnGrid(step, zone, begin, end, timing.startAt === null ? 0 : localAt(zone, timing.startAt))
				: countAfterLastRun(step, timing, begin, end, facts);
		return { count, exact: true };
	}
	let count = 0;
	let known = facts;
	for (let due = nextDue(timing, begin, known); due !== null && due <= end; due = nextDue(timing, due, known)) {
		if (count === most) return { count, exact: false };
		count += 1;
		known = { ...known, lastRunAt: due };
	}
	return { count, exact: true };
}

function countOnGrid(step: number, zone: string, from: number, to: number, anchor: number): number {
	let count = 0;
	let begin = from;
	let offset = offsetAt(zone, from);
	const upTo = (instant: number) => Math.floor((instant + offset - anchor) / step);
	for (const change of clockChanges(zone, from, to)) {
		count += upTo(change.at - 1) - upTo(begin);
		begin = change.at - 1;
		offset += change.by;
	}
	return count + upTo(to) - upTo(begin);
}

function countAfterLastRun(step: number, timing: Timing, from: number, to: number, facts: RunFacts): number {
	const base = facts.lastRunAt ?? timing.startAt ?? facts.createdAt;
	const upTo = (instant: number) => Math.max(0, Math.floor((instant - base) / step));
	// A schedule that never ran has its first run at its start itself.
	const atStart = facts.lastRunAt === null && timing.startAt !== null && timing.startAt > from && timing.startAt <= to;
	return upTo(to) - upTo(from) + (atStart ? 1 : 0);
}

/** Far enough into a rule to have seen its shortest stretch, and little enough to be looked at while somebody types. */
const STRETCHES_LOOKED_AT = 100;

/**
 * The least time between two runs, clock changes aside: an interval's own length, of a cron expression the shortest among its next
 * hundred runs after the start of 2024. Null: it runs once at most, or nobody here knows when.
 */
export function shortestInterval(timing: Timing): number | null {
	const { recurrence, zone } = timing;
	if (recurrence.kind === 'every') return recurrence.count * UNIT_MS[recurrence.unit];
	if (recurrence.kind !== 'cron') return null;
	const unbounded: Timing = { recurrence, zone, startAt: null, endAt: null, jitterMs: 0 };
	let shortest: number | null = null;
	let last: number | null = null;
	for (const { at } of upcoming(unbounded, START_OF_2024, STRETCHES_LOOKED_AT, { lastRunAt: null, createdAt: 0 })) {
		if (last !== null && (shortest === null || at - last < shortest)) shortest = at - last;
		last = at;
	}
	return shortest;
}

/** One coming run, and whether the clocks changed since the one before. */
export interface UpcomingRun {
	readonly at: number;
	/** Milliseconds by which the wall clock jumped since the run before (or since `from`); 0: not at all. */
	readonly clockChange: number;
}

/** The next runs after `from`, at most `count`. */
export function upcoming(timing: Timing, from: number, count: number, facts: RunFacts): readonly UpcomingRun[] {
	const runs: UpcomingRun[] = [];
	let after = from;
	let known = facts;
	while (runs.length < count) {
		const at = nextDue(timing, after, known);
		if (at === null) break;
		runs.push({ at, clockChange: offsetAt(timing.zone, at) - offsetAt(timing.zone, after) });
		after = at;
		known = { ...known, lastRunAt: at };
	}
	return runs;
}

/** How long after its due time a run is published: the same for everybody who works it out, at most `jitterMs`. */
export function jitterOf(name: string, due: number, jitterMs: number): number {
	if (jitterMs <= 0) return 0;
	// FNV-1a over the name and the due time: spread well enough, and the same in every process.
	let hash = 0x811c9dc5;
	for (const char of `${name}\n${due}`) {
		hash ^= char.codePointAt(0) ?? 0;
		hash = Math.imul(hash, 0x01000193) >>> 0;
	}
	return Math.floor((hash / 0x1_0000_0000) * jitterMs);
}
