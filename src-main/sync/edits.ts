/** Edits as they are made: read what stands, decide, commit; decided anew when somebody else was quicker. */
import { ok, type Result } from '#main/domain/result.ts';
import type { BookEntry } from '#main/domain/schedule.ts';
import type { ExpectedChange } from '#main/store/store.ts';
import { adoptSchedule, type Edited, type Standing } from './change-set.ts';
import type { ScheduleRef } from './past.ts';
import type { SyncStore } from './ports.ts';

/** Decides about one schedule; may be asked again with what stands by then. */
export type Decide = (standing: Standing) => Result<Edited>;

/** Edits of one transaction. */
const BATCH = 250;
/** From so many schedules on all are read at once rather than one by one. */
const MANY = 20;

/**
 * Carries out an edit of one schedule: what `decide` (one of the decisions of `change-set.ts`) says of it as it stands. Nothing is
 * written to the book; that is for the sync that follows. Fails with what `decide` fails with.
 */
export async function editOne(store: SyncStore, of: ScheduleRef, decide: Decide): Promise<Result<Edited>> {
	for (;;) {
		const standing = await standingOf(store, of);
		const edited = decide(standing);
		if (!edited.ok || (await committed(store, [{ standing, edited: edited.value }]))) return edited;
	}
}

/** The same for many schedules of one profile: a result for each, in their order. */
export async function editMany(
	store: SyncStore,
	refs: readonly ScheduleRef[],
	decide: Decide,
): Promise<readonly Result<Edited>[]> {
	const results: Result<Edited>[] = [];
	const [first] = refs;
	if (first === undefined) return results;
	const standings = refs.length < MANY ? null : await allStandings(store, first.profile);
	for (let start = 0; start < refs.length; start += BATCH) {
		const batch = refs.slice(start, start + BATCH);
		const tried = await Promise.all(
			batch.map(async (of) => {
				const standing = standings?.(of) ?? (await standingOf(store, of));
				return { standing, edited: decide(standing) };
			}),
		);
		const fine = tried.flatMap(({ standing, edited }) => (edited.ok ? [{ standing, edited: edited.value }] : []));
		if (await committed(store, fine)) results.push(...tried.map(({ edited }) => edited));
		// One of them was edited by somebody else in between: each by itself then.
		else for (const of of batch) results.push(await editOne(store, of, decide));
	}
	return results;
}

/** Has a schedule that was made here take over the one of its book that has the name already: it becomes an edit of that one. */
export async function adopt(store: SyncStore, of: ScheduleRef, other: BookEntry, now: number): Promise<Result<Edited>> {
	for (;;) {
		const standing = await standingOf(store, of);
		const theirs = await store.change(of.profile, of.book, other.key);
		const edited = adoptSchedule(standing, other, theirs, now);
		if (!edited.ok) return edited;
		const expected = [expectedOf(standing), { book: of.book, key: other.key, change: theirs }];
		if (await store.commitIf(of.profile, expected, edited.value.steps)) return ok(edited.value);
	}
}

async function committed(
	store: SyncStore,
	edits: readonly { readonly standing: Standing; readonly edited: Edited }[],
): Promise<boolean> {
	const steps = edits.flatMap(({ edited }) => edited.steps);
	const [first] = edits;
	if (first === undefined || steps.length === 0) return true;
	const expected = edits.map(({ standing }) => expectedOf(standing));
	return await store.commitIf(first.standing.profile, expected, steps);
}

function expectedOf({ book, key, change }: Standing): ExpectedChange {
	return { book, key, change };
}

/** The edit is read before the entry: an entry older than what an edit that is settled by now made of it would be taken for its base. */
async function standingOf(store: SyncStore, { profile, book, key }: ScheduleRef): Promise<Standing> {
	const change = await store.change(profile, book, key);
	return { profile, book, key, entry: await store.entry(profile, book, key), change };
}

async function allStandings(store: SyncStore, profile: ScheduleRef['profile']): Promise<(of: ScheduleRef) => Standing> {
	const changes = await store.changes(profile);
	const entries = await store.entries(profile, null);
	const nameOf = ({ book, key }: Omit<ScheduleRef, 'profile'>) => `${book}/${key}`;
	const entryOf = new Map(entries.map((entry) => [nameOf(entry), entry]));
	const changeOf = new Map(changes.map((change) => [nameOf(change), change]));
	return ({ book, key }) => {
		const name = nameOf({ book, key });
		return { profile, book, key, entry: entryOf.get(name) ?? null, change: changeOf.get(name) ?? null };
	};
}
