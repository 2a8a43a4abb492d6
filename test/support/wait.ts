/** Waiting for a state instead of for a time. */

/**
 * Polls until `look` gives something other than null, undefined or false, and returns it.
 * Throws with `what` (and the last error of `look`) when `deadlineMs` passes first.
 */
export async function waitFor<T>(
	what: string,
	look: () => T | Promise<T>,
	deadlineMs = 60_000,
): Promise<Exclude<T, null | undefined | false>> {
	const end = performance.now() + deadlineMs;
	let last: unknown = null;
	for (;;) {
		try {
			const seen = await look();
			if (seen !== null && seen !== undefined && seen !== false) return seen as Exclude<T, null | undefined | false>;
			last = null;
		} catch (error) {
			last = error;
		}
		if (performance.now() > end) {
			throw new Error(`Waited ${deadlineMs} ms in vain for: ${what}`, last === null ? undefined : { cause: last });
		}
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
