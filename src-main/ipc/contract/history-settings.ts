/** Routes about how a profile's history is written and looked after. How long it is kept is `retention`. */
import * as z from 'zod';
import { TASK_LOG_RANGES, type TaskLogSettings } from '#main/domain/task-log.ts';
import { profileName } from './fields.ts';
import { command, query, returns } from './route.ts';

export interface HistorySettingsView {
	readonly settings: TaskLogSettings;
	/** Those that somebody set; the others are as out of the box. */
	readonly own: readonly (keyof TaskLogSettings)[];
}

const within = ([least, most]: readonly [number, number]) => z.int().min(least).max(most).optional();

export const historySettingsRoutes = {
	'history.show': query({
		scope: 'deployment',
		summary: 'Show how history is written and looked after',
		input: z.strictObject({ profile: profileName }),
		output: returns<HistorySettingsView>(),
	}),
	'history.set': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Change how history is written and looked after; what is left out stays',
		input: z.strictObject({
			profile: profileName,
			enabled: z.enum(['on', 'off']).optional().describe('Write what others tell of tasks that they run'),
			truncate: z
				.enum(['on', 'off'])
				.optional()
				.describe('Keep one level of arguments and results only, as aa-taskmonitor does'),
			batchSize: within(TASK_LOG_RANGES.batchSize).describe('Rows that a clean-up takes in one transaction'),
			housekeepingMinutes: within(TASK_LOG_RANGES.housekeepingMinutes).describe('Minutes between two clean-ups'),
			queuedLimit: within(TASK_LOG_RANGES.queuedLimit).describe('From how many on "inspect queue" asks first'),
			queuedCacheSeconds: within(TASK_LOG_RANGES.queuedCacheSeconds).describe(
				'Seconds for which what "inspect queue" counted is shown again, unless Warren changes something (0: never)',
			),
			reportsMaxAgeMinutes: within(TASK_LOG_RANGES.reportsMaxAgeMinutes).describe(
				'Minutes for which a report is shown again before it is computed anew (0: never)',
			),
			reportsTop: within(TASK_LOG_RANGES.reportsTop).describe('Bars of a report where --top does not say'),
			default: z.boolean().optional().describe('All as it is out of the box'),
		}),
		output: returns<HistorySettingsView>(),
	}),
};
