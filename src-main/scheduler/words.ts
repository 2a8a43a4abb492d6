/** Recurrences in plain words, and words as recurrences. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import { INTERVAL_UNITS, type IntervalUnit, type Recurrence, type Timing } from '#main/domain/timing.ts';

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'] as const;
const MONTHS = [
	...['January', 'February', 'March', 'April', 'May', 'June'],
	...['July', 'August', 'September', 'October', 'November', 'December'],
] as const;
const SHORT: Readonly<Record<string, IntervalUnit>> = { s: 'seconds', m: 'minutes', h: 'hours', d: 'days', w: 'weeks' };

/** `5 seconds`, `every 5 seconds`, `30s`, `hour`: an interval. Fails with what may be written. */
export function readInterval(text: string): Result<{ readonly count: number; readonly unit: IntervalUnit }> {
	const match = /^(?:every\s+)?(\d{1,12})?\s*([a-z]+)$/i.exec(text.trim());
	const word = match?.[2]?.toLowerCase() ?? '';
	const unit = SHORT[word] ?? INTERVAL_UNITS.find((one) => one === word || one === `${word}s`);
	const count = match?.[1] === undefined ? 1 : Number(match[1]);
	if (match === null || unit === undefined || (match[1] === undefined && word.length === 1) || count < 1) {
		return fail(
			'invalid-input',
			`"${text}" is no interval. Write a count and one of ${INTERVAL_UNITS.join(', ')}: 5 seconds, 2 weeks.`,
		);
	}
	return ok({ count, unit });
}

/** A timing in plain words: "every weekday at 09:00, Europe/London". */
export function describeTiming(timing: Timing): string {
	const { recurrence, zone } = timing;
	const bounds = [
		timing.startAt === null ? '' : `from ${stamp(timing.startAt, zone)}`,
		timing.endAt === null ? '' : `until ${stamp(timing.endAt, zone)}`,
	].filter((part) => part !== '');
	const zoned = recurrence.kind !== 'every' || recurrence.unit === 'days' || recurrence.unit === 'weeks';
	return [describeRecurrence(recurrence, zone), ...(zoned ? [zone] : []), ...bounds].join(', ');
}

function describeRecurrence(recurrence: Recurrence, zone: string): string {
	switch (recurrence.kind) {
		case 'every': {
			const { count, unit } = recurrence;
			const every = count === 1 ? `every ${unit.slice(0, -1)}` : `every ${count} ${unit}`;
			return recurrence.align === 'last-run' ? `${every} after the last run` : every;
		}
		case 'once':
			return `once, ${stamp(recurrence.at, zone)}`;
		case 'cron':
			return describeCron(recurrence.expression);
		case 'foreign':
			return 'by a rule of its book';
	}
}

function stamp(instant: number, zone: string): string {
	const format = { timeZone: zone, day: 'numeric', month: 'short', year: 'numeric' } as const;
	const time = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
	return new Intl.DateTimeFormat('en-GB', { ...format, ...time }).format(instant);
}

/** A cron expression in words; one that has no simple wording is spelled field by field. Never throws, never long. */
export function describeCron(expression: string): string {
	const fields = expression.trim().split(/\s+/);
	if (fields.length !== 5 && fields.length !== 6) return `cron ${expression}`;
	const [minute, hour, day, month, weekday] = (fields.length === 6 ? fields.slice(1) : fields) as [
		string,
		string,
		string,
		string,
		string,
	];
	const second = fields.length === 6 ? (fields[0] as string) : '0';
	const days = dayWords(day, month, weekday);
	const time = timeWords(second, minute, hour);
	if (days === null || time === null) return `cron ${expression}`;
	if (time.kind === 'at') return days === '' ? `every day at ${time.words}` : `${days} at ${time.words}`;
	return days === '' ? time.words : `${time.words}, ${days}`;
}

type TimeWords = { readonly kind: 'at' | 'every'; readonly words: string };

