/** What schedules, their books, runs, past and syncs look like to a person. */
import type { ScheduleRun, ScheduleVersion, SyncReport } from '#main/domain/schedule.ts';
import { EXIT } from '#main/ipc/codes.ts';
import type {
	BookView,
	ComingRun,
	MessagePreview,
	ScheduleChanged,
	ScheduleOutcome,
	ScheduleView,
} from '#main/ipc/contract/schedule-answers.ts';
import type { CallName, Output } from '#main/ipc/contract.ts';
import { type Column, count, counted, harmless, oneLine, paint, pairs, type Style, table, when } from './text.ts';

const SCHEDULE_COLUMNS: readonly Column<ScheduleView>[] = [
	{ title: 'NAME', cell: ({ definition }) => definition.name, shrink: true },
	{ title: 'TASK', cell: ({ definition }) => definition.task, shrink: true },
	{ title: 'QUEUE', cell: ({ definition }) => queueWords(definition.queue), shrink: true },
	{ title: 'WHEN', cell: (row) => row.words, shrink: true },
	{ title: 'NEXT', cell: (row) => (row.definition.active ? when(row.nextRunAt) : 'paused') },
	{ title: 'LAST', cell: (row) => when(row.lastRunAt) },
	{ title: 'TROUBLE', cell: (row) => (row.troubled === 0 ? '' : count(row.troubled)), paint: () => 'red', right: true },
	{ title: 'BOOK', cell: (row) => row.book },
	{ title: 'SYNC', cell: (row) => row.sync, paint: (row) => SYNC_PAINT[row.sync] },
];

/** RedBeat's schedules may name none. */
function queueWords(queue: string): string {
	return queue === '' ? '(routed)' : queue;
}

const SYNC_PAINT = {
	synced: null,
	new: 'yellow',
	edited: 'yellow',
	removed: 'yellow',
	conflict: 'red',
	refused: 'red',
} as const;

const RUN_COLUMNS: readonly Column<ScheduleRun>[] = [
	{ title: 'SCHEDULE', cell: (run) => run.name, shrink: true },
	{ title: 'DUE', cell: (run) => (run.manual ? `${when(run.dueAt)} by hand` : when(run.dueAt)) },
	{
		title: 'STATE',
		cell: (run) => (run.state === 'fired' && run.firedAt === null ? 'handed over' : run.state),
		paint: (run) => (run.state === 'fired' ? null : run.state === 'claimed' ? 'blue' : 'red'),
	},
	{ title: 'LATE', cell: (run) => (run.firedAt === null ? '-' : `${count(run.firedAt - run.dueAt)} ms`), right: true },
	{ title: 'TASK', cell: (run) => run.taskId ?? '-' },
	{ title: 'RUN BY', cell: (run) => run.by, shrink: true },
	{ title: 'NOTE', cell: (run) => run.note ?? '', shrink: true },
];

const COMING_COLUMNS: readonly Column<ComingRun>[] = [
	{ title: 'IN THE ZONE', cell: (run) => run.local.replace('T', ' ') },
	{ title: 'UTC', cell: (run) => new Date(run.at).toISOString().slice(0, 19).replace('T', ' ') },
	{ title: 'CLOCKS', cell: (run) => clockWords(run.clockChange), paint: () => 'yellow' },
];

function clockWords(change: number): string {
	if (change === 0) return '';
	return `${change > 0 ? 'forward' : 'back'} by ${Math.abs(change) / 3_600_000} h since the run before`;
}

const BOOK_COLUMNS: readonly Column<BookView>[] = [
	{ title: 'BOOK', cell: (row) => row.book },
	{ title: 'STATE', cell: stateWords },
	{ title: 'SCHEDULES', cell: (row) => count(row.schedules), right: true },
	{ title: 'WAITING', cell: (row) => count(row.waiting), right: true },
	{ title: 'CONFLICTS', cell: (row) => count(row.conflicts), right: true },
	{ title: 'RUN BY', cell: runnerWords, shrink: true },
	{ title: 'READ', cell: (row) => when(row.readAt) },
	{ title: 'ADDRESS', cell: (row) => row.address ?? '-', shrink: true },
];

function stateWords({ state }: BookView): string {
	switch (state.kind) {
		case 'not-set':
			return 'not set up';
		case 'idle':
			return 'not asked yet';
		case 'reconnecting':
		case 'refused':
			return `${state.kind}: ${state.reason}`;
		default:
			return state.kind;
	}
}

