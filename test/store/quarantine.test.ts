import { describe, expect, it } from 'vitest';
import type { SavedConsumerSet } from '#main/domain/consumer.ts';
import { consumerSetId, profileId } from '#main/domain/ids.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { delivered, failed, finished, type Made, PROFILE, removed, started } from '#test/support/history.ts';
import { type DirectStore, directStore, storeOf, testHome } from './open.ts';

type Quarantined = Extract<HistoryOp, { kind: 'quarantined' }>;

function quarantined(run: string, made: Made, more: Partial<Quarantined> = {}): Quarantined {
	return {
		kind: 'quarantined',
		profile: PROFILE,
		at: 10,
		run,
		cause: 'undecodable',
		reason: 'The body is not JSON.',
		name: null,
		messageId: made.id ?? null,
		message: delivered(made),
		...more,
	};
}

const all = { state: null, cause: null, queue: null, limit: 100, before: null } as const;

function settle(store: DirectStore, ids: readonly number[], settlement: object): readonly number[] {
	const [done] = store.writer.run([{ name: 'settleQuarantine', args: [PROFILE, ids, settlement] }]);
	if (done?.ok !== true) throw new Error(done?.failure.message);
	return done.value as readonly number[];
}

describe('quarantine', () => {
	it('keeps a message with every byte and property, and where it came from', () => {
		using store = directStore();
		const body = Uint8Array.from([0, 255, 1, 128]);
		const made = { id: 'm1', queue: 'mail', body };
		store.apply(started(9, 'r1', made), quarantined('r1', made), finished(11, 'r1', failed()));
		const page = store.calls.quarantinePage(PROFILE, all);
		expect(page).toMatchObject({ total: 1, held: 1 });
		expect(page.items[0]).toMatchObject({
			state: 'held',
			cause: 'undecodable',
			reason: 'The body is not JSON.',
			queue: 'mail',
			messageId: 'm1',
			taskId: 'm1',
			bytes: 4,
			alike: 1,
			settledAt: null,
		});
		const one = store.calls.quarantined(PROFILE, page.items[0]?.id ?? 0);
		expect(one?.message).toEqual({ exchange: '', routingKey: 'mail', properties: { messageId: 'm1' }, body });
	});

	it('keeps a message once per run, and not again when only its acknowledgement was lost', () => {
		using store = directStore();
		const made = { id: 'm1', queue: 'mail' };
		const again = { ...delivered(made), redelivered: true };
		store.apply(quarantined('r1', made), quarantined('r1', made), quarantined('r2', made, { message: again }));
		expect(store.calls.quarantinePage(PROFILE, all).total).toBe(1);
		// The same bytes sent a second time are a second message.
		store.apply(quarantined('r3', made));
		expect(store.calls.quarantinePage(PROFILE, all).items.map((item) => item.alike)).toEqual([2, 2]);
	});

	it('keeps two equal messages without an id apart: nobody can tell whether they are one', () => {
		using store = directStore();
		const again = { ...delivered({}), redelivered: true };
		store.apply(quarantined('r1', {}), quarantined('r2', {}, { message: again }));
		expect(store.calls.quarantinePage(PROFILE, all).total).toBe(2);
	});

	it('lists newest first in pages, by state, cause and queue', () => {
		using store = directStore();
		for (let n = 0; n < 5; n += 1) store.apply(quarantined(`r${n}`, { id: `m${n}`, queue: n < 2 ? 'a' : 'b' }));
		store.apply(quarantined('ask', { id: 'ask', queue: 'a' }, { cause: 'known-outcome' }));
		const first = store.calls.quarantinePage(PROFILE, { ...all, limit: 2 });
		expect(first.items.map((item) => item.messageId)).toEqual(['ask', 'm4']);
		const next = store.calls.quarantinePage(PROFILE, { ...all, limit: 2, before: first.items[1]?.id ?? null });
		expect(next.items.map((item) => item.messageId)).toEqual(['m3', 'm2']);
		expect(store.calls.quarantinePage(PROFILE, { ...all, queue: 'a' }).total).toBe(3);
		expect(store.calls.quarantinePage(PROFILE, { ...all, queue: 'a', cause: 'undecodable' }).total).toBe(2);
		expect(store.calls.quarantinePage(PROFILE, { ...all, state: 'released' }).total).toBe(0);
	});

	it('lets a decision be made once, and taken back', () => {
		using store = directStore();
		store.apply(quarantined('r1', { id: 'm1' }), quarantined('r2', { id: 'm2' }));
		const [second, first] = store.calls.quarantinePage(PROFILE, all).items.map((item) => item.id) as [number, number];
		expect(settle(store, [first], { from: 'held', to: 'released', at: 20, queue: 'mail' })).toEqual([first]);
		expect(settle(store, [first, second], { from: 'held', to: 'discarded', at: 21, queue: null })).toEqual([second]);
		expect(store.calls.quarantined(PROFILE, first)?.item).toMatchObject({
			state: 'released',
			settledAt: 20,
			settledTo: 'mail',
		});
		expect(settle(store, [second], { from: 'discarded', to: 'held', at: 22, queue: null })).toEqual([second]);
		expect(store.calls.quarantined(PROFILE, second)?.item).toMatchObject({ state: 'held', settledAt: null });
	});

	it('outlives the task it belongs to, and goes with its profile', () => {
		using store = directStore();
		const made = { id: 'm1' };
		store.apply(started(1, 'r1', made), quarantined('r1', made), finished(2, 'r1', failed()), removed(3, ['m1']));
		const policy = { states: noStates(), deletedAfterMs: 1, quarantineAfterMs: 1 };
		store.writer.run([{ name: 'sweep', args: [PROFILE, policy, 100, 100] }]);
		const page = store.calls.quarantinePage(PROFILE, all);
		expect(page.items).toMatchObject([{ state: 'held', taskId: null, attemptId: null }]);
		const id = page.items[0]?.id ?? 0;
		expect(store.calls.quarantined(PROFILE, id)?.message.body).toEqual(delivered(made).body);
		store.writer.run([{ name: 'removeProfile', args: [PROFILE] }]);
		store.settle();
		expect(store.db.read<{ n: number }>('n', 'SELECT count(*) AS n FROM quarantine').get()?.n).toBe(0);
	});

	it('forgets what was decided long ago, and never what still waits', () => {
		using store = directStore();
		store.apply(quarantined('r1', { id: 'm1' }), quarantined('r2', { id: 'm2' }));
		const [second] = store.calls.quarantinePage(PROFILE, all).items.map((item) => item.id) as [number];
		settle(store, [second], { from: 'held', to: 'discarded', at: 20, queue: null });
		const policy = { states: noStates(), deletedAfterMs: 1, quarantineAfterMs: 50 };
		store.writer.run([{ name: 'sweep', args: [PROFILE, policy, 60, 100] }]);
		expect(store.calls.quarantinePage(PROFILE, all).total).toBe(2);
		store.writer.run([{ name: 'sweep', args: [PROFILE, policy, 1_000, 100] }]);
		expect(store.calls.quarantinePage(PROFILE, all).items.map((item) => item.messageId)).toEqual(['m1']);
	});
});

