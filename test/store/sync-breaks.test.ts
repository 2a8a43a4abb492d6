/**
 * A sync that breaks off at every place where it can, on the real store: killed at each call, before and after it takes effect; cut off from
 * each call on; each write's answer lost. The next sync has to end where an unbroken one ends, and to say what it found.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ProfileId, profileId } from '#main/domain/ids.ts';
import type { ScheduleDefinition, SyncReport } from '#main/domain/schedule.ts';
import type { OpenStore } from '#main/store/client.ts';
import { editSchedule, removeSchedule } from '#main/sync/change-set.ts';
import { editOne } from '#main/sync/edits.ts';
import type { SyncBook, SyncStore } from '#main/sync/ports.ts';
import { syncBook } from '#main/sync/sync.ts';
import { BookTurns } from '#main/sync/turns.ts';
import { must } from '#test/support/brokers.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { type MortalProcess, mortal } from '#test/support/mortal-process.ts';
import { schedule } from '#test/support/schedule-samples.ts';
import { memoryLeases } from '#test/support/schedule-store.ts';
import { type KeyStyle, SharedBook, type Weather } from '#test/support/shared-book.ts';
import { storeOf, type TestHome, testHome } from './open.ts';

let home: TestHome;
let store: OpenStore;
beforeAll(async () => {
	home = testHome();
	store = await storeOf(home.home);
});
afterAll(async () => {
	await store?.[Symbol.asyncDispose]();
	home?.[Symbol.dispose]();
});

/** One home and one book, both as they were when the network was gone. */
interface Scene {
	readonly profile: ProfileId;
	readonly book: SharedBook;
	/** What the last sync that was asked said; null: it was killed. */
	report: SyncReport | null;
	now: number;
}

let scenes = 0;

async function scene(keys: KeyStyle): Promise<Scene> {
	scenes += 1;
	const one: Scene = {
		profile: profileId(`p${scenes}`),
		book: new SharedBook(keys, 'content'),
		report: null,
		now: 1_000,
	};
	const { book } = one;
	for (const name of ['edited', 'both', 'clash', 'gone', 'first', 'second', 'theirs', 'taken'])
		book.write('somebody', { kind: 'create', key: `k-${name}`, definition: schedule(name) });
	await sync(one);
	// Here, offline.
	await edit(one, 'edited', (was) => ({ ...was, queue: 'bulk', priority: 7 }));
	await edit(one, 'both', (was) => ({ ...was, queue: 'bulk' }));
	await edit(one, 'clash', (was) => ({ ...was, description: 'mine' }));
	await edit(one, 'gone', () => null);
	// One wants the name that another gives up.
	await edit(one, 'second', (was) => ({ ...was, name: 'third' }));
	await edit(one, 'first', (was) => ({ ...was, name: 'second' }));
	await make(one, schedule('made', { args: '1' }));
	// There, meanwhile.
	change(book, 'both', (was) => ({ ...was, description: 'theirs' }));
	change(book, 'clash', (was) => ({ ...was, description: 'theirs' }));
	change(book, 'theirs', (was) => ({ ...was, priority: 1 }));
	change(book, 'taken', () => null);
	book.write('somebody', { kind: 'create', key: 'k-new', definition: schedule('new') });
	return one;
}

function change(book: SharedBook, name: string, edited: (was: ScheduleDefinition) => ScheduleDefinition | null): void {
	const entry = book.entries.find((one) => one.definition.name === name);
	if (entry === undefined) throw new Error(`The book has no ${name}`);
	const definition = edited(entry.definition);
	const { key, version: expect } = entry;
	book.write(
		'somebody',
		definition === null ? { kind: 'remove', key, expect } : { kind: 'change', key, expect, definition },
	);
}

async function edit(
	{ profile, book, now }: Scene,
	name: string,
	edited: (was: ScheduleDefinition) => ScheduleDefinition | null,
): Promise<void> {
	const entry = (await store.schedules.entries(profile, book.kind)).find((one) => one.definition.name === name);
	if (entry === undefined) throw new Error(`Nobody knows ${name}`);
	const definition = edited(entry.definition);
	must(
		await editOne(store.schedules, { profile, book: book.kind, key: entry.key }, (standing) =>
			definition === null
				? removeSchedule(standing, now)
				: { ok: true, value: editSchedule(standing, definition, now) },
		),
	);
}

async function make({ profile, book, now }: Scene, definition: ScheduleDefinition): Promise<void> {
	const of = { profile, book: book.kind, key: 'own-1' };
	must(
		await editOne(store.schedules, of, (standing) => ({ ok: true, value: editSchedule(standing, definition, now) })),
	);
}

