/**
 * Time zones by the platform's own table (ICU, through `Intl`): offsets at an instant, wall-clock times to instants, and the
 * clock changes between two instants. Local times are written as if they were UTC ("local milliseconds").
 */

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
	let format = formats.get(zone);
	if (format === undefined) {
		format = new Intl.DateTimeFormat('en-US', {
			timeZone: zone,
			calendar: 'iso8601',
			hourCycle: 'h23',
			year: 'numeric',
			month: 'numeric',
			day: 'numeric',
			hour: 'numeric',
			minute: 'numeric',
			second: 'numeric',
			era: 'short',
		});
		formats.set(zone, format);
	}
	return format;
}

/** Whether the platform knows this zone. */
export function knowsZone(zone: string): boolean {
	try {
		formatOf(zone);
		return true;
	} catch {
		// `Intl` has no question for this; its RangeError is the answer.
		return false;
	}
}

/** Milliseconds to add to UTC to get the zone's wall clock at this instant. Throws RangeError for an unknown zone. */
export function offsetAt(zone: string, instant: number): number {
	if (zone === 'UTC') return 0;
	const fields: Record<string, number> = {};
	for (const part of formatOf(zone).formatToParts(instant)) fields[part.type] = Number(part.value);
	const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
	const local = Date.UTC(year, month - 1, day, hour, minute, second);
	return local - Math.floor(instant / 1_000) * 1_000;
}

/** The wall clock at an instant, as local milliseconds. */
export function localAt(zone: string, instant: number): number {
	return instant + offsetAt(zone, instant);
}

/** What a wall-clock time is as an instant. */
export interface LocalTime {
	/** gap: the clock jumped over it; `instant` is then the first after the gap. fold: it came twice; the first of the two. */
	readonly kind: 'unique' | 'gap' | 'fold';
	readonly instant: number;
}

/** Finds the instant of a wall-clock time. Zones change by a day at most, so looking a day to both sides is enough. */
export function instantOf(zone: string, local: number): LocalTime {
	const day = 86_400_000;
	const before = offsetAt(zone, local - day);
	const after = offsetAt(zone, local + day);
	const candidates = [...new Set([local - before, local - after])]
		.filter((instant) => localAt(zone, instant) === local)
		.sort((a, b) => a - b);
	const [first, second] = candidates;
	if (first !== undefined) return { kind: second === undefined ? 'unique' : 'fold', instant: first };
	const change = changeBetween(zone, local - after - day, local - before + day);
	return { kind: 'gap', instant: change?.at ?? local - before };
}

/** A moment at which the wall clock jumps. `by` is positive when it goes forward. */
export interface ClockChange {
	readonly at: number;
	readonly by: number;
}

/** The one clock change between two instants whose offsets differ, to the second; null when they are the same. */
export function changeBetween(zone: string, from: number, to: number): ClockChange | null {
	const old = offsetAt(zone, from);
	const by = offsetAt(zone, to) - old;
	if (by === 0) return null;
	let low = Math.floor(from / 1_000);
	let high = Math.ceil(to / 1_000);
	while (high - low > 1) {
		const middle = Math.floor((low + high) / 2);
		if (offsetAt(zone, middle * 1_000) === old) low = middle;
		else high = middle;
	}
	return { at: high * 1_000, by };
}

/** All clock changes after `from` and up to `to`. Looks every five days: no zone has changed twice within that. */
export function clockChanges(zone: string, from: number, to: number): readonly ClockChange[] {
	const step = 5 * 86_400_000;
	const changes: ClockChange[] = [];
	for (let at = from; at < to; at += step) {
		const change = changeBetween(zone, at, Math.min(at + step, to));
		if (change !== null && change.at > from && change.at <= to) changes.push(change);
	}
	return changes;
}
