/** Ticks in a storm: listeners come and go, others write, and answers of the file are late or lost. Afterwards everybody knows where it stands. */
import { describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import type { Pulse } from '#main/store/protocol.ts';
import { POLL_MS, Ticker } from '#main/store/ticks.ts';
import { randomFrom } from '#test/support/deployment.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';

const LONG = process.env.WARREN_LONG !== undefined;
const SEEDS = LONG ? 20_000 : 500;
const MOST_STEPS = 40;
const SHOP = profileId('shop');
const NONE = { queued: 0, running: 0, succeeded: 0, failed: 0, retrying: 0, revoked: 0, rejected: 0, lost: 0 };

/** What a reader of the file answers: where nothing was committed since its last answer it says just that. */
class File {
	tasks = 0;
	schedules = 0;
	profiles = 0;
	#version = 0;
	#seen = -1;

	write(what: 'tasks' | 'schedules' | 'profiles'): void {
		this[what] += 1;
		this.#version += 1;
	}

	pulse(profiles: readonly unknown[], force: boolean): Pulse {
		const changed = force || this.#seen !== this.#version;
		this.#seen = this.#version;
		return {
			counts: changed ? profiles.map(() => ({ ...NONE, scheduled: 0, revision: this.tasks })) : null,
			schedules: changed ? profiles.map(() => this.schedules) : [],
			profilesRevision: changed ? this.profiles : -1,
		};
	}
}

interface Follower {
	readonly what: 'tasks' | 'schedules' | 'profiles';
	/** What it has last heard of; null: nothing yet. */
	knows: number | null;
	readonly listening: Disposable;
}

const wait = (time: ManualClock, ms: number): Promise<void> => new Promise((resolve) => void time.after(ms, resolve));

async function storm(seed: number): Promise<readonly string[]> {
	const random = randomFrom(seed);
	const time = manualClock();
	const file = new File();
	const weather = { slow: 0, lost: 0 };
	using ticker = new Ticker(
		async (profiles, force) => {
			if (random() < weather.slow) await wait(time, random() * 600);
			if (random() < weather.lost) throw new Error('The reader has crashed.');
			const pulse = file.pulse(profiles, force);
			if (random() < weather.slow) await wait(time, random() * 600);
			if (random() < weather.lost) throw new Error('The reader has crashed.');
			return pulse;
		},
		time,
		silentLog,
	);
	const followers: Follower[] = [];
	const follow = (): Follower => {
		const what = (['tasks', 'schedules', 'profiles'] as const)[Math.floor(random() * 3)] ?? 'tasks';
		const own: { knows: number | null } = { knows: null };
		const hear = (revision: number): void => {
			own.knows = revision;
		};
		switch (what) {
			case 'tasks':
				return Object.assign(own, { what, listening: ticker.onTick(SHOP, ({ revision }) => hear(revision)) });
			case 'schedules':
				return Object.assign(own, { what, listening: ticker.onSchedules(SHOP, hear) });
			case 'profiles':
				// Who asks for changes from now on has read the list before, and reads it again when told.
				own.knows = file.profiles;
				return Object.assign(own, { what, listening: ticker.onProfiles(() => hear(file.profiles)) });
		}
	};
	const steps = Math.ceil(random() * MOST_STEPS);
	for (let step = 0; step < steps; step += 1) {
		const dice = random();
		if (dice < 0.2) followers.push(follow());
		else if (dice < 0.4) followers.splice(Math.floor(random() * followers.length), 1)[0]?.listening[Symbol.dispose]();
		else if (dice < 0.7) {
			file.write((['tasks', 'schedules', 'profiles'] as const)[Math.floor(random() * 3)] ?? 'tasks');
			if (random() < 0.5) ticker.touched();
		} else if (dice < 0.85) Object.assign(weather, { slow: random(), lost: random() * 0.7 });
		else Object.assign(weather, { slow: 0, lost: 0 });
		if (random() < 0.7) await time.advance(Math.round(random() * 400));
	}
	Object.assign(weather, { slow: 0, lost: 0 });
	await time.advance(600 + 600 + 2 * POLL_MS);
	const faults = followers
		.filter(({ what, knows }) => knows !== file[what])
		.map(({ what, knows }) => `seed ${seed}: ${what} is at ${file[what]}, and one that listens knows ${knows}`);
	for (const { listening } of followers) listening[Symbol.dispose]();
	await time.advance(POLL_MS);
	return time.waiting === 0 ? faults : faults.concat(`seed ${seed}: it asks on though nobody listens`);
}

describe('ticks', () => {
	it('reach everybody who listens, whatever happened meanwhile', async () => {
		const faults: string[] = [];
		for (let seed = 1; seed <= SEEDS; seed += 1) faults.push(...(await storm(seed)));
		expect(faults).toEqual([]);
	}, 600_000);

	it('of profiles come to one that listened before the first answer', async () => {
		const time = manualClock();
		const file = new File();
		using ticker = new Ticker(async (profiles, force) => file.pulse(profiles, force), time, silentLog);
		let told = 0;
		using _listening = ticker.onProfiles(() => {
			told += 1;
		});
		file.write('profiles');
		await time.advance(POLL_MS);
		expect(told).toBe(1);
	});

	it('of profiles come again to one that listens after a while in which nobody did', async () => {
		const time = manualClock();
		const file = new File();
		using ticker = new Ticker(async (profiles, force) => file.pulse(profiles, force), time, silentLog);
		ticker.onProfiles(() => {})[Symbol.dispose]();
		await time.advance(10 * POLL_MS);
		{
			using _first = ticker.onProfiles(() => {});
			await time.advance(POLL_MS);
		}
		await time.advance(10 * POLL_MS);
		let told = 0;
		using _second = ticker.onProfiles(() => {
			told += 1;
		});
		await time.advance(10 * POLL_MS);
		const before = told;
		file.write('profiles');
		await time.advance(2 * POLL_MS);
		expect(told).toBe(before + 1);
	});
});
