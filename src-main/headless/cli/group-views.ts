/** What failure groups look like to a person and to a script. */
import type { Difference, DifferingValue } from '#main/domain/failure-differs.ts';
import type {
	FailureGroup,
	FailureGroupDetail,
	FailureGroupList,
	GroupDiffers,
	GroupPrint,
	Share,
} from '#main/domain/failure-group.ts';
import { taskRowJson } from '#main/domain/task-json.ts';
import type { GroupOutcome } from '#main/ipc/contract/group.ts';
import type { CallName, Output } from '#main/ipc/contract.ts';
import {
	type Column,
	count,
	counted,
	harmless,
	oneLine,
	type Paint,
	paint,
	pairs,
	type Style,
	table,
	when,
} from './text.ts';

interface View<T> {
	readonly text: (answer: T, style: Style) => string;
	readonly json?: (answer: T) => unknown;
}

const STEPS = '▁▂▃▄▅▆▇█';

/** A trend in one line of bars; a dash where nothing failed. */
export function trendText(trend: readonly number[]): string {
	const most = Math.max(...trend, 0);
	if (most === 0) return '-';
	return trend.map((n) => (n === 0 ? ' ' : (STEPS[Math.ceil((n / most) * STEPS.length) - 1] ?? ''))).join('');
}

const STATE_PAINT: Readonly<Record<FailureGroup['state'], Paint | null>> = {
	open: null,
	regressed: 'red',
	resolved: 'green',
	ignored: 'dim',
};

const COLUMNS: readonly Column<FailureGroup>[] = [
	{ title: 'GROUP', cell: ({ key }) => key.slice(0, 8) },
	{ title: 'STATE', cell: ({ state }) => state, paint: ({ state }) => STATE_PAINT[state] },
	{ title: 'TASKS', cell: ({ tasks }) => count(tasks), right: true },
	{ title: 'TREND', cell: ({ trend }) => trendText(trend) },
	{ title: 'LAST', cell: ({ lastAt }) => when(lastAt) },
	{ title: 'TYPE', cell: ({ type }) => type || '-', paint: () => 'red', shrink: true },
	{ title: 'MESSAGE', cell: ({ message }) => message, shrink: true },
	{ title: 'WHERE', cell: ({ frame, names }) => frame ?? names[0]?.text ?? '-', shrink: true },
];

function showList({ items, total, tasks, states, ungrouped }: FailureGroupList, style: Style): string {
	const hidden = [
		...(states.resolved > 0 ? [`${count(states.resolved)} resolved`] : []),
		...(states.ignored > 0 ? [`${count(states.ignored)} ignored`] : []),
	];
	const notes = [
		items.length === 0 ? '' : `${counted(tasks, 'failed task')}, ${counted(total, 'cause')}.`,
		total > items.length ? `${count(items.length)} of ${count(total)} groups; --limit N shows more.` : '',
		hidden.length > 0 && items.length < states.open + states.regressed + states.resolved + states.ignored
			? `Not listed: ${hidden.join(', ')}; --all lists them too.`
			: '',
		ungrouped > 0 ? `${counted(ungrouped, 'older failed task')} not looked at yet.` : '',
	].filter((note) => note !== '');
	const body = items.length === 0 ? 'No failures match.' : table(style, items, COLUMNS);
	return [body, ...notes.map((note) => paint(style, 'dim', note))].join('\n');
}

function shares(some: readonly Share[], of: number): string {
	return some.length === 0 ? '-' : some.map(({ text, count: n }) => `${text} (${count(n)} of ${count(of)})`).join(', ');
}

function showWhy(print: GroupPrint): string {
	const { why } = print;
	const lines = why.exceptions.map((one) => {
		const frames = one.frames.map((frame) => `    ${frame.name} (${frame.file})${frame.own ? '' : ', a library'}`);
		const message = one.message === null ? '' : `: ${one.message}`;
		return [`  ${one.relation} ${one.type || '(no type)'}${message}`, ...frames].join('\n');
	});
	const task = why.task === null ? [] : [`  task ${why.task}`];
	const part = print.part === null ? [] : [`  split by ${print.part.by}: ${print.part.value}`];
	return [`${print.hash}, ${counted(print.failures, 'failure')}`, ...lines, ...task, ...part].join('\n');
}

