/** What watching, events and workers look like on a terminal. */
import type { BadEventView, MonitorStanding, MonitorStatus } from '#main/domain/monitor.ts';
import type { WorkerLiveness, WorkerView } from '#main/domain/worker.ts';
import type { EventLine } from '#main/ipc/contract/event.ts';
import type { Output } from '#main/ipc/contract.ts';
import { type Column, count, counted, lasted, oneLine, paint, pairs, type Style, table, when } from './text.ts';

const LIVENESS_PAINT: Readonly<Record<WorkerLiveness, 'green' | 'yellow' | 'red' | 'dim'>> = {
	online: 'green',
	late: 'yellow',
	lost: 'red',
	stopped: 'dim',
};

const number = (value: number | null): string => (value === null ? '?' : count(value));

const WORKER_COLUMNS: readonly Column<WorkerView>[] = [
	{ title: 'WORKER', cell: (row) => row.name, shrink: true },
	{ title: 'STATE', cell: (row) => row.state, paint: (row) => LIVENESS_PAINT[row.state] },
	{ title: 'SILENT', cell: (row) => lasted(row.ageMs), right: true },
	{ title: 'ACTIVE', cell: (row) => number(row.active), right: true },
	{ title: 'DONE', cell: (row) => number(row.processed), right: true },
	{ title: 'LOAD', cell: (row) => row.loadavg?.map((one) => one.toFixed(2)).join(' ') ?? '?' },
	{ title: 'PID', cell: (row) => String(row.processes[0]?.pid ?? '?'), right: true },
	{
		title: 'SOFTWARE',
		cell: (row) => [row.software.ident, row.software.version].filter((part) => part !== null).join(' ') || '?',
	},
	{ title: 'POOL', cell: poolWords },
	{ title: 'QUEUES', cell: (row) => row.details?.queues?.join(' ') ?? '-', shrink: true },
	{ title: 'NOTE', cell: remarks, paint: () => 'yellow', shrink: true },
];

/** e.g. `prefork 4 (1 to 10), prefetch 16`; a dash where nobody asked. */
function poolWords({ details }: WorkerView): string {
	if (details === null) return '-';
	const { pool, concurrency, autoscale, prefetch } = details;
	const scale = autoscale === null ? '' : ` (${autoscale.min} to ${autoscale.max})`;
	return `${pool ?? '?'} ${number(concurrency)}${scale}, prefetch ${prefetch === 0 ? 'unlimited' : number(prefetch)}`;
}

function remarks(row: WorkerView): string {
	const notes: string[] = [];
	if (row.duplicate) notes.push(`two processes share this name (${row.processes.map((one) => one.pid).join(', ')})`);
	if (row.skewMs !== null && Math.abs(row.skewMs) > 2_000) {
		notes.push(`its clock is ${lasted(Math.abs(row.skewMs))} ${row.skewMs > 0 ? 'behind' : 'ahead'}`);
	}
	if (row.events === 'untold') {
		notes.push(`tells nothing of its tasks (no -E): worker control enable_events --destination ${row.name}`);
	} else if (row.events === 'none') notes.push('answers, but sends no events at all');
	return notes.join('; ') || '-';
}

const BAD_COLUMNS: readonly Column<BadEventView>[] = [
	{ title: 'WHEN', cell: (row) => when(row.at) },
	{ title: 'KEY', cell: (row) => row.routingKey },
	{ title: 'REASON', cell: (row) => row.reason, shrink: true },
	{ title: 'TEXT', cell: (row) => row.text, shrink: true },
];

function showWorkers({ items, source, trouble }: Output<'worker.list'>, style: Style): string {
	const shown = items.length === 0 ? 'No workers were heard.' : table(style, items, WORKER_COLUMNS);
	const [first] = items;
	const asOf = first === undefined ? '' : ` As of ${when(first.asOf)}.`;
	const where =
		source === 'monitor'
			? `Watched all the time.${asOf}`
			: source === 'listened'
				? 'Nobody watches this profile; listened for a moment.'
				: `Nothing could be heard; as last known.${asOf}`;
	return `${shown}\n${paint(style, 'dim', trouble === null ? where : `${where} ${oneLine(trouble)}`)}`;
}

/** One line about how watching goes. */
export function monitorLine(status: MonitorStatus): string {
	const behind = status.behind === null ? '' : `, ${counted(status.behind, 'message')} behind`;
	const gaps = status.gapCount === 0 ? '' : `, ${counted(status.gapCount, 'gap')}`;
	const bad = status.bad === 0 ? '' : `, ${count(status.bad)} unreadable`;
	const trouble = status.trouble === null ? '' : ` ${oneLine(status.trouble)}`;
	return `${counted(status.eventsThisRun, 'event')} taken${behind}${gaps}${bad}.${trouble}`;
}

function showStatus(status: MonitorStanding, style: Style): string {
	const gaps = status.gaps
		.slice(0, 10)
		.map((gap) => `  ${when(gap.from)} for ${lasted(gap.to - gap.from)}: ${oneLine(gap.reason)}`);
	const facts = pairs(style, [
		['switched', status.wanted ? 'on' : 'off: windows and served consoles leave it alone'],
		['watching', status.running ? `yes, ${status.holder ?? ''}` : 'no'],
		['since', status.since === null ? '-' : when(status.since)],
		['heard until', status.until === null ? '-' : when(status.until)],
		['trouble', status.trouble === null ? '-' : oneLine(status.trouble)],
		['events', `${count(status.events)}, ${count(status.eventsThisRun)} of them by the last run`],
		['last event', status.lastEventAt === null ? '-' : when(status.lastEventAt)],
		['behind', status.behind === null ? '-' : counted(status.behind, 'message')],
		['unreadable', count(status.bad)],
		['gaps', count(status.gapCount)],
		['kept while closed', status.keeping ? 'yes' : 'no'],
	]);
	return [facts, ...gaps].join('\n');
}

/** Views of the routes about watching. */
export const MONITOR_VIEWS = {
	'monitor.status': { text: showStatus },
	'monitor.switch': { text: showStatus },
	'monitor.unreadable': {
		text: ({ items }: Output<'monitor.unreadable'>, style: Style) =>
			items.length === 0 ? 'Every event could be read.' : table(style, items, BAD_COLUMNS),
	},
	'worker.list': { text: showWorkers },
};

/** One event for a person. */
export function eventText(line: EventLine, style: Style): string {
	const time = paint(style, 'dim', when(line.receivedAt).slice(11));
	if (line.fault !== null)
		return `${time} ${paint(style, 'red', 'unreadable')} ${oneLine(line.fault)} ${oneLine(line.text)}`;
	const what = [line.name, line.task].filter((part) => part !== null).join(' ');
	const rest = what === '' ? oneLine(line.text) : oneLine(what);
	return `${time} ${(line.type ?? '').padEnd(17)} ${oneLine(line.hostname ?? '')} ${rest}`;
}

/** One event for a script: the event itself as it came, in one line of JSON. */
export function eventJson(line: EventLine): string {
	const { text, ...rest } = line;
	const head = JSON.stringify(rest).slice(0, -1);
	// What Python writes beyond JSON (NaN) would break the reader of the line: then it is told as text.
	return isStrict(text)
		? `${head},"event":${text.replaceAll(/\r?\n/g, ' ')}}`
		: `${head},"event":null,"text":${JSON.stringify(text)}}`;
}

function isStrict(text: string): boolean {
	try {
		JSON.parse(text);
		return true;
	} catch {
		return false;
	}
}
