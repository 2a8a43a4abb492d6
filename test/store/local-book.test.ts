import { describe, expect, it } from 'vitest';
import { systemClock } from '#main/domain/clock.ts';
import { profileId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import type { Result } from '#main/domain/result.ts';
import { type BookEntry, NEW_SCHEDULE, type ScheduleRun } from '#main/domain/schedule.ts';
import type { ScheduleBook } from '#main/scheduler/book.ts';
import { createLocalBook } from '#main/scheduler/books/local.ts';
import { createLocalLedger } from '#main/scheduler/books/local-ledger.ts';
import { definitionVersion } from '#main/scheduler/version.ts';
import type { OpenStore } from '#main/store/client.ts';
import { waitFor } from '#test/support/wait.ts';
import { storeOf, testHome } from './open.ts';

const profile = profileId('shop');
const definition = { ...NEW_SCHEDULE, name: 'tidy', task: 'shop.tasks.tidy' };

function must<T>(result: Result<T>): T {
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

function bookOf(store: OpenStore): ScheduleBook {
	return createLocalBook({ profile, schedules: store.schedules, clock: systemClock, log: silentLog });
}

async function create(book: ScheduleBook, key: string, name: string): Promise<BookEntry> {
	const outcome = must(await book.write({ kind: 'create', key, definition: { ...definition, name } }));
	if (outcome.kind !== 'written' || outcome.entry === null) throw new Error(outcome.kind);
	return outcome.entry;
}

function run(key: string, dueAt: number, more: Partial<ScheduleRun> = {}): ScheduleRun {
	const fresh = {
		state: 'claimed',
		firedAt: null,
		messageId: null,
		taskId: null,
		by: 'a',
		tries: 1,
		note: null,
	} as const;
	return { profile, book: 'local', key, name: key, dueAt, manual: false, ...fresh, updatedAt: dueAt, ...more };
}

describe('the local book', () => {
	it('keeps, changes and removes a schedule, each against the version that it was read in', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using book = bookOf(store);
		const made = await create(book, 'k1', 'tidy');
		expect(must(await book.get('k1'))).toEqual(made);
		// A version means the same in every book that Warren keeps.
		expect(made.version).toBe(definitionVersion(made.definition));
		expect(must(await book.read()).entries).toEqual([made]);

		const renamed = { ...definition, name: 'tidy up' };
		const stale = must(await book.write({ kind: 'change', key: 'k1', expect: 'old', definition: renamed }));
		expect(stale).toEqual({ kind: 'changed', current: made });
		const changed = must(await book.write({ kind: 'change', key: 'k1', expect: made.version, definition: renamed }));
		if (changed.kind !== 'written') throw new Error(changed.kind);
		expect(changed.entry).toMatchObject({ key: 'k1', definition: renamed });

		const gone = must(await book.write({ kind: 'remove', key: 'k1', expect: changed.entry?.version ?? '' }));
		expect(gone).toEqual({ kind: 'written', entry: null });
		expect(must(await book.get('k1'))).toBeNull();
	});

	it('has a name once', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using book = bookOf(store);
		await create(book, 'k1', 'tidy');
		const second = must(await book.write({ kind: 'create', key: 'k2', definition }));
		expect(second).toEqual({ kind: 'name-taken', by: 'k1' });
	});

	it('refuses what makes no schedule, with every problem at its field', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using book = bookOf(store);
		const bad = { ...definition, kwargs: '{', recurrence: { kind: 'cron', expression: 'never' } as const };
		const refused = await book.write({ kind: 'create', key: 'k1', definition: bad });
		expect(refused).toMatchObject({
			ok: false,
			error: {
				code: 'invalid-input',
				details: { problems: [{ field: 'recurrence' }, { field: 'kwargs', at: { line: 1 } }] },
			},
		});
		expect(must(await book.read()).entries).toEqual([]);
	});

	it('tells of changes by any process of this home, and not of runs', async () => {
		using home = testHome();
		await using here = await storeOf(home.home);
		await using elsewhere = await storeOf(home.home);
		await using book = bookOf(here);
		await using other = bookOf(elsewhere);
		let told = 0;
		using _listening = book.onChange(() => {
			told += 1;
		});
		must(await book.read());
		await create(other, 'k1', 'tidy');
		await waitFor('the change from elsewhere', () => told === 1);

		const ledger = createLocalLedger({ profile, schedules: elsewhere.schedules, leases: elsewhere.leases });
		const hold = must(await ledger.hold('a', 60_000));
		must(await ledger.claim([run('k1', 1_000)], hold));
		const revision = await here.schedules.revision(profile);
		await here.schedules.commit(profile, [
			{ kind: 'ran', book: 'local', key: 'k1', lastRunAt: 1_000, nextRunAt: 2_000 },
		]);
		let ticked = 0;
		using _ticks = here.schedules.onChange(profile, (now) => {
			ticked = now;
		});
		await waitFor('the tick about the run', () => ticked > revision);
		expect(told).toBe(1);
		expect(must(await book.get('k1'))).toMatchObject({ lastRunAt: 1_000, nextRunAt: 2_000 });
		await create(other, 'k2', 'second');
		await waitFor('the second change', () => told === 2);
	});
});

