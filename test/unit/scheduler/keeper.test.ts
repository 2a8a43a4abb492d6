import { describe, expect, it } from 'vitest';
import type { Clock } from '#main/domain/clock.ts';
import { type Failure, fail, ok } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import { dueMessageId } from '#main/scheduler/message-id.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';
import { mortalKeeper, type ScheduleWorld, scheduleWorld } from '#test/support/schedule-world.ts';

const START = Date.parse('2026-05-01T11:59:30Z');
const NOON = Date.parse('2026-05-01T12:00:00Z');
const MINUTE = 60_000;
const minutely = { recurrence: { kind: 'every', count: 1, unit: 'minutes', align: 'clock' } } as const;
const hourly = { recurrence: { kind: 'every', count: 1, unit: 'hours', align: 'clock' } } as const;

const failure = (code: Failure['code'], message: string, more: Parameters<typeof fail>[2] = {}): Failure =>
	fail(code, message, more).error;
const gone = failure('unreachable', 'The broker does not answer.');

function world(): { readonly time: ManualClock; readonly shop: ScheduleWorld } {
	const time = manualClock(START);
	return { time, shop: scheduleWorld(time) };
}
const dues = (shop: ScheduleWorld) => shop.published.map((one) => one.dueAt);
const run = (shop: ScheduleWorld, key: string, dueAt: number): ScheduleRun | undefined =>
	shop.runs.get(`${key}@${dueAt}`);
const states = (shop: ScheduleWorld) => [...shop.runs.values()].map((one) => one.state);

describe('a keeper', () => {
	it('publishes each due time once, under an id that everybody can work out, and writes down that it did', async () => {
		const { time, shop } = world();
		shop.put('k', minutely);
		await using _one = mortalKeeper(shop, time, 'a');
		await time.advance(3 * MINUTE);
		expect(dues(shop)).toEqual([NOON, NOON + MINUTE, NOON + 2 * MINUTE]);
		expect(shop.published[0]?.messageId).toBe(dueMessageId('test', 'k', NOON));
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'fired', firedAt: NOON, tries: 1, by: 'a', note: null });
		expect(run(shop, 'k', NOON)?.messageId).toMatch(
			/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
		);
	});

	it('publishes those of one moment in the order of their names', async () => {
		const { time, shop } = world();
		for (const name of ['delta', 'alpha', 'charlie', 'bravo']) shop.put(name, hourly);
		await using _one = mortalKeeper(shop, time, 'a');
		await time.advance(MINUTE);
		expect(shop.published.map((one) => one.key)).toEqual(['alpha', 'bravo', 'charlie', 'delta']);
	});

	it('says what it does: who runs it, what comes next, how late it was', async () => {
		const { time, shop } = world();
		await using one = mortalKeeper(shop, time, 'a');
		await time.advance(1_000);
		expect(one.keeper.view()).toMatchObject({
			here: true,
			holder: 'a',
			active: 0,
			note: 'No schedule has a next run.',
		});
		shop.put('k', minutely);
		await time.advance(MINUTE);
		expect(one.keeper.view()).toMatchObject({
			note: null,
			active: 1,
			nextDueAt: NOON + MINUTE,
			lateness: { p50: 0, p99: 0, max: 0, runs: 1 },
		});
	});

	it('takes up what is added, changed, paused, resumed and removed while it runs', async () => {
		const { time, shop } = world();
		await using _one = mortalKeeper(shop, time, 'a');
		await time.advance(1_000);
		shop.put('k', minutely);
		await time.advance(MINUTE);
		expect(dues(shop)).toEqual([NOON]);
		shop.put('k', { active: false });
		await time.advance(10 * MINUTE);
		expect(dues(shop)).toEqual([NOON]);
		shop.put('k', { active: true });
		await time.advance(MINUTE);
		// Resumed, it makes up for nothing.
		expect(dues(shop)).toEqual([NOON, NOON + 11 * MINUTE]);
		shop.remove('k');
		await time.advance(5 * MINUTE);
		expect(shop.published).toHaveLength(2);
		expect(states(shop)).toEqual(['fired', 'fired']);
	});

	it('loses no due time to an edit of something else in the very moment', async () => {
		const { time, shop } = world();
		shop.put('k', minutely);
		await using _one = mortalKeeper(shop, time, 'a');
		await time.advance(29_999);
		shop.put('k', { description: 'a better one' });
		await time.advance(1);
		shop.put('k', { description: 'a still better one' });
		await time.advance(MINUTE);
		expect(dues(shop)).toEqual([NOON, NOON + MINUTE]);
	});

	it('tells the book when schedules ran and run next', async () => {
		const { time, shop } = world();
		const told: unknown[] = [];
		shop.put('k', minutely);
		await using _one = mortalKeeper(shop, time, 'a', { writeRan: async (notes) => void told.push(...notes) });
		await time.advance(2_000);
		expect(told).toEqual([{ key: 'k', lastRunAt: null, nextRunAt: NOON }]);
		await time.advance(30_000);
		expect(told.at(-1)).toEqual({ key: 'k', lastRunAt: NOON, nextRunAt: NOON + MINUTE });
	});

	it('goes on with the others when one schedule has no due times that anybody could work out', async () => {
		const { time, shop } = world();
		shop.put('broken', { ...minutely, zone: 'Mars/Olympus' });
		shop.put('k', minutely);
		await using one = mortalKeeper(shop, time, 'a');
		await time.advance(2 * MINUTE);
		expect(dues(shop)).toEqual([NOON, NOON + MINUTE]);
		expect(one.keeper.view().note).toContain('"broken" has no due times');
	});

	it('finishes what it is publishing before it goes, and gives the right up', async () => {
		const { time, shop } = world();
		shop.put('k', minutely);
		const held = Promise.withResolvers<void>();
		const one = mortalKeeper(shop, time, 'a', {
			publish: (publish) => async (definition, due) => {
				await held.promise;
				return publish(definition, due);
			},
		});
		await time.advance(MINUTE);
		expect(run(shop, 'k', NOON)?.state).toBe('claimed');
		let over = false;
		const ending = one[Symbol.asyncDispose]().then(() => {
			over = true;
		});
		await time.advance(MINUTE);
		expect(over).toBe(false);
		held.resolve();
		await ending;
		expect(run(shop, 'k', NOON)?.state).toBe('fired');
		expect(dues(shop)).toEqual([NOON]);
		await using two = mortalKeeper(shop, time, 'b');
		await time.advance(1_000);
		expect(two.keeper.view().here).toBe(true);
	});
});

