/** Saved profiles, and the revision that tells other processes of changes. */
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

/** All profiles, oldest first. */
export function listProfiles(db: ReadHandle): readonly Profile[] {
	return db
		.read<{ body: string }>('profiles', 'SELECT body FROM profiles ORDER BY created_at, id')
		.all()
		.map((row) => JSON.parse(row.body) as Profile);
}

/** Rises with every change of profiles, by any process. */
export function profilesRevision(db: ReadHandle): number {
	return (
		db.read<{ value: number }>('profiles revision', "SELECT value FROM revisions WHERE name = 'profiles'").get()
			?.value ?? 0
	);
}

export interface ProfileTable {
	put(profile: Profile): Result<void>;
	remove(id: string): void;
}

export function profileTable(db: WriteHandle): ProfileTable {
	const named = db.read<{ id: string }>('profile by name', 'SELECT id FROM profiles WHERE name = ?');
	const put = db.write(
		'put profile',
		`INSERT INTO profiles (id, name, body, created_at) VALUES (?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET name = excluded.name, body = excluded.body`,
	);
	const remove = db.write('remove profile', 'DELETE FROM profiles WHERE id = ?');
	const raise = db.write(
		'raise profiles revision',
		"INSERT INTO revisions (name, value) VALUES ('profiles', 1) ON CONFLICT DO UPDATE SET value = value + 1",
	);
	return {
		put(profile) {
			const holder = named.get(profile.name);
			if (holder !== undefined && holder.id !== profile.id) {
				return fail('conflict', `There is a profile named "${profile.name}" already. Choose another name.`);
			}
			put.run(profile.id, profile.name, JSON.stringify(profile), Math.trunc(profile.createdAt));
			raise.run();
			return ok(undefined);
		},
		remove(id) {
			remove.run(id);
			raise.run();
		},
	};
}