function timeWords(second: string, minute: string, hour: string): TimeWords | null {
	const step = (text: string) => /^\*\/(\d+)$/.exec(text)?.[1];
	const plain = (text: string) => /^\d+(,\d+)*$/.test(text);
	const within = hour === '*' ? '' : hourWords(hour);
	if (within === null) return null;
	if (second !== '0') {
		if (minute !== '*') return null;
		if (second === '*') return { kind: 'every', words: `every second${within}` };
		const seconds = step(second);
		return seconds === undefined ? null : { kind: 'every', words: `every ${seconds} seconds${within}` };
	}
	if (minute === '*') return { kind: 'every', words: `every minute${within}` };
	const minutes = step(minute);
	if (minutes !== undefined) return { kind: 'every', words: `every ${minutes} minutes${within}` };
	if (!plain(minute)) return null;
	if (plain(hour)) {
		const times = hour.split(',').flatMap((h) => minute.split(',').map((m) => `${two(h)}:${two(m)}`));
		return times.length > 6 ? null : { kind: 'at', words: listed(times) };
	}
	const past = listed(minute.split(',').map((m) => `:${two(m)}`));
	const hours = step(hour);
	if (hours !== undefined) return { kind: 'every', words: `every ${hours} hours at ${past}` };
	return { kind: 'every', words: `every hour at ${past}${within}` };
}

function hourWords(hour: string): string | null {
	const range = /^(\d+)-(\d+)$/.exec(hour);
	if (range !== null) return ` from ${two(range[1] ?? '')}:00 to ${two(range[2] ?? '')}:59`;
	if (/^\d+(,\d+)*$/.test(hour)) return ` in the hours ${listed(hour.split(','))}`;
	return /^\*\/\d+$/.test(hour) ? ` in every ${hour.slice(2)}. hour` : null;
}

function dayWords(day: string, month: string, weekday: string): string | null {
	const inMonths = month === '*' ? '' : names(month, MONTHS, 1);
	if (inMonths === null) return null;
	const tail = inMonths === '' ? '' : ` in ${inMonths}`;
	if (day === '*' && (weekday === '*' || weekday === '?')) return tail === '' ? '' : `every day${tail}`;
	if (day === '*') {
		const text = weekday.toUpperCase();
		if (text === '1-5' || text === 'MON-FRI') return `every weekday${tail}`;
		const on = names(weekday, DAYS, 0);
		return on === null ? null : `every ${on}${tail}`;
	}
	const dates = day === 'L' ? 'last day' : /^\d+(,\d+)*$/.test(day) ? listed(day.split(',').map(ordinal)) : null;
	if (dates === null) return null;
	const on = `on the ${dates} of ${inMonths === '' ? 'the month' : inMonths}`;
	if (weekday === '*' || weekday === '?') return on;
	// Cron's old rule: with both given, either will do.
	const also = names(weekday, DAYS, 0);
	return also === null ? null : `${on} and every ${also}`;
}

/** `1,3`, `MON-WED` and the like as names; null when it is anything else. */
function names(text: string, of: readonly string[], first: number): string | null {
	const one = (word: string): string | undefined => {
		if (/^\d+$/.test(word)) return of[(Number(word) - first + of.length) % of.length];
		return of.find((name) => name.slice(0, 3).toUpperCase() === word.toUpperCase());
	};
	const parts: string[] = [];
	for (const part of text.split(',')) {
		const [from, to, more] = part.split('-');
		const start = one(from ?? '');
		const end = to === undefined ? undefined : one(to);
		if (start === undefined || more !== undefined || (to !== undefined && end === undefined)) return null;
		parts.push(end === undefined ? start : `${start} to ${end}`);
	}
	return listed(parts);
}

function listed(words: readonly string[]): string {
	if (words.length < 2) return words[0] ?? '';
	return `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function ordinal(text: string): string {
	const n = Number(text);
	const last = n % 100 > 10 && n % 100 < 14 ? 0 : n % 10;
	return `${n}${last === 1 ? 'st' : last === 2 ? 'nd' : last === 3 ? 'rd' : 'th'}`;
}

function two(text: string): string {
	return text.padStart(2, '0');
}
