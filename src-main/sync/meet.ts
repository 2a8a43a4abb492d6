/** What becomes of a waiting edit when it is seen what the book has by now. Pure. */
import type {
	BookEntry,
	ScheduleChange,
	ScheduleConflict,
	ScheduleDefinition,
	ScheduleField,
	SyncItem,
} from '#main/domain/schedule.ts';
import { SCHEDULE_FIELDS } from '#main/domain/schedule.ts';
import type { ScheduleStep } from '#main/store/store.ts';
import { kindOf, pastOfChoice } from './change-set.ts';
import { differing, identical, identicalDefinitions, same, sameDefinitions } from './meaning.ts';
import { type Choices, mergeDefinitions, pick } from './merge.ts';

/** What came of it. */
export interface Meeting {
	/**
	 * settled: the book has it, there is nothing left to send. waits: to be sent, based on what the book has. conflict: a person has to
	 * choose.
	 */
	readonly kind: 'settled' | 'waits' | 'conflict';
	/** As it is from now on; null: settled. */
	readonly change: ScheduleChange | null;
	/** Whether an earlier sending had arrived. Null: it was not under way. */
	readonly resumed: SyncItem['resumed'];
	/** The last version both sides had, as it turned out to be. */
	readonly base: ScheduleDefinition | null;
	/** The book had changed too, in other fields. */
	readonly merged: boolean;
	/** Fields in conflict. */
	readonly fields: readonly ScheduleField[];
	/** In sentences, for a person. */
	readonly notes: readonly string[];
	/** What an earlier choice gives up now. */
	readonly past: readonly ScheduleStep[];
}

/**
 * Judges whether what was being sent has arrived, then merges with what the book has (`theirs`; null: nothing of that key).
 * `arrived`: the book itself has just said so, whatever it made of it.
 */
export function meet(change: ScheduleChange, theirs: BookEntry | null, now: number, arrived = false): Meeting {
	const { base, resumed } = settledBase(change, theirs, arrived);
	const { mine } = change;
	const at = { ...change, base, sending: null };
	const quiet = { resumed, base, merged: false, fields: [], notes: [], past: [] };
	if (mine === null) {
		if (theirs === null) return { ...quiet, kind: 'settled', change: null };
		const fields = base === null ? SCHEDULE_FIELDS : differing(base, theirs.definition);
		const meant = base !== null && sameDefinitions(base, theirs.definition);
		return meant ? waits(at, null, theirs, quiet) : clash(at, theirs, fields, {}, now, quiet);
	}
	if (theirs === null) {
		if (base === null) return waits(at, mine, null, quiet);
		if (sameDefinitions(base, mine)) return { ...quiet, kind: 'settled', change: null };
		return clash(at, null, differing(base, mine), {}, now, quiet);
	}
	const choices = standingChoices(change.conflict, theirs.definition);
	const merge = mergeDefinitions(base, mine, theirs.definition, choices);
	if (merge.conflicts.length > 0) return clash(at, theirs, merge.clashing, choices, now, quiet);
	const past =
		merge.chosen.length === 0
			? []
			: [pastOfChoice(change, theirs.definition, merge.definition, merge.chosen, choices, now)];
	if (identicalDefinitions(merge.definition, theirs.definition)) {
		return { ...quiet, past, kind: 'settled', change: null };
	}
	const merged = base !== null && !sameDefinitions(base, theirs.definition);
	return waits(at, merge.definition, theirs, { ...quiet, merged, notes: merge.notes, past });
}

type Quiet = Omit<Meeting, 'kind' | 'change'>;

/** The edit as it is to be sent: based on what the book has. Where that has moved, an earlier refusal says nothing any more. */
function waits(at: ScheduleChange, mine: ScheduleDefinition | null, theirs: BookEntry | null, quiet: Quiet): Meeting {
	const base = theirs?.definition ?? null;
	const moved = (at.base === null) !== (base === null) || (at.base !== null && base !== null && quiet.merged);
	const change: ScheduleChange = {
		...at,
		kind: kindOf(base, mine),
		base,
		baseVersion: theirs?.version ?? null,
		mine,
		conflict: null,
		problem: moved ? null : at.problem,
	};
	return { ...quiet, kind: 'waits', change };
}

function clash(
	at: ScheduleChange,
	theirs: BookEntry | null,
	fields: readonly ScheduleField[],
	choices: Choices,
	now: number,
	quiet: Quiet,
): Meeting {
	const known = at.conflict;
	const conflict: ScheduleConflict = {
		theirs: theirs?.definition ?? null,
		theirVersion: theirs?.version ?? null,
		fields,
		choices,
		// The same conflict as before is not seen anew with every look.
		seenAt: known !== null && known.theirVersion === (theirs?.version ?? null) ? known.seenAt : now,
	};
	return { ...quiet, kind: 'conflict', change: { ...at, conflict, problem: null }, fields };
}

/** Choices made against a value of the book that is another one by now were not made against this one. */
function standingChoices(conflict: ScheduleConflict | null, theirs: ScheduleDefinition): Choices {
	const before = conflict?.theirs ?? null;
	if (conflict === null || before === null) return {};
	return Object.fromEntries(
		Object.entries(conflict.choices).filter(([field]) => identical(field as ScheduleField, before, theirs)),
	);
}

/**
 * The last version both sides had. What was being sent when a sync broke off may have arrived: a field of the book that means what was
 * sent is one both sides agree on, whoever wrote it. Where the book has something else altogether, nobody can tell whether ours had
 * arrived before; it is then merged like any edit, which at worst asks a person too much.
 */
function settledBase(
	{ base, sending }: ScheduleChange,
	theirs: BookEntry | null,
	arrived: boolean,
): Pick<Meeting, 'base' | 'resumed'> {
	if (sending === null) return { base, resumed: null };
	const sent = sending.definition;
	if (sent === null) return theirs === null ? { base: null, resumed: 'already' } : { base, resumed: 'again' };
	if (theirs === null) return { base, resumed: 'again' };
	const there = theirs.definition;
	if (arrived || sameDefinitions(sent, there)) return { base: sent, resumed: 'already' };
	if (base === null) return { base, resumed: 'again' };
	const agreed = SCHEDULE_FIELDS.filter((field) => same(field, sent, there));
	return { base: { ...base, ...pick(sent, agreed) }, resumed: 'again' };
}
