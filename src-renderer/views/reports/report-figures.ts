/** A report's data as tables, bars, lines and pictures. Pure: what is drawn and what the table says come from the same place. */
import type { Report, ReportData, ReportItem, ReportUnit } from '#main/domain/report.ts';
import type { TaskState } from '#main/domain/task.ts';
import type { Bar } from '../../components/BarChart.svelte';
import type { PictureBody } from '../../components/chart-picture.ts';
import type { Dot } from '../../components/dot-chart.ts';
import { cellText, type FigureColumn, type Figures, secondsText } from '../../components/figures.ts';
import { counted, grouped } from '../../components/format.ts';
import { type ChartLine, type ChartTone, momentText } from '../../components/time-chart.ts';

type Of<K extends ReportData['kind']> = Extract<ReportData, { kind: K }>;

/** More lines than this are no chart; the table and the files have them all. */
export const MOST_LINES = 15;

const TONES: Readonly<Partial<Record<TaskState, ChartTone>>> = {
	succeeded: 'succeeded',
	failed: 'failed',
	retrying: 'warning',
	revoked: 'neutral',
};

const UNITS: Readonly<Record<ReportUnit, FigureColumn>> = {
	runs: { label: 'Runs', kind: 'count' },
	s: { label: 'Seconds', kind: 'seconds' },
	// A mean of samples, which is seldom whole.
	messages: { label: 'Messages', kind: 'rate' },
};
const unitColumn = (unit: ReportUnit): FigureColumn => UNITS[unit];

/** A value with its unit. */
export function valueWords(value: number, unit: ReportUnit): string {
	if (unit === 's') return `${secondsText(value)} s`;
	return counted(value, unit === 'runs' ? 'run' : 'message');
}

const named = (label: string): string => (label === '' ? '(none)' : label);
const sum = (items: readonly ReportItem[]): number => items.reduce((all, { value }) => all + value, 0);

/** What the report's first column is of, in a word. */
function subject(name: string): string {
	if (name.includes('state')) return 'State';
	if (name.includes('queue')) return 'Queue';
	if (name.includes('worker')) return 'Worker';
	if (name.startsWith('exceptions')) return 'Exception';
	return name.includes('app') ? 'App' : 'Task';
}

/** All of a report as a table. Series have a row for each bucket and a column for each line. */
export function figuresOf({ name }: Pick<Report, 'name'>, data: ReportData): Figures {
	const first: FigureColumn = { label: subject(name), kind: 'text' };
	switch (data.kind) {
		case 'bars':
			return {
				columns: [first, unitColumn(data.unit)],
				rows: data.items.map(({ label, value, query }) => ({ cells: [label, value], query })),
			};
		case 'shares': {
			const whole = sum(data.items);
			return {
				columns: [first, unitColumn(data.unit), { label: 'Share', kind: 'share' }],
				rows: data.items.map(({ label, value, query }) => ({ cells: [label, value, value / whole], query })),
			};
		}
		case 'series': {
			const { times, values } = grid(data);
			const { kind } = unitColumn(data.unit);
			return {
				columns: [{ label: 'Time', kind: 'time' }, ...data.series.map(({ label }) => ({ label, kind }))],
				rows: times.map((at, place) => ({
					cells: [at, ...values.map((line) => line[place] ?? null)],
					query: null,
				})),
			};
		}
		case 'dots':
			return {
				columns: [
					{ label: 'Task', kind: 'text' },
					{ label: 'App', kind: 'text' },
					{ label: 'Runs', kind: 'count' },
					{ label: 'Average s', kind: 'seconds' },
				],
				rows: data.dots.map(({ label, app, runs, runtime, query }) => ({ cells: [label, app, runs, runtime], query })),
			};
		case 'throughput':
			return {
				columns: [
					{ label: 'Over the last', kind: 'text' },
					{ label: 'Runs a minute', kind: 'rate' },
				],
				rows: data.rows.map(({ hours, perMinute }) => ({
					cells: [hours === null ? 'all of it' : hours === 1 ? '1 hour' : `${hours} hours`, perMinute],
					query: null,
				})),
			};
		case 'statistics':
			return statisticsFigures(data);
	}
}

