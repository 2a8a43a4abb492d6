/** The table of saved consumer sets. */
import type { SavedConsumerSet } from '#main/domain/consumer.ts';
import type { ConsumerSetId, ProfileId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

/** A profile's sets by name. */
export function savedSets(db: ReadHandle, profile: ProfileId): readonly SavedConsumerSet[] {
	return db
		.read<{ body: string }>('saved sets', 'SELECT body FROM consumer_sets WHERE profile = ? ORDER BY name')
		.all(profile)
		.map((row) => JSON.parse(row.body) as SavedConsumerSet);
}

export interface SavedSetTable {
	put(set: SavedConsumerSet): Result<void>;
	/** Whether there was one. */
	remove(profile: ProfileId, id: ConsumerSetId): boolean;
	/** Those of a removed profile. */
	dropAll(profile: ProfileId): void;
}

export function savedSetTable(db: WriteHandle): SavedSetTable {
	const named = db.read<{ id: string }>('set by name', 'SELECT id FROM consumer_sets WHERE profile = ? AND name = ?');
	const put = db.write(
		'put set',
		`INSERT INTO consumer_sets (id, profile, name, body, created_at) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body`,
	);
	const remove = db.write('remove set', 'DELETE FROM consumer_sets WHERE profile = ? AND id = ?');
	const dropAll = db.write('drop sets', 'DELETE FROM consumer_sets WHERE profile = ?');
	return {
		put(set) {
			const holder = named.get(set.profile, set.name);
			if (holder !== undefined && holder.id !== set.id) {
				return fail('conflict', `This profile has a consumer set named "${set.name}" already. Choose another name.`);
			}
			put.run(set.id, set.profile, set.name, JSON.stringify(set), Math.trunc(set.createdAt));
			return ok(undefined);
		},
		remove: (profile, id) => remove.run(profile, id).changes > 0,
		dropAll: (profile) => void dropAll.run(profile),
	};
}
