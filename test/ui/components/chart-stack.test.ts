import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
	barAt,
	barEnd,
	lineFade,
	type Part,
	partAt,
	partByKey,
	partsIn,
	stackEdges,
	sumAt,
} from '../../../src-renderer/components/chart-stack.ts';
import TimeChart from '../../../src-renderer/components/TimeChart.svelte';
import { lineToken } from '../../../src-renderer/components/time-chart.ts';

afterEach(cleanup);

const LINES = [
	{ label: 'succeeded', values: [3, 0, null, 5] },
	{ label: 'failed', values: [1, 2, null, null] },
	{ label: 'retrying', values: [2, 2, null, 1] },
];
const NONE = new Set<number>();

describe('lines that lie one on another', () => {
	it('stand on those before them, and where one has no value nothing is between its neighbours', () => {
		const edges = stackEdges(LINES, NONE, 4);
		expect(edges.map((line) => line[0])).toEqual([
			[0, 3],
			[3, 4],
			[4, 6],
		]);
		expect(edges.map((line) => line[2])).toEqual([null, null, null]);
		expect(edges.map((line) => line[3])).toEqual([[0, 5], null, [5, 6]]);
	});

	it('come down where one below is hidden', () => {
		const edges = stackEdges(LINES, new Set([0]), 4);
		expect(edges.map((line) => line[0])).toEqual([null, [0, 1], [1, 3]]);
		expect(sumAt(LINES, new Set([0]), 0)).toBe(3);
		expect(sumAt(LINES, NONE, 2)).toBeNull();
	});

	it('are always as high as what is seen comes to, and every value in a bar belongs to exactly one of them', () => {
		const value = fc.option(fc.nat(50), { nil: null });
		fc.assert(
			fc.property(
				fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { minLength: 1, maxLength: 6 }),
				fc.uniqueArray(fc.nat(5)),
				(values, out) => {
					const lines = values.map((some) => ({ values: some }));
					const hidden = new Set(out);
					const edges = stackEdges(lines, hidden, 3);
					for (const index of [0, 1, 2]) {
						const sum = sumAt(lines, hidden, index) ?? 0;
						const high = edges.reduce((most, line) => Math.max(most, line[index]?.[1] ?? 0), 0);
						expect(high).toBe(sum);
						for (let at = 0; at < sum; at += 1) {
							const line = partAt(edges, index, at + 0.5);
							const [low, top] = edges[line ?? -1]?.[index] ?? [1, 0];
							expect(low <= at && top >= at + 1).toBe(true);
						}
						expect(partAt(edges, index, sum + 0.5)).toBeNull();
						expect(partAt(edges, index, -0.5)).toBeNull();
					}
				},
			),
		);
	});

	it('have a bar for their span alone: where buckets are left out there is none, and none reaches into the next', () => {
		const times = [0, 300, 900];
		expect([-1, 0, 299, 300, 599, 600, 899, 900, 1_199, 1_200].map((at) => barAt(times, at, 300))).toEqual([
			...[null, 0, 0, 1, 1, null, null, 2, 2, null],
		]);
		expect(barAt([], 5, 300)).toBeNull();
		expect(times.map((_, index) => barEnd(times, index, 400))).toEqual([300, 700, 1_300]);
	});

	it('are as long as their day, also where clocks are set in it', () => {
		const hour = 3_600_000;
		const days = [0, 23, 48, 72, 120].map((at) => at * hour);
		const ends = days.map((_, index) => barEnd(days, index, 24 * hour) / hour);
		// One of 23 hours, one of 25, one of 24, and one before a day without anything.
		expect(ends).toEqual([23, 48, 72, 96, 144]);
		expect(barAt(days, 47.5 * hour, 24 * hour)).toBe(1);
	});

	it('never look alike where their chart has no more than eighteen', () => {
		const looks = Array.from({ length: 18 }, (_, line) => `${lineToken(line, undefined)} ${lineFade(line)}`);
		expect(new Set(looks).size).toBe(18);
	});
});

