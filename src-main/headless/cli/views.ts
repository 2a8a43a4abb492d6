/** What the answers of routes look like to a person, and to a script. */
import type { ActionOutcome } from '#main/domain/action.ts';
import type { AuditEntry } from '#main/domain/audit.ts';
import type { ConsoleLine, ConsumerSetView } from '#main/domain/consumer.ts';
import type { ConnectionState, DoctorStep } from '#main/domain/profile.ts';
import type { SavedView } from '#main/domain/saved-view.ts';
import type { LogLevel, TaskRow, TaskState } from '#main/domain/task.ts';
import { taskRowJson } from '#main/domain/task-json.ts';
import type { WaitingOutcome } from '#main/domain/waiting.ts';
import type { PeekedMessage } from '#main/ipc/contract/deployment.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import type { RawMessage, TaskLogLine } from '#main/ipc/contract/task.ts';
import type { CallName, Output } from '#main/ipc/contract.ts';
import { ALARM_VIEWS } from './alarm-views.ts';
import { sourceWords } from './argument-sources.ts';
import { CLUSTER_VIEWS, showDiscovery } from './cluster-views.ts';
import { CONSUMER_VIEWS } from './consumer-views.ts';
import { FIGURE_VIEWS } from './figure-views.ts';
import { GROUP_VIEWS } from './group-views.ts';
import { peekedJson, profileJson } from './json.ts';
import { MONITOR_VIEWS } from './monitor-views.ts';
import { ORPHAN_VIEWS } from './orphan-views.ts';
import { PACKET_VIEWS } from './packet-views.ts';
import { QUEUE_VIEWS } from './queue-views.ts';
import { REPORT_VIEWS } from './report-views.ts';
import { RESULT_VIEWS } from './result-views.ts';
import { SCHEDULE_VIEWS } from './schedule-views.ts';
import { SITE_VIEWS } from './site-views.ts';
import {
	type Column,
	count,
	counted,
	harmless,
	harmlessColours,
	lasted,
	oneLine,
	paint,
	pairs,
	type Style,
	table,
	when,
} from './text.ts';
import { showUndoList, showVerdict, showWaitingOutcome } from './waiting-views.ts';
import { CONTROL_VIEWS } from './worker-control-views.ts';

interface View<T> {
	/** For a person, without its last newline. */
	readonly text: (answer: T, style: Style) => string;
	/** For a script; the answer itself when left out. */
	readonly json?: (answer: T) => unknown;
}

const profileView: View<ProfileView> = { text: showProfile, json: profileJson };
const outcomeView: View<ActionOutcome> = { text: showOutcome };
const waitingView: View<WaitingOutcome> = { text: showWaitingOutcome };

const SAVED_VIEW_COLUMNS: readonly Column<SavedView>[] = [
	{ title: 'NAME', cell: ({ name }) => name, shrink: true },
	{ title: 'OF', cell: ({ profile }) => (profile === null ? 'every profile' : 'this profile') },
	{ title: 'RAIL', cell: ({ pin }) => (pin === undefined ? '-' : 'pinned') },
	{ title: 'ORDER', cell: ({ sort }) => (sort === null ? '-' : `${sort.field}${sort.descending ? ' down' : ''}`) },
	{ title: 'QUERY', cell: ({ query }) => query, shrink: true },
];

function railText(items: readonly SavedView[]): string {
	if (items.length === 0) return 'No view is on the rail.';
	return `On the rail: ${items.map(({ name }, at) => `${at + 1}. ${harmless(name)}`).join('  ')}`;
}