describe('a broker that is away', () => {
	it('is shown, and what is due waits; of what has come meanwhile the policy decides', async () => {
		const { time, shop } = world();
		shop.put('once', { ...minutely, missed: { kind: 'once' } });
		shop.put('skip', { ...minutely, missed: { kind: 'skip' } });
		shop.put('all', { ...minutely, missed: { kind: 'all', most: 3 } });
		await using one = mortalKeeper(shop, time, 'a');
		shop.broker = () => gone;
		await time.advance(MINUTE);
		expect(run(shop, 'all', NOON)).toMatchObject({ state: 'retrying', note: gone.message });
		expect(run(shop, 'all', NOON)?.tries).toBeGreaterThan(1);
		await time.advance(9 * MINUTE);
		expect(one.keeper.view()).toMatchObject({ brokerAwaySince: NOON });
		expect(one.keeper.view().note).toContain('The broker has been away since 2026-05-01T12:00:00.000Z');
		expect(shop.published).toEqual([]);

		await time.advance(45_000);
		shop.broker = null;
		await time.advance(10_000);
		const of = (name: string) => shop.published.filter((entry) => entry.key === name).map((entry) => entry.dueAt);
		expect(of('once')).toEqual([NOON + 10 * MINUTE]);
		expect(of('skip')).toEqual([NOON + 10 * MINUTE]); // less than a minute late is not missed
		expect(of('all')).toEqual([7, 8, 9, 10].map((n) => NOON + n * MINUTE));
		for (const name of ['once', 'skip', 'all']) {
			for (let n = 0; n <= 10; n += 1) {
				const due = NOON + n * MINUTE;
				expect(run(shop, name, due)?.state, `${name} ${n}`).toBe(of(name).includes(due) ? 'fired' : 'missed');
			}
		}
		expect(run(shop, 'once', NOON)?.note).toBe(`${gone.message} Only the newest missed run is made up for.`);
		expect(one.keeper.view()).toMatchObject({ brokerAwaySince: null, note: null, waiting: 0 });
	});

	it('is tried again at once when somebody says that it is back', async () => {
		const { time, shop } = world();
		shop.put('k', hourly);
		await using one = mortalKeeper(shop, time, 'a');
		shop.broker = () => gone;
		await time.advance(20 * MINUTE);
		shop.broker = null;
		one.keeper.nudge();
		await time.advance(0);
		expect(dues(shop)).toEqual([NOON]);
	});

	it('is tried again also when all that came of a try was that no confirm came', async () => {
		const { time, shop } = world();
		for (const key of ['k', 'l', 'm']) shop.put(key, hourly);
		await using one = mortalKeeper(shop, time, 'a', { proven: async () => ok(false) });
		shop.broker = () => gone;
		await time.advance(MINUTE);
		shop.broker = () => failure('timeout', 'No confirm came.', { details: { outcome: 'unknown' } });
		await time.advance(MINUTE);
		expect(one.keeper.view().brokerAwaySince).not.toBeNull();
		shop.broker = null;
		await time.advance(MINUTE);
		expect(shop.published.map((entry) => entry.key).sort()).toEqual(['k', 'l', 'm']);
		expect(one.keeper.view()).toMatchObject({ brokerAwaySince: null, waiting: 0 });
	});

	it('keeps nobody waiting for one schedule whose own queue is the trouble', async () => {
		const { time, shop } = world();
		shop.put('a-busy', minutely);
		shop.put('b-fine', minutely);
		await using _one = mortalKeeper(shop, time, 'a');
		shop.broker = (definition) => (definition.name === 'a-busy' ? failure('busy', 'The queue is full.') : null);
		await time.advance(3 * MINUTE);
		const fine = shop.published.filter((entry) => entry.key === 'b-fine');
		expect(fine.map((entry) => entry.at - entry.dueAt)).toEqual([0, 0, 0]);
		expect(run(shop, 'a-busy', NOON + 2 * MINUTE)).toMatchObject({ state: 'retrying', note: 'The queue is full.' });
	});

	it('ends the waiting of a schedule that is paused or removed meanwhile', async () => {
		const { time, shop } = world();
		shop.put('paused', hourly);
		shop.put('removed', hourly);
		await using _one = mortalKeeper(shop, time, 'a');
		shop.broker = () => gone;
		await time.advance(5 * MINUTE);
		shop.put('paused', { active: false });
		shop.remove('removed');
		await time.advance(1_000);
		shop.broker = null;
		await time.advance(MINUTE);
		expect(shop.published).toEqual([]);
		expect(run(shop, 'paused', NOON)).toMatchObject({
			state: 'missed',
			note: 'The schedule was paused before it was published.',
		});
		expect(run(shop, 'removed', NOON)).toMatchObject({
			state: 'missed',
			note: 'The schedule was removed before it was published.',
		});
	});
});