const STATISTICS: readonly FigureColumn[] = [
	{ label: 'Task', kind: 'text' },
	{ label: 'App', kind: 'text' },
	...['Runs', 'Succeeded', 'Failed', 'Retried'].map((label) => ({ label, kind: 'count' }) as const),
	...['Min s', 'Avg s', 'p50 s', 'p95 s', 'p99 s', 'Max s', 'Total s'].map(
		(label) => ({ label, kind: 'seconds' }) as const,
	),
];

function statisticsFigures({ items }: Of<'statistics'>): Figures {
	return {
		columns: STATISTICS,
		rows: items.map(({ query, ...one }) => ({
			cells: [
				one.task,
				one.app,
				one.runs,
				one.succeeded,
				one.failed,
				one.retried,
				one.min,
				one.avg,
				one.p50,
				one.p95,
				one.p99,
				one.max,
				one.total,
			],
			query,
		})),
	};
}

/** Every moment that any line has, rising, and each line's value there. */
function grid(data: Of<'series'>): {
	readonly times: readonly number[];
	readonly values: readonly (readonly (number | null)[])[];
} {
	const times = [...new Set(data.series.flatMap(({ points }) => points.map(([at]) => at)))].sort((a, b) => a - b);
	const values = data.series.map(({ points }) => {
		const known = new Map(points);
		return times.map((at) => known.get(at) ?? null);
	});
	return { times, values };
}

/** A line to draw, and the tasks behind it. */
export type DrawnLine = ChartLine & { readonly query: string | null };

/** Lines to draw, and how many are left out. */
export function linesOf(data: Of<'series'>): {
	readonly times: readonly number[];
	readonly lines: readonly DrawnLine[];
	readonly left: number;
} {
	const { times, values } = grid(data);
	const sorted = bySize(data, values);
	const chosen = sorted.slice(0, MOST_LINES);
	return { times, left: sorted.length - chosen.length, lines: chosen };
}

/** Lines to lay one on another: what there are too many of is one, so that a bar is always as high as all of them together. */
export function stackOf(data: Of<'series'>): ReturnType<typeof linesOf> {
	const drawn = linesOf(data);
	if (drawn.left === 0) return drawn;
	const sorted = bySize(data, grid(data).values);
	const rest = sorted.slice(MOST_LINES - 1);
	const values = drawn.times.map((_, place) => {
		const told = rest.flatMap((line) => line.values[place] ?? []);
		return told.length === 0 ? null : told.reduce((all, value) => all + value, 0);
	});
	const others = { label: `${grouped(rest.length)} others`, values, query: null };
	return { ...drawn, left: rest.length, lines: [...sorted.slice(0, MOST_LINES - 1), others] };
}

/** Lines of counts with the largest first, others as they came. */
function bySize(data: Of<'series'>, values: readonly (readonly (number | null)[])[]): readonly DrawnLine[] {
	const totals = values.map((line) => line.reduce<number>((all, value) => all + (value ?? 0), 0));
	return data.series
		.map((line, place) => ({ line, place, total: totals[place] ?? 0 }))
		.sort((one, other) => (data.unit !== 'runs' ? one.place - other.place : other.total - one.total))
		.map(({ line, place }) => ({
			label: named(line.label),
			values: values[place] ?? [],
			tone: TONES[line.label as TaskState],
			query: line.query,
		}));
}

const SPANS: Readonly<Record<Of<'series'>['bucket'], number>> = {
	'1m': 60_000,
	'5m': 300_000,
	'15m': 900_000,
	'1h': 3_600_000,
	'1d': 86_400_000,
};

/** How long the bars of a series are, in ms, where its lines are parts of what ended in each bucket; null: they are no parts of a whole. */
export function barSpan(data: Of<'series'>): number | null {
	return data.unit === 'runs' ? SPANS[data.bucket] : null;
}

/** Tasks behind one part of one bar; null: no query says them. */
export function partQuery(query: string | null, from: number, to: number): string | null {
	if (query === null) return null;
	const at = (moment: number): string => new Date(moment).toISOString();
	return `(${query}) finished:>=${at(from)} finished:<${at(to)}`;
}

