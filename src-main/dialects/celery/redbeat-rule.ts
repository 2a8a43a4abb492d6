/**
 * RedBeat's schedules and Warren's recurrences. An interval of whole seconds, a crontab, and a rule that runs once are edited; the rest
 * (other rules, fractions of seconds, intervals rounded to the clock) is kept as it is and shown.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { IntervalUnit, Recurrence } from '#main/domain/timing.ts';
import type { Value } from '#main/domain/value.ts';
import { editMembers } from '../json/members.ts';
import { readJson } from '../json/read.ts';
import { quoteJson } from '../json/write.ts';
import { type Entries, entryOf, FREQUENCIES, frequencyOf, numberOf, RRULE_KEYS } from './beat-types.ts';
import { CRONTAB_FIELDS, type CrontabField, cronOfCrontab, crontabOfCron } from './crontab.ts';

const UNITS: readonly (readonly [IntervalUnit, number])[] = [
	['weeks', 604_800],
	['days', 86_400],
	['hours', 3_600],
	['minutes', 60],
	['seconds', 1],
];

/** The recurrence of a schedule's JSON text. What Warren has no word for, malformed rules too, is `foreign` with that very text. */
export function readRule(text: string): Recurrence {
	const foreign: Recurrence = { kind: 'foreign', rule: text };
	const read = readJson(text);
	if (!read.ok) return foreign;
	const schedule = read.value;
	// A bare number is an interval, as in an app's own beat_schedule.
	if (schedule.kind === 'int' || schedule.kind === 'float') return intervalOf(schedule) ?? foreign;
	if (schedule.kind !== 'dict') return foreign;
	const type = typeOf(schedule);
	if (type === 'interval') {
		const every = entryOf(schedule.entries, 'every');
		const relative = entryOf(schedule.entries, 'relative');
		const seconds = every === undefined ? null : numberOf(every);
		// Rounding takes effect from a minute on.
		const rounded = relative !== undefined && isTrue(relative) && (seconds ?? 0) >= 60;
		return every === undefined || rounded ? foreign : (intervalOf(every) ?? foreign);
	}
	if (type === 'crontab') {
		const known = ['__type__', ...CRONTAB_FIELDS];
		if (schedule.entries.some(([key]) => key.kind !== 'str' || !known.includes(key.value))) return foreign;
		const cron = cronOfCrontab(crontabValues(schedule.entries));
		return cron.ok ? { kind: 'cron', expression: cron.value } : foreign;
	}
	return type === 'rrule' ? (onceOf(schedule.entries) ?? foreign) : foreign;
}

function crontabValues(entries: Entries): Partial<Record<CrontabField, Value>> {
	const values: Partial<Record<CrontabField, Value>> = {};
	for (const field of CRONTAB_FIELDS) {
		const value = entryOf(entries, field);
		if (value !== undefined) values[field] = value;
	}
	return values;
}

function intervalOf(every: Value): Recurrence | null {
	const seconds = numberOf(every);
	if (seconds === null || !Number.isSafeInteger(seconds) || seconds < 1) return null;
	const [unit, length] = UNITS.find(([, size]) => seconds % size === 0) ?? ['seconds', 1];
	return { kind: 'every', count: seconds / length, unit, align: 'last-run' };
}

/** A rule of one run, at its start, with nothing else said. */
function onceOf(entries: Entries): Recurrence | null {
	const whole = (key: string) => {
		const value = entryOf(entries, key);
		const number = value === undefined ? null : numberOf(value);
		return number !== null && Number.isSafeInteger(number) ? number : null;
	};
	const allowed = ['__type__', 'freq', 'interval', 'wkst', 'count', 'dtstart', 'dtstart_tz'];
	const more = entries.some(
		([key, value]) => key.kind !== 'str' || (!allowed.includes(key.value) && value.kind !== 'none'),
	);
	const start = whole('dtstart');
	if (more || start === null || whole('count') !== 1 || frequencyOf(entryOf(entries, 'freq')) === null) return null;
	return { kind: 'once', at: start * 1_000 };
}

/**
 * A recurrence as RedBeat's JSON text. `before` is what stands there, of which everything stays that need not change; null: nothing.
 * Fails (`invalid-input`) for what RedBeat cannot keep, with what it could.
 */
export function writeRule(recurrence: Recurrence, before: string | null): Result<string> {
	switch (recurrence.kind) {
		case 'every': {
			if (recurrence.align === 'clock') return fail('invalid-input', clockWords(recurrence.count, recurrence.unit));
			const seconds = recurrence.count * (UNITS.find(([unit]) => unit === recurrence.unit)?.[1] ?? 1);
			if (!Number.isSafeInteger(seconds) || seconds < 1) {
				return fail('invalid-input', 'The count of an interval is a whole number from 1.');
			}
			return ok(typed('interval', before, { every: String(seconds), relative: 'false' }));
		}
		case 'cron': {
			const fields = crontabOfCron(recurrence.expression);
			if (!fields.ok) return fields;
			const { minute, hour, day_of_week, day_of_month, month_of_year } = fields.value;
			const inOrder = { minute, hour, day_of_week, day_of_month, month_of_year };
			const texts = Object.entries(inOrder).map(([field, text]) => [field, quoteJson(text, false)]);
			return ok(typed('crontab', before, Object.fromEntries(texts)));
		}
		case 'once': {
			const seconds = recurrence.at / 1_000;
			if (!Number.isSafeInteger(seconds))
				return fail('invalid-input', 'RedBeat keeps whole seconds: leave fractions out.');
			if (before !== null && readRule(before).kind === 'once') {
				return ok(editMembers(before, { dtstart: String(seconds) }));
			}
			const said: Readonly<Record<string, string>> = {
				freq: String(FREQUENCIES.indexOf('YEARLY')),
				interval: '1',
				count: '1',
				dtstart: String(seconds),
				dtstart_tz: '0',
			};
			const keys = RRULE_KEYS.filter((key) => !key.startsWith('until'));
			return ok(typed('rrule', null, Object.fromEntries(keys.map((key) => [key, said[key] ?? 'null']))));
		}
		case 'foreign': {
			const read = readJson(recurrence.rule, { duplicates: 'refuse' });
			return read.ok ? ok(recurrence.rule.trim()) : read;
		}
	}
}