describe('the keys of a stacked chart', () => {
	const edges = stackEdges(LINES, NONE, 4);
	const walk = (from: Part | null, ...keys: readonly string[]): readonly (readonly number[] | null)[] => {
		let at = from;
		return keys.map((key) => {
			const next = partByKey(edges, 4, at, 3, key);
			at = next ?? at;
			return next === null ? null : [next.index, next.line];
		});
	};

	it('begin at the bar that is shown, and go from part to part only where there is one', () => {
		// The second bar has nothing of the first line, the third has nothing at all, the fourth nothing of the second line.
		expect(walk(null, 'ArrowLeft', 'ArrowUp', 'ArrowUp', 'ArrowLeft', 'ArrowDown', 'ArrowDown', 'ArrowLeft')).toEqual([
			...[
				[3, 0],
				[3, 2],
				[3, 2],
				[1, 2],
				[1, 1],
				[1, 1],
				[0, 1],
			],
		]);
		expect(walk({ index: 0, line: 1 }, 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Home', 'End')).toEqual([
			...[
				[1, 1],
				[3, 0],
				[3, 0],
				[0, 0],
				[3, 0],
			],
		]);
		expect(walk({ index: 3, line: 2 }, 'PageDown', 'PageUp', 'x', 'Enter')).toEqual([[0, 2], [3, 2], null, null]);
	});

	it('lead nowhere while there is nothing, and always to something that can be seen', () => {
		expect(partByKey(stackEdges(LINES, new Set([0, 1, 2]), 4), 4, null, 3, 'ArrowUp')).toBeNull();
		const keys = ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End'];
		fc.assert(
			fc.property(
				fc.array(fc.array(fc.nat(2), { minLength: 6, maxLength: 6 }), { minLength: 1, maxLength: 4 }),
				fc.array(fc.constantFrom(...keys), { maxLength: 20 }),
				(values, pressed) => {
					const all = stackEdges(
						values.map((some) => ({ values: some })),
						NONE,
						6,
					);
					let at: Part | null = null;
					for (const key of pressed) {
						at = partByKey(all, 6, at, 5, key) ?? at;
						if (at !== null) expect(partsIn(all, at.index)).toContain(at.line);
					}
				},
			),
		);
	});
});

describe('a stacked chart', () => {
	const times = [0, 1, 2, 3].map((index) => Date.UTC(2026, 10, 21, 12) + index * 60_000);
	const chart = {
		label: 'Runs',
		times,
		lines: LINES,
		unit: 'runs in 1m',
		zone: 'UTC',
		shape: 'stack',
		span: 60_000,
	} as const;

	it('says each value and what they come to, without those that are hidden', async () => {
		render(TimeChart, chart);
		expect(screen.getByRole('button', { name: /succeeded\s+5/ })).toBeTruthy();
		expect(screen.getByText('Sat 21 Nov 2026, 12:03:00 UTC+00:00, the latest: 6 together')).toBeTruthy();
		await fireEvent.click(screen.getByRole('button', { name: /succeeded/ }));
		expect(screen.getByText('Sat 21 Nov 2026, 12:03:00 UTC+00:00, the latest: 1 together')).toBeTruthy();
	});

	it('has each line of its own in the table, and no sums', async () => {
		render(TimeChart, chart);
		await fireEvent.click(screen.getByRole('button', { name: 'Show as a table' }));
		const rows = screen.getAllByRole('row');
		expect([...(rows.at(-1)?.children ?? [])].map((cell) => cell.textContent?.trim())).toEqual([
			...['Sat 21 Nov 2026, 12:00:00 UTC+00:00', '3', '1', '2'],
		]);
	});

	it('has areas beside the names, where one of lines has a line', () => {
		const { container, rerender } = render(TimeChart, chart);
		expect(container.querySelectorAll('.names rect')).toHaveLength(3);
		return rerender({ ...chart, shape: 'steps' }).then(() => {
			expect(container.querySelectorAll('.names rect')).toHaveLength(0);
			expect(container.querySelectorAll('.names line')).toHaveLength(3);
		});
	});
});
