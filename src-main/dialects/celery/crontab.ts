/**
 * Celery's crontab and cron expressions. The two look alike and differ: Celery has no seconds and no names of months, its Sunday is 0
 * only, it takes full names of weekdays and ranges that wrap around, and a day has to fit both the day of the month and the weekday,
 * where cron takes either. What both read alike keeps its text; the rest is spelled out, or refused in words. Celery's rules are those
 * of 5.2 to 5.6, as its parser applies them.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';

/** A crontab's fields by Celery's names, in the order of a cron expression. */
export const CRONTAB_FIELDS = ['minute', 'hour', 'day_of_month', 'month_of_year', 'day_of_week'] as const;
export type CrontabField = (typeof CRONTAB_FIELDS)[number];

const RANGES: Readonly<Record<CrontabField, readonly [least: number, most: number]>> = {
	minute: [0, 59],
	hour: [0, 23],
	day_of_month: [1, 31],
	month_of_year: [1, 12],
	day_of_week: [0, 6],
};
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const STAR: Value = { kind: 'str', value: '*' };

/**
 * What a field's value comes to, as Celery expands it: texts by its grammar, whole numbers and lists of them as they are. Fails
 * (`invalid-input`) where Celery raises, with what would be right.
 */
export function expandField(field: CrontabField, value: Value): Result<ReadonlySet<number>> {
	const [least, most] = RANGES[field];
	const wrong = (what: string): Result<never> =>
		fail('invalid-input', `${field} is ${what}; it should be a text like "*/5", ${least} to ${most}.`);
	if (value.kind === 'str') return expandText(field, value.value);
	const items = value.kind === 'list' ? value.items : [value];
	const numbers = new Set<number>();
	for (const item of items) {
		// Python's True is a 1, here too.
		const number = item.kind === 'int' ? Number(item.text) : item.kind === 'bool' ? Number(item.value) : null;
		if (number === null) return wrong(`${value.kind === 'list' ? 'a list with' : 'of'} type ${item.kind}`);
		if (number < least || number > most) return wrong(String(number));
		numbers.add(number);
	}
	return numbers.size === 0 ? wrong('an empty list') : ok(numbers);
}

const RANGE_STEPS = /^([\p{L}\p{N}_]+?)-([\p{L}\p{N}_]+)\/([\p{L}\p{N}_]+)?/u;
const RANGE = /^([\p{L}\p{N}_]+?)-([\p{L}\p{N}_]+)/u;
const STAR_STEPS = /^\*\/([\p{L}\p{N}_]+)?/u;

function expandText(field: CrontabField, text: string): Result<ReadonlySet<number>> {
	const numbers = new Set<number>();
	for (const part of text.split(',')) {
		const expanded = expandPart(field, part);
		if (!expanded.ok) return expanded;
		for (const number of expanded.value) numbers.add(number);
	}
	return ok(numbers);
}

/** One part between commas. Celery matches a range at its beginning only and ignores what follows it, so this does. */
function expandPart(field: CrontabField, part: string): Result<readonly number[]> {
	const [least, most] = RANGES[field];
	if (part === '') return fail('invalid-input', `${field} has an empty part: a comma too many.`);
	const stepped = RANGE_STEPS.exec(part);
	if (stepped !== null) return everyNth(field, wrapping(field, stepped[1] ?? '', stepped[2] ?? ''), stepped[3]);
	const range = RANGE.exec(part);
	if (range !== null) return wrapping(field, range[1] ?? '', range[2] ?? '');
	const star = STAR_STEPS.exec(part);
	if (star !== null) return everyNth(field, ok(between(least, most)), star[1]);
	if (part === '*' || part === '*\n') return ok(between(least, most));
	const number = numberOf(field, part);
	return number.ok ? ok([number.value]) : number;
}

function everyNth(
	field: CrontabField,
	numbers: Result<readonly number[]>,
	step: string | undefined,
): Result<readonly number[]> {
	if (!numbers.ok) return numbers;
	if (step === undefined) return fail('invalid-input', `${field} has a / without a step behind it: write */5.`);
	const by = pythonInt(step);
	if (by === null || by === 0) return fail('invalid-input', `${field} steps by "${step}"; a step is a number from 1.`);
	return ok(numbers.value.filter((_, index) => index % by === 0));
}

/** A range; one that ends below its beginning wraps around: `fri-mon`. */
function wrapping(field: CrontabField, first: string, last: string): Result<readonly number[]> {
	const [least, most] = RANGES[field];
	const from = numberOf(field, first);
	if (!from.ok) return from;
	const to = numberOf(field, last);
	if (!to.ok) return to;
	if (to.value >= from.value) return ok(between(from.value, to.value));
	return ok([...between(from.value, most), ...between(least, to.value)]);
}

