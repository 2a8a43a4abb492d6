/** What a look at a book shows of each schedule, put beside what is known and waits here. Pure. */
import type { BookEntry, BrokenEntry, ScheduleChange } from '#main/domain/schedule.ts';
import { SCHEDULE_FIELDS } from '#main/domain/schedule.ts';
import { sameDefinitions } from './meaning.ts';
import type { Sight } from './plan.ts';

export interface Look {
	readonly entries: readonly BookEntry[];
	readonly broken: readonly BrokenEntry[];
	/** As last known. */
	readonly stored: readonly BookEntry[];
	readonly changes: readonly ScheduleChange[];
	/** Whether a rename keeps the key in this book. */
	readonly renames: boolean;
	/** Whether this is all of the book, and not some keys of it. */
	readonly whole: boolean;
}

/** One sight per schedule that either side knows. Takes time linear in their number. */
export function sightsOf(look: Look): readonly Sight[] {
	const theirs = byKey(look.entries);
	const stored = byKey(look.stored);
	const changes = byKey(look.changes);
	const broken = new Map(look.broken.map((one) => [one.key, one.reason]));
	const moved = look.whole ? movedKeys(look, theirs, stored, changes) : new Map<string, string>();
	const arrivedAt = new Set(moved.values());
	const sights: Sight[] = [];
	for (const key of new Set([...theirs.keys(), ...stored.keys(), ...changes.keys()])) {
		if (arrivedAt.has(key)) continue;
		const to = moved.get(key) ?? key;
		sights.push({
			key: to,
			theirs: theirs.get(to) ?? null,
			stored: stored.get(key) ?? stored.get(to) ?? null,
			change: changes.get(key) ?? null,
			from: to === key ? null : key,
			broken: theirs.has(to) ? null : (broken.get(key) ?? null),
		});
	}
	return sights;
}

/**
 * Schedules that are in the book under another key than here: made here and sent, without an answer that gave the key; or renamed where
 * a name is the key. Told by name and content, and only where there is no doubt.
 */
function movedKeys(
	look: Look,
	theirs: ReadonlyMap<string, BookEntry>,
	stored: ReadonlyMap<string, BookEntry>,
	changes: ReadonlyMap<string, ScheduleChange>,
): ReadonlyMap<string, string> {
	const moved = new Map<string, string>();
	const taken = new Set<string>();
	const named = new Map(look.entries.map((entry) => [entry.definition.name, entry]));
	for (const { key, sending } of look.changes) {
		if (theirs.has(key) || sending === null || sending.definition === null) continue;
		const entry = named.get(sending.definition.name);
		if (entry === undefined || changes.has(entry.key) || taken.has(entry.key)) continue;
		// A newcomer of that name is taken for ours although it says something else: it may have been edited since. That asks a person.
		if (stored.has(entry.key) && !sameDefinitions(entry.definition, sending.definition)) continue;
		moved.set(key, entry.key);
		taken.add(entry.key);
	}
	for (const [from, to] of takenBackAndRenamed(look, stored, changes, taken)) {
		if (theirs.has(from) || moved.has(from)) continue;
		moved.set(from, to);
		taken.add(to);
	}
	if (look.renames) return moved;
	const unreadable = new Set(look.broken.map(({ key }) => key));
	const gone = look.stored.filter(({ key }) => !theirs.has(key) && !moved.has(key) && !unreadable.has(key));
	const made = look.entries.filter(({ key }) => !stored.has(key) && !taken.has(key) && !changes.has(key));
	const madeBy = alone(made);
	for (const [content, from] of alone(gone)) {
		const to = madeBy.get(content);
		if (from !== null && to != null) moved.set(from, to);
	}
	return moved;
}

/**
 * What was taken back while it was on its way may have arrived and been given another name since: a newcomer that says the same but for
 * its name. Somebody else may have made that one, so it is a conflict, which asks a person; else ours would stay there unsaid.
 */
function takenBackAndRenamed(
	look: Look,
	stored: ReadonlyMap<string, BookEntry>,
	changes: ReadonlyMap<string, ScheduleChange>,
	taken: ReadonlySet<string>,
): readonly (readonly [string, string])[] {
	const sent = look.changes.flatMap(({ key, mine, sending }) =>
		mine === null && sending !== null && sending.definition !== null ? [{ key, definition: sending.definition }] : [],
	);
	if (sent.length === 0) return [];
	const made = alone(look.entries.filter(({ key }) => !stored.has(key) && !taken.has(key) && !changes.has(key)));
	return [...alone(sent)].flatMap(([content, from]) => {
		const to = made.get(content);
		return from !== null && to != null ? [[from, to] as const] : [];
	});
}

/** By all that an entry says but its name: its key, or null where several say the same. */
function alone(entries: readonly Pick<BookEntry, 'key' | 'definition'>[]): ReadonlyMap<string, string | null> {
	const keys = new Map<string, string | null>();
	for (const { key, definition } of entries) {
		const content = JSON.stringify(
			SCHEDULE_FIELDS.filter((field) => field !== 'name').map((field) => definition[field]),
		);
		keys.set(content, keys.has(content) ? null : key);
	}
	return keys;
}

function byKey<T extends { readonly key: string }>(items: readonly T[]): Map<string, T> {
	return new Map(items.map((item) => [item.key, item]));
}
