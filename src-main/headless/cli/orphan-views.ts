/** What a person reads about what dead workers and askers left behind. */
import type { ActionOutcome } from '#main/domain/action.ts';
import type { Orphan, OrphanList, RescueOutcome } from '#main/domain/orphan.ts';
import type { ReplyListView } from '#main/ipc/contract/orphan.ts';
import type { Output } from '#main/ipc/contract.ts';
import { type Column, count, counted, harmless, lasted, oneLine, paint, type Style, table } from './text.ts';

const COLUMNS: readonly Column<Orphan>[] = [
	{ title: 'ID', cell: ({ id, tag }) => oneLine(id ?? tag) },
	{ title: 'TASK', cell: ({ task }) => oneLine(task ?? '-'), shrink: true },
	{ title: 'QUEUE', cell: ({ queues }) => oneLine(queues.join(', ') || '-'), shrink: true },
	{ title: 'HELD FOR', cell: ({ heldMs }) => (heldMs === null ? '?' : lasted(heldMs)), right: true },
	{
		title: 'SURE',
		cell: ({ certainty }) => certainty,
		paint: ({ certainty }) => (certainty === 'unsure' ? 'yellow' : null),
	},
	{ title: 'REASON', cell: ({ reason }) => oneLine(reason), shrink: true },
];

const REPLY_COLUMNS: readonly Column<ReplyListView>[] = [
	{ title: 'LIST', cell: ({ queue }) => oneLine(queue) },
	{ title: 'UNTOUCHED FOR', cell: ({ idleMs }) => lasted(idleMs), right: true },
	{ title: 'BYTES', cell: ({ bytes }) => (bytes === null ? '?' : count(bytes)), right: true },
];

function showOrphans({ items, total, rescuable, held, complete }: OrphanList, style: Style): string {
	const notes = [
		...(items.length < total ? [`${count(items.length)} of ${count(total)}; --limit N shows more.`] : []),
		`${counted(held, 'message')} handed out in all${complete ? '' : ', of which not all were looked at'}.`,
		...(rescuable > 0 ? [`"queue rescue --all" gives ${counted(rescuable, 'message')} back.`] : []),
	];
	const body = items.length === 0 ? 'Whatever is handed out, somebody holds it.' : table(style, items, COLUMNS);
	return [body, ...notes.map((note) => paint(style, 'dim', note))].join('\n');
}

/** How many, then each that was left out with its reason. */
function showOutcome(outcome: ActionOutcome, verb: string, noun: string, style: Style): string {
	const lines = [
		outcome.dryRun
			? `${counted(outcome.done, noun)} would be ${verb}. Nothing was changed.`
			: `${counted(outcome.done, noun)} ${verb}${outcome.cancelled ? ', then it was stopped' : ''}.`,
	];
	for (const { id, outcome: came, reason } of outcome.items) {
		if (came === 'done' || reason === null) continue;
		lines.push(paint(style, came === 'failed' ? 'red' : 'yellow', `${oneLine(id)}: ${harmless(reason)}`));
	}
	return lines.join('\n');
}

/** Views of the routes about them. */
export const ORPHAN_VIEWS = {
	'queue.orphans': { text: showOrphans },
	'queue.rescue': {
		text: (outcome: RescueOutcome, style: Style) => {
			const text = showOutcome(outcome, 'given back', 'message', style);
			return outcome.complete ? text : `${text}\nMore is held than was looked at: do it again to find the rest.`;
		},
	},
	'queue.replies': {
		text: ({ items, complete }: Output<'queue.replies'>, style: Style) =>
			[
				items.length === 0 ? 'No answers lie about.' : table(style, items, REPLY_COLUMNS),
				...(complete ? [] : ['The database is too large to be gone through in time; there may be more.']),
			].join('\n'),
	},
	'queue.clean': { text: (outcome: ActionOutcome, style: Style) => showOutcome(outcome, 'removed', 'list', style) },
} as const;
