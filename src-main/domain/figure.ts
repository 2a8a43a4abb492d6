/** Figures of queues and clusters over time: samples folded into minutes and hours. Pure. */
import type { BucketSize } from './report.ts';
import type { Buckets } from './report-buckets.ts';

export type FigureKind = 'queue' | 'cluster';

/** Parts of a queue's depth as `QueueDepth` has them, its consumers, and how long the next message has waited (ms). */
export const QUEUE_FIGURES = [
	'ready',
	'unacked',
	'running',
	'reserved',
	'scheduled',
	'unclaimed',
	'delayed',
	'backlog',
	'consumers',
	'oldestAgeMs',
] as const;
export type QueueFigure = (typeof QUEUE_FIGURES)[number];

/** What a cluster of django-q says of itself: TQ, RQ, how many workers it has, and RC, which grows for as long as it lives. */
export const CLUSTER_FIGURES = ['taskQueue', 'resultQueue', 'pool', 'restarts'] as const;
export type ClusterFigure = (typeof CLUSTER_FIGURES)[number];

export type FigureName = QueueFigure | ClusterFigure;

/** Stands for all queues of a profile together. */
export const ALL_QUEUES = '';

/** What was measured of one queue or cluster. A figure that could not be told is left out: it is no nought. */
export interface FigureSample {
	readonly kind: FigureKind;
	/** Name of the queue, id of the cluster. */
	readonly name: string;
	/** What a person knows it by where that is not its name: a cluster's host. */
	readonly label: string | null;
	readonly values: Partial<Record<FigureName, number>>;
}

/** All that was measured at one moment. */
export interface FigureRound {
	/** Epoch ms. */
	readonly at: number;
	readonly samples: readonly FigureSample[];
}

/** The samples of one figure in a span of time. */
export interface FigureBucket {
	readonly samples: number;
	readonly sum: number;
	readonly least: number;
	readonly most: number;
	readonly last: number;
	/** When the last one was taken, epoch ms. */
	readonly lastAt: number;
}

/** Widths of what is kept. Both are folded from the samples themselves, so that neither waits for the other. */
export const FIGURE_TIERS = { minute: 60_000, hour: 3_600_000 } as const;
export type FigureTier = keyof typeof FIGURE_TIERS;

/** Start of the span of a tier that a moment is in, epoch ms. */
export function tierStart(tier: FigureTier, at: number): number {
	const width = FIGURE_TIERS[tier];
	return Math.floor(at / width) * width;
}

/** One sample by itself. */
export function oneSample(value: number, at: number): FigureBucket {
	return { samples: 1, sum: value, least: value, most: value, last: value, lastAt: at };
}

/**
 * Two spans as one. In any order it comes to the same but for samples of the very same moment, of which the second is the last: a clock
 * that was put back, and a process that begins again within a minute, add to what is there.
 */
export function joinFigures(one: FigureBucket, other: FigureBucket): FigureBucket {
	const newer = other.lastAt >= one.lastAt ? other : one;
	return {
		samples: one.samples + other.samples,
		sum: one.sum + other.sum,
		least: Math.min(one.least, other.least),
		most: Math.max(one.most, other.most),
		last: newer.last,
		lastAt: newer.lastAt,
	};
}

/** A figure over time, each list with a value per moment; null where nothing was measured. */
export interface FigureLine {
	readonly avg: readonly (number | null)[];
	readonly min: readonly (number | null)[];
	readonly max: readonly (number | null)[];
	readonly last: readonly (number | null)[];
}

/** A span as it is kept: its start (epoch ms) and what was measured in it. */
export interface KeptFigure extends FigureBucket {
	readonly start: number;
}

/** Starts of all spans from the one that `since` is in up to `until`. */
export function spanStarts(time: Buckets, since: number, until: number): readonly number[] {
	const starts: number[] = [];
	for (let at = time.startOf(since); at < until; at = time.after(at)) starts.push(at);
	return starts;
}

/** Folds what is kept into spans that begin at these starts; the average is that of the samples. */
export function figureLine(kept: Iterable<KeptFigure>, time: Buckets, starts: readonly number[]): FigureLine {
	const found = new Map<number, FigureBucket>();
	for (const one of kept) {
		const start = time.startOf(one.start);
		const before = found.get(start);
		found.set(start, before === undefined ? one : joinFigures(before, one));
	}
	const pick = (of: (bucket: FigureBucket) => number) =>
		starts.map((start) => {
			const bucket = found.get(start);
			return bucket === undefined ? null : of(bucket);
		});
	return {
		avg: pick(({ sum, samples }) => Math.round((sum / samples) * 1_000) / 1_000),
		min: pick(({ least }) => least),
		max: pick(({ most }) => most),
		last: pick(({ last }) => last),
	};
}

/** Figures of one queue or cluster over time. */
export interface FigureSubject {
	readonly name: string;
	readonly label: string | null;
	/** Only those that were measured at all. */
	readonly figures: Partial<Record<FigureName, FigureLine>>;
}

export interface FigureHistory {
	/** Those measured last come first. */
	readonly items: readonly FigureSubject[];
	/** How many there are, also beyond the limit. */
	readonly total: number;
	/** Starts of the spans, epoch ms; each line has one value for each. */
	readonly times: readonly number[];
	readonly bucket: Exclude<BucketSize, 'auto'>;
	/** Epoch ms, half-open. */
	readonly since: number;
	readonly until: number;
	/** What lies before is kept by the hour alone, and shorter spans are empty there. Epoch ms. */
	readonly minutesSince: number;
}

/** How figures are taken and kept, for a profile. */
export interface FigureSettings {
	readonly on: boolean;
	/** Between two samples, in seconds. */
	readonly everySeconds: number;
	/** For how many days minutes, and hours, are kept. */
	readonly minuteDays: number;
	readonly hourDays: number;
}

export const DEFAULT_FIGURES: FigureSettings = { on: true, everySeconds: 15, minuteDays: 7, hourDays: 400 };

/** What settings may be. A sample at least every minute, so that a minute without any is a gap. */
export const FIGURE_LIMITS = {
	everySeconds: { least: 2, most: 60 },
	minuteDays: { least: 1, most: 90 },
	hourDays: { least: 1, most: 3_660 },
} as const;

/** Settings as they were written down; what is missing or out of bounds is as it is out of the box. */
export function readFigureSettings(text: string): FigureSettings {
	let raw: unknown;
	try {
		raw = JSON.parse(text);
	} catch {
		return DEFAULT_FIGURES;
	}
	if (typeof raw !== 'object' || raw === null) return DEFAULT_FIGURES;
	const given = raw as Readonly<Record<string, unknown>>;
	const number = (name: keyof typeof FIGURE_LIMITS): number => {
		const value = given[name];
		const { least, most } = FIGURE_LIMITS[name];
		return typeof value === 'number' && value >= least && value <= most ? value : DEFAULT_FIGURES[name];
	};
	return {
		on: typeof given.on === 'boolean' ? given.on : DEFAULT_FIGURES.on,
		everySeconds: number('everySeconds'),
		minuteDays: number('minuteDays'),
		hourDays: number('hourDays'),
	};
}
