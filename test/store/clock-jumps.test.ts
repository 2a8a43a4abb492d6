/** Two processes of one home on its local book, on a machine whose wall clock is set again and again: the file is what both trust. */
import { expect, it } from 'vitest';
import type { Clock } from '#main/domain/clock.ts';
import { profileId, taskId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { ok } from '#main/domain/result.ts';
import { createLocalBook } from '#main/scheduler/books/local.ts';
import { createLocalLedger, localLeaseName } from '#main/scheduler/books/local-ledger.ts';
import { createScheduleKeeper, type ScheduleKeeper } from '#main/scheduler/keeper.ts';
import { AHEAD_MS } from '#main/scheduler/roster.ts';
import { openStore } from '#main/store/client.ts';
import { must } from '#test/support/brokers.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { claimed, schedule } from '#test/support/schedule-samples.ts';
import { waitFor } from '#test/support/wait.ts';
import { storeOf, THREAD, testHome } from './open.ts';

const SHOP = profileId('shop');

it('gives a due time to one of two processes whatever their clocks say, although both may have the lease', async () => {
	using home = testHome();
	await using here = await storeOf(home.home);
	const ahead: Clock = { ...manualClock(Date.now() + 3_600_000) };
	const opened = await openStore({ home: home.home, thread: THREAD, log: silentLog, clock: ahead });
	await using there = must(opened);
	const name = localLeaseName(SHOP);
	must(await here.leases.hold(name, 'here', 30_000));
	must(await there.leases.hold(name, 'there', 30_000));
	const runs = Array.from({ length: 50 }, (_, at) => claimed(`k${at}`, 1_000, { profile: SHOP, book: 'local' }));
	const [mine, theirs] = await Promise.all([
		here.schedules.claim(runs, { name, holder: 'here' }),
		there.schedules.claim(runs, { name, holder: 'there' }),
	]);
	const had = [must(mine), must(theirs)].map((answer) => answer.map((standing) => standing === null));
	for (const at of runs.keys()) expect([had[0]?.[at], had[1]?.[at]].filter((one) => one === true)).toHaveLength(1);
});

it('publishes no due time twice and goes on, however the clock of the machine is set', async () => {
	using home = testHome();
	const time = manualClock(Date.parse('2026-05-01T12:00:00Z'));
	let shift = 0;
	const clock: Clock = { ...time, now: () => time.now() + shift, monotonic: () => time.monotonic() };
	const random = randomFrom(7);
	const published: string[] = [];
	/** As history knows a message before it is handed to the broker. */
	const known = new Set<string>();
	await using stack = new AsyncDisposableStack();
	const begin = async (holder: string): Promise<ScheduleKeeper> => {
		const opened = await openStore({ home: home.home, thread: THREAD, log: silentLog, clock });
		const store = stack.use(must(opened));
		const ledger = createLocalLedger({ profile: SHOP, schedules: store.schedules, leases: store.leases });
		const book = stack.use(createLocalBook({ profile: SHOP, schedules: store.schedules, clock, log: silentLog }));
		if (holder === 'a') {
			const recurrence = { kind: 'every', count: 1, unit: 'seconds', align: 'clock' } as const;
			for (const key of ['k', 'l', 'm'])
				must(
					await book.write({
						kind: 'create',
						key,
						definition: schedule(key, { recurrence, missed: { kind: 'all', most: 20 } }),
					}),
				);
		}
		return createScheduleKeeper({
			...{ book, ledger, kind: 'local', profile: SHOP, identity: 'test', holder, clock, log: silentLog },
			publish: async (definition, { messageId, dueAt }) => {
				known.add(messageId);
				published.push(`${definition.name}@${dueAt}`);
				return ok({ taskId: taskId(messageId) });
			},
			proven: async (messageId) => ok(known.has(messageId)),
			aheadMs: AHEAD_MS,
			times: { ttlMs: 6_000, renewMs: 1_500, askMs: 1_000 },
		});
	};
	const keepers = [await begin('a'), await begin('b')];
	/** Lets time pass until so many more are published. */
	const more = async (count: number): Promise<void> => {
		const from = published.length;
		await waitFor('more to be published', async () => {
			await time.advance(Math.round(100 + random() * 500));
			return published.length >= from + count;
		});
	};
	await more(6);
	for (let jump = 0; jump < 30; jump += 1) {
		// Into the midst of claims that wait for their moment as well.
		await time.advance(Math.round(random() * 1_000));
		shift += Math.round((random() - 0.4) * 25_000);
		await more(3);
	}
	for (const keeper of keepers) {
		let over = false;
		void keeper[Symbol.asyncDispose]().then(() => {
			over = true;
		});
		await waitFor('a keeper to end', async () => {
			await time.advance(100);
			return over;
		});
	}
	expect(published.length - new Set(published).size).toBe(0);
});
