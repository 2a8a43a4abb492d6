/** How long to wait before trying again. */

/** First and longest wait, in ms. */
const FIRST = 500;
const LONGEST = 30_000;

/**
 * Wait in ms before attempt number `attempt` (1 for the first after a failure): doubles from 0.5 s up to 30 s, give or take a
 * fifth by `random` (0 to 1), so that many clients of one broker don't all come back in the same moment.
 */
export function reconnectDelay(attempt: number, random: number): number {
	const doubled = Math.min(LONGEST, FIRST * 2 ** Math.min(Math.max(attempt, 1) - 1, 20));
	return Math.min(LONGEST, Math.round(doubled * (0.8 + 0.4 * random)));
}

/** Wait in ms after a refusal: slow, since only a person can mend it, but for ever, since somebody may. */
export function refusedDelay(random: number): number {
	return Math.round(LONGEST * (0.9 + 0.2 * random));
}
