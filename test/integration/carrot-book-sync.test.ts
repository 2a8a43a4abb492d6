import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '#main/domain/clock.ts';
import { profileId } from '#main/domain/ids.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { NEW_SCHEDULE, type ScheduleDefinition, type SyncReport } from '#main/domain/schedule.ts';
import { createSiteClient } from '#main/monitor/carrot-site/client.ts';
import { createCarrotBook } from '#main/scheduler/books/carrot.ts';
import { editSchedule, removeSchedule } from '#main/sync/change-set.ts';
import { editOne } from '#main/sync/edits.ts';
import type { SyncTarget } from '#main/sync/ports.ts';
import { syncBook } from '#main/sync/sync.ts';
import { BookTurns } from '#main/sync/turns.ts';
import { type StandInSite, startStandIn } from '#test/support/carrot-site/server.ts';
import { storeOf } from './consumer-host.ts';

const PROFILE = profileId('test');
const stacks: AsyncDisposableStack[] = [];
afterEach(async () => {
	for (const stack of stacks.splice(0)) await stack.disposeAsync();
});

function value<T>(result: Result<T>): T {
	if (!result.ok) throw new Error(`${result.error.code}: ${result.error.message}`);
	return result.value;
}

interface Console {
	readonly site: StandInSite;
	/** As a person edits it here; null removes it. */
	edit(key: string, definition: ScheduleDefinition | null): Promise<void>;
	sync(): Promise<SyncReport>;
	/** What the list would show from the book, by key. */
	entries(): Promise<ReadonlyMap<string, ScheduleDefinition>>;
	waiting(): Promise<number>;
}

async function open(): Promise<Console> {
	const stack = new AsyncDisposableStack();
	stacks.push(stack);
	const home = mkdtempSync(join(tmpdir(), 'warren-carrot-sync-'));
	stack.defer(() => rmSync(home, { recursive: true, force: true }));
	const store = stack.use(await storeOf(home));
	const site = stack.use(await startStandIn());
	const client = stack.use(
		createSiteClient({
			base: site.url,
			tls: null,
			credentials: async () => ok(null),
			clock: systemClock,
			agent: 'Warren test',
		}),
	);
	const book = stack.use(createCarrotBook({ site: client, clock: systemClock }));
	const turns = new BookTurns({ leases: store.leases, holder: 'test', clock: systemClock });
	const { schedules } = store;
	const target: SyncTarget = { profile: PROFILE, book, store: schedules, turns, now: Date.now };
	return {
		site,
		async edit(key, definition) {
			const of = { profile: PROFILE, book: 'carrot', key } as const;
			value(
				await editOne(schedules, of, (standing) =>
					definition === null
						? removeSchedule(standing, Date.now())
						: ok(editSchedule(standing, definition, Date.now())),
				),
			);
		},
		sync: async () => value(await syncBook(target)),
		async entries() {
			return new Map((await schedules.entries(PROFILE, 'carrot')).map((one) => [one.key, one.definition]));
		},
		waiting: async () => (await schedules.changes(PROFILE)).length,
	};
}

const MINE: ScheduleDefinition = {
	...NEW_SCHEDULE,
	name: 'nightly',
	task: 'shop.tasks.tidy',
	recurrence: { kind: 'every', count: 1, unit: 'days', align: 'last-run' },
};
const outcomes = (report: SyncReport) => report.items.map((item) => [item.outcome, item.resumed]);

