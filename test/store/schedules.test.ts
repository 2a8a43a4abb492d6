import { describe, expect, it } from 'vitest';
import { profileId } from '#main/domain/ids.ts';
import {
	type BookWrite,
	NEW_SCHEDULE,
	type ScheduleChange,
	type ScheduleDefinition,
	type ScheduleRun,
	type ScheduleVersion,
	type WriteOutcome,
} from '#main/domain/schedule.ts';
import { waitFor } from '#test/support/wait.ts';
import { storeOf, testHome } from './open.ts';

const SHOP = profileId('shop');
const OTHER = profileId('other');
const LEASE = { name: 'scheduler:shop', holder: 'here' };

const schedule = (name: string, more: Partial<ScheduleDefinition> = {}): ScheduleDefinition => ({
	...NEW_SCHEDULE,
	name,
	task: 'shop.tasks.tick',
	...more,
});

const create = (key: string, definition: ScheduleDefinition): BookWrite => ({ kind: 'create', key, definition });

function versionOf(outcome: WriteOutcome): string {
	if (outcome.kind !== 'written' || outcome.entry === null) throw new Error(`It was not written: ${outcome.kind}`);
	return outcome.entry.version;
}

const run = (key: string, dueAt: number, more: Partial<ScheduleRun> = {}): ScheduleRun => ({
	profile: SHOP,
	book: 'local',
	key,
	name: key,
	dueAt,
	manual: false,
	state: 'claimed',
	firedAt: null,
	messageId: `m-${key}-${dueAt}`,
	taskId: null,
	by: 'here',
	tries: 0,
	note: null,
	updatedAt: dueAt,
	...more,
});

const waiting = (key: string, more: Partial<ScheduleChange> = {}): ScheduleChange => ({
	profile: SHOP,
	book: 'shared',
	key,
	kind: 'change',
	base: schedule(key),
	baseVersion: 'v1',
	mine: schedule(key, { queue: 'bulk' }),
	conflict: null,
	sending: null,
	problem: null,
	createdAt: 1,
	updatedAt: 1,
	...more,
});

const version = (key: string, at: number): ScheduleVersion => ({
	id: 0,
	profile: SHOP,
	book: 'shared',
	key,
	name: key,
	at,
	by: 'here',
	what: 'changed',
	before: schedule(key),
	after: schedule(key, { priority: at % 256 }),
	overwritten: null,
	note: null,
});

describe('the local book', () => {
	it('makes, changes and removes a schedule, each time only against the version it has', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		const made = await schedules.writeLocal(SHOP, create('a', schedule('nightly')), 10);
		const first = versionOf(made);
		const changed = schedule('nightly', { queue: 'bulk' });
		const second = versionOf(
			await schedules.writeLocal(SHOP, { kind: 'change', key: 'a', expect: first, definition: changed }, 20),
		);
		expect(second).not.toBe(first);
		const stale = await schedules.writeLocal(SHOP, { kind: 'remove', key: 'a', expect: first }, 30);
		expect(stale).toMatchObject({ kind: 'changed', current: { version: second, definition: { queue: 'bulk' } } });
		expect(await schedules.entry(SHOP, 'local', 'a')).toMatchObject({ changedAt: 20, definition: changed });
		expect(await schedules.writeLocal(SHOP, { kind: 'remove', key: 'a', expect: second }, 40)).toEqual({
			kind: 'written',
			entry: null,
		});
		expect(await schedules.entries(SHOP, null)).toEqual([]);
	});

	it('takes a name once, frees it with its schedule, and lets other profiles have it', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		const first = versionOf(await schedules.writeLocal(SHOP, create('a', schedule('nightly')), 1));
		expect(await schedules.writeLocal(SHOP, create('b', schedule('nightly')), 2)).toEqual({
			kind: 'name-taken',
			by: 'a',
		});
		expect(await schedules.writeLocal(OTHER, create('b', schedule('nightly')), 2)).toMatchObject({ kind: 'written' });
		const renamed = { kind: 'change', key: 'a', expect: first, definition: schedule('weekly') } as const;
		expect(await schedules.writeLocal(SHOP, renamed, 3)).toMatchObject({ kind: 'written', entry: { key: 'a' } });
		expect(await schedules.writeLocal(SHOP, create('b', schedule('nightly')), 4)).toMatchObject({ kind: 'written' });
	});

	it('answers a repeated creation as it did the first time, and another one of that key not at all', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		const first = await schedules.writeLocal(SHOP, create('a', schedule('nightly')), 1);
		expect(await schedules.writeLocal(SHOP, create('a', schedule('nightly')), 2)).toEqual(first);
		expect(await schedules.writeLocal(SHOP, create('a', schedule('other')), 3)).toMatchObject({ kind: 'changed' });
	});

	it('keeps its entries to itself: what a sync says of them changes nothing', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		await schedules.writeLocal(SHOP, create('a', schedule('nightly')), 1);
		const entry = await schedules.entry(SHOP, 'local', 'a');
		if (entry === null) throw new Error('It was not kept');
		const { book: _book, seenAt: _seen, ...old } = entry;
		await schedules.commit(SHOP, [
			{ kind: 'entry', book: 'local', entry: { ...old, definition: schedule('stale') }, seenAt: 9 },
			{ kind: 'gone', book: 'local', key: 'a' },
		]);
		expect(await schedules.entry(SHOP, 'local', 'a')).toEqual(entry);
	});
});

