/** Schedules as the query language sees them: as they are to be, waiting edits included. */
import { appName } from '#main/domain/app-name.ts';
import type { QueryWords } from '#main/domain/query.ts';
import type { ScheduleWords } from '#main/domain/query-languages.ts';
import { type QuerySubject, someArguments } from '#main/domain/query-match.ts';
import { assertNever } from '#main/domain/result.ts';
import { timingOf } from '#main/domain/schedule.ts';
import { describeTiming } from '#main/scheduler/words.ts';
import { checkArguments } from './arguments.ts';
import { idOf, nextRunOf, type Overlaid } from './schedule-views.ts';

/** What is not in the schedule itself. */
export interface ScheduleFacts {
	readonly now: number;
	/** Runs of the last day in trouble, by schedule. */
	readonly troubled: ReadonlyMap<string, number>;
}

type Words = ScheduleWords & QueryWords;

/** One schedule for `subjectMatches`. */
export function scheduleSubject(one: Overlaid, facts: ScheduleFacts): QuerySubject<Words> {
	const { definition, entry } = one;
	const { name, task, queue, args, kwargs, description, recurrence } = definition;
	return {
		free: () => [name, task, queue, args, kwargs, description],
		texts(field) {
			switch (field) {
				case 'app':
					return [appName(task)];
				case 'book':
					return [one.book];
				case 'timing': {
					const words = describeTiming(timingOf(definition));
					return recurrence.kind === 'cron' ? [words, recurrence.expression] : [words];
				}
				case 'name':
				case 'task':
				case 'queue':
				case 'zone':
				case 'args':
				case 'kwargs':
				case 'description':
					return [definition[field]];
				default:
					return assertNever(field);
			}
		},
		number: (field) => (field === 'priority' ? definition.priority : (entry?.totalRuns ?? null)),
		time: (field) => (field === 'next' ? nextRunOf(one, facts.now) : (entry?.lastRunAt ?? null)),
		has(thing) {
			switch (thing) {
				case 'next':
					return nextRunOf(one, facts.now) !== null;
				case 'last':
					return (entry?.lastRunAt ?? null) !== null;
				case 'description':
					return description !== '';
				case 'args':
				case 'kwargs':
					return someArguments(definition[thing]);
				case 'priority':
					return definition.priority !== null;
				default:
					return assertNever(thing);
			}
		},
		is(thing) {
			switch (thing) {
				case 'active':
					return definition.active;
				case 'paused':
					return !definition.active;
				case 'edited':
					return one.change !== null;
				case 'conflict':
					return one.change?.conflict != null;
				case 'troubled':
					return facts.troubled.has(idOf(one));
				case 'interval':
					return recurrence.kind === 'every';
				case 'cron':
				case 'once':
					return recurrence.kind === thing;
				default:
					return assertNever(thing);
			}
		},
		call: () => checkArguments(args, kwargs).call,
	};
}
