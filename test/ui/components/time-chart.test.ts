import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it } from 'vitest';
import TimeChart from '../../../src-renderer/components/TimeChart.svelte';
import {
	emptySpans,
	latestTold,
	lineDash,
	lineToken,
	lonePoints,
	momentText,
	plainNumber,
	tickTexts,
	valueText,
} from '../../../src-renderer/components/time-chart.ts';

afterEach(cleanup);

const NOON = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;
const times = [0, 1, 2, 3].map((index) => NOON + index * MINUTE);

describe('what a chart over time shows', () => {
	it('tells spans without any value from those where one line alone has none', () => {
		const lines = [
			{ label: 'a', values: [1, null, null, 4, null] },
			{ label: 'b', values: [1, 2, null, null, null] },
		];
		expect(emptySpans(lines, 5)).toEqual([
			[2, 2],
			[4, 4],
		]);
		expect(emptySpans([], 2)).toEqual([[0, 1]]);
		expect(latestTold(lines, 5)).toBe(3);
		expect(latestTold([{ label: 'a', values: [null] }], 1)).toBeNull();
	});

	it('draws a value that stands alone as a point, at the ends too', () => {
		expect(lonePoints([1, null, 2, 3, null, 0])).toEqual([0, 5]);
		expect(lonePoints([null, null])).toEqual([]);
	});

	it('never gives two of twenty-four lines the same colour and dashes', () => {
		const looks = Array.from({ length: 24 }, (_, line) => `${lineToken(line, undefined)} ${lineDash(line).join(' ')}`);
		expect(new Set(looks).size).toBe(24);
	});

	it('writes a value with its extremes only where they differ from it, and none as a dash', () => {
		const line = { label: 'a', values: [3.456, 7, null], low: [0, 7, null], high: [1_200, 7, null] };
		expect([0, 1, 2].map((index) => valueText(line, index, plainNumber))).toEqual(['3.46 (0 to 1,200)', '7', '–']);
	});

	it('writes moments in the zone that is asked for, on either side of a change of clocks', () => {
		expect(momentText(NOON, 'Asia/Kolkata')).toBe('Sat 21 Nov 2026, 17:30:00 UTC+05:30');
		const change = Date.UTC(2026, 9, 25, 1);
		expect(momentText(change - 1, 'Europe/Berlin')).toBe('Sun 25 Oct 2026, 02:59:59 UTC+02:00');
		expect(momentText(change, 'Europe/Berlin')).toBe('Sun 25 Oct 2026, 02:00:00 UTC+01:00');
	});

	it('names the day where one begins, seconds where they matter, and days alone where steps are days', () => {
		const midnight = Date.UTC(2026, 10, 22);
		expect(tickTexts([midnight - 3_600_000, midnight], 3_600_000, 'UTC')).toEqual(['23:00', '22 Nov']);
		expect(tickTexts([midnight + 5_000], 5_000, 'UTC')).toEqual(['00:00:05']);
		expect(tickTexts([midnight], 86_400_000, 'UTC')).toEqual(['22 Nov']);
	});
});

describe('the chart over time', () => {
	const lines = [
		{ label: 'ready', values: [4, null, 6, null] },
		{ label: 'unacked', values: [1, null, 2, null] },
	];

	it('shows the latest values beside the names of the lines, and when they were', () => {
		render(TimeChart, { label: 'Depth', times, lines, unit: 'messages', zone: 'UTC' });
		expect(screen.getByRole('button', { name: /ready\s+6/ })).toBeTruthy();
		expect(screen.getByText('Sat 21 Nov 2026, 12:02:00 UTC+00:00, the latest')).toBeTruthy();
		expect(screen.getByText('Values in messages. Shaded: nothing was measured.')).toBeTruthy();
	});

	it('has every value in a table, newest first, with a dash for what was not measured', async () => {
		render(TimeChart, { label: 'Depth', times, lines, unit: 'messages', zone: 'UTC' });
		await fireEvent.click(screen.getByRole('button', { name: 'Show as a table' }));
		const table = within(screen.getByRole('region', { name: 'Depth, as a table' })).getByRole('table');
		const rows = within(table).getAllByRole('row');
		expect(rows.map((row) => [...row.children].map((cell) => cell.textContent?.trim()))).toEqual([
			['Time', 'ready, messages', 'unacked, messages'],
			['Sat 21 Nov 2026, 12:03:00 UTC+00:00', '–', '–'],
			['Sat 21 Nov 2026, 12:02:00 UTC+00:00', '6', '2'],
			['Sat 21 Nov 2026, 12:01:00 UTC+00:00', '–', '–'],
			['Sat 21 Nov 2026, 12:00:00 UTC+00:00', '4', '1'],
		]);
	});

	it('draws no more rows at once than a page bears, and the others on request', async () => {
		const many = Array.from({ length: 700 }, (_, index) => NOON + index * MINUTE);
		render(TimeChart, { label: 'Depth', times: many, lines: [{ label: 'ready', values: many.map(() => 1) }] });
		await fireEvent.click(screen.getByRole('button', { name: 'Show as a table' }));
		expect(screen.getAllByRole('row')).toHaveLength(501);
		await fireEvent.click(screen.getByRole('button', { name: 'Show older values' }));
		expect(screen.getAllByRole('row')).toHaveLength(701);
		expect(screen.queryByRole('button', { name: 'Show older values' })).toBeNull();
	});

	it('says in words that there is nothing, instead of drawing noughts', () => {
		const nothing = [{ label: 'ready', values: [null, null, null, null] }];
		render(TimeChart, { label: 'Depth', times, lines: nothing, empty: 'Warren has not measured this queue yet.' });
		expect(screen.getByText('Warren has not measured this queue yet.')).toBeTruthy();
		expect(screen.queryByRole('slider')).toBeNull();
	});

	it('hides a line by its name and shows it again', async () => {
		render(TimeChart, { label: 'Depth', times, lines, zone: 'UTC' });
		const name = screen.getByRole('button', { name: /ready/ });
		expect(name.getAttribute('aria-pressed')).toBe('true');
		await fireEvent.click(name);
		expect(name.getAttribute('aria-pressed')).toBe('false');
		await fireEvent.click(name);
		expect(name.getAttribute('aria-pressed')).toBe('true');
	});
});
