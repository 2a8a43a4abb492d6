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
}

/** Throws where a value got lost, was written over unseen or unkept, is there although it was taken back, or where the past is untrue. */
export function checkPerson(
	{ name, typed, wanted, takenBack, past }: Person,
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
	const back = [...takenBack].find(([token, since]) => inBook.has(token) && broughtBy(log, token, since) === name);
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

/** Who was the last to bring a value into the book, from a write of its log on; null: nobody. */
function broughtBy(log: readonly WriteRecord[], token: string, since: number): string | null {
	const has = (definition: ScheduleDefinition | null) => tokensOf(definition ?? {}).includes(token);
	return log.findLast(({ before, after }, at) => at >= since && has(after) && !has(before))?.by ?? null;
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
