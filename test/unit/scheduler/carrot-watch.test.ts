import { afterEach, describe, expect, it } from 'vitest';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookState } from '#main/domain/schedule.ts';
import type { SiteSchedule, SiteSchedulePage } from '#main/domain/site.ts';
import type { ScheduleBook } from '#main/scheduler/book.ts';
import { createCarrotBook } from '#main/scheduler/books/carrot.ts';
import type { SiteSchedules } from '#main/scheduler/books/site-schedules.ts';
import { type ManualClock, manualClock } from '#test/support/manual-clock.ts';

const books: ScheduleBook[] = [];
afterEach(async () => {
	for (const book of books.splice(0)) await book[Symbol.asyncDispose]();
});

interface Site {
	readonly rows: SiteSchedule[];
	/** Pages that were asked for, in order. */
	readonly pages: number[];
	/** What every list request fails with; null: it does not. */
	trouble: Result<never> | null;
	/** Waits before it answers. */
	slow: (() => Promise<void>) | null;
}

function row(id: number): SiteSchedule {
	return {
		id,
		name: `schedule ${id}`,
		keepsName: true,
		task: 'shop.tasks.add',
		queue: 'default',
		exchange: null,
		routingKey: null,
		intervalCount: 5,
		intervalType: 'minutes',
		argsText: '',
		content: '{}',
		active: true,
		intervalMs: 300_000,
	};
}

function start(count: number): { readonly site: Site; readonly book: ScheduleBook; readonly clock: ManualClock } {
	const clock = manualClock();
	const site: Site = {
		rows: Array.from({ length: count }, (_, index) => row(index + 1)),
		pages: [],
		trouble: null,
		slow: null,
	};
	const unused = async () => fail('internal', 'not used here');
	const port: SiteSchedules = {
		async schedules(page): Promise<Result<SiteSchedulePage>> {
			site.pages.push(page);
			await site.slow?.();
			if (site.trouble !== null) return site.trouble;
			const items = site.rows.slice((page - 1) * 50, page * 50);
			if (page > 1 && items.length === 0) return fail('not-found', 'no such page');
			const more = site.rows.length > page * 50;
			return ok({ items, total: site.rows.length, page, more, at: clock.now(), unreadable: [], broken: [] });
		},
		schedule: unused,
		addSchedule: unused,
		editSchedule: unused,
		removeSchedule: unused,
		runSchedule: unused,
		taskChoices: unused,
	};
	const book = createCarrotBook({ site: port, clock });
	books.push(book);
	return { site, book, clock };
}

function listen(book: ScheduleBook): { readonly states: BookState[]; changes: number; readonly ends: Disposable[] } {
	const heard = { states: [] as BookState[], changes: 0, ends: [] as Disposable[] };
	heard.ends.push(
		book.onState((state) => heard.states.push(state)),
		book.onChange(() => {
			heard.changes += 1;
		}),
	);
	return heard;
}

/** Changes a row in its place. */
function edit(site: Site, id: number, more: Partial<SiteSchedule>): void {
	const at = site.rows.findIndex((one) => one.id === id);
	site.rows[at] = { ...(site.rows[at] ?? row(id)), ...more };
}

const AWAY = fail('unreachable', 'the site cannot be reached');

