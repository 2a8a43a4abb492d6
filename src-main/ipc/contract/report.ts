/** Routes of the reports. */
import * as z from 'zod';
import { BUCKETS, REPORT_NAMES, type Report, type ReportInfo } from '#main/domain/report.ts';
import { profileName, queryText } from './fields.ts';
import { command, query, returns } from './route.ts';

/** A name of an app, and the app it stands for. */
export interface AppNameView {
	readonly other: string;
	readonly app: string;
	/** Known without being told. */
	readonly builtIn: boolean;
}

const moment = z.string().min(1).max(60);

export const reportRoutes = {
	'report.list': query({
		scope: 'console',
		summary: 'List the reports there are',
		input: z.strictObject({}),
		output: returns<{ readonly items: readonly ReportInfo[]; readonly total: number }>(),
	}),
	'report.show': query({
		scope: 'deployment',
		summary: 'Compute a report over the runs in history',
		input: z.strictObject({
			profile: profileName,
			name: z.enum(REPORT_NAMES).describe('Report, as "report list" names it'),
			since: moment.default('24h').describe('From when: 2h, 7d, today, 2026-11-20, or all'),
			until: moment.default('now').describe('Until when, likewise'),
			bucket: z.enum(BUCKETS).default('auto').describe('Width of a bucket of time'),
			zone: z.string().min(1).max(80).optional().describe("Time zone of hours and days (default: this machine's)"),
			compatible: z
				.boolean()
				.optional()
				.describe("aa-taskmonitor's definitions: buckets of 5 minutes, idle minutes left out"),
			query: queryText.default('').describe('Only runs of tasks that match this query'),
			top: z
				.int()
				.min(1)
				.max(1_000)
				.optional()
				.describe('How many a top list has (default: 20, or as "history set --reports-top" has it)'),
			fresh: z
				.boolean()
				.optional()
				.describe('Compute it anew, also where "history set --reports-max-age-minutes" would show one again'),
		}),
		output: returns<Report & { readonly computedAt: number }>(),
		cli: { positional: ['name'] },
	}),
	'report.apps': query({
		scope: 'deployment',
		summary: 'Which app each task in history belongs to, and what names stand for others',
		input: z.strictObject({
			profile: profileName,
			try: z
				.array(z.string().min(1).max(520))
				.max(100)
				.optional()
				.describe('OTHER=APP: show what this would make of them, and change nothing'),
		}),
		output: returns<{
			readonly names: readonly AppNameView[];
			readonly tasks: readonly {
				readonly task: string;
				readonly runs: number;
				readonly app: string;
				/** What it is as things stand; the same where nothing is tried. */
				readonly before: string;
			}[];
			readonly total: number;
			/** Tasks that would come to another app. */
			readonly changes: number;
		}>(),
	}),
	'report.map': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Let a name of an app stand for another in reports and CSV; without APP no longer',
		input: z.strictObject({
			profile: profileName,
			other: z.string().min(1).max(255).describe("What the task's name gives"),
			app: z.string().max(255).optional().describe('What it is to be called'),
		}),
		output: returns<{ readonly names: readonly AppNameView[] }>(),
		cli: { positional: ['other', 'app'] },
	}),
};
