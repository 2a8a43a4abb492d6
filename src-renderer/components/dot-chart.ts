/** Where dots and ticks of a chart with two logarithmic axes stand. Pure. */

export interface Dot {
	readonly label: string;
	/** What it belongs to: dots of one group look alike. */
	readonly group: string;
	readonly x: number;
	readonly y: number;
	readonly query: string | null;
}

/** An axis of powers of ten around all values above nought. */
export interface LogAxis {
	/** Exponents of its ends; the second is larger. */
	readonly from: number;
	readonly to: number;
}

export function logAxis(values: readonly number[]): LogAxis {
	let low = Number.POSITIVE_INFINITY;
	let high = Number.NEGATIVE_INFINITY;
	for (const value of values) {
		if (value <= 0) continue;
		low = Math.min(low, value);
		high = Math.max(high, value);
	}
	if (low > high) return { from: 0, to: 1 };
	const from = Math.floor(Math.log10(low));
	return { from, to: Math.max(from + 1, Math.ceil(Math.log10(high))) };
}

/** A value's place on the axis, from 0 to 1; nought and less stand at its beginning. */
export function placeOn(axis: LogAxis, value: number): number {
	if (value <= 0) return 0;
	return Math.min(1, Math.max(0, (Math.log10(value) - axis.from) / (axis.to - axis.from)));
}

/** Powers of ten along the axis. */
export function ticksOf(axis: LogAxis): readonly number[] {
	return Array.from({ length: axis.to - axis.from + 1 }, (_, step) => 10 ** (axis.from + step));
}

/** A power of ten in few letters. */
export function tickText(value: number): string {
	if (value >= 1_000_000) return `${value / 1_000_000}M`;
	if (value >= 1_000) return `${value / 1_000}k`;
	return String(Number(value.toPrecision(1)));
}
