import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appName } from '#main/domain/app-name.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import {
	REPORT_NAMES,
	type Report,
	type ReportOptions,
	type ReportRun,
	type RunEnd,
	type RunReportName,
} from '#main/domain/report.ts';
import { autoBucket, buckets, isZone, roundHalfEven } from '#main/domain/report-buckets.ts';
import { startReport } from '#main/domain/report-compute.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOON = Date.UTC(2024, 0, 1, 12);

const BASE: ReportOptions = {
	since: NOON - DAY,
	until: NOON,
	bucket: '5m',
	zone: 'UTC',
	compatible: true,
	top: 20,
	appNames: [],
};

function run(more: Partial<ReportRun> = {}): ReportRun {
	return {
		name: 'shop.tasks.charge',
		state: 'succeeded',
		exceptionType: null,
		queue: 'default',
		worker: 'w1',
		queuedAt: null,
		startedAt: null,
		finishedAt: NOON - HOUR,
		runtimeMs: null,
		...more,
	};
}

function compute(name: RunReportName, runs: readonly ReportRun[], options: Partial<ReportOptions> = {}): Report {
	const sum = startReport(name, { ...BASE, ...options });
	for (const one of runs) sum.add(one);
	return sum.end();
}

function itemsOf(report: Report): readonly (readonly [string, number])[] {
	if (report.data?.kind !== 'shares' && report.data?.kind !== 'bars') throw new Error('no items');
	return report.data.items.map(({ label, value }) => [label, value] as const);
}

function linesOf(report: Report): Readonly<Record<string, readonly (readonly [number, number | null])[]>> {
	if (report.data?.kind !== 'series') throw new Error('no series');
	return Object.fromEntries(report.data.series.map(({ label, points }) => [label, points]));
}

describe("aa-taskmonitor's definitions", () => {
	it('sum up by buckets of five minutes, without the empty ones', () => {
		const { five_minute_buckets: vectors } = JSON.parse(
			readFileSync(new URL('../../fixtures/taskmonitor/vectors.json', import.meta.url), 'utf8'),
		) as { five_minute_buckets: { input_minute_rows: [string, number][]; sum: [number, number][] } };
		const runs = vectors.input_minute_rows.flatMap(([minute, n]) =>
			Array.from({ length: n }, (_, i) => run({ finishedAt: Date.parse(minute) + i })),
		);
		const report = compute('tasks_throughput_by_app', runs, { since: 0 });
		expect(linesOf(report)).toEqual({ shop: vectors.sum });
	});

	it('round half to even', () => {
		expect([0.5, 1.5, 2.5, 3.5, 2.4, 2.6, 7].map(roundHalfEven)).toEqual([0, 2, 2, 4, 2, 3, 7]);
	});

	it('have no data where nothing ran, and say so by null', () => {
		for (const name of REPORT_NAMES) {
			if (name !== 'queue_length_over_time') expect(compute(name, []).data, name).toBe(null);
		}
		expect(compute('tasks_top_failed', [run()]).data).toBe(null);
		expect(compute('tasks_top_avg_runtime', [run()]).data).toBe(null);
		expect(compute('tasks_throughput', [run({ state: 'failed' })]).data).toBe(null);
	});

	it('average over the minutes that had a run, and Warren over all minutes since the first', () => {
		const runs = [0, 1, 2, 30 * MINUTE].map((back) => run({ finishedAt: NOON - 30 * MINUTE + back - MINUTE }));
		const row = (report: Report) => (report.data?.kind === 'throughput' ? report.data.rows[0]?.perMinute : undefined);
		expect(row(compute('tasks_throughput', runs))).toBe(2);
		expect(row(compute('tasks_throughput', runs, { compatible: false }))).toBe(4 / 31);
	});

	it('name fourteen apps and count the rest as others', () => {
		const runs = Array.from({ length: 17 }, (_, app) =>
			Array.from({ length: 20 - app }, () => run({ name: `app${String(app).padStart(2, '0')}.tasks.x` })),
		).flat();
		const items = itemsOf(compute('task_runs_by_app', runs));
		expect(items).toHaveLength(15);
		expect(items.at(-1)).toEqual(['Others', 6 + 5 + 4]);
		expect(items[0]).toEqual(['app00', 20]);
	});

	it('leave out the exceptions of retries, lost runs, and the runtime of what nobody saw begin', () => {
		const runs = [
			run({ state: 'retrying', exceptionType: 'Timeout' }),
			run({ state: 'retrying', exceptionType: 'Retry' }),
			run({ state: 'failed', exceptionType: 'ValueError', runtimeMs: 50 }),
			run({ state: 'lost', exceptionType: 'WorkerLost' }),
			run({ startedAt: NOON - HOUR - 3_000, runtimeMs: 2_500 }),
		];
		expect(Object.keys(linesOf(compute('exceptions_throughput', runs)))).toEqual(['ValueError']);
		expect(itemsOf(compute('tasks_top_cum_runtime', runs))).toEqual([['shop.tasks.charge', 3]]);
		expect(compute('task_runs_by_state', runs).basis.runs).toBe(4);
		const own = { compatible: false };
		expect(Object.keys(linesOf(compute('exceptions_throughput', runs, own)))).toContain('Timeout');
		expect(itemsOf(compute('tasks_top_cum_runtime', runs, own))).toEqual([['shop.tasks.charge', 2.55]]);
		expect(itemsOf(compute('tasks_top_failed', runs, own))).toEqual([['shop.tasks.charge', 2]]);
	});
});

