/** The typed objects of RedBeat's JSON, each checked for what its Python constructor, Celery or dateutil raises on. */
import type { Value } from '#main/domain/value.ts';
import { CRONTAB_FIELDS, type CrontabField, cronOfCrontab } from './crontab.ts';

/** What becomes of beat. */
export type BeatEffect =
	/** The process ends, for all schedules. */
	| 'ends'
	/** All schedules wait or stop, and the process goes on without a word. */
	| 'stalls'
	/** It drops this schedule, with a line in its log. */
	| 'drops'
	/** It cannot send this task, each time it is due. */
	| 'fails'
	/** It sends this task again and again. */
	| 'repeats';

/** What the check has to be told, since a dialect knows no time zones and no time. */
export interface BeatWorld {
	readonly knowsZone: (name: string) => boolean;
	/** Epoch ms: how far a rule has come by now. */
	readonly now: number;
}

/** The entries of a JSON object. */
export type Entries = readonly (readonly [Value, Value])[];

/** The value of a key; undefined: there is none. */
export function entryOf(entries: Entries, key: string): Value | undefined {
	return entries.find(([name]) => name.kind === 'str' && name.value === key)?.[1];
}

/** One problem of a schedule. */
export interface RuleProblem {
	readonly effect: BeatEffect;
	readonly message: string;
}

/** A thousand years: what lies beyond soon leaves Python's calendar. */
const LONGEST = 1_000 * 366 * 86_400;
/** Years 1 and 9999, as epoch seconds. */
const FIRST = -62_135_596_800;
const LAST = 253_402_300_799;

/** Everything wrong with a schedule of this type. `whole`: all its keys are here, not only those that are given. */
export function checkRule(
	entries: Entries,
	type: 'interval' | 'crontab' | 'rrule',
	world: BeatWorld,
	whole = true,
): readonly RuleProblem[] {
	switch (type) {
		case 'interval':
			return checkInterval(entries, whole);
		case 'crontab':
			return checkCrontab(entries);
		case 'rrule':
			return checkRrule(entries, world);
	}
}

function checkInterval(entries: Entries, whole: boolean): readonly RuleProblem[] {
	const every = entryOf(entries, 'every');
	if (every === undefined) return [{ effect: 'drops', message: 'An interval needs "every", in seconds.' }];
	const seconds = numberOf(every);
	if (seconds === null) return [{ effect: 'ends', message: '"every" of an interval is a number of seconds.' }];
	if (!(seconds > 0)) return [{ effect: 'repeats', message: '"every" of an interval is more than 0 seconds.' }];
	// Python counts in millionths of a second, so what is less is nothing.
	if (seconds < 0.000_001)
		return [{ effect: 'repeats', message: '"every" of an interval is at least 0.000001 seconds.' }];
	if (seconds > LONGEST)
		return [{ effect: 'ends', message: 'An interval of more than a thousand years is a mistake.' }];
	if (whole && entryOf(entries, 'relative') === undefined) {
		return [{ effect: 'drops', message: 'An interval needs "relative": false counts from the last run.' }];
	}
	return [];
}

function checkCrontab(entries: Entries): readonly RuleProblem[] {
	const unknown = unknownKey(entries, CRONTAB_FIELDS);
	if (unknown !== null) {
		return [{ effect: 'ends', message: `A crontab has no "${unknown}". It has ${CRONTAB_FIELDS.join(', ')}.` }];
	}
	const values: Partial<Record<CrontabField, Value>> = {};
	for (const field of CRONTAB_FIELDS) {
		const value = entryOf(entries, field);
		if (value !== undefined) values[field] = value;
	}
	const cron = cronOfCrontab(values);
	if (cron.ok) return [];
	// Celery answers a day that never comes by the one error that beat swallows, and does nothing else in that turn either.
	const never = cron.error.message.startsWith('No month');
	return [{ effect: never ? 'stalls' : 'ends', message: cron.error.message }];
}

/** What a `by…` of an rrule may hold, whole numbers without 0 where `zero` is false. */
const BY: Readonly<Record<string, { readonly least: number; readonly most: number; readonly zero: boolean }>> = {
	bysetpos: { least: -366, most: 366, zero: false },
	bymonth: { least: 1, most: 12, zero: false },
	bymonthday: { least: -31, most: 31, zero: false },
	byyearday: { least: -366, most: 366, zero: false },
	byeaster: { least: -366, most: 366, zero: true },
	byweekno: { least: -53, most: 53, zero: false },
	byweekday: { least: 0, most: 6, zero: true },
	byhour: { least: 0, most: 23, zero: true },
	byminute: { least: 0, most: 59, zero: true },
	bysecond: { least: 0, most: 59, zero: true },
};
/** Names of an rrule's `freq`, by number. */
export const FREQUENCIES: readonly string[] = [
	...['YEARLY', 'MONTHLY', 'WEEKLY', 'DAILY'],
	...['HOURLY', 'MINUTELY', 'SECONDLY'],
];
/** All keys of an rrule but `__type__`, in the order in which RedBeat writes them. */
export const RRULE_KEYS: readonly string[] = [
	...['freq', 'interval', 'wkst', 'count'],
	...Object.keys(BY),
	...['dtstart', 'dtstart_tz', 'until', 'until_tz'],
];