describe('watching a carrot site', () => {
	it('asks nothing before somebody listens, and nothing after the last one stopped', async () => {
		const { site, book, clock } = start(3);
		await clock.advance(3_600_000);
		expect(site.pages).toEqual([]);
		expect(book.state()).toEqual({ kind: 'idle' });
		const heard = listen(book);
		await clock.advance(20_000);
		expect(site.pages.length).toBeGreaterThan(2);
		for (const end of heard.ends) end[Symbol.dispose]();
		const asked = site.pages.length;
		await clock.advance(3_600_000);
		expect(site.pages).toHaveLength(asked);
		expect(clock.waiting).toBe(0);
	});

	it('looks once in five seconds however many listen, and says since when it is connected', async () => {
		const { site, book, clock } = start(3);
		const began = clock.now();
		const heard = listen(book);
		const other = listen(book);
		await clock.advance(60_000);
		expect(site.pages).toHaveLength(13);
		expect(heard.states).toEqual([{ kind: 'connected', since: began, server: null }]);
		expect(other.states).toHaveLength(1);
		expect(heard.changes).toBe(1);
	});

	it('tells once of each edit, addition and removal elsewhere', async () => {
		const { site, book, clock } = start(120);
		await book.read();
		const heard = listen(book);
		await clock.advance(10_000);
		expect(heard.changes).toBe(0);
		edit(site, 119, { active: false });
		await clock.advance(10_000);
		expect(heard.changes).toBe(1);
		site.rows.push(row(500));
		await clock.advance(10_000);
		expect(heard.changes).toBe(2);
		site.rows.shift();
		await clock.advance(10_000);
		expect(heard.changes).toBe(3);
		site.rows.shift();
		site.rows.push(row(501));
		await clock.advance(20_000);
		expect(heard.changes).toBe(4);
	});

	it('takes three pages a look on a long list: the first, the last, and those between in turn', async () => {
		const { site, book, clock } = start(500);
		await book.read();
		site.pages.length = 0;
		const heard = listen(book);
		await clock.advance(4_000);
		expect(site.pages.slice(0, 2)).toEqual([1, 10]);
		await clock.advance(36_000);
		expect(site.pages).toHaveLength(27);
		expect(new Set(site.pages).size).toBe(10);
		edit(site, 260, { task: 'shop.tasks.other' });
		await clock.advance(40_000);
		expect(heard.changes).toBe(1);
	});

	it('leaves a slow site nine parts of ten of the time', async () => {
		const { site, book, clock } = start(3);
		let answer = () => {};
		site.slow = () =>
			new Promise((resolve) => {
				answer = resolve;
			});
		listen(book);
		await clock.advance(2_000);
		answer();
		await clock.advance(19_999);
		expect(site.pages).toHaveLength(1);
		await clock.advance(1);
		expect(site.pages).toHaveLength(2);
		answer();
	});

	it('tries ever more rarely while the site does not answer, and says since when and when next', async () => {
		const { site, book, clock } = start(3);
		const heard = listen(book);
		await clock.advance(1);
		site.trouble = AWAY;
		await clock.advance(4_999);
		const since = clock.now();
		const tries: number[] = [];
		for (const wait of [5, 10, 20, 40, 60, 60]) {
			const state = book.state();
			if (state.kind !== 'reconnecting') throw new Error(state.kind);
			expect(state).toMatchObject({ since, nextTryAt: clock.now() + wait * 1_000, reason: AWAY.error.message });
			tries.push(state.attempt);
			await clock.advance(wait * 1_000);
		}
		expect(tries).toEqual([1, 2, 3, 4, 5, 6]);
		expect(heard.changes).toBe(1);
		site.trouble = null;
		await clock.advance(60_000);
		expect(book.state()).toMatchObject({ kind: 'connected' });
		// Nobody knows what happened meanwhile.
		expect(heard.changes).toBe(2);
		site.pages.length = 0;
		await clock.advance(20_000);
		expect(site.pages).toHaveLength(4);
	});

	it('is connected again, and looks as often as before, as soon as anything is answered', async () => {
		const { site, book, clock } = start(3);
		listen(book);
		site.trouble = AWAY;
		await clock.advance(100_000);
		expect(book.state().kind).toBe('reconnecting');
		site.trouble = null;
		expect((await book.read()).ok).toBe(true);
		expect(book.state().kind).toBe('connected');
		site.pages.length = 0;
		await clock.advance(10_000);
		expect(site.pages).toHaveLength(2);
	});

	it.each([
		['refused', fail('refused', 'Give the profile a user and password.')],
		['refused', fail('not-found', 'no such address')],
		['reconnecting', fail('refused', 'failed with 500', { details: { status: 500 } })],
		['reconnecting', fail('timeout', 'no answer')],
	])('is %s when the list answers with %j', async (kind, trouble) => {
		const { site, book, clock } = start(3);
		site.trouble = trouble;
		const heard = listen(book);
		await clock.advance(1);
		const wait = kind === 'refused' ? 60_000 : 5_000;
		expect(book.state()).toMatchObject({ kind, reason: trouble.error.message, nextTryAt: clock.now() - 1 + wait });
		for (const end of heard.ends) end[Symbol.dispose]();
		expect(book.state()).toMatchObject({ kind, nextTryAt: null });
	});

	it('says why it failed without promising another try when nobody listens', async () => {
		const { site, book, clock } = start(3);
		site.trouble = AWAY;
		expect((await book.read()).ok).toBe(false);
		expect(book.state()).toMatchObject({ kind: 'reconnecting', attempt: 1, nextTryAt: null });
		expect(clock.waiting).toBe(0);
	});

	it('ends with its book, in the middle of a look too', async () => {
		const { site, book, clock } = start(3);
		let answer = () => {};
		site.slow = () =>
			new Promise((resolve) => {
				answer = resolve;
			});
		const heard = listen(book);
		await clock.advance(1);
		const ended = book[Symbol.asyncDispose]();
		answer();
		await ended;
		await clock.advance(60_000);
		expect(clock.waiting).toBe(0);
		expect(site.pages).toHaveLength(1);
		expect(heard.changes).toBe(0);
	});

	it('goes no further than a list could reasonably be long', async () => {
		const { site, book } = start(10_050);
		const read = await book.read();
		expect(read.ok ? null : read.error.code).toBe('unsupported');
		expect(site.pages).toEqual([1]);
	});
});