function noStates() {
	const rule = { afterMs: null, maxRows: null };
	return { succeeded: rule, failed: rule, revoked: rule, rejected: rule, lost: rule };
}

describe('saved consumer sets', () => {
	const set = (id: string, name: string, profile = PROFILE): SavedConsumerSet => ({
		id: consumerSetId(id),
		profile,
		name,
		queues: [
			{ queue: 'default', consumable: true },
			{ queue: 'bulk', consumable: false, maxPriority: null },
		],
		intent: {
			queues: [],
			concurrency: 2,
			runner: { kind: 'python', executable: 'python3', project: '/srv/shop', settingsModule: null, env: { A: 'b' } },
			untilEmpty: false,
		},
		autoStart: true,
		createdAt: 1,
		updatedAt: 2,
	});

	it('come back as they were put, by name, and only in their profile', async () => {
		using home = testHome();
		{
			await using store = await storeOf(home.home);
			await store.sets.put(set('b', 'second'));
			await store.sets.put(set('a', 'first'));
			await store.sets.put(set('c', 'first', profileId('other')));
		}
		await using store = await storeOf(home.home);
		expect(await store.sets.list(PROFILE)).toEqual([set('a', 'first'), set('b', 'second')]);
	});

	it('have names of their own within a profile, and can be renamed and removed', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.sets.put(set('a', 'first'));
		const taken = await store.sets.put(set('b', 'first'));
		expect(taken).toMatchObject({ ok: false, error: { code: 'conflict' } });
		await store.sets.put({ ...set('a', 'renamed'), autoStart: false });
		expect(await store.sets.list(PROFILE)).toMatchObject([{ id: 'a', name: 'renamed', autoStart: false }]);
		expect(await store.sets.remove(PROFILE, consumerSetId('a'))).toBe(true);
		expect(await store.sets.remove(PROFILE, consumerSetId('a'))).toBe(false);
		expect(await store.sets.list(PROFILE)).toEqual([]);
	});

	it('go with their profile', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.sets.put(set('a', 'first'));
		await store.profiles.remove(PROFILE);
		expect(await store.sets.list(PROFILE)).toEqual([]);
	});
});
