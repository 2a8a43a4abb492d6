/**
 * Alarms of two consoles at one home in a storm: looks come late and in bursts, the store is slow and refuses, profiles are edited, removed
 * and made again, people come and go, consoles end. Afterwards each console that stays shows what is amiss, one has the right to notify,
 * and where nobody watches nothing is held.
 */
import { expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { type Alarms, createAlarms } from '#main/engine/alarms.ts';
import type { Clusters } from '#main/engine/clusters.ts';
import type { Ports } from '#main/engine/ports.ts';
import type { AlarmView } from '#main/ipc/contract/alarm.ts';
import type { ClusterList } from '#main/ipc/contract/cluster.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Store } from '#main/store/store.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';

const LONG = process.env.WARREN_LONG !== undefined;
const SEEDS = LONG ? 3_000 : 300;
const MOST_STEPS = 40;
const SLOW_MS = 5_000;
/** A right that was left lapses, and the profiles are looked at. */
const CALM_MS = 60_000;
const SHOP = {
	id: profileId('shop'),
	name: 'shop',
	framework: 'django-q',
	broker: { kind: 'redis' },
	updatedAt: 1,
} as unknown as Profile;

const wait = (time: ManualClock, ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));

async function storm(seed: number): Promise<readonly string[]> {
	const random = randomFrom(seed);
	const time = manualClock();
	const faults: string[] = [];
	const weather = { slow: 0, refused: 0 };
	let problem: string | null = 'Redis is away.';
	let profile: Profile | null = SHOP;
	let edits = 1;
	let lease: { holder: string; until: number } | null = null;

	const called = async <T>(call: () => T): Promise<T> => {
		if (random() < weather.slow) await wait(time, random() * SLOW_MS);
		if (random() < weather.refused) throw new Error('The disk is full.');
		const value = call();
		if (random() < weather.slow) await wait(time, random() * SLOW_MS);
		return value;
	};
	/** Its writer carries out one after the other what it is asked. */
	let writing: Promise<unknown> = Promise.resolve();
	const written = <T>(call: () => T): Promise<T> => {
		const done = writing.then(() => called(call));
		writing = done.catch(() => undefined);
		return done;
	};
	const storeOf = (own: { over: boolean; asked: number }) => {
		const ofIt = async <T>(call: () => Promise<T>): Promise<T> => {
			if (own.over) faults.push('a right was asked for or given back after the end');
			own.asked += 1;
			return call().finally(() => {
				own.asked -= 1;
			});
		};
		return {
			leases: {
				hold: (...args: Parameters<typeof store.leases.hold>) => ofIt(() => store.leases.hold(...args)),
				release: (...args: Parameters<typeof store.leases.release>) => ofIt(() => store.leases.release(...args)),
			},
			watching: store.watching,
		} as unknown as Store;
	};
	const store = {
		leases: {
			hold: (_name: string, holder: string, ttlMs: number) =>
				written((): Result<void> => {
					if (lease !== null && lease.holder !== holder && lease.until > time.now()) return fail('busy', 'Held.');
					lease = { holder, until: time.now() + ttlMs };
					return ok(undefined);
				}),
			release: (_name: string, holder: string) =>
				written(() => {
					if (lease?.holder === holder) lease = null;
				}),
		},
		watching: { list: () => called(() => []) },
	};
	const profiles = {
		list: () => called(() => (profile === null ? [] : [profile])),
	} as unknown as Profiles;

	const begin = () => {
		const own = { over: false, asked: 0 };
		const clusters = {
			async watch(_profile: Profile, everyMs: number, tell: (list: ClusterList, profile: Profile) => void) {
				await called(() => undefined).catch(() => undefined);
				if (random() < weather.refused / 2) return fail('refused', 'The secret cannot be read.');
				let ended = false;
				let pause: Disposable | null = null;
				const look = (): void => {
					if (ended) return;
					if (own.over) faults.push('it is looked after the end');
					const list = { items: [], total: 0, queues: [], odd: [], hints: [], at: time.now(), problem };
					tell(list as unknown as ClusterList, profile ?? SHOP);
					pause = time.after(everyMs, look);
				};
				pause = time.after(0, look);
				return ok({
					[Symbol.dispose]: () => {
						ended = true;
						pause?.[Symbol.dispose]();
					},
				});
			},
		} as unknown as Clusters;
		const ports = {
			...{ clock: time, log: silentLog, host: 'serve' },
			notify: () => {
				if (own.over) faults.push('a person was notified after the end');
			},
		} as unknown as Ports;
		return { own, alarms: createAlarms(ports, profiles, storeOf(own), clusters) };
	};
	type Console = ReturnType<typeof begin>;
	interface Watcher {
		readonly of: Console;
		view: AlarmView | null;
		watching: Disposable | null;
		left: boolean;
	}
	const watchers: Watcher[] = [];
	const come = (of: Console): void => {
		const watcher: Watcher = { of, view: null, watching: null, left: false };
		watchers.push(watcher);
		const tell = (view: AlarmView): void => {
			if (watcher.view?.at != null && (view.at ?? 0) < watcher.view.at)
				faults.push('an older round came after a newer');
			watcher.view = view;
		};
		const alarms: Alarms = of.alarms;
		alarms.watch(profile ?? SHOP, tell, random() < 0.5).then(
			(begun) => {
				if (!begun.ok) watcher.left = true;
				else if (watcher.left) begun.value[Symbol.dispose]();
				else watcher.watching = begun.value;
			},
			() => {
				watcher.left = true;
			},
		);
	};
	const leave = (watcher: Watcher | undefined): void => {
		if (watcher === undefined) return;
		watcher.left = true;
		watcher.watching?.[Symbol.dispose]();
	};
	const ends: Promise<void>[] = [];
	const end = (one: Console): void => {
		for (const watcher of watchers) if (watcher.of === one) leave(watcher);
		const ended = async (): Promise<void> => {
			await one.alarms[Symbol.asyncDispose]();
			one.own.over = true;
			if (one.own.asked > 0) faults.push('a right was on its way at the end');
		};
		ends.push(ended());
	};

	const consoles = [begin(), begin()];
	const steps = Math.ceil(random() * MOST_STEPS);
	for (let step = 0; step < steps; step += 1) {
		const dice = random();
		const at = Math.floor(random() * 2);
		if (dice < 0.3) come(consoles[at] as Console);
		else if (dice < 0.5) leave(watchers[Math.floor(random() * watchers.length)]);
		else if (dice < 0.65) Object.assign(weather, { slow: random(), refused: random() < 0.5 ? 0 : random() });
		else if (dice < 0.75) Object.assign(weather, { slow: 0, refused: 0 });
		else if (dice < 0.82) {
			edits += 1;
			profile = random() < 0.4 ? null : { ...SHOP, updatedAt: edits };
		} else if (dice < 0.9) problem = problem === null ? 'Redis is away.' : null;
		else {
			end(consoles[at] as Console);
			consoles[at] = begin();
		}
		if (random() < 0.7) await time.advance(Math.round(random() * 6_000));
	}
	Object.assign(weather, { slow: 0, refused: 0 });
	problem = 'Redis is away.';
	profile = { ...SHOP, updatedAt: edits + 1 };
	await time.advance(CALM_MS + 8 * SLOW_MS);
	for (const one of consoles) come(one);
	await time.advance(CALM_MS);
	const staying = watchers.filter(({ left }) => !left);
	for (const { view } of staying) {
		if (view?.at == null || time.now() - view.at > 4_000) faults.push(`one that watches was last told ${view?.at}`);
		if (view?.items.some(({ state }) => state === 'raised') !== true) faults.push('what is amiss is not shown');
	}
	const tells = new Set(staying.filter(({ view }) => view?.tells === true).map(({ of }) => of));
	if (tells.size !== 1) faults.push(`${tells.size} consoles notify`);
	for (const watcher of staying) leave(watcher);
	for (const one of consoles) end(one);
	await time.advance(8 * SLOW_MS);
	await Promise.all(ends);
	if (lease !== null) faults.push('the right to notify was not given back');
	if (time.waiting > 0) faults.push(`${time.waiting} timers wait after the end`);
	return faults.map((fault) => `seed ${seed}: ${fault}`);
}

it('shows what is amiss and has one console notify, whatever happens meanwhile', async () => {
	const faults: string[] = [];
	for (let seed = 1; seed <= SEEDS && faults.length < 20; seed += 1) faults.push(...(await storm(seed)));
	expect(faults).toEqual([]);
}, 600_000);
