/** Values of the query language: durations, dates and patterns, from text to numbers or a plain refusal. */
import { compilePattern } from './pattern.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
	ms: 1,
	s: 1_000,
	m: 60_000,
	min: 60_000,
	h: 3_600_000,
	d: 86_400_000,
	w: 604_800_000,
};

/** `unit`: a number that lacks one. Null (as a duration): not a duration at all. */
export type DurationProblem = 'unit';

/** Milliseconds of `500ms`, `2s`, `1.5h`, `1h30m`; units ms, s, m (or min), h, d, w. Zero needs no unit. */
export function readDuration(text: string): number | DurationProblem | null {
	if (/^0+$/.test(text)) return 0;
	if (/^\d+(?:\.\d+)?$/.test(text)) return 'unit';
	if (!/^(?:\d+(?:\.\d+)?(?:ms|min|[smhdw]))+$/i.test(text)) return null;
	let total = 0;
	for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|min|[smhdw])/gi)) {
		total += Number(amount) * (UNIT_MS[(unit ?? '').toLowerCase()] ?? Number.NaN);
	}
	// Thousandths, so that 0.1h is not 360000.00000000006 ms; beyond 2^53 nothing would be exact.
	return total <= Number.MAX_SAFE_INTEGER ? Math.round(total * 1_000) / 1_000 : null;
}

/** A span of time that a text names, half-open, in epoch ms. */
export interface Moment {
	readonly start: number;
	readonly end: number;
}

const DATE =
	/^(\d{4})(?:-(\d{2})(?:-(\d{2})(?:[T ](\d{2})(?::(\d{2})(?::(\d{2})(?:[.,](\d{1,3}))?)?)?(Z|[+-]\d{2}:?\d{2})?)?)?)?$/i;

/**
 * The span that a date or time names: `2026`, `2026-11`, `2026-11-20`, `2026-11-20T08:30:15.250Z`, `today`, `yesterday`, `now`.
 * Without a zone it is local time. With `ago`, a duration names the moment that long before `now`. Null: none of these.
 */
export function readMoment(text: string, now: number, ago: boolean): Moment | null {
	const word = text.toLowerCase();
	if (word === 'now') return { start: now, end: now + 1 };
	if (word === 'today' || word === 'yesterday' || word === 'tomorrow') {
		const day = new Date(now);
		const shift = word === 'today' ? 0 : word === 'tomorrow' ? 1 : -1;
		return span((step) => localMs(day.getFullYear(), day.getMonth(), day.getDate() + shift + step));
	}
	if (ago) {
		const back = readDuration(text);
		if (typeof back === 'number') {
			const at = Math.max(0, Math.floor(now - back));
			return { start: at, end: at + 1 };
		}
	}
	const found = DATE.exec(text);
	if (found === null) return null;
	const [, year, month, day, hour, minute, second, fraction, zone] = found;
	const parts = [year, month ?? '1', day ?? '1', hour ?? '0', minute ?? '0', second ?? '0'].map(Number);
	const [y = 0, mo = 1, d = 1, h = 0, mi = 0, s = 0] = parts;
	const lastDay = new Date(Date.UTC(y, mo, 0)).getUTCDate();
	if (y < 1900 || y > 9000 || mo < 1 || mo > 12 || d < 1 || d > lastDay || h > 23 || mi > 59 || s > 59) return null;
	const ms = fraction === undefined ? 0 : Number(fraction.padEnd(3, '0'));
	const unit = [month, day, hour, minute, second, fraction].filter((part) => part !== undefined).length;
	const shift = zone === undefined ? null : zoneMs(zone);
	return span((step) => {
		const at = [y, mo - 1, d, h, mi, s, ms];
		if (unit < 6) at[unit] = (at[unit] ?? 0) + step;
		else at[6] = ms + step * 10 ** (3 - (fraction ?? '').length);
		const [ay = 0, amo = 0, ad = 0, ah = 0, ami = 0, as = 0, ams = 0] = at;
		return shift === null ? localMs(ay, amo, ad, ah, ami, as, ams) : Date.UTC(ay, amo, ad, ah, ami, as, ams) - shift;
	});
}

function span(at: (step: 0 | 1) => number): Moment {
	return { start: at(0), end: at(1) };
}

function localMs(year: number, month: number, day: number, hour = 0, minute = 0, second = 0, ms = 0): number {
	return new Date(year, month, day, hour, minute, second, ms).getTime();
}

function zoneMs(zone: string): number {
	if (zone.toUpperCase() === 'Z') return 0;
	const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
	return (zone.startsWith('-') ? -minutes : minutes) * 60_000;
}

/** Longest pattern, in characters. */
export const REGEX_LENGTH_LIMIT = 200;
/** Patterns are tried against this many characters of a text and no more. */
export const REGEX_REACH = 65_536;

/** Why a pattern cannot be used, or null. */
export function regexProblem(source: string): string | null {
	if (source.length > REGEX_LENGTH_LIMIT) return `A pattern may have ${REGEX_LENGTH_LIMIT} characters at most.`;
	const compiled = compilePattern(source);
	return compiled.ok ? null : compiled.problem;
}

/** Whether a pattern that `regexProblem` lets pass, compiled once, matches a text as far as patterns reach. */
export function regexTest(source: string): (text: string) => boolean {
	const compiled = compilePattern(source);
	if (!compiled.ok) throw new RangeError(compiled.problem);
	const { pattern } = compiled;
	return (text) => pattern.test(text.length > REGEX_REACH ? text.slice(0, REGEX_REACH) : text);
}
