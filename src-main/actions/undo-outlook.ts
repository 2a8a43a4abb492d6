/** Whether a change that the journal holds can be taken back, and what that would do. */
import type { JournalRow } from '#main/domain/journal.ts';

/** What can be done about an entry, in words; `able` false: nothing. */
export interface UndoOutlook {
	readonly able: boolean;
	readonly words: string;
	/** How many things it would touch. */
	readonly count: number;
}

/** What the journal keeps of a change besides its messages. */
export interface Before {
	readonly ids?: readonly string[];
	readonly tasks?: readonly string[];
	readonly sent?: readonly { readonly messageId: string; readonly queue?: string }[];
}

const MESSAGE_ACTIONS = new Set([
	'queue.purge',
	'queue.move',
	'queue.replay',
	'message.delete',
	'message.edit',
	'packet.hold',
	'packet.release',
	'packet.next',
]);

/** Whether a change can be taken back, and what that would do. */
export function undoOutlook(row: JournalRow): UndoOutlook {
	const no = (words: string): UndoOutlook => ({ able: false, words, count: 0 });
	if (row.undoOf !== null) return no('is itself an undo; do the change again instead');
	if (row.state === 'undone') return no('was taken back');
	const { kept } = row;
	const back = (kept.removed ?? 0) + (kept.replaced ?? 0);
	const unsure = (kept.kept ?? 0) + (kept.unknown ?? 0) + (kept.restoring ?? 0);
	const doubted = back === 0 ? countOf(unsure, 'message') : `${unsure} more`;
	const doubt =
		unsure === 0
			? ''
			: `${doubted} may or may not have been changed, because it was cut off there: an undo looks for each in its queue first.`;
	if (MESSAGE_ACTIONS.has(row.action)) {
		if (back + unsure === 0)
			return no(
				row.state === 'partly'
					? 'was taken back as far as it could be'
					: 'is too old: its messages are not kept any more',
			);
		const one = back === 1;
		const put = `${one ? 'is' : 'are'} put back, byte for byte`;
		const swapped = one
			? 'goes back as it was, unless a worker took it'
			: 'go back as they were, unless a worker took them';
		const last = one
			? 'goes back to the end of its queue, unless a cluster took it'
			: 'go back to the end of their queue, unless a cluster took them';
		const removes = row.action === 'queue.purge' || row.action === 'message.delete';
		const where = removes ? put : row.action.startsWith('packet.') ? last : swapped;
		return {
			able: true,
			words: [back === 0 ? '' : `${countOf(back, 'message')} ${where}.`, doubt].filter(Boolean).join(' '),
			count: back + unsure,
		};
	}
	const before = beforeOf(row);
	switch (row.action) {
		case 'task.delete': {
			const ids = before.ids?.length ?? 0;
			return ids === 0
				? no('says not what it deleted')
				: {
						able: true,
						words: `${row.state === 'open' ? `Those of ${countOf(ids, 'task')} that left the lists` : countOf(ids, 'task')} listed again; ${countOf(back, 'message')} put back into the queues.${doubt === '' ? '' : ` ${doubt}`}`,
						count: ids,
					};
		}
		case 'task.requeue':
		case 'task.publish':
		case 'packet.clone': {
			const sent = before.sent?.length ?? 0;
			return sent === 0
				? no('says not what it sent')
				: {
						able: true,
						words:
							row.state === 'open'
								? `Of ${countOf(sent, 'message')} that it was to send, those that wait are taken out again. What a worker has taken cannot be taken back.`
								: sent === 1
									? 'The message is taken out again if it still waits. If a worker has taken it, it cannot be taken back.'
									: `Those of ${sent} messages that still wait are taken out again. What a worker has taken cannot be taken back.`,
						count: sent,
					};
		}
		case 'queue.rescue':
			return no('gave messages back to workers; those that still wait can be deleted');
		case 'queue.clean':
			return no('removed answers that nobody would have fetched');
		default:
			return no('keeps nothing to take it back by; schedules and quarantine have ways back of their own');
	}
}

/** "1 message", "3 messages". */
function countOf(count: number, what: string): string {
	return count === 1 ? `1 ${what}` : `${count} ${what}s`;
}

/** Reads what the journal keeps of a change. */
export function beforeOf(row: JournalRow): Before {
	return JSON.parse(row.before) as Before;
}
