/**
 * Edits that wait: what becomes of one when a person edits, removes, takes back or chooses. Pure; what is decided is a few steps for the
 * store. Nothing that a person typed is dropped without an entry of the past that keeps it.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type {
	BookEntry,
	ScheduleChange,
	ScheduleConflict,
	ScheduleDefinition,
	ScheduleField,
} from '#main/domain/schedule.ts';
import { SCHEDULE_FIELDS } from '#main/domain/schedule.ts';
import type { ScheduleStep } from '#main/store/store.ts';
import { differing, identical, identicalDefinitions } from './meaning.ts';
import { type Choices, mergeDefinitions, pick } from './merge.ts';
import { pastStep, type ScheduleRef } from './past.ts';

/** One schedule as this home knows it. */
export interface Standing extends ScheduleRef {
	/** As its book was last known to have it; null: not at all. */
	readonly entry: BookEntry | null;
	/** The edit that waits; null: none. */
	readonly change: ScheduleChange | null;
}

/** What was decided. */
export interface Edited {
	/** The edit that waits from now on; null: none. */
	readonly change: ScheduleChange | null;
	/** What the store is to do; empty: nothing changes. */
	readonly steps: readonly ScheduleStep[];
}

const NOTHING: Edited = { change: null, steps: [] };

/**
 * A person wants it so: makes it where neither book nor edit has it, revises the edit that waits, brings back what was to be removed.
 * An edit that comes back to what the book has disappears, unless it is being sent.
 */
export function editSchedule(standing: Standing, definition: ScheduleDefinition, now: number): Edited {
	const { change, entry } = standing;
	if (change !== null) return altered(change, definition, now);
	if (entry !== null && identicalDefinitions(entry.definition, definition)) return NOTHING;
	return put(begun(standing, definition, now));
}

/** A person wants it gone. One that was only made here goes at once. `not-found` where there is none. */
export function removeSchedule(standing: Standing, now: number): Result<Edited> {
	const { change, entry } = standing;
	if (change !== null) return ok(altered(change, null, now));
	if (entry === null) return fail('not-found', 'There is no such schedule any more.');
	return ok(put(begun(standing, null, now)));
}

/**
 * Takes the edit that waits back: the schedule is again as its book has it. What is being sent may be there already, so it is written
 * back. `not-found` where none waits.
 */
export function revertSchedule({ change, entry }: Standing, now: number): Result<Edited> {
	if (change === null)
		return fail('not-found', 'No edit of this schedule waits, so that there is nothing to take back.');
	if (change.sending !== null) return ok(altered(change, change.base, now, 'reverted'));
	const past = givenUp(change, entry?.definition ?? null, now, 'reverted');
	return ok({ change: null, steps: [settled(change), ...past] });
}

/**
 * Chooses sides for fields in conflict, on top of earlier choices. When all are chosen, the edit is based on what the book has, and
 * the values that were not chosen go into the past. Where one side removed it, the choice is one: keep it or let it go.
 * `not-found` without a conflict; `invalid-input` (`details.fields`) for fields that are in none.
 */
export function chooseSides({ change }: Standing, choices: Choices, now: number): Result<Edited> {
	const conflict = change?.conflict ?? null;
	if (change === null || conflict === null) {
		return fail('not-found', 'This schedule is not in conflict, so that there is nothing to choose.');
	}
	const strange = SCHEDULE_FIELDS.filter((field) => choices[field] !== undefined && !conflict.fields.includes(field));
	if (strange.length > 0) {
		return fail(
			'invalid-input',
			`Not in conflict: ${strange.join(', ')}. In conflict: ${conflict.fields.join(', ')}.`,
			{
				details: { fields: strange },
			},
		);
	}
	if (change.mine === null || conflict.theirs === null) return keepOrLetGo(change, conflict, choices, now);
	const all = { ...conflict.choices, ...choices };
	const merge = mergeDefinitions(change.base, change.mine, conflict.theirs, all);
	if (merge.conflicts.length > 0) {
		return ok(put({ ...change, conflict: { ...conflict, choices: all }, updatedAt: now }));
	}
	const { theirs, theirVersion } = conflict;
	const resolved: ScheduleChange = {
		...change,
		kind: 'change',
		base: theirs,
		baseVersion: theirVersion,
		mine: merge.definition,
		conflict: null,
		problem: null,
		updatedAt: now,
	};
	return ok(settledOr(resolved, [pastOfChoice(change, theirs, merge.definition, merge.chosen, all, now)]));
}

