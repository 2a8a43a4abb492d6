/** How numbers, times and texts are written. Pure: `now` is always given. */

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A whole number with thousands apart: `1,284`. */
export function grouped(value: number): string {
	return GROUPED.format(value);
}

/** A count that fits a narrow column: whole up to 9,999, then `98.2k`, `1.2M`, `3.4G`. Never rounds up to a unit it is below. */
export function compactCount(value: number): string {
	if (!Number.isFinite(value)) return '–';
	const size = Math.abs(value);
	if (size < 10_000) return grouped(value);
	const [unit, letter] =
		size < 1_000_000 ? [1_000, 'k'] : size < 1_000_000_000 ? [1_000_000, 'M'] : [1_000_000_000, 'G'];
	const tenths = Math.floor((size / unit) * 10) / 10;
	const digits = tenths >= 100 ? Math.floor(tenths).toString() : tenths.toFixed(1);
	return `${value < 0 ? '-' : ''}${digits}${letter}`;
}

/** `1 task`, `287 tasks`. The plural is the singular with an s unless given. */
export function counted(value: number, one: string, many = `${one}s`): string {
	return `${grouped(value)} ${value === 1 ? one : many}`;
}

/** A length of time in ms: `0.4 ms`, `220 ms`, `1.84 s`, `2 min 5 s`, `3 h 20 min`, `4 d 6 h`; null gives `–`. */
export function duration(ms: number | null): string {
	if (ms === null || !Number.isFinite(ms)) return '–';
	if (ms < 0) return `-${duration(-ms)}`;
	if (ms < 1) return ms === 0 ? '0 ms' : `${ms.toFixed(1)} ms`;
	if (ms < 999.5) return `${Math.round(ms)} ms`;
	if (ms < 59_995) return ms < 9_995 ? `${(ms / 1000).toFixed(2)} s` : `${(ms / 1000).toFixed(1)} s`;
	const seconds = Math.round(ms / 1000);
	if (seconds < 3600) return twoUnits(seconds, 60, 'min', 1, 's');
	const minutes = Math.floor(seconds / 60);
	if (minutes < 1440) return twoUnits(minutes, 60, 'h', 1, 'min');
	const hours = Math.floor(minutes / 60);
	return twoUnits(hours, 24, 'd', 1, 'h');
}

function twoUnits(total: number, per: number, big: string, step: number, small: string): string {
	const rest = total % per;
	return rest === 0 ? `${Math.floor(total / per)} ${big}` : `${Math.floor(total / per)} ${big} ${rest / step} ${small}`;
}

/** A moment against now, in one unit: `now`, `12 s ago`, `6 min ago`, `3 h ago`, `9 d ago`; ahead: `in 12 s`. */
export function relativeTime(at: number, now: number): string {
	const away = Math.abs(now - at);
	// Clocks differ by a little; a second either way is now.
	if (away < 1_500) return 'now';
	const words = oneUnit(away);
	return at > now ? `in ${words}` : `${words} ago`;
}

/** An age in one unit, without "ago": `12 s`, `6 min`, `4 h`, `9 d`. */
export function age(at: number, now: number): string {
	return oneUnit(Math.max(0, now - at));
}

function oneUnit(ms: number): string {
	const seconds = Math.floor(ms / 1000);
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
	if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
	const days = Math.floor(seconds / 86_400);
	return days < 730 ? `${days} d` : `${Math.floor(days / 365)} y`;
}

const DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });

/** The moment in full, in this machine's zone, to the millisecond: `Sat 21 Nov 2026, 12:41:07.250 UTC+01:00`. */
export function absoluteTime(at: number): string {
	const date = new Date(at);
	if (Number.isNaN(date.getTime())) return 'not a time';
	return `${DAY.format(date).replaceAll(',', '')}, ${clockTime(at)} ${zoneOffset(date)}`;
}

/** The time of day to the millisecond, in this machine's zone: `12:41:07.250`. */
export function clockTime(at: number): string {
	const date = new Date(at);
	if (Number.isNaN(date.getTime())) return '–';
	const two = (value: number): string => String(value).padStart(2, '0');
	return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

function zoneOffset(date: Date): string {
	const minutes = -date.getTimezoneOffset();
	const size = Math.abs(minutes);
	const clock = `${String(Math.floor(size / 60)).padStart(2, '0')}:${String(size % 60).padStart(2, '0')}`;
	return minutes === 0 ? 'UTC' : `UTC${minutes < 0 ? '-' : '+'}${clock}`;
}

const WEEKDAY = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });

/** A moment by day and time in this machine's zone: `today 18:00`, `tomorrow 02:30`, `Tue 1 Dec 06:00`, `1 Dec 2027`. */
export function calendarTime(at: number, now: number): string {
	const time = clockTime(at).slice(0, 5);
	const days = dayNumber(at) - dayNumber(now);
	if (days === 0) return `today ${time}`;
	if (days === 1) return `tomorrow ${time}`;
	if (days === -1) return `yesterday ${time}`;
	if (Math.abs(days) > 300) return DAY.format(at).replace(/^\w+,? /, '');
	return `${WEEKDAY.format(at).replaceAll(',', '')} ${time}`;
}

/** The day as the calendar counts it here. */
function dayNumber(at: number): number {
	const date = new Date(at);
	return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

/** ISO 8601 for machines; an empty text for what is no time. */
export function isoTime(at: number): string {
	const date = new Date(at);
	return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

/** A size in bytes: `0 B`, `812 B`, `1.5 KiB`, `50 MiB`. */
export function bytes(size: number): string {
	if (size < 1024) return `${size} B`;
	const units = ['KiB', 'MiB', 'GiB', 'TiB'];
	let value = size;
	let unit = -1;
	while (value >= 1024 && unit < units.length - 1) {
		value /= 1024;
		unit += 1;
	}
	return `${value < 10 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)} ${units[unit]}`;
}

/**
 * At most `length` characters, with the middle left out: both ends of an id tell it apart, its middle does not.
 * Counts code points, so that no pair is cut in two. A length under 3 counts as 3.
 */
export function middleTruncate(text: string, length: number): string {
	const points = Array.from(text);
	const room = Math.max(3, length);
	if (points.length <= room) return text;
	const head = Math.ceil((room - 1) / 2);
	const tail = room - 1 - head;
	return `${points.slice(0, head).join('')}…${points.slice(points.length - tail).join('')}`;
}
