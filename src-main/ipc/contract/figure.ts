/** Routes about figures over time: of queues, of clusters, and how they are taken. */
import * as z from 'zod';
import {
	CLUSTER_FIGURES,
	FIGURE_LIMITS,
	type FigureHistory,
	type FigureRound,
	type FigureSettings,
	type FigureSubject,
	QUEUE_FIGURES,
} from '#main/domain/figure.ts';
import { BUCKETS } from '#main/domain/report.ts';
import { profileName, queueName } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

/** How figures of a profile are taken, and by whom. */
export interface FigureStanding extends FigureSettings {
	/** The process of this home that takes them now; null: none, and history has a gap. */
	readonly by: string | null;
	/** Why the last try measured nothing, where it was this process's; null: it measured. */
	readonly trouble: string | null;
}

/** What was measured just now. */
export interface FigureRoundView extends FigureRound {
	readonly key: string;
	/** Why something could not be measured; null: all was. */
	readonly trouble: string | null;
}

/** A cluster's figures, with those of the queue that it most likely takes from. */
export interface ClusterFigures extends FigureSubject {
	/** Null: a heartbeat does not say which queue it is, and none has the site's name. */
	readonly queue: FigureSubject | null;
	/** Why it is taken to be that: it is the only one there is, or it has the site's name. Either may be wrong. */
	readonly queueBy: 'only' | 'name' | null;
}

const moment = z.string().min(1).max(60);
const span = {
	since: moment.default('24h').describe('From when: 2h, 7d, today, 2026-11-20'),
	until: moment.default('now').describe('Until when, likewise'),
	bucket: z.enum(BUCKETS).default('auto').describe('Width of a span; below 1h only as far back as minutes are kept'),
	zone: z.string().min(1).max(80).optional().describe("Time zone of hours and days (default: this machine's)"),
};
const bound = (name: keyof typeof FIGURE_LIMITS) =>
	z.int().min(FIGURE_LIMITS[name].least).max(FIGURE_LIMITS[name].most).optional();

export const figureRoutes = {
	'queue.history': query({
		scope: 'deployment',
		summary: 'How much waited in queues over time, in all its parts',
		input: z.strictObject({
			profile: profileName,
			queue: queueName.optional().describe('Queue; all of them without it'),
			...span,
			figures: z.array(z.enum(QUEUE_FIGURES)).max(QUEUE_FIGURES.length).optional().describe('Only these figures'),
			limit: z.int().min(1).max(100).default(20).describe('How many queues at most'),
		}),
		output: returns<FigureHistory>(),
		cli: { positional: ['queue'] },
	}),
	'cluster.history': query({
		scope: 'deployment',
		summary: "What django-q's clusters said of themselves over time, and the queues behind them",
		input: z.strictObject({
			profile: profileName,
			cluster: z.string().min(1).max(200).optional().describe('Id of a cluster, or its end; all without it'),
			...span,
			figures: z.array(z.enum(CLUSTER_FIGURES)).max(CLUSTER_FIGURES.length).optional().describe('Only these figures'),
			limit: z.int().min(1).max(100).default(20).describe('How many clusters at most'),
		}),
		output: returns<Omit<FigureHistory, 'items'> & { readonly items: readonly ClusterFigures[] }>(),
		cli: { positional: ['cluster'] },
	}),
	/** Samples for as long as it is open. One item, keyed by profile id. */
	'queue.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: 'Sample queues and clusters into history until it is ended, and show what is measured',
		input: z.strictObject({ profile: profileName }),
		item: returns<FigureRoundView>(),
	}),
	'queue.sampling': query({
		scope: 'deployment',
		summary: 'How queues are sampled into history, for how long that is kept, and who does it now',
		input: z.strictObject({ profile: profileName }),
		output: returns<FigureStanding>(),
	}),
	/** Warren's own decision about itself, so that a read-only profile has it too. */
	'queue.sample': command({
		scope: 'console',
		needs: 'write',
		summary: 'Have queues sampled into history or not, how often, and for how long that is kept',
		input: z.strictObject({
			profile: profileName,
			on: z.boolean().optional().describe('Have windows and served consoles sample'),
			off: z.boolean().optional().describe('Have them leave it alone'),
			everySeconds: bound('everySeconds').describe('Seconds between samples'),
			minuteDays: bound('minuteDays').describe('Days for which minutes are kept'),
			hourDays: bound('hourDays').describe('Days for which hours are kept'),
		}),
		output: returns<FigureStanding>(),
	}),
};
