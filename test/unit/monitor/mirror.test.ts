import { describe, expect, it } from 'vitest';
import { profileId, taskId } from '#main/domain/ids.ts';
import { CARROT_DIALECT } from '#main/domain/profile.ts';
import { fail, ok } from '#main/domain/result.ts';
import type { SiteRow, SiteTab } from '#main/domain/site.ts';
import type { HistoryOp, TaskDetail } from '#main/domain/task.ts';
import { createMirror, type MirrorView } from '#main/monitor/carrot-site/mirror.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { siteRow, siteSchedule } from './site-rows.ts';

/** A site and a history that a test fills by hand. */
function setUp() {
	const lists = new Map<SiteTab, SiteRow[]>();
	const ops: HistoryOp[] = [];
	const known = new Map<string, { readonly state: 'running' | 'succeeded'; readonly worker: string }>();
	const clock = manualClock();
	const site = { away: false, awayFor: null as SiteTab | null, asked: 0, overlapping: 0 };
	let open = 0;
	const mirror = createMirror({
		profile: profileId('p'),
		dialect: CARROT_DIALECT,
		clock,
		client: {
			async page(tab, page, _search, signal) {
				site.asked += 1;
				open += 1;
				site.overlapping = Math.max(site.overlapping, open);
				await Promise.resolve();
				open -= 1;
				if (signal?.aborted === true) return fail('cancelled', 'It was cancelled.');
				if (site.away || site.awayFor === tab) return fail('unreachable', 'The site is away.');
				const all = lists.get(tab) ?? [];
				const items = all.slice((page - 1) * 50, page * 50);
				return ok({ items, total: all.length, page, more: all.length > page * 50, at: clock.now(), unreadable: [] });
			},
			schedules: async (page) =>
				ok({ items: [], total: 0, page, more: false, at: clock.now(), unreadable: [], broken: [] }),
		},
		history: {
			async apply(more) {
				ops.push(...more);
				return more.map(() => null);
			},
			taskOfMessage: async (_profile, id) => (known.has(id) ? taskId(id) : null),
			detail: async (_profile, id) => {
				const attempt = known.get(id);
				return { history: [{ ...attempt, messageId: id }] } as unknown as TaskDetail;
			},
		},
	});
	return { lists, ops, known, clock, site, mirror };
}
const kinds = (ops: readonly HistoryOp[]) => ops.map((op) => op.kind);

