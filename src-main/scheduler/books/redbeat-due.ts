/** When beat runs a RedBeat entry, and the score that says so. Pure. */
import type { RedbeatTime } from '#main/dialects/celery/redbeat-meta.ts';
import { type ScheduleDefinition, timingOf } from '#main/domain/schedule.ts';
import { nextDue } from '../recurrence.ts';
import { instantOf } from '../zones.ts';

/** Beat looks at its schedule at least this often, in ms, unless `beat_max_loop_interval` says otherwise. */
export const BEAT_LOOKS_EVERY = 300_000;

/** A time of RedBeat's as an instant. Of one that the clock shows twice, the first. */
export function instantOfTime({ local, zone }: RedbeatTime): number {
	return typeof zone === 'number' ? local - zone : instantOf(zone, local).instant;
}

/** When an entry is due after its last run, epoch ms. never: not again. unknown: only beat can work its rule out. */
export function dueAfter(definition: ScheduleDefinition, last: number): number | 'never' | 'unknown' {
	if (definition.recurrence.kind === 'foreign') return 'unknown';
	return nextDue(timingOf(definition), last, { lastRunAt: last, createdAt: last }) ?? 'never';
}

/**
 * The score for an entry as it is now, in whole seconds, as RedBeat gives it: now where it never ran or is overdue, -1 for never.
 * A rule that only beat can work out gets now as well: beat then looks at once, and waits until it is due.
 */
export function freshScore(definition: ScheduleDefinition, last: number | null, now: number): number {
	const due = last === null ? now : dueAfter(definition, last);
	if (due === 'never') return -1;
	return Math.floor(Math.max(due === 'unknown' ? now : due, now) / 1_000);
}

/** When beat will run it, epoch ms, by the score (null: it has none) and its last run; null: not, or not known. */
export function nextRunBy(
	definition: ScheduleDefinition,
	score: number | null,
	last: number | null,
	now: number,
): number | null {
	if (!definition.active || score === null || score < 0) return null;
	const at = score * 1_000;
	if (last === null) return at;
	const due = dueAfter(definition, last);
	if (due === 'never') return null;
	if (due !== 'unknown') return Math.max(at, due);
	// Beat has looked at this since, and found that its time has not come: when it comes, only beat knows.
	return at > now - 2 * BEAT_LOOKS_EVERY ? at : null;
}
