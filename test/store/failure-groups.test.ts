import Database from 'better-sqlite3';
import { describe, expect, it } from 'vitest';
import type { FailureGroup, GroupChange, GroupRequest, SplitBy } from '#main/domain/failure-group.ts';
import { fingerprint } from '#main/domain/failure-print.ts';
import type { AttemptOutcome, HistoryOp } from '#main/domain/task.ts';
import type { OpenStore } from '#main/store/client.ts';
import { adjustedRandIndex, type MadeFailure, madeFailures } from '#test/support/failures.ts';
import { failed, finished, PROFILE, published, removed, SUCCEEDED, started } from '#test/support/history.ts';
import { storeOf, testHome } from './open.ts';

const ALL: GroupRequest = { profile: PROFILE, query: '', states: [], sort: 'lastAt', window: '24h', limit: 500 };

async function groups(store: OpenStore, more: Partial<GroupRequest> = {}): Promise<readonly FailureGroup[]> {
	const list = await store.groups.list({ ...ALL, ...more });
	if (!list.ok) throw new Error(list.error.message);
	return list.value.items;
}

async function change(store: OpenStore, key: string, what: GroupChange) {
	const changed = await store.groups.change(PROFILE, key, what);
	if (!changed.ok) throw new Error(changed.error.message);
	return changed.value;
}

async function idsOf(store: OpenStore, query: string): Promise<readonly string[]> {
	const ids = await store.history.ids(PROFILE, query, 100);
	if (!ids.ok) throw new Error(ids.error.message);
	return [...ids.value].sort();
}

function outcomeOf(made: MadeFailure): AttemptOutcome {
	return { state: 'failed', exception: { type: made.type, message: made.message }, traceback: made.traceback };
}

/** One task that fails at a time. */
function fails(
	at: number,
	id: string,
	outcome: AttemptOutcome,
	more: { name?: string; queue?: string } = {},
): HistoryOp[] {
	return [started(at - 1, `run-${id}`, { id, worker: 'w1', ...more }), finished(at, `run-${id}`, outcome)];
}