describe('a message that the broker will not have', () => {
	it('is a failed run with its reason, and the schedule goes on', async () => {
		const { time, shop } = world();
		shop.put('k', minutely);
		await using _one = mortalKeeper(shop, time, 'a');
		shop.broker = (_, dueAt) => (dueAt === NOON ? failure('unroutable', 'No queue "nowhere".') : null);
		await time.advance(2 * MINUTE);
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'failed', note: 'No queue "nowhere".' });
		expect(dues(shop)).toEqual([NOON + MINUTE]);
	});

	it('is no reason to stop when what publishes breaks down', async () => {
		const { time, shop } = world();
		shop.put('k', minutely);
		await using _one = mortalKeeper(shop, time, 'a', {
			publish: (publish) => (definition, due) => {
				if (due.dueAt === NOON) throw new Error('a defect');
				return publish(definition, due);
			},
		});
		await time.advance(2 * MINUTE);
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'uncertain' });
		expect(run(shop, 'k', NOON)?.note).toContain('a defect');
		expect(dues(shop)).toEqual([NOON + MINUTE]);
	});
});

describe('a confirm that never came', () => {
	const unconfirmed = failure('timeout', 'No confirm came.', { details: { outcome: 'unknown' } });
	const lost = (answer: boolean | null | undefined) => {
		const { time, shop } = world();
		shop.put('k', hourly);
		shop.broker = (_, dueAt) => (dueAt === NOON && time.now() < NOON + 1_000 ? unconfirmed : null);
		const options = answer === undefined ? {} : { proven: async () => ({ ok: true, value: answer }) as const };
		return { time, shop, one: mortalKeeper(shop, time, 'a', options) };
	};

	it('leaves a run that is proven to be published', async () => {
		const { time, shop, one } = lost(true);
		await using _one = one;
		await time.advance(5 * MINUTE);
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'fired', taskId: run(shop, 'k', NOON)?.messageId });
		expect(shop.published).toEqual([]);
	});

	it('has it published again only where it is proven that it never arrived', async () => {
		const { time, shop, one } = lost(false);
		await using _one = one;
		await time.advance(5 * MINUTE);
		expect(dues(shop)).toEqual([NOON]);
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'fired', tries: 2 });
	});

	it.each([null, undefined])('is uncertain where nobody can tell (%s), and is not published again', async (answer) => {
		const { time, shop, one } = lost(answer);
		await using _one = one;
		await time.advance(5 * MINUTE);
		expect(shop.published).toEqual([]);
		expect(run(shop, 'k', NOON)).toMatchObject({
			state: 'uncertain',
			note: 'No confirm came. It cannot be told whether it was published, and it is not published again.',
		});
	});

	it('is asked about until there is an answer', async () => {
		const { time, shop } = world();
		shop.put('k', hourly);
		shop.broker = () => unconfirmed;
		let asked = 0;
		await using one = mortalKeeper(shop, time, 'a', {
			proven: async () => {
				asked += 1;
				return asked < 3 ? { ok: false, error: gone } : { ok: true, value: true };
			},
		});
		await time.advance(32_000);
		expect(one.keeper.view().doubtful).toBe(1);
		await time.advance(MINUTE);
		expect(run(shop, 'k', NOON)?.state).toBe('fired');
	});
});

