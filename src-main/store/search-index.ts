/**
 * Keeps the search index behind the writer, which works it off in small batches when there is time: new tasks in their order, up to
 * which of them is kept; and tasks that changed after that, which are marked.
 */
import type { WriteHandle } from './handles.ts';
import { factTokens, gramText } from './search-words.ts';
import { callOf } from './tasks.ts';

export interface SearchIndex {
	/** A task has words that the index may not have. Words that went away need no mark: what is proposed is compared anyway. */
	mark(seq: number): void;
	/** A task is gone. */
	drop(seq: number): void;
	/** Works off up to `limit` marks in the open transaction; how many it did. */
	work(limit: number): number;
	/** Forgets what is remembered, since another process or a rollback may have changed it. */
	forget(): void;
}

interface FactsRow {
	readonly seq: number;
	readonly name: string;
	readonly id: string;
	readonly queue: string | null;
	readonly exception_type: string | null;
}

interface TextsRow {
	readonly seq: number;
	readonly args: string | null;
	readonly kwargs: string | null;
	readonly preview: string;
	readonly typed: string | null;
	readonly exception_message: string | null;
	readonly result_text: string | null;
}

export function searchIndex(db: WriteHandle): SearchIndex {
	const mark = db.write('mark for search', 'INSERT OR IGNORE INTO search_dirty (seq) VALUES (?)');
	const marked = db.read<{ seq: number }>('marked for search', 'SELECT seq FROM search_dirty ORDER BY seq LIMIT ?');
	const upto = db.read<{ seq: number }>('searchable up to', 'SELECT seq FROM search_upto');
	const raise = db.write('raise searchable up to', 'UPDATE search_upto SET seq = ?');
	const unmark = db.write('unmark for search', 'DELETE FROM search_dirty WHERE seq = ?');
	const unmarkUpTo = db.write('unmark worked off', 'DELETE FROM search_dirty WHERE seq <= ?');
	// Two statements of each: a join of the two was compiled anew for each task, which cost several times as much as both.
	const factColumns = 'seq, name, id, queue, exception_type';
	const textColumns = 'seq, args, kwargs, preview, typed, exception_message, result_text';
	const facts = db.read<FactsRow>('facts of task', `SELECT ${factColumns} FROM tasks WHERE seq = ?`);
	const texts = db.read<TextsRow>('texts of task', `SELECT ${textColumns} FROM task_texts WHERE seq = ?`);
	const freshFacts = db.read<FactsRow>(
		'facts of new tasks',
		`SELECT ${factColumns} FROM tasks WHERE seq > ? ORDER BY seq LIMIT ?`,
	);
	const freshTexts = db.read<TextsRow>(
		'texts of new tasks',
		`SELECT ${textColumns} FROM task_texts WHERE seq > ? AND seq <= ?`,
	);
	const unnumbered = db.read<{ seq: number }>('not numbered up to', 'SELECT seq FROM search_numbers');
	const numberFrom = db.write('numbered from', 'UPDATE search_numbers SET seq = ?');
	const older = db.read<Pick<TextsRow, 'seq' | 'typed' | 'args' | 'kwargs'>>(
		'arguments of older tasks',
		'SELECT seq, typed, args, kwargs FROM task_texts WHERE seq <= ? ORDER BY seq DESC LIMIT ?',
	);
	const putGrams = db.write('index grams', 'INSERT OR REPLACE INTO search_grams (rowid, text) VALUES (?, ?)');
	const putFacts = db.write('index facts', 'INSERT OR REPLACE INTO search_facts (rowid, facts) VALUES (?, ?)');
	const dropGrams = db.write('drop grams', 'DELETE FROM search_grams WHERE rowid = ?');
	const dropFacts = db.write('drop facts', 'DELETE FROM search_facts WHERE rowid = ?');
	const putLong = db.write('long for search', 'INSERT OR IGNORE INTO search_long (seq) VALUES (?)');
	const dropLong = db.write('not long for search', 'DELETE FROM search_long WHERE seq = ?');

	function index(row: FactsRow | undefined, text: TextsRow | undefined): void {
		if (row === undefined || text === undefined) return;
		const { seq } = row;
		const grams = gramText([
			row.name,
			row.id,
			row.queue,
			text.args,
			text.kwargs,
			text.preview,
			row.exception_type,
			text.exception_message,
			text.result_text,
		]);
		const call = callOf(text.typed, text.args, text.kwargs);
		const tokens = call === null ? '' : factTokens(call);
		putGrams.run(seq, grams ?? '');
		putFacts.run(seq, tokens ?? '');
		if (grams === null || tokens === null) putLong.run(seq);
		else dropLong.run(seq);
	}

	/** Gives tasks of before step 12 the words that their numbers have since, the newest first; how many. */
	function numberOlder(limit: number): number {
		const from = limit > 0 ? (unnumbered.get()?.seq ?? 0) : 0;
		if (from === 0) return 0;
		const rows = older.all(from, limit);
		for (const { seq, typed, args, kwargs } of rows) {
			const call = callOf(typed, args, kwargs);
			const tokens = call === null ? '' : factTokens(call);
			putFacts.run(seq, tokens ?? '');
			if (tokens === null) putLong.run(seq);
		}
		const lowest = rows.length < limit ? undefined : rows.at(-1)?.seq;
		numberFrom.run(lowest === undefined ? 0 : lowest - 1);
		return rows.length;
	}

	let reached: number | null = null;
	function reachedNow(): number {
		reached ??= upto.get()?.seq ?? 0;
		return reached;
	}

	return {
		mark(seq) {
			if (seq <= reachedNow()) mark.run(seq);
		},
		drop(seq) {
			if (seq > reachedNow()) return;
			unmark.run(seq);
			dropLong.run(seq);
			dropGrams.run(seq);
			dropFacts.run(seq);
		},
		work(limit) {
			const batch = marked.all(limit);
			for (const { seq } of batch) index(facts.get(seq), texts.get(seq));
			// The batch are the lowest marks there are.
			const last = batch.at(-1);
			if (last !== undefined) unmarkUpTo.run(last.seq);
			const next = batch.length === limit ? [] : freshFacts.all(reachedNow(), limit - batch.length);
			const newest = next.at(-1)?.seq;
			if (newest !== undefined) {
				const words = new Map(freshTexts.all(reachedNow(), newest).map((text) => [text.seq, text]));
				for (const row of next) index(row, words.get(row.seq));
				raise.run(newest);
				reached = newest;
			}
			const done = batch.length + next.length;
			return done + numberOlder(limit - done);
		},
		forget() {
			reached = null;
		},
	};
}
