/** Routes about queues and schedules, with those about consumers and quarantine, which have files of their own. */
import * as z from 'zod';
import type { FieldTable } from '#main/domain/message.ts';
import type { LookCost, QueueFigures } from '#main/domain/queue.ts';
import type { ScheduleRow } from '#main/domain/schedule.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import { consumerRoutes } from './consumer.ts';
import { profileName, queueName } from './fields.ts';
import { quarantineRoutes } from './quarantine.ts';
import { query, returns } from './route.ts';

/** One waiting message, decoded where it could be. `raw` is its body in base64. */
export interface PeekedMessage {
	readonly queue: string;
	readonly task: Omit<DecodedTask, 'call'> | null;
	readonly fault: UndecodableTask | null;
	readonly raw: string;
	readonly exchange: string;
	readonly routingKey: string;
	readonly properties: Readonly<Record<string, string | number>>;
	readonly headers: FieldTable;
	readonly redelivered: boolean;
	readonly deliveryCount: number | null;
	/** carrot's messages are not signed: always null. */
	readonly verified: boolean | null;
}

export const deploymentRoutes = {
	...consumerRoutes,
	...quarantineRoutes,
	'queue.list': query({
		scope: 'deployment',
		summary: 'List queues with what waits in them',
		input: z.strictObject({ profile: profileName }),
		output: returns<{
			readonly items: readonly QueueFigures[];
			readonly total: number;
			/** False: only the queues that the profile names or history knows; the broker was not asked for others. */
			readonly complete: boolean;
		}>(),
	}),
	'queue.peek': query({
		scope: 'deployment',
		summary: 'Look at waiting messages, next to run first; says what the look costs',
		input: z.strictObject({
			profile: profileName,
			queue: queueName,
			limit: z.int().min(1).max(1_000).default(50),
			dryRun: z.boolean().optional().describe('Only say what a look would cost'),
		}),
		output: returns<{ readonly items: readonly PeekedMessage[]; readonly total: number; readonly cost: LookCost }>(),
		cli: { positional: ['queue'] },
	}),
	'schedule.next': query({
		scope: 'console',
		summary: 'When something would run next, in any zone, with clock changes marked',
		input: z.strictObject({
			every: z.string().min(1).max(100).optional().describe("Interval, e.g. '5 seconds'"),
			cron: z.string().min(1).max(200).optional().describe('Cron expression: five fields, or six with seconds first'),
			at: z.string().min(1).max(100).optional().describe('Once, e.g. 2026-12-24T18:00 in the zone'),
			zone: z.string().min(1).max(100).default('UTC').describe('Time zone, e.g. Europe/London'),
			from: z.string().min(1).max(100).optional().describe('Runs after this time (default: now)'),
			count: z.int().min(1).max(1_000).default(20).describe('How many'),
		}),
		output: returns<{
			/** The timing in plain words. */
			readonly words: string;
			/** `at` in epoch ms, `local` as the zone's wall clock shows it; `clockChange` in ms since the run before. */
			readonly items: readonly { readonly at: number; readonly local: string; readonly clockChange: number }[];
			readonly total: number;
		}>(),
	}),
	'schedule.list': query({
		scope: 'deployment',
		summary: 'List schedules',
		input: z.strictObject({ profile: profileName }),
		output: returns<{ readonly items: readonly ScheduleRow[]; readonly total: number }>(),
	}),
};
