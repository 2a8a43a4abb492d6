/** A due time is claimed a little before it comes: what may happen between the two. */
import { describe, expect, it } from 'vitest';
import type { Clock } from '#main/domain/clock.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import { Launches } from '#main/scheduler/launches.ts';
import { AHEAD_MS } from '#main/scheduler/roster.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { claimed } from '#test/support/schedule-samples.ts';
import { mortalKeeper, type ScheduleWorld, scheduleWorld } from '#test/support/schedule-world.ts';

const START = Date.parse('2026-05-01T11:59:30Z');
const NOON = Date.parse('2026-05-01T12:00:00Z');
const MINUTE = 60_000;
/** From the start to the middle between a claim and its moment. */
const BETWEEN = NOON - START - AHEAD_MS / 2;
const minutely = { recurrence: { kind: 'every', count: 1, unit: 'minutes', align: 'clock' } } as const;

/** A world whose wall clock can be set, in which one keeper has claimed noon, which comes in a moment. */
function almostNoon() {
	const time = manualClock(START);
	let shift = 0;
	const clock: Clock = { ...time, now: () => time.now() + shift, monotonic: () => time.monotonic() };
	const shop = scheduleWorld(clock);
	shop.put('k', minutely);
	const setBy = (ms: number) => {
		shift += ms;
	};
	return { time, clock, shop, setBy };
}
const AHEAD = { aheadMs: AHEAD_MS };
const noon = (shop: ScheduleWorld): ScheduleRun | undefined => shop.runs.get(`k@${NOON}`);
const published = (shop: ScheduleWorld) => shop.published.map(({ dueAt, by }) => `${(dueAt - NOON) / MINUTE} ${by}`);

