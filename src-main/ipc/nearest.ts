/** The word somebody probably meant. */

/** The candidate with the fewest edits, if they are few for its length; null otherwise. */
export function closest(word: string, candidates: readonly string[]): string | null {
	let best: string | null = null;
	let least = Number.POSITIVE_INFINITY;
	const short = word.slice(0, 64).toLowerCase();
	for (const candidate of candidates) {
		const edits = distance(short, candidate.toLowerCase());
		if (edits < least) {
			least = edits;
			best = candidate;
		}
	}
	return best !== null && least <= Math.max(1, Math.floor(best.length / 3)) ? best : null;
}

/** Insertions, deletions, substitutions and swaps of neighbours, each 1. */
function distance(a: string, b: string): number {
	let before: number[] = [];
	let above = Array.from({ length: b.length + 1 }, (_, j) => j);
	for (let i = 1; i <= a.length; i += 1) {
		const row = [i];
		for (let j = 1; j <= b.length; j += 1) {
			const same = a[i - 1] === b[j - 1];
			let cost = Math.min((above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (above[j - 1] ?? 0) + (same ? 0 : 1));
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
				cost = Math.min(cost, (before[j - 2] ?? 0) + 1);
			row.push(cost);
		}
		before = above;
		above = row;
	}
	return above[b.length] ?? 0;
}
