/** Watching clusters while keychains fail, profiles are edited and watchers come at once, over a Redis of the test's own. */
import { expect, it } from 'vitest';
import type { createKeyspace } from '#main/brokers/connect.ts';
import { profileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { createClusters } from '#main/engine/clusters.ts';
import type { Ports } from '#main/engine/ports.ts';
import type { ClusterList } from '#main/ipc/contract/cluster.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import { manualClock } from '#test/support/manual-clock.ts';

function setUp() {
	const clock = manualClock();
	const redis = { alive: 0, looks: 0, answer: null as PromiseWithResolvers<void> | null };
	const vault = { refuses: false, throws: false };
	const logged: string[] = [];
	let profile = {
		id: profileId('p'),
		name: 'site',
		framework: 'django-q',
		broker: { kind: 'redis' },
		queues: [],
		updatedAt: 1,
	} as unknown as Profile;
	const profiles = {
		find: async () => {
			if (vault.throws) throw new Error('disk full');
			return ok(profile);
		},
		secret: async (): Promise<Result<string | null>> =>
			vault.refuses ? fail('refused', 'The keychain is locked.') : ok(null),
	} as unknown as Profiles;
	const open = () => {
		redis.alive += 1;
		const closed = Promise.withResolvers<void>();
		let isClosed = false;
		return {
			connect() {},
			ready: async () => (isClosed ? fail('gone', 'The connection was closed.') : ok(undefined)),
			scan: async () => {
				redis.looks += 1;
				if (redis.answer !== null) await Promise.race([redis.answer.promise, closed.promise]);
				return isClosed ? fail('gone', 'The connection was closed.') : ok({ keys: [], complete: true });
			},
			pipeline: async () => ok([]),
			async [Symbol.asyncDispose]() {
				if (!isClosed) redis.alive -= 1;
				isClosed = true;
				closed.resolve();
			},
		};
	};
	const log = { warn: (event: string) => logged.push(event), error: (event: string) => logged.push(event) };
	const ports = { clock, log, version: '0' } as unknown as Ports;
	const clusters = createClusters(ports, profiles, open as unknown as typeof createKeyspace);
	return {
		clock,
		clusters,
		redis,
		vault,
		logged,
		profile: () => profile,
		edit: () => {
			const updatedAt = profile.updatedAt + 1;
			profile = { ...profile, name: `shop ${updatedAt}`, updatedAt };
			return profile;
		},
		watch: async () => {
			const told: ClusterList[] = [];
			const watch = await clusters.watch(profile, 1_000, (list) => told.push(list));
			if (!watch.ok) throw new Error(watch.error.message);
			return { told, end: () => watch.value[Symbol.dispose]() };
		},
	};
}

it('goes on watching after a keychain was locked and a disk was full, and tells why nothing is seen meanwhile', async () => {
	const { clock, vault, watch, logged } = setUp();
	const { told, end } = await watch();
	await clock.advance(0);
	expect(told.at(-1)?.problem).toBeNull();
	vault.refuses = true;
	await clock.advance(1_000);
	expect(told.at(-1)?.problem).toBe('The keychain is locked.');
	vault.throws = true;
	await clock.advance(1_000);
	expect(logged).toEqual(['clusters.watch-failed']);
	vault.refuses = false;
	vault.throws = false;
	await clock.advance(1_000);
	expect(told.at(-1)).toMatchObject({ problem: null, at: clock.now() });
	end();
	expect(clock.waiting).toBe(0);
});

it('keeps one connection, however many come at once and while the profile is edited', async () => {
	const { clock, clusters, redis, profile, edit } = setUp();
	await Promise.all([clusters.list(profile()), clusters.list(profile())]);
	expect(redis.alive).toBe(1);
	const before = profile();
	const edited = edit();
	// One who found the profile before it was edited is given what the others have.
	await Promise.all([clusters.list(edited), clusters.list(before), clusters.list(edited)]);
	expect(redis.alive).toBe(1);
	const late = clusters.list(edit());
	await clusters[Symbol.asyncDispose]();
	expect(await late).toMatchObject({ ok: false, error: { code: 'gone' } });
	await clock.advance(0);
	expect(redis.alive).toBe(0);
});

it('tells of no closed connection where the profile was edited under a look, but looks again', async () => {
	const { clock, clusters, redis, edit, watch } = setUp();
	redis.answer = Promise.withResolvers();
	const { told, end } = await watch();
	await clock.advance(0);
	expect(redis.looks).toBe(1);
	redis.answer = null;
	await clusters.list(edit());
	await clock.advance(0);
	expect(told.map(({ problem }) => problem)).toEqual([null]);
	end();
});

it('looks no more once the watcher left, also in the very turn in which it is told', async () => {
	const { clock, clusters, redis, profile } = setUp();
	const told: ClusterList[] = [];
	const watch = await clusters.watch(profile(), 1_000, (list) => {
		told.push(list);
		if (watch.ok) watch.value[Symbol.dispose]();
	});
	await clock.advance(0);
	const { looks } = redis;
	expect(clock.waiting).toBe(0);
	await clock.advance(60_000);
	expect([told.length, redis.looks, clock.waiting]).toEqual([1, looks, 0]);
});