/** Views of routes; those without one are shown field by field. */
const VIEWS: { readonly [R in CallName]?: View<Output<R>> } = {
	...ALARM_VIEWS,
	...CONSUMER_VIEWS,
	...ORPHAN_VIEWS,
	'profile.list': {
		text: ({ items }, style) => table(style, items, PROFILE_COLUMNS),
		json: ({ items, total }) => ({ items: items.map(profileJson), total }),
	},
	'profile.show': profileView,
	'profile.add': profileView,
	'profile.edit': profileView,
	'profile.duplicate': profileView,
	'profile.remove': {
		text: ({ removed, tasks }) => `Removed ${harmless(removed)} and ${counted(tasks, 'task')} of history.`,
	},
	'profile.discover': { text: showDiscovery },
	'profile.test': { text: ({ steps }, style) => steps.map((step) => showStep(step, style)).join('\n') },
	'queue.peek': {
		text: ({ items, total, looked, cost }, style) => {
			const none =
				looked === 0 ? 'Nothing waits there.' : `None of the ${counted(looked, 'message')} looked at matches.`;
			const body = items.length === 0 ? none : table(style, items, PEEK_COLUMNS);
			const notes = total === looked ? [] : [`${count(total)} of the ${count(looked)} messages looked at match.`];
			return [body, ...[...notes, cost.words].map((note) => paint(style, 'dim', note))].join('\n');
		},
		json: ({ items, ...rest }) => ({ items: items.map(peekedJson), ...rest }),
	},
	'task.list': {
		text: (page, style) => {
			if (page.items.length === 0) return 'No tasks match.';
			const total = page.total === null ? 'more' : count(page.total);
			const rest =
				page.next === null
					? ''
					: `\n${paint(style, 'dim', `${count(page.items.length)} of ${total}; --limit N shows more.`)}`;
			return table(style, page.items, TASK_COLUMNS) + rest;
		},
		json: ({ items, ...rest }) => ({ items: items.map(taskRowJson), ...rest }),
	},
	'task.count': { text: ({ total }) => count(total) },
	'task.log': {
		text: ({ lines }, style) => lines.map((line) => showLine(line, style)).join('\n') || 'No lines.',
		json: ({ lines, total }) => ({ items: lines, total }),
	},
	'task.message': { text: showMessage },
	'task.names': { text: ({ items }) => items.map(oneLine).join('\n') || 'No tasks were seen yet.' },
	'task.publish': {
		text: ({ id, published, note }, style) => {
			const done = published === 1 ? `Published ${id}` : `Published ${counted(published, 'task')}, the first ${id}`;
			return note === null ? done : `${done}\n${paint(style, 'yellow', harmless(note))}`;
		},
	},
	'task.requeue': outcomeView,
	'task.delete': outcomeView,
	'message.delete': waitingView,
	'message.edit': waitingView,
	'queue.purge': waitingView,
	'queue.move': waitingView,
	'queue.replay': waitingView,
	'undo.list': { text: ({ items }, style) => showUndoList(items, style) },
	'undo.apply': { text: (outcome, style) => `${showWaitingOutcome(outcome, style)}\n${outcome.words}` },
	'audit.verify': { text: showVerdict },
	'consumer.list': {
		text: ({ items }, style) =>
			items.length === 0 ? 'No consumer runs in this process.' : table(style, items, CONSUMER_COLUMNS),
	},
	...CLUSTER_VIEWS,
	...FIGURE_VIEWS,
	...GROUP_VIEWS,
	'view.list': {
		text: ({ items }, style) =>
			items.length === 0
				? 'No saved views. "view save NAME QUERY" keeps a query.'
				: table(style, items, SAVED_VIEW_COLUMNS),
	},
	'view.save': {
		text: ({ name }) => `Saved ${harmless(name)}. "task list --view ${harmless(name)}" lists what it finds.`,
	},
	'view.pin': { text: ({ items }) => railText(items) },
	'view.unpin': { text: ({ items }) => railText(items) },
	'view.remove': { text: ({ removed }) => `Removed ${harmless(removed)}.` },
	'group.requeue': outcomeView,
	'group.delete': outcomeView,
	...PACKET_VIEWS,
	...QUEUE_VIEWS,
	...SCHEDULE_VIEWS,
	...SITE_VIEWS,
	...MONITOR_VIEWS,
	...RESULT_VIEWS,
	...REPORT_VIEWS,
	...CONTROL_VIEWS,
	'audit.list': {
		text: ({ items, total, next }, style) => {
			if (items.length === 0) return 'Nothing in the audit matches.';
			const rest =
				next === null
					? ''
					: `\n${paint(style, 'dim', `${count(items.length)} of ${count(total)}; --before ${next} goes on.`)}`;
			return `${table(style, items, AUDIT_COLUMNS)}${rest}`;
		},
	},
	'log.search': {
		text: ({ items, total, next, looked }, style) => {
			const lines = items.map((line) => {
				const head = `${when(line.at)}  ${line.level.padEnd(8)}  ${line.id}#${line.attempt}  ${oneLine(line.name)}`;
				const level = LEVEL_PAINT[line.level];
				return `${level === null ? head : paint(style, level, head)}\n    ${harmless(line.text).replaceAll('\n', '\n    ')}`;
			});
			const note =
				next === null
					? `${counted(total ?? items.length, 'line')} found; that is all.`
					: `${counted(items.length, 'line')} found among about ${count(looked)}; --cursor ${next} goes on.`;
			return [...lines, paint(style, 'dim', note)].join('\n');
		},
	},
};

/** The document that `--json` prints for an answer. */
export function jsonOf(route: CallName, answer: unknown): unknown {
	const view = VIEWS[route] as View<unknown> | undefined;
	return view?.json === undefined ? answer : view.json(answer);
}

/** What a person reads for an answer. */
export function textOf(route: CallName, answer: unknown, style: Style): string {
	const view = VIEWS[route] as View<unknown> | undefined;
	if (view !== undefined) return view.text(answer, style);
	if (typeof answer !== 'object' || answer === null) return harmless(String(answer));
	return pairs(
		style,
		Object.entries(answer).map(([name, value]) => [name, plainWords(value)] as const),
	);
}

