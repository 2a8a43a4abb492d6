import { describe, expect, it } from 'vitest';
import type { Report, ReportName, ReportOptions } from '#main/domain/report.ts';
import { LIST_LIMITS } from '#main/store/lists.ts';
import { failed, finished, PROFILE, published, removed, SUCCEEDED, started } from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';

const T = Date.UTC(2024, 2, 30, 22, 58);
const MINUTE = 60_000;
const OPTIONS: ReportOptions = {
	since: 0,
	until: T + 24 * 60 * MINUTE,
	bucket: 'auto',
	zone: 'Europe/Berlin',
	compatible: false,
	top: 20,
	appNames: [],
};

/** One task that failed and then succeeded, one in another queue and on another day, one that a person removed. */
function history(): DirectStore {
	const store = directStore(LIST_LIMITS);
	const of = (id: string, name: string, queue: string) => ({ id, name, queue });
	const mail = of('m1', 'shop.tasks.mail', 'default');
	const again = of('m2', 'shop.tasks.mail', 'default');
	const report = of('r1', 'reports.build', 'slow');
	const gone = of('g1', 'shop.tasks.mail', 'default');
	store.apply(
		published(T - 5_000, mail),
		started(T - 1_000, 'run-1', mail),
		finished(T, 'run-1', failed('SMTPError'), 900),
		published(T + 1_000, again, { requeueOf: 'm1' }),
		started(T + 2_000, 'run-2', again),
		finished(T + 3_000, 'run-2', SUCCEEDED, 1_000),
		published(T + 3 * MINUTE, report),
		started(T + 4 * MINUTE, 'run-3', report),
		finished(T + 5 * MINUTE, 'run-3', SUCCEEDED, 60_000),
		published(T, gone),
		started(T, 'run-4', gone),
		finished(T + 1, 'run-4', SUCCEEDED, 1),
		removed(T + 10, ['g1']),
	);
	return store;
}

function read(store: DirectStore, name: ReportName, options: Partial<ReportOptions> = {}, query = ''): Report {
	const made = store.calls.report({ profile: PROFILE, name, query, options: { ...OPTIONS, ...options } }, T);
	if (!made.ok) throw new Error(made.error.message);
	return made.value;
}

describe('a report of history', () => {
	it('counts every run of a task, and none of a task that a person removed', () => {
		using store = history();
		expect(read(store, 'task_runs_by_state').data).toMatchObject({
			items: [
				{ label: 'succeeded', value: 2 },
				{ label: 'failed', value: 1 },
			],
		});
		expect(read(store, 'statistics').data).toMatchObject({
			items: [
				{ task: 'shop.tasks.mail', app: 'shop', runs: 2, succeeded: 1, failed: 1, min: 0.9, max: 1, total: 1.9 },
				{ task: 'reports.build', app: 'reports', runs: 1, avg: 60, p99: 60 },
			],
		});
	});

	it('keeps to tasks that match a query, and to runs that ended in its time', () => {
		using store = history();
		expect(read(store, 'tasks_top_runs', {}, 'queue:slow').data).toMatchObject({ items: [{ label: 'reports.build' }] });
		expect(read(store, 'tasks_top_runs', {}, 'args:nothing').data).toBe(null);
		expect(read(store, 'tasks_top_runs', { since: T + 1, until: T + 3_001 }).basis.runs).toBe(1);
		expect(store.calls.report({ profile: PROFILE, name: 'statistics', query: '(', options: OPTIONS }, T).ok).toBe(
			false,
		);
	});

	it('begins with the first run where no beginning is given, and sums up by local days', () => {
		using store = history();
		const { data } = read(store, 'tasks_throughput_by_state', { bucket: '1d' });
		expect(data).toMatchObject({
			series: [
				{
					label: 'succeeded',
					points: [
						[Date.parse('2024-03-29T23:00:00Z'), 1],
						[Date.parse('2024-03-30T23:00:00Z'), 1],
						[Date.parse('2024-03-31T22:00:00Z'), 0],
					],
				},
				{ label: 'failed' },
			],
		});
	});

	it('of an empty history since ever has nothing in whatever buckets', () => {
		using store = directStore(LIST_LIMITS);
		store.apply(published(T, { id: 'w1', name: 'waits', queue: 'default' }));
		for (const bucket of ['1m', '1d'] as const) {
			const options = { ...OPTIONS, bucket };
			const made = store.calls.report({ profile: PROFILE, name: 'exceptions_throughput', query: '', options }, T);
			expect(made).toMatchObject({ ok: true, value: { basis: { runs: 0 } } });
		}
	});

	it('refuses more buckets than a chart could ever show, and says what to do', () => {
		using store = history();
		const options = { ...OPTIONS, since: T - 30 * 24 * 60 * MINUTE, bucket: '1m' } as const;
		const made = store.calls.report({ profile: PROFILE, name: 'exceptions_throughput', query: '', options }, T);
		expect(made).toMatchObject({ ok: false, error: { code: 'invalid-input', details: { field: 'bucket' } } });
	});
});
