import { expect, it } from 'vitest';
import { silentLog } from '#main/domain/log.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import { SettleQueue } from '#main/scheduler/settle-queue.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { claimed, fired } from '#test/support/schedule-samples.ts';

/** A queue into a ledger that takes everything, and tells what it took. */
function queueOf(settle?: (runs: readonly ScheduleRun[]) => Promise<Result<readonly boolean[]>>) {
	const written: ScheduleRun[] = [];
	const queue = new SettleQueue({
		ledger: {
			settle:
				settle ??
				(async (runs) => {
					written.push(...runs);
					return ok(runs.map(() => true));
				}),
		},
		hold: () => ({ holder: 'here', fence: 1 }),
		clock: manualClock(),
		log: silentLog,
		onNews: () => {},
	});
	return { queue, written };
}

it('writes what is put in the very breath in which the writing before it ends', async () => {
	for (let turns = 0; turns < 12; turns += 1) {
		const { queue, written } = queueOf();
		const first = queue.put([fired(claimed('k', 1_000))]);
		// However many turns later: nobody may find a queue that is neither writing nor about to.
		const second = first.then(async () => {
			for (let turn = 0; turn < turns; turn += 1) await null;
			return queue.put([fired(claimed('l', 1_000))]);
		});
		const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'never written'));
		expect(await Promise.race([second, late]), `${turns} turns`).toEqual([true]);
		expect(written.map((run) => run.key)).toEqual(['k', 'l']);
	}
});

it('puts a run out of hand whose word is given up with the right', async () => {
	const { queue } = queueOf(() => new Promise(() => {}));
	const run = claimed('k', 1_000);
	queue.take(run);
	const put = queue.put([{ ...run, state: 'retrying' }]);
	queue.drop();
	expect(await put).toEqual([false]);
	using busy = queue.watch();
	expect(busy.has(run)).toBe(false);
});

it('tells which runs were worked on while somebody looked', async () => {
	const { queue } = queueOf();
	const [before, during, never] = [claimed('before', 1), claimed('during', 1), claimed('never', 1)];
	queue.take(before);
	using busy = queue.watch();
	queue.take(during);
	await queue.put([fired(before), fired(during)]);
	expect([before, during, never].map((run) => busy.has(run))).toEqual([true, true, false]);
	using later = queue.watch();
	expect([before, during].map((run) => later.has(run))).toEqual([false, false]);
});
