/** The tail of the chi-square distribution: how often chance alone gives so much. */

/** ln Γ(a) for whole and half numbers above 0, which degrees of freedom halved are. */
function logGamma(a: number): number {
	const half = a % 1 !== 0;
	let sum = half ? Math.log(Math.PI) / 2 : 0;
	for (let at = half ? 0.5 : 1; at < a; at += 1) sum += Math.log(at);
	return sum;
}

/**
 * The probability of at least `value` at `df` degrees of freedom (whole, 1 and more). The upper incomplete gamma function: below its
 * middle by the power series of the lower one, above it by the continued fraction, so that small tails keep their digits.
 */
export function chiSquareTail(value: number, df: number): number {
	if (!(value > 0)) return 1;
	const a = df / 2;
	const x = value / 2;
	const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
	if (x < a + 1) {
		let term = 1 / a;
		let sum = term;
		for (let n = 1; n < 10_000 && term > sum * 1e-15; n += 1) {
			term *= x / (a + n);
			sum += term;
		}
		return Math.max(0, 1 - sum * scale);
	}
	// Convergents from the front, by their ratios (Lentz); the denominators stay above 0 here.
	let b = x + 1 - a;
	let c = Number.MAX_VALUE;
	let d = 1 / b;
	let fraction = d;
	for (let n = 1; n < 10_000; n += 1) {
		const numerator = -n * (n - a);
		b += 2;
		d = 1 / (numerator * d + b);
		c = b + numerator / c;
		const step = d * c;
		fraction *= step;
		if (Math.abs(step - 1) < 1e-15) break;
	}
	return Math.min(1, scale * fraction);
}