/** The entry of the past that keeps what a choice gave up. */
export function pastOfChoice(
	change: ScheduleChange,
	theirs: ScheduleDefinition,
	resolved: ScheduleDefinition,
	fields: readonly ScheduleField[],
	choices: Choices,
	now: number,
): ScheduleStep {
	const chosen = (side: 'mine' | 'theirs') => fields.filter((field) => choices[field] === side);
	const [kept, taken] = [chosen('mine'), chosen('theirs')];
	const note = [
		...(kept.length > 0 ? [`Kept as here: ${kept.join(', ')}.`] : []),
		...(taken.length > 0 ? [`Taken from the book: ${taken.join(', ')}.`] : []),
	].join(' ');
	const overwritten = { ...pick(theirs, kept), ...(change.mine === null ? {} : pick(change.mine, taken)) };
	return pastStep(change, now, { by: 'merge', what: 'changed', before: theirs, after: resolved, overwritten, note });
}

/**
 * Takes over the schedule that has the name already: the one made here becomes an edit of it. `invalid-input` where this is no creation
 * that waits, `conflict` while edits of the other one wait.
 */
export function adoptSchedule(
	{ change }: Standing,
	other: BookEntry,
	otherChange: ScheduleChange | null,
	now: number,
): Result<Edited> {
	if (change === null || change.kind !== 'create' || change.mine === null || change.sending !== null) {
		return fail('invalid-input', 'Only a schedule that was made here and waits can take another one over.');
	}
	if (otherChange !== null) {
		return fail(
			'conflict',
			`Edits of the other "${other.definition.name}" wait here. Sync them or take them back first.`,
		);
	}
	const adopted: ScheduleChange = {
		...change,
		key: other.key,
		kind: 'change',
		base: other.definition,
		baseVersion: other.version,
		problem: null,
		updatedAt: now,
	};
	const { book, key: from } = change;
	const moved: readonly ScheduleStep[] = [settled(change), { kind: 'rekeyed', book, from, to: other.key }];
	const rest = settledOr(adopted, []);
	return ok({ change: rest.change, steps: [...moved, ...rest.steps] });
}

function begun(standing: Standing, mine: ScheduleDefinition | null, now: number): ScheduleChange {
	const { profile, book, key, entry } = standing;
	const [base, baseVersion] = [entry?.definition ?? null, entry?.version ?? null];
	const times = { createdAt: now, updatedAt: now };
	const fresh = { conflict: null, sending: null, problem: null, ...times };
	return { profile, book, key, kind: kindOf(base, mine), base, baseVersion, mine, ...fresh };
}

/** What an edit is, by what there was and what is to be. */
export function kindOf(base: ScheduleDefinition | null, mine: ScheduleDefinition | null): ScheduleChange['kind'] {
	if (mine === null) return 'remove';
	return base === null ? 'create' : 'change';
}

/** The edit that waits, made another one. */
function altered(change: ScheduleChange, mine: ScheduleDefinition | null, now: number, what?: 'reverted'): Edited {
	if (mine !== null && change.mine !== null && identicalDefinitions(mine, change.mine)) return { change, steps: [] };
	if (mine === null && change.mine === null) return { change, steps: [] };
	const past = givenUp(change, mine, now, what);
	const kind = kindOf(change.base, mine);
	const next: ScheduleChange = { ...change, kind, mine, problem: null, updatedAt: now };
	if (change.conflict === null) return settledOr(next, past);
	return reconsidered(next, change.conflict, change.mine, past);
}

