/** What somebody may have meant by a word that the query language doesn't know. */

/** What people are used to from elsewhere. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
	task: 'name',
	status: 'state',
	uuid: 'id',
	error: 'exception',
	exc: 'exception',
	duration: 'runtime',
	retries: 'attempts',
	created: 'published',
	ended: 'finished',
	completed: 'succeeded',
	success: 'succeeded',
	pending: 'queued',
	received: 'queued',
	in_progress: 'running',
	failure: 'failed',
	retry: 'retrying',
	application: 'app',
	logs: 'log',
	host: 'worker',
	stack: 'traceback',
};

/** At most three of `names` that `word` may stand for, the likeliest first. */
export function nearestNames(word: string, names: readonly string[]): readonly string[] {
	const small = word.toLowerCase();
	const other = OTHER_NAMES[small];
	const scored = names
		.map((name) => ({ name, off: name === other ? -1 : distance(small, name) }))
		.filter(({ name, off }) => off <= Math.max(1, Math.floor(Math.min(small.length, name.length) / 2.5)))
		.sort((a, b) => a.off - b.off);
	return scored.slice(0, 3).map(({ name }) => name);
}

/** ` Did you mean state?`, or nothing. */
export function didYouMean(word: string, names: readonly string[]): string {
	const near = nearestNames(word, names);
	const last = near.at(-1);
	if (last === undefined) return '';
	return near.length === 1 ? ` Did you mean ${last}?` : ` Did you mean ${near.slice(0, -1).join(', ')} or ${last}?`;
}

/** Letters to put in, leave out, change or swap; a beginning costs little, since people type on. */
function distance(a: string, b: string): number {
	if (a.length > 2 && (b.startsWith(a) || a.startsWith(b))) return 0;
	if (a.length > 40) return a.length;
	const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
	for (let i = 1; i <= a.length; i += 1) {
		const row = [i];
		for (let j = 1; j <= b.length; j += 1) {
			const same = a[i - 1] === b[j - 1];
			let best = Math.min(
				(rows[i - 1]?.[j] ?? 0) + 1,
				(row[j - 1] ?? 0) + 1,
				(rows[i - 1]?.[j - 1] ?? 0) + (same ? 0 : 1),
			);
			if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
				best = Math.min(best, (rows[i - 2]?.[j - 2] ?? 0) + 1);
			}
			row.push(best);
		}
		rows.push(row);
	}
	return rows[a.length]?.[b.length] ?? b.length;
}