describe('several keepers of one book', () => {
	it('take turns: one works, the others wait and say who does', async () => {
		const { time, shop } = world();
		shop.put('k', minutely);
		await using _a = mortalKeeper(shop, time, 'a');
		await time.advance(100);
		await using b = mortalKeeper(shop, time, 'b');
		await time.advance(3 * MINUTE);
		expect(shop.published.map((one) => one.by)).toEqual(['a', 'a', 'a']);
		expect(b.keeper.view()).toMatchObject({ here: false, holder: 'a', note: 'Run by a.' });
	});

	it('go on where one died, within the time its right lasts, and make up for what is only late', async () => {
		const { time, shop } = world();
		shop.put('k', { ...minutely, missed: { kind: 'skip' } });
		const a = mortalKeeper(shop, time, 'a');
		await time.advance(100);
		await using _b = mortalKeeper(shop, time, 'b');
		await time.advance(MINUTE - 10_000);
		a.kill();
		await time.advance(10 * MINUTE);
		expect(shop.published.map((one) => one.by)).toEqual(['a', ...Array(10).fill('b')]);
		expect(dues(shop)).toEqual(Array.from({ length: 11 }, (_, n) => NOON + n * MINUTE));
		expect(Math.max(...shop.published.map((one) => one.at - one.dueAt))).toBeLessThan(40_000);
	});

	it.each([
		[true, 'fired', 0],
		[false, 'fired', 1],
		[null, 'uncertain', 0],
	] as const)('judge what one left claimed that died while publishing (proven: %s)', async (answer, state, again) => {
		const { time, shop } = world();
		shop.put('k', hourly);
		const a = mortalKeeper(shop, time, 'a', {
			publish: () => async () => {
				a.kill();
				return new Promise(() => {});
			},
		});
		await time.advance(31_000);
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'claimed', by: 'a' });
		await using _b = mortalKeeper(shop, time, 'b', { proven: async () => ({ ok: true, value: answer }) });
		await time.advance(2 * MINUTE);
		expect(run(shop, 'k', NOON)?.state).toBe(state);
		expect(shop.published).toHaveLength(again);
		await time.advance(60 * MINUTE);
		expect(dues(shop).slice(again)).toEqual([NOON + 60 * MINUTE]);
	});

	it('publish what one left waiting for the broker, without asking', async () => {
		const { time, shop } = world();
		shop.put('k', hourly);
		const a = mortalKeeper(shop, time, 'a');
		shop.broker = () => gone;
		await time.advance(5 * MINUTE);
		a.kill();
		shop.broker = null;
		await using _b = mortalKeeper(shop, time, 'b');
		await time.advance(MINUTE);
		expect(shop.published).toMatchObject([{ dueAt: NOON, by: 'b' }]);
	});

	it('stop at once when the right is gone: what is claimed and not sent is not sent', async () => {
		const { time, shop } = world();
		shop.put('k', minutely);
		shop.put('l', minutely);
		const held = Promise.withResolvers<void>();
		await using _a = mortalKeeper(shop, time, 'a', {
			publish: (publish) => async (definition, due) => {
				if (due.dueAt === NOON) await held.promise;
				return publish(definition, due);
			},
		});
		await time.advance(31_000);
		shop.expire();
		await using _b = mortalKeeper(shop, time, 'b');
		await time.advance(2 * MINUTE);
		held.resolve();
		await time.advance(MINUTE);
		const twice = shop.published.filter((one, at) =>
			shop.published.some((other, n) => n < at && other.key === one.key && other.dueAt === one.dueAt),
		);
		expect(twice).toEqual([]);
		// What A had under way when it lost the right came out after all, and that is what is written down.
		expect(run(shop, 'k', NOON)?.state).toBe('fired');
		expect(shop.published.filter((one) => one.by === 'b').map((one) => one.dueAt - NOON)).toEqual(
			expect.arrayContaining([MINUTE, 2 * MINUTE]),
		);
	});
});

