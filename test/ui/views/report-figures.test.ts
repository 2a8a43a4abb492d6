import { describe, expect, test } from 'vitest';
import { parseQuery } from '#main/domain/query-parse.ts';
import { REPORTS, type ReportData } from '#main/domain/report.ts';
import { askedQuery, formatAsked, parseAsked, USUAL } from '#renderer/state/report-asked.ts';
import { definition } from '#renderer/views/reports/definitions.ts';
import {
	barSpan,
	barsOf,
	figuresOf,
	lineFigures,
	linesOf,
	MOST_LINES,
	partQuery,
	pictureBody,
	stackOf,
} from '#renderer/views/reports/report-figures.ts';

const REPORT = { name: 'tasks_throughput_by_app' } as const;

describe('what a report shows', () => {
	test('is the same in its bars and in its table', () => {
		const items = [
			{ label: 'succeeded', value: 30, query: 'state:succeeded' },
			{ label: 'failed', value: 10, query: 'state:failed' },
		];
		const data: ReportData = { kind: 'shares', unit: 'runs', items };
		expect(figuresOf({ name: 'task_runs_by_state' }, data).rows).toEqual([
			{ cells: ['succeeded', 30, 0.75], query: 'state:succeeded' },
			{ cells: ['failed', 10, 0.25], query: 'state:failed' },
		]);
		expect(barsOf(data).map(({ value, text, note }) => [value, text, note])).toEqual([
			[30, '30 runs', '75.0 %'],
			[10, '10 runs', '25.0 %'],
		]);
	});

	test('has gaps where only other lines have a bucket, and draws the largest lines of many', () => {
		const series = Array.from({ length: 40 }, (_, at) => ({
			label: `app${at}`,
			query: null,
			points: [[at % 2 === 0 ? 0 : 300_000, at] as const],
		}));
		const data: ReportData = { kind: 'series', unit: 'runs', bucket: '5m', series };
		const { times, lines, left } = linesOf(data);
		expect(times).toEqual([0, 300_000]);
		expect(lines).toHaveLength(MOST_LINES);
		expect(lines[0]).toMatchObject({ label: 'app39', values: [null, 39] });
		expect(left).toBe(25);
		expect(lineFigures(REPORT, data).rows).toHaveLength(40);
		expect(figuresOf(REPORT, data).columns).toHaveLength(41);
	});

	test('is stacked where lines are parts of what ended, and then as high as all lines, also those that are drawn as one', () => {
		const series = Array.from({ length: 40 }, (_, at) => ({
			label: `app${at}`,
			query: `app:app${at}`,
			points: [[0, at], ...(at < 30 ? [[300_000, 1] as const] : [])] as readonly (readonly [number, number])[],
		}));
		const data = { kind: 'series', unit: 'runs', bucket: '5m', series } as const;
		expect(barSpan(data)).toBe(300_000);
		const { lines, left } = stackOf(data);
		expect(lines).toHaveLength(MOST_LINES);
		expect(lines.at(-1)).toMatchObject({ label: '26 others', query: null });
		expect(left).toBe(26);
		const sumOf = (place: number) => lines.reduce((sum, { values }) => sum + (values[place] ?? 0), 0);
		expect([sumOf(0), sumOf(1)]).toEqual([780, 30]);
		expect(lines[0]).toMatchObject({ label: 'app39', values: [39, null], query: 'app:app39' });
		const few = { ...data, series: series.slice(0, 3) };
		expect(stackOf(few)).toEqual(linesOf(few));
		expect(pictureBody(REPORT, data, false)).toMatchObject({ kind: 'lines', stack: 300_000, lines });
		expect(pictureBody(REPORT, data, true)).toMatchObject({ kind: 'lines', stack: null, lines: linesOf(data).lines });
		// What is measured is no part of a whole.
		expect(barSpan({ ...data, unit: 's' })).toBeNull();
		expect(barSpan({ ...data, unit: 'messages' })).toBeNull();
	});

	test('leads from a part of a bar to the tasks that ended in its time, whatever the query is', () => {
		const query = partQuery('app:shop OR app:"shop v2"', Date.UTC(2026, 10, 27, 21), Date.UTC(2026, 10, 27, 21, 5));
		const parsed = parseQuery(query ?? '', 0);
		if (!parsed.ok) throw new Error(parsed.error.message);
		expect(parsed.value).toMatchObject({ kind: 'and', parts: [{ kind: 'or' }, {}, {}] });
		expect(query).toContain('finished:>=2026-11-27T21:00:00.000Z finished:<2026-11-27T21:05:00.000Z');
		expect(partQuery(null, 0, 300_000)).toBeNull();
	});

	test('is defined in words for both ways of counting', () => {
		for (const { name, taskmonitor } of REPORTS) {
			expect(definition(name, false)).toMatch(/\.$/);
			expect(definition(name, true).startsWith('aa-taskmonitor has no such report')).toBe(!taskmonitor);
		}
	});
});

describe('how a report is asked for', () => {
	test('comes back from the address as it was, and takes no room where it is usual', () => {
		expect(formatAsked(USUAL)).toBeNull();
		const asked = { ...USUAL, since: '7d', queue: 'a b&c', top: 50, compatible: true, bucket: '1d' as const };
		expect(parseAsked(formatAsked(asked))).toEqual(asked);
		expect(parseAsked('top=99999&bucket=3w')).toEqual(USUAL);
	});

	test('puts queue, worker and task before what was typed, which stays one thing', () => {
		const asked = { queue: 'two words', worker: '' };
		expect(askedQuery(asked, 'a OR b', null)).toBe('queue:"two words" (a OR b)');
		expect(askedQuery({ queue: '', worker: '' }, ' a OR b ', null)).toBe('a OR b');
	});
});
