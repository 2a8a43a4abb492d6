/** Routes about workers that others run. */
import * as z from 'zod';
import type { Failure } from '#main/domain/result.ts';
import type { WorkerView } from '#main/domain/worker.ts';
import type { ControlOutcome, ControlSummary, NodeAnswers } from '#main/domain/worker-control.ts';
import {
	CONTROL_METHODS,
	destroysBy,
	INSPECT_ALIASES,
	INSPECT_METHODS,
	type InspectAlias,
	type InspectMethod,
} from '#main/domain/worker-methods.ts';
import { profileName } from './fields.ts';
import { command, query, returns, stream } from './route.ts';

/** Where a list of workers is from. */
export type WorkerSource =
	/** Somebody watches. */
	| 'monitor'
	/** Nobody watches: this call listened for a moment, beside what was known. */
	| 'listened'
	/** The broker was not reached: as last known. */
	| 'noted';

/** How one request to workers goes: an item per node, and one with the empty key for all together. */
export interface InspectItem {
	/** The node's name; empty: the summary. */
	readonly key: string;
	readonly node: NodeAnswers | null;
	readonly summary: ControlSummary | null;
	/** Why nothing could be asked, on the summary; null: it could. */
	readonly failure: Failure | null;
}

const METHODS = [...INSPECT_METHODS, ...(Object.keys(INSPECT_ALIASES) as InspectAlias[])] as [
	InspectMethod,
	...(InspectMethod | InspectAlias)[],
];

const text = z.string().max(1_000);
const list = z.array(text).max(10_000);
/** Whom to ask, and for how long to wait. */
const whom = {
	destination: list.min(1).optional().describe('Only these workers, by node name such as w1@host'),
	pattern: text.min(1).optional().describe("Only workers whose name matches, e.g. 'mail*'"),
	matcher: z.enum(['glob', 'pcre']).optional().describe('How to read --pattern (default: glob)'),
	timeout: z
		.number()
		.min(0.1)
		.max(600)
		.optional()
		.describe('Seconds to wait for answers (default: 2, more for slow methods); ends earlier once all have answered'),
};
const values = list.optional().describe("The method's arguments in their order");
const signal = text.optional().describe('Signal that ends the process, with --terminate (default: SIGTERM)');

export const workerRoutes = {
	'worker.list': query({
		scope: 'deployment',
		summary: 'List workers: which live, what they run, since when they are silent',
		input: z.strictObject({
			profile: profileName,
			listen: z.number().min(0).max(60).default(3).describe('Seconds to listen for heartbeats where nobody watches'),
			details: z
				.boolean()
				.optional()
				.describe('Ask the workers as well: pool, size, prefetch, queues; shows those that answer and send no events'),
		}),
		output: returns<{
			readonly items: readonly WorkerView[];
			readonly total: number;
			readonly source: WorkerSource;
			/** Why nothing could be heard; null: it could. */
			readonly trouble: string | null;
		}>(),
	}),
	/** Ends by itself once all have answered or the time is over. */
	'worker.inspect': stream({
		scope: 'deployment',
		fold: 'latest',
		summary: "Ask Celery's workers what they do: answers as they come, and who has not answered",
		input: z.strictObject({
			profile: profileName,
			method: z.enum(METHODS).describe(`What to ask: ${INSPECT_METHODS.join(', ')}`),
			values,
			...whom,
			ids: list.optional().describe('Task ids, for query_task'),
			safe: z.boolean().optional().describe('Arguments as printed texts, which are short, for active'),
			attributes: list.optional().describe('Attributes to tell of each task, for registered'),
			builtins: z.boolean().optional().describe("Celery's own tasks as well, for registered"),
			withDefaults: z.boolean().optional().describe('Settings that were not changed as well, for conf'),
			samples: z.int().optional().describe('How many samples, for memdump'),
			type: text.optional().describe('Python type, for objgraph'),
			num: z.int().optional().describe('How many objects, for objgraph'),
			maxDepth: z.int().optional().describe('How deep, for objgraph'),
		}),
		item: returns<InspectItem>(),
		cli: { positional: ['method', 'values…'] },
	}),
	'worker.control': command({
		scope: 'deployment',
		needs: 'write',
		destroys: (input) => destroysBy(input.method, input),
		summary: "Tell Celery's workers to do something, and show what each answers",
		input: z.strictObject({
			profile: profileName,
			method: z.enum(CONTROL_METHODS).describe(`What to do: ${CONTROL_METHODS.join(', ')}`),
			values,
			...whom,
			ids: list.optional().describe('Task ids, for revoke and terminate'),
			terminate: z.boolean().optional().describe("End a running task's process too, for revoke…"),
			signal,
			headers: z.record(text, text).optional().describe('Stamp, for revoke_by_stamped_headers'),
			taskName: text.optional().describe('Task, for rate_limit and time_limit'),
			rateLimit: text.optional().describe('e.g. 10/s, 5/m, 100/h, or 0 for none, for rate_limit'),
			soft: z.number().optional().describe('Seconds until SoftTimeLimitExceeded is raised, for time_limit'),
			hard: z.number().optional().describe('Seconds until the process is ended, for time_limit'),
			n: z.int().optional().describe('How many processes, for pool_grow and pool_shrink'),
			max: z.int().optional().describe('Most processes, for autoscale'),
			min: z.int().optional().describe('Least processes, for autoscale'),
			modules: list.optional().describe('Modules to import again, for pool_restart'),
			reload: z.boolean().optional().describe('Also import anew what was imported, for pool_restart'),
			queue: text.optional().describe('Queue, for add_consumer and cancel_consumer'),
			exchange: text.optional().describe('Its exchange, for add_consumer (default: named as the queue)'),
			exchangeType: text.optional().describe('Kind of exchange, for add_consumer (default: direct)'),
			routingKey: text.optional().describe('Its routing key, for add_consumer (default: the queue)'),
		}),
		output: returns<ControlOutcome>(),
		cli: { positional: ['method', 'values…'] },
	}),
};