describe('the mirror of a site', () => {
	it('waits a look before it tells of a row that changed this moment', async () => {
		const { mirror, lists, ops } = setUp();
		lists.set('published', [siteRow({ status: 'IN_PROGRESS' })]);
		await mirror.page('published', 1, '');
		expect(kinds(ops)).toEqual(['waiting']);
		await mirror.page('published', 1, '');
		expect(kinds(ops)).toEqual(['waiting', 'waiting', 'started']);
	});

	it("leaves a row to the consumer of Warren's own that ran it", async () => {
		const { mirror, lists, ops, known } = setUp();
		const row = siteRow({ status: 'IN_PROGRESS' });
		lists.set('published', [row]);
		known.set(row.uuid, { state: 'running', worker: 'host:1:set' });
		await mirror.page('published', 1, '');
		await mirror.page('published', 1, '');
		lists.set('published', []);
		lists.set('completed', [{ ...row, status: 'COMPLETED', completedAt: 5 }]);
		await mirror.page('completed', 1, '');
		expect(ops).toEqual([]);
	});

	it('tells of each row once, however often it is seen', async () => {
		const { mirror, lists, ops } = setUp();
		lists.set('failed', [siteRow({ status: 'FAILED', failedAt: 5 })]);
		for (let n = 0; n < 3; n += 1) await mirror.page('failed', 1, '');
		expect(kinds(ops)).toEqual(['waiting', 'started', 'finished']);
	});

	it('looks in turns, one request at a time, for all watchers together, and not at all for none', async () => {
		const { mirror, clock, site } = setUp();
		const seen: MirrorView[] = [];
		const one = mirror.watch(10_000, (view) => seen.push(view));
		const two = mirror.watch(10_000, () => {});
		await clock.advance(0);
		expect(site.asked).toBe(3);
		await clock.advance(10_000);
		expect(site.asked).toBe(6);
		expect(site.overlapping).toBe(1);
		await one[Symbol.asyncDispose]();
		await clock.advance(10_000);
		expect(site.asked).toBe(9);
		await two[Symbol.asyncDispose]();
		await clock.advance(60_000);
		expect(site.asked).toBe(9);
		expect(clock.waiting).toBe(0);
		expect(seen.at(-1)).toMatchObject({ problem: null, counts: { published: 0 } });
	});

	it('says that a site is away, keeps what it knew, and finds it again', async () => {
		const { mirror, clock, site, lists } = setUp();
		lists.set('failed', [siteRow({ status: 'FAILED', failedAt: 5 })]);
		await using _watch = mirror.watch(10_000, () => {});
		await clock.advance(0);
		const before = mirror.view();
		site.away = true;
		await clock.advance(10_000);
		expect(mirror.view()).toEqual({ ...before, problem: 'The site is away.' });
		site.away = false;
		await clock.advance(10_000);
		expect(mirror.view()).toMatchObject({ problem: null, revision: before.revision });
	});

	it('raises its revision only when rows came or changed', async () => {
		const { mirror, clock, lists } = setUp();
		await using _watch = mirror.watch(10_000, () => {});
		await clock.advance(0);
		const { revision } = mirror.view();
		await clock.advance(30_000);
		expect(mirror.view().revision).toBe(revision);
		lists.set('failed', [siteRow({ status: 'FAILED', failedAt: 5 })]);
		await clock.advance(10_000);
		expect(mirror.view().revision).toBe(revision + 1);
	});

	it('tells of a row that changed, though somebody else read it first', async () => {
		const { mirror, clock, lists } = setUp();
		const row = siteRow({ status: 'PUBLISHED' });
		lists.set('published', [row]);
		await using _watch = mirror.watch(10_000, () => {});
		await clock.advance(0);
		const { revision } = mirror.view();
		lists.set('published', [{ ...row, status: 'IN_PROGRESS' }]);
		await mirror.page('published', 1, '');
		await clock.advance(10_000);
		expect(mirror.view().revision).toBe(revision + 1);
	});

	it('tells of a row that changed, though the look that saw it first failed half way', async () => {
		const { mirror, clock, lists, site } = setUp();
		const row = siteRow({ status: 'PUBLISHED' });
		lists.set('published', [row]);
		await using _watch = mirror.watch(10_000, () => {});
		await clock.advance(0);
		const { revision } = mirror.view();
		lists.set('published', [{ ...row, status: 'IN_PROGRESS' }]);
		site.awayFor = 'failed';
		await clock.advance(10_000);
		expect(mirror.view()).toMatchObject({ revision, problem: 'The site is away.' });
		site.awayFor = null;
		await clock.advance(10_000);
		expect(mirror.view()).toMatchObject({ revision: revision + 1, problem: null });
	});

	it('looks at once for who comes while the look of those who left is being ended', async () => {
		const { mirror, clock, site } = setUp();
		const first = mirror.watch(60_000, () => {});
		const left = first[Symbol.asyncDispose]();
		const seen: MirrorView[] = [];
		await using _watch = mirror.watch(60_000, (view) => seen.push(view));
		await left;
		await clock.advance(0);
		expect(seen.at(-1)).toMatchObject({ counts: { published: 0 }, at: clock.now() });
		expect(site.overlapping).toBe(1);
	});

	it('looks as often as the most impatient watcher wants, whoever came last', async () => {
		const { mirror, clock, site } = setUp();
		await using _slow = mirror.watch(60_000, () => {});
		await clock.advance(0);
		const quick = mirror.watch(5_000, () => {});
		await clock.advance(5_000);
		expect(site.asked).toBe(6);
		await using _slower = mirror.watch(300_000, () => {});
		await clock.advance(5_000);
		expect(site.asked).toBe(9);
		await quick[Symbol.asyncDispose]();
		await clock.advance(65_000);
		expect(site.asked).toBe(15);
	});

	it('keeps a row once, though two read it at the same time', async () => {
		const { mirror, lists, ops } = setUp();
		lists.set('failed', [siteRow({ status: 'FAILED', failedAt: 5 })]);
		await Promise.all([mirror.page('failed', 1, ''), mirror.page('failed', 1, '')]);
		expect(kinds(ops)).toEqual(['waiting', 'started', 'finished']);
	});

	it('reads a list to its end, and does not call it complete when it moved meanwhile', async () => {
		const { mirror, lists } = setUp();
		const rows = Array.from({ length: 120 }, () => siteRow({ status: 'FAILED', failedAt: 5 }));
		lists.set('failed', rows);
		expect(await mirror.all('failed', '', 1_000)).toMatchObject({ ok: true, value: { complete: true } });
		const short = await mirror.all('failed', '', 60);
		expect(short.ok && [short.value.items.length, short.value.complete]).toEqual([60, false]);
	});

	it('counts a schedule anew when its interval changes or it was switched off meanwhile', async () => {
		const { mirror, clock } = setUp();
		const schedule = siteSchedule();
		const start = clock.now();
		expect(mirror.noteSchedules([schedule]).get(schedule.id)).toBe(start);
		await clock.advance(5_000);
		expect(mirror.noteSchedules([schedule]).get(schedule.id)).toBe(start);
		expect(mirror.noteSchedules([{ ...schedule, intervalMs: 9 }]).get(schedule.id)).toBe(start + 5_000);
	});
});