describe('the ledger of the local book', () => {
	it('gives a due time to one holder, and the right to one process at a time', async () => {
		using home = testHome();
		await using one = await storeOf(home.home);
		await using two = await storeOf(home.home);
		const a = createLocalLedger({ profile, schedules: one.schedules, leases: one.leases });
		const b = createLocalLedger({ profile, schedules: two.schedules, leases: two.leases });
		const hold = must(await a.hold('a', 60_000));
		expect(await b.hold('b', 60_000)).toMatchObject({ ok: false, error: { code: 'busy', details: { holder: 'a' } } });

		expect(must(await a.claim([run('k1', 1_000), run('k2', 1_000)], hold))).toEqual([null, null]);
		const [again, fresh] = must(await a.claim([run('k1', 1_000, { tries: 7 }), run('k1', 2_000)], hold));
		expect(again).toEqual(run('k1', 1_000));
		expect(fresh).toBeNull();

		await a.release(hold);
		must(await b.hold('b', 60_000));
		expect(await a.claim([run('k1', 3_000)], hold)).toMatchObject({ ok: false, error: { code: 'conflict' } });
		expect(must(await b.cursors()).get('k1')).toBe(2_000);
	});

	it('hands over what was claimed and never settled, and takes the truth about it also after the right is lost', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = createLocalLedger({ profile, schedules: store.schedules, leases: store.leases });
		const hold = must(await ledger.hold('a', 60_000));
		must(await ledger.claim([run('k1', 1_000), run('k2', 1_000)], hold));
		await ledger.release(hold);
		expect(must(await ledger.open()).map((open) => open.key)).toEqual(['k1', 'k2']);
		must(await ledger.settle([run('k1', 1_000, { state: 'fired', firedAt: 1_005 })], null));
		expect(must(await ledger.open()).map((open) => open.key)).toEqual(['k2']);
	});

	it('takes no word that a run is open from whoever has lost the right, nor over an outcome', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await using other = await storeOf(home.home);
		const a = createLocalLedger({ profile, schedules: store.schedules, leases: store.leases });
		const b = createLocalLedger({ profile, schedules: other.schedules, leases: other.leases });
		const before = must(await a.hold('a', 60_000));
		must(await a.claim([run('k1', 1_000), run('k2', 1_000)], before));
		const retrying = run('k1', 1_000, { state: 'retrying' });
		expect(must(await a.settle([retrying], before))).toEqual([true]);
		await a.release(before);
		const right = must(await b.hold('b', 60_000));
		const theirs = run('k1', 1_000, { by: 'b', tries: 2 });
		expect(must(await b.settle([theirs], right))).toEqual([true]);
		// It was on its way while the right was lost.
		expect(must(await a.settle([run('k1', 1_000, { by: 'a', tries: 2 })], before))).toEqual([false]);
		expect(must(await a.open()).find((open) => open.key === 'k1')).toEqual(theirs);
		const fired = { ...theirs, state: 'fired' as const, firedAt: 1_005 };
		expect(must(await b.settle([fired], right))).toEqual([true]);
		const late = { ...theirs, state: 'uncertain' as const };
		expect(must(await b.settle([theirs, retrying, late], right))).toEqual([false, false, false]);
		expect(must(await b.open()).map((open) => open.key)).toEqual(['k2']);
		const failed = run('k2', 1_000, { state: 'failed', note: 'No such queue.' });
		expect(must(await b.settle([failed], right))).toEqual([true]);
		expect(must(await b.settle([{ ...failed, state: 'uncertain' }], right))).toEqual([false]);
	});

	it('keeps claims that are open however many runs came after them', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const ledger = createLocalLedger({ profile, schedules: store.schedules, leases: store.leases });
		const hold = must(await ledger.hold('a', 60_000));
		const first = run('k1', 1_000);
		const later = Array.from({ length: 700 }, (_, n) => run('k1', 2_000 + n));
		must(await ledger.claim([first, ...later], hold));
		must(
			await ledger.settle(
				later.map((one) => ({ ...one, state: 'fired' as const })),
				null,
			),
		);
		expect(must(await ledger.open())).toEqual([first]);
	});
});
