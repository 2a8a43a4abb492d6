/**
 * Followers of a shared ledger in a storm, over the real tables: others claim and settle runs, calls of the ledger and of the store are
 * slow, lost and refused, processes of this home come and go. Whoever is told that it is caught up is, nothing is done after an end,
 * and afterwards this home's history says what the ledger says.
 */
import { expect, it } from 'vitest';
import { type ProfileId, profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import type { RecentStep, SharedLedger } from '#main/scheduler/books/shared-ledger.ts';
import { RunFollower, type RunFollowerDeps } from '#main/scheduler/run-follower.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';
import { claimed } from '#test/support/schedule-samples.ts';
import { type DirectStore, directStore } from './open.ts';

const LONG = process.env.WARREN_LONG !== undefined;
const SEEDS = LONG ? 10_000 : 300;
const MOST_STEPS = 60;
const KEYS = ['a', 'b', 'c', 'd', 'e'];
/** Schedules in one step of the ledger below. */
const STEP = 2;
/** No single delay is longer. */
const SLOW_MS = 3_000;
/** What a few seconds are at most, where a look is taken for current. */
const CURRENT_MS = 6_000;

/** The ledger that others write: what they have open, and what they settled, by number. */
class Elsewhere {
	readonly open = new Map<string, ScheduleRun>();
	readonly settled = new Map<string, { readonly number: number; readonly at: number; readonly run: ScheduleRun }>();
	last = 0;
	readonly #profile: ProfileId;
	#due = 0;

	constructor(profile: ProfileId) {
		this.#profile = profile;
	}

	claim(key: string): void {
		this.#due += 1_000;
		const run = claimed(key, this.#due, { profile: this.#profile, by: 'there:7' });
		this.open.set(placeOf(run), run);
	}

	/** As the scripts of the ledger: what was fired stays so, and an uncertain one is one until more is known. */
	settle(run: ScheduleRun, at: number): void {
		const before = this.settled.get(placeOf(run))?.run.state;
		this.open.delete(placeOf(run));
		if ((before === 'fired' && run.state !== 'fired') || (before !== undefined && run.state === 'uncertain')) return;
		this.last += 1;
		this.settled.set(placeOf(run), { number: this.last, at, run });
	}

	recent(step: RecentStep): ReturnType<typeof recentOf> {
		return recentOf(this, step);
	}
}

function recentOf({ settled }: Elsewhere, { since, beyond }: RecentStep) {
	const newest = new Map<string, number>();
	for (const { number, run } of settled.values()) newest.set(run.key, Math.max(number, newest.get(run.key) ?? 0));
	const touched = [...newest].filter(([, number]) => number > beyond).toSorted(([, a], [, b]) => a - b);
	const some = touched.slice(0, STEP);
	const until = some.at(-1)?.[1] ?? Math.max(since, beyond);
	const keys = new Set(some.map(([key]) => key));
	const runs = [...settled.values()].filter(({ number, run }) => number > since && keys.has(run.key));
	return {
		runs: runs.map(({ run }) => run),
		next: some.length === STEP ? { since, beyond: until } : null,
		until,
	};
}

const placeOf = ({ key, dueAt }: ScheduleRun): string => `${dueAt} ${key}`;
const said = (run: ScheduleRun): string => `${placeOf(run)} ${run.state} ${run.note}`;
const wait = (time: ManualClock, ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));

/** What can go wrong in between. */
interface Weather {
	slow: number;
	lost: number;
	refused: number;
}

/** One process of this home. */
interface Process {
	readonly follower: RunFollower;
	readonly following: Disposable[];
}

async function storm(seed: number, store: DirectStore): Promise<readonly string[]> {
	const random = randomFrom(seed);
	const time = manualClock();
	const shop = profileId(`shop-${seed}`);
	const there = new Elsewhere(shop);
	const weather: Weather = { slow: 0, lost: 0, refused: 0 };
	const faults: string[] = [];
	const here = (): Map<string, string> => {
		const { items } = store.calls.scheduleRuns(shop, { book: 'shared', key: null, limit: 500, before: null });
		return new Map(items.map((run) => [placeOf(run), said(run)]));
	};
	/** What was settled by a time is here, or a later word of it. */
	const check = (by: number, who: string): void => {
		const known = here();
		for (const [place, { at, run }] of there.settled) {
			if (at <= by && known.get(place) !== said(run)) faults.push(`${who}: ${said(run)} is here ${known.get(place)}`);
		}
	};

	const delay = async (): Promise<void> => {
		if (random() < weather.slow) await wait(time, random() * SLOW_MS);
	};
	const begin = (): Process & { over: boolean } => {
		const own = { over: false };
		const begun = (what: string): void => {
			if (own.over) faults.push(`${what} was asked for after the end`);
		};
		const asked = async <T>(what: string, answer: () => T): Promise<Result<T>> => {
			begun(what);
			await delay();
			if (random() < weather.lost) return fail('unreachable', 'The connection was lost.');
			const value = answer();
			await delay();
			return random() < weather.lost ? fail('unreachable', 'The connection was lost.') : ok(value);
		};
		const carriedOut = async <T>(what: string, call: () => T): Promise<T> => {
			begun(what);
			await delay();
			if (random() < weather.refused) throw new Error('The disk is full.');
			const value = call();
			await delay();
			if (random() < weather.refused) throw new Error('The writer has crashed.');
			return value;
		};
		const ledger: Pick<SharedLedger, 'recent' | 'open'> = {
			open: () => asked('open', () => [...there.open.values()]),
			recent: (since, step = { since, beyond: since }) => asked('recent', () => there.recent(step)),
		};
		const schedules: RunFollowerDeps['schedules'] = {
			followed: (...args) => carriedOut('followed', () => store.calls.runsFollowed(...args)),
			openRuns: (...args) => carriedOut('openRuns', () => store.calls.openRuns(...args)),
			receive: (...args) =>
				carriedOut('receive', () => {
					const [outcome] = store.writer.run([{ name: 'receiveRuns', args }]);
					if (outcome?.ok !== true) throw new Error(outcome?.failure.message);
				}),
		};
		const follower = new RunFollower({
			...{ ledger, schedules, profile: shop, book: 'shared', name: 'redis', clock: time, log: silentLog },
		});
		return Object.assign(own, { follower, following: [] });
	};
	const end = (one: ReturnType<typeof begin>): Promise<void> =>
		one.follower[Symbol.asyncDispose]().then(() => {
			one.over = true;
		});
	/** So many calls make a look that most of them have to get through. */
	const bad = (): number => (random() < 0.6 ? 0 : random() ** 3);
	const pick = <T>(of: readonly T[]): T | undefined => of[Math.floor(random() * of.length)];

	const others = (): void => {
		const dice = random();
		if (dice < 0.4) there.claim(pick(KEYS) ?? 'a');
		else if (dice < 0.8) {
			const run = pick([...there.open.values()]);
			if (run === undefined) return;
			if (random() < 0.1) there.open.delete(placeOf(run));
			else there.settle({ ...run, state: pick(['fired', 'missed', 'uncertain'] as const) ?? 'fired' }, time.now());
		} else {
			const known = pick([...there.settled.values()].filter(({ run }) => run.state !== 'fired'));
			if (known !== undefined)
				there.settle({ ...known.run, state: 'fired', note: 'It was heard of late.' }, time.now());
		}
	};
	const ends: Promise<void>[] = [];
	const processes = [begin(), begin()];
	const steps = Math.ceil(random() * MOST_STEPS);
	for (let step = 0; step < steps; step += 1) {
		const dice = random();
		const at = Math.floor(random() * processes.length);
		const one = processes[at] ?? begin();
		if (dice < 0.3) for (let more = Math.ceil(random() * 5); more > 0; more -= 1) others();
		else if (dice < 0.4) one.following.push(one.follower.follow());
		else if (dice < 0.55) one.following.splice(Math.floor(random() * one.following.length), 1)[0]?.[Symbol.dispose]();
		else if (dice < 0.75) {
			const asked = time.now();
			void one.follower.catchUp().then((caught) => {
				if (caught.ok) check(asked, 'caught up');
			});
			// Asked again in the very turn in which the first was answered, or while it is under way.
			if (random() < 0.5) void one.follower.catchUp().then(() => one.follower.catchUp());
		} else if (dice < 0.85) {
			Object.assign(weather, { slow: random(), lost: bad(), refused: bad() });
		} else if (dice < 0.92) Object.assign(weather, { slow: 0, lost: 0, refused: 0 });
		else {
			ends.push(end(one));
			processes[at] = begin();
		}
		if (random() < 0.6) await time.advance(Math.round(random() * (random() < 0.1 ? 30_000 : 2_500)));
		for (const { follower } of processes) if (follower.current) check(time.now() - CURRENT_MS - 1, 'current');
	}
	Object.assign(weather, { slow: 0, lost: 0, refused: 0 });
	const last = processes[0]?.follower.follow();
	// What is under way ends, and two looks follow.
	await time.advance(40 * SLOW_MS);
	const known = [...here().values()].toSorted();
	const right = [...there.settled.values()].map(({ run }) => run).concat([...there.open.values()]);
	const expected = right.map(said).toSorted();
	if (JSON.stringify(known) !== JSON.stringify(expected)) {
		faults.push(`here: ${known.filter((one) => !expected.includes(one)).join(', ')}`);
		faults.push(`not here: ${expected.filter((one) => !known.includes(one)).join(', ')}`);
	}
	const followed = store.calls.runsFollowed(shop, 'shared', 'redis');
	if (followed !== there.last) faults.push(`it followed to ${followed} of ${there.last}`);
	if (processes[0]?.follower.current !== true) faults.push('it is not current though all is calm');
	last?.[Symbol.dispose]();
	for (const { following } of processes) for (const one of following) one[Symbol.dispose]();
	await time.advance(10_000);
	if (time.waiting > 0) faults.push(`${time.waiting} timers wait though nobody follows`);
	ends.push(...processes.map(end));
	await time.advance(SLOW_MS);
	await Promise.all(ends);
	return faults.map((fault) => `seed ${seed}: ${fault}`);
}

it('takes in what was settled, whatever happens meanwhile', async () => {
	using store = directStore();
	const faults: string[] = [];
	for (let seed = 1; seed <= SEEDS && faults.length < 20; seed += 1) faults.push(...(await storm(seed, store)));
	expect(faults).toEqual([]);
}, 1_200_000);
