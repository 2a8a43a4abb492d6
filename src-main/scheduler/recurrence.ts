/**
 * Due times, pure. Three rules hold whatever the clocks do:
 * - seconds, minutes and hours are an interval: when the clock goes back they run through the repeated hour, and when it goes
 *   forward they skip what did not exist;
 * - days, weeks and a cron with fixed times are an appointment: one that falls into a gap happens right after it, and one in a
 *   repeated hour happens once, the first time (cron's own rules, as croner has them);
 * - the next due time is always later than the one it is asked after.
 */
import { Cron } from 'croner';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { IntervalUnit, Recurrence, Timing } from '#main/domain/timing.ts';
import { changeBetween, instantOf, knowsZone, localAt, offsetAt } from './zones.ts';

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
/** A thousand years of any unit is a typing mistake. */
const LONGEST_MS = 1_000 * 366 * DAY;
const CRON_LENGTH = 200;
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
	return checkRecurrence(timing.recurrence, timing.zone);
}

function isMoment(at: number | null): boolean {
	return at === null || (Number.isSafeInteger(at) && at >= 0 && at <= LAST_MOMENT);
}

function checkRecurrence(recurrence: Recurrence, zone: string): Result<void> {
	switch (recurrence.kind) {
		case 'every': {
			if (!Number.isSafeInteger(recurrence.count) || recurrence.count < 1) {
				return fail(
					'invalid-input',
					`Every ${recurrence.count} ${recurrence.unit}: the count is a whole number from 1.`,
				);
			}
			const tooLong = recurrence.count * UNIT_MS[recurrence.unit] > LONGEST_MS;
			return tooLong ? fail('invalid-input', 'An interval of more than a thousand years is a mistake.') : ok(undefined);
		}
		case 'cron': {
			const cron = cronOf(recurrence.expression, zone);
			return cron.ok ? ok(undefined) : cron;
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
			const cron = cronOf(recurrence.expression, zone);
			if (!cron.ok) return null;
			// croner works in whole seconds and takes "after" as the second it is given.
			return cron.value.nextRun(new Date(after))?.getTime() ?? null;
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

/** Seconds to hours: a grid of the wall clock, within each stretch between two clock changes. */
function nextOnGrid(step: number, zone: string, after: number, anchor: number): number {
	const offset = offsetAt(zone, after);
	const candidate = gridAfter(after + offset, step, anchor) - offset;
	const change = changeBetween(zone, after, candidate);
	if (change === null || candidate < change.at) return candidate;
	// The clock changes on the way: the grid goes on from the new wall clock, the moment of the change included.
	const changed = change.at + offsetAt(zone, change.at);
	return gridAfter(changed - 1, step, anchor) - (changed - change.at);
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
	if (unit === 'days' || unit === 'weeks') return nextDay(count, unit, timing.zone, after, localAt(timing.zone, base));
	return base + Math.max(1, Math.floor((after - base) / step) + 1) * step;
}

const crons = new Map<string, Cron>();
const CRONS_KEPT = 20_000;

/** Reads a cron expression of five fields, or six with seconds first. Bounded in length; never takes long. */
export function cronOf(expression: string, zone: string): Result<Cron> {
	const key = `${zone}\n${expression}`;
	const known = crons.get(key);
	if (known !== undefined) return ok(known);
	const text = expression.trim();
	if (text.length > CRON_LENGTH)
		return fail('invalid-input', `A cron expression has at most ${CRON_LENGTH} characters.`);
	const fields = text.split(/\s+/).length;
	if (!text.startsWith('@') && fields !== 5 && fields !== 6) {
		return fail(
			'invalid-input',
			`A cron expression has five fields (minute hour day month weekday) or six with seconds first; this has ${fields}.`,
		);
	}
	try {
		const cron = new Cron(text, { timezone: zone, paused: true, mode: '5-or-6-parts' });
		if (crons.size >= CRONS_KEPT) crons.clear();
		crons.set(key, cron);
		return ok(cron);
	} catch (error) {
		// The parser throws for everything it refuses; its words name the part.
		const words = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
		return fail('invalid-input', `This is no cron expression: ${words}`);
	}
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
