/** The table of saved views. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { SavedView } from '#main/domain/saved-view.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

/** Views of a profile, then those of every profile, each by name. */
export function savedViews(db: ReadHandle, profile: ProfileId): readonly SavedView[] {
	return db
		.read<{ body: string }>(
			'saved views',
			"SELECT body FROM views WHERE profile IN (?, '') ORDER BY profile = '', name",
		)
		.all(profile)
		.map((row) => JSON.parse(row.body) as SavedView);
}

export interface ViewTable {
	/** Puts a view in the place of the one of its name. */
	put(view: SavedView): void;
	/** Whether there was one. */
	remove(profile: ProfileId | null, name: string): boolean;
	dropAll(profile: ProfileId): void;
}

export function viewTable(db: WriteHandle): ViewTable {
	const put = db.write(
		'put view',
		'INSERT INTO views (profile, name, body) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET body = excluded.body',
	);
	const remove = db.write('remove view', 'DELETE FROM views WHERE profile = ? AND name = ?');
	const drop = db.write('drop views', 'DELETE FROM views WHERE profile = ?');
	return {
		put: (view) => void put.run(view.profile ?? '', view.name, JSON.stringify(view)),
		remove: (profile, name) => remove.run(profile ?? '', name).changes > 0,
		dropAll: (profile) => void drop.run(profile),
	};
}
