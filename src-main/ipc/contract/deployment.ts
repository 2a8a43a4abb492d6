/** Routes about queues, with those about consumers and quarantine, which have files of their own. */
import * as z from 'zod';
import type { CeleryMessage } from '#main/domain/celery.ts';
import type { FieldTable } from '#main/domain/message.ts';
import type { PacketFacts } from '#main/domain/packet.ts';
import type { LookCost } from '#main/domain/queue.ts';
import type { DelayedMessages, QueueView } from '#main/domain/queue-depth.ts';
import type { QueuedTally } from '#main/domain/queued-tally.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import type { DeathOrigin } from '#main/domain/waiting.ts';
import { consumerRoutes } from './consumer.ts';
import { profileName, queryText, queueName } from './fields.ts';
import { quarantineRoutes } from './quarantine.ts';
import { query, returns } from './route.ts';

/** One waiting message, decoded where it could be. `raw` is its body in base64. */
export interface PeekedMessage {
	readonly queue: string;
	/** Names it in its queue, exactly: its bytes, envelope and all. What changes of waiting messages go by. */
	readonly print: string;
	/** Where it was before it became a dead letter; null: it is none. */
	readonly origin: DeathOrigin | null;
	readonly task: Omit<DecodedTask, 'call'> | null;
	/** Whether the texts of its arguments say them wholly, so that they can be edited as such: no bytes, tuples or objects, and not too long. */
	readonly editable: boolean;
	readonly fault: UndecodableTask | null;
	/** What a Celery message says beside its task and arguments; null for others, and where it cannot be read. */
	readonly celery: CeleryMessage | null;
	/** What a packet of django-q's says beside them; null for others, and where it cannot be read. */
	readonly packet: PacketFacts | null;
	readonly raw: string;
	readonly exchange: string;
	readonly routingKey: string;
	readonly properties: Readonly<Record<string, string | number>>;
	readonly headers: FieldTable;
	readonly redelivered: boolean;
	readonly deliveryCount: number | null;
	/** Null: not signed, or nobody checked. */
	readonly verified: boolean | null;
}

/** Queues, and by which doors they were asked. */
export interface QueueList {
	readonly items: readonly QueueView[];
	readonly total: number;
	/** False: only the queues that the profile names or history knows; the broker was not asked for others. */
	readonly complete: boolean;
	/** What waits in Celery's queues of native delayed delivery, for all queues together. */
	readonly delayed: DelayedMessages;
	/** Queues of the framework's own doings that are left out. */
	readonly hidden: number;
	/** The management API: `down` with the reason means that AMQP alone told what there is. */
	readonly management: { readonly state: 'none' | 'used' | 'down'; readonly reason: string | null };
}

export const deploymentRoutes = {
	...consumerRoutes,
	...quarantineRoutes,
	'queue.list': query({
		scope: 'deployment',
		summary: 'List queues with what waits in them, in all its parts',
		input: z.strictObject({ profile: profileName }),
		output: returns<QueueList>(),
	}),
	'queue.peek': query({
		scope: 'deployment',
		summary: 'Look at waiting messages, next to run first; says what the look costs',
		input: z.strictObject({
			profile: profileName,
			queue: queueName,
			limit: z.int().min(1).max(1_000).default(50),
			query: queryText
				.default('')
				.describe("Show only messages that match, e.g. 'name:mail kwargs.user.id:42 is:dead'"),
			scan: z
				.int()
				.min(1)
				.max(1_000)
				.default(1_000)
				.describe('With a query: how many messages to look at (default: 1000)'),
			dryRun: z.boolean().optional().describe('Only say what a look would cost'),
		}),
		/** `total`: how many of the messages looked at match; `looked`: how many that were, next to run first. */
		output: returns<{
			readonly items: readonly PeekedMessage[];
			readonly total: number;
			readonly looked: number;
			readonly cost: LookCost;
		}>(),
		cli: { positional: ['queue'] },
	}),
	'queue.tally': query({
		scope: 'deployment',
		summary: 'Count what waits by app and by task: the first 1,000 of each queue',
		input: z.strictObject({
			profile: profileName,
			queue: queueName.optional().describe('Only this one (default: all)'),
			long: z.boolean().optional().describe('Also where more wait than the profile has looked into unasked'),
			fresh: z.boolean().optional().describe('Read now, whatever is kept'),
		}),
		output: returns<QueuedTally>(),
		cli: { hidden: 'inspect queue' },
	}),
};
