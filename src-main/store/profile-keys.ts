/** The small numbers that stand for profiles in rows, and each profile's revision. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

/** The key of a profile with history; null when nothing was ever recorded for it. */
export function profileKeyOf(db: ReadHandle, profile: ProfileId): number | null {
	return db.read<{ key: number }>('profile key', 'SELECT key FROM profile_keys WHERE id = ?').get(profile)?.key ?? null;
}

/** Revision of a profile's tasks; 0 when nothing was ever recorded. */
export function revisionOf(db: ReadHandle, profile: ProfileId): number {
	const row = db.read<{ revision: number }>('profile revision', 'SELECT revision FROM profile_keys WHERE id = ?');
	return row.get(profile)?.revision ?? 0;
}

export interface ProfileKeys {
	/** The key of a profile, made if need be. */
	key(profile: ProfileId): number;
	/** Raises the revision of a profile once, at the end of a transaction that touched it. */
	raise(key: number): void;
	/** Cuts a profile off from its history, which the purge takes afterwards. */
	detach(profile: ProfileId): void;
	/** A key whose history is to be purged; null: none. */
	detached(): number | null;
	/** Ends a key whose history is gone. */
	drop(key: number): void;
	/** Forgets what is remembered, since another process or a rollback may have changed it. */
	forget(): void;
}

export function profileKeys(db: WriteHandle): ProfileKeys {
	const known = new Map<ProfileId, number>();
	const insert = db.write('new profile key', 'INSERT INTO profile_keys (id) VALUES (?)');
	const raise = db.write('raise revision', 'UPDATE profile_keys SET revision = revision + 1 WHERE key = ?');
	const detach = db.write('detach profile', 'UPDATE profile_keys SET id = NULL WHERE id = ?');
	const detached = db.read<{ key: number }>(
		'detached profile',
		'SELECT key FROM profile_keys WHERE id IS NULL LIMIT 1',
	);
	const drop = db.write('drop profile key', 'DELETE FROM profile_keys WHERE key = ?');
	return {
		key(profile) {
			const found = known.get(profile);
			if (found !== undefined) return found;
			const key = profileKeyOf(db, profile) ?? insert.run(profile).lastInsertRowid;
			known.set(profile, key);
			return key;
		},
		raise: (key) => void raise.run(key),
		detach(profile) {
			detach.run(profile);
			known.delete(profile);
		},
		detached: () => detached.get()?.key ?? null,
		drop: (key) => void drop.run(key),
		forget: () => known.clear(),
	};
}
