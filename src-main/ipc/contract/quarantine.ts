/** Routes about messages set aside, and about how long history is kept. */
import * as z from 'zod';
import type { FieldTable } from '#main/domain/message.ts';
import { QUARANTINE_CAUSES, QUARANTINE_STATES, type QuarantineItem } from '#main/domain/quarantine.ts';
import { FINISHED_STATES, type RetentionPolicy, type RetentionPreview } from '#main/domain/retention.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import { kwargsJson, limit, literals, profileName, queueName } from './fields.ts';
import { command, query, returns } from './route.ts';

/** A message in quarantine with its bytes, and how the profile's dialect reads it today. */
export interface QuarantinedMessage {
	readonly item: QuarantineItem;
	readonly exchange: string;
	readonly routingKey: string;
	/** Basic properties other than headers, absent ones left out. */
	readonly properties: Readonly<Record<string, string | number>>;
	readonly headers: FieldTable;
	/** The body, or its first 64 KiB unless the whole was asked for. */
	readonly bodyBase64: string;
	/** As text, where it is UTF-8. */
	readonly bodyText: string | null;
	readonly cut: boolean;
	/** Readable by now, e.g. since the profile's header or keys were mended; null where it is not. `editable`: texts say all of its call. */
	readonly task: (Omit<DecodedTask, 'call'> & { readonly editable: boolean }) | null;
	readonly fault: UndecodableTask | null;
}

/** What became of messages that somebody decided about. */
export interface QuarantineOutcome {
	readonly action: 'release' | 'send' | 'discard' | 'restore';
	readonly done: number;
	readonly failed: number;
	readonly skipped: number;
	readonly dryRun: boolean;
	/** At most 1,000, failures first. */
	readonly items: readonly {
		readonly id: number;
		readonly outcome: 'done' | 'failed' | 'skipped';
		readonly reason: string | null;
		/** Where it went (or would go). */
		readonly queue: string | null;
	}[];
}

const id = z.union([
	z.int().min(1),
	z
		.string()
		.regex(/^\d{1,15}$/, 'a number from "quarantine list"')
		.transform(Number),
]);
const cause = z.enum(QUARANTINE_CAUSES as ['undecodable', 'unknown-task', 'known-outcome']);

/** Which messages: by number, or all that are held, of a queue or a cause. */
const chosen = {
	profile: profileName,
	ids: z.array(id).min(1).max(10_000).optional().describe('Number of a message'),
	all: z.boolean().optional().describe('All held messages'),
	from: queueName.optional().describe('With --all: only those that came from this queue'),
	cause: cause.optional().describe('With --all: only those set aside for this cause'),
	dryRun: z.boolean().optional().describe('Only say what would be done'),
};

const finished = z.enum(FINISHED_STATES as ['succeeded', 'failed', 'revoked', 'rejected', 'lost']);
const keep = z.string().min(1).max(40);

/** A change of policy; what is left out stays. */
const change = {
	states: z.array(finished).max(5).optional().describe('State that --after and --max are for (default: succeeded)'),
	after: keep.optional().describe('Remove so long after the task ended, e.g. 3d or 12h; never: keep'),
	max: z.int().min(0).max(1_000_000_000).optional().describe('Keep the newest so many'),
	noMax: z.boolean().optional().describe('Keep any number'),
	deleted: keep.optional().describe('How long a deletion can be taken back, e.g. 3d'),
	decided: keep.optional().describe('How long messages that left quarantine are remembered, e.g. 30d'),
};

export interface RetentionView {
	readonly policy: RetentionPolicy;
	readonly isDefault: boolean;
	/** When a clean-up last went through; null: never. */
	readonly ranAt: number | null;
}

export const quarantineRoutes = {
	'quarantine.list': query({
		scope: 'deployment',
		summary: 'List messages that nothing may run until somebody decides, newest first',
		input: z.strictObject({
			profile: profileName,
			state: z
				.enum([...QUARANTINE_STATES, 'any'] as ['held', 'released', 'sent', 'discarded', 'any'])
				.default('held')
				.describe('What was decided'),
			cause: cause.optional().describe('Why it was set aside'),
			queue: queueName.optional().describe('Queue that it came from'),
			limit: limit.default(50),
			before: id.optional().describe('Only older ones than this number'),
		}),
		output: returns<{ readonly items: readonly QuarantineItem[]; readonly total: number; readonly held: number }>(),
	}),
	'quarantine.show': query({
		scope: 'deployment',
		summary: 'Show one message in quarantine: why, its properties, its bytes, and how it reads today',
		input: z.strictObject({
			profile: profileName,
			id: id.describe('Number of the message'),
			whole: z.boolean().optional().describe('The whole body, however large'),
		}),
		output: returns<QuarantinedMessage>(),
		cli: { positional: ['id'] },
	}),
	'quarantine.release': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Give messages back to their queue, byte for byte',
		input: z.strictObject(chosen),
		output: returns<QuarantineOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	'quarantine.send': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Send messages to a queue, mended where flags say how',
		input: z.strictObject({
			...chosen,
			queue: queueName,
			task: z.string().min(1).max(1_000).optional().describe("Task to name in the profile's header"),
			args: literals.optional(),
			kwargs: kwargsJson.optional(),
			body: z.string().max(10_000_000).optional().describe('Another body, as text'),
			headers: z.record(z.string().min(1).max(255), z.string().max(100_000)).optional().describe('Header to set'),
		}),
		output: returns<QuarantineOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	'quarantine.discard': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: 'Discard messages; "quarantine restore" takes that back while they are remembered',
		input: z.strictObject(chosen),
		output: returns<QuarantineOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	'quarantine.restore': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Hold discarded messages again',
		input: z.strictObject({ profile: profileName, ids: chosen.ids.unwrap(), dryRun: chosen.dryRun }),
		output: returns<QuarantineOutcome>(),
		cli: { positional: ['ids…'] },
	}),
	'retention.show': query({
		scope: 'deployment',
		summary: 'Show how long history is kept',
		input: z.strictObject({ profile: profileName }),
		output: returns<RetentionView>(),
	}),
	'retention.set': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Change how long history is kept; what is left out stays',
		input: z.strictObject({
			profile: profileName,
			...change,
			default: z.boolean().optional().describe('As it is out of the box'),
		}),
		output: returns<RetentionView>(),
	}),
	'retention.preview': query({
		scope: 'deployment',
		summary: 'What a clean-up would remove now, under these rules or others',
		input: z.strictObject({ profile: profileName, ...change }),
		output: returns<RetentionPreview & { readonly policy: RetentionPolicy }>(),
	}),
	'retention.run': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: 'Clean up now what the hourly clean-up would',
		input: z.strictObject({ profile: profileName }),
		output: returns<{ readonly done: number; readonly took: number }>(),
	}),
};