it('follows the other names of apps that it is given', () => {
	const items = itemsOf(compute('apps_top_runs', [run()], { appNames: [['shop', 'store']] }));
	expect(items).toEqual([['store', 1]]);
});

it('links to the tasks behind a value by a query that can be read back', () => {
	const scope = parseQuery('queue:a OR queue:b', NOON);
	if (!scope.ok) throw new Error(scope.error.message);
	const sum = startReport('tasks_top_runs', BASE, [scope.value]);
	sum.add(run({ name: 'odd "name"' }));
	const report = sum.end();
	const query = report.data?.kind === 'bars' ? (report.data.items[0]?.query ?? '') : '';
	expect(query).toBe('(queue:a OR queue:b) name:="odd \\"name\\""');
	expect(parseQuery(query, NOON).ok).toBe(true);
});

describe('buckets of a zone', () => {
	it.each([
		['Europe/Berlin', '2024-03-31T10:00:00Z', '2024-03-30T23:00:00Z', '2024-03-31T22:00:00Z', 23],
		['Europe/Berlin', '2024-10-27T10:00:00Z', '2024-10-26T22:00:00Z', '2024-10-27T23:00:00Z', 25],
		['Asia/Kolkata', '2024-05-05T00:00:00Z', '2024-05-04T18:30:00Z', '2024-05-05T18:30:00Z', 24],
		// Midnight does not exist there.
		['America/Santiago', '2024-09-08T12:00:00Z', '2024-09-08T04:00:00Z', '2024-09-09T03:00:00Z', 23],
		// Nor does the whole of the 30th.
		['Pacific/Apia', '2011-12-29T20:00:00Z', '2011-12-29T10:00:00Z', '2011-12-30T10:00:00Z', 24],
	])('are its days, %s around %s', (zone, at, start, next, hours) => {
		const days = buckets('1d', zone);
		expect(new Date(days.startOf(Date.parse(at))).toISOString()).toBe(new Date(start).toISOString());
		expect(new Date(days.after(Date.parse(start))).toISOString()).toBe(new Date(next).toISOString());
		expect((Date.parse(next) - Date.parse(start)) / HOUR).toBe(hours);
	});

	it('put every moment into the bucket of its own wall clock, whatever the zone and the season', () => {
		const zones = [
			'UTC',
			'Europe/Berlin',
			'America/New_York',
			'Asia/Kolkata',
			'Australia/Lord_Howe',
			'Africa/Cairo',
			'America/St_Johns',
			'Asia/Beirut',
		];
		const wall = (zone: string, at: number) => {
			const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' });
			return format.format(at);
		};
		fc.assert(
			fc.property(
				fc.constantFrom(...zones),
				fc.integer({ min: Date.UTC(2023, 0, 1), max: Date.UTC(2026, 0, 1) }),
				(zone, at) => {
					expect(isZone(zone)).toBe(true);
					const day = buckets('1d', zone);
					const start = day.startOf(at);
					expect(start).toBeLessThanOrEqual(at);
					expect(day.after(start)).toBeGreaterThan(at);
					expect(wall(zone, start).slice(0, 10)).toBe(wall(zone, at).slice(0, 10));
					expect(wall(zone, start - 1).slice(0, 10)).not.toBe(wall(zone, at).slice(0, 10));
					const hour = buckets('1h', zone);
					expect(hour.startOf(at)).toBeLessThanOrEqual(at);
					expect(hour.after(hour.startOf(at))).toBeGreaterThan(at - HOUR);
					expect(hour.startOf(hour.startOf(at))).toBe(hour.startOf(at));
				},
			),
			{ numRuns: process.env.WARREN_LONG === undefined ? 300 : 5_000 },
		);
	});

	it('are chosen so that a chart has room for them', () => {
		expect([HOUR, 12 * HOUR, DAY, 7 * DAY, 60 * DAY].map((span) => autoBucket(0, span))).toEqual([
			'1m',
			'5m',
			'15m',
			'1h',
			'1d',
		]);
	});
});