/** An edit that was revised while a conflict stands: it may be none any more, or one about other fields. */
function reconsidered(
	next: ScheduleChange,
	conflict: ScheduleConflict,
	before: ScheduleDefinition | null,
	past: readonly ScheduleStep[],
): Edited {
	const { base, mine } = next;
	const { theirs, theirVersion } = conflict;
	const gone = { change: null, steps: [settled(next), ...past] };
	if (theirs === null) {
		if (mine === null || base === null) return gone;
		const fields = differing(base, mine);
		return fields.length === 0 ? gone : put({ ...next, conflict: { ...conflict, fields, choices: {} } }, past);
	}
	if (mine === null) {
		// Two that were made under one key, and ours is given up.
		if (base === null) return gone;
		return put({ ...next, conflict: { ...conflict, fields: differing(base, theirs), choices: {} } }, past);
	}
	const choices = Object.fromEntries(
		Object.entries(conflict.choices).filter(
			([field]) => before !== null && identical(field as ScheduleField, before, mine),
		),
	);
	const merge = mergeDefinitions(base, mine, theirs, choices);
	if (merge.conflicts.length === 0) {
		const based = { kind: 'change', base: theirs, baseVersion: theirVersion, mine: merge.definition } as const;
		const chosen =
			merge.chosen.length === 0
				? []
				: [pastOfChoice(next, theirs, merge.definition, merge.chosen, choices, next.updatedAt)];
		return settledOr({ ...next, ...based, conflict: null }, [...past, ...chosen]);
	}
	return put({ ...next, conflict: { ...conflict, fields: merge.clashing, choices } }, past);
}

/** One side removed it: the choices have to be one. */
function keepOrLetGo(
	change: ScheduleChange,
	conflict: ScheduleConflict,
	choices: Choices,
	now: number,
): Result<Edited> {
	const { theirs, theirVersion } = conflict;
	const [side, other] = [...new Set(Object.values(choices))];
	if (side === undefined) return ok({ change, steps: [] });
	if (other !== undefined) {
		const where = theirs === null ? 'in the book' : 'here';
		return fail('invalid-input', `It was removed ${where}: choose one side for all fields, mine or theirs.`);
	}
	if (theirs === null && side === 'mine') {
		// It is made anew.
		const anew = { kind: 'create', base: null, baseVersion: null, conflict: null } as const;
		return ok(put({ ...change, ...anew, updatedAt: now }));
	}
	if (theirs !== null && side === 'mine') {
		return ok(put({ ...change, base: theirs, baseVersion: theirVersion, conflict: null, updatedAt: now }));
	}
	const past = givenUp(change, theirs, now);
	return ok({ change: null, steps: [settled(change), ...past] });
}

/** What a person typed and gives up with this, kept; nothing where all of it stays. */
function givenUp(
	{ mine, base, ...of }: ScheduleChange,
	next: ScheduleDefinition | null,
	now: number,
	what?: 'reverted',
): readonly ScheduleStep[] {
	if (mine === null) return [];
	const typed = base === null ? SCHEDULE_FIELDS : differing(base, mine);
	const lost = typed.filter((field) => next === null || !identical(field, mine, next));
	if (lost.length === 0) return [];
	return [
		pastStep(of, now, {
			by: 'here',
			what: what ?? (next === null ? 'removed' : 'changed'),
			before: mine,
			after: next,
			overwritten: pick(mine, lost),
			note: what === 'reverted' ? 'Taken back before it was in the book.' : 'Given up before it was in the book.',
		}),
	];
}

/** Lets an edit go that changes nothing (any more); while it is being sent it has to stay, as nobody knows what the book has. */
function settledOr(change: ScheduleChange, past: readonly ScheduleStep[]): Edited {
	const { base, mine, sending } = change;
	const nothing = base === null || mine === null ? base === mine : identicalDefinitions(base, mine);
	if (nothing && sending === null) return { change: null, steps: [settled(change), ...past] };
	return put(change, past);
}

function put(change: ScheduleChange, past: readonly ScheduleStep[] = []): Edited {
	return { change, steps: [{ kind: 'change', change }, ...past] };
}

function settled({ book, key }: ScheduleRef): ScheduleStep {
	return { kind: 'settled', book, key };
}