describe('failure groups', () => {
	it('has failures with one cause together, with who they touch, and follows tasks that leave', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const now = Date.now();
		await store.history.apply([
			...fails(now - 3_000, 'a', failed('ValueError', 'order 1 is gone'), { queue: 'q1' }),
			...fails(now - 2_000, 'b', failed('ValueError', 'order 22 is gone'), { queue: 'q2' }),
			...fails(now - 1_000, 'c', failed('KeyError', "'x'")),
			...fails(now, 'd', SUCCEEDED),
		]);
		const [key, value] = await groups(store);
		expect(key).toMatchObject({ type: 'KeyError', tasks: 1, failures: 1, state: 'open' });
		expect(value).toMatchObject({
			type: 'ValueError',
			message: 'order ‹n› is gone',
			frame: 'run (shop/tasks.py)',
			tasks: 2,
			failures: 2,
			firstAt: now - 3_000,
			lastAt: now - 2_000,
			looked: 2,
		});
		expect(value?.queues.map((share) => share.text).sort()).toEqual(['q1', 'q2']);
		expect(value?.trend.reduce((sum, n) => sum + n, 0)).toBe(2);
		const detail = await store.groups.get(PROFILE, value?.key.slice(0, 6) ?? '', '24h', 10);
		expect(detail.ok && detail.value.newest.map((row) => row.id)).toEqual(['b', 'a']);
		expect(detail.ok && detail.value.why[0]?.why.exceptions[0]?.frames[0]?.name).toBe('run');
		// Requeued, deleted: it is in the group's past, not among what is failed now.
		await store.history.apply([published(now + 1, { id: 'a2' }, { requeueOf: 'a' }), removed(now + 2, ['b'])]);
		expect(await groups(store, { query: 'exception:ValueError' })).toEqual([]);
		const after = await store.groups.get(PROFILE, value?.key ?? '', '24h', 10);
		expect(after.ok && after.value).toMatchObject({ tasks: 0, failures: 2, newest: [] });
		// It fails again: the same group, one more failure.
		await store.history.apply([
			started(now + 3, 'again', { id: 'a2' }),
			finished(now + 4, 'again', failed('ValueError', 'order 9 is gone')),
		]);
		expect((await groups(store)).find((one) => one.key === value?.key)).toMatchObject({ tasks: 1, failures: 3 });
	});

	it('narrows by a query, and gives the ids of what matches', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.history.apply([
			...fails(10, 'a', failed('ValueError', 'order 1 is gone'), { queue: 'q1' }),
			...fails(20, 'b', failed('ValueError', 'order 2 is gone'), { queue: 'q2' }),
		]);
		const [one] = await groups(store, { query: 'queue:q2' });
		expect(one?.tasks).toBe(1);
		const ids = await store.groups.ids(PROFILE, one?.key ?? '', 'queue:q2', 10);
		expect(ids.ok && ids.value).toEqual(['b']);
		const all = await store.groups.ids(PROFILE, one?.key ?? '', '', 10);
		expect(all.ok && [...all.value].sort()).toEqual(['a', 'b']);
		const wrong = await store.groups.list({ ...ALL, query: 'nofield:(' });
		expect(!wrong.ok && wrong.error.code).toBe('invalid-input');
		const none = await store.groups.ids(PROFILE, 'abcdef', '', 10);
		expect(!none.ok && none.error.code).toBe('not-found');
	});

	it('comes back as regressed when a resolved one fails again, and not for what failed before', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const now = Date.now();
		await store.history.apply(fails(now - 10_000, 'a', failed()));
		const [one] = await groups(store);
		await change(store, one?.key ?? '', { kind: 'resolve' });
		expect((await groups(store))[0]?.state).toBe('resolved');
		expect(await groups(store, { states: ['open', 'regressed'] })).toEqual([]);
		await store.history.apply(fails(now - 5_000, 'told-late', failed()));
		expect((await groups(store))[0]?.state).toBe('resolved');
		await store.history.apply(fails(now + 60_000, 'b', failed()));
		expect((await groups(store))[0]).toMatchObject({ state: 'regressed', marks: { regressedAt: now + 60_000 } });
		await change(store, one?.key ?? '', { kind: 'reopen' });
		expect((await groups(store))[0]?.state).toBe('open');
	});

	it('is ignored until it has failed so often', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.history.apply(fails(10, 'a', failed()));
		const [one] = await groups(store);
		await change(store, one?.key ?? '', { kind: 'ignore', until: null, count: 2 });
		await store.history.apply(fails(20, 'b', failed()));
		expect((await groups(store))[0]?.state).toBe('ignored');
		await store.history.apply(fails(30, 'c', failed()));
		expect((await groups(store))[0]?.state).toBe('open');
		await change(store, one?.key ?? '', { kind: 'ignore', until: Date.now() - 1, count: null });
		expect((await groups(store))[0]?.state).toBe('open');
		await change(store, one?.key ?? '', { kind: 'ignore', until: Date.now() + 60_000, count: null });
		expect((await groups(store))[0]?.state).toBe('ignored');
	});

	it('merges for good, also for failures to come, and takes that back', async () => {
		using home = testHome();
		const keys: string[] = [];
		{
			await using store = await storeOf(home.home);
			await store.history.apply([...fails(10, 'a', failed('ValueError')), ...fails(20, 'b', failed('KeyError'))]);
			keys.push(...(await groups(store, { sort: 'firstAt' })).map((one) => one.key).reverse());
			await change(store, keys[0] ?? '', { kind: 'note', note: 'one bug' });
			await change(store, keys[0] ?? '', { kind: 'merge', others: [keys[1] ?? ''] });
		}
		await using store = await storeOf(home.home);
		await store.history.apply(fails(30, 'c', failed('KeyError')));
		expect(await groups(store)).toMatchObject([{ key: keys[0], tasks: 3, prints: 2, marks: { note: 'one bug' } }]);
		// As the query language has it: what is merged is the whole, under the name that is left.
		expect(await idsOf(store, `group:${keys[0]}`)).toEqual(['a', 'b', 'c']);
		expect(await idsOf(store, `group:${keys[1]} OR -group:${keys[0]}`)).toEqual([]);
		const back = await change(store, keys[0] ?? '', { kind: 'split', by: 'cause' });
		expect([...back.groups].sort()).toEqual([...keys].sort());
		expect(await idsOf(store, `group:${keys[1]}`)).toEqual(['b', 'c']);
		expect((await groups(store)).map((one) => one.tasks).sort()).toEqual([1, 2]);
	});

	it.each<[SplitBy, readonly number[]]>([
		['task', [1, 3]],
		['queue', [2, 2]],
		['message', [1, 1, 1, 1]],
	])('splits by %s, also for failures to come', async (by, sizes) => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const fail = (id: string, name: string, queue: string, n: number) =>
			fails(n, id, failed('ValueError', `order ${n} is gone`), { name, queue });
		await store.history.apply([
			...fail('a', 'one', 'q1', 1),
			...fail('b', 'two', 'q1', 2),
			...fail('c', 'two', 'q2', 3),
			...fail('d', 'two', 'q2', 4),
		]);
		const [whole] = await groups(store);
		await change(store, whole?.key ?? '', { kind: 'note', note: 'kept' });
		const split = await change(store, whole?.key ?? '', { kind: 'split', by });
		expect(split.groups).toHaveLength(sizes.length);
		const parts = await groups(store);
		expect(parts.map((one) => one.tasks).sort()).toEqual(sizes);
		expect(parts.filter((one) => one.marks.note === 'kept').map((one) => one.key)).toEqual([whole?.key]);
		await store.history.apply(fail('e', 'one', 'q1', 1));
		const more = await groups(store);
		expect(more).toHaveLength(sizes.length);
		expect(more.reduce((sum, one) => sum + one.tasks, 0)).toBe(5);
		const again = await store.groups.change(PROFILE, whole?.key ?? '', { kind: 'split', by: 'queue' });
		expect(again.ok).toBe(false);
	});

	it('takes all messages of a place together once they are too many to tell a cause', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const word = (n: number) => [...String(n)].map((digit) => 'abcdefghij'[Number(digit)]).join('');
		const ops = Array.from({ length: 400 }, (_, n) =>
			fails(n + 1, `t${n}`, failed('LookupError', `no user ${word(n)} here`)),
		);
		await store.history.apply(ops.flat());
		const found = await groups(store);
		expect(found.length).toBe(101);
		expect(Math.max(...found.map((one) => one.tasks))).toBe(300);
	});

	it('does not touch a thing of it for tasks that succeed', async () => {
		using home = testHome();
		{
			await using store = await storeOf(home.home);
			await store.history.apply(fails(10, 'a', SUCCEEDED));
		}
		const db = new Database(home.file);
		try {
			for (const table of ['failures', 'failure_prints', 'failure_groups'])
				expect(db.prepare(`SELECT count(*) FROM ${table}`).pluck().get(), table).toBe(0);
		} finally {
			db.close();
		}
	});
});

