/** What queues look like to a person: their depth in its parts, and what could not be told. */
import type { DepthPart, QueueView } from '#main/domain/queue-depth.ts';
import type { QueueList } from '#main/ipc/contract/deployment.ts';
import { type Column, count, counted, lasted, oneLine, paint, type Style, table } from './text.ts';

/** What cannot be told is a question mark, never a nought. */
const part = ({ count: value }: DepthPart) => (value === null ? '?' : count(value));
const there = (read: (row: QueueView) => string) => (row: QueueView) => (row.exists ? read(row) : '-');

const COLUMNS: readonly Column<QueueView>[] = [
	{ title: 'QUEUE', cell: (row) => row.name, shrink: true },
	{ title: 'BACKLOG', cell: (row) => (row.exists ? backlog(row) : 'missing'), right: true },
	{ title: 'READY', cell: there((row) => part(row.depth.ready)), right: true },
	{ title: 'UNACKED', cell: there((row) => part(row.depth.unacked)), right: true },
	{ title: 'RESERVED', cell: there((row) => part(row.depth.reserved)), right: true },
	{ title: 'ETA', cell: there((row) => part(row.depth.scheduled)), right: true },
	{ title: 'CONSUMERS', cell: there(({ consumers }) => (consumers === null ? '?' : count(consumers))), right: true },
	{
		title: 'OLDEST',
		cell: there(({ oldestAgeMs }) => (oldestAgeMs === null ? '-' : lasted(oldestAgeMs))),
		right: true,
	},
	{ title: 'FROM', cell: (row) => row.depth.ready.source ?? row.source },
];

function backlog({ depth }: QueueView): string {
	const { count: sum, atLeast } = depth.backlog;
	return sum === null ? (atLeast === null ? '?' : `${count(atLeast)} or more`) : count(sum);
}

function listText({ items, complete, delayed, management, hidden }: QueueList, style: Style): string {
	const notes = [
		...(complete ? [] : ['Only queues that the profile names or history knows.']),
		...(management.state === 'down' ? [`AMQP alone told this: ${oneLine(management.reason ?? '')}`] : []),
		...(delayed.count === 0 ? [] : [delayedWords(delayed)]),
		...(hidden === 0 ? [] : [`${counted(hidden, 'queue')} of Celery's own doings left out.`]),
		...incomplete(items),
	];
	const body = items.length === 0 ? 'No queues.' : table(style, items, COLUMNS);
	return [body, ...notes.map((note) => paint(style, 'dim', note))].join('\n');
}

function delayedWords({ count: value, why }: DepthPart): string {
	return value === null ? oneLine(why ?? '') : `${counted(value, 'message')} wait in queues of delayed delivery.`;
}

/** Why the first backlog that is not whole is not. */
function incomplete(items: readonly QueueView[]): readonly string[] {
	const first = items.find((one) => one.exists && one.depth.backlog.count === null);
	return first === undefined ? [] : [`Backlog is ${oneLine(first.depth.backlog.words)}`];
}

/** Views of the routes about queues. */
export const QUEUE_VIEWS = { 'queue.list': { text: listText } };
