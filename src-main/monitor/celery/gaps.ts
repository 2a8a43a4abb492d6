/** Times of which events are missing, newest first, as far as they are kept. Pure. */
import type { TopicStart } from '#main/brokers/topic.ts';
import type { MonitorGap } from '#main/domain/monitor.ts';

/** Gaps kept; all are counted. */
export const MOST_GAPS = 100;

/** What is missing when listening begins (again). `until`: up to when somebody listened before this process did; null: nobody ever. */
export function gapAtStart(start: TopicStart, until: number | null): MonitorGap | null {
	if (start.complete) return null;
	if (start.lostAt !== null)
		return { from: start.lostAt, to: start.at, reason: start.reason ?? 'The connection was lost.' };
	return until === null ? null : { from: until, to: start.at, reason: 'Nobody was listening.' };
}

/** Gaps with one more; one that meets the newest for the same reason becomes part of it. */
export function withGap(gaps: readonly MonitorGap[], gap: MonitorGap): readonly MonitorGap[] {
	const [newest, ...rest] = gaps;
	if (newest !== undefined && newest.reason === gap.reason && gap.from <= newest.to) {
		return [{ ...newest, to: Math.max(newest.to, gap.to) }, ...rest];
	}
	return [gap, ...gaps].slice(0, MOST_GAPS);
}
