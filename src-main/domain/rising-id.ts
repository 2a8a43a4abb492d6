/** Ids that rise with time, so that an index of them grows at its end instead of everywhere. */

const RANDOM_LETTERS = 26;

/** A new id: the time (epoch ms) in 9 letters of base 36, good beyond the year 5000, and what `random` (a UUID) says. */
export function risingId(now: number, random: string): string {
	return `${Math.trunc(now).toString(36).padStart(9, '0')}-${random.replaceAll('-', '').slice(0, RANDOM_LETTERS)}`;
}