function runnerWords({ runner, capabilities }: BookView): string {
	if (runner === null) return capabilities.runBy === 'site' ? "the site's service" : "Celery's beat";
	const who = runner.here ? 'this process' : (runner.holder ?? 'nobody');
	return runner.note === null ? who : `${who}: ${runner.note}`;
}

const VERSION_COLUMNS: readonly Column<ScheduleVersion>[] = [
	{ title: 'VERSION', cell: (row) => String(row.id), right: true },
	{ title: 'WHEN', cell: (row) => when(row.at) },
	{ title: 'SCHEDULE', cell: (row) => row.name, shrink: true },
	{ title: 'BY', cell: (row) => row.by },
	{ title: 'WHAT', cell: (row) => row.what },
	{ title: 'CHANGES', cell: changeWords, shrink: true },
	{
		title: 'OVERWRITTEN',
		cell: (row) => (row.overwritten === null ? '' : JSON.stringify(row.overwritten)),
		paint: () => 'yellow',
		shrink: true,
	},
];

/** `queue: "default" -> "bulk"`, for each field that changed. */
function changeWords({ before, after, note }: ScheduleVersion): string {
	if (before === null || after === null) return note ?? '';
	const fields = (Object.keys(after) as (keyof typeof after)[]).filter(
		(field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]),
	);
	const changes = fields.map(
		(field) => `${field}: ${JSON.stringify(before[field])} -> ${JSON.stringify(after[field])}`,
	);
	return [...changes, ...(note === null ? [] : [note])].join('; ');
}

/** Views of the routes about schedules. */
export const SCHEDULE_VIEWS: {
	readonly [R in Extract<CallName, `schedule.${string}`>]?: {
		readonly text: (answer: Output<R>, style: Style) => string;
	};
} = {
	'schedule.list': {
		text: ({ items, total, books, unread }, style) => {
			const list = items.length === 0 ? 'No schedules.' : table(style, items, SCHEDULE_COLUMNS);
			const more =
				total > items.length
					? [paint(style, 'dim', `${count(items.length)} of ${count(total)}; --limit and --offset show more.`)]
					: [];
			const read =
				unread === null ? books.filter((book) => book.book !== 'local').map((book) => readWords(book, style)) : [];
			const failed = (unread ?? []).map(({ book, reason }) =>
				paint(style, 'red', oneLine(`The ${book} book could not be read: ${reason}`)),
			);
			return [list, ...more, ...read, ...failed, ...books.flatMap((book) => bookNotes(book, style))].join('\n');
		},
	},
	'schedule.show': { text: showSchedule },
	'schedule.next': { text: ({ words, items }, style) => `${sentence(words)}\n\n${comingRuns(items, style)}` },
	'schedule.add': { text: changed },
	'schedule.edit': { text: changed },
	'schedule.duplicate': { text: changed },
	'schedule.restore': { text: changed },
	'schedule.resolve': { text: changed },
	'schedule.remove': { text: outcome },
	'schedule.pause': { text: outcome },
	'schedule.resume': { text: outcome },
	'schedule.run': { text: outcome },
	'schedule.revert': { text: outcome },
	'schedule.import': { text: outcome },
	'schedule.runs': {
		text: ({ items, total, note }, style) => {
			const counted = paint(style, 'dim', `${count(items.length)} of ${count(total)}.`);
			const list = items.length === 0 ? 'Nothing was due yet.' : `${table(style, items, RUN_COLUMNS)}\n${counted}`;
			return note === null ? list : `${list}\n${paint(style, 'yellow', note)}`;
		},
	},
	'schedule.history': {
		text: ({ items }, style) => (items.length === 0 ? 'No past.' : table(style, items, VERSION_COLUMNS)),
	},
	'schedule.tasks': {
		text: ({ items }) =>
			items.map((task) => oneLine(`${task.name}  (${task.from.join(', ')})`)).join('\n') || 'No tasks are known yet.',
	},
	'schedule.books': {
		text: ({ items }, style) =>
			[
				table(style, items, BOOK_COLUMNS),
				...items.flatMap((book) => [...bookNotes(book, style), ...brokenWords(book, style)]),
			].join('\n'),
	},
	'schedule.sync': {
		text: ({ items }, style) =>
			items.map((report) => syncWords(report, style)).join('\n') || 'There is nothing to sync.',
	},
	'schedule.conflicts': {
		text: ({ items }, style) =>
			items
				.map(({ schedule, mine, conflict }) => {
					const rows = conflict.fields.map((field): [string, string] => [
						field,
						`mine ${JSON.stringify(mine?.[field] ?? null)}, theirs ${JSON.stringify(conflict.theirs?.[field] ?? null)}${
							conflict.choices[field] === undefined ? '' : `, chosen: ${conflict.choices[field]}`
						}`,
					]);
					const how =
						mine === null
							? 'removed here, changed there'
							: conflict.theirs === null
								? 'changed here, removed there'
								: 'changed on both sides';
					return `${paint(style, 'bold', harmless(schedule.definition.name))} (${schedule.book}): ${how}\n${pairs(style, rows)}`;
				})
				.join('\n\n') || 'No conflicts.',
	},
	// As it is, to be put into a file.
	'schedule.export': { text: ({ text }) => text.trimEnd() },
};

