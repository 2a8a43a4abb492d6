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

/** Milliseconds to add to UTC at an instant, asked of the platform: slow, some microseconds. */
function askOffset(zone: string, instant: number): number {
	const fields: Record<string, number> = {};
	for (const part of formatOf(zone).formatToParts(instant)) fields[part.type] = Number(part.value);
	const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = fields;
	const local = Date.UTC(year, month - 1, day, hour, minute, second);
	return local - Math.floor(instant / 1_000) * 1_000;
}

/** A moment at which the wall clock jumps. `by` is positive when it goes forward. */
export interface ClockChange {
	readonly at: number;
	readonly by: number;
}

/** What the wall clock of a zone does in one year of UTC. */
interface ZoneYear {
	/** The offset at its first moment. */
	readonly offset: number;
	readonly changes: readonly ClockChange[];
}

/** Asking costs microseconds, and a list of due times asks thousands of times: years are asked for once. */
const years = new Map<string, Map<number, ZoneYear>>();
const YEARS_KEPT = 2_000;
/** No zone has changed twice within five days. */
const STEP = 5 * 86_400_000;

function yearOf(zone: string, year: number): ZoneYear {
	let known = years.get(zone);
	if (known === undefined) {
		known = new Map();
		years.set(zone, known);
	}
	let found = known.get(year);
	if (found === undefined) {
		if (known.size >= YEARS_KEPT) known.clear();
		found = readYear(zone, year);
		known.set(year, found);
	}
	return found;
}

function readYear(zone: string, year: number): ZoneYear {
	const begin = startOf(year);
	const end = startOf(year + 1);
	const offset = askOffset(zone, begin);
	const changes: ClockChange[] = [];
	let before = offset;
	for (let at = begin; at < end; at += STEP) {
		// Up to the last moment of the year: a change at the very first of the next is the next one's offset.
		const to = Math.min(at + STEP, end - 1_000);
		const after = askOffset(zone, to);
		if (after === before) continue;
		changes.push({ at: changeAt(zone, at, to, before), by: after - before });
		before = after;
	}
	return { offset, changes };
}

/** The moment, to the second, at which the offset stops being `old`. */
function changeAt(zone: string, from: number, to: number, old: number): number {
	let low = Math.floor(from / 1_000);
	let high = Math.ceil(to / 1_000);
	while (high - low > 1) {
		const middle = Math.floor((low + high) / 2);
		if (askOffset(zone, middle * 1_000) === old) low = middle;
		else high = middle;
	}
	return high * 1_000;
}

function startOf(year: number): number {
	const date = new Date(0);
	date.setUTCFullYear(year, 0, 1);
	return date.getTime();
}

/** Milliseconds to add to UTC to get the zone's wall clock at this instant. Throws RangeError for an unknown zone. */
export function offsetAt(zone: string, instant: number): number {
	if (zone === 'UTC') return 0;
	const { offset, changes } = yearOf(zone, new Date(instant).getUTCFullYear());
	let sum = offset;
	for (const change of changes) {
		if (change.at > instant) break;
		sum += change.by;
	}
	return sum;
}

/** The wall clock at an instant, as local milliseconds. */
export function localAt(zone: string, instant: number): number {
	return instant + offsetAt(zone, instant);
}

/** The first clock change after `from` and up to `to`; null: there is none. */
export function nextChange(zone: string, from: number, to: number): ClockChange | null {
	if (zone === 'UTC' || to <= from) return null;
	const last = new Date(to).getUTCFullYear();
	let year = new Date(from).getUTCFullYear();
	let before = offsetAt(zone, from);
	for (;;) {
		const { offset, changes } = yearOf(zone, year);
		// A change in the first moment of a year is in no year's list.
		const begin = startOf(year);
		if (begin > from && begin <= to && offset !== before) return { at: begin, by: offset - before };
		const change = changes.find((one) => one.at > from);
		if (change !== undefined) return change.at <= to ? change : null;
		if (year >= last) return null;
		year += 1;
		before = offsetAt(zone, startOf(year) - 1_000);
	}
}

/** All clock changes after `from` and up to `to`. */
export function clockChanges(zone: string, from: number, to: number): readonly ClockChange[] {
	const changes: ClockChange[] = [];
	for (let change = nextChange(zone, from, to); change !== null; change = nextChange(zone, change.at, to)) {
		changes.push(change);
	}
	return changes;
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
	if (before === after) return { kind: 'unique', instant: local - before };
	const candidates = [local - before, local - after]
		.filter((instant) => localAt(zone, instant) === local)
		.sort((a, b) => a - b);
	const [first, second] = candidates;
	if (first !== undefined) return { kind: second === undefined ? 'unique' : 'fold', instant: first };
	const change = nextChange(zone, local - day - Math.max(before, after), local + day - Math.min(before, after));
	return { kind: 'gap', instant: change?.at ?? local - before };
}
