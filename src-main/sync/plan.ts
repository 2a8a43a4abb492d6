/**
 * What one look at a book comes to, schedule by schedule, before anything is written to it: what is received, which edits are settled,
 * merged or in conflict, and which are left to be sent. Pure.
 */
import type { ProfileId } from '#main/domain/ids.ts';
import type { BookEntry, BookKind, ScheduleChange, ScheduleDefinition, SyncItem } from '#main/domain/schedule.ts';
import { SCHEDULE_FIELDS } from '#main/domain/schedule.ts';
import type { ExpectedChange, ScheduleStep } from '#main/store/store.ts';
import { differing, sameDefinitions } from './meaning.ts';
import { type Meeting, meet } from './meet.ts';
import { pastStep, whatBecame } from './past.ts';

/** One schedule: as the book has it, as it was last known, and the edit that waits. */
export interface Sight {
	readonly key: string;
	readonly theirs: BookEntry | null;
	readonly stored: BookEntry | null;
	readonly change: ScheduleChange | null;
	/** The key it had here so far, where the book knows it by another one now. */
	readonly from: string | null;
	/** Why the book's entry cannot be read; null: it can, or there is none. */
	readonly broken: string | null;
}

export interface PlanFacts {
	readonly profile: ProfileId;
	readonly book: BookKind;
	/** The book was never read before: what is there is no news. */
	readonly first: boolean;
	readonly now: number;
}

/** What is to be done about one schedule. */
export interface Taken {
	readonly steps: readonly ScheduleStep[];
	/** Waiting edits as they have to be for the steps to hold. */
	readonly expected: readonly ExpectedChange[];
	/** The edit that is left to be sent; null: none. */
	readonly send: Sending | null;
	/** What came of it so far; null: nothing to tell. */
	readonly item: SyncItem | null;
}

/** An edit to be sent, and what is known about it. */
export interface Sending {
	readonly change: ScheduleChange;
	readonly resumed: SyncItem['resumed'];
	readonly merged: boolean;
	readonly notes: readonly string[];
}

/** Decides about one schedule. `kept`: the waiting edit as the store has it, where that is not what is to be judged. */
export function take(sight: Sight, facts: PlanFacts, kept = sight.change): Taken {
	if (sight.broken !== null) return takeBroken(sight, sight.broken, facts);
	const { key, theirs, stored, from } = sight;
	const { book, now } = facts;
	const change = sight.change === null ? null : { ...sight.change, key, problem: standingProblem(sight) };
	const met = change === null ? null : meet(change, theirs, now);
	const receipt = received(sight, met, facts);
	const steps: ScheduleStep[] = [
		...(from === null ? [] : moved(book, from, key, stored !== null, sight.change !== null)),
		...receipt,
		...(kept === null || met === null ? [] : settling(kept, key, met)),
	];
	const waits = met !== null && met.kind === 'waits' && met.change !== null;
	return {
		steps,
		expected: steps.length === 0 ? [] : expectations(sight, book, kept),
		send:
			waits && met.change !== null
				? { change: met.change, resumed: met.resumed, merged: met.merged, notes: met.notes }
				: null,
		item: itemOf(sight, met, facts),
	};
}

/** What was refused because the entry could not be read is worth another try when it can be read again. */
function standingProblem({ stored, theirs, change }: Sight): string | null {
	return stored === null && theirs !== null ? null : (change?.problem ?? null);
}

function expectations({ key, from }: Sight, book: BookKind, change: ScheduleChange | null): readonly ExpectedChange[] {
	if (from === null) return [{ book, key, change }];
	return [
		{ book, key: from, change },
		{ book, key, change: null },
	];
}

/** A schedule whose book knows it by another key from now on: its past and its runs follow. */
export function moved(
	book: BookKind,
	from: string,
	to: string,
	stored: boolean,
	waited: boolean,
): readonly ScheduleStep[] {
	return [
		...(stored ? [{ kind: 'gone', book, key: from } as const] : []),
		{ kind: 'rekeyed', book, from, to },
		...(waited ? [{ kind: 'settled', book, key: from } as const] : []),
	];
}

/** What is kept of the edit after the meeting; nothing where it stays as it was. */
export function settling(before: ScheduleChange, key: string, met: Meeting): readonly ScheduleStep[] {
	if (met.change === null) {
		// Under a key of before it has gone already.
		return before.key === key ? [{ kind: 'settled', book: before.book, key }, ...met.past] : met.past;
	}
	const stays = JSON.stringify(met.change) === JSON.stringify(before);
	return stays ? met.past : [{ kind: 'change', change: met.change }, ...met.past];
}