/** An object of a type, made of the one that stands there where that has the same type. */
function typed(type: string, before: string | null, members: Readonly<Record<string, string>>): string {
	if (before !== null) {
		const read = readJson(before);
		if (read.ok && read.value.kind === 'dict' && typeOf(read.value) === type) return editMembers(before, members);
	}
	return editMembers('{}', { __type__: quoteJson(type, false), ...members });
}

function typeOf(value: Extract<Value, { readonly kind: 'dict' }>): string | null {
	const type = entryOf(value.entries, '__type__');
	return type?.kind === 'str' ? type.value : null;
}

/** Whether Python takes it for true. */
export function isTrue(value: Value): boolean {
	switch (value.kind) {
		case 'none':
			return false;
		case 'bool':
			return value.value;
		case 'int':
		case 'float':
			// NaN is true in Python.
			return Number(value.text) !== 0;
		case 'str':
			return value.value !== '';
		case 'list':
			return value.items.length > 0;
		case 'dict':
			return value.entries.length > 0;
		default:
			return true;
	}
}

/** Celery's intervals count from the last run; what a crontab can say instead is offered. */
function clockWords(count: number, unit: IntervalUnit): string {
	const base = 'Celery counts an interval from the last run, not on the clock';
	const cron =
		unit === 'minutes' && 60 % count === 0 && count < 60
			? `*/${count} * * * *`
			: unit === 'hours' && 24 % count === 0 && count < 24
				? `0 */${count} * * *`
				: count !== 1
					? null
					: { seconds: null, minutes: '* * * * *', hours: '0 * * * *', days: '0 0 * * *', weeks: '0 0 * * 1' }[unit];
	return `${base}: choose that${cron === null ? '' : `, or write the cron expression ${cron.replace('*/1 ', '* ')}`}.`;
}

/** A schedule that Warren only keeps, in words; null: there are none for it. */
export function describeRule(rule: string): string | null {
	const read = readJson(rule);
	if (!read.ok || read.value.kind !== 'dict') return null;
	const { entries } = read.value;
	const type = typeOf(read.value);
	if (type === 'interval') {
		const every = entryOf(entries, 'every');
		const seconds = every === undefined ? null : numberOf(every);
		if (every === undefined || seconds === null || seconds <= 0 || every.kind === 'str') return null;
		const relative = entryOf(entries, 'relative');
		const [, size] = UNITS.find(([unit, length]) => unit !== 'weeks' && seconds >= length) ?? ['seconds', 1];
		const to = size === 86_400 ? 'midnight' : size === 3_600 ? 'the full hour' : 'the full minute';
		const rounded = relative !== undefined && isTrue(relative) && seconds >= 60 ? `, rounded down to ${to}` : '';
		return `Every ${seconds.toLocaleString('en', { maximumFractionDigits: 6 })} seconds after the last run${rounded}. Warren keeps this as it is.`;
	}
	if (type !== 'rrule') return null;
	const freq = frequencyOf(entryOf(entries, 'freq'));
	if (freq === null) return null;
	const number = (key: string) => {
		const value = entryOf(entries, key);
		return value === undefined ? null : numberOf(value);
	};
	const step = number('interval') ?? 1;
	const unit = ['years', 'months', 'weeks', 'days', 'hours', 'minutes', 'seconds'][freq] ?? '';
	const every = step === 1 ? `every ${unit.slice(0, -1)}` : `every ${step} ${unit}`;
	const by = entries.flatMap(([key, value]) =>
		key.kind === 'str' && key.value.startsWith('by') && value.kind !== 'none' ? [key.value] : [],
	);
	const said = by.length === 0 ? '' : `, further said by ${by.join(', ')}`;
	const times = number('count') === null ? '' : `, ${number('count')} times at most`;
	return `A recurrence rule: ${every}${said}${times}. Beat alone works its times out; Warren keeps it as it is.`;
}

/** Before when a rule runs in no case, epoch ms; null for what may run at any time. */
export function ruleStart(recurrence: Recurrence): number | null {
	if (recurrence.kind === 'once') return recurrence.at;
	if (recurrence.kind !== 'foreign') return null;
	const read = readJson(recurrence.rule);
	if (!read.ok || read.value.kind !== 'dict' || typeOf(read.value) !== 'rrule') return null;
	const start = entryOf(read.value.entries, 'dtstart');
	const seconds = start === undefined ? null : numberOf(start);
	return seconds === null ? null : seconds * 1_000;
}
