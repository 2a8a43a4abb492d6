/** Counts of what waits that are shown again while they are young enough and nothing was changed. */
import { expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import type { QueuedCount } from '#main/domain/queued-tally.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { DEFAULT_TASK_LOG } from '#main/domain/task-log.ts';
import { createKeptTallies, tellingChanges } from '#main/engine/kept-tallies.ts';
import type { CallHandlers } from '#main/ipc/handlers.ts';
import type { WatchNote, WatchStore } from '#main/store/store.ts';
import { manualClock } from '#test/support/manual-clock.ts';

const SHOP = profileId('shop');

/** Two processes over one home, each with what it keeps; the number of looks tells whether somebody looked. */
function scene(seconds = 10) {
	const notes = new Map<string, WatchNote[]>();
	const watching: WatchStore = {
		async put(profile, kind, some, keep) {
			const before = notes.get(profile + kind) ?? [];
			const others = before.filter(({ key }) => !some.some((note) => note.key === key));
			const all = [...some, ...others].sort((a, b) => b.at - a.at);
			notes.set(profile + kind, all.slice(0, keep));
		},
		list: async (profile, kind, limit) => (notes.get(profile + kind) ?? []).slice(0, limit),
	};
	const clock = manualClock();
	const settings = { ...DEFAULT_TASK_LOG, queuedCacheSeconds: seconds };
	const view = async () => ({ settings, own: [] });
	const [here, there] = [0, 1].map(() => createKeptTallies(watching, { view }, clock));
	if (here === undefined || there === undefined) throw new Error('There are two');
	let looks = 0;
	const lookOf =
		(answer?: Result<QueuedCount>, meanwhile: () => Promise<void> = async () => {}) =>
		async () => {
			looks += 1;
			await meanwhile();
			return answer ?? ok({ total: looks, queues: ['default'], lookedAt: looks, tasks: [{ name: 'a', count: looks }] });
		};
	const ask = async (
		more: { queue?: string; fresh?: boolean; from?: typeof here; look?: ReturnType<typeof lookOf> } = {},
	) => {
		const { queue = null, fresh = false, from = here, look = lookOf() } = more;
		const found = await from.count({ profile: SHOP, queue, fresh }, look);
		if (!found.ok) throw new Error(found.error.message);
		return found.value;
	};
	return { clock, notes, here, there, ask, lookOf, settings, looks: () => looks };
}

it('is shown again with its age until it is as old as was said, in other processes of the home too', async () => {
	const { clock, ask, there, looks } = scene();
	const first = await ask();
	expect(first).toMatchObject({ total: 1, readAt: clock.now(), ageMs: null });
	await clock.advance(9_999);
	expect(await ask({ from: there })).toEqual({ ...first, ageMs: 9_999 });
	expect(looks()).toBe(1);
	await clock.advance(1);
	expect(await ask()).toMatchObject({ total: 2, ageMs: null });
});

it('is kept apart for each queue, and not at all where the profile says nought or somebody insists', async () => {
	const { ask, looks, settings, notes } = scene();
	await ask();
	await ask({ queue: 'mail' });
	await ask({ queue: 'all' });
	expect(looks()).toBe(3);
	const fresh = await ask({ fresh: true });
	expect([fresh.ageMs, looks()]).toEqual([null, 4]);
	expect(await ask()).toMatchObject({ total: 4, ageMs: 0 });
	settings.queuedCacheSeconds = 0;
	expect(await ask()).toMatchObject({ total: 5, ageMs: null });
	notes.clear();
	await ask();
	expect(notes.size).toBe(0);
});

it('ends with a change made in any process, also for a look that was under way meanwhile', async () => {
	const { clock, ask, here, there, lookOf, looks } = scene();
	await ask();
	await clock.advance(1);
	await there.changed(SHOP);
	// Begun within the millisecond of the change: whether before or after it nobody knows.
	expect((await ask()).total).toBe(2);
	expect((await ask()).total).toBe(3);
	await clock.advance(1);
	const during = lookOf(undefined, async () => {
		await clock.advance(5);
		await here.changed(SHOP);
	});
	await ask({ look: during });
	await clock.advance(1);
	expect(await ask({ from: there })).toMatchObject({ total: 5, ageMs: null });
	expect((await ask()).ageMs).toBe(0);
	expect(looks()).toBe(5);
});

it('keeps no failure, nothing of a queue that was too long to look into, and trusts nothing from the future', async () => {
	const { clock, ask, here, lookOf, notes } = scene();
	const failed = await here.count({ profile: SHOP, queue: null, fresh: false }, lookOf(fail('unreachable', 'down')));
	expect(failed.ok).toBe(false);
	await ask({ look: lookOf(ok({ total: 9, queues: [], lookedAt: null, tasks: [] })) });
	expect(notes.size).toBe(0);
	await ask();
	const [kept] = notes.values();
	const [note] = kept ?? [];
	if (kept === undefined || note === undefined) throw new Error('Nothing was kept');
	kept[0] = { ...note, at: clock.now() + 10_000 };
	expect((await ask()).ageMs).toBe(null);
});

it('is told of by every command about a deployment, when it ends and however it ends, and by nothing else', async () => {
	const told: string[] = [];
	const warned: string[] = [];
	const handlers = {
		'task.publish': async () => ok({}),
		'queue.purge': async () => fail('unreachable', 'down'),
		'task.requeue': async () => {
			throw new Error('a defect');
		},
		'queue.tally': async () => ok({}),
		'profile.list': async () => ok({}),
	} as unknown as CallHandlers;
	const changed = async (profile: string) => {
		told.push(profile);
		if (profile === 'gone') throw new Error('no store');
	};
	const calls = tellingChanges(handlers, changed, { warn: (words) => void warned.push(words) });
	const call = (name: keyof CallHandlers, profile: string) =>
		(calls[name] as (input: object, context: object) => Promise<Result<unknown>>)({ profile }, {});
	expect((await call('queue.tally', 'q')).ok).toBe(true);
	expect((await call('profile.list', 'l')).ok).toBe(true);
	expect((await call('task.publish', 'gone')).ok).toBe(true);
	expect((await call('queue.purge', 'p')).ok).toBe(false);
	await expect(call('task.requeue', 'r')).rejects.toThrow('a defect');
	expect(told).toEqual(['gone', 'p', 'r']);
	expect(warned).toEqual(['queued-tally']);
});
