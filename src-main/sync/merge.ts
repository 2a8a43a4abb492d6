/** Two people's edits of one schedule, put together field by field against the last version that both had. Pure. */
import { SCHEDULE_FIELDS, type ScheduleDefinition, type ScheduleField } from '#main/domain/schedule.ts';
import { identical, same } from './meaning.ts';

/** mine: as it is here. theirs: as the book has it. */
export type Side = 'mine' | 'theirs';
export type Choices = Readonly<Partial<Record<ScheduleField, Side>>>;

/** What came of putting two edits together. */
export interface Merge {
	/** The result; fields that are in conflict stand as here. */
	readonly definition: ScheduleDefinition;
	/** Changed on both sides, differently. */
	readonly clashing: readonly ScheduleField[];
	/** Those of them that a choice decided. */
	readonly chosen: readonly ScheduleField[];
	/** Those that are open. Empty: the result is one. */
	readonly conflicts: readonly ScheduleField[];
	/** Combinations that neither side has seen, to be looked at by a person; in sentences. */
	readonly notes: readonly string[];
}

/**
 * Fields that say one thing together. Each is merged by itself all the same, since edits of different fields are seldom meant against
 * each other; but the result is one that neither side has looked at, so it is told.
 */
const TOGETHER: readonly { readonly fields: readonly ScheduleField[]; readonly words: string }[] = [
	{
		fields: ['recurrence', 'zone', 'startAt'],
		words: 'When it runs was changed on both sides: look at its next runs.',
	},
	{ fields: ['task', 'args', 'kwargs'], words: 'Task and arguments were changed on both sides: see that they fit.' },
	{
		fields: ['queue', 'exchange', 'routingKey'],
		words: 'Where its messages go was changed on both sides: see that they arrive.',
	},
];

/**
 * Merges field by field. One side's edit holds against no edit; equal edits are one edit; an edit of spaces or quotes yields to an edit
 * of meaning; else the field is in conflict, unless a choice decides. Without a base (both made it) every difference is in conflict.
 * A start and an end that came from different sides and exclude each other are in conflict too: together they would mean "never".
 */
export function mergeDefinitions(
	base: ScheduleDefinition | null,
	mine: ScheduleDefinition,
	theirs: ScheduleDefinition,
	choices: Choices = {},
): Merge {
	const sides = new Map<ScheduleField, Side | 'conflict'>(
		SCHEDULE_FIELDS.map((field) => [field, sideOf(field, base, mine, theirs)]),
	);
	if (boundsCross(sides, mine, theirs)) for (const bound of BOUNDS) sides.set(bound, 'conflict');
	const clashing = SCHEDULE_FIELDS.filter((field) => sides.get(field) === 'conflict');
	const chosen = clashing.filter((field) => choices[field] !== undefined);
	for (const field of chosen) sides.set(field, choices[field] ?? 'conflict');
	return {
		definition: assembled(sides, mine, theirs),
		clashing,
		chosen,
		conflicts: clashing.filter((field) => choices[field] === undefined),
		notes: base === null ? [] : notesOf(base, mine, theirs, clashing),
	};
}

function sideOf(
	field: ScheduleField,
	base: ScheduleDefinition | null,
	mine: ScheduleDefinition,
	theirs: ScheduleDefinition,
): Side | 'conflict' {
	if (base === null) return same(field, mine, theirs) ? 'theirs' : 'conflict';
	if (identical(field, mine, theirs) || identical(field, mine, base)) return 'theirs';
	if (identical(field, theirs, base)) return 'mine';
	if (same(field, mine, theirs) || same(field, mine, base)) return 'theirs';
	return same(field, theirs, base) ? 'mine' : 'conflict';
}

const BOUNDS = ['startAt', 'endAt'] as const;

function boundsCross(
	sides: ReadonlyMap<ScheduleField, Side | 'conflict'>,
	mine: ScheduleDefinition,
	theirs: ScheduleDefinition,
): boolean {
	const [start, end] = BOUNDS.map((field) => sides.get(field));
	if (start === end || start === 'conflict' || end === 'conflict') return false;
	const merged = assembled(sides, mine, theirs);
	return never(merged) && !never(mine) && !never(theirs);
}

function never({ startAt, endAt }: ScheduleDefinition): boolean {
	return startAt !== null && endAt !== null && startAt >= endAt;
}

function assembled(
	sides: ReadonlyMap<ScheduleField, Side | 'conflict'>,
	mine: ScheduleDefinition,
	theirs: ScheduleDefinition,
): ScheduleDefinition {
	const fromTheirs = SCHEDULE_FIELDS.filter((field) => sides.get(field) === 'theirs');
	return { ...mine, ...pick(theirs, fromTheirs) };
}

/** Some fields of a definition. */
export function pick(definition: ScheduleDefinition, fields: readonly ScheduleField[]): Partial<ScheduleDefinition> {
	return Object.fromEntries(fields.map((field) => [field, definition[field]]));
}

function notesOf(
	base: ScheduleDefinition,
	mine: ScheduleDefinition,
	theirs: ScheduleDefinition,
	clashing: readonly ScheduleField[],
): readonly string[] {
	const only = (one: ScheduleDefinition, other: ScheduleDefinition) => (field: ScheduleField) =>
		!same(field, one, base) && same(field, other, base) && !clashing.includes(field);
	return TOGETHER.filter(({ fields }) => fields.some(only(mine, theirs)) && fields.some(only(theirs, mine))).map(
		({ words }) => words,
	);
}
