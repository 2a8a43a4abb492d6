/** Facts on their way into history, by the settings of their profiles. */
import { describe, expect, it } from 'vitest';
import { type ProfileId, profileId } from '#main/domain/ids.ts';
import type { HistoryOp, StartedFacts } from '#main/domain/task.ts';
import { DEFAULT_TASK_LOG, readTaskLog } from '#main/domain/task-log.ts';
import { openTaskLog } from '#main/engine/task-log.ts';
import type { HistoryStore, Store, WatchNote } from '#main/store/store.ts';
import { finished, published, started } from '#test/support/history.ts';
import { manualClock } from '#test/support/manual-clock.ts';

const SHOP = profileId('shop');
const MAIL = profileId('mail');
const FACTS = { redelivered: true } as unknown as StartedFacts;

/** A store as far as the way into it goes: what came in, call by call. */
function fakeStore() {
	const notes = new Map<ProfileId, WatchNote>();
	const calls: (readonly HistoryOp[])[] = [];
	const history = {
		apply: async (ops: readonly HistoryOp[]) => {
			calls.push(ops);
			return ops.map((op) => (op.kind === 'started' ? FACTS : null));
		},
	} as unknown as HistoryStore;
	const watching = {
		put: async (profile: ProfileId, _kind: string, [note]: readonly WatchNote[]) => {
			if (note !== undefined) notes.set(profile, note);
		},
		list: async (profile: ProfileId) => {
			const note = notes.get(profile);
			return note === undefined ? [] : [note];
		},
	};
	const profiles = { list: async () => [{ id: SHOP }, { id: MAIL }] };
	return { calls, notes, store: { history, watching, profiles } as unknown as Store };
}
const nested = (profile: ProfileId): HistoryOp => ({ ...published(1, { id: 'a', args: [[1, 2], 'x'] }), profile });
const observed = (profile: ProfileId): HistoryOp => ({
	kind: 'observed',
	profile,
	at: 1,
	key: 'm',
	facts: [],
	call: null,
});
const argsOf = (op: HistoryOp | undefined) => (op?.kind === 'published' ? op.task.argsJson : null);
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe('the way into history', () => {
	it('hands on what it gets, untouched, where nobody set anything', async () => {
		const { calls, store } = fakeStore();
		const taskLog = await openTaskLog(store, { clock: manualClock(), log });
		const ops = [nested(SHOP), observed(MAIL)];
		await taskLog.history.apply(ops);
		expect(calls[0]).toBe(ops);
		expect(await taskLog.view(SHOP)).toEqual({ settings: DEFAULT_TASK_LOG, own: [] });
	});

	it('truncates for the profile that says so, from that moment on, and for no other', async () => {
		const { calls, store } = fakeStore();
		const taskLog = await openTaskLog(store, { clock: manualClock(), log });
		expect(await taskLog.set(SHOP, { truncate: true })).toMatchObject({
			settings: { truncate: true },
			own: ['truncate'],
		});
		await taskLog.history.apply([nested(SHOP), nested(MAIL)]);
		expect(calls[0]?.map(argsOf)).toEqual(['[[], "x"]', '[[1, 2], "x"]']);
		await taskLog.set(SHOP, null);
		await taskLog.history.apply([nested(SHOP)]);
		expect(argsOf(calls[1]?.[0])).toBe('[[1, 2], "x"]');
	});

	it('leaves out what others tell where that is switched off, and answers for each fact all the same', async () => {
		const { calls, store } = fakeStore();
		const taskLog = await openTaskLog(store, { clock: manualClock(), log });
		await taskLog.set(SHOP, { enabled: false });
		const begun = { ...started(1, 'r', { id: 'a' }), profile: SHOP };
		const ended = { ...finished(2, 'r', { state: 'succeeded', result: null }), profile: SHOP };
		const answers = await taskLog.history.apply([observed(SHOP), begun, observed(MAIL), ended]);
		expect(calls[0]?.map(({ kind, profile }) => [kind, profile])).toEqual([
			['started', SHOP],
			['observed', MAIL],
			['finished', SHOP],
		]);
		expect(answers).toEqual([null, FACTS, null, null]);
	});

	it('notices what another process of the home set, beside the way', async () => {
		const { calls, notes, store } = fakeStore();
		const clock = manualClock();
		const taskLog = await openTaskLog(store, { clock, log });
		notes.set(SHOP, { key: 'settings', at: 1, body: '{"truncate":true}' });
		await taskLog.history.apply([nested(SHOP)]);
		await clock.advance(5_000);
		await taskLog.history.apply([nested(SHOP)]);
		await clock.advance(1);
		await taskLog.history.apply([nested(SHOP)]);
		expect(calls.map(([op]) => argsOf(op))).toEqual(['[[1, 2], "x"]', '[[1, 2], "x"]', '[[], "x"]']);
	});
});

describe('settings as they are kept', () => {
	it('are those that make sense, whatever else stands there', () => {
		const kept = {
			truncate: 'yes',
			enabled: false,
			batchSize: 0,
			reportsTop: 7,
			queuedLimit: 1.5,
			constructor: 1,
			other: 2,
		};
		expect(readTaskLog(JSON.stringify(kept))).toEqual({ enabled: false, reportsTop: 7 });
		for (const odd of ['', 'null', '7', '[]', '{']) expect(readTaskLog(odd)).toEqual({});
	});
});