describe('against an oracle, on random runs', () => {
	const states: readonly RunEnd[] = ['succeeded', 'failed', 'retrying', 'revoked', 'rejected', 'lost'];
	const names = ['shop.tasks.charge', 'shop.tasks.mail', 'reports.build', 'x.y.z', 'standings_requests.tasks.sync'];
	const arbitrary = fc.record({
		name: fc.constantFrom(...names),
		state: fc.constantFrom(...states),
		exceptionType: fc.constantFrom(null, '', 'Retry', 'ValueError', 'KeyError'),
		queue: fc.constantFrom(null, 'a', 'b'),
		worker: fc.constantFrom(null, 'w1', 'w2'),
		queuedAt: fc.option(fc.integer({ min: NOON - 2 * DAY, max: NOON })),
		startedAt: fc.option(fc.integer({ min: NOON - 2 * DAY, max: NOON })),
		finishedAt: fc.integer({ min: NOON - 26 * HOUR, max: NOON + HOUR }),
		runtimeMs: fc.option(fc.integer({ min: 0, max: 100_000 })),
	});
	const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
	const by = <T>(items: readonly T[], key: (item: T) => string) => {
		const groups: Record<string, T[]> = {};
		for (const item of items) {
			const found = groups[key(item)] ?? [];
			found.push(item);
			groups[key(item)] = found;
		}
		return groups;
	};

	it('every number is what counting them one after another gives', () => {
		fc.assert(
			fc.property(fc.array(arbitrary, { maxLength: 60 }), fc.boolean(), (all, compatible) => {
				const options = { compatible };
				const runs = all
					.filter(({ finishedAt }) => finishedAt >= BASE.since && finishedAt < BASE.until)
					.filter(({ state, startedAt }) =>
						['succeeded', 'failed', 'retrying'].includes(state)
							? true
							: !compatible && (state === 'lost' || startedAt !== null),
					);
				const took = (one: ReportRun) => {
					const between = one.startedAt === null ? null : one.finishedAt - one.startedAt;
					return compatible ? between : (one.runtimeMs ?? between);
				};
				const times = (some: readonly ReportRun[]) => some.map(took).filter((ms) => ms !== null);
				const failed = (one: ReportRun) =>
					compatible ? one.state === 'failed' : ['failed', 'rejected', 'lost'].includes(one.state);

				expect(compute('task_runs_by_state', all, options).basis.runs).toBe(runs.length);
				if (runs.length === 0) return;
				expect(new Map(itemsOf(compute('task_runs_by_state', all, options)))).toEqual(
					new Map(Object.entries(by(runs, (one) => one.state)).map(([state, some]) => [state, some.length])),
				);
				const perApp = Object.entries(by(runs, (one) => appName(one.name)));
				expect(new Map(itemsOf(compute('apps_top_runs', all, options)))).toEqual(
					new Map(perApp.map(([app, some]) => [app, some.length])),
				);
				const statistics = compute('statistics', all, options).data;
				if (statistics?.kind !== 'statistics') throw new Error('no statistics');
				for (const item of statistics.items) {
					const mine = runs.filter((one) => one.name === item.task);
					const ms = times(mine).toSorted((a, b) => a - b);
					const rank = (share: number) =>
						ms.find((value) => ms.filter((other) => other <= value).length >= share * ms.length);
					expect(item).toMatchObject({
						runs: mine.length,
						failed: mine.filter(failed).length,
						retried: mine.filter(({ state }) => state === 'retrying').length,
						succeeded: mine.filter(({ state }) => state === 'succeeded').length,
						min: ms.length === 0 ? null : (ms[0] as number) / 1_000,
						max: ms.length === 0 ? null : (ms.at(-1) as number) / 1_000,
						p50: ms.length === 0 || compatible ? null : (rank(0.5) as number) / 1_000,
						p95: ms.length === 0 || compatible ? null : (rank(0.95) as number) / 1_000,
					});
					if (ms.length > 0) expect(item.avg).toBeCloseTo(sum(ms) / ms.length / 1_000, 9);
				}
				const successes = runs.filter(({ state }) => state === 'succeeded');
				const lines = compute('tasks_throughput_by_app', all, options).data;
				if (successes.length === 0) {
					expect(lines).toBe(null);
					return;
				}
				if (lines?.kind !== 'series') throw new Error('no series');
				for (const { label, points } of lines.series) {
					const mine = successes.filter((one) => appName(one.name) === label);
					for (const [at, n] of points) {
						const inside = mine.filter(({ finishedAt }) => finishedAt >= at && finishedAt < at + 5 * MINUTE);
						expect(n).toBe(inside.length);
						if (compatible) expect(n).toBeGreaterThan(0);
					}
					expect(sum(points.map(([, n]) => n ?? 0))).toBe(mine.length);
					if (!compatible) expect(points).toHaveLength(24 * 12);
				}
			}),
			{ numRuns: process.env.WARREN_LONG === undefined ? 200 : 5_000 },
		);
	});
});
