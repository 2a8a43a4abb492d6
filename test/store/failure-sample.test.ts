import { describe, expect, it } from 'vitest';
import type { GroupDiffers } from '#main/domain/failure-group.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import type { OpenStore } from '#main/store/client.ts';
import { failed, finished, PROFILE, SUCCEEDED, started } from '#test/support/history.ts';
import { storeOf, testHome } from './open.ts';

interface Made {
	readonly name: string;
	readonly country: string;
	readonly fails: boolean;
	/** By which exception: another makes another group. */
	readonly type?: string;
	readonly worker?: string;
}

/** Runs of tasks a second apart, the first at `from`. */
function runs(from: number, mark: string, made: readonly Made[]): readonly HistoryOp[] {
	return made.flatMap(({ name, country, fails, type, worker }, at): HistoryOp[] => {
		const id = `${mark}${at}`;
		const began = from + at * 1_000;
		return [
			started(began, `run-${id}`, { id, name, kwargs: { order: { country }, number: at }, worker: worker ?? 'w1' }),
			finished(began + 500, `run-${id}`, fails ? failed(type ?? 'TaxError') : SUCCEEDED),
		];
	});
}

const many = (count: number, one: (at: number) => Made): readonly Made[] =>
	Array.from({ length: count }, (_, at) => one(at));

async function keyOf(store: OpenStore, type: string): Promise<string> {
	const list = await store.groups.list({
		...{ profile: PROFILE, query: `exception:${type}`, states: [], sort: 'lastAt', window: '24h', limit: 10 },
	});
	if (!list.ok) throw new Error(list.error.message);
	return list.value.items[0]?.key ?? 'no group';
}

async function differs(store: OpenStore, key: string, task: string | null = null): Promise<GroupDiffers> {
	const found = await store.groups.differs(PROFILE, key, task);
	if (!found.ok) throw new Error(found.error.message);
	return found.value;
}

describe('what differs in a failure group', () => {
	it('is found in the arguments of the runs, beside succeeding runs of the same task only', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.history.apply([
			...runs(
				1_000,
				'charge',
				many(400, (at) => ({ name: 'shop.charge', country: at % 4 === 0 ? 'FR' : 'DE', fails: at % 4 === 0 })),
			),
			// Would make the country say nothing, were it compared.
			...runs(
				1_000,
				'other',
				many(400, () => ({ name: 'shop.other', country: 'FR', fails: false })),
			),
			// Fails for another reason: neither failing nor succeeding here.
			...runs(
				1_000,
				'broken',
				many(200, () => ({ name: 'shop.charge', country: 'FR', fails: true, type: 'KeyError' })),
			),
		]);
		const found = await differs(store, await keyOf(store, 'TaxError'));
		expect(found).toMatchObject({
			...{ task: 'shop.charge', tasks: ['shop.charge'], failing: 100, succeeding: 300, sameTime: true, enough: true },
		});
		expect(found.items[0]).toMatchObject({
			...{ field: 'kwargs.order.country', failing: 100, succeeding: 300 },
			values: [
				{ text: '"FR"', failing: 100, succeeding: 0, query: 'kwargs.order.country:"FR"' },
				{ text: '"DE"', failing: 0, succeeding: 300 },
			],
		});
		expect(found.items[0]?.explains).toBeCloseTo(1, 9);
		// What the value opens is what was counted.
		const ids = await store.history.ids(PROFILE, `group:${found.group} ${found.items[0]?.values[0]?.query}`, 1_000);
		expect(ids.ok && ids.value.length).toBe(100);
	});

	it('takes what succeeded at another time where too little did at the same, and says so', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.history.apply([
			...runs(
				1_000,
				'before',
				many(150, () => ({ name: 'shop.charge', country: 'DE', fails: false })),
			),
			...runs(
				90_000_000,
				'after',
				many(50, () => ({ name: 'shop.charge', country: 'DE', fails: true })),
			),
		]);
		const found = await differs(store, await keyOf(store, 'TaxError'));
		expect(found).toMatchObject({ failing: 50, succeeding: 150, sameTime: false, enough: true });
		expect(found.items.map((one) => one.field)).not.toContain('kwargs.order.country');
	});

	it('says that there are too few runs, and compares another of its tasks when that is asked for', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.history.apply([
			...runs(
				1_000,
				'a',
				many(60, (at) => ({ name: 'shop.a', country: 'DE', fails: at % 2 === 0, worker: at % 2 === 0 ? 'w1' : 'w2' })),
			),
			...runs(
				1_000,
				'b',
				many(30, (at) => ({ name: 'shop.b', country: 'DE', fails: at < 9 })),
			),
		]);
		const key = await keyOf(store, 'TaxError');
		const first = await differs(store, key);
		expect(first).toMatchObject({ task: 'shop.a', tasks: ['shop.a', 'shop.b'], enough: true });
		expect(first.items[0]).toMatchObject({
			field: 'worker',
			values: [{ text: 'w1', query: 'worker:w1' }, { text: 'w2' }],
		});
		expect(await differs(store, key, 'shop.b')).toMatchObject({ failing: 9, succeeding: 21, enough: false, items: [] });
		const none = await store.groups.differs(PROFILE, key, 'shop.c');
		expect(none).toMatchObject({ ok: false, error: { code: 'not-found' } });
		expect(none.ok ? '' : none.error.message).toContain('shop.a, shop.b');
		expect(await store.groups.differs(PROFILE, 'dead', null)).toMatchObject({
			ok: false,
			error: { code: 'not-found' },
		});
	});
});
