import { describe, expect, test } from 'vitest';
import { drawPicture } from '#renderer/components/chart-picture.ts';
import { logAxis, placeOn, ticksOf } from '#renderer/components/dot-chart.ts';
import { cellText, type Figures, figuresCsv, secondsText, sortedRows } from '#renderer/components/figures.ts';

const FIGURES: Figures = {
	columns: [
		{ label: 'Task', kind: 'text' },
		{ label: 'Runs', kind: 'count' },
		{ label: 'Seen', kind: 'time' },
	],
	rows: [
		{ cells: ['a,"b"', 2, 0], query: null },
		{ cells: ['=1+1', 10, null], query: 'name:x' },
		{ cells: ['', null, 86_400_000], query: null },
	],
};

describe('figures', () => {
	test('become CSV that says what the table says, with quotes doubled, times in ISO and formulas made plain', () => {
		expect(figuresCsv(FIGURES)).toBe(
			'Task,Runs,Seen\r\n"a,""b""",2,1970-01-01T00:00:00.000Z\r\n\'=1+1,10,\r\n,,1970-01-02T00:00:00.000Z\r\n',
		);
	});

	test('sort by amount and not by letters, with what cannot be told last either way', () => {
		const runs = (descending: boolean) => sortedRows(FIGURES.rows, 1, descending).map(({ cells }) => cells[1]);
		expect(runs(true)).toEqual([10, 2, null]);
		expect(runs(false)).toEqual([2, 10, null]);
	});

	test('tell nothing, none and nought apart', () => {
		expect([cellText(null, 'count'), cellText('', 'text'), cellText(0, 'count')]).toEqual(['–', '(none)', '0']);
	});

	test('write seconds with the digits that matter', () => {
		expect([0, 0.0042, 1.845, 123.44, 12_400.4].map(secondsText)).toEqual([
			'0.00',
			'0.0042',
			'1.84',
			'123.4',
			'12,400',
		]);
	});
});

describe('axes in powers of ten', () => {
	test('hold every value and have a tick at each power', () => {
		const axis = logAxis([0.004, 3, 900]);
		expect(ticksOf(axis)).toEqual([0.001, 0.01, 0.1, 1, 10, 100, 1_000]);
		expect([0.001, 1, 1_000, 0].map((value) => placeOn(axis, value))).toEqual([0, 0.5, 1, 0]);
	});

	test('of equal or no values still have a length', () => {
		expect(logAxis([])).toEqual({ from: 0, to: 1 });
		expect(logAxis([10, 10])).toEqual({ from: 1, to: 2 });
	});
});

describe('a picture of a chart', () => {
	const colours = { ground: '#fff', ink: '#000', quiet: '#555', line: '#ccc', series: () => '#f00' };
	const bar = (label: string) => ({ label, value: 1, text: '1 run' });

	test('is well-formed whatever the names hold', () => {
		const hostile = '</text><script>alert(1)</script>&"\u0000\uD800';
		const { svg } = drawPicture({ title: hostile, note: '', body: { kind: 'bars', bars: [bar(hostile)] } }, colours);
		expect(svg).not.toContain('<script');
		expect(svg.isWellFormed()).toBe(true);
		expect(svg).not.toContain('\u0000');
		const read = new DOMParser().parseFromString(svg, 'image/svg+xml');
		expect(read.documentElement.tagName).toBe('svg');
	});

	test('says how many bars it leaves out', () => {
		const bars = Array.from({ length: 75 }, (_, at) => bar(`t${at}`));
		expect(drawPicture({ title: '', note: '', body: { kind: 'bars', bars } }, colours).svg).toContain(
			'15 more are not in this picture',
		);
	});

	test('leaves a gap where a line has no value', () => {
		const lines = [{ label: 'p50', values: [1, 2, null, 3, 4] }];
		const body = { kind: 'lines', stack: null, times: [0, 1, 2, 3, 4], lines, moment: String } as const;
		expect(drawPicture({ title: '', note: '', body }, colours).svg.match(/<polyline/g)).toHaveLength(2);
	});

	test('lays lines one on another in bars as high as all of them, with the same sizes that the axis has', () => {
		const lines = [
			{ label: 'a', values: [2, 4] },
			{ label: 'b', values: [2, null] },
		];
		const body = { kind: 'lines', stack: 10, times: [0, 10], lines, moment: String } as const;
		const { svg } = drawPicture({ title: '', note: '', body }, colours);
		const read = new DOMParser().parseFromString(svg, 'image/svg+xml');
		const number = (rect: Element, name: string): number => Number(rect.getAttribute(name));
		// The ground and one sample for each line are no bars.
		const rects = [...read.querySelectorAll('g rect')].filter((rect) => number(rect, 'width') > 20);
		expect(rects).toHaveLength(3);
		const [low, alone, high] = rects as [Element, Element, Element];
		expect(svg).not.toContain('<polyline');
		// Both bars are four high; the lower part of the first is half of it, and the other stands on it.
		expect(number(high, 'y')).toBeCloseTo(number(alone, 'y'), -1);
		expect(number(high, 'y') + number(high, 'height')).toBeCloseTo(number(low, 'y'), -1);
		expect(number(low, 'height') * 2).toBeCloseTo(number(alone, 'height'), -1);
	});
});
