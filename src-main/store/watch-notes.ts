/** Notes of who watches a deployment: few, small, JSON, by kind and key. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import type { WatchNote } from './store.ts';

/** Notes of one kind, newest first. */
export function watchNotes(db: ReadHandle, profile: ProfileId, kind: string, limit: number): readonly WatchNote[] {
	return db
		.read<WatchNote>(
			'watch notes',
			'SELECT key, at, body FROM watch_notes WHERE profile = ? AND kind = ? ORDER BY at DESC, key DESC LIMIT ?',
		)
		.all(profile, kind, limit);
}

export interface WatchNoteTable {
	/** Puts notes by key; beyond `keep` of a kind the oldest go. */
	put(profile: ProfileId, kind: string, notes: readonly WatchNote[], keep: number): void;
	dropAll(profile: ProfileId): void;
}

export function watchNoteTable(db: WriteHandle): WatchNoteTable {
	const put = db.write(
		'put watch note',
		'INSERT INTO watch_notes (profile, kind, key, at, body) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at, body = excluded.body',
	);
	const thin = db.write(
		'thin watch notes',
		`DELETE FROM watch_notes WHERE profile = ? AND kind = ? AND key IN
			(SELECT key FROM watch_notes WHERE profile = ? AND kind = ? ORDER BY at DESC, key DESC LIMIT -1 OFFSET ?)`,
	);
	const drop = db.write('drop watch notes', 'DELETE FROM watch_notes WHERE profile = ?');
	return {
		put(profile, kind, notes, keep) {
			for (const { key, at, body } of notes) put.run(profile, kind, key, Math.trunc(at), body);
			thin.run(profile, kind, profile, kind, keep);
		},
		dropAll: (profile) => void drop.run(profile),
	};
}
