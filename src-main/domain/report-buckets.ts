/** Spans of time that reports sum up by. Minutes are those of the epoch; hours and days those of a zone, whatever its clocks do. */
import type { BucketSize } from './report.ts';

const MINUTE = 60_000;
const QUARTER = 15 * MINUTE;
const HOUR = 60 * MINUTE;

/** Widths that are the same everywhere. */
const FIXED: Readonly<Record<'1m' | '5m' | '15m', number>> = { '1m': MINUTE, '5m': 5 * MINUTE, '15m': QUARTER };
/** About how long each is, for choosing one. */
const ABOUT: readonly (readonly [Exclude<BucketSize, 'auto'>, number])[] = [
	['1m', MINUTE],
	['5m', 5 * MINUTE],
	['15m', QUARTER],
	['1h', HOUR],
	['1d', 24 * HOUR],
];

/** So many a chart shows without being told. */
const WANTED = 200;
/** No report has more. */
export const MOST_BUCKETS = 5_000;

/** The smallest width with few enough buckets from `since` to `until`. */
export function autoBucket(since: number, until: number): Exclude<BucketSize, 'auto'> {
	return ABOUT.find(([, ms]) => (until - since) / ms <= WANTED)?.[0] ?? '1d';
}

/** About how many buckets there are from `since` to `until`. */
export function bucketCount(size: Exclude<BucketSize, 'auto'>, since: number, until: number): number {
	return Math.ceil((until - since) / (ABOUT.find(([name]) => name === size)?.[1] ?? MINUTE));
}

/** Half to even, as Python's `round`. */
export function roundHalfEven(value: number): number {
	const below = Math.floor(value);
	const rest = value - below;
	if (rest !== 0.5) return Math.round(value);
	return below % 2 === 0 ? below : below + 1;
}

export interface Buckets {
	/** Start of the bucket that a moment is in. */
	startOf(at: number): number;
	/** Start of the bucket after the one that starts there. */
	after(start: number): number;
}

/** Buckets of a width. Throws a RangeError for a zone that there is not. */
export function buckets(size: Exclude<BucketSize, 'auto'>, zone: string): Buckets {
	if (size === '1h' || size === '1d') {
		const clock = new ZoneClock(zone);
		return size === '1h' ? hours(clock) : days(clock);
	}
	const ms = FIXED[size];
	return { startOf: (at) => Math.floor(at / ms) * ms, after: (start) => start + ms };
}

/** Whether there is such a zone. */
export function isZone(zone: string): boolean {
	try {
		new Intl.DateTimeFormat('en', { timeZone: zone });
		return true;
	} catch (error) {
		if (error instanceof RangeError) return false;
		throw error;
	}
}

/** An hour is what the wall clock shows as one: in India it begins at half past. */
function hours(clock: ZoneClock): Buckets {
	const startOf = (at: number) => {
		const shift = clock.shiftAt(at);
		return Math.floor((at + shift) / HOUR) * HOUR - shift;
	};
	return {
		startOf,
		after(start) {
			const next = startOf(start + HOUR);
			return next > start ? next : start + HOUR;
		},
	};
}

/** A day is a date of the zone: 23 or 25 hours when clocks change; it begins with its first moment, be that 01:00. */
function days(clock: ZoneClock): Buckets {
	const starts = new Map<string, number>();
	const startOf = (at: number) => {
		const date = clock.dateAt(at);
		const known = starts.get(date);
		if (known !== undefined) return known;
		const start = clock.firstOf(date);
		starts.set(date, start);
		return start;
	};
	return { startOf, after: (start) => startOf(start + 36 * HOUR) };
}

/** What clocks show in a zone, remembered by the quarter of an hour, since asking is slow. */
class ZoneClock {
	readonly #format: Intl.DateTimeFormat;
	readonly #shifts = new Map<number, number | null>();

	constructor(zone: string) {
		this.#format = new Intl.DateTimeFormat('en-US', {
			timeZone: zone,
			hourCycle: 'h23',
			year: 'numeric',
			month: 'numeric',
			day: 'numeric',
			hour: 'numeric',
			minute: 'numeric',
			second: 'numeric',
		});
	}

	/** What is added to the epoch's time there and then. */
	shiftAt(at: number): number {
		const quarter = Math.floor(at / QUARTER);
		let shift = this.#shifts.get(quarter);
		if (shift === undefined) {
			const first = this.#ask(quarter * QUARTER);
			shift = first === this.#ask((quarter + 1) * QUARTER - 1_000) ? first : null;
			this.#shifts.set(quarter, shift);
		}
		// The clocks change within this quarter of an hour.
		return shift ?? this.#ask(at);
	}

	dateAt(at: number): string {
		return new Date(at + this.shiftAt(at)).toISOString().slice(0, 10);
	}

	/** The first moment that has a date. No zone is further from UTC than 15 hours. */
	firstOf(date: string): number {
		const middle = Date.parse(`${date}T00:00:00Z`);
		let at = middle - 15 * HOUR;
		while (this.dateAt(at) !== date && at < middle + 15 * HOUR) at += QUARTER;
		let first = at;
		while (first > at - QUARTER && this.dateAt(first - MINUTE) === date) first -= MINUTE;
		return first;
	}

	#ask(at: number): number {
		const whole = Math.floor(at / 1_000) * 1_000;
		const parts: Record<string, number> = {};
		for (const { type, value } of this.#format.formatToParts(whole)) parts[type] = Number(value);
		const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
		return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
	}
}
