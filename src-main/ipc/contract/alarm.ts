/** Routes about alarms. */
import * as z from 'zod';
import { ALARM_NAMES, type Alarm, type AlarmRule, type AlarmRuleInfo, type QuietHours } from '#main/domain/alarm.ts';
import { profileName } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

/** Alarms as they stand, and the rules that made them. Times are epoch ms. */
export interface AlarmView {
	/** Gravest first; those that are building as well. */
	readonly items: readonly Alarm[];
	readonly total: number;
	/** When it was last looked; null: not yet. */
	readonly at: number | null;
	/** False: nobody watches in this process, and this is one look, by which nothing can have lasted. */
	readonly watched: boolean;
	/** Whether this process notifies a person. False: it has no way to, or another console at the same home does. */
	readonly tells: boolean;
	readonly rules: readonly (AlarmRuleInfo & { readonly rule: AlarmRule })[];
	/** When nobody is notified; null: at no time. */
	readonly quiet: QuietHours | null;
}

export const alarmRoutes = {
	'alarm.list': query({
		scope: 'deployment',
		summary: 'What is amiss, and the rules by which that is told',
		input: z.strictObject({ profile: profileName }),
		output: returns<AlarmView>(),
	}),
	'alarm.set': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Change when a rule speaks, or when nobody is notified; what is left out stays',
		input: z.strictObject({
			profile: profileName,
			rule: z
				.enum(ALARM_NAMES as [AlarmRule, ...AlarmRule[]])
				.optional()
				.describe('Rule'),
			on: z.boolean().optional().describe('Have it speak'),
			off: z.boolean().optional().describe('Have it say nothing'),
			threshold: z.number().min(0).max(1e9).optional().describe('From which value on, in its unit'),
			for: z.string().max(40).optional().describe("How long it must last, e.g. '90s'"),
			quiet: z.string().max(40).optional().describe("When nobody is notified, e.g. '22:00-07:00', or 'none'"),
			default: z.boolean().optional().describe('All as it is out of the box'),
		}),
		output: returns<AlarmView>(),
		cli: { positional: ['rule'] },
	}),
	/** One item, keyed by profile id. */
	'alarm.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: 'Watch for what is amiss',
		input: z.strictObject({
			profile: profileName,
			notifies: z.boolean().optional().describe('Whoever watches here notifies; other consoles of this home do not'),
		}),
		item: returns<{ readonly key: string; readonly view: AlarmView }>(),
	}),
};