function sentence(words: string): string {
	return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}

function comingRuns(items: readonly ComingRun[], style: Style): string {
	return items.length === 0 ? 'It never runs again.' : table(style, items, COMING_COLUMNS);
}

/** How old what is listed of a book may be. */
function readWords({ book, readAt }: BookView, style: Style): string {
	const words = readAt === null ? `The ${book} book was not read yet` : `The ${book} book as it was on ${when(readAt)}`;
	return paint(style, 'dim', `${words}; --fetch reads it first.`);
}

function bookNotes(book: BookView, style: Style): readonly string[] {
	const offline = book.state.kind === 'reconnecting' || book.state.kind === 'refused';
	const notes = [
		...(offline ? [`The ${book.book} book does not answer: ${stateWords(book)}.`] : []),
		...(book.waiting > 0
			? [`${counted(book.waiting, 'edit')} of the ${book.book} book ${book.waiting === 1 ? 'waits' : 'wait'} here.`]
			: []),
		...book.facts.filter((fact) => fact.tone === 'warning').map((fact) => `${book.book}: ${fact.label}: ${fact.value}`),
	];
	return notes.map((note) => paint(style, 'yellow', harmless(note)));
}

function brokenWords(book: BookView, style: Style): readonly string[] {
	return book.broken.map((one) =>
		paint(style, 'red', oneLine(`${book.book}: ${one.name} cannot be read: ${one.reason}`)),
	);
}

function showSchedule(detail: Output<'schedule.show'>, style: Style): string {
	const { view, conflict, message, messageNote } = detail;
	const { definition } = view;
	const parts = [
		pairs(style, [
			['name', definition.name],
			['task', definition.task],
			['queue', queueWords(definition.queue)],
			['exchange', definition.exchange || null],
			['routing key', definition.routingKey || null],
			['priority', definition.priority === null ? null : String(definition.priority)],
			['when', view.words],
			['active', definition.active ? 'yes' : 'no, paused'],
			['missed runs', detail.draft.missed ?? null],
			['jitter', definition.jitterMs === 0 ? null : (detail.draft.jitter ?? null)],
			['arguments', definition.args || null],
			['keywords', definition.kwargs === '{}' ? null : definition.kwargs],
			['options', definition.options === '{}' ? null : definition.options],
			['description', definition.description || null],
			['next run', definition.active ? when(view.nextRunAt) : null],
			['last run', when(view.lastRunAt)],
			[
				'last outcome',
				view.lastRun === null
					? null
					: `${view.lastRun.state}${view.lastRun.note === null ? '' : `: ${view.lastRun.note}`}`,
			],
			['book', `${view.book} (${view.key})`],
			['sync', view.problem === null ? view.sync : `${view.sync}: ${view.problem}`],
			['conflict in', conflict === null ? null : conflict.fields.join(', ')],
			...view.remarks.map((remark): [string, string] => [remark.tone, remark.words]),
		]),
		comingRuns(detail.coming, style),
		...(message === null ? [] : [messageText(message, style)]),
		...(messageNote === null ? [] : [paint(style, 'dim', messageNote)]),
	];
	return parts.join('\n\n');
}

function messageText(message: MessagePreview, style: Style): string {
	return pairs(style, [
		['exchange', message.exchange === '' ? '(default)' : message.exchange],
		['routing key', message.routingKey],
		...Object.entries(message.properties).map(([name, value]): [string, string] => [name, String(value)]),
		...message.headers.map(([name, value]): [string, string] => [`header ${name}`, value]),
		['body', message.body],
	]);
}

