import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Page, TaskSortField } from '#main/domain/page.ts';
import type { TaskRow } from '#main/domain/task.ts';
import { LIST_LIMITS, type ListLimits } from '#main/store/lists.ts';
import { failed, finished, PROFILE, published, removed, SUCCEEDED, started } from '#test/support/history.ts';
import { type DirectStore, directStore } from './open.ts';

const RUNS = process.env.WARREN_LONG === undefined ? 200 : 5_000;
const FIELDS: readonly TaskSortField[] = [
	'finishedAt',
	'publishedAt',
	'startedAt',
	'updatedAt',
	'name',
	'queue',
	'priority',
	'runtimeMs',
	'state',
];

interface Asked {
	readonly query?: string;
	readonly field?: TaskSortField;
	readonly descending?: boolean;
	readonly limit?: number;
	readonly cursor?: string | null;
}

function page(store: DirectStore, asked: Asked = {}): Page<TaskRow> {
	const { query = '', field = 'updatedAt', descending = true, limit = 3, cursor = null } = asked;
	const result = store.calls.page({ profile: PROFILE, query, sort: { field, descending }, limit, cursor }, 1_000_000);
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

/** Every page from the first to the last. */
function forwards(store: DirectStore, asked: Asked): readonly Page<TaskRow>[] {
	const pages: Page<TaskRow>[] = [];
	for (let cursor: string | null = null; ; ) {
		const one = page(store, { ...asked, cursor });
		pages.push(one);
		if (one.next === null || pages.length > 200) return pages;
		cursor = one.next;
	}
}

/** Every page from the last one back to the first. */
function backwards(store: DirectStore, asked: Asked, last: Page<TaskRow>): readonly string[] {
	const ids: string[] = last.items.map((row) => row.id);
	let cursor = last.previous;
	for (let turn = 0; cursor !== null && turn < 200; turn += 1) {
		const one = page(store, { ...asked, cursor });
		ids.unshift(...one.items.map((row) => row.id));
		cursor = one.previous;
	}
	return ids;
}

const task = fc.record({
	name: fc.constantFrom('a', 'b', 'B', '\u00e9'),
	queue: fc.constantFrom('q1', 'q2'),
	priority: fc.option(fc.integer({ min: 0, max: 2 })),
	publishedAt: fc.option(fc.integer({ min: 1, max: 3 })),
	startedAt: fc.integer({ min: 4, max: 6 }),
	finishedAt: fc.integer({ min: 7, max: 9 }),
	runtime: fc.option(fc.constantFrom(0.5, 1, 2)),
	fate: fc.constantFrom('queued', 'running', 'succeeded', 'failed', 'removed'),
});

function fill(store: DirectStore, tasks: readonly (typeof task extends fc.Arbitrary<infer T> ? T : never)[]): void {
	for (const [at, made] of tasks.entries()) {
		const message = { id: `m${at}`, ...made };
		store.apply(published(1, message));
		if (made.fate !== 'queued') store.apply(started(made.startedAt, `r${at}`, message));
		if (made.fate === 'succeeded' || made.fate === 'removed')
			store.apply(finished(made.finishedAt, `r${at}`, SUCCEEDED, made.runtime));
		if (made.fate === 'failed') store.apply(finished(made.finishedAt, `r${at}`, failed(), made.runtime));
		if (made.fate === 'removed') store.apply(removed(10, [`m${at}`]));
	}
}

const STATE_ORDER = ['queued', 'running', 'succeeded', 'failed'];

/** What a list is ordered by, and whether that is known. */
function sortValue(row: TaskRow, field: TaskSortField): string | number | null {
	return field === 'state' ? STATE_ORDER.indexOf(row.state) : row[field];
}

const EVERY_WAY: readonly ListLimits[] = [
	LIST_LIMITS,
	{ few: 0, many: 0, walkMs: 1_000, counted: 0, countedProposals: 0 },
	{ few: 1, many: 1_000, walkMs: 0, counted: 0, countedProposals: 1_000 },
];

describe('pages of a list', () => {
	it('show every row once, in order, forwards and backwards, for every sort, however many values are equal or unknown', () => {
		fc.assert(
			fc.property(
				fc.array(task, { minLength: 1, maxLength: 14 }),
				fc.constantFrom(...FIELDS),
				fc.boolean(),
				fc.constantFrom(
					'',
					'state:succeeded,failed',
					'state:queued',
					'-state:running',
					'queue:q1',
					'name:b',
					'priority:>=1',
					'm1',
				),
				fc.integer({ min: 1, max: 5 }),
				fc.constantFrom(...EVERY_WAY),
				fc.boolean(),
				(tasks, field, descending, query, limit, limits, settle) => {
					using store = directStore(limits);
					fill(store, tasks);
					if (settle) store.settle();
					const asked = { query, field, descending, limit };
					const pages = forwards(store, asked);
					const rows = pages.flatMap((one) => one.items);
					const ids = rows.map((row) => row.id);
					const matching = store.calls.ids(PROFILE, query, 1_000, 1_000_000);
					expect(ids.toSorted()).toEqual(matching.ok ? [...matching.value].sort() : matching.error);
					const values = rows.map((row) => sortValue(row, field));
					const knownValues = values.filter((value) => value !== null);
					expect(values.slice(0, knownValues.length), 'unknown values come last').toEqual(knownValues);
					for (const [at, value] of knownValues.entries()) {
						const before = knownValues[at - 1];
						if (before === undefined) continue;
						// Names compare by code point, as their UTF-8 does.
						expect(descending ? before >= value : before <= value).toBe(true);
					}
					expect(pages.slice(0, -1).every((one) => one.items.length === limit)).toBe(true);
					const last = pages.at(-1);
					expect(last === undefined ? [] : backwards(store, asked, last)).toEqual(ids);
					expect(pages[0]?.previous).toBeNull();
				},
			),
			{ numRuns: RUNS },
		);
	});

	it('do not skip or repeat rows of one millisecond while more of it arrive', () => {
		using store = directStore();
		for (let at = 0; at < 10; at += 1) store.apply(published(5, { id: `old-${at}` }));
		const first = page(store, { limit: 4, descending: false });
		for (let at = 0; at < 10; at += 1) store.apply(published(5, { id: `new-${at}` }));
		const seen = first.items.map((row) => row.id);
		for (let cursor = first.next; cursor !== null; ) {
			const one = page(store, { limit: 4, descending: false, cursor });
			seen.push(...one.items.map((row) => row.id));
			cursor = one.next;
		}
		expect(seen).toEqual(
			[...Array(10).keys()].map((at) => `old-${at}`).concat([...Array(10).keys()].map((at) => `new-${at}`)),
		);
	});

	it('go on from a row that has gone meanwhile', () => {
		using store = directStore();
		for (let at = 0; at < 6; at += 1) store.apply(published(at, { id: `m${at}` }));
		const first = page(store, { limit: 2 });
		expect(first.items.map((row) => row.id)).toEqual(['m5', 'm4']);
		store.apply(removed(99, ['m4']));
		expect(page(store, { limit: 2, cursor: first.next }).items.map((row) => row.id)).toEqual(['m3', 'm2']);
	});

	it('carry an exact total where it is known at once, and the revision they were read at', () => {
		using store = directStore();
		for (let at = 0; at < 6; at += 1) store.apply(published(at, { id: `m${at}` }));
		const all = page(store, { limit: 2 });
		expect(all.total).toBe(6);
		expect(all.revision).toBe(store.calls.counts(PROFILE).revision);
		expect(page(store, { query: 'state:queued', limit: 2 }).total).toBe(6);
		expect(page(store, { query: 'state:failed', limit: 2 })).toMatchObject({
			total: 0,
			items: [],
			next: null,
			previous: null,
		});
		expect(page(store, { query: 'm3', limit: 2 }).total).toBe(1);
	});

	it('refuse the cursor of another list', () => {
		using store = directStore();
		for (let at = 0; at < 6; at += 1) store.apply(published(at, { id: `m${at}` }));
		const { next } = page(store, { limit: 2 });
		for (const [query, descending, cursor] of [
			['state:queued', true, next],
			['', false, next],
			['', true, 'nonsense'],
			['', true, Buffer.from('[1]').toString('base64url')],
		] as const) {
			const request = { profile: PROFILE, query, sort: { field: 'updatedAt', descending }, limit: 2, cursor } as const;
			expect(store.calls.page(request, 1)).toMatchObject({ ok: false, error: { code: 'invalid-input' } });
		}
	});
});

describe('what pickers offer', () => {
	it('are names and queues seen, the most recent first', () => {
		using store = directStore();
		store.apply(
			published(1_000, { id: '1', name: 'old', queue: 'q1' }),
			published(9_000, { id: '2', name: 'new', queue: 'q2' }),
		);
		store.apply(published(20_000, { id: '3', name: 'old', queue: 'q2' }));
		expect(store.calls.names(PROFILE, 10)).toEqual(['old', 'new']);
		expect(store.calls.names(PROFILE, 1)).toEqual(['old']);
		expect(store.calls.queues(PROFILE)).toEqual(['q2', 'q1']);
	});
});
