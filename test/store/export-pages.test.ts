/** An export of a long history costs the memory of one of its pages. */
import Database from 'better-sqlite3';
import { expect, it, vi } from 'vitest';
import type { ExportedRun, ExportedTask, ExportPage, ExportPlace } from '#main/domain/export.ts';
import type { Result } from '#main/domain/result.ts';
import { failed, finished, PROFILE, published, started } from '#test/support/history.ts';
import { directStore } from './open.ts';

const TASKS = 240;

it.each(['exportTasks', 'exportRuns'] as const)(
	'%s compiles nothing anew however many pages follow, and gives each row once',
	(call) => {
		using store = directStore();
		for (let n = 0; n < TASKS; n += 1) {
			const made = { id: `t${n}`, args: [n] };
			store.apply(published(n, made), started(n + 1, `r${n}`, made), finished(n + 2, `r${n}`, failed()));
		}
		const prepare = vi.spyOn(Database.prototype, 'prepare');
		try {
			const seen = new Set<string>();
			let pages = 0;
			let compiled = 0;
			let place: ExportPlace | null = null;
			do {
				const page: Result<ExportPage<ExportedTask | ExportedRun>> = store.calls[call](
					{ profile: PROFILE, query: 'state:failed args[0]:>=0', place, limit: 3 },
					1_000,
				);
				if (!page.ok) throw new Error(page.error.message);
				for (const row of page.value.rows) seen.add('row' in row ? row.row.id : row.taskId);
				place = page.value.next;
				pages += 1;
				// The first page counts, the second is the first that goes on.
				if (pages === 2) compiled = prepare.mock.calls.length;
			} while (place !== null);
			expect({ seen: seen.size, pages: pages >= TASKS / 3 }).toEqual({ seen: TASKS, pages: true });
			expect(compiled).toBeGreaterThan(0);
			expect(prepare.mock.calls.length).toBe(compiled);
		} finally {
			prepare.mockRestore();
		}
	},
);

it('ends a page by how long its tasks are, and gives each of them all the same', () => {
	using store = directStore();
	const text = JSON.stringify('x'.repeat(300_000));
	for (let n = 0; n < 6; n += 1) {
		const made = { id: `t${n}` };
		const outcome = { state: 'succeeded', result: { kind: 'json', text } } as const;
		store.apply(published(n, made), started(n + 1, `r${n}`, made), finished(n + 2, `r${n}`, outcome));
	}
	const pages: (readonly string[])[] = [];
	let place: ExportPlace | null = null;
	do {
		const page: Result<ExportPage<ExportedTask>> = store.calls.exportTasks(
			{ profile: PROFILE, query: '', place, limit: 1_000 },
			1_000,
		);
		if (!page.ok) throw new Error(page.error.message);
		pages.push(page.value.rows.map(({ row }) => row.id as string));
		place = page.value.next;
	} while (place !== null);
	expect(pages.flat()).toEqual(['t0', 't1', 't2', 't3', 't4', 't5']);
	expect(Math.max(...pages.map((page) => page.length))).toBe(2);
});

it('keeps few statements of queries, however many are asked', () => {
	using store = directStore();
	store.apply(published(1, { id: 'a', args: ['x'] }));
	const prepare = vi.spyOn(Database.prototype, 'prepare');
	try {
		const ask = (terms: number) =>
			store.calls.count(PROFILE, Array.from({ length: terms }, (_, at) => `w${at}`).join(' OR '), 1);
		for (let terms = 1; terms <= 60; terms += 1) expect(ask(terms)).toEqual({ ok: true, value: 0 });
		const before = prepare.mock.calls.length;
		ask(60);
		expect(prepare.mock.calls.length).toBe(before);
		ask(1);
		expect(prepare.mock.calls.length).toBeGreaterThan(before);
	} finally {
		prepare.mockRestore();
	}
});