/** The lines of a series with what each comes to, for following one. */
export function lineFigures({ name }: Pick<Report, 'name'>, data: Of<'series'>): Figures {
	const runs = data.unit === 'runs';
	const { kind } = unitColumn(data.unit);
	return {
		columns: [
			{ label: runs ? subject(name) : 'Line', kind: 'text' },
			runs ? { label: 'Runs', kind: 'count' } : { label: data.unit === 's' ? 'Last s' : 'Last', kind },
			{ label: runs ? `Most in ${data.bucket}` : data.unit === 's' ? 'Most s' : 'Most', kind },
		],
		rows: data.series.map(({ label, points, query }) => {
			const known = points.flatMap(([, value]) => (value === null ? [] : [value]));
			const most = known.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
			const all = runs ? known.reduce((a, b) => a + b, 0) : (known.at(-1) ?? null);
			return { cells: [label, all, known.length === 0 ? null : most], query };
		}),
	};
}

/** Bars of shares and top lists. */
export function barsOf(data: Of<'bars' | 'shares'>): readonly Bar[] {
	const whole = sum(data.items);
	return data.items.map(({ label, value, query }) => {
		const tone = data.kind === 'shares' ? TONES[label as TaskState] : undefined;
		return {
			label: named(label),
			value,
			text: valueWords(value, data.unit),
			note: data.kind === 'shares' ? cellText(value / whole, 'share') : undefined,
			token: tone === undefined ? undefined : tone === 'neutral' ? '--ink-3' : `--${tone}`,
			query,
		};
	});
}

/** Dots of tasks: runs across, seconds up. */
export function dotsOf(data: Of<'dots'>): readonly Dot[] {
	return data.dots.map(({ label, app, runs, runtime, query }) => ({ label, group: app, x: runs, y: runtime, query }));
}

/** A dot in words. */
export function dotWords(dot: Dot): string {
	return `${dot.label}: ${counted(dot.x, 'run')}, ${secondsText(dot.y)} s on average${dot.group === '' ? '' : `, app ${dot.group}`}`;
}

/** What a file's picture shows. `apart`: lines beside one another also where they can lie one on another. */
export function pictureBody(report: Pick<Report, 'name'>, data: ReportData, apart: boolean): PictureBody {
	switch (data.kind) {
		case 'bars':
		case 'shares':
			return {
				kind: 'bars',
				bars: barsOf(data).map(({ label, value, text, note }) => ({
					label,
					value,
					text: note === undefined ? text : `${text}, ${note}`,
				})),
			};
		case 'series': {
			const stack = apart ? null : barSpan(data);
			const { times, lines } = stack === null ? linesOf(data) : stackOf(data);
			return {
				kind: 'lines',
				stack,
				times,
				lines,
				moment: (at) =>
					momentText(at)
						.replace(/ UTC.*$/, '')
						.slice(0, -3),
			};
		}
		case 'dots':
			return { kind: 'dots', dots: dotsOf(data), x: 'runs', y: 'seconds on average' };
		case 'throughput':
		case 'statistics':
			return { kind: 'table', figures: figuresOf(report, data) };
	}
}

/** What a report was computed of, in a line. */
export function basisWords({ basis, options }: Pick<Report, 'basis' | 'options'>): string {
	if (basis.oldest === null || basis.newest === null)
		return basis.samples === undefined ? 'No run ended in this time.' : 'No queue was measured in this time.';
	const short = (at: number): string => momentText(at).replace(/:\d\d UTC.*$/, '');
	const way = options.compatible ? ', counted as aa-taskmonitor does' : '';
	if (basis.samples !== undefined) {
		return `${counted(basis.samples, 'sample')} of queues, from ${short(basis.oldest)} to ${short(basis.newest)}${way}.`;
	}
	return `${grouped(basis.runs)} ${basis.runs === 1 ? 'run' : 'runs'}, ${secondsText(basis.runtime)} s of runtime, from ${short(basis.oldest)} to ${short(basis.newest)}${way}.`;
}
