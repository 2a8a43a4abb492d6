import { describe, expect, it } from 'vitest';
import type { Clock } from '#main/domain/clock.ts';
import { type ClockJump, createDueClock, type Wake } from '#main/scheduler/due-clock.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';

const START = 1_700_000_000_000;

/** A wall clock that can be set, over a time that only goes on; and how long each timer was set for. */
function settable(time: ManualClock): Clock & { set(by: number): void; readonly asked: number[] } {
	let shift = 0;
	const asked: number[] = [];
	return {
		now: () => time.now() + shift,
		monotonic: () => time.monotonic(),
		after(ms, callback) {
			asked.push(ms);
			return time.after(ms, callback);
		},
		set(by) {
			shift += by;
		},
		asked,
	};
}

function running() {
	const time = manualClock(START);
	const clock = settable(time);
	const batches: string[][] = [];
	const lateness: number[] = [];
	const jumps: ClockJump[] = [];
	const due = createDueClock({
		clock,
		onDue(wakes: readonly Wake[]) {
			batches.push(wakes.map((wake) => wake.key));
			for (const wake of wakes) lateness.push(clock.now() - wake.at);
		},
		onJump: (jump) => void jumps.push(jump),
	});
	const set = (key: string, inMs: number, name = key) => due.set({ key, at: clock.now() + inMs, name });
	return { time, clock, batches, lateness, jumps, due, set };
}

describe('the clock of due times', () => {
	it('hands over all that is due at once, in order of time and then of name', async () => {
		const { time, batches, set } = running();
		set('c', 1_000, 'beta');
		set('a', 1_000, 'gamma');
		set('b', 1_000, 'alpha');
		set('d', 5_000);
		await time.advance(999);
		expect(batches).toEqual([]);
		await time.advance(1);
		expect(batches).toEqual([['b', 'c', 'a']]);
		await time.advance(4_000);
		expect(batches).toEqual([['b', 'c', 'a'], ['d']]);
	});

	it('has one timer, set for the first wake and never for longer than a few seconds, and none without wakes', async () => {
		const { time, clock, set, due } = running();
		expect(time.waiting).toBe(0);
		for (let n = 0; n < 100; n += 1) set(`k${n}`, 40 * 86_400_000 + n);
		expect(time.waiting).toBe(1);
		await time.advance(60_000);
		expect(time.waiting).toBe(1);
		expect(Math.max(...clock.asked)).toBeLessThanOrEqual(2_000);
		for (let n = 0; n < 100; n += 1) due.remove(`k${n}`);
		expect(time.waiting).toBe(0);
	});

	it('moves its timer for an earlier wake, and lets a later one wait', async () => {
		const { time, batches, set } = running();
		set('late', 1_500);
		set('early', 200);
		await time.advance(200);
		expect(batches).toEqual([['early']]);
		set('late', 100);
		await time.advance(100);
		expect(batches).toEqual([['early'], ['late']]);
		await time.advance(5_000);
		expect(batches).toHaveLength(2);
	});

	it('does not add up: a wake that came late moves no other', async () => {
		const time = manualClock(START);
		// Every callback comes 7 ms late, as timers do.
		const clock: Clock = { ...time, now: time.now, after: (ms, callback) => time.after(ms + 7, callback) };
		const at: number[] = [];
		const due = createDueClock({
			clock,
			onDue(wakes) {
				for (const wake of wakes) {
					at.push(clock.now() - START);
					due.set({ ...wake, at: wake.at + 1_000 });
				}
			},
			onJump: () => {},
		});
		due.set({ key: 'k', at: START + 1_000, name: 'k' });
		await time.advance(1_000 * 1_000 + 500);
		expect(at).toHaveLength(1_000);
		expect(at.at(-1)).toBe(1_000_007);
	});

	it('sees within seconds that the wall clock went ahead, and hands over what is due by it', async () => {
		const { time, clock, batches, jumps, set } = running();
		set('k', 3_600_000);
		await time.advance(10_000);
		clock.set(2 * 3_600_000);
		await time.advance(2_000);
		expect(jumps).toEqual([{ kind: 'ahead', at: clock.now(), byMs: 2 * 3_600_000 }]);
		expect(batches).toEqual([['k']]);
	});

	it('sees that the wall clock was set back, and waits until it has come to the time again', async () => {
		const { time, clock, batches, jumps, set } = running();
		set('k', 60_000);
		await time.advance(30_000);
		clock.set(-3_600_000);
		await time.advance(60_000);
		expect(jumps.map((jump) => [jump.kind, jump.byMs])).toEqual([['back', 3_600_000]]);
		expect(batches).toEqual([]);
		await time.advance(3_600_000);
		expect(batches).toEqual([['k']]);
	});

	it('sees that nothing ran for a while although both clocks went on', async () => {
		const time = manualClock(START);
		let stop = 0;
		const clock: Clock = { ...time, now: time.now, after: (ms, callback) => time.after(ms + stop, callback) };
		const jumps: ClockJump[] = [];
		const due = createDueClock({ clock, onDue: () => {}, onJump: (jump) => void jumps.push(jump) });
		due.set({ key: 'k', at: START + 3_600_000, name: 'k' });
		await time.advance(10_000);
		stop = 30_000;
		await time.advance(2_000);
		stop = 0;
		await time.advance(40_000);
		expect(jumps.map((jump) => [jump.kind, jump.byMs])).toEqual([['stalled', 30_000]]);
	});

	it('is quiet once disposed of', async () => {
		const { time, batches, set, due } = running();
		set('k', 100);
		due[Symbol.dispose]();
		set('k2', 100);
		await time.advance(1_000);
		expect(batches).toEqual([]);
		expect(time.waiting).toBe(0);
	});
});
