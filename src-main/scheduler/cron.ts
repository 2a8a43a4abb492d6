/**
 * Cron expressions. croner reads them and refuses what is none; when they are due is worked out here, because croner's own object takes
 * 80 KB an expression (a table of ten thousand years each) and asks the platform for offsets at every step: too much for ten thousand
 * schedules. Tests hold that both say the same.
 *
 * Through clock changes cron's old rule holds: an expression without `*` and steps in seconds, minutes and hours is an appointment, which
 * happens right after a gap it falls into and once in a repeated hour, the first time. Any other is an interval: it runs through a
 * repeated hour and skips what did not exist.
 */
import { CronPattern } from 'croner';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { instantOf, localAt, nextChange, offsetAt } from './zones.ts';

const DAY = 86_400_000;
const CRON_LENGTH = 200;
/** After so many years the calendar repeats, weekdays included. */
const CYCLE_YEARS = 400;
/** Bits of `CronRule.weekdays`: the first to fifth of a month, the last, and all. */
const LAST = 32;
const ANY = 63;

/** When an expression is due, by the wall clock. */
export interface CronRule {
	/** Each in rising order. */
	readonly seconds: readonly number[];
	readonly minutes: readonly number[];
	readonly hours: readonly number[];
	/** Bit n: the n-th of a month (from 1). */
	readonly days: number;
	/** Bit n: the weekday nearest to the n-th. */
	readonly nearest: number;
	readonly lastDay: boolean;
	readonly lastWeekday: boolean;
	/** Bit n: month n (from 0). */
	readonly months: number;
	/** By weekday from Sunday which of a month: bits from the first to the fifth, 32 the last, 63 all. */
	readonly weekdays: readonly number[];
	/** How days of the month and weekdays go together: both must fit, either will do, or weekdays do not matter. */
	readonly join: 'both' | 'either' | 'days';
	/** No wildcard in the time of day: an appointment. */
	readonly appointment: boolean;
}

const rules = new Map<string, Result<CronRule>>();
const RULES_KEPT = 20_000;

/** Reads an expression of five fields, or six with seconds first. Bounded in length; never takes long. */
export function readCron(expression: string): Result<CronRule> {
	const text = expression.trim();
	if (text.length > CRON_LENGTH)
		return fail('invalid-input', `A cron expression has at most ${CRON_LENGTH} characters.`);
	const known = rules.get(text);
	if (known !== undefined) return known;
	const read = parse(text);
	if (rules.size >= RULES_KEPT) rules.clear();
	rules.set(text, read);
	return read;
}

function parse(text: string): Result<CronRule> {
	const fields = text.split(/\s+/).length;
	if (!text.startsWith('@') && fields !== 5 && fields !== 6) {
		return fail(
			'invalid-input',
			`A cron expression has five fields (minute hour day month weekday) or six with seconds first; this has ${fields}.`,
		);
	}
	try {
		const options = { mode: '5-or-6-parts', fixedTimeRule: 'no-wildcard' } as const;
		return ok(ruleOf(new CronPattern(text, undefined, options)));
	} catch (error) {
		// The parser throws for everything it refuses; its words name the part.
		const words = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
		return fail('invalid-input', `This is no cron expression: ${words}`);
	}
}

function ruleOf(pattern: CronPattern): CronRule {
	const join = pattern.starDOW ? 'days' : pattern.useAndLogic || pattern.starDOM ? 'both' : 'either';
	return {
		seconds: placesOf(pattern.second),
		minutes: placesOf(pattern.minute),
		hours: placesOf(pattern.hour),
		// Days count from one.
		days: bitsOf(pattern.day) * 2,
		nearest: bitsOf(pattern.nearestWeekdays) * 2,
		lastDay: pattern.lastDayOfMonth,
		lastWeekday: pattern.lastWeekday,
		months: bitsOf(pattern.month),
		weekdays: pattern.dayOfWeek.slice(0, 7),
		join,
		appointment: pattern.isFixedTime,
	};
}

function placesOf(marks: readonly number[]): readonly number[] {
	return marks.flatMap((mark, place) => (mark > 0 ? [place] : []));
}

function bitsOf(marks: readonly number[]): number {
	return marks.reduce((bits, mark, place) => (mark > 0 ? bits + 2 ** place : bits), 0);
}

/** The first due time after `after`; null: there is none in four hundred years, and so never. */
export function nextCron(rule: CronRule, zone: string, after: number): number | null {
	return rule.appointment
		? nextAppointment(rule, zone, after)
		: nextOnWallClock(zone, after, (local) => nextLocal(rule, local));
}

function nextAppointment(rule: CronRule, zone: string, after: number): number | null {
	let local = localAt(zone, after);
	for (;;) {
		const next = nextLocal(rule, local);
		if (next === null) return null;
		const { kind, instant } = instantOf(zone, next);
		// A whole day that a zone left out has no appointments.
		const left = kind === 'gap' && Math.floor(localAt(zone, instant) / DAY) !== Math.floor(next / DAY);
		if (instant > after && !left) return instant;
		local = kind === 'fold' ? endOfFold(zone, instant) - 1 : next;
	}
}

/** The wall clock at which a repeated stretch that holds the given first pass is over. */
function endOfFold(zone: string, firstPass: number): number {
	const change = nextChange(zone, firstPass, firstPass + DAY);
	return change === null ? localAt(zone, firstPass) + 1 : localAt(zone, change.at) - change.by;
}

/**
 * The first instant after `after` whose wall-clock time is one of those that `next` gives: through repeated hours twice, and never
 * where the clock jumped over.
 */
