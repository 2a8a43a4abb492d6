/** What others did with the due times of a shared book, taken into the real store of this home. */
import { describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { type Failure, fail, ok } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import type { SharedLedger } from '#main/scheduler/books/shared-ledger.ts';
import { RunFollower } from '#main/scheduler/run-follower.ts';
import type { OpenStore } from '#main/store/client.ts';
import { must } from '#test/support/brokers.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { claimed, fired } from '#test/support/schedule-samples.ts';
import { waitFor } from '#test/support/wait.ts';
import { storeOf, testHome } from './open.ts';

const SHOP = profileId('shop');
/** Schedules in one step of the ledger below. */
const STEP = 3;

/** A ledger as others write it: settled runs with their numbers, and open ones. */
class Elsewhere implements Pick<SharedLedger, 'recent' | 'open'> {
	readonly settled: { readonly number: number; readonly run: ScheduleRun }[] = [];
	openRuns: readonly ScheduleRun[] = [];
	calls = 0;
	/** Fails the call of this number, and all after it. */
	breaksAt: number | null = null;

	settle(...runs: readonly ScheduleRun[]): void {
		for (const run of runs) this.settled.push({ number: this.settled.length + 1, run });
	}

	async open() {
		return this.#broken() ?? ok(this.openRuns);
	}

	async recent(since: number, step = { since, beyond: since }) {
		const broken = this.#broken();
		if (broken !== null) return broken;
		const last = this.settled.length;
		const base = step.since > last ? 0 : step.since;
		const beyond = step.since > last ? 0 : step.beyond;
		const newest = new Map<string, number>();
		for (const { number, run } of this.settled) newest.set(run.key, number);
		const touched = [...newest].filter(([, number]) => number > beyond).sort(([, a], [, b]) => a - b);
		const some = touched.slice(0, STEP);
		const until = some.at(-1)?.[1] ?? (base < step.since ? base : Math.max(base, beyond));
		const runs = this.settled.filter(({ number, run }) => number > base && some.some(([key]) => key === run.key));
		const next = some.length === STEP ? { since: base, beyond: until } : null;
		return ok({ runs: runs.map(({ run }) => run), next, until });
	}

	#broken() {
		this.calls += 1;
		return this.breaksAt !== null && this.calls >= this.breaksAt ? fail('unreachable', 'Redis is away.') : null;
	}
}

function follower(
	ledger: Pick<SharedLedger, 'recent' | 'open'>,
	store: OpenStore,
	clock = manualClock(),
	name = 'redis',
): RunFollower {
	return new RunFollower({
		...{ ledger, schedules: store.schedules, profile: SHOP, book: 'shared', name, clock, log: silentLog },
	});
}

async function known(store: OpenStore): Promise<readonly ScheduleRun[]> {
	return (await store.schedules.runs(SHOP, { book: 'shared', key: null, limit: 500, before: null })).items;
}

const inOrder = (runs: readonly ScheduleRun[]) =>
	runs.map((run) => `${run.dueAt} ${run.key} ${run.state} ${run.by}`).toSorted();
const some = (count: number, by = 'there:7') =>
	Array.from({ length: count }, (_, at) => fired(claimed(`k${at % 8}`, 1_000 * (1 + at), { by })));

