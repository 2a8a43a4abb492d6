/** Routes about the events that a deployment sends, as they come. */
import * as z from 'zod';
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
};
