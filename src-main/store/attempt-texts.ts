/** Arguments of earlier attempts, where later ones have others. */
import type { WriteHandle } from './handles.ts';
import type { TaskTexts } from './tasks.ts';

export interface AttemptTexts {
	/** Sets an attempt's arguments aside. */
	put(attempt: number, texts: TaskTexts): void;
	/** Gives them back, once. */
	take(attempt: number): TaskTexts | null;
	drop(attempt: number): void;
}

export function attemptTexts(db: WriteHandle): AttemptTexts {
	const put = db.write(
		'set attempt texts aside',
		'INSERT OR REPLACE INTO attempt_texts (attempt, args, kwargs, preview, typed) VALUES (?, ?, ?, ?, ?)',
	);
	const get = db.read<TaskTexts>(
		'attempt texts',
		'SELECT args, kwargs, preview, typed FROM attempt_texts WHERE attempt = ?',
	);
	const drop = db.write('drop attempt texts', 'DELETE FROM attempt_texts WHERE attempt = ?');
	return {
		put: (attempt, texts) => void put.run(attempt, texts.args, texts.kwargs, texts.preview, texts.typed),
		take(attempt) {
			const texts = get.get(attempt) ?? null;
			if (texts !== null) drop.run(attempt);
			return texts;
		},
		drop: (attempt) => void drop.run(attempt),
	};
}
