import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
	DEFAULT_FIGURES,
	type FigureBucket,
	figureLine,
	joinFigures,
	type KeptFigure,
	oneSample,
	readFigureSettings,
	spanStarts,
	tierStart,
} from '#main/domain/figure.ts';
import { clusterSamples, MOST_FOLLOWED, queueSamples } from '#main/domain/figure-take.ts';
import type { QueueFigures } from '#main/domain/queue.ts';
import { depthOf, type QueueView, untold } from '#main/domain/queue-depth.ts';
import { buckets } from '#main/domain/report-buckets.ts';
import { queueLengthReport } from '#main/domain/report-queues.ts';

const NOON = Date.UTC(2026, 10, 21, 12);
const MINUTE = 60_000;

const moments = fc.array(
	fc.record({ at: fc.integer({ min: NOON, max: NOON + 3 * MINUTE }), value: fc.integer({ min: 0, max: 1_000 }) }),
	{ minLength: 1, maxLength: 40 },
);
const folded = (samples: readonly { readonly at: number; readonly value: number }[]): FigureBucket =>
	samples.map(({ at, value }) => oneSample(value, at)).reduce(joinFigures);
const kept = (at: number, value: number): KeptFigure => ({ start: tierStart('minute', at), ...oneSample(value, at) });

describe('samples folded into spans', () => {
	it('come to the same however they are grouped, as when a process begins again within a minute', () => {
		fc.assert(
			fc.property(moments, fc.nat(), (samples, cut) => {
				const at = cut % samples.length;
				const parts = [samples.slice(0, at), samples.slice(at)].filter((part) => part.length > 0).map(folded);
				expect(parts.reduce(joinFigures)).toEqual(folded(samples));
			}),
		);
	});

	it('have as their last the newest by time, also when the clock was put back in between', () => {
		const before = oneSample(5, NOON + 50_000);
		expect(joinFigures(before, oneSample(9, NOON + 10_000))).toEqual({
			samples: 2,
			sum: 14,
			least: 5,
			most: 9,
			last: 5,
			lastAt: NOON + 50_000,
		});
	});

	it('are null where nothing was measured, and never nought', () => {
		const time = buckets('1m', 'UTC');
		const starts = spanStarts(time, NOON, NOON + 4 * MINUTE);
		const line = figureLine([kept(NOON, 4), kept(NOON + 3 * MINUTE + 59_999, 0)], time, starts);
		expect(line).toEqual({
			avg: [4, null, null, 0],
			min: [4, null, null, 0],
			max: [4, null, null, 0],
			last: [4, null, null, 0],
		});
	});

	it('average samples and not spans, where one has more of them', () => {
		const time = buckets('5m', 'UTC');
		const busy = { start: NOON, ...[1, 1, 1].map((value, i) => oneSample(value, NOON + i)).reduce(joinFigures) };
		const line = figureLine([busy, kept(NOON + MINUTE, 9)], time, [NOON]);
		expect(line.avg).toEqual([3]);
		expect(line.last).toEqual([9]);
	});

	it('fall into days of 23 and of 25 hours where clocks change', () => {
		const days = buckets('1d', 'Europe/Berlin');
		const starts = spanStarts(days, Date.UTC(2026, 9, 24, 12), Date.UTC(2026, 9, 26, 12));
		expect(starts.map((at) => new Date(at).toISOString())).toEqual([
			'2026-10-23T22:00:00.000Z',
			'2026-10-24T22:00:00.000Z',
			'2026-10-25T23:00:00.000Z',
		]);
		const hours = [Date.UTC(2026, 9, 25, 22), Date.UTC(2026, 9, 25, 23)].map((at) => ({
			start: at,
			...oneSample(1, at),
		}));
		expect(figureLine(hours, days, starts).avg).toEqual([null, 1, 1]);
	});
});

describe('settings of sampling', () => {
	it('are as out of the box where what was written down is no settings, or out of bounds', () => {
		for (const text of ['', 'null', '[]', '{', '{"everySeconds":0,"minuteDays":"7","hourDays":1e9,"on":1}'])
			expect(readFigureSettings(text), text).toEqual(DEFAULT_FIGURES);
		expect(readFigureSettings('{"on":false,"everySeconds":30}')).toEqual({
			...DEFAULT_FIGURES,
			on: false,
			everySeconds: 30,
		});
	});
});

function queue(name: string, ready: number | null, more: Partial<QueueFigures> = {}): QueueView {
	const figures: QueueFigures = {
		name,
		exists: true,
		ready,
		unacked: 1,
		consumers: 2,
		at: NOON,
		source: 'embedded',
		...more,
	};
	return { ...figures, depth: depthOf(figures, 'nobody was asked', untold('not here')), oldestAgeMs: null };
}