/** A number or the name of a weekday, which Celery takes in every field; only its first three letters count. */
function numberOf(field: CrontabField, text: string): Result<number> {
	const [least, most] = RANGES[field];
	const day = DAYS.indexOf(text.slice(0, 3).toLowerCase());
	const number = pythonInt(text) ?? (day < 0 ? null : day);
	if (number === null || text.startsWith('-')) {
		const names = field === 'day_of_week' ? ', or sun to sat' : '';
		return fail('invalid-input', `Celery cannot read "${text}" as ${field}. It takes ${least} to ${most}${names}.`);
	}
	if (number < least || number > most) {
		const sunday = field === 'day_of_week' && number === 7 ? " Celery's Sunday is 0." : '';
		return fail('invalid-input', `${field} is ${text}; it goes from ${least} to ${most}.${sunday}`);
	}
	return ok(number);
}

/** What Python's `int` makes of a text; null where it raises. Only ASCII digits: others are refused, to be safe. */
function pythonInt(text: string): number | null {
	const plain = text.trim();
	return /^[+-]?\d+(?:_\d+)*$/.test(plain) ? Number(plain.replaceAll('_', '')) : null;
}

function between(from: number, to: number): readonly number[] {
	return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

/** A crontab as Celery has it; fields that are missing are `*` there. */
export type CrontabValues = Readonly<Partial<Record<CrontabField, Value>>>;

/** Crontabs of plain texts that were read already: thousands of schedules have a few dozen between them. */
const known = new Map<string, Result<string>>();
const MOST_KNOWN = 5_000;

/** The same schedule as a cron expression of five fields. Fails where Celery raises. */
export function cronOfCrontab(values: CrontabValues): Result<string> {
	const texts = CRONTAB_FIELDS.map((field) => values[field] ?? STAR);
	if (!texts.every((text) => text.kind === 'str')) return readCrontab(values);
	const key = JSON.stringify(texts.map(({ value }) => value));
	const before = known.get(key);
	if (before !== undefined) return before;
	const read = readCrontab(values);
	if (known.size >= MOST_KNOWN) known.clear();
	known.set(key, read);
	return read;
}

function readCrontab(values: CrontabValues): Result<string> {
	const sets = new Map<CrontabField, ReadonlySet<number>>();
	for (const field of CRONTAB_FIELDS) {
		const expanded = expandField(field, values[field] ?? STAR);
		if (!expanded.ok) return expanded;
		sets.set(field, expanded.value);
	}
	const never = neverOccurs(sets.get('month_of_year') as never, sets.get('day_of_month') as never);
	if (never !== null) return never;
	const text = (field: CrontabField) => cronText(field, values[field] ?? STAR, sets.get(field) ?? new Set());
	const full = (field: CrontabField) => sets.get(field)?.size === RANGES[field][1] - RANGES[field][0] + 1;
	let day = text('day_of_month');
	let weekday = text('day_of_week');
	if (day !== '*' && weekday !== '*') {
		// Cron takes either of two days, so one that leaves none out must not stand there as a choice.
		if (full('day_of_month')) day = '*';
		else if (full('day_of_week')) weekday = '*';
		else weekday = `+${weekday}`;
	}
	return ok([text('minute'), text('hour'), day, text('month_of_year'), weekday].join(' '));
}

/** Celery gives up on a crontab without a single day, and the whole of beat with it. */
function neverOccurs(months: ReadonlySet<number>, days: ReadonlySet<number>): Result<never> | null {
	for (const month of months) {
		for (const day of days) if (day <= (MONTH_DAYS[month - 1] ?? 0)) return null;
	}
	return fail('invalid-input', 'No month of these has such a day, so it would never run.');
}

/** A field's own text where cron reads it the same way, else its numbers. */
function cronText(field: CrontabField, value: Value, set: ReadonlySet<number>): string {
	if (value.kind === 'str') {
		const read = cronField(field, value.value);
		if (read.ok && read.value.size === set.size && [...set].every((number) => read.value.has(number)))
			return value.value;
	}
	const [least, most] = RANGES[field];
	if (set.size === most - least + 1) return '*';
	const pieces: string[] = [];
	const numbers = [...set].sort((a, b) => a - b);
	for (let index = 0; index < numbers.length; ) {
		let end = index;
		while (numbers[end + 1] === (numbers[end] as number) + 1) end += 1;
		const [from, to] = [numbers[index] as number, numbers[end] as number];
		// Two neighbours read better as two.
		pieces.push(to - from > 1 ? `${from}-${to}` : between(from, to).join(','));
		index = end + 1;
	}
	return pieces.join(',');
}

/**
 * A cron expression as Celery's crontab, each field a text. Fails (`invalid-input`) for what Celery reads differently or not at all,
 * with what to write instead.
 */
export function crontabOfCron(expression: string): Result<Readonly<Record<CrontabField, string>>> {
	const words = expression.trim().split(/\s+/);
	if (words[0]?.startsWith('@') === true) {
		return fail('invalid-input', `Celery knows no ${words[0]}: write five fields, minute hour day month weekday.`);
	}
	if (words.length === 6) {
		return fail('invalid-input', 'Celery counts in minutes: leave the seconds out, and write five fields.');
	}
	if (words.length !== 5) {
		return fail('invalid-input', `A crontab has five fields, minute hour day month weekday; this has ${words.length}.`);
	}
	const [minute, hour, day, month, weekday] = words as [string, string, string, string, string];
	const both = weekday.startsWith('+');
	const fields = {
		minute,
		hour,
		day_of_month: day,
		month_of_year: month,
		day_of_week: both ? weekday.slice(1) : weekday,
	};
	const sets: ReadonlySet<number>[] = [];
	for (const field of CRONTAB_FIELDS) {
		const read = cronField(field, fields[field]);
		if (!read.ok) return read;
		sets.push(read.value);
	}
	if (day !== '*' && fields.day_of_week !== '*' && !both) {
		return fail(
			'invalid-input',
			`Celery runs only on days that fit both the day of the month and the weekday, never on either. For both, write +${weekday}; for either, make two schedules.`,
		);
	}
	const never = neverOccurs(sets[3] ?? new Set(), sets[2] ?? new Set());
	return never ?? ok(fields);
}

const PART = /^(?:(\*)|([a-z]+|\d+)(?:-([a-z]+|\d+))?)(?:\/(\d+))?$/i;

/** What cron reads in a field, as far as Celery reads it the same way. */
function cronField(field: CrontabField, text: string): Result<ReadonlySet<number>> {
	const [least, most] = RANGES[field];
	const numbers = new Set<number>();
	for (const part of text.split(',')) {
		const match = PART.exec(part);
		if (match === null) return fail('invalid-input', foreignPart(field, part));
		const [, star, first = '', last, stepText] = match;
		const step = stepText === undefined ? 1 : Number(stepText);
		if (step < 1 || step > most - least + 1) {
			return fail('invalid-input', `${field} steps by ${step}; a step is 1 to ${most - least + 1}.`);
		}
		if (stepText !== undefined && star === undefined && last === undefined) {
			return fail(
				'invalid-input',
				`Celery does not read "${part}" as ${field}: write ${first}-${most}/${stepText}, or */${stepText}.`,
			);
		}
		const from = star === undefined ? cronNumber(field, first) : ok(least);
		if (!from.ok) return from;
		// A range up to Sunday ends the week: Celery wraps it around, and cron reads a 7 (so `sun-sun` as all days).
		const sunday = field === 'day_of_week' && last?.toLowerCase() === 'sun';
		if (sunday && from.value === 0) return fail('invalid-input', foreignPart(field, part));
		const to = star !== undefined ? ok(most) : sunday ? ok(7) : cronNumber(field, last ?? first);
		if (!to.ok) return to;
		if (to.value < from.value) {
			return fail('invalid-input', `"${part}" ends before it begins: write two ranges with a comma between them.`);
		}
		for (let number = from.value; number <= to.value; number += step) numbers.add(sunday ? number % 7 : number);
	}
	return ok(numbers);
}

function cronNumber(field: CrontabField, text: string): Result<number> {
	const [least, most] = RANGES[field];
	const name = text.toLowerCase();
	const day = field === 'day_of_week' ? DAYS.indexOf(name) : -1;
	if (!/^\d+$/.test(text) && day < 0) return fail('invalid-input', foreignPart(field, text));
	const number = day < 0 ? Number(text) : day;
	if (number >= least && number <= most) return ok(number);
	const sunday = field === 'day_of_week' && number === 7 ? " Celery's Sunday is 0, or sun." : '';
	return fail('invalid-input', `${field} is ${text}; it goes from ${least} to ${most}.${sunday}`);
}

function foreignPart(field: CrontabField, part: string): string {
	const [least, most] = RANGES[field];
	const month = MONTHS.indexOf(part.toLowerCase());
	if (field === 'month_of_year' && month >= 0) {
		return `Celery knows no names of months: write ${month + 1} for ${part}.`;
	}
	if (field === 'day_of_week' && DAYS.includes(part.slice(0, 3).toLowerCase())) {
		return `Celery and cron read "${part}" differently: write ${DAYS.indexOf(part.slice(0, 3).toLowerCase())}.`;
	}
	const names = field === 'day_of_week' ? ', or sun to sat' : '';
	return `Celery has nothing like "${part}" in ${field}. It takes *, numbers from ${least} to ${most}${names}, ranges (2-5) and steps (*/5).`;
}