describe('a right that was lost and came back', () => {
	it('has nothing forgotten that waited to be tried again, and is sure that it was not sent', async () => {
		const { time, shop } = world();
		shop.put('k', hourly);
		shop.broker = () => failure('busy', 'The broker is short of memory.');
		let lost = false;
		await using _one = mortalKeeper(shop, time, 'a', {
			// That it is to be tried again is not written in time.
			ledger: (ledger) => ({
				...ledger,
				settle: async (...args) => (lost ? fail('unreachable', 'No answer.') : ledger.settle(...args)),
			}),
		});
		await time.advance(29_900);
		lost = true;
		await time.advance(100);
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'claimed', by: 'a' });
		shop.broker = null;
		shop.expire();
		await time.advance(7_000);
		lost = false;
		await time.advance(13_000);
		expect(shop.published).toMatchObject([{ dueAt: NOON, by: 'a' }]);
		expect(shop.published[0]?.at).toBeLessThan(NOON + 15_000);
	});

	it('has what may have been sent judged at once, although it is its own', async () => {
		const { time, shop } = world();
		shop.put('k', hourly);
		const held = Promise.withResolvers<void>();
		await using _one = mortalKeeper(shop, time, 'a', {
			publish: () => async () => {
				await held.promise;
				return fail('unreachable', 'The connection was cut off.', { details: { outcome: 'unknown' } });
			},
		});
		await time.advance(30_000);
		shop.expire();
		await time.advance(10_000);
		held.resolve();
		await time.advance(65_000);
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'uncertain', by: 'a' });
		expect(run(shop, 'k', NOON)?.note).toContain('cannot be told');
	});

	it('is taken up at once by a process that stood still in the middle of reading the book', async () => {
		const { time, shop } = world();
		shop.put('k', minutely);
		let slow = true;
		await using one = mortalKeeper(shop, time, 'a', {
			ledger: (ledger) => ({
				...ledger,
				async cursors() {
					if (slow) await new Promise<void>((resolve) => void time.after(5_000, resolve));
					return ledger.cursors();
				},
			}),
		});
		await time.advance(1_000);
		one.freeze();
		await time.advance(10 * MINUTE);
		slow = false;
		shop.expire();
		one.thaw();
		await time.advance(MINUTE);
		expect(shop.published.at(-1)?.dueAt).toBe(NOON + 10 * MINUTE);
	});
});

