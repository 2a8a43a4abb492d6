/** How soon a dead worker is started again. Pure. */

const PAUSES_MS = [500, 1_000, 2_000, 5_000, 10_000];
const WINDOW_MS = 60_000;
/** Starts within a minute at most. */
export const STARTS_PER_MINUTE = 5;

/**
 * The pause before the next start, given when the last ones were (any clock, ms, oldest first), and those of them that still
 * count. It grows with the deaths of the last minute; a minute never sees more than its number of starts.
 */
export function restartPause(
	starts: readonly number[],
	now: number,
): { readonly ms: number; readonly starts: readonly number[] } {
	const recent = starts.filter((at) => now - at < WINDOW_MS);
	const pause = PAUSES_MS[Math.min(Math.max(recent.length - 1, 0), PAUSES_MS.length - 1)] as number;
	if (recent.length < STARTS_PER_MINUTE) return { ms: pause, starts: recent };
	const frees = recent[recent.length - STARTS_PER_MINUTE] as number;
	return { ms: Math.max(pause, frees + WINDOW_MS - now), starts: recent };
}
