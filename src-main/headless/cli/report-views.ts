/** What reports look like to a person. */
import type { ReportData, ReportSeries, ReportUnit, TaskStatistics } from '#main/domain/report.ts';
import type { CallName, Output } from '#main/ipc/contract.ts';
import { trendText } from './group-views.ts';
import { type Column, count, counted, lasted, oneLine, paint, type Style, table, when } from './text.ts';

interface View<T> {
	readonly text: (answer: T, style: Style) => string;
}

const BAR = 24;

function named(label: string): string {
	return label === '' ? '(none)' : label;
}

/** Seconds, and averages of messages, with two decimals; runs as they are. */
function valueText(value: number | null, unit: ReportUnit): string {
	if (value === null) return '-';
	return unit === 'runs' || (unit === 'messages' && Number.isInteger(value)) ? count(value) : value.toFixed(2);
}

const seconds = (value: number | null) => (value === null ? '-' : value.toFixed(2));

const STATISTICS: readonly Column<TaskStatistics>[] = [
	{ title: 'TASK', cell: ({ task }) => task, shrink: true },
	{ title: 'RUNS', cell: ({ runs }) => count(runs), right: true },
	{ title: 'SUCCEEDED', cell: ({ succeeded }) => count(succeeded), right: true },
	{ title: 'FAILED', cell: ({ failed }) => count(failed), right: true },
	{ title: 'RETRIED', cell: ({ retried }) => count(retried), right: true },
	{ title: 'MIN s', cell: ({ min }) => seconds(min), right: true },
	{ title: 'AVG s', cell: ({ avg }) => seconds(avg), right: true },
	{ title: 'P95 s', cell: ({ p95 }) => seconds(p95), right: true },
	{ title: 'MAX s', cell: ({ max }) => seconds(max), right: true },
	{ title: 'TOTAL s', cell: ({ total }) => seconds(total), right: true },
];

function showSeries(data: Extract<ReportData, { kind: 'series' }>, style: Style): string {
	const { unit } = data;
	const known = (line: ReportSeries) => line.points.flatMap(([, value]) => (value === null ? [] : [value]));
	const most = (line: ReportSeries) => known(line).reduce((a, b) => Math.max(a, b), 0);
	const columns: readonly Column<ReportSeries>[] = [
		{ title: 'LINE', cell: ({ label }) => named(label), shrink: true },
		unit === 'runs'
			? {
					title: 'RUNS',
					cell: (line) =>
						valueText(
							known(line).reduce((a, b) => a + b, 0),
							unit,
						),
					right: true,
				}
			: {
					title: unit === 's' ? 'LAST s' : 'LAST',
					cell: (line) => valueText(known(line).at(-1) ?? null, unit),
					right: true,
				},
		{
			title: unit === 's' ? 'MOST s' : `MOST IN ${data.bucket}`,
			cell: (line) => valueText(most(line), unit),
			right: true,
		},
		{ title: 'TIME', cell: ({ points }) => trendText(fold(points.map(([, value]) => value ?? 0))) },
	];
	return table(style, data.series, columns);
}

/** At most so many values, the largest of each stretch. */
function fold(values: readonly number[], most = 60): readonly number[] {
	if (values.length <= most) return values;
	return Array.from({ length: most }, (_, i) => {
		const some = values.slice(Math.floor((i * values.length) / most), Math.floor(((i + 1) * values.length) / most));
		return Math.max(...some);
	});
}

