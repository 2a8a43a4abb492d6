/** Routes about django-q's clusters. */
import * as z from 'zod';
import type { ClusterQueue, ClusterReport, ClusterState } from '#main/domain/cluster.ts';
import { profileName } from './fields.ts';
import { query, returns, stream } from './route.ts';

/** A cluster as a list shows it. Times are epoch ms. */
export interface ClusterView extends ClusterState {
	/** Since when the sentinel lives, ms, as far as it was last heard. */
	readonly uptimeMs: number;
	/** Since the last heartbeat was seen, ms. */
	readonly ageMs: number;
	/** Every attribute of django-q's own `Stat`, by its names; times in ISO 8601. */
	readonly stat: Readonly<Record<string, unknown>>;
}

export interface ClusterList {
	readonly items: readonly ClusterView[];
	readonly total: number;
	readonly queues: readonly ClusterQueue[];
	/** The clusters take tasks from another broker than Redis, so that there are no queues to be seen. */
	readonly elsewhere: boolean;
	/** Heartbeats that could not be read or trusted, with what to do. */
	readonly odd: ClusterReport['odd'];
	/** What seems wrong with the site as a whole, in words. */
	readonly hints: readonly string[];
	/** When this was looked at. */
	readonly at: number;
	/** False: there are more keys than were looked at. */
	readonly complete: boolean;
	/** Why it could not be looked at just now, while what was seen before is still shown; null: it could. */
	readonly problem: string | null;
}

export const clusterRoutes = {
	'cluster.list': query({
		scope: 'deployment',
		summary: "List django-q's clusters with their heartbeats, and the queues behind them",
		input: z.strictObject({ profile: profileName }),
		output: returns<ClusterList>(),
	}),
	/** One item, keyed by profile id. */
	'cluster.watch': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: "Watch django-q's clusters, as its own monitor does",
		input: z.strictObject({
			profile: profileName,
			every: z.number().min(0.5).max(60).default(1).describe('Seconds between looks'),
		}),
		item: returns<{ readonly key: string; readonly list: ClusterList }>(),
	}),
};
