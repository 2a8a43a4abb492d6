/** What figures over time look like to a person. */
import type { FigureHistory, FigureLine, FigureName, FigureSample, FigureSubject } from '#main/domain/figure.ts';
import type { FigureRoundView, FigureStanding } from '#main/ipc/contract/figure.ts';
import type { CallName, Output } from '#main/ipc/contract.ts';
import { trendText } from './group-views.ts';
import { type Column, count, counted, lasted, oneLine, paint, pairs, type Style, table, when } from './text.ts';

interface View<T> {
	readonly text: (answer: T, style: Style) => string;
}

/** So many marks wide is a line over time. */
const MARKS = 60;
const WORDS: Readonly<Record<FigureName, string>> = {
	ready: 'ready',
	unacked: 'unacked',
	running: 'running',
	reserved: 'reserved',
	scheduled: 'eta',
	unclaimed: 'unclaimed',
	delayed: 'delayed',
	backlog: 'backlog',
	consumers: 'consumers',
	oldestAgeMs: 'oldest waiting',
	taskQueue: 'TQ',
	resultQueue: 'RQ',
	pool: 'pool',
	restarts: 'RC',
};

interface Row {
	readonly subject: string;
	readonly figure: FigureName;
	readonly line: FigureLine;
}

function rowsOf({ name, label, figures }: FigureSubject): readonly Row[] {
	const subject = label === null ? (name === '' ? '(all)' : name) : `${label} ${name.slice(-8)}`;
	return Object.entries(figures).map(([figure, line]) => ({ subject, figure: figure as FigureName, line }));
}

function valueText(figure: FigureName, value: number | null): string {
	if (value === null) return '-';
	if (figure === 'oldestAgeMs') return lasted(value);
	return Number.isInteger(value) ? count(value) : value.toFixed(2);
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);

/** The highest of each stretch; a stretch in which nothing was measured is blank. */
function marks(line: FigureLine): string {
	const { max } = line;
	const most = Math.min(MARKS, max.length);
	const stretches = Array.from({ length: most }, (_, i) =>
		known(max.slice(Math.floor((i * max.length) / most), Math.floor(((i + 1) * max.length) / most))),
	);
	const text = [...trendText(stretches.map((some) => Math.max(0, ...some)))];
	return stretches.map((some, i) => (some.length === 0 ? ' ' : (text[i] ?? ' '))).join('');
}

const COLUMNS: readonly Column<Row>[] = [
	{ title: 'OF', cell: ({ subject }) => subject, shrink: true },
	{ title: 'FIGURE', cell: ({ figure }) => WORDS[figure] },
	{ title: 'LAST', cell: ({ figure, line }) => valueText(figure, known(line.last).at(-1) ?? null), right: true },
	{ title: 'LEAST', cell: ({ figure, line }) => valueText(figure, extreme(line.min, Math.min)), right: true },
	{ title: 'MOST', cell: ({ figure, line }) => valueText(figure, extreme(line.max, Math.max)), right: true },
	{ title: 'TIME', cell: ({ line }) => marks(line) },
];

function extreme(values: readonly (number | null)[], of: (...values: number[]) => number): number | null {
	const some = known(values);
	return some.length === 0 ? null : some.reduce((a, b) => of(a, b));
}

function showHistory(history: Omit<FigureHistory, 'items'>, rows: readonly Row[], style: Style): string {
	if (rows.length === 0)
		return 'Nothing was measured in this time. A window, "serve", "queue watch" and "monitor run" sample queues.';
	const { since, until, bucket } = history;
	const gaps = rows.some(({ line }) => line.max.includes(null)) ? ' Blank: nothing was measured.' : '';
	const foot = `From ${when(since)} to ${when(until)}, ${bucket} each.${gaps}`;
	return `${table(style, rows, COLUMNS)}\n${paint(style, 'dim', foot)}`;
}

function showStanding({ on, everySeconds, minuteDays, hourDays, by, trouble }: FigureStanding, style: Style): string {
	return pairs(style, [
		['sampling', on ? `every ${everySeconds} s, by windows and served consoles` : 'off'],
		['now by', by ?? 'nobody'],
		['kept', `by the minute for ${counted(minuteDays, 'day')}, by the hour for ${counted(hourDays, 'day')}`],
		['trouble', trouble],
	]);
}

const standing: View<FigureStanding> = { text: showStanding };

/** Views of the routes about figures over time. */
export const FIGURE_VIEWS: {
	readonly [R in Extract<CallName, 'queue.history' | 'cluster.history' | 'queue.sampling' | 'queue.sample'>]: View<
		Output<R>
	>;
} = {
	'queue.history': { text: (history, style) => showHistory(history, history.items.flatMap(rowsOf), style) },
	'cluster.history': {
		text: (history, style) => {
			const queues = new Map(
				history.items.flatMap(({ queue }) => (queue === null ? [] : [[queue.name, queue] as const])),
			);
			const rows = [...history.items, ...queues.values()].flatMap(rowsOf);
			const taken = history.items.find(({ queue }) => queue !== null);
			const shown = showHistory(history, rows, style);
			if (taken?.queue == null) return shown;
			const why = taken.queueBy === 'only' ? 'it is the only one' : "it has the site's name";
			const words = `The queue behind is taken to be ${oneLine(taken.queue.name)}, since ${why}: a heartbeat does not say.`;
			return `${shown}\n${paint(style, 'dim', words)}`;
		},
	},
	'queue.sampling': standing,
	'queue.sample': standing,
};

const sampleText = ({ name, label, values }: FigureSample): string => {
	const figures = Object.entries(values).map(
		([figure, value]) => `${WORDS[figure as FigureName]} ${valueText(figure as FigureName, value)}`,
	);
	return `  ${oneLine(label === null ? name : `${label} ${name.slice(-8)}`)}  ${figures.join(', ')}`;
};

/** One round of `queue watch`, a line per queue and cluster. */
export function showRound({ at, samples, trouble }: FigureRoundView, style: Style): string {
	const lines = samples.filter(({ name }) => name !== '').map(sampleText);
	const words = trouble === null ? [] : [paint(style, 'red', `  Could not be measured: ${oneLine(trouble)}`)];
	const none = lines.length === 0 && trouble === null ? ['  No queues are known.'] : [];
	return [paint(style, 'dim', when(at)), ...lines, ...none, ...words].join('\n');
}
