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
/** Streak at which the second comes, as a multiple of that of the first. */
const SECOND = 16;
const FIRST_STREAK = 8;
const LONGEST_STREAK = 2048;

/** The window of a set that starts. `given`: a size that a person chose, which stays. */
export function firstWindow(slots: number, given: number | null = null): Window {
	if (given !== null) return { size: Math.max(slots, given), streak: 0, needed: Number.POSITIVE_INFINITY };
	return { size: slots, streak: 0, needed: FIRST_STREAK * slots };
}

/** The window after a task that took `ms`. */
export function afterTask(window: Window, slots: number, ms: number): Window {
	if (ms > SHORT_MS) return window.streak === 0 ? window : { ...window, streak: 0 };
	const streak = window.streak + 1;
	const [first, second] = WIDENINGS;
	const perSlot = streak < window.needed ? 0 : streak < window.needed * SECOND ? first : second;
	return { ...window, streak, size: Math.max(window.size, Math.min(slots * perSlot, WIDEST)) };
}

/** The window once a long task was found in front of waiting messages. */
export function narrowed(window: Window, slots: number): Window {
	return { size: slots, streak: 0, needed: Math.min(window.needed * 2, LONGEST_STREAK * slots) };
}
