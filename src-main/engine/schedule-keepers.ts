/** Who runs the schedules that Warren runs, in this process. */
import type { Core } from './core.ts';
import type { Keepers } from './schedule-runners.ts';

/** Until keepers are there, nobody runs anything. */
export function createKeepers(_core: Core): Keepers {
	return {
		start() {},
		runner: () => null,
		stop: async () => {},
		refresh: async () => {},
		onChange: () => ({ [Symbol.dispose]() {} }),
		[Symbol.asyncDispose]: async () => {},
	};
}
