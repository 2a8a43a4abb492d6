/** Routes about workers that others run. */
import * as z from 'zod';
import type { WorkerView } from '#main/domain/worker.ts';
import { profileName } from './fields.ts';
import { query, returns } from './route.ts';

/** Where a list of workers is from. */
export type WorkerSource =
	/** Somebody watches. */
	| 'monitor'
	/** Nobody watches: this call listened for a moment, beside what was known. */
	| 'listened'
	/** The broker was not reached: as last known. */
	| 'noted';

export const workerRoutes = {
	'worker.list': query({
		scope: 'deployment',
		summary: 'List workers: which live, what they run, since when they are silent',
		input: z.strictObject({
			profile: profileName,
			listen: z.number().min(0).max(60).default(3).describe('Seconds to listen for heartbeats where nobody watches'),
		}),
		output: returns<{
			readonly items: readonly WorkerView[];
			readonly total: number;
			readonly source: WorkerSource;
			/** Why nothing could be heard; null: it could. */
			readonly trouble: string | null;
		}>(),
	}),
};