describe('what was read of other books, and edits that wait', () => {
	it('are kept, replaced and dropped in one step, with what the book said of itself', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		const entry = {
			key: 'k',
			version: 'v1',
			definition: schedule('remote'),
			changedAt: null,
			lastRunAt: 5,
			nextRunAt: 6,
			totalRuns: 7,
			remarks: [{ tone: 'warning', words: 'static' }],
		} as const;
		const broken = [{ key: 'x', name: 'x', reason: 'no JSON', raw: '{' }];
		await schedules.commit(SHOP, [
			{ kind: 'entry', book: 'shared', entry, seenAt: 100 },
			{ kind: 'change', change: waiting('k') },
			{ kind: 'read', stored: { book: 'shared', readAt: 100, broken, facts: [] } },
		]);
		expect(await schedules.entries(SHOP, 'shared')).toEqual([{ ...entry, book: 'shared', seenAt: 100 }]);
		expect(await schedules.changes(SHOP)).toEqual([waiting('k')]);
		expect(await schedules.books(SHOP)).toEqual([{ book: 'shared', readAt: 100, broken, facts: [] }]);
		expect((await store.history.counts(SHOP)).scheduled).toBe(1);
		await schedules.commit(SHOP, [
			{ kind: 'gone', book: 'shared', key: 'k' },
			{ kind: 'settled', book: 'shared', key: 'k' },
			{ kind: 'change', change: waiting('new', { kind: 'create', base: null, baseVersion: null }) },
		]);
		expect(await schedules.entries(SHOP, null)).toEqual([]);
		expect(await schedules.changes(SHOP)).toHaveLength(1);
		expect((await store.history.counts(SHOP)).scheduled).toBe(1);
	});

	it('are changed only where nobody edited in between, all of them or none', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using other = await storeOf(home.home);
		const { schedules } = store;
		const at = (key: string, change: ScheduleChange | null) => ({ book: 'shared', key, change }) as const;
		expect(await schedules.commitIf(SHOP, [at('k', null)], [{ kind: 'change', change: waiting('k') }])).toBe(true);
		const read = await schedules.change(SHOP, 'shared', 'k');
		expect(read).toEqual(waiting('k'));
		expect(await schedules.change(SHOP, 'shared', 'nothing')).toBeNull();

		const edited = waiting('k', { mine: schedule('k', { queue: 'other' }) });
		await other.schedules.commit(SHOP, [{ kind: 'change', change: edited }]);
		const settle = [
			{ kind: 'settled', book: 'shared', key: 'k' },
			{ kind: 'version', version: version('k', 1) },
		] as const;
		expect(await schedules.commitIf(SHOP, [at('k', read)], settle)).toBe(false);
		expect(await schedules.commitIf(SHOP, [at('k', edited), at('new', edited)], settle)).toBe(false);
		expect(await schedules.commitIf(SHOP, [at('k', null)], settle)).toBe(false);
		expect(await schedules.changes(SHOP)).toEqual([edited]);
		expect(await schedules.versions(SHOP, null, 10)).toEqual([]);

		const again = await schedules.change(SHOP, 'shared', 'k');
		expect(await schedules.commitIf(SHOP, [at('k', again), at('new', null)], settle)).toBe(true);
		expect(await schedules.changes(SHOP)).toEqual([]);
		expect(await schedules.versions(SHOP, null, 10)).toHaveLength(1);
	});

	it('keep their past, and the past follows a schedule to the key that its book gives it', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		for (let at = 1; at <= 250; at += 1) {
			await schedules.commit(SHOP, [{ kind: 'version', version: version('mine', at) }]);
		}
		await schedules.settle([run('mine', 5, { book: 'shared', state: 'fired' })], null);
		await schedules.commit(SHOP, [{ kind: 'rekeyed', book: 'shared', from: 'mine', to: '17' }]);
		expect(await schedules.versions(SHOP, { book: 'shared', key: 'mine' }, 500)).toEqual([]);
		const past = await schedules.versions(SHOP, { book: 'shared', key: '17' }, 500);
		expect(past).toHaveLength(200);
		expect(past[0]).toMatchObject({ key: '17', at: 250, after: { priority: 250 } });
		expect(await schedules.version(SHOP, past[3]?.id ?? 0)).toEqual(past[3]);
		const runs = await schedules.runs(SHOP, { book: 'shared', key: '17', limit: 10, before: null });
		expect(runs).toMatchObject({ total: 1, items: [{ key: '17', dueAt: 5 }] });
	});

	it('go with their profile', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		await schedules.writeLocal(SHOP, create('a', schedule('nightly')), 1);
		await schedules.writeLocal(OTHER, create('a', schedule('nightly')), 1);
		await schedules.commit(SHOP, [
			{ kind: 'change', change: waiting('k') },
			{ kind: 'version', version: version('k', 1) },
		]);
		await store.profiles.remove(SHOP);
		expect(await schedules.entries(SHOP, null)).toEqual([]);
		expect(await schedules.changes(SHOP)).toEqual([]);
		expect(await schedules.versions(SHOP, null, 10)).toEqual([]);
		expect(await schedules.entries(OTHER, null)).toHaveLength(1);
	});

	it('tell who listens, also in another process of the home', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using elsewhere = await storeOf(home.home);
		const heard: number[] = [];
		using _listening = store.schedules.onChange(SHOP, (revision) => heard.push(revision));
		await waitFor('where it stands', () => heard.length === 1);
		await elsewhere.schedules.writeLocal(SHOP, create('a', schedule('nightly')), 1);
		await waitFor('the change', () => heard.length === 2);
		expect(heard[1]).toBeGreaterThan(heard[0] ?? 0);
		expect(await store.schedules.revision(SHOP)).toBe(heard[1]);
	});
});

