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
