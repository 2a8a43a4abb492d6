/** How long to wait before something is tried again. */
const LONGEST_PAUSE_MS = 5_000;

/** 1, 2, 4, then 5 seconds. */
export function pauseAfter(attempt: number): number {
	return Math.min(LONGEST_PAUSE_MS, 1_000 * 2 ** Math.min(Math.max(0, attempt), 10));
}
