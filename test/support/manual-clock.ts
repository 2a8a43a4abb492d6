/** A clock that moves when a test says so. */
import type { Clock } from '#main/domain/clock.ts';

export interface ManualClock extends Clock {
	/** Moves time on and runs what came due, in order; microtasks between them get their turn. */
	advance(ms: number): Promise<void>;
	/** How many timers wait. */
	readonly waiting: number;
}

/** Starts at `start` (epoch ms). */
export function manualClock(start = 1_700_000_000_000): ManualClock {
	let now = start;
	let timers: { readonly at: number; readonly callback: () => void }[] = [];
	return {
		now: () => now,
		monotonic: () => now - start,
		after(ms, callback) {
			const timer = { at: now + ms, callback };
			timers.push(timer);
			return {
				[Symbol.dispose]: () => {
					timers = timers.filter((one) => one !== timer);
				},
			};
		},
		async advance(ms) {
			const end = now + ms;
			for (;;) {
				await settle();
				const next = timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
				if (next === undefined) break;
				timers = timers.filter((one) => one !== next);
				now = Math.max(now, next.at);
				next.callback();
			}
			now = end;
			await settle();
		},
		get waiting() {
			return timers.length;
		},
	};
}

/** Lets pending microtasks and I/O callbacks run. */
async function settle(): Promise<void> {
	for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