describe("a carrot site's schedules, edited here and there", () => {
	it('are made and removed there by the next sync, under the number that the site gives them', async () => {
		const { site, edit, sync, entries, waiting } = await open();
		await edit('made here', MINE);
		expect(outcomes(await sync())).toEqual([['sent', null]]);
		const [row] = [...site.schedules.values()];
		expect([...(await entries())]).toEqual([[String(row?.id), MINE]]);
		await edit(String(row?.id), null);
		expect(outcomes(await sync())).toEqual([['sent', null]]);
		expect([site.schedules.size, (await entries()).size, await waiting()]).toEqual([0, 0, 0]);
	});

	it('are not made twice when the answer was lost and the site went away', async () => {
		const { site, edit, sync, entries, waiting } = await open();
		await edit('made here', MINE);
		site.mishap(/^POST/, 'break-after');
		// The list is read before the creation, and cannot be read after it.
		site.after(/^POST/, () => site.mishap(/^GET/, 'break', 3));
		expect(await sync()).toMatchObject({ state: 'partly', items: [{ outcome: 'waiting' }] });
		expect([site.schedules.size, await waiting()]).toEqual([1, 1]);
		expect(await sync()).toMatchObject({ state: 'done', items: [{ resumed: 'already' }] });
		expect([site.schedules.size, (await entries()).size, await waiting()]).toEqual([1, 1, 0]);
	});

	it('keep edits of different fields from both sides, also of one that comes between reading and writing', async () => {
		const { site, edit, sync, entries, waiting } = await open();
		const row = site.addSchedule({ task_name: 'nightly', content: '{"n": 1}' });
		await sync();
		const key = String(row.id);
		const base = (await entries()).get(key) ?? MINE;
		await edit(key, { ...base, active: false });
		row.queue = 'theirs';
		site.before(/^PATCH/, () => Object.assign(row, { content: '{"n": 2}' }));
		expect((await sync()).items).toMatchObject([{ outcome: 'merged' }]);
		expect(row).toMatchObject({ active: false, queue: 'theirs', content: '{"n": 2}' });
		// Theirs that came in between is told as theirs.
		expect((await sync()).items).toMatchObject([{ outcome: 'received', fields: ['kwargs'] }]);
		expect((await entries()).get(key)).toMatchObject({ active: false, queue: 'theirs', kwargs: '{"n": 2}' });
		expect(await waiting()).toBe(0);
	});

	it('are merged once more when a save of theirs undid ours', async () => {
		const { site, edit, sync, entries, waiting } = await open();
		const row = site.addSchedule({ task_name: 'nightly' });
		await sync();
		const key = String(row.id);
		await edit(key, { ...((await entries()).get(key) ?? MINE), active: false });
		const theirs = { ...row, content: '{"theirs": 1}' };
		site.after(/^PATCH/, () => Object.assign(row, theirs));
		expect((await sync()).items).toMatchObject([{ outcome: 'merged' }]);
		expect(row).toMatchObject({ active: false, content: '{"theirs": 1}' });
		expect(await waiting()).toBe(0);
	});

	it('wait for a person where both sides changed the same', async () => {
		const { site, edit, sync, entries, waiting } = await open();
		const row = site.addSchedule({ task_name: 'nightly' });
		await sync();
		const key = String(row.id);
		await edit(key, { ...((await entries()).get(key) ?? MINE), queue: 'mine' });
		row.queue = 'theirs';
		expect((await sync()).items).toMatchObject([{ outcome: 'conflict', fields: ['queue'] }]);
		expect([row.queue, await waiting()]).toEqual(['theirs', 1]);
	});

	it('are refused with the reason where the site would not have them, and nothing else is held up', async () => {
		const { site, edit, sync, waiting } = await open();
		site.addSchedule({ task_name: 'taken' });
		await sync();
		await edit('one', { ...MINE, name: 'taken' });
		await edit('two', { ...MINE, name: 'weekly', args: '[1, 2]' });
		await edit('three', MINE);
		const report = await sync();
		const reasons = Object.fromEntries(report.items.map((item) => [item.name, [item.outcome, item.message ?? '']]));
		expect(reasons.taken).toEqual(['refused', expect.stringContaining('another schedule "taken"')]);
		expect(reasons.weekly).toEqual(['refused', expect.stringContaining('keyword argument')]);
		expect(reasons.nightly?.[0]).toBe('sent');
		expect([site.schedules.size, await waiting()]).toEqual([2, 2]);
	});
});
