/** Entries of the past: what was given up, by whom, for what. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { BookKind, ScheduleDefinition, ScheduleVersion } from '#main/domain/schedule.ts';
import type { ScheduleStep } from '#main/store/store.ts';

/** Which schedule: by its book's key. */
export interface ScheduleRef {
	readonly profile: ProfileId;
	readonly book: BookKind;
	readonly key: string;
}

type Facts = Pick<ScheduleVersion, 'by' | 'what' | 'before' | 'after'> &
	Partial<Pick<ScheduleVersion, 'overwritten' | 'note'>>;

/** The step that adds to a schedule's past; one of the two definitions has to be there, for the name. */
export function pastStep({ profile, book, key }: ScheduleRef, at: number, facts: Facts): ScheduleStep {
	const { by, what, before, after, overwritten = null, note = null } = facts;
	const name = (after ?? before)?.name ?? '';
	return {
		kind: 'version',
		version: { id: 0, profile, book, key, name, at, by, what, before, after, overwritten, note },
	};
}

/** Whether something was made, changed or removed, by what was there before and after. */
export function whatBecame(
	before: ScheduleDefinition | null,
	after: ScheduleDefinition | null,
): ScheduleVersion['what'] {
	if (before === null) return 'created';
	return after === null ? 'removed' : 'changed';
}
