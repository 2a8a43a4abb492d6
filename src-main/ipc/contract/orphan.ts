/** Routes about what dead workers and askers left behind in Redis. */
import * as z from 'zod';
import type { ActionOutcome } from '#main/domain/action.ts';
import type { OrphanList, RescueOutcome } from '#main/domain/orphan.ts';
import { profileName, queueName } from './fields.ts';
import { command, query, returns } from './route.ts';

/** Answers to remote control that whoever asked never fetched. */
export interface ReplyListView {
	readonly queue: string;
	/** Since anybody touched it, in ms. */
	readonly idleMs: number;
	/** What it takes in memory; null: the server does not tell. */
	readonly bytes: number | null;
}

const dryRun = z.boolean().optional().describe('Only say what would be done');
const idleMinutes = z
	.int()
	.min(1)
	.max(100_000)
	.default(60)
	.describe('Only lists that nobody touched for so many minutes');

export const orphanRoutes = {
	'queue.orphans': query({
		scope: 'deployment',
		summary: 'List unacknowledged messages that nobody holds any more, and how sure that is (Redis)',
		input: z.strictObject({
			profile: profileName,
			queue: queueName.optional().describe('Only those that go back to this queue'),
			limit: z.int().min(1).max(10_000).default(200).describe('Of how many to tell; all are counted'),
		}),
		output: returns<OrphanList>(),
		cli: { positional: ['queue'] },
	}),
	'queue.rescue': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Give messages that nobody holds any more back to the front of their queues (Redis)',
		input: z.strictObject({
			profile: profileName,
			ids: z
				.array(z.string().min(1).max(400))
				.max(10_000)
				.optional()
				.describe('Task ids, or tags as a list shows them'),
			all: z.boolean().optional().describe('All that are likely or sure'),
			queue: queueName.optional().describe('Only those that go back to this queue'),
			dryRun,
		}),
		output: returns<RescueOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	'queue.replies': query({
		scope: 'deployment',
		summary: 'List answers of workers that whoever asked never fetched (Redis)',
		input: z.strictObject({ profile: profileName, idleMinutes }),
		output: returns<{
			readonly items: readonly ReplyListView[];
			readonly total: number;
			/** False: the database is too large to be gone through in time. */
			readonly complete: boolean;
		}>(),
	}),
	'queue.clean': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: 'Remove lists of answers that nobody will fetch (Redis); they cannot be put back',
		input: z.strictObject({
			profile: profileName,
			ids: z.array(z.string().min(1).max(400)).max(10_000).optional().describe('Lists, as "queue replies" names them'),
			all: z.boolean().optional().describe('All of them'),
			idleMinutes,
			dryRun,
		}),
		output: returns<ActionOutcome>(),
		cli: { positional: ['ids…'] },
	}),
};
