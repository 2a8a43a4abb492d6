/** Which three-letter pieces are common here, from a sample: of a long needle, the index need only be asked for the rare ones. */
import type { ReadHandle } from './handles.ts';
import { gramText, piecesOf } from './search-words.ts';

/** Rows in a sample. */
const SAMPLE = 300;
/** Below this many tasks nothing is rare enough to matter. */
const WORTH_IT = 5_000;

interface SampledRow {
	readonly name: string;
	readonly id: string;
	readonly queue: string | null;
	readonly args: string | null;
	readonly kwargs: string | null;
	readonly exception_message: string | null;
}

/** Belongs to one connection; takes its sample when first asked, and again when history has doubled. */
export class GramSample {
	readonly #db: ReadHandle;
	#seen = new Map<string, number>();
	#newest = 0;

	constructor(db: ReadHandle) {
		this.#db = db;
	}

	/** The `count` pieces that fewest sampled tasks have; all of them where there are no more. */
	rarest(pieces: readonly string[], count: number): readonly string[] {
		if (pieces.length <= count) return pieces;
		this.#refresh();
		return pieces
			.map((piece, at) => ({ piece, seen: this.#seen.get(piece) ?? 0, at }))
			.sort((a, b) => a.seen - b.seen || spread(a.at) - spread(b.at))
			.slice(0, count)
			.map(({ piece }) => piece);
	}

	#refresh(): void {
		const newest = this.#db.read<{ n: number | null }>('newest task', 'SELECT max(seq) AS n FROM tasks').get()?.n ?? 0;
		if (newest < WORTH_IT || newest < this.#newest * 2) return;
		this.#newest = newest;
		this.#seen = new Map();
		const one = this.#db.read<SampledRow>(
			'sample task',
			`SELECT t.name, t.id, t.queue, x.args, x.kwargs, x.exception_message FROM tasks t JOIN task_texts x ON x.seq = t.seq
			WHERE t.seq >= ? ORDER BY t.seq LIMIT 1`,
		);
		for (let at = 0; at < SAMPLE; at += 1) {
			// Evenly over all of history: what is common need not be common everywhere.
			const row = one.get(Math.floor((newest * at) / SAMPLE) + 1);
			if (row === undefined) continue;
			const text = gramText([row.name, row.id, row.queue, row.args, row.kwargs, row.exception_message]) ?? '';
			for (const piece of piecesOf(text)) this.#seen.set(piece, (this.#seen.get(piece) ?? 0) + 1);
		}
	}
}

/** Neighbouring pieces say nearly the same: every third first. */
function spread(at: number): number {
	return (at % 3) * 1_000 + at;
}
