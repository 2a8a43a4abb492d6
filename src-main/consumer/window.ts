/**
 * How many messages a set holds at a time. As many as it has slots, so that it takes no task away from other workers that it
 * can't begin; more only while tasks are so short that waiting for the broker would cost more than running them.
 */
export interface Window {
	/** Unsettled messages to hold per queue. */
	readonly size: number;
	/** Short tasks in a row so far. */
	readonly streak: number;
	/** Streak at which the window widens; doubles each time that widening turned out wrong. */
	readonly needed: number;
	/** Milliseconds a task takes lately. */
	readonly pace: number;
}

const SHORT_MS = 50;
/** A task that runs longer than this, while messages wait behind it, has the window narrowed and them given back. */
export const LONG_MS = 500;
/**
 * Messages per slot, first and then while the tasks stay short: outcomes are committed and acknowledged many at a time, and
 * what is on that way must not keep the slots waiting.
 */
const WIDENINGS = [24, 128] as const;
const WIDEST = 256;
/**
 * Messages held, whatever the slots, while tasks come and go so fast that all of them are begun within `MOMENT_MS`, the most of these
 * that are: a transaction is then written while the next gathers, and each may have hundreds.
 */
const RUSHES = [1536, 768] as const;
const MOMENT_MS = 250;
/** Streaks at which the second comes and the rush, as multiples of that of the first. */
const SECOND = 16;
const THIRD = 64;
/** Share of the newest task in the pace. */
const NEWEST = 1 / 16;
const FIRST_STREAK = 8;
const LONGEST_STREAK = 2048;

/** The window of a set that starts. `given`: a size that a person chose, which stays. */
export function firstWindow(slots: number, given: number | null = null): Window {
	const none = { streak: 0, pace: SHORT_MS };
	if (given !== null) return { ...none, size: Math.max(slots, given), needed: Number.POSITIVE_INFINITY };
	return { ...none, size: slots, needed: FIRST_STREAK * slots };
}

/** The window after a task that took `ms`. */
export function afterTask(window: Window, slots: number, ms: number): Window {
	const { needed } = window;
	const pace = window.pace + (ms - window.pace) * NEWEST;
	if (ms > SHORT_MS) return { ...window, streak: 0, pace };
	const streak = window.streak + 1;
	const [first, second] = WIDENINGS;
	const perSlot = streak < needed ? 0 : streak < needed * SECOND ? first : second;
	const rush = streak < needed * THIRD ? undefined : RUSHES.find((size) => (size / slots) * pace <= MOMENT_MS);
	const wanted = rush ?? Math.min(slots * perSlot, WIDEST);
	return { size: Math.max(window.size, wanted), streak, needed, pace };
}

/** The window once a long task was found in front of waiting messages. */
export function narrowed(window: Window, slots: number): Window {
	return { size: slots, streak: 0, needed: Math.min(window.needed * 2, LONGEST_STREAK * slots), pace: SHORT_MS };
}
