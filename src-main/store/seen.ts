/** Names, queues and workers that a profile's tasks were seen with: few rows that stand for many. */
import type { ReadHandle, WriteHandle } from './handles.ts';

/** Texts of one kind, most recent first. */
export function seenTexts(db: ReadHandle, profile: number, kind: number, limit: number): readonly string[] {
	return db
		.read<{ text: string }>(
			'seen',
			'SELECT text FROM seen WHERE profile = ? AND kind = ? ORDER BY at DESC, text LIMIT ?',
		)
		.all(profile, kind, limit)
		.map((row) => row.text);
}

export interface SeenKeeper {
	note(profile: number, kind: number, text: string | null, at: number): void;
	forget(): void;
	drop(profile: number): void;
}

/** Order by recency is kept to a second, so that a busy name is not written with every task. */
const GRAIN_MS = 1_000;

export function seenKeeper(db: WriteHandle): SeenKeeper {
	const known = new Map<string, number>();
	const put = db.write(
		'note seen',
		'INSERT INTO seen (profile, kind, text, at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at WHERE excluded.at > at',
	);
	const drop = db.write('drop seen', 'DELETE FROM seen WHERE profile = ?');
	return {
		note(profile, kind, text, at) {
			if (text === null) return;
			const key = `${profile} ${kind} ${text}`;
			const before = known.get(key);
			if (before !== undefined && at < before + GRAIN_MS) return;
			if (known.size > 20_000) known.clear();
			known.set(key, at);
			put.run(profile, kind, text, Math.trunc(at));
		},
		forget: () => known.clear(),
		drop: (profile) => void drop.run(profile),
	};
}