export function nextOnWallClock(zone: string, after: number, next: (local: number) => number | null): number | null {
	let from = after;
	let offset = offsetAt(zone, after);
	let local = after + offset;
	for (;;) {
		const found = next(local);
		if (found === null) return null;
		const candidate = found - offset;
		const change = nextChange(zone, from, candidate);
		if (change === null) return candidate;
		// The clock changes on the way: it goes on from the new wall clock, the moment of the change included.
		from = change.at;
		offset += change.by;
		local = from + offset - 1;
	}
}

/** Impossible dates are looked for through four hundred years, once. */
const impossible = new WeakSet<CronRule>();

/** The first wall-clock time after `local` that fits, in whole seconds. */
function nextLocal(rule: CronRule, local: number): number | null {
	if (impossible.has(rule)) return null;
	const from = Math.floor(local / 1_000) * 1_000 + 1_000;
	let day = Math.floor(from / DAY);
	const today = timeFrom(rule, Math.floor((from - day * DAY) / 1_000));
	const date = new Date(day * DAY);
	let year = date.getUTCFullYear();
	let month = date.getUTCMonth();
	let dayOfMonth = date.getUTCDate();
	if (today !== null && monthFits(rule, month) && dayFits(rule, year, month, dayOfMonth, day)) {
		return day * DAY + today * 1_000;
	}
	const first = timeFrom(rule, 0);
	const until = year + CYCLE_YEARS;
	day += 1;
	dayOfMonth += 1;
	while (first !== null && year <= until) {
		const length = daysIn(year, month);
		if (monthFits(rule, month)) {
			for (; dayOfMonth <= length; dayOfMonth += 1, day += 1) {
				if (dayFits(rule, year, month, dayOfMonth, day)) return day * DAY + first * 1_000;
			}
		} else {
			day += length - dayOfMonth + 1;
		}
		dayOfMonth = 1;
		month += 1;
		if (month === 12) {
			month = 0;
			year += 1;
		}
	}
	impossible.add(rule);
	return null;
}

/** The first time of day from `second` (of the day) on, as a second of the day. */
function timeFrom(rule: CronRule, second: number): number | null {
	const { hours, minutes, seconds } = rule;
	const [firstMinute = 0] = minutes;
	const [firstSecond = 0] = seconds;
	const wanted = { hour: Math.floor(second / 3_600), minute: Math.floor(second / 60) % 60, second: second % 60 };
	const hour = hours.find((one) => one >= wanted.hour);
	if (hour === undefined) return null;
	if (hour > wanted.hour) return hour * 3_600 + firstMinute * 60 + firstSecond;
	const sameMinute = minutes.includes(wanted.minute) ? seconds.find((one) => one >= wanted.second) : undefined;
	if (sameMinute !== undefined) return hour * 3_600 + wanted.minute * 60 + sameMinute;
	const minute = minutes.find((one) => one > wanted.minute);
	if (minute !== undefined) return hour * 3_600 + minute * 60 + firstSecond;
	const later = hours.find((one) => one > hour);
	return later === undefined ? null : later * 3_600 + firstMinute * 60 + firstSecond;
}

function monthFits(rule: CronRule, month: number): boolean {
	return (rule.months & (1 << month)) !== 0;
}

/** `day` is the same day counted from 1970. */
function dayFits(rule: CronRule, year: number, month: number, dayOfMonth: number, day: number): boolean {
	const length = daysIn(year, month);
	const byDate =
		hasBit(rule.days, dayOfMonth) ||
		(rule.lastDay && dayOfMonth === length) ||
		(rule.lastWeekday && dayOfMonth === weekdayNear(length, length, day - dayOfMonth + length)) ||
		(rule.nearest !== 0 && nearestFits(rule.nearest, length, dayOfMonth, day));
	if (rule.join === 'days') return byDate;
	if (rule.join === 'both' && !byDate) return false;
	if (rule.join === 'either' && byDate) return true;
	const which = rule.weekdays[weekdayOf(day)] ?? 0;
	if (which === 0 || which === ANY) return which === ANY;
	const inMonth = Math.ceil(dayOfMonth / 7);
	return (which & (1 << (inMonth - 1))) !== 0 || ((which & LAST) !== 0 && dayOfMonth + 7 > length);
}

function hasBit(bits: number, place: number): boolean {
	return Math.floor(bits / 2 ** place) % 2 === 1;
}

/** The weekday (Monday to Friday) nearest to a day, within its month. */
function weekdayNear(dayOfMonth: number, length: number, day: number): number {
	const weekday = weekdayOf(day);
	if (weekday === 6) return dayOfMonth === 1 ? dayOfMonth + 2 : dayOfMonth - 1;
	if (weekday === 0) return dayOfMonth === length ? dayOfMonth - 2 : dayOfMonth + 1;
	return dayOfMonth;
}

function nearestFits(nearest: number, length: number, dayOfMonth: number, day: number): boolean {
	for (let wanted = Math.max(1, dayOfMonth - 2); wanted <= Math.min(length, dayOfMonth + 2); wanted += 1) {
		if (hasBit(nearest, wanted) && weekdayNear(wanted, length, day + wanted - dayOfMonth) === dayOfMonth) return true;
	}
	return false;
}

/** From Sunday, 0. The first of January 1970 was a Thursday. */
function weekdayOf(day: number): number {
	return (((day + 4) % 7) + 7) % 7;
}

const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysIn(year: number, month: number): number {
	const leap = month === 1 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
	return leap ? 29 : (LENGTHS[month] ?? 30);
}
