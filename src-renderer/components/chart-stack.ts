/** Bars of spans of time, in which lines lie one on another: where each lies, and what is under a point. Pure. */
import type { ChartLine } from './time-chart.ts';

/** From where to where a line's part of a bar goes, upwards. */
export type Edges = readonly [number, number];

const OWN_COLOURS = 6;
const FADES = [1, 0.58, 0.3] as const;

/** How much of its colour a line has where it is an area: lines that share one differ in it. */
export function lineFade(index: number): number {
	return FADES[Math.floor(index / OWN_COLOURS) % FADES.length] ?? 1;
}

/**
 * Each line's edges at each moment, the first line lowest; null where it has no value, or is hidden. What stands on a line that is hidden
 * comes down, so that the height of a bar is always the sum of what is seen.
 */
export function stackEdges(
	lines: readonly Pick<ChartLine, 'values'>[],
	hidden: ReadonlySet<number>,
	count: number,
): readonly (readonly (Edges | null)[])[] {
	const tops = Array.from({ length: count }, () => 0);
	return lines.map(({ values }, line) =>
		tops.map((low, index): Edges | null => {
			const value = values[index] ?? null;
			if (value === null || hidden.has(line)) return null;
			const high = low + value;
			tops[index] = high;
			return [low, high];
		}),
	);
}

const HOUR = 3_600_000;

/** Where the bar that begins at a moment ends: after its span, or where the next one begins. A day may be an hour longer, or shorter. */
export function barEnd(times: readonly number[], index: number, span: number): number {
	const start = times[index] ?? 0;
	const next = times[index + 1] ?? Number.POSITIVE_INFINITY;
	return next - start <= (span < 24 * HOUR ? span : span + HOUR) ? next : start + span;
}

/** The bar that a moment lies in; null: none is there. */
export function barAt(times: readonly number[], at: number, span: number): number | null {
	let low = 0;
	let high = times.length;
	while (low < high) {
		const middle = (low + high) >> 1;
		if ((times[middle] ?? 0) <= at) low = middle + 1;
		else high = middle;
	}
	return low > 0 && at < barEnd(times, low - 1, span) ? low - 1 : null;
}

/** The line whose part of a bar has a value in it; null: none does. */
export function partAt(edges: readonly (readonly (Edges | null)[])[], index: number, value: number): number | null {
	const found = edges.findIndex((line) => {
		const edge = line[index] ?? null;
		return edge !== null && value >= edge[0] && value < edge[1];
	});
	return found < 0 ? null : found;
}

/** What a moment's values come to, hidden lines left out; null: there is none. */
export function sumAt(
	lines: readonly Pick<ChartLine, 'values'>[],
	hidden: ReadonlySet<number>,
	index: number,
): number | null {
	const told = lines.flatMap(({ values }, line) => {
		const value = values[index] ?? null;
		return value === null || hidden.has(line) ? [] : [value];
	});
	return told.length === 0 ? null : told.reduce((sum, value) => sum + value, 0);
}

/** One line's part of one bar. */
export interface Part {
	readonly index: number;
	readonly line: number;
}

/** Bars that a page key goes over. */
const FAR = 10;

/** The lines that have a part in a bar, the lowest first. */
export function partsIn(edges: readonly (readonly (Edges | null)[])[], index: number): readonly number[] {
	return edges.flatMap((line, at) => {
		const edge = line[index] ?? null;
		return edge !== null && edge[1] > edge[0] ? [at] : [];
	});
}

/**
 * The part that a key leads to: left and right to the next bar that has any, staying at the line or the nearest one; up and down within the
 * bar. From none (null) an arrow leads to the bar at `near`, or the next one before it. Null: the key leads nowhere.
 */
export function partByKey(
	edges: readonly (readonly (Edges | null)[])[],
	count: number,
	from: Part | null,
	near: number,
	key: string,
): Part | null {
	const bars = Array.from({ length: count }, (_, index) => index).filter((index) => partsIn(edges, index).length > 0);
	const last = bars.length - 1;
	const here = Math.max(
		0,
		bars.findLastIndex((index) => index <= (from?.index ?? near)),
	);
	const across: Readonly<Record<string, number>> = {
		ArrowLeft: here - 1,
		ArrowRight: here + 1,
		PageDown: here - FAR,
		PageUp: here + FAR,
		Home: 0,
		End: last,
	};
	const upright: Readonly<Record<string, number>> = { ArrowUp: 1, ArrowDown: -1 };
	const to = key in upright || (from === null && key.startsWith('Arrow')) ? here : across[key];
	const index = to === undefined ? undefined : bars[Math.min(last, Math.max(0, to))];
	if (index === undefined) return null;
	const parts = partsIn(edges, index);
	const at = nearest(parts, from?.line ?? 0) + (from === null ? 0 : (upright[key] ?? 0));
	return { index, line: parts[Math.min(parts.length - 1, Math.max(0, at))] ?? 0 };
}

/** The place of the number nearest to another, the lower of two. */
function nearest(numbers: readonly number[], wanted: number): number {
	return numbers.reduce(
		(best, number, at) => (Math.abs(number - wanted) < Math.abs((numbers[best] ?? 0) - wanted) ? at : best),
		0,
	);
}
