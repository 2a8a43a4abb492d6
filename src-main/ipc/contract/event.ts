/** Routes about the events that a deployment sends, as they come. */
import * as z from 'zod';
import type { Snapshot } from '#main/domain/snapshot.ts';
import { profileName } from './fields.ts';
import { returns, stream } from './route.ts';

/** One event as it was heard. Times are epoch ms. */
export interface EventLine {
	readonly receivedAt: number;
	readonly routingKey: string;
	/** e.g. `task-received`; null: it could not be read. */
	readonly type: string | null;
	readonly hostname: string | null;
	/** By its sender's clock. */
	readonly sentAt: number | null;
	readonly task: string | null;
	/** Task name, where this event tells it. */
	readonly name: string | null;
	/** The event exactly as it came. */
	readonly text: string;
	/** Why it could not be read; null: it could. */
	readonly fault: string | null;
}

export const eventRoutes = {
	'event.watch': stream({
		scope: 'deployment',
		fold: 'append',
		summary: 'Print events as they come, through a queue of its own; nothing is kept',
		input: z.strictObject({
			profile: profileName,
			group: z.enum(['task', 'worker']).optional().describe('Only events of tasks, or of workers'),
			task: z.string().min(1).max(400).optional().describe('Only events of this task'),
		}),
		item: returns<EventLine>(),
	}),
	/** By the rules of Celery's cameras; a shot that would show nothing new is left out. */
	'event.snapshot': stream({
		scope: 'deployment',
		fold: 'append',
		summary: 'Freeze workers, tasks and counts every so often, through a queue of its own',
		input: z.strictObject({
			profile: profileName,
			every: z.number().min(0.1).max(86_400).default(2).describe('Seconds between snapshots'),
			keep: z
				.boolean()
				.optional()
				.describe('Keep tasks that have ended, and go on counting, from one snapshot to the next'),
		}),
		item: returns<Snapshot>(),
	}),
};