function plainWords(value: unknown): string | null {
	if (value === null || value === undefined) return '-';
	return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

const STATE_PAINT: Readonly<Record<TaskState, 'red' | 'green' | 'yellow' | 'blue' | 'dim'>> = {
	queued: 'blue',
	running: 'yellow',
	succeeded: 'green',
	failed: 'red',
	retrying: 'yellow',
	revoked: 'dim',
	rejected: 'red',
	lost: 'red',
};

const TASK_COLUMNS: readonly Column<TaskRow>[] = [
	{ title: 'STATE', cell: (row) => row.state, paint: (row) => STATE_PAINT[row.state] },
	{ title: 'NAME', cell: (row) => row.name, shrink: true },
	{ title: 'ID', cell: (row) => row.id },
	{ title: 'QUEUE', cell: (row) => row.queue ?? '-', shrink: true },
	{ title: 'UPDATED', cell: (row) => when(row.updatedAt) },
	{ title: 'TOOK', cell: (row) => lasted(row.runtimeMs), right: true },
	{
		title: 'ARGUMENTS OR ERROR',
		cell: (row) => (row.exception === null ? row.preview : `${row.exception.type}: ${row.exception.message}`),
		paint: (row) => (row.exception === null ? null : 'red'),
		shrink: true,
	},
];

const PROFILE_COLUMNS: readonly Column<ProfileView>[] = [
	{ title: 'NAME', cell: ({ profile }) => profile.name },
	{ title: 'FRAMEWORK', cell: ({ profile }) => profile.framework },
	{
		title: 'ENVIRONMENT',
		cell: ({ profile }) => profile.environment + (profile.readOnly ? ', read-only' : ''),
		paint: ({ profile }) => (profile.environment === 'production' ? 'red' : null),
	},
	{ title: 'BROKER', cell: (view) => view.brokerUrl, shrink: true },
	{ title: 'QUEUED', cell: ({ counts }) => count(counts.queued), right: true },
	{ title: 'RUNNING', cell: ({ counts }) => count(counts.running), right: true },
	{ title: 'FAILED', cell: ({ counts }) => count(counts.failed), right: true },
];

const number = (value: number | null): string => (value === null ? '?' : count(value));

const PEEK_COLUMNS: readonly Column<PeekedMessage>[] = [
	{ title: 'TASK', cell: (row) => row.task?.name ?? `(${row.fault?.reason ?? 'unreadable'})`, shrink: true },
	{ title: 'MESSAGE', cell: (row) => row.task?.messageId ?? row.fault?.messageId ?? '-' },
	{ title: 'PRIORITY', cell: (row) => number(row.task?.priority ?? 0), right: true },
	{ title: 'AGAIN', cell: (row) => (row.redelivered ? 'yes' : '-') },
	{
		title: 'ARGUMENTS',
		cell: (row) =>
			row.task === null ? '-' : `${row.task.argsJson.slice(0, 200)} ${row.task.kwargsJson.slice(0, 200)}`,
		shrink: true,
	},
];

const CONSUMER_COLUMNS: readonly Column<ConsumerSetView>[] = [
	{ title: 'ID', cell: (row) => row.id },
	{ title: 'STATE', cell: (row) => row.state },
	{ title: 'QUEUES', cell: (row) => row.intent.queues.join(', '), shrink: true },
	{ title: 'SLOTS', cell: (row) => count(row.slots.length), right: true },
	{ title: 'DONE', cell: (row) => count(row.succeeded), right: true },
	{ title: 'FAILED', cell: (row) => count(row.failed), right: true },
];

const AUDIT_COLUMNS: readonly Column<AuditEntry>[] = [
	{ title: 'WHEN', cell: (row) => when(row.at) },
	{ title: 'WHO', cell: (row) => row.actor },
	{ title: 'HOST', cell: (row) => row.host },
	{ title: 'PROFILE', cell: (row) => row.profile ?? '-' },
	{ title: 'COMMAND', cell: (row) => row.route },
	{ title: 'OUTCOME', cell: (row) => row.outcome, paint: (row) => (row.outcome === 'done' ? null : 'red') },
	{ title: 'CHANGED', cell: (row) => (row.changed === null ? '-' : count(row.changed)), right: true },
	{ title: 'INPUT', cell: (row) => row.input, shrink: true },
];

/** A connection in words. */
export function connectionWords(state: ConnectionState): string {
	switch (state.kind) {
		case 'idle':
			return 'not connected';
		case 'connecting':
			return 'connecting';
		case 'connected':
			return state.server === null ? 'connected' : `connected to ${state.server}`;
		case 'reconnecting':
			return `reconnecting: ${state.reason}`;
		case 'refused':
			return `refused: ${state.reason}`;
	}
}

function showProfile(view: ProfileView, style: Style): string {
	const { profile, counts } = view;
	const held = Object.entries(view.secrets).filter(([, has]) => has);
	return pairs(style, [
		['name', profile.name],
		['id', profile.id],
		['framework', profile.framework],
		['broker', view.brokerUrl],
		['connection', connectionWords(view.connection)],
		['environment', profile.environment],
		['changes', profile.readOnly ? 'refused (read-only)' : 'allowed'],
		['queues', profile.queues.join(', ') || '-'],
		['monitor', profile.monitorUrl],
		['management', profile.managementUrl],
		['results', view.resultsUrl],
		['control exchange', profile.celery?.controlExchange ?? null],
		['event exchange', profile.celery?.eventExchange ?? null],
		['event queues', profile.celery == null ? null : `${profile.celery.eventQueuePrefix}.warren.…`],
		['tasks sent here', profile.celery?.sentEvents === true ? 'told by task-sent' : null],
		['passwords', held.length === 0 ? 'none saved' : `saved for ${held.map(([name]) => name).join(', ')}`],
		[
			'tasks',
			`${count(counts.queued)} queued, ${count(counts.running)} running, ${count(counts.succeeded)} succeeded, ${count(counts.failed)} failed`,
		],
	]);
}

const STEP_SIGNS = {
	passed: ['✓', 'green'],
	failed: ['✗', 'red'],
	warning: ['!', 'yellow'],
	skipped: ['-', 'dim'],
} as const;

function showStep(step: DoctorStep, style: Style): string {
	const [sign, colour] = STEP_SIGNS[step.status];
	const head = `${paint(style, colour, `${sign} ${step.status.padEnd(7)}`)} ${step.step.padEnd(8)} ${oneLine(step.finding)}`;
	return step.cure === null ? head : `${head}\n${' '.repeat(19)}${oneLine(step.cure)}`;
}

function showOutcome(outcome: ActionOutcome, style: Style): string {
	const verb = outcome.action === 'requeue' ? ['Requeued', 'Would requeue'] : ['Deleted', 'Would delete'];
	const parts = [`${verb[outcome.dryRun ? 1 : 0]} ${counted(outcome.done, 'task')}`];
	if (outcome.failed > 0) parts.push(paint(style, 'red', `${count(outcome.failed)} failed`));
	if (outcome.skipped > 0) parts.push(`${count(outcome.skipped)} skipped`);
	const stopped = outcome.cancelled ? ' It was cancelled before the rest.' : '';
	const sources = sourceWords(outcome.sources ?? []);
	const from = sources === null ? [] : [paint(style, 'dim', sources)];
	const reasons = outcome.items
		.filter((item) => item.reason !== null && item.outcome !== 'done')
		.slice(0, 20)
		.map((item) => `  ${item.id}  ${item.outcome}: ${oneLine(item.reason ?? '')}`);
	return [`${parts.join(', ')}.${stopped}`, ...from, ...reasons].join('\n');
}

function showMessage(message: RawMessage, style: Style): string {
	const properties = Object.entries(message.properties).map(([name, value]) => [name, String(value)] as const);
	const head = pairs(style, [
		['exchange', message.exchange === '' ? '(default)' : message.exchange],
		['routing key', message.routingKey],
		...properties,
		[
			'headers',
			JSON.stringify(
				Object.fromEntries(message.headers.map(([name, value]) => [name, 'text' in value ? value.text : value])),
			),
		],
		['body', `${count(message.bodyBytes)} bytes${message.cut ? ', cut here; --whole shows all' : ''}`],
	]);
	return `${head}\n\n${harmless(message.bodyText ?? message.bodyBase64)}`;
}

const LEVEL_PAINT: Readonly<Record<LogLevel, 'red' | 'yellow' | 'dim' | null>> = {
	debug: 'dim',
	info: null,
	warning: 'yellow',
	error: 'red',
	critical: 'red',
};

/** One log line for a person. */
export function showLine(
	line: Pick<TaskLogLine, 'at' | 'level' | 'source' | 'logger' | 'text'> &
		Partial<Pick<ConsoleLine, 'slot' | 'taskName'>>,
	style: Style,
): string {
	const time = paint(style, 'dim', when(line.at).slice(11));
	const level = LEVEL_PAINT[line.level];
	const name = line.source === 'log' ? line.level : line.source;
	const word = name.padEnd(8);
	// A task whose logger bears its own name is named once.
	const logger = line.logger === line.taskName ? null : line.logger;
	const where = [line.slot, line.taskName, logger].filter((part) => part !== null && part !== undefined).join(' ');
	const from = where === '' ? '' : `${paint(style, 'dim', oneLine(where))} `;
	return `${time} ${level === null ? word : paint(style, level, word)} ${from}${harmlessColours(style, line.text)}`;
}
