/** What a chart over time shows, apart from drawing: its lines, how they are told apart, its ticks and its gaps. Pure. */

/** Colours by meaning; without one a line has the next colour of the chart's own. */
export type ChartTone = 'failed' | 'succeeded' | 'running' | 'warning' | 'neutral';

/** One line: a value per moment of the chart; null where there is none, which is drawn as a gap and never as nought. */
export interface ChartLine {
	readonly label: string;
	readonly values: readonly (number | null)[];
	/** Smallest and largest at each moment, where a value stands for a span of time: drawn as a faint band. */
	readonly low?: readonly (number | null)[] | undefined;
	readonly high?: readonly (number | null)[] | undefined;
	readonly tone?: ChartTone | undefined;
}

const TONES: Readonly<Record<ChartTone, string>> = {
	failed: '--failed',
	succeeded: '--succeeded',
	running: '--running',
	warning: '--warning',
	neutral: '--ink-3',
};
const OWN_COLOURS = 6;
const DASHES: readonly (readonly number[])[] = [[], [7, 4], [2, 3], [9, 3, 2, 3]];

/** The token of a line's colour. */
export function lineToken(index: number, tone: ChartTone | undefined): string {
	return tone === undefined ? `--chart-${(index % OWN_COLOURS) + 1}` : TONES[tone];
}

/** A line's dashes, in px: neighbours differ, and so do lines that share a colour, so that no line is told by colour alone. */
export function lineDash(index: number): readonly number[] {
	return DASHES[(index + Math.floor(index / OWN_COLOURS)) % DASHES.length] ?? [];
}

/** Whether a line has anything at a moment. */
const told = (line: ChartLine, index: number): boolean => (line.values[index] ?? null) !== null;

/** Runs of moments (first and last index) at which no line has a value. */
export function emptySpans(lines: readonly ChartLine[], count: number): readonly (readonly [number, number])[] {
	const spans: [number, number][] = [];
	for (let index = 0; index < count; index += 1) {
		if (lines.some((line) => told(line, index))) continue;
		const last = spans.at(-1);
		if (last !== undefined && last[1] === index - 1) last[1] = index;
		else spans.push([index, index]);
	}
	return spans;
}

/** Values with nothing on either side: a line has no length there, so they are drawn as points. */
export function lonePoints(values: readonly (number | null)[]): number[] {
	const none = (index: number): boolean => (values[index] ?? null) === null;
	return values.flatMap((value, index) => (value !== null && none(index - 1) && none(index + 1) ? [index] : []));
}

/** The last moment at which some line has a value; null: there is none. */
export function latestTold(lines: readonly ChartLine[], count: number): number | null {
	for (let index = count - 1; index >= 0; index -= 1) if (lines.some((line) => told(line, index))) return index;
	return null;
}

const NUMBER = new Intl.NumberFormat('en-US', { maximumFractionDigits: 2 });

/** A value in full: thousands apart, at most two decimals. */
export function plainNumber(value: number): string {
	return NUMBER.format(value);
}

/** A line's value at a moment, with its extremes where they differ from it: `3.5 (0 to 12)`; `–` for none. */
export function valueText(line: ChartLine, index: number, format: (value: number) => string): string {
	const value = line.values[index] ?? null;
	if (value === null) return '–';
	const low = line.low?.[index] ?? value;
	const high = line.high?.[index] ?? value;
	return low === value && high === value ? format(value) : `${format(value)} (${format(low)} to ${format(high)})`;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function formatter(zone: string | undefined, shape: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
	const key = `${zone ?? ''} ${JSON.stringify(shape)}`;
	let format = formats.get(key);
	if (format === undefined) {
		format = new Intl.DateTimeFormat('en-GB', { ...shape, hourCycle: 'h23', ...(zone && { timeZone: zone }) });
		formats.set(key, format);
	}
	return format;
}

const FULL: Intl.DateTimeFormatOptions = {
	weekday: 'short',
	day: 'numeric',
	month: 'short',
	year: 'numeric',
	hour: '2-digit',
	minute: '2-digit',
	second: '2-digit',
	timeZoneName: 'longOffset',
};

/** A moment in full, to the second, in a zone (this machine's unless given): `Sat 21 Nov 2026, 12:41:00 UTC+01:00`. */
export function momentText(at: number, zone?: string): string {
	const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {};
	for (const { type, value } of formatter(zone, FULL).formatToParts(at)) parts[type] = value;
	const offset = (parts.timeZoneName ?? '').replace('GMT', 'UTC');
	return `${parts.weekday} ${parts.day} ${parts.month} ${parts.year}, ${parts.hour}:${parts.minute}:${parts.second} ${offset}`;
}

const DAY_MS = 86_400_000;

/** Words at ticks that are `step` ms apart: times of day, the date where a day begins, and only dates where steps are days. */
export function tickTexts(at: readonly number[], step: number, zone?: string): string[] {
	const time = formatter(zone, {
		hour: '2-digit',
		minute: '2-digit',
		...(step < 60_000 && ({ second: '2-digit' } as const)),
	});
	const date = formatter(zone, { day: 'numeric', month: 'short' });
	return at.map((moment) => {
		if (step >= DAY_MS) return date.format(moment);
		const text = time.format(moment);
		return /^00:00(:00)?$/.test(text) ? date.format(moment) : text;
	});
}
