/** What a version of a schedule is, in books that have none of their own. */
import { createHash } from 'node:crypto';
import { canonicalText, type ScheduleDefinition } from '#main/domain/schedule.ts';

/** The same definition is the same version, whoever wrote it; the local book's store names versions in the same way. */
export function definitionVersion(definition: ScheduleDefinition): string {
	return createHash('sha256').update(canonicalText(definition)).digest('hex').slice(0, 24);
}
