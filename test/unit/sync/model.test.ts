import { describe, expect, it } from 'vitest';
import { memoryLeases, memoryScheduleStore } from '#test/support/schedule-store.ts';
import type { KeyStyle, VersionStyle } from '#test/support/shared-book.ts';
import { SyncModel, type Tally } from '#test/support/sync-model.ts';

/** Six kinds of books: 100,800 steps in the long run, 3,600 otherwise. */
const LONG = process.env.WARREN_LONG !== undefined;
const EPISODES = LONG ? 42 : 3;
const STEPS = LONG ? 400 : 200;

/** What has to have happened for the run to have tried anything. */
const TRIED = [
	...['created', 'edited', 'removed', 'reverted', 'restored', 'sent', 'received', 'merged', 'conflict', 'chosen'],
	...['waiting', 'killed', 'came in between', 'sync offline', 'sync partly', 'answer lost', 'resumed already'],
];

async function episodes(keys: KeyStyle, versions: VersionStyle): Promise<Tally> {
	const sum: Tally = {};
	for (let seed = 1; seed <= EPISODES; seed += 1) {
		const tally = await SyncModel.run({
			...{ seed, steps: STEPS, keys, versions },
			open: async (_client, now) => {
				const store = memoryScheduleStore();
				return { store, leases: memoryLeases(now), past: async () => store.past };
			},
		});
		for (const [what, times] of Object.entries(tally)) sum[what] = (sum[what] ?? 0) + times;
	}
	return sum;
}

/** Random edits, partitions, lost answers, kills in the middle of a sync, skewed clocks; a violation throws with its seed. */
describe('three people on one book', () => {
	const all: Tally = {};
	for (const keys of ['chosen', 'given', 'names'] as const) {
		for (const versions of ['counter', 'content'] as const) {
			it(`agree in the end, with nothing lost, where keys are ${keys} and versions ${versions}`, async () => {
				const tally = await episodes(keys, versions);
				for (const [what, times] of Object.entries(tally)) all[what] = (all[what] ?? 0) + times;
				expect(tally.edited).toBeGreaterThan(0);
				expect(tally.conflict).toBeGreaterThan(0);
			}, 1_800_000);
		}
	}

	it('have tried everything that can come in between', () => {
		expect(TRIED.filter((what) => (all[what] ?? 0) === 0)).toEqual([]);
	});
});