function showData(data: ReportData, style: Style): string {
	switch (data.kind) {
		case 'shares':
		case 'bars': {
			const total = data.items.reduce((sum, { value }) => sum + value, 0);
			const most = Math.max(...data.items.map(({ value }) => value), Number.MIN_VALUE);
			const rest = data.kind === 'bars' && data.left > 0 ? `\n${count(data.left)} more are below these.` : '';
			const bars = table(style, data.items, [
				{ title: 'NAME', cell: ({ label }) => named(label), shrink: true },
				{
					title: data.unit === 'runs' ? 'RUNS' : 'SECONDS',
					cell: ({ value }) => valueText(value, data.unit),
					right: true,
				},
				...(data.kind === 'shares'
					? [
							{
								title: 'SHARE',
								cell: ({ value }: { readonly value: number }) => `${((100 * value) / total).toFixed(1)} %`,
								right: true,
							},
						]
					: []),
				{ title: '', cell: ({ value }) => '█'.repeat(Math.round((BAR * value) / most)) },
			]);
			return `${bars}${rest}`;
		}
		case 'series':
			return showSeries(data, style);
		case 'dots':
			return table(style, data.dots, [
				{ title: 'TASK', cell: ({ label }) => label, shrink: true },
				{ title: 'APP', cell: ({ app }) => named(app) },
				{ title: 'RUNS', cell: ({ runs }) => count(runs), right: true },
				{ title: 'AVG s', cell: ({ runtime }) => seconds(runtime), right: true },
			]);
		case 'throughput': {
			const rows = table(style, data.rows, [
				{ title: 'LAST', cell: ({ hours }) => (hours === null ? 'overall' : `${hours} h`) },
				{
					title: 'RUNS A MINUTE',
					cell: ({ perMinute }) => (perMinute === null ? '-' : perMinute.toFixed(1)),
					right: true,
				},
			]);
			return `${rows}\nBusiest minute: ${counted(data.peak.runs, 'run')} at ${when(data.peak.at)}`;
		}
		case 'statistics':
			return table(style, data.items, STATISTICS);
	}
}

function showReport(
	{ name, title, question, basis, options, data, computedAt }: Output<'report.show'>,
	style: Style,
): string {
	const head = `${paint(style, 'bold', title)}  ${paint(style, 'dim', question)}`;
	if (data === null) {
		const why =
			name === 'queue_length_over_time'
				? 'Queues were not sampled in this time: a window, "serve", "queue watch" and "monitor run" do that.'
				: 'Nothing in history to compute it of.';
		return `${head}\n${why}`;
	}
	const span =
		basis.oldest === null || basis.newest === null
			? ''
			: ` spanning ${lasted(basis.newest - basis.oldest)} from ${when(basis.oldest)}`;
	const way = options.compatible ? ', counted as aa-taskmonitor does' : '';
	const of =
		basis.samples === undefined
			? `${counted(basis.runs, 'run')}, ${basis.runtime.toFixed(2)} s`
			: counted(basis.samples, 'sample');
	const foot = `${of}${span}${way}; computed ${when(computedAt)}.`;
	return `${head}\n${showData(data, style)}\n${paint(style, 'dim', oneLine(foot))}`;
}

function nameTable(names: Output<'report.map'>['names'], style: Style): string {
	return table(style, names, [
		{ title: 'NAME', cell: ({ other }) => other },
		{ title: 'STANDS FOR', cell: ({ app }) => app },
		{ title: '', cell: ({ builtIn }) => (builtIn ? 'built in' : '') },
	]);
}

/** Views of the reports' routes. */
export const REPORT_VIEWS: { readonly [R in Extract<CallName, `report.${string}`>]: View<Output<R>> } = {
	'report.list': {
		text: ({ items }, style) =>
			table(style, items, [
				{ title: 'NAME', cell: ({ name }) => name },
				{ title: 'TITLE', cell: ({ title }) => title },
				{ title: 'QUESTION', cell: ({ question }) => question, shrink: true },
				{ title: 'TASKMONITOR', cell: ({ taskmonitor }) => (taskmonitor ? 'yes' : '') },
			]),
	},
	'report.show': { text: showReport },
	'report.apps': {
		text: ({ names, tasks, changes }, style) => {
			const list = table(style, tasks, [
				{ title: 'TASK', cell: ({ task }) => task, shrink: true },
				{ title: 'RUNS', cell: ({ runs }) => count(runs), right: true },
				{ title: 'APP', cell: ({ app }) => named(app) },
				{ title: 'NOW', cell: ({ app, before }) => (app === before ? '' : named(before)) },
			]);
			const foot = changes === 0 ? '' : `\n${counted(changes, 'task')} would come to another app. Nothing was changed.`;
			return `${nameTable(names, style)}\n\n${list}${foot}`;
		},
	},
	'report.map': { text: ({ names }, style) => nameTable(names, style) },
};