function showDetail(detail: FailureGroupDetail, style: Style): string {
	const { marks } = detail;
	const head = pairs(style, [
		['group', detail.key],
		['state', detail.state],
		['exception', detail.message === '' ? detail.type : `${detail.type}: ${detail.message}`],
		['where', detail.frame],
		['failed now', counted(detail.tasks, 'task')],
		['failures ever', count(detail.failures)],
		['first', when(detail.firstAt)],
		['last', when(detail.lastAt)],
		['trend', trendText(detail.trend)],
		['tasks', shares(detail.names, detail.looked)],
		['queues', shares(detail.queues, detail.looked)],
		['workers', shares(detail.workers, detail.looked)],
		['resolved', marks.resolvedAt === null ? null : when(marks.resolvedAt)],
		['failed again', marks.regressedAt === null ? null : when(marks.regressedAt)],
		['ignored until', marks.ignoreUntil === null ? null : when(marks.ignoreUntil)],
		['note', marks.note === '' ? null : marks.note],
	]);
	const why = ['Why these are together:', ...detail.why.map(showWhy)].join('\n');
	const newest = detail.newest.map(
		(row) => `${when(row.finishedAt)}  ${row.id}  ${oneLine(row.name)}(${oneLine(row.preview)})`,
	);
	const tasks =
		newest.length === 0 ? 'None of its tasks is failed now.' : ['Newest failed tasks:', ...newest].join('\n');
	return `${head}\n\n${harmless(why)}\n\n${tasks}`;
}

/** One line of the table: a field's first value carries what is about the field. */
interface DifferLine {
	readonly of: Difference | null;
	readonly value: DifferingValue;
	readonly known: Difference;
}

const DIFFER_COLUMNS: readonly Column<DifferLine>[] = [
	{ title: 'FIELD', cell: ({ of }) => of?.field ?? '', paint: () => 'bold' },
	{ title: 'EXPLAINS', cell: ({ of }) => (of === null ? '' : percent(of.explains)), right: true },
	{ title: 'VALUE', cell: ({ value }) => oneLine(value.text), shrink: true },
	{
		title: 'FAILING',
		cell: ({ value, known }) => `${count(value.failing)} (${percent(value.failing / known.failing)})`,
		right: true,
	},
	{
		title: 'SUCCEEDING',
		cell: ({ value, known }) => `${count(value.succeeding)} (${percent(value.succeeding / known.succeeding)})`,
		right: true,
	},
];

function percent(share: number): string {
	const whole = Math.round(share * 100);
	return whole === 0 && share > 0 ? '<1 %' : `${whole} %`;
}

function showDiffers(found: GroupDiffers, style: Style): string {
	const { task, tasks, items, tested, enough } = found;
	const runs = `${count(found.failing)} failing and ${count(found.succeeding)} succeeding runs of ${oneLine(task)}`;
	const others = tasks.filter((one) => one !== task).map(oneLine);
	const notes = [
		found.sameTime
			? ''
			: 'Not enough succeeded at the time of the failures: hours and workers may differ for that alone.',
		others.length === 0 ? '' : `It also fails in ${others.join(', ')}; --task NAME compares those.`,
	].filter((note) => note !== '');
	const lines = items.flatMap((one) =>
		one.values.map((value, at) => ({ of: at === 0 ? one : null, value, known: one })),
	);
	const body = !enough
		? `${runs}: too few of one kind to compare.`
		: items.length === 0
			? `${runs}: none of ${counted(tested, 'field')} differs by more than chance.`
			: `${table(style, lines, DIFFER_COLUMNS)}\n${paint(style, 'dim', `${runs}, ${counted(tested, 'field')} compared.`)}`;
	return [body, ...notes.map((note) => paint(style, 'dim', note))].join('\n');
}

const decided: View<GroupOutcome> = {
	text: ({ words, groups }) =>
		groups.length < 2 ? harmless(words) : `${harmless(words)}: ${groups.map((key) => key.slice(0, 8)).join(', ')}`,
};

/** Views of the routes about failure groups. */
export const GROUP_VIEWS: { readonly [R in CallName]?: View<Output<R>> } = {
	'group.list': { text: showList },
	'group.show': {
		text: showDetail,
		json: ({ newest, ...rest }) => ({ ...rest, newest: newest.map(taskRowJson) }),
	},
	'group.differs': { text: showDiffers },
	'group.resolve': decided,
	'group.reopen': decided,
	'group.ignore': decided,
	'group.note': decided,
	'group.merge': decided,
	'group.split': decided,
};
