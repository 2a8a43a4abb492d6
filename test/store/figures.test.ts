/** Figures over time on disk: both tiers from the samples themselves, and what a clean-up leaves. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	ALL_QUEUES,
	type FigureRound,
	type FigureTier,
	joinFigures,
	oneSample,
	tierStart,
} from '#main/domain/figure.ts';
import { profileId } from '#main/domain/ids.ts';
import { figureSeries, keptFigures } from '#main/store/figures.ts';
import type { FigureRequest } from '#main/store/store.ts';
import { directStore, storeOf, testHome } from './open.ts';

const profile = profileId('p');
const NOON = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const round = (at: number, ready: number, name = 'orders'): FigureRound => ({
	at,
	samples: [{ kind: 'queue', name, label: null, values: { ready } }],
});
const request = (more: Partial<FigureRequest> = {}): FigureRequest => ({
	profile,
	kind: 'queue',
	name: null,
	figures: null,
	since: NOON,
	until: NOON + HOUR,
	bucket: '1m',
	zone: 'UTC',
	limit: 20,
	...more,
});

describe('figures over time', () => {
	it('are folded by SQLite just as the domain folds them, in both tiers, whatever the order and the clock', () => {
		const samples = fc.array(
			fc.record({
				at: fc.integer({ min: NOON, max: NOON + 3 * HOUR }),
				value: fc.integer({ min: 0, max: 1_000_000_000_000 }),
			}),
			{ minLength: 1, maxLength: 60 },
		);
		fc.assert(
			fc.property(samples, (taken) => {
				using store = directStore();
				for (const { at, value } of taken) {
					const [outcome] = store.writer.run([{ name: 'addFigures', args: [profile, round(at, value)] }]);
					expect(outcome?.ok).toBe(true);
				}
				const id = figureSeries(store.db, profile, 'queue', 'orders')[0]?.id ?? -1;
				for (const tier of ['minute', 'hour'] as const satisfies readonly FigureTier[]) {
					const expected = Map.groupBy(taken, ({ at }) => tierStart(tier, at));
					const kept = [...keptFigures(store.db, tier, id, NOON, NOON + 4 * HOUR)];
					expect(kept).toEqual(
						[...expected]
							.sort((a, b) => a[0] - b[0])
							.map(([start, some]) => ({
								start,
								...some.map(({ at, value }) => oneSample(value, at)).reduce(joinFigures),
							})),
					);
				}
			}),
			{ numRuns: 20 },
		);
	});

	it('come in or stay out as a whole: a round that fails has added nothing to either tier', async () => {
		using store = directStore();
		store.writer.run([{ name: 'addFigures', args: [profile, round(NOON, 1)] }]);
		const bad = {
			at: NOON + 1,
			samples: [round(NOON, 5).samples[0], { kind: 'queue', name: null, values: { ready: 1 } }],
		};
		const [outcome] = store.writer.run([{ name: 'addFigures', args: [profile, bad] }]);
		expect(outcome?.ok).toBe(false);
		const id = figureSeries(store.db, profile, 'queue', 'orders')[0]?.id ?? -1;
		for (const tier of ['minute', 'hour'] as const)
			expect([...keptFigures(store.db, tier, id, NOON, NOON + HOUR)]).toMatchObject([{ samples: 1, sum: 1 }]);
	});

	it('survive the end of the process, and go on in the minute that it ended in', async () => {
		using home = testHome();
		{
			await using store = await storeOf(home.home);
			await store.figures.add(profile, round(NOON, 4));
			await store.figures.add(profile, round(NOON + 2 * MINUTE, 8));
		}
		await using store = await storeOf(home.home);
		await store.figures.add(profile, round(NOON + 2 * MINUTE + 15_000, 2));
		const history = await store.figures.history(request({ until: NOON + 4 * MINUTE }), 0);
		if (!history.ok) throw new Error(history.error.message);
		expect(history.value.times).toHaveLength(4);
		expect(history.value.items).toEqual([
			{
				name: 'orders',
				label: null,
				figures: {
					ready: {
						avg: [4, null, 5, null],
						min: [4, null, 2, null],
						max: [4, null, 8, null],
						last: [4, null, 2, null],
					},
				},
			},
		]);
	});

	it('are read from hours where minutes do not reach, and by themselves where they are asked for', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		await store.figures.add(profile, round(NOON - 30 * DAY, 7));
		await store.figures.add(profile, round(NOON, 3));
		await store.figures.sweep(profile, { minute: NOON - 7 * DAY, hour: NOON - 400 * DAY }, 100);
		const long = await store.figures.history(request({ since: NOON - 31 * DAY, bucket: 'auto' }), NOON - 7 * DAY);
		if (!long.ok) throw new Error(long.error.message);
		expect(long.value.bucket).toBe('1d');
		expect(long.value.items[0]?.figures.ready?.avg.filter((one) => one !== null)).toEqual([7, 3]);
		const few = await store.figures.history(
			request({ since: NOON - 30 * DAY, until: NOON - 30 * DAY + 2 * HOUR, bucket: 'auto' }),
			NOON - 7 * DAY,
		);
		expect(few).toMatchObject({ value: { bucket: '1h', items: [{ figures: { ready: { max: [7, null] } } }] } });
	});

	it('refuse more spans than anybody can look at, in words', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		const asked = await store.figures.history(request({ since: NOON - 30 * DAY }), 0);
		expect(asked).toMatchObject({ ok: false, error: { code: 'invalid-input', details: { field: 'bucket' } } });
	});

	it('leave out all queues as one where each is asked for, keep profiles apart, and say how many there are', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		for (const name of ['a', 'b', 'c', ALL_QUEUES]) await store.figures.add(profile, round(NOON, 1, name));
		await store.figures.add(profileId('other'), round(NOON, 1, 'theirs'));
		await store.figures.add(profile, round(NOON + MINUTE, 1, 'b'));
		const history = await store.figures.history(request({ limit: 2 }), 0);
		expect(history).toMatchObject({ value: { total: 3, items: [{ name: 'b' }, { name: 'a' }] } });
		const all = await store.figures.history(request({ name: ALL_QUEUES }), 0);
		expect(all).toMatchObject({ value: { total: 1, items: [{ name: ALL_QUEUES }] } });
	});

	it('go by their age, tier by tier, a few at a time, and with the last of them their queue', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		for (let i = 0; i < 10; i += 1) await store.figures.add(profile, round(NOON + i * MINUTE, i));
		const before = { minute: NOON + 6 * MINUTE, hour: NOON };
		expect(await store.figures.sweep(profile, before, 4)).toBe(4);
		expect(await store.figures.sweep(profile, before, 4)).toBe(2);
		expect(await store.figures.sweep(profile, before, 4)).toBe(0);
		const left = await store.figures.history(request({ until: NOON + 10 * MINUTE }), 0);
		if (!left.ok) throw new Error(left.error.message);
		expect(left.value.items[0]?.figures.ready?.last).toEqual([null, null, null, null, null, null, 6, 7, 8, 9]);
		const hour = await store.figures.history(request({ bucket: '1h' }), 0);
		expect(hour).toMatchObject({ value: { items: [{ figures: { ready: { avg: [4.5], max: [9] } } }] } });
		expect(await store.figures.sweep(profile, { minute: NOON + DAY, hour: NOON + DAY }, 100)).toBe(5);
		expect(await store.figures.history(request(), 0)).toMatchObject({ value: { total: 0, items: [] } });
	});

	it('go with their profile', () => {
		using store = directStore();
		store.writer.run([{ name: 'addFigures', args: [profile, round(NOON, 1)] }]);
		store.writer.run([{ name: 'addFigures', args: [profileId('other'), round(NOON, 2)] }]);
		store.writer.run([{ name: 'removeProfile', args: [profile] }]);
		store.settle();
		expect(figureSeries(store.db, profile, 'queue', null)).toEqual([]);
		const rows = (table: string) => store.db.read<{ n: number }>('rows', `SELECT count(*) AS n FROM ${table}`).get()?.n;
		expect([rows('figure_series'), rows('figure_minutes'), rows('figure_hours')]).toEqual([1, 1, 1]);
	});

	it('are the report of queue lengths, which takes no query over tasks', async () => {
		using home = testHome();
		await using store = await storeOf(home.home);
		for (const name of ['orders', ALL_QUEUES]) {
			await store.figures.add(profile, round(NOON, 4, name));
			await store.figures.add(profile, round(NOON + MINUTE, 9, name));
		}
		const options = {
			since: NOON,
			until: NOON + HOUR,
			bucket: '5m',
			zone: 'UTC',
			compatible: false,
			top: 20,
			appNames: [],
		} as const;
		const ask = (query: string, compatible: boolean) =>
			store.history.report({ profile, name: 'queue_length_over_time', query, options: { ...options, compatible } });
		const own = await ask('', false);
		if (!own.ok || own.value.data?.kind !== 'series') throw new Error('no series');
		expect(own.value.data.series.map(({ label, points }) => [label, points[0], points.length])).toEqual([
			['orders', [NOON, 6.5], 12],
		]);
		expect(await ask('', true)).toMatchObject({
			value: { data: { series: [{ label: 'Queue length', points: [[NOON, 6]] }] } },
		});
		expect(await ask('state:failed', false)).toMatchObject({ ok: false, error: { details: { field: 'query' } } });
	});
});
