/** Keeps the search index behind the writer: changed tasks are only marked, and worked off in small batches when there is time. */
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
}

interface WordsRow {
	readonly name: string;
	readonly id: string;
	readonly queue: string | null;
	readonly exception_type: string | null;
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
	const unmark = db.write('unmark for search', 'DELETE FROM search_dirty WHERE seq = ?');
	const words = db.read<WordsRow>(
		'words of task',
		`SELECT t.name, t.id, t.queue, t.exception_type, x.args, x.kwargs, x.preview, x.typed, x.exception_message, x.result_text
		FROM tasks t JOIN task_texts x ON x.seq = t.seq WHERE t.seq = ?`,
	);
	const putGrams = db.write('index grams', 'INSERT OR REPLACE INTO search_grams (rowid, text) VALUES (?, ?)');
	const putFacts = db.write('index facts', 'INSERT OR REPLACE INTO search_facts (rowid, facts) VALUES (?, ?)');
	const dropGrams = db.write('drop grams', 'DELETE FROM search_grams WHERE rowid = ?');
	const dropFacts = db.write('drop facts', 'DELETE FROM search_facts WHERE rowid = ?');
	const putLong = db.write('long for search', 'INSERT OR IGNORE INTO search_long (seq) VALUES (?)');
	const dropLong = db.write('not long for search', 'DELETE FROM search_long WHERE seq = ?');

	function index(seq: number): void {
		const row = words.get(seq);
		if (row === undefined) return;
		const grams = gramText([
			row.name,
			row.id,
			row.queue,
			row.args,
			row.kwargs,
			row.preview,
			row.exception_type,
			row.exception_message,
			row.result_text,
		]);
		const call = callOf(row.typed, row.args, row.kwargs);
		const facts = call === null ? '' : factTokens(call);
		putGrams.run(seq, grams ?? '');
		putFacts.run(seq, facts ?? '');
		if (grams === null || facts === null) putLong.run(seq);
		else dropLong.run(seq);
	}

	return {
		mark: (seq) => void mark.run(seq),
		drop(seq) {
			unmark.run(seq);
			dropLong.run(seq);
			dropGrams.run(seq);
			dropFacts.run(seq);
		},
		work(limit) {
			const batch = marked.all(limit);
			for (const { seq } of batch) {
				index(seq);
				unmark.run(seq);
			}
			return batch.length;
		},
	};
}