describe('runs of a shared book', () => {
	it('come into the history here with who ran them, whatever became of them', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		const missed = claimed('k1', 50_000, { state: 'missed', by: 'elsewhere:2', note: 'Nobody was there to run it.' });
		ledger.settle(...some(20), missed);
		await using follow = follower(ledger, store);
		must(await follow.catchUp());
		expect(inOrder(await known(store))).toEqual(inOrder([...some(20), missed]));
		expect(await store.schedules.lastRuns(SHOP, [{ book: 'shared', key: 'k1' }])).toEqual([missed]);
	});

	it('come once: the same again changes nothing, and tells nobody', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		ledger.settle(...some(20));
		ledger.openRuns = [claimed('k9', 9_000, { by: 'there:7' })];
		await using first = follower(ledger, store);
		must(await first.catchUp());
		const revision = await store.schedules.revision(SHOP);
		must(await first.catchUp());
		// Another process of this home that has not followed so far, under a name of its own, reads all of it again.
		await using second = follower(ledger, store, manualClock(), 'the same by another name');
		must(await second.catchUp());
		expect(await store.schedules.revision(SHOP)).toBe(revision);
		expect(inOrder(await known(store))).toEqual(inOrder([...some(20), ...ledger.openRuns]));
	});

	it('are asked for from where it was, also by the next process', async () => {
		using home = testHome();
		const ledger = new Elsewhere();
		ledger.settle(...some(10));
		{
			await using store = await storeOf(home.home);
			await using follow = follower(ledger, store);
			must(await follow.catchUp());
		}
		await using store = await storeOf(home.home);
		expect(await store.schedules.followed(SHOP, 'shared', 'redis')).toBe(10);
		const [late] = some(11).slice(10);
		ledger.settle(late as ScheduleRun);
		const asked: number[] = [];
		const watched: Pick<SharedLedger, 'recent' | 'open'> = {
			open: () => ledger.open(),
			recent(since, step) {
				asked.push(since);
				return ledger.recent(since, step);
			},
		};
		await using follow = follower(watched, store);
		must(await follow.catchUp());
		expect(asked).toEqual([10]);
		expect(await known(store)).toHaveLength(11);
	});

	it('are all there after a break at any call, once the ledger answers again', async () => {
		const whole = new Elsewhere();
		whole.settle(...some(24));
		{
			using home = testHome();
			await using store = await storeOf(home.home);
			await using follow = follower(whole, store);
			must(await follow.catchUp());
		}
		expect(whole.calls).toBeGreaterThan(3);
		for (let at = 1; at <= whole.calls; at += 1) {
			using home = testHome();
			await using store = await storeOf(home.home);
			const ledger = new Elsewhere();
			ledger.settle(...some(24));
			ledger.breaksAt = at;
			await using follow = follower(ledger, store);
			expect(await follow.catchUp()).toMatchObject({ ok: false, error: { code: 'unreachable' } as Failure });
			// Meanwhile others go on.
			ledger.settle(...some(30).slice(24));
			ledger.breaksAt = null;
			must(await follow.catchUp());
			expect(inOrder(await known(store)), `broken at call ${at}`).toEqual(inOrder(some(30)));
		}
	});

	it('that are open are shown, and end as they ended there', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		const [one, other, third] = ['a', 'b', 'c'].map((key) => claimed(key, 5_000, { by: 'there:7' })) as [
			ScheduleRun,
			ScheduleRun,
			ScheduleRun,
		];
		ledger.openRuns = [one, { ...other, state: 'retrying', note: 'The broker is away.' }, third];
		await using follow = follower(ledger, store);
		must(await follow.catchUp());
		expect(inOrder(await known(store))).toEqual([
			'5000 a claimed there:7',
			'5000 b retrying there:7',
			'5000 c claimed there:7',
		]);
		// The third went with its schedule, and left nothing.
		ledger.settle(fired(one), { ...other, state: 'missed' });
		ledger.openRuns = [];
		must(await follow.catchUp());
		expect(inOrder(await known(store))).toEqual(['5000 a fired there:7', '5000 b missed there:7']);
		// What somebody read before it was settled comes late.
		await store.schedules.receive(SHOP, { book: 'shared', ledger: 'redis', settled: [], open: [one], followed: null });
		expect(inOrder(await known(store))).toEqual(['5000 a fired there:7', '5000 b missed there:7']);
	});

	it('stay as the latest word of the ledger has them, also when another process read it before and writes later', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		const [one, other] = ['a', 'b'].map((key) => claimed(key, 5_000, { by: 'there:7' })) as [ScheduleRun, ScheduleRun];
		const early: readonly ScheduleRun[] = [one, other].map((run) => ({ ...run, state: 'uncertain' }));
		const late: readonly ScheduleRun[] = [fired(one), { ...other, state: 'missed' }];
		ledger.settle(...early, ...late);
		await using follow = follower(ledger, store);
		must(await follow.catchUp());
		const followed = { from: 0, to: 2 };
		await store.schedules.receive(SHOP, { book: 'shared', ledger: 'redis', settled: early, open: null, followed });
		must(await follow.catchUp());
		expect(inOrder(await known(store))).toEqual(inOrder(late));
	});

	it('are not called current while a look takes long, nor by one that looked long ago', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		const clock = manualClock();
		const answer = Promise.withResolvers<void>();
		let slow = false;
		const slowly: Pick<SharedLedger, 'recent' | 'open'> = {
			open: async () => {
				if (slow) await answer.promise;
				return ledger.open();
			},
			recent: (since, step) => ledger.recent(since, step),
		};
		await using follow = follower(slowly, store, clock);
		const first = follow.follow();
		await waitFor('the first look', () => follow.current);
		slow = true;
		await clock.advance(10_000);
		expect(follow.current).toBe(false);
		answer.resolve();
		slow = false;
		await waitFor('the next look', async () => {
			await clock.advance(500);
			return follow.current;
		});
		first[Symbol.dispose]();
		await clock.advance(3_600_000);
		using _again = follow.follow();
		expect(follow.current).toBe(false);
		await waitFor('a look of its own', () => follow.current);
	});

	it('are not looked for any more after the end, also for who waited for the look in which it came', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		const follow = follower(ledger, store);
		const [under, next] = [follow.catchUp(), follow.catchUp()];
		await follow[Symbol.asyncDispose]();
		const calls = ledger.calls;
		expect(await under).toMatchObject({ ok: false, error: { code: 'gone' } });
		expect(await next).toMatchObject({ ok: false, error: { code: 'gone' } });
		expect(await follow.catchUp()).toMatchObject({ ok: false, error: { code: 'gone' } });
		expect(ledger.calls).toBe(calls);
	});

	it('of a ledger that begins anew are read from its beginning', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		ledger.settle(...some(20));
		await using follow = follower(ledger, store);
		must(await follow.catchUp());
		ledger.settled.length = 0;
		const [again] = some(1, 'new:1').map((run) => ({ ...run, dueAt: 99_000 }));
		ledger.settle(again as ScheduleRun);
		must(await follow.catchUp());
		expect(inOrder(await known(store))).toContain('99000 k0 fired new:1');
		expect(await store.schedules.followed(SHOP, 'shared', 'redis')).toBe(1);
	});

	it('are kept 500 of each schedule, and go with their profile', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		ledger.settle(...Array.from({ length: 2_600 }, (_, at) => fired(claimed('k', 1_000 + at))));
		await using follow = follower(ledger, store);
		must(await follow.catchUp());
		const { items, total } = await store.schedules.runs(SHOP, { book: 'shared', key: 'k', limit: 1, before: null });
		expect([items[0]?.dueAt, total]).toEqual([3_599, 500]);
		await store.profiles.remove(SHOP);
		expect(await store.schedules.followed(SHOP, 'shared', 'redis')).toBe(0);
	});

	it('are looked for every few seconds while somebody follows, and through an outage', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = new Elsewhere();
		const clock = manualClock();
		await using follow = follower(ledger, store, clock);
		const first = follow.follow();
		const second = follow.follow();
		await waitFor('the first look', () => follow.current);
		const tick = async (what: string, done: () => boolean | Promise<boolean>) =>
			waitFor(what, async () => {
				await clock.advance(500);
				return done();
			});
		ledger.breaksAt = 0;
		await tick('a look to fail', () => !follow.current);
		ledger.settle(...some(5));
		ledger.breaksAt = null;
		await tick('the runs to be here', async () => (await known(store)).length === 5);
		first[Symbol.dispose]();
		first[Symbol.dispose]();
		ledger.settle(...some(6).slice(5));
		await tick('one more', async () => (await known(store)).length === 6);
		second[Symbol.dispose]();
		await waitFor('nothing more to wait for', async () => {
			await clock.advance(10_000);
			return clock.waiting === 0;
		});
	});
});
