/** Time as a dependency, so that tests can turn it by hand. */
export interface Clock {
	/** Epoch milliseconds, by the wall clock. */
	now(): number;
	/** Milliseconds that never go back, for durations. */
	monotonic(): number;
	/** Calls back once after `ms`, unless disposed of first. Doesn't keep the process alive. */
	after(ms: number, callback: () => void): Disposable;
}

/** The machine's own clock. */
export const systemClock: Clock = {
	now: () => Date.now(),
	monotonic: () => performance.now(),
	after(ms, callback) {
		const timer = setTimeout(callback, ms);
		timer.unref();
		return { [Symbol.dispose]: () => clearTimeout(timer) };
	},
};