/** Syncs in a process of its own. */
async function sync(
	one: Scene,
	ways: { readonly weather?: (call: string) => Weather; readonly process?: MortalProcess } = {},
): Promise<SyncReport | null> {
	const process = ways.process ?? { dead: false, fuse: null };
	one.now += 1_000;
	const { now } = one;
	const leases = memoryLeases(() => now);
	const book: SyncBook = mortal(one.book.connect('here', ways.weather), process);
	const wired: SyncStore = mortal(store.schedules, process);
	const turns = new BookTurns({ leases, holder: 'here', clock: manualClock(now), patienceMs: 0 });
	one.report = null;
	try {
		one.report = must(await syncBook({ profile: one.profile, book, store: wired, turns, now: () => now }));
	} catch (error) {
		if (!process.dead) throw error;
	}
	return one.report;
}

/** Where it ends: what the book has, what is known of it here, what waits here, and what of mine and theirs the past still has. */
async function ending({ profile, book }: Scene): Promise<string> {
	const said = (definitions: readonly ScheduleDefinition[]) =>
		definitions
			.map((one) => JSON.stringify(one))
			.toSorted()
			.join('\n');
	const known = await store.schedules.entries(profile, book.kind);
	const waiting = await store.schedules.changes(profile);
	const past = await store.schedules.versions(profile, null, 500);
	const kept = past.flatMap(({ before, after }) => [before, after]).filter((one) => one !== null);
	const lines = (definitions: readonly ScheduleDefinition[]) =>
		[...new Set(definitions.map((one) => JSON.stringify(one)))].toSorted();
	return [
		said(book.entries.map((entry) => entry.definition)),
		said(known.map((entry) => entry.definition)),
		...waiting.map(({ mine, conflict, sending }) =>
			JSON.stringify([mine, conflict?.theirs, conflict?.fields, sending]),
		),
		...lines(kept),
	].join('\n---\n');
}

/** The first syncs as it may; the second must come to the same as if nothing had been. */
async function recovers(one: Scene, whole: string, where: string): Promise<void> {
	const half = (await store.schedules.changes(one.profile)).filter((waits) => waits.sending !== null);
	expect(half.length, `${where}: at most one is on its way`).toBeLessThanOrEqual(1);
	// Whether it had arrived is seen by the book alone.
	const [sent] = half;
	const arrived =
		sent !== undefined &&
		(sent.sending?.definition == null
			? !one.book.entries.some((entry) => entry.key === sent.key)
			: one.book.entries.some(
					(entry) => JSON.stringify(entry.definition) === JSON.stringify(sent.sending?.definition),
				));
	const report = await sync(one);
	expect(report?.state, where).toBe('done');
	expect(await ending(one), where).toBe(whole);
	const item =
		sent === undefined ? null : report?.items.find(({ key, formerKey }) => [key, formerKey].includes(sent.key));
	if (sent !== undefined) expect(item?.resumed, `${where}: what was on its way`).toBe(arrived ? 'already' : 'again');
	else
		expect(
			report?.items.every(({ resumed }) => resumed === null),
			where,
		).toBe(true);
	// And then there is nothing left to do.
	const again = await sync(one);
	expect(
		again?.items.filter(({ outcome }) => outcome !== 'conflict'),
		where,
	).toEqual([]);
}

describe.each(['chosen', 'given', 'names'] as const)('a sync that breaks off, of a book whose keys are %s', (keys) => {
	let whole: string;
	beforeAll(async () => {
		const one = await scene(keys);
		expect((await sync(one))?.state).toBe('done');
		whole = await ending(one);
		expect(whole).toContain('"third"');
	});

	it.each([false, true])(
		'is carried on after a kill at any call (the last one takes effect: %s)',
		async (takesEffect) => {
			for (let left = 0; ; left += 1) {
				const one = await scene(keys);
				const process: MortalProcess = { dead: false, fuse: { left, takesEffect } };
				await sync(one, { process });
				if (!process.dead) {
					expect(left).toBeGreaterThan(20);
					break;
				}
				await recovers(one, whole, `killed at call ${left}`);
			}
		},
	);

	it('says what waits when the connection drops at any call, and sends it when it is back', async () => {
		for (let at = 1; ; at += 1) {
			const one = await scene(keys);
			let calls = 0;
			const report = await sync(one, { weather: () => (++calls >= at ? 'cut' : 'fine') });
			if (calls < at) {
				expect(at).toBeGreaterThan(6);
				break;
			}
			expect(report?.state).toBe(at === 1 ? 'offline' : 'partly');
			expect(report?.note).toEqual(expect.any(String));
			expect(report?.items.some(({ outcome }) => outcome === 'waiting')).toBe(true);
			await recovers(one, whole, `cut off at call ${at}`);
		}
	});

	it('finds out about a write whose answer was lost, whichever it was', async () => {
		for (let at = 1; ; at += 1) {
			const one = await scene(keys);
			let writes = 0;
			const report = await sync(one, {
				weather: (call) => (call === 'write' && ++writes === at ? 'lost' : writes >= at ? 'cut' : 'fine'),
			});
			if (writes < at) {
				expect(at).toBeGreaterThan(6);
				break;
			}
			expect(report?.state).toBe('partly');
			expect(report?.items.filter(({ message }) => message?.includes('no answer came') === true)).toHaveLength(1);
			await recovers(one, whole, `the answer of write ${at} lost`);
		}
	});
});
