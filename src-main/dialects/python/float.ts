/** Floats as Python prints them. */

/** The shortest text that reads back as the same double, in Python's notation: `1.0`, `1e+16`, `1e-05`; NaN and Infinity as words. */
export function floatText(value: number): string {
	if (!Number.isFinite(value)) return String(value);
	if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
	const size = Math.abs(value);
	if (size >= 1e16 || size < 1e-4) {
		return value.toExponential().replace(/([+-])(\d)$/, '$10$2');
	}
	const text = String(value);
	return text.includes('.') ? text : `${text}.0`;
}