describe('older history', () => {
	const made = madeFailures(400, 5);

	/** A home as an older Warren left it: nobody has looked at its failures. */
	async function oldHome(home: string, file: string): Promise<void> {
		{
			await using store = await storeOf(home);
			for (const [at, one] of made.entries())
				await store.history.apply(fails(1_000 + at, `t${at}`, outcomeOf(one), { name: one.task }));
		}
		const db = new Database(file);
		db.exec(`DELETE FROM failures; DELETE FROM failure_prints; DELETE FROM failure_groups; DELETE FROM failure_mark;
			UPDATE tasks SET failure = NULL`);
		db.close();
	}

	it('is grouped in the background as it would have been at once, and that goes on where it was broken off', async () => {
		using home = testHome();
		await oldHome(home.home, home.file);
		{
			// Closed long before it is through.
			await using store = await storeOf(home.home);
			await store.groups.list(ALL);
		}
		await using store = await storeOf(home.home);
		await store.settle();
		const list = await store.groups.list(ALL);
		expect(list.ok && list.value).toMatchObject({ ungrouped: 0, tasks: made.length, total: 40 });
		const expected = new Map<string, number>();
		for (const one of made) expected.set(fingerprint(one).hash, (expected.get(fingerprint(one).hash) ?? 0) + 1);
		expect(new Map((await groups(store)).map((one) => [one.key, one.failures]))).toEqual(expected);
		const keyOf = new Map<string, string>();
		for (const one of await groups(store)) {
			const ids = await store.groups.ids(PROFILE, one.key, '', 1_000);
			for (const id of ids.ok ? ids.value : []) keyOf.set(id, one.key);
		}
		const index = adjustedRandIndex(
			made.map((one) => one.cause),
			made.map((_, at) => keyOf.get(`t${at}`) ?? ''),
		);
		expect(index).toBeGreaterThanOrEqual(0.98);
	});

	it('is looked at anew when fingerprints are made otherwise, and keeps what people decided', async () => {
		using home = testHome();
		const keys: string[] = [];
		{
			await using store = await storeOf(home.home);
			await store.history.apply([
				...fails(10, 'a', failed('ValueError')),
				...fails(20, 'b', failed('KeyError')),
				...fails(30, 'c', failed('TypeError')),
			]);
			await store.settle();
			keys.push(...(await groups(store, { sort: 'firstAt' })).map((one) => one.key).reverse());
			await change(store, keys[0] ?? '', { kind: 'merge', others: [keys[1] ?? ''] });
			await change(store, keys[2] ?? '', { kind: 'resolve' });
		}
		const db = new Database(home.file);
		db.exec(`UPDATE failure_prints SET version = 0, hash = substr('dead' || hash, 1, 16), base = hash;
			UPDATE failure_groups SET key = substr('dead' || key, 1, 16); UPDATE failure_mark SET version = 0, done = 1`);
		db.close();
		await using store = await storeOf(home.home);
		// One that fails before its turn has come must not begin a group of its own for good.
		await store.history.apply(fails(15, 'd', failed('KeyError')));
		await store.settle();
		const after = await groups(store, { sort: 'firstAt' });
		expect(
			after.map((one) => ({ key: one.key.slice(0, 4), tasks: one.tasks, failures: one.failures, state: one.state })),
		).toEqual([
			{ key: 'dead', tasks: 1, failures: 1, state: 'resolved' },
			{ key: 'dead', tasks: 3, failures: 3, state: 'open' },
		]);
	});
});
