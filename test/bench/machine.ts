/** What a figure was measured on, and how many samples become one figure. */
import { cpus, loadavg, totalmem } from 'node:os';

export interface Machine {
	readonly cpu: string;
	readonly cores: number;
	readonly memoryGiB: number;
	readonly node: string;
	/** Load of the minute before: figures of a busy machine are not worth much. */
	readonly load: number;
}

/** The machine of this run. */
export function machine(): Machine {
	return {
		cpu: cpus()[0]?.model ?? 'unknown',
		cores: cpus().length,
		memoryGiB: Math.round(totalmem() / 2 ** 30),
		node: process.version,
		load: Math.round((loadavg()[0] ?? 0) * 100) / 100,
	};
}

/** The value below which `share` of the samples lie. */
export function percentile(samples: readonly number[], share: number): number {
	const sorted = samples.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** With so many digits that a ratio stays one. */
export function rounded(value: number, digits = 2): number {
	return Number(value.toFixed(digits));
}
