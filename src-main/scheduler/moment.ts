/** Times as people type them. */
import { fail, ok, type Result } from '#main/domain/result.ts';
import { instantOf, localAt } from './zones.ts';

const FORM = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3}))?)?)?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * Reads `2026-12-24T18:00`, with seconds or without, a date alone (its midnight), or an epoch time in ms. Without an offset it
 * is the zone's wall clock: a time that the clock jumps over is the moment right after the jump, one that comes twice the first.
 */
export function readMoment(text: string, zone: string): Result<number> {
	const trimmed = text.trim();
	if (/^-?\d{9,15}$/.test(trimmed)) return ok(Number(trimmed));
	const match = FORM.exec(trimmed);
	if (match === null) return bad(text);
	const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
	const millis = Number((match[7] ?? '').padEnd(3, '0') || 0);
	const local = Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second, millis);
	// Date.UTC rolls the 31st of June over to July; what was typed is then no date.
	const read = new Date(local);
	if (read.getUTCMonth() + 1 !== month || read.getUTCDate() !== day || read.getUTCHours() !== hour) return bad(text);
	if (read.getUTCMinutes() !== minute || read.getUTCSeconds() !== second) return bad(text);
	const offset = match[8];
	if (offset === undefined) return ok(instantOf(zone, local).instant);
	if (offset === 'Z') return ok(local);
	const [hours, minutes] = offset.slice(1).split(':').map(Number);
	const sign = offset.startsWith('-') ? -1 : 1;
	return ok(local - sign * ((hours ?? 0) * 60 + (minutes ?? 0)) * 60_000);
}

function bad(text: string): Result<never> {
	return fail('invalid-input', `"${text}" is no time. Write 2026-12-24T18:00, or 2026-12-24T18:00:00Z with an offset.`);
}

/** An instant as the zone's wall clock shows it: `2026-12-24T18:00:00`. */
export function showMoment(instant: number, zone: string): string {
	return new Date(localAt(zone, instant)).toISOString().slice(0, 19);
}
