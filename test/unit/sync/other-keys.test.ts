/** Syncing with books whose keys change: where a schedule's name is its key, and where the book gives keys of its own. */
import { expect, it } from 'vitest';
import { SCHEDULE_FIELDS, type ScheduleDefinition, type SyncReport } from '#main/domain/schedule.ts';
import { chooseSides, editSchedule, revertSchedule } from '#main/sync/change-set.ts';
import { type Decide, editOne } from '#main/sync/edits.ts';
import type { SyncTarget } from '#main/sync/ports.ts';
import { type SyncOptions, syncBook } from '#main/sync/sync.ts';
import { BookTurns } from '#main/sync/turns.ts';
import { must } from '#test/support/brokers.ts';
import { manualClock } from '#test/support/manual-clock.ts';
import { type MemoryScheduleStore, memoryLeases, memoryScheduleStore } from '#test/support/schedule-store.ts';
import { type KeyStyle, SharedBook, type Weather } from '#test/support/shared-book.ts';
import { SHOP, schedule } from './definitions.ts';

/** A book, and one person's home that works on it. */
class Scene {
	readonly book: SharedBook;
	readonly store: MemoryScheduleStore = memoryScheduleStore();
	/** What writes meet on their way. */
	weather: Weather = 'fine';
	readonly #target: SyncTarget;
	#now = 1_000;

	constructor(keys: KeyStyle) {
		this.book = new SharedBook(keys, 'counter');
		const now = () => this.#now;
		const turns = new BookTurns({ leases: memoryLeases(now), holder: 'here', clock: manualClock(this.#now) });
		const book = this.book.connect('here', (call) => (call === 'write' ? this.weather : 'fine'));
		this.#target = { profile: SHOP, book, store: this.store, turns, now };
	}

	/** Somebody makes one in the book, by other means. */
	made(definition: ScheduleDefinition): void {
		this.book.write('somebody', { kind: 'create', key: definition.name, definition });
	}

	/** Somebody changes one in the book, or removes it. */
	changed(name: string, edited: (was: ScheduleDefinition) => ScheduleDefinition | null): void {
		const entry = this.book.entries.find(({ definition }) => definition.name === name);
		if (entry === undefined) throw new Error(`The book has no ${name}`);
		const definition = edited(entry.definition);
		const at = { key: entry.key, expect: entry.version };
		this.book.write(
			'somebody',
			definition === null ? { kind: 'remove', ...at } : { kind: 'change', ...at, definition },
		);
	}

	async decided(
		key: string,
		decide: (standing: Parameters<Decide>[0], now: number) => ReturnType<Decide>,
	): Promise<void> {
		this.#now += 1_000;
		must(await editOne(this.store, { profile: SHOP, book: this.book.kind, key }, (one) => decide(one, this.#now)));
	}

	async edited(key: string, definition: ScheduleDefinition): Promise<void> {
		await this.decided(key, (standing, now) => ({ ok: true, value: editSchedule(standing, definition, now) }));
	}

	async synced(options: SyncOptions = {}): Promise<SyncReport> {
		this.#now += 1_000;
		return must(await syncBook(this.#target, options));
	}

	async known(): Promise<readonly string[]> {
		const entries = await this.store.entries(SHOP, this.book.kind);
		return entries.map(({ key, definition }) => `${key}: ${definition.name}, ${definition.description}`).toSorted();
	}
}

/** A person's own of "nightly", which was removed in the book, is made anew as "weekly" after "hourly" has become "nightly". */
async function twoOfOneKey(): Promise<Scene> {
	const scene = new Scene('names');
	scene.made(schedule('nightly', { description: 'first' }));
	scene.made(schedule('hourly', { description: 'second' }));
	await scene.synced();
	await scene.edited('redbeat:hourly', schedule('nightly', { description: 'second' }));
	await scene.edited('redbeat:nightly', schedule('weekly', { description: 'mine' }));
	scene.changed('nightly', () => null);
	await scene.synced({ keys: ['redbeat:nightly'] });
	await scene.decided('redbeat:nightly', (standing, now) => {
		const fields = standing.change?.conflict?.fields ?? [];
		return chooseSides(standing, Object.fromEntries(fields.map((field) => [field, 'mine'])), now);
	});
	return scene;
}

it('makes a schedule anew beside the one that has come by its key meanwhile', async () => {
	const scene = await twoOfOneKey();
	const report = await scene.synced();
	expect(report.items.map(({ name, outcome, fields }) => [name, outcome, fields])).toEqual([
		['nightly', 'sent', ['name']],
		['weekly', 'sent', SCHEDULE_FIELDS],
	]);
	expect(await scene.known()).toEqual(['redbeat:nightly: nightly, second', 'redbeat:weekly: weekly, mine']);
	const made = scene.store.past.filter(({ name, by }) => name === 'weekly' && by === 'here');
	expect(made).toMatchObject([{ key: 'redbeat:weekly', what: 'created', before: null }]);
	const renamed = scene.store.past.filter(({ name, by }) => name === 'nightly' && by === 'here');
	expect(renamed).toMatchObject([{ key: 'redbeat:nightly', what: 'changed', before: { name: 'hourly' } }]);
});

it('says of that what the sync then does, in a dry run', async () => {
	const scene = await twoOfOneKey();
	const said = await scene.synced({ dryRun: true });
	const done = await scene.synced();
	const told = ({ items }: SyncReport) =>
		items.map(({ name, outcome, fields, message }) => [name, outcome, fields, message]);
	expect(told(said)).toEqual(told(done));
});

/** One that was made here, sent without an answer, and taken back before anybody knew whether it had arrived. */
async function takenBack(keys: KeyStyle): Promise<Scene> {
	const scene = new Scene(keys);
	await scene.synced();
	await scene.edited('own', schedule('mine', { description: 'on its way' }));
	scene.weather = 'lost';
	expect((await scene.synced()).state).toBe('partly');
	scene.weather = 'fine';
	await scene.decided('own', revertSchedule);
	return scene;
}

for (const keys of ['names', 'given'] as const) {
	it(`asks about one that was taken back on its way and got another name there, where keys are ${keys}`, async () => {
		const scene = await takenBack(keys);
		scene.changed('mine', (was) => ({ ...was, name: 'theirs' }));
		const report = await scene.synced();
		expect(report.items.map(({ outcome, formerKey }) => [outcome, formerKey])).toEqual([['conflict', 'own']]);
		const [change] = await scene.store.changes(SHOP);
		expect(change).toMatchObject({ mine: null, conflict: { theirs: { name: 'theirs' } } });
		await scene.decided(change?.key ?? '', (standing, now) => chooseSides(standing, { name: 'mine' }, now));
		await scene.synced();
		expect(scene.book.entries).toEqual([]);
		expect(await scene.known()).toEqual([]);
	});

	it(`takes neither of two for it that say the same, where keys are ${keys}`, async () => {
		const scene = await takenBack(keys);
		scene.changed('mine', (was) => ({ ...was, name: 'one' }));
		scene.made(schedule('other', { description: 'on its way' }));
		const report = await scene.synced();
		expect(report.items.map(({ name, outcome }) => [name, outcome]).toSorted()).toEqual([
			['one', 'received'],
			['other', 'received'],
		]);
		expect(await scene.store.changes(SHOP)).toEqual([]);
	});
}
