/**
 * Changes of schedules that a person makes. Every one goes the same way, whatever the book: into the edits that wait, then to the book
 * where it answers. Offline the first half is all there is, and nothing is lost by that.
 */
import type { ProfileId } from '#main/domain/ids.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { BookEntry, BookKind, SyncReport } from '#main/domain/schedule.ts';
import type { RecordStore, ScheduleStore } from '#main/store/store.ts';
import type { Edited, Standing } from '#main/sync/change-set.ts';
import { adopt, editMany } from '#main/sync/edits.ts';

export interface ScheduleTarget {
	readonly profile: ProfileId;
	readonly schedules: ScheduleStore;
	readonly records: RecordStore;
	readonly now: () => number;
	/** Sends the edits of these schedules to their book and takes what it has; `offline` in the report where it does not answer. */
	readonly sync: (book: BookKind, keys: readonly string[]) => Promise<Result<SyncReport>>;
}

/** One schedule by its book and key. */
export interface ScheduleName {
	readonly book: BookKind;
	readonly key: string;
	/** For whoever reads the outcome. */
	readonly name: string;
}

/** What became of one. */
export interface ScheduleEnd extends ScheduleName {
	/** done: in force in its book. waiting: kept here until the book answers. skipped: there was nothing to do. */
	readonly outcome: 'done' | 'waiting' | 'conflict' | 'refused' | 'failed' | 'skipped';
	/** Why, or what a person should know; null: nothing. */
	readonly note: string | null;
}

/** Decides about one schedule as it stands; called again when it changed in between. */
export type Decision = (standing: Standing, now: number) => Result<Edited>;

/** What the journal says of a change. */
export interface ScheduleJournal {
	readonly action: string;
	readonly title: string;
}

/** Why nothing was done about one. */
export const SO_ALREADY = 'It is so already.';

/** Changes schedules and then syncs those that changed, a book at a time; one end each, in their order. */
export async function changeSchedules(
	target: ScheduleTarget,
	names: readonly ScheduleName[],
	decide: Decision,
	journal: ScheduleJournal,
): Promise<readonly ScheduleEnd[]> {
	const { profile, schedules, now } = target;
	const stood = new Map<string, Standing>();
	const edits = await editMany(
		schedules,
		names.map(({ book, key }) => ({ profile, book, key })),
		(standing) => {
			stood.set(idOf(standing), standing);
			return decide(standing, now());
		},
	);
	const ends = new Map<string, ScheduleEnd>();
	const changed: ScheduleName[] = [];
	for (const [at, name] of names.entries()) {
		const edit = edits[at];
		if (edit === undefined) continue;
		if (!edit.ok) ends.set(idOf(name), { ...name, outcome: 'failed', note: edit.error.message });
		else if (edit.value.steps.length > 0) changed.push(name);
		else ends.set(idOf(name), { ...name, outcome: 'skipped', note: SO_ALREADY });
	}
	if (changed.length > 0) {
		await keepJournal(target, journal, changed, stood);
		for (const [book, some] of Map.groupBy(changed, (one) => one.book)) {
			for (const end of await sent(target, book, some)) ends.set(idOf(end), end);
		}
	}
	return names.map((name) => ends.get(idOf(name)) ?? { ...name, outcome: 'skipped', note: null });
}

/** A schedule that was made here, and refused because its book has one of that name, takes that one over: it becomes an edit of it. */
export async function adoptInto(
	target: ScheduleTarget,
	name: ScheduleName,
	other: BookEntry,
	journal: ScheduleJournal,
): Promise<Result<ScheduleEnd>> {
	const { profile, schedules, now } = target;
	const adopted = await adopt(schedules, { profile, book: name.book, key: name.key }, other, now());
	if (!adopted.ok) return adopted;
	const taken = { ...name, key: other.key };
	await keepJournal(target, journal, [taken], new Map());
	const [end] = await sent(target, name.book, [taken]);
	return ok(end ?? { ...taken, outcome: 'waiting', note: null });
}

/** Writes down what was there before, by schedule: entry and waiting edit. */
async function keepJournal(
	target: ScheduleTarget,
	{ action, title }: ScheduleJournal,
	changed: readonly ScheduleName[],
	stood: ReadonlyMap<string, Standing>,
): Promise<void> {
	const before = changed.map((name) => {
		const standing = stood.get(idOf(name));
		return { ...name, definition: standing?.entry?.definition ?? null, change: standing?.change ?? null };
	});
	const entry = { at: target.now(), profile: target.profile, action, title, before: JSON.stringify(before) };
	await target.records.journal(entry);
}

/** Syncs what was changed, and says of each where it stands then. */
async function sent(
	target: ScheduleTarget,
	book: BookKind,
	names: readonly ScheduleName[],
): Promise<readonly ScheduleEnd[]> {
	const report = await target.sync(
		book,
		names.map((one) => one.key),
	);
	const note = report.ok ? report.value.note : report.error.message;
	return Promise.all(
		names.map(async (name): Promise<ScheduleEnd> => {
			const change = await target.schedules.change(target.profile, book, name.key);
			if (change === null) return { ...name, outcome: 'done', note: null };
			if (change.conflict !== null) {
				const fields = change.conflict.fields.join(', ');
				return { ...name, outcome: 'conflict', note: `It was changed in its book as well, in: ${fields}.` };
			}
			if (change.problem !== null) return { ...name, outcome: 'refused', note: change.problem };
			return { ...name, outcome: 'waiting', note };
		}),
	);
}

function idOf({ book, key }: Pick<ScheduleName, 'book' | 'key'>): string {
	return `${book}/${key}`;
}
