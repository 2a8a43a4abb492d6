/** Successful runs per minute over the last hours. */
import type { ThroughputRow } from './report.ts';
import { Timeline } from './report-groups.ts';
import type { Part, Settled } from './report-part.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const LOOKS: readonly (number | null)[] = [1, 3, 6, 12, 24, null];

/**
 * Averages and the busiest minute. aa-taskmonitor averages over the minutes that had a run, Warren over all minutes since the
 * first run that is known, idle ones too.
 */
export function throughput(options: Settled): Part {
	const windows = LOOKS.map((hours) => ({
		hours,
		from: hours === null ? options.since : Math.max(options.since, options.until - hours * HOUR),
		minutes: new Timeline(),
		runs: 0,
	}));
	return {
		add(run) {
			if (run.state !== 'succeeded') return;
			const minute = Math.floor(run.finishedAt / MINUTE) * MINUTE;
			for (const window of windows) {
				if (run.finishedAt < window.from) continue;
				window.minutes.add(minute);
				window.runs += 1;
			}
		},
		end({ oldest }) {
			const overall = windows.at(-1)?.minutes.counts ?? new Map<number, number>();
			let peak: { readonly at: number; readonly runs: number } | null = null;
			for (const [at, runs] of overall) {
				if (peak === null || runs > peak.runs || (runs === peak.runs && at < peak.at)) peak = { at, runs };
			}
			if (peak === null) return null;
			const rows = windows.map(({ hours, from, minutes, runs }): ThroughputRow => {
				if (options.compatible) return { hours, perMinute: runs === 0 ? null : runs / minutes.counts.size };
				const span = Math.max(MINUTE, options.until - Math.max(from, oldest ?? from));
				return { hours, perMinute: (runs * MINUTE) / span };
			});
			return { kind: 'throughput', rows, peak };
		},
	};
}