function checkRrule(entries: Entries, world: BeatWorld): readonly RuleProblem[] {
	const problems: RuleProblem[] = [];
	const wrong = (message: string) => void problems.push({ effect: 'ends', message });
	const unknown = unknownKey(entries, RRULE_KEYS);
	if (unknown !== null) wrong(`An rrule has no "${unknown}".`);
	const freq = frequencyOf(entryOf(entries, 'freq'));
	if (freq === null) wrong(`An rrule's "freq" is 0 (yearly) to 6 (secondly), or one of ${FREQUENCIES.join(', ')}.`);
	const interval = entryOf(entries, 'interval');
	if (interval !== undefined && !isWhole(interval, 1, Number.MAX_SAFE_INTEGER)) {
		wrong('An rrule\'s "interval" is a whole number from 1.');
	}
	const count = entryOf(entries, 'count');
	if (!isNothing(count) && !isWhole(count, 1, Number.MAX_SAFE_INTEGER))
		wrong('An rrule\'s "count" is from 1, or null.');
	const wkst = entryOf(entries, 'wkst');
	if (!isNothing(wkst) && !isWhole(wkst, 0, 6) && !isWeekday(wkst))
		wrong('An rrule\'s "wkst" is 0 (Monday) to 6, or null.');
	for (const key of ['dtstart', 'until'] as const) {
		const time = entryOf(entries, key);
		const seconds = time === undefined ? null : numberOf(time);
		if (isNothing(time)) {
			// Without either, dateutil takes a time without a zone, which cannot be compared with beat's.
			const none = key === 'dtstart' && isNothing(entryOf(entries, 'until'));
			if (none) wrong('An rrule needs "dtstart", in epoch seconds.');
		} else if (seconds === null || seconds < FIRST || seconds > LAST) wrong(`An rrule's "${key}" is in epoch seconds.`);
		const zone = entryOf(entries, `${key}_tz`);
		const minutes = zone === undefined ? null : numberOf(zone);
		if (!isNothing(zone) && (minutes === null || Math.abs(minutes) >= 1_440)) {
			wrong(`An rrule's "${key}_tz" is in minutes from UTC, less than a day.`);
		}
	}
	for (const [key, { least, most, zero }] of Object.entries(BY)) {
		const value = entryOf(entries, key);
		if (isNothing(value)) continue;
		const items = value?.kind === 'list' ? value.items : [value];
		const fits = (item: Value | undefined) =>
			(isWhole(item, least, most) && (zero || numberOf(item as Value) !== 0)) ||
			(key === 'byweekday' && isWeekday(item));
		if (!items.every(fits)) {
			const range = zero ? `${least} to ${most}` : `${least} to ${most}, not 0`;
			wrong(`An rrule's "${key}" is a whole number of ${range}, a list of them, or null.`);
		}
	}
	if (problems.length === 0 && freq !== null) {
		problems.push(...checkReachable(entries, freq), ...checkLength(entries, freq, world));
	}
	return problems;
}

/** dateutil raises for an hour, minute or second that steps of this length never reach. */
function checkReachable(entries: Entries, freq: number): readonly RuleProblem[] {
	const [key, base, unit] =
		(
			[
				['byhour', 24, 3_600],
				['byminute', 60, 60],
				['bysecond', 60, 1],
			] as const
		)[freq - 4] ?? [];
	if (key === undefined || base === undefined || unit === undefined) return [];
	const value = entryOf(entries, key);
	if (isNothing(value)) return [];
	const wanted = (value?.kind === 'list' ? value.items : [value]).map((item) => numberOf(item as Value) ?? 0);
	const offset = numberOf(entryOf(entries, 'dtstart_tz') ?? NOTHING) ?? 0;
	const start = Math.floor(((numberOf(entryOf(entries, 'dtstart') ?? NOTHING) ?? 0) + offset * 60) / unit);
	const step = gcd(numberOf(entryOf(entries, 'interval') ?? NOTHING) ?? 1, base);
	// Without a start it counts from whenever beat looks: a step that leaves hours out then misses them at times.
	const fixed = !isNothing(entryOf(entries, 'dtstart')) || step === 1;
	if (fixed && wanted.some((number) => (((number - start) % step) + step) % step === 0)) return [];
	return [{ effect: 'ends', message: `An rrule with this "interval" and "dtstart" never comes to such a "${key}".` }];
}

/** dateutil counts from the start at every look; so many steps take it seconds, and beat does nothing else meanwhile. */
const MOST_STEPS = 500_000;

