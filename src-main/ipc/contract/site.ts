/** Routes about a django-carrot site: its rows and schedules through its own monitor, and what does not fit. */
import * as z from 'zod';
import type { ActionOutcome } from '#main/domain/action.ts';
import {
	SITE_TABS,
	type SiteLink,
	type SitePage,
	type SiteReconciliation,
	type SiteReview,
	type SiteRowDetail,
	type SiteRowView,
	type SiteSchedule,
	type SiteStatus,
	type SiteTab,
} from '#main/domain/site.ts';
import { profileName, queueName } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

/** What became of rows: `items` are named by row number; `links` tie old rows to new ones; `review` is there for a dry run. */
export interface SiteOutcome extends ActionOutcome {
	readonly links: readonly SiteLink[];
	readonly review: SiteReview | null;
}

/** A schedule with what is known of its runs. */
export interface SiteScheduleView extends SiteSchedule {
	/** Epoch ms since when Warren has seen it in force like this, in this process. */
	readonly knownSince: number;
}

/** The tick of a watched site. Lists are to be read again when `revision` changes. */
export interface SiteTick {
	readonly counts: Readonly<Record<SiteTab, number>> | null;
	readonly at: number | null;
	readonly revision: number;
	readonly problem: string | null;
}

const tab = z.enum(SITE_TABS as [SiteTab, ...SiteTab[]]).describe('Which list; published holds rows in progress too');
/** A row's number; scripts and pages may write it as text. */
const rowNumber = z.union([z.int().min(1), z.string().regex(/^\d{1,15}$/, "a row's number")]).describe('Row number');
const search = z.string().max(400).default('').describe("Part of a task's name or arguments, as the site searches");
const path = z.string().min(1).max(4_000);

/** The site's project, for what its API cannot do. */
const project = {
	project: path.optional().describe("Folder of the site's project, to write rows where the API cannot"),
	settings: z.string().min(1).max(400).optional().describe('Its Django settings module'),
	python: path.optional().describe('Its Python interpreter (default: python3)'),
	env: z.record(z.string(), z.string()).optional().describe('Environment for it'),
};

const change = {
	profile: profileName,
	ids: z.array(rowNumber).max(10_000).optional().describe('Row numbers'),
	all: tab.optional().describe('All rows of this list, as they are now'),
	search,
	running: z.boolean().optional().describe('Also rows in progress'),
	waiting: z.boolean().optional().describe('Also rows that still wait'),
	messages: z.boolean().optional().describe('Take the old messages of waiting rows out of their queue as well'),
	dryRun: z.boolean().optional().describe('Only say what would be done'),
};

export const siteRoutes = {
	'site.status': query({
		scope: 'deployment',
		summary: 'Which doors to the site are open, what its release offers, and how many rows it has',
		input: z.strictObject({ profile: profileName, ...project }),
		output: returns<SiteStatus>(),
	}),
	'site.list': query({
		scope: 'deployment',
		summary: "List the site's rows, 50 a page, and keep them in history",
		input: z.strictObject({
			profile: profileName,
			tab: tab.default('failed'),
			page: z.int().min(1).max(1_000_000).default(1),
			search,
		}),
		output: returns<SitePage<SiteRowView>>(),
		cli: { positional: ['tab'] },
	}),
	'site.show': query({
		scope: 'deployment',
		summary: 'Show one row with arguments, log and traceback, and what a requeue would do',
		input: z.strictObject({ profile: profileName, id: rowNumber }),
		output: returns<SiteRowDetail>(),
		cli: { positional: ['id'] },
	}),
	/** Changes history only, and only adds to it. */
	'site.collect': query({
		scope: 'deployment',
		summary: "Read the site's lists to their end and keep their rows in history, to be searched offline",
		input: z.strictObject({
			profile: profileName,
			tab: tab.optional().describe('Only this list'),
			search,
			most: z.int().min(1).max(100_000).default(5_000).describe('Rows per list at most'),
		}),
		output: returns<{ readonly rows: number; readonly complete: boolean }>(),
	}),
	'site.schedules': query({
		scope: 'deployment',
		summary: "List the site's own schedules",
		input: z.strictObject({ profile: profileName }),
		output: returns<{
			readonly items: readonly SiteScheduleView[];
			readonly total: number;
			readonly complete: boolean;
		}>(),
	}),
	'site.reconcile': query({
		scope: 'deployment',
		summary: 'Compare rows, messages, consumers and schedules: what does not fit, why, and what to do',
		input: z.strictObject({
			profile: profileName,
			expect: z
				.record(queueName, z.string().regex(/^\d{1,4}$/, 'a number'))
				.optional()
				.describe('Consumers that a queue should have, e.g. default=2'),
			peek: z.boolean().optional().describe('Look into the queues as well, which marks their messages as redelivered'),
		}),
		output: returns<SiteReconciliation>(),
	}),
	'site.requeue': command({
		scope: 'deployment',
		needs: 'write',
		summary: "Send the site's rows again, one by one",
		input: z.strictObject({ ...change, ...project }),
		output: returns<SiteOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	'site.delete': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: "Delete the site's rows, one by one; history keeps them",
		input: z.strictObject(change),
		output: returns<SiteOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	/** One item, keyed by profile id. While somebody watches, the first pages are read and kept every few seconds. */
	'site.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: 'A tick whenever the rows of the site change',
		input: z.strictObject({
			profile: profileName,
			every: z.int().min(2).max(3_600).default(10).describe('Seconds between looks'),
		}),
		item: returns<{ readonly key: string; readonly tick: SiteTick }>(),
	}),
};
