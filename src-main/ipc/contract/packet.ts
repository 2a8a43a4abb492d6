/** Routes about what waits in django-q's lists, beyond what all queues have. */
import * as z from 'zod';
import type { PacketFacts } from '#main/domain/packet.ts';
import type { DecodedTask, UndecodableTask } from '#main/domain/task.ts';
import type { WaitingOutcome } from '#main/domain/waiting.ts';
import { kwargsJson, literals, profileName, queryText, queueName, reviewToken } from './fields.ts';
import { command, query, returns } from './route.ts';

/** One packet as it waits. */
export interface PacketView {
	/** 0 runs next; at the moment of the look. */
	readonly place: number;
	/** Names exactly these bytes. */
	readonly print: string;
	readonly task: DecodedTask | null;
	readonly fault: UndecodableTask | null;
	/** Null where the task cannot be read. */
	readonly packet: PacketFacts | null;
	/** Since it was signed, in ms; null: it is no packet. */
	readonly waitingMs: number | null;
	/** The packet's bytes in base64; what is longer than 64 KiB only in `packet.show`, else null. */
	readonly raw: string | null;
	readonly bytes: number;
}

export interface PacketPage {
	readonly items: readonly PacketView[];
	readonly queue: string;
	/** Packets in the list. */
	readonly total: number;
	/** How many were looked at for this page. */
	readonly scanned: number;
	/** Where to go on; null: this was the end. */
	readonly next: number | null;
}

export interface PacketGroup {
	/** Function or group; null: it has none, or cannot be read. */
	readonly name: string | null;
	readonly count: number;
	/** When the oldest of them was enqueued, epoch ms; null: cannot tell. */
	readonly oldest: number | null;
}

/** What became of packets that were moved. */
export interface PacketsMoved extends WaitingOutcome {
	readonly from: string;
	readonly to: string;
	/** Of a dry run: does exactly this, for ten minutes; else null. */
	readonly review: string | null;
}

const site = {
	profile: profileName,
	queue: queueName.optional().describe('Queue (default: the first of the profile, or the name of its one site)'),
};
const filter = {
	func: z.string().min(1).max(400).optional().describe('Only those of this function'),
	group: z.string().min(1).max(100).optional().describe('Only those of this group'),
};
const ids = z
	.array(z.string().min(1).max(400))
	.max(100_000)
	.optional()
	.describe("Ids of tasks, or prints of packets ('packet list' shows both)");
const chosen = {
	...site,
	ids,
	...filter,
	where: queryText.optional().describe('Those that match this query'),
	all: z.boolean().optional().describe('All of the list'),
	review: reviewToken.optional().describe('Exactly what a review froze'),
	dryRun: z.boolean().optional().describe('Only say what would be done'),
};

export const packetRoutes = {
	'packet.list': query({
		scope: 'deployment',
		summary: "List packets in a queue of django-q's, next to run first, whoever signed them",
		input: z.strictObject({
			...site,
			...filter,
			from: z.int().min(0).max(1_000_000_000).default(0).describe('Place to begin at'),
			limit: z.int().min(1).max(500).default(50).describe('How many at most'),
		}),
		output: returns<PacketPage>(),
		cli: { positional: ['queue'] },
	}),
	'packet.groups': query({
		scope: 'deployment',
		summary: "Count the packets in a queue of django-q's by function or group",
		input: z.strictObject({ ...site, by: z.enum(['func', 'group']).default('func') }),
		output: returns<{
			readonly items: readonly PacketGroup[];
			readonly queue: string;
			/** Packets counted. */
			readonly total: number;
			/** False: there are more packets, or more names, than are counted at once. */
			readonly complete: boolean;
		}>(),
		cli: { positional: ['queue'] },
	}),
	'packet.show': query({
		scope: 'deployment',
		summary: 'Show one packet with the instructions of its pickle, which is not run',
		input: z.strictObject({
			...site,
			id: z.string().min(1).max(400).describe('Id of its task, or its print'),
			instructions: z.int().min(0).max(100_000).default(1_000).describe('How many instructions to list'),
		}),
		output: returns<
			PacketView & {
				readonly instructions: readonly {
					readonly offset: number;
					readonly name: string;
					readonly argument: string | null;
				}[];
				/** Why the list of instructions ends early; null: it does not. */
				readonly ended: string | null;
			}
		>(),
		cli: { positional: ['id'] },
	}),
	'packet.next': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Have waiting packets run next',
		input: z.strictObject(chosen),
		output: returns<PacketsMoved>(),
		cli: { positional: ['ids…'] },
	}),
	'packet.hold': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Hold waiting packets back: put them into a list that no cluster serves',
		input: z.strictObject(chosen),
		output: returns<PacketsMoved>(),
		cli: { positional: ['ids…'] },
	}),
	'packet.release': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Give packets that were held back to their queue',
		input: z.strictObject({ ...chosen, first: z.boolean().optional().describe('To run next, not last') }),
		output: returns<PacketsMoved>(),
		cli: { positional: ['ids…'] },
	}),
	'packet.clone': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Enqueue a waiting packet once more as a new task, with other arguments if wanted; needs the key',
		input: z.strictObject({
			...site,
			id: z.string().min(1).max(400).describe('Id of its task, or its print'),
			args: literals.optional().describe('Other positional arguments; both kinds are replaced'),
			kwargs: kwargsJson.optional().describe('Other keyword arguments; both kinds are replaced'),
		}),
		output: returns<{
			readonly id: string;
			readonly queue: string;
			readonly note: string | null;
			/** The number to take it back by, while the copy still waits. */
			readonly undo: number;
		}>(),
		cli: { positional: ['id'] },
	}),
};