const CHANGED_WORDS: Readonly<Record<ScheduleChanged['outcome'], string>> = {
	done: 'is in force',
	waiting: 'is kept here until its book answers',
	conflict: 'was changed in its book as well: "schedule conflicts" shows where',
	refused: 'was refused by its book',
};

function changed({ schedule, outcome: how, note }: ScheduleChanged, style: Style): string {
	const name = harmless(schedule.definition.name);
	const words = `${name} (${schedule.book}) ${CHANGED_WORDS[how]}. ${sentence(schedule.words)}`;
	const next = schedule.nextRunAt === null ? '' : ` Next run: ${when(schedule.nextRunAt)}.`;
	const more = note === null ? '' : `\n${paint(style, how === 'done' ? 'dim' : 'yellow', harmless(note))}`;
	return `${words}${next}${more}`;
}

function outcome({ items, done, waiting, failed, dryRun }: ScheduleOutcome, style: Style): string {
	const lines = items
		.filter((item) => item.outcome !== 'done' || item.taskId !== null || item.reason !== null || dryRun)
		.slice(0, 50)
		.map((item) => {
			const more = [item.reason, item.taskId].filter((part) => part !== null).join(' ');
			return `  ${item.outcome.padEnd(8)} ${oneLine(item.name)} (${item.book})${more === '' ? '' : `: ${oneLine(more)}`}`;
		});
	const skipped = items.filter((item) => item.outcome === 'skipped').length;
	const sum = [
		`${counted(done, 'schedule')} ${dryRun ? 'would be done' : 'done'}`,
		...(waiting > 0 ? [`${count(waiting)} kept until their book answers`] : []),
		...(failed > 0 ? [paint(style, 'red', `${count(failed)} failed`)] : []),
		...(skipped > 0 ? [`${count(skipped)} left out`] : []),
	];
	return [...lines, `${sum.join(', ')}.`].join('\n');
}

function syncWords(report: SyncReport, style: Style): string {
	const lines = report.items.map((item) => {
		const fields = item.fields.length === 0 ? '' : ` (${item.fields.join(', ')})`;
		const resumed =
			item.resumed === null
				? ''
				: item.resumed === 'already'
					? '; it had arrived before the sync broke off'
					: '; sent again after the sync broke off';
		const message = item.message === null ? '' : `: ${oneLine(item.message)}`;
		const bad = item.outcome === 'conflict' || item.outcome === 'refused';
		return paint(
			style,
			bad ? 'red' : 'dim',
			`  ${item.outcome.padEnd(8)} ${oneLine(item.name)}${fields}${resumed}${message}`,
		);
	});
	const head = {
		done: report.dryRun ? 'would be synced' : 'is in sync',
		partly: 'was synced in part',
		offline: 'does not answer; edits wait here',
	}[report.state];
	const note = report.note === null ? [] : [`  ${oneLine(report.note)}`];
	return [
		`The ${report.book} book ${head}: ${counted(report.items.length, 'schedule')} with news, ${count(report.unchanged)} unchanged.`,
		...lines,
		...note,
	].join('\n');
}

/** The exit code that an answer about schedules calls for. */
export function scheduleExit(route: CallName, answer: unknown): number {
	switch (route) {
		case 'schedule.sync': {
			const { items } = answer as Output<'schedule.sync'>;
			if (items.some((report) => report.state !== 'done')) return EXIT.unreachable;
			const torn = items.some((report) => report.items.some(({ outcome: o }) => o === 'conflict' || o === 'refused'));
			return torn ? EXIT.failed : EXIT.done;
		}
		case 'schedule.list': {
			const { unread } = answer as Output<'schedule.list'>;
			return (unread ?? []).length > 0 ? EXIT.unreachable : EXIT.done;
		}
		case 'schedule.add':
		case 'schedule.edit':
		case 'schedule.duplicate':
		case 'schedule.restore':
		case 'schedule.resolve': {
			const { outcome: how } = answer as ScheduleChanged;
			return how === 'conflict' || how === 'refused' ? EXIT.failed : EXIT.done;
		}
		case 'schedule.remove':
		case 'schedule.pause':
		case 'schedule.resume':
		case 'schedule.run':
		case 'schedule.revert':
		case 'schedule.import':
			return (answer as ScheduleOutcome).failed > 0 ? EXIT.failed : EXIT.done;
		default:
			return EXIT.done;
	}
}