describe('what is sampled', () => {
	it('leaves out what cannot be told, and sums up only what is known of every queue', () => {
		const [one, two, all] = queueSamples([queue('a', 3), queue('b', null)]);
		expect(one?.values).toEqual({ ready: 3, unacked: 1, consumers: 2 });
		expect(two?.values).toEqual({ unacked: 1, consumers: 2 });
		expect(all).toEqual({ kind: 'queue', name: '', label: null, values: { unacked: 2 } });
	});

	it('takes no queue that is not there for an empty one', () => {
		expect(queueSamples([queue('gone', null, { exists: false, unacked: null, consumers: null })])).toEqual([]);
	});

	it('says of an empty queue that nobody has waited', () => {
		expect(queueSamples([queue('a', 0)])[0]?.values.oldestAgeMs).toBe(0);
	});

	it('follows the longest queues where there are too many, and counts all of them', () => {
		const many = Array.from({ length: MOST_FOLLOWED + 50 }, (_, index) => queue(`q${index}`, index));
		const samples = queueSamples(many);
		expect(samples).toHaveLength(MOST_FOLLOWED + 1);
		expect(samples.some(({ name }) => name === 'q49')).toBe(false);
		expect(samples.at(-1)?.values.ready).toBe(((MOST_FOLLOWED + 49) * (MOST_FOLLOWED + 50)) / 2);
	});

	it('measures only clusters whose heart beats', () => {
		const beat = {
			clusterId: 'c1',
			host: 'web',
			prefix: 'site',
			status: 'Working',
			workers: [1, 2, 3],
			pid: 1,
			sentinel: 2,
			monitor: 3,
			pusher: 4,
			taskQueue: 5,
			resultQueue: 6,
			reincarnations: 7,
			bornAt: NOON,
			beatAt: NOON,
			verified: true,
			digest: 'sha256',
			aware: true,
		} as const;
		const state = { beat, since: NOON, seenAt: NOON, skewMs: 0, mostWorkers: 4 };
		const samples = clusterSamples([
			{ ...state, presence: 'live' },
			...(['late', 'stopped', 'lost'] as const).map((presence) => ({ ...state, presence })),
		]);
		expect(samples).toEqual([
			{
				kind: 'cluster',
				name: 'c1',
				label: 'web',
				values: { taskQueue: 5, resultQueue: 6, pool: 3, restarts: 7 },
			},
		]);
	});
});

describe('the report of queue lengths', () => {
	const options = {
		since: NOON,
		until: NOON + 10 * MINUTE,
		bucket: '5m',
		zone: 'UTC',
		compatible: false,
		top: 20,
		appNames: [],
	} as const;
	const busy = [kept(NOON, 4), kept(NOON + 1_000 + MINUTE, 9)];

	it('has a line per queue, the longest first, and null where nothing was measured', () => {
		const report = queueLengthReport(options, [
			{ queue: 'calm', kept: [kept(NOON + 6 * MINUTE, 1)] },
			{ queue: 'busy', kept: busy },
			{ queue: 'never', kept: [] },
		]);
		expect(report.data).toEqual({
			kind: 'series',
			unit: 'messages',
			bucket: '5m',
			series: [
				{
					label: 'busy',
					query: null,
					points: [
						[NOON, 6.5],
						[NOON + 5 * MINUTE, null],
					],
				},
				{
					label: 'calm',
					query: null,
					points: [
						[NOON, null],
						[NOON + 5 * MINUTE, 1],
					],
				},
			],
		});
		expect(report.basis).toMatchObject({ runs: 0, samples: 3, oldest: NOON, newest: NOON + 6 * MINUTE });
	});

	it('counts as aa-taskmonitor does on request: the mean of minutes, half to even, empty spans absent', () => {
		const twice = { start: NOON, ...[4, 4, 4].map((value, i) => oneSample(value, NOON + i)).reduce(joinFigures) };
		const report = queueLengthReport({ ...options, compatible: true }, [
			{ queue: '', kept: [twice, kept(NOON + MINUTE, 9)] },
		]);
		expect(report.data).toMatchObject({ series: [{ label: 'Queue length', points: [[NOON, 6]] }] });
	});

	it('is null where nothing was measured at all', () => {
		expect(queueLengthReport(options, [{ queue: 'a', kept: [] }]).data).toBeNull();
	});

	it('puts what is beyond fourteen queues into one line', () => {
		const many = Array.from({ length: 16 }, (_, i) => ({ queue: `q${i}`, kept: [kept(NOON, 100 - i)] }));
		const { data } = queueLengthReport(options, many);
		if (data?.kind !== 'series') throw new Error('no series');
		expect(data.series).toHaveLength(15);
		expect(data.series.at(-1)).toEqual({
			label: 'Others',
			query: null,
			points: [
				[NOON, 86 + 85],
				[NOON + 5 * MINUTE, null],
			],
		});
	});
});