describe('a due time that is about to come', () => {
	it('is claimed before, and published in its moment', async () => {
		const { time, clock, shop } = almostNoon();
		await using one = mortalKeeper(shop, clock, 'a', AHEAD);
		await time.advance(BETWEEN);
		expect(noon(shop)).toMatchObject({ state: 'claimed', by: 'a' });
		expect(shop.published).toEqual([]);
		await time.advance(AHEAD_MS);
		expect(shop.published).toMatchObject([{ dueAt: NOON, at: NOON }]);
		expect(one.keeper.view()).toMatchObject({ nextDueAt: NOON + MINUTE, lateness: { max: 0 } });
	});

	it('and whose keeper ends goes to the next one, who publishes it in its moment', async () => {
		const { time, clock, shop } = almostNoon();
		const one = mortalKeeper(shop, clock, 'a', AHEAD);
		await time.advance(BETWEEN);
		await one[Symbol.asyncDispose]();
		expect(noon(shop)).toMatchObject({ state: 'retrying', tries: 0 });
		await using _two = mortalKeeper(shop, clock, 'b', { ...AHEAD, proven: async () => ({ ok: true, value: null }) });
		await time.advance(MINUTE);
		expect(published(shop)).toEqual(['0 b']);
		expect(shop.published[0]?.at).toBe(NOON);
	});

	it('and whose keeper is killed is judged by the next one, and published once where it surely was not sent', async () => {
		const { time, clock, shop } = almostNoon();
		const one = mortalKeeper(shop, clock, 'a', AHEAD);
		await time.advance(BETWEEN);
		one.kill();
		await using _two = mortalKeeper(shop, clock, 'b', { ...AHEAD, proven: async () => ({ ok: true, value: false }) });
		await time.advance(2 * MINUTE);
		expect(published(shop).filter((line) => line.startsWith('0 '))).toEqual(['0 b']);
	});

	it('of a schedule that is paused or removed in this moment is not published', async () => {
		for (const end of ['pause', 'remove'] as const) {
			const { time, clock, shop } = almostNoon();
			await using _one = mortalKeeper(shop, clock, 'a', AHEAD);
			// A keeper reads the book anew at most every so often.
			await time.advance(BETWEEN);
			if (end === 'pause') shop.put('k', { active: false });
			else shop.remove('k');
			await time.advance(MINUTE);
			expect(shop.published).toEqual([]);
			expect(noon(shop)?.state).toBe('missed');
		}
	});

	it('is published all the same when the right is lost and comes back', async () => {
		const { time, clock, shop } = almostNoon();
		// It is renewed between the claim and noon, and was somebody else's meanwhile.
		const times = { ttlMs: 60_000, renewMs: NOON - START - AHEAD_MS / 4, askMs: 1_000 };
		await using one = mortalKeeper(shop, clock, 'a', { ...AHEAD, times });
		await time.advance(BETWEEN);
		expect(noon(shop)?.state).toBe('claimed');
		shop.expire();
		await time.advance(MINUTE);
		expect(one.keeper.view().here).toBe(true);
		expect(published(shop)).toEqual(['0 a']);
		// As soon as the book is read again.
		expect(shop.published[0]?.at).toBeGreaterThanOrEqual(NOON);
		expect(shop.published[0]?.at).toBeLessThan(NOON + 1_000);
	});

	it('is published once when somebody else gets the right in this moment, although it should not be possible', async () => {
		const { time, clock, shop } = almostNoon();
		await using _one = mortalKeeper(shop, clock, 'a', { ...AHEAD, proven: async () => ({ ok: true, value: false }) });
		await time.advance(BETWEEN);
		shop.expire();
		await using _two = mortalKeeper(shop, clock, 'b', { ...AHEAD, proven: async () => ({ ok: true, value: false }) });
		await time.advance(5 * MINUTE);
		const lines = published(shop);
		expect(new Set(lines.map((line) => line.split(' ')[0])).size).toBe(lines.length);
	});

	it.each([-3_600_000, -1_000, 1_000, 3_600_000])(
		'is published once when the clock is set by %i ms in this moment',
		async (ms) => {
			const { time, clock, shop, setBy } = almostNoon();
			await using _one = mortalKeeper(shop, clock, 'a', { ...AHEAD, proven: async () => ({ ok: true, value: false }) });
			await using _two = mortalKeeper(shop, clock, 'b', { ...AHEAD, proven: async () => ({ ok: true, value: false }) });
			await time.advance(BETWEEN);
			setBy(ms);
			await time.advance(90 * MINUTE);
			const dues = shop.published.map(({ dueAt }) => dueAt);
			expect(new Set(dues).size).toBe(dues.length);
			// What an hour has passed over meanwhile is for the policy.
			if (ms === 3_600_000) expect(noon(shop)?.state).toBe('missed');
			else expect(dues).toContain(NOON);
		},
	);
});

describe('claimed runs that wait', () => {
	it('go in order of their moments, then of due time and name; those whose moment has come at once', async () => {
		const time = manualClock(START);
		const gone: string[] = [];
		const launches = new Launches(time, (run) => void gone.push(`${run.name} ${time.now() - START}`));
		const at = (name: string, ms: number) => ({ run: claimed(name, START), at: START + ms });
		launches.put([at('b', 50), at('a', 50), at('late', -500), at('soon', 10)]);
		expect(gone).toEqual(['late 0']);
		launches.put([at('sooner', 5)]);
		expect(launches.size).toBe(4);
		await time.advance(100);
		expect(gone).toEqual(['late 0', 'sooner 5', 'soon 10', 'a 50', 'b 50']);
		expect(time.waiting).toBe(0);
	});

	it('are looked at once more when the timer rings early, and are gone when they are taken away', async () => {
		const time = manualClock(START);
		const gone: string[] = [];
		const early: Clock = { ...time, after: (ms, callback) => time.after(Math.max(1, ms - 3), callback) };
		const launches = new Launches(early, (run) => void gone.push(`${run.name} ${time.now() - START}`));
		launches.put([{ run: claimed('a', START), at: START + 20 }]);
		launches.put([{ run: claimed('b', START), at: START + 40 }]);
		await time.advance(30);
		expect(gone).toEqual(['a 20']);
		expect(launches.takeAll().map((run) => run.name)).toEqual(['b']);
		await time.advance(100);
		expect(gone).toEqual(['a 20']);
		expect(time.waiting).toBe(0);
	});
});