/** What the book has now, kept, with what it had before in the past. */
function received(
	sight: Sight,
	met: Meeting | null,
	{ profile, book, first, now }: PlanFacts,
): readonly ScheduleStep[] {
	const { key, theirs, stored, change } = sight;
	const of = { profile, book, key };
	const after = theirs?.definition ?? null;
	const kept: ScheduleStep[] = [];
	if (theirs === null) {
		if (stored !== null && sight.from === null) kept.push({ kind: 'gone', book, key });
	} else if (stored === null || sight.from !== null || !sameEntries(stored, theirs)) {
		kept.push({ kind: 'entry', book, entry: theirs, seenAt: now });
	}
	if (met?.resumed === 'already' && change !== null) {
		// It is our own: the sync that sent it did not live to say so.
		const before = change.base;
		return [...kept, pastStep(of, now, { by: 'here', what: whatBecame(before, after), before, after })];
	}
	const before = stored?.definition ?? null;
	if (first || before === after || (before !== null && after !== null && differing(before, after).length === 0)) {
		return kept;
	}
	return [...kept, pastStep(of, now, { by: 'elsewhere', what: whatBecame(before, after), before, after })];
}

/** Whether there is nothing new about an entry, not even when it ran. */
function sameEntries(a: BookEntry, b: BookEntry): boolean {
	return (
		a.version === b.version &&
		a.lastRunAt === b.lastRunAt &&
		a.nextRunAt === b.nextRunAt &&
		a.totalRuns === b.totalRuns &&
		a.changedAt === b.changedAt &&
		JSON.stringify(a.remarks) === JSON.stringify(b.remarks)
	);
}

function itemOf({ key, theirs, stored, change, from }: Sight, met: Meeting | null, facts: PlanFacts): SyncItem | null {
	const { book } = facts;
	const name = (change?.mine ?? theirs?.definition ?? stored?.definition ?? change?.base)?.name ?? '';
	const item = { book, key, name, resumed: null, message: null, ...(from === null ? {} : { formerKey: from }) };
	const news = newsOf(stored, theirs);
	if (change === null || met === null) return news === null ? null : { ...item, outcome: 'received', ...news };
	switch (met.kind) {
		case 'waits':
			return null;
		case 'conflict':
			return { ...item, outcome: 'conflict', fields: met.fields, message: conflictWords(change, theirs, met) };
		case 'settled':
			if (met.resumed === 'already') {
				const fields = theirs === null ? [] : changedBy(change.base, theirs.definition);
				return { ...item, outcome: 'sent', fields, resumed: 'already' };
			}
			if (news === null) return null;
			return {
				...item,
				outcome: 'received',
				fields: news.fields,
				message: theirs === null ? 'It was removed on both sides.' : agreement(change, theirs.definition),
			};
	}
}

function newsOf(stored: BookEntry | null, theirs: BookEntry | null): Pick<SyncItem, 'fields' | 'message'> | null {
	if (stored === null && theirs === null) return null;
	if (stored === null) return { fields: [], message: 'It was made elsewhere.' };
	if (theirs === null) return { fields: [], message: 'It was removed elsewhere.' };
	if (stored.version === theirs.version) return null;
	const fields = differing(stored.definition, theirs.definition);
	return fields.length === 0 ? null : { fields, message: null };
}

function agreement({ mine }: ScheduleChange, theirs: ScheduleDefinition): string | null {
	return mine !== null && sameDefinitions(mine, theirs) ? 'It was changed alike on both sides.' : null;
}

function conflictWords({ mine }: ScheduleChange, theirs: BookEntry | null, { fields }: Meeting): string {
	if (theirs === null) return 'It was removed in the book and edited here. Keep it, or let it go.';
	if (mine === null) return 'It was removed here and edited in the book. Remove it all the same, or keep it.';
	return `Changed on both sides: ${fields.join(', ')}. Choose whose values hold.`;
}

/** Fields that a write changed in its book; of a new schedule all that are not as a new one's. */
export function changedBy(before: ScheduleDefinition | null, after: ScheduleDefinition): SyncItem['fields'] {
	return before === null ? SCHEDULE_FIELDS : differing(before, after);
}

/** The book has something there that nobody can read. It is not ours to write over; an edit of it waits until it is mended. */
function takeBroken({ key, stored, change }: Sight, reason: string, facts: PlanFacts): Taken {
	const { profile, book, now } = facts;
	const steps: ScheduleStep[] = [];
	if (stored !== null) {
		const note = `The book's entry cannot be read any more: ${reason}`;
		const before = stored.definition;
		steps.push({ kind: 'gone', book, key });
		steps.push(pastStep({ profile, book, key }, now, { by: 'elsewhere', what: 'changed', before, after: null, note }));
	}
	const problem = `The book's entry cannot be read: ${reason} Mend or remove it there; until then this edit waits.`;
	if (change !== null && change.problem !== problem) steps.push({ kind: 'change', change: { ...change, problem } });
	const name = (change?.mine ?? change?.base ?? stored?.definition)?.name ?? key;
	const item: SyncItem = { book, key, name, outcome: 'refused', fields: [], resumed: null, message: problem };
	return {
		steps,
		expected: steps.length === 0 ? [] : [{ book, key, change }],
		send: null,
		item: change === null ? null : item,
	};
}
