/** When the right to run a book is sure, on a machine whose wall clock is set. */
import { expect, it } from 'vitest';
import type { Clock } from '#main/domain/clock.ts';
import { silentLog } from '#main/domain/log.ts';
import { fail, ok } from '#main/domain/result.ts';
import type { RunLedger } from '#main/scheduler/ledger.ts';
import { Tenure } from '#main/scheduler/tenure.ts';
import { manualClock } from '#test/support/manual-clock.ts';

const TIMES = { ttlMs: 6_000, renewMs: 1_500, askMs: 1_000 };

function tenure() {
	const time = manualClock();
	const world = { shift: 0, asked: 0, answers: true, held: 0, late: null as Promise<void> | null };
	const clock: Clock = { ...time, now: () => time.now() + world.shift, monotonic: () => time.monotonic() };
	const ledger: Pick<RunLedger, 'hold' | 'release'> = {
		async hold(holder) {
			world.asked += 1;
			await world.late;
			return world.answers ? ok({ holder, fence: 1 }) : fail('unreachable', 'away');
		},
		async release() {},
	};
	const right = new Tenure({
		ledger: ledger as RunLedger,
		...{ holder: 'a', clock, log: silentLog, times: TIMES },
		onGained: () => {
			world.held += 1;
		},
		onLost: () => {
			world.held -= 1;
		},
		onRenewed: () => {},
		onNews: () => {},
	});
	right.start();
	return { time, world, right };
}

it('is not sure again by a clock that was set forward and back before it is renewed', async () => {
	const { time, world, right } = tenure();
	await time.advance(10);
	expect(right.holds()).not.toBeNull();
	world.answers = false;
	world.shift = 20_000;
	expect(right.holds()).toBeNull();
	world.shift = 0;
	expect(right.holds()).toBeNull();
	world.answers = true;
	await time.advance(2_000);
	expect(right.holds()).not.toBeNull();
	await right[Symbol.asyncDispose]();
});

it('is renewed at once where the clock was set, also by less than the time that it lasts', async () => {
	for (const by of [2_000, -2_000]) {
		const { time, world, right } = tenure();
		await time.advance(10);
		const { asked } = world;
		world.shift = by;
		expect(right.holds()).toBeNull();
		await time.advance(0);
		expect(world.asked).toBe(asked + 1);
		expect(right.holds()).not.toBeNull();
		expect(world.held).toBe(1);
		await right[Symbol.asyncDispose]();
	}
});

it('is not sure by an answer that was asked for before the clock was set, and asks again', async () => {
	const { time, world, right } = tenure();
	await time.advance(10);
	const { promise, resolve } = Promise.withResolvers<void>();
	world.late = promise;
	await time.advance(1_600);
	const { asked } = world;
	world.shift = 20_000;
	expect(right.holds()).toBeNull();
	world.shift = 0;
	const next = Promise.withResolvers<void>();
	world.late = next.promise;
	resolve();
	await time.advance(10);
	expect(right.holds()).toBeNull();
	expect(world.asked).toBe(asked + 1);
	next.resolve();
	await time.advance(10);
	expect(right.holds()).not.toBeNull();
	await right[Symbol.asyncDispose]();
});

it('stays sure while the clock is only slewed', async () => {
	const { time, world, right } = tenure();
	await time.advance(10);
	const { asked } = world;
	world.shift = 400;
	expect(right.holds()).not.toBeNull();
	expect(world.asked).toBe(asked);
	await right[Symbol.asyncDispose]();
});