describe('a ledger that does not answer', () => {
	it('keeps everything from being published, says so, and takes nothing away', async () => {
		const { time, shop } = world();
		shop.put('k', { ...minutely, missed: { kind: 'all', most: 100 } });
		await using one = mortalKeeper(shop, time, 'a');
		await time.advance(31_000);
		expect(dues(shop)).toEqual([NOON]);
		shop.ledgerDown = failure('unreachable', 'Redis does not answer.');
		await time.advance(3 * MINUTE);
		expect(dues(shop)).toEqual([NOON]);
		expect(one.keeper.view().note).toContain('Redis does not answer.');
		shop.ledgerDown = null;
		await time.advance(MINUTE);
		expect(dues(shop)).toEqual([0, 1, 2, 3, 4].map((n) => NOON + n * MINUTE));
		expect(new Set(states(shop))).toEqual(new Set(['fired']));
	});
});

describe('a clock that is set', () => {
	function set() {
		const time = manualClock(START);
		let shift = 0;
		const clock: Clock = {
			now: () => time.now() + shift,
			monotonic: () => time.monotonic(),
			after: (ms, callback) => time.after(ms, callback),
		};
		const by = (ms: number) => {
			shift += ms;
		};
		return { time, shop: scheduleWorld(clock), clock, by };
	}

	it('back has nothing run twice, and the schedule goes on when it has caught up', async () => {
		const { time, shop, clock, by } = set();
		shop.put('k', minutely);
		await using one = mortalKeeper(shop, clock, 'a');
		await time.advance(10 * MINUTE);
		expect(shop.published).toHaveLength(10);
		by(-5 * MINUTE);
		await time.advance(2 * MINUTE);
		expect(shop.published).toHaveLength(10);
		expect(one.keeper.view()).toMatchObject({ lastJump: { kind: 'back', byMs: 5 * MINUTE } });
		expect(one.keeper.view().note).toContain('The clock was set back. 1 of the schedules have run up to');
		await time.advance(5 * MINUTE);
		expect(dues(shop)).toEqual(Array.from({ length: 12 }, (_, n) => NOON + n * MINUTE));
	});

	it('forward and back again has a late answer publish nothing that another took up meanwhile', async () => {
		const { time, shop, clock, by } = set();
		shop.put('k', { ...minutely, missed: { kind: 'all', most: 5 } });
		const proven = async (id: string) => ok(shop.published.some((one) => one.messageId === id));
		const claimed = Promise.withResolvers<void>();
		const renewed = Promise.withResolvers<void>();
		let slow = false;
		const answers = async (call: string) => {
			if (slow && call === 'claim') await claimed.promise;
			if (slow && call === 'hold') await renewed.promise;
		};
		await using _one = mortalKeeper(shop, clock, 'a', { proven, answers });
		await time.advance(29_900);
		slow = true;
		await time.advance(200);
		expect(run(shop, 'k', NOON)).toMatchObject({ state: 'claimed', by: 'a' });
		// By the clock as it is now its right has lapsed long ago.
		by(45_000);
		shop.expire();
		await using _two = mortalKeeper(shop, clock, 'b', { proven });
		await time.advance(2_500);
		expect(shop.published.map((one) => [one.dueAt, one.by])).toEqual([[NOON, 'b']]);
		by(-45_000);
		await time.advance(400);
		claimed.resolve();
		await time.advance(1_000);
		slow = false;
		renewed.resolve();
		await time.advance(10_000);
		expect(dues(shop)).toEqual([NOON]);
	});

	it('forward makes due times missed, by policy', async () => {
		const { time, shop, clock, by } = set();
		shop.put('k', { ...minutely, missed: { kind: 'skip' } });
		await using one = mortalKeeper(shop, clock, 'a');
		await time.advance(31_000);
		by(10 * MINUTE);
		await time.advance(2_000);
		expect(one.keeper.view().lastJump).toMatchObject({ kind: 'ahead', byMs: 10 * MINUTE });
		await time.advance(2 * MINUTE);
		expect(dues(shop)).toEqual([0, 10, 11, 12].map((n) => NOON + n * MINUTE));
		expect([...shop.runs.values()].filter((entry) => entry.state === 'missed')).toHaveLength(9);
	});
});
