/** What the model of syncing knows about values: tokens that are typed once, wishes, and what must be true in the end. */
import {
	NEW_SCHEDULE,
	SCHEDULE_FIELDS,
	type ScheduleDefinition,
	type ScheduleField,
	type ScheduleVersion,
} from '#main/domain/schedule.ts';
import type { WriteRecord } from './shared-book.ts';

/** Fields with a token of their own for each value typed. */
export const TOKENS: { readonly [F in ScheduleField]?: (token: string, number: number) => ScheduleDefinition[F] } = {
	task: (token) => `tasks.${token}`,
	queue: (token) => `q-${token}`,
	routingKey: (token) => `r-${token}`,
	jitterMs: (_, number) => number,
	args: (token) => `'${token}'`,
	kwargs: (token) => `{"token": "${token}"}`,
	description: (token) => token,
};
export const TOKEN_FIELDS = Object.keys(TOKENS) as ScheduleField[];

/** What is known of one person, to be held against what happened. */
export interface Person {
	readonly name: string;
	/** Values typed, as `field value`. */
	readonly typed: ReadonlySet<string>;
	/** What was wanted in full knowledge, as `wishes` has it. */
	readonly wanted: ReadonlySet<string>;
	/** Values taken back, and not asked for again since; each with the first write of the book's log that may not bring it there. */
	readonly takenBack: ReadonlyMap<string, number>;
	readonly past: readonly ScheduleVersion[];
	/** Whether its book gives keys of its own, so that what was sent without an answer is known again by its name. */
	readonly knownByName: boolean;
}

/** Throws where a value got lost, was written over unseen or unkept, is there although it was taken back, or where the past is untrue. */
export function checkPerson(
	{ name, typed, wanted, takenBack, past, knownByName }: Person,
	inBook: ReadonlySet<string>,
	log: readonly WriteRecord[],
): void {
	const kept = new Set(inBook);
	for (const { before, after, overwritten } of past) {
		for (const part of [before, after, overwritten]) for (const token of tokensOf(part ?? {})) kept.add(token);
	}
	const lost = [...typed].find((token) => !kept.has(token));
	if (lost !== undefined) throw new Error(`${name} typed "${lost}", and it is nowhere`);
	// Somebody else may have brought it there, who had it from the past of the same schedule.
	const back = [...takenBack].find(([token, since]) => {
		const at = broughtAt(log, token, since);
		if (!inBook.has(token) || at === null || log[at]?.by !== name) return false;
		// It was on its way when it was taken back (else `since` is a write of the log).
		return !(knownByName && since === 0 && beyondRecognition(log, at, token));
	});
	if (back !== undefined) throw new Error(`${name} took "${back[0]}" back, and the book has it`);
	for (const { by, before, after } of log) {
		if (by !== name || before === null) continue;
		const now = new Set(tokensOf(after ?? {}));
		const dropped = tokensOf(before).find((token) => !now.has(token) && !kept.has(token));
		if (dropped !== undefined) throw new Error(`${name} wrote over "${dropped}" and did not keep it`);
		const strange = wishes(before, after).find((wish) => !wanted.has(wish));
		if (strange !== undefined) throw new Error(`${name} wrote "${strange}", which nobody there had asked for`);
	}
	const happened = new Set(log.map(({ before, after }) => JSON.stringify([before, after])));
	for (const { by, before, after, overwritten, note } of past) {
		if (by === 'elsewhere' || overwritten !== null) continue;
		if (happened.has(JSON.stringify([before, after]))) continue;
		throw new Error(`${name}'s past has a write that never was: ${JSON.stringify({ by, note, before, after })}`);
	}
}

/** The last write, from one of the log on, that brought a value into the book; null: none. */
function broughtAt(log: readonly WriteRecord[], token: string, since: number): number | null {
	const at = log.findLastIndex(
		({ before, after }, index) => index >= since && has(after, token) && !has(before, token),
	);
	return at === -1 ? null : at;
}

/**
 * Whether a schedule that was made by this write was given another name by somebody else, and other values too. Its maker, who was not
 * told its key, cannot know it again by anything then: neither by its name nor by what it says. It is received like somebody else's.
 */
function beyondRecognition(log: readonly WriteRecord[], made: number, token: string): boolean {
	const { by: maker, before: existing, after: own } = log[made] ?? {};
	if (existing !== null || own == null) return false;
	const later = log.slice(made + 1).filter(({ before, after }) => has(before, token) && has(after, token));
	const renamed = later.findIndex(({ by, before, after }) => by !== maker && before?.name !== after?.name);
	if (renamed === -1) return false;
	const content = (of: ScheduleDefinition | null) => JSON.stringify({ ...of, name: null });
	return later.slice(renamed).some(({ after }) => content(after) !== content(own));
}

function has(definition: ScheduleDefinition | null, token: string): boolean {
	return tokensOf(definition ?? {}).includes(token);
}

/** What somebody wants who knows this and asks for that. */
export function wishes(known: ScheduleDefinition, wanted: ScheduleDefinition | null): readonly string[] {
	if (wanted === null) return [`no more ${JSON.stringify(known)}`];
	return SCHEDULE_FIELDS.map((field) => [field, JSON.stringify(known[field]), JSON.stringify(wanted[field])] as const)
		.filter(([, a, b]) => a !== b)
		.map(([field, a, b]) => `${field}: ${b} instead of ${a}`);
}

/** Values that were typed once each, as `field value`. */
export function tokensOf(definition: Partial<ScheduleDefinition>): readonly string[] {
	return TOKEN_FIELDS.flatMap((field) => {
		const value = definition[field];
		return value === undefined || value === NEW_SCHEDULE[field] ? [] : [`${field} ${String(value)}`];
	});
}
