/** From what is told of queues and clusters at one moment to the samples that history keeps. Pure. */
import type { ClusterState } from './cluster.ts';
import { ALL_QUEUES, type FigureSample, QUEUE_FIGURES, type QueueFigure } from './figure.ts';
import type { QueueView } from './queue-depth.ts';

/** No more queues than this are followed; those that the most waits in come first. */
export const MOST_FOLLOWED = 200;

/** Parts that add up over all queues. */
const SUMMED: readonly QueueFigure[] = ['ready', 'unacked', 'backlog'];

/** Samples of queues, and one for all of them together: of that, a figure is known where it is known of every queue. */
export function queueSamples(queues: readonly QueueView[]): readonly FigureSample[] {
	const there = queues.filter((queue) => queue.exists);
	const followed =
		there.length <= MOST_FOLLOWED
			? there
			: [...there].sort((a, b) => (b.depth.ready.count ?? 0) - (a.depth.ready.count ?? 0)).slice(0, MOST_FOLLOWED);
	const samples = followed.map((queue) => sampleOf(queue.name, (figure) => figureOf(queue, figure)));
	// A deployment without a queue has nothing that could be long.
	if (there.length === 0) return samples;
	const sum = (figure: QueueFigure): number | null => {
		if (!SUMMED.includes(figure)) return null;
		const values = there.map((queue) => figureOf(queue, figure));
		return values.includes(null) ? null : values.reduce<number>((total, value) => total + (value ?? 0), 0);
	};
	return [...samples, sampleOf(ALL_QUEUES, sum)];
}

function sampleOf(name: string, of: (figure: QueueFigure) => number | null): FigureSample {
	const values: Partial<Record<QueueFigure, number>> = {};
	for (const figure of QUEUE_FIGURES) {
		const value = of(figure);
		if (value !== null) values[figure] = Math.round(value);
	}
	return { kind: 'queue', name, label: null, values };
}

function figureOf(queue: QueueView, figure: QueueFigure): number | null {
	if (figure === 'consumers') return queue.consumers;
	// Where nothing waits, nobody has waited.
	if (figure === 'oldestAgeMs') return queue.depth.ready.count === 0 ? 0 : queue.oldestAgeMs;
	return queue.depth[figure].count;
}

/** Samples of clusters whose heart beats; of one that is late, stopped or lost nothing is known now. */
export function clusterSamples(clusters: readonly ClusterState[]): readonly FigureSample[] {
	return clusters
		.filter(({ presence, beat }) => presence === 'live' && beat.status !== 'Stopped')
		.map(({ beat }) => ({
			kind: 'cluster',
			name: beat.clusterId,
			label: beat.host,
			values: {
				taskQueue: beat.taskQueue,
				resultQueue: beat.resultQueue,
				pool: beat.workers.length,
				restarts: beat.reincarnations,
			},
		}));
}