function checkLength(entries: Entries, freq: number, world: BeatWorld): readonly RuleProblem[] {
	const unit = ([3_600, 60, 1] as const)[freq - 4];
	if (unit === undefined || isNothing(entryOf(entries, 'dtstart'))) return [];
	const start = numberOf(entryOf(entries, 'dtstart') ?? NOTHING) ?? 0;
	const step = unit * (numberOf(entryOf(entries, 'interval') ?? NOTHING) ?? 1);
	const count = numberOf(entryOf(entries, 'count') ?? NOTHING) ?? Number.POSITIVE_INFINITY;
	const until = numberOf(entryOf(entries, 'until') ?? NOTHING) ?? Number.POSITIVE_INFINITY;
	const steps = Math.floor(Math.min((Math.min(world.now / 1_000, until) - start) / step, count));
	if (steps <= MOST_STEPS) return [];
	const words = `An rrule counts from its "dtstart" at every look, which is ${steps.toLocaleString('en')} steps here. Let it start later.`;
	return [{ effect: 'stalls', message: words }];
}

const NOTHING: Value = { kind: 'none' };

function gcd(a: number, b: number): number {
	return b === 0 ? a : gcd(b, a % b);
}

/** An rrule's `freq` as its number; null: it is none. */
export function frequencyOf(value: Value | undefined): number | null {
	if (value?.kind === 'str') {
		const place = FREQUENCIES.indexOf(value.value.toUpperCase());
		return place < 0 ? null : place;
	}
	return isWhole(value, 0, 6) ? numberOf(value as Value) : null;
}

/** Everything wrong with a datetime object. */
export function checkDatetime(entries: Entries, world: BeatWorld): readonly string[] {
	const ranges = {
		year: [1, 9_999],
		month: [1, 12],
		day: [1, 31],
		hour: [0, 23],
		minute: [0, 59],
		second: [0, 59],
		microsecond: [0, 999_999],
	} as const;
	const unknown = unknownKey(entries, [...Object.keys(ranges), 'timezone', 'fold']);
	if (unknown !== null) return [`A datetime has no "${unknown}". It has ${Object.keys(ranges).join(', ')}, timezone.`];
	for (const [key, [least, most]] of Object.entries(ranges)) {
		const value = entryOf(entries, key);
		const needed = key === 'year' || key === 'month' || key === 'day';
		if (value === undefined && !needed) continue;
		if (!isWhole(value, least, most)) return [`A datetime's "${key}" is ${least} to ${most}.`];
	}
	const [year, month, day] = ['year', 'month', 'day'].map((key) => numberOf(entryOf(entries, key) ?? NOTHING) ?? 0);
	const date = new Date(Date.UTC(2_000, 0, 1));
	date.setUTCFullYear(year ?? 0, (month ?? 1) - 1, day);
	if (date.getUTCDate() !== day) return [`A datetime of ${year}-${month}-${day} is no date.`];
	const fold = entryOf(entries, 'fold');
	if (fold !== undefined && !isWhole(fold, 0, 1)) return ['A datetime\'s "fold" is 0 or 1.'];
	const zone = entryOf(entries, 'timezone');
	if (zone === undefined) return [];
	const seconds = numberOf(zone);
	if (seconds !== null)
		return Math.abs(seconds) < 86_400 ? [] : ['A datetime\'s "timezone" is less than a day off UTC.'];
	if (zone.kind === 'str' && world.knowsZone(zone.value)) return [];
	return ['A datetime\'s "timezone" is the name of a zone, or seconds from UTC.'];
}

/** Everything wrong with a weekday object. */
export function checkWeekday(entries: Entries): readonly string[] {
	const unknown = unknownKey(entries, ['wkday', 'n']);
	if (unknown !== null) return [`A weekday has no "${unknown}". It has wkday, and n.`];
	if (!isWhole(entryOf(entries, 'wkday'), 0, 6)) return ['A weekday\'s "wkday" is 0 (Monday) to 6.'];
	const nth = entryOf(entries, 'n');
	const fits = isNothing(nth) || (isWhole(nth, -53, 53) && numberOf(nth as Value) !== 0);
	return fits ? [] : ['A weekday\'s "n" is a whole number, not 0.'];
}

function isWeekday(value: Value | undefined): boolean {
	if (value?.kind !== 'dict') return false;
	const type = entryOf(value.entries, '__type__');
	return type?.kind === 'str' && type.value === 'weekday' && checkWeekday(value.entries).length === 0;
}

function unknownKey(entries: Entries, known: readonly string[]): string | null {
	for (const [key] of entries) {
		if (key.kind === 'str' && key.value !== '__type__' && !known.includes(key.value)) return key.value.slice(0, 60);
	}
	return null;
}

function isNothing(value: Value | undefined): boolean {
	return value === undefined || value.kind === 'none';
}

function isWhole(value: Value | undefined, least: number, most: number): boolean {
	if (value?.kind !== 'int') return false;
	const number = Number(value.text);
	return number >= least && number <= most;
}

/** A finite number's value; null for all else. Only for comparing: digits are lost. */
export function numberOf(value: Value): number | null {
	if (value.kind !== 'int' && value.kind !== 'float') return null;
	const number = Number(value.text);
	return Number.isFinite(number) ? number : null;
}
