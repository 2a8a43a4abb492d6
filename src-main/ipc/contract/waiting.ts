/** Routes about waiting messages, and about taking changes back. */
import * as z from 'zod';
import type { AuditVerdict } from '#main/domain/audit.ts';
import type { JournalRow } from '#main/domain/journal.ts';
import type { WaitingOutcome, WaitingReview } from '#main/domain/waiting.ts';
import { kwargsJson, literals, priority, profileName, queryText, queueName, reviewToken } from './fields.ts';
import { command, query, returns } from './route.ts';

/** A change that was made, and whether it can be taken back. */
export interface UndoRow extends Omit<JournalRow, 'before' | 'state'> {
	/** interrupted: Warren was ended in the middle of it. running: it is under way. */
	readonly state: Exclude<JournalRow['state'], 'open'> | 'running' | 'interrupted';
	readonly able: boolean;
	/** What taking it back would do, or why that cannot be. */
	readonly words: string;
}

const prints = z
	.array(z.string().min(1).max(64))
	.max(100_000)
	.describe('Exactly these messages, by the print that a look shows');
const messageIds = z.array(z.string().min(1).max(400)).max(10_000).describe('Message ids, task ids or prints');
const chosen = {
	profile: profileName,
	queue: queueName,
	prints: prints.optional(),
	where: queryText.optional().describe('Those that match this query'),
	name: z.string().min(1).max(400).optional().describe('Those of this task'),
	group: z.string().min(1).max(100).optional().describe('django-q: those of this group'),
};
const confirmed = {
	scan: z.int().min(1).max(200_000).default(100_000).describe('How far into the queue to look'),
	review: reviewToken.optional().describe('Exactly what a review froze'),
	dryRun: z.boolean().optional().describe('Only say what would be done'),
};

export const waitingRoutes = {
	'message.review': query({
		scope: 'deployment',
		summary: 'Freeze which waiting messages a change would be about, and show it',
		input: z.strictObject({
			...chosen,
			ids: messageIds.optional(),
			action: z.enum(['remove', 'purge', 'move', 'replay', 'edit', 'hold', 'release', 'next']),
			scan: confirmed.scan,
		}),
		output: returns<WaitingReview>(),
		cli: { hidden: 'the changes take --dry-run' },
	}),
	'message.delete': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: 'Take waiting messages out of a queue; they are kept for an undo',
		input: z.strictObject({ ...chosen, ids: messageIds.optional(), ...confirmed }),
		output: returns<WaitingOutcome>(),
		cli: { positional: ['queue', 'ids…'] },
	}),
	'message.edit': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Change a waiting message: the new one is published and confirmed, then the old one goes',
		input: z.strictObject({
			profile: profileName,
			queue: queueName,
			id: z.string().min(1).max(400).describe('Message id, task id or print'),
			args: literals.optional().describe('Other positional arguments; both kinds are replaced'),
			kwargs: kwargsJson.optional().describe('Other keyword arguments; both kinds are replaced'),
			priority: priority.optional(),
			toQueue: queueName.optional().describe('Another queue'),
			...confirmed,
		}),
		output: returns<WaitingOutcome>(),
		cli: { positional: ['queue', 'id'] },
	}),
	'queue.purge': command({
		scope: 'deployment',
		needs: 'destroy',
		summary: 'Empty a queue of what waits in it, or of what matches; kept for an undo',
		input: z.strictObject({
			...chosen,
			withoutUndo: z
				.boolean()
				.optional()
				.describe("The broker's own purge: at once, all of it, nothing is kept and nothing can be taken back"),
			...confirmed,
		}),
		output: returns<WaitingOutcome>(),
		cli: { positional: ['queue'] },
	}),
	'queue.move': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Move waiting messages to another queue',
		input: z.strictObject({
			...chosen,
			to: queueName.describe('The queue to move them to'),
			ids: messageIds.optional().describe('Only these'),
			...confirmed,
		}),
		output: returns<WaitingOutcome>(),
		cli: { positional: ['queue', 'to'] },
	}),
	'queue.replay': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Send dead letters back to where they came from',
		input: z.strictObject({
			...chosen,
			ids: messageIds.optional().describe('Only these'),
			straight: z.boolean().optional().describe('Into the queue itself, past the exchange they were published to'),
			keepDeaths: z.boolean().optional().describe('Leave the headers about their death on them'),
			...confirmed,
		}),
		output: returns<WaitingOutcome>(),
		cli: { positional: ['queue'] },
	}),
	'undo.list': query({
		scope: 'deployment',
		summary: 'Changes that were made, newest first, and whether they can be taken back',
		input: z.strictObject({ profile: profileName, limit: z.int().min(1).max(500).default(50) }),
		output: returns<{ readonly items: readonly UndoRow[]; readonly total: number }>(),
	}),
	'undo.apply': command({
		scope: 'deployment',
		needs: 'write',
		summary: 'Take a change back, once',
		input: z.strictObject({
			profile: profileName,
			id: z.int().min(1).describe('Its number, from undo list'),
			uncertain: z
				.boolean()
				.optional()
				.describe('Also put back messages that may be back already, or may have been run since'),
			dryRun: z.boolean().optional().describe('Only say what would be done'),
		}),
		output: returns<WaitingOutcome & { readonly words: string }>(),
		cli: { positional: ['id'] },
	}),
	'audit.verify': query({
		scope: 'console',
		summary: 'Whether the audit is whole: no line changed, none taken out',
		input: z.strictObject({}),
		output: returns<AuditVerdict>(),
	}),
};