describe('runs', () => {
	it('are claimed once for each due time, whoever asks, and only under the lease', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using elsewhere = await storeOf(home.home);
		const { schedules } = store;
		expect(await schedules.claim([run('a', 10)], LEASE)).toMatchObject({ ok: false, error: { code: 'conflict' } });
		expect(await store.leases.hold(LEASE.name, LEASE.holder, 60_000)).toEqual({ ok: true, value: undefined });
		const claims = [run('a', 10), run('b', 10), run('a', 20), run('a', 10, { manual: true })];
		expect(await schedules.claim(claims, LEASE)).toEqual({ ok: true, value: [null, null, null, null] });
		await schedules.settle([run('a', 10, { state: 'fired', firedAt: 11 })], null);
		const again = await elsewhere.schedules.claim([run('a', 10), run('a', 30)], LEASE);
		expect(again).toMatchObject({ ok: true, value: [{ state: 'fired', firedAt: 11 }, null] });
		const foreign = { ...LEASE, holder: 'there' };
		expect(await elsewhere.schedules.claim([run('a', 40)], foreign)).toMatchObject({
			ok: false,
			error: { code: 'conflict' },
		});
		expect((await schedules.openRuns(SHOP, 'local')).map(({ key, dueAt }) => [key, dueAt])).toEqual([
			['a', 10],
			['b', 10],
			['a', 20],
			['a', 30],
		]);
	});

	it('say how far each schedule came, which ended last, and which are in trouble', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		await schedules.settle(
			[
				run('a', 10, { state: 'fired' }),
				run('a', 20, { state: 'missed', note: 'Nobody was there.' }),
				run('a', 90, { state: 'fired', manual: true }),
				run('b', 15, { state: 'uncertain' }),
				run('c', 5, { state: 'failed' }),
			],
			null,
		);
		const cursors = await schedules.cursors(SHOP, 'local');
		expect(cursors.toSorted((x, y) => (x.key < y.key ? -1 : 1))).toEqual([
			{ key: 'a', dueAt: 20 },
			{ key: 'b', dueAt: 15 },
			{ key: 'c', dueAt: 5 },
		]);
		const last = await schedules.lastRuns(SHOP, [
			{ book: 'local', key: 'a' },
			{ book: 'local', key: 'never' },
		]);
		expect(last).toMatchObject([{ key: 'a', dueAt: 90, manual: true }]);
		const troubled = await schedules.troubled(SHOP, 10);
		expect(troubled.toSorted((x, y) => (x.key < y.key ? -1 : 1))).toEqual([
			{ book: 'local', key: 'a', count: 1 },
			{ book: 'local', key: 'b', count: 1 },
		]);
		const page = await schedules.runs(SHOP, { book: null, key: null, limit: 2, before: 90 });
		expect(page).toMatchObject({ total: 5, items: [{ dueAt: 20 }, { dueAt: 15 }] });
	});

	it('are kept 500 for each schedule, the newest', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const { schedules } = store;
		for (let from = 0; from < 600; from += 100) {
			await schedules.settle(
				Array.from({ length: 100 }, (_, n) => run('a', from + n + 1, { state: 'fired' })),
				null,
			);
		}
		await schedules.settle([run('b', 1, { state: 'fired' })], null);
		const page = await schedules.runs(SHOP, { book: 'local', key: 'a', limit: 500, before: null });
		expect(page.total).toBe(500);
		expect(page.items.at(-1)?.dueAt).toBe(101);
		expect((await schedules.runs(SHOP, { book: 'local', key: 'b', limit: 9, before: null })).total).toBe(1);
	});
});
