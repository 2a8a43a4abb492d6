/** How many listed tasks each profile has in each state, kept in the transaction that changes them. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { TaskCounts } from '#main/domain/page.ts';
import { STATE_CODES, STATES } from './codes.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import { profileKeyOf, revisionOf } from './profile-keys.ts';
import { countSchedules } from './schedules.ts';

/** Counts by state code; all zero where nothing was recorded. */
export function countsByState(db: ReadHandle, key: number): readonly number[] {
	const counts = new Array<number>(STATES).fill(0);
	const rows = db.read<{ state: number; n: number }>('counts', 'SELECT state, n FROM counts WHERE profile = ?');
	for (const { state, n } of rows.all(key)) counts[state] = n;
	return counts;
}

/** What the rail and the tabs show. */
export function taskCounts(db: ReadHandle, profile: ProfileId): TaskCounts {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		const by = key === null ? [] : countsByState(db, key);
		const of = (state: keyof typeof STATE_CODES) => by[STATE_CODES[state]] ?? 0;
		return {
			queued: of('queued'),
			running: of('running'),
			succeeded: of('succeeded'),
			failed: of('failed'),
			retrying: of('retrying'),
			revoked: of('revoked'),
			rejected: of('rejected'),
			lost: of('lost'),
			scheduled: countSchedules(db, profile),
			revision: revisionOf(db, profile),
		};
	});
}

export interface CountKeeper {
	add(profile: number, state: number, change: 1 | -1): void;
	/** Writes what has gathered. */
	flush(): void;
	/** Drops what has gathered, after a rollback. */
	forget(): void;
	/** Removes a profile's counts. */
	drop(profile: number): void;
}

export function countKeeper(db: WriteHandle): CountKeeper {
	const gathered = new Map<number, number[]>();
	const put = db.write(
		'add to counts',
		'INSERT INTO counts (profile, state, n) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n',
	);
	const drop = db.write('drop counts', 'DELETE FROM counts WHERE profile = ?');
	return {
		add(profile, state, change) {
			let changes = gathered.get(profile);
			if (changes === undefined) {
				changes = new Array<number>(STATES).fill(0);
				gathered.set(profile, changes);
			}
			changes[state] = (changes[state] ?? 0) + change;
		},
		flush() {
			for (const [profile, changes] of gathered) {
				for (const [state, change] of changes.entries()) if (change !== 0) put.run(profile, state, change);
			}
			gathered.clear();
		},
		forget: () => gathered.clear(),
		drop: (profile) => void drop.run(profile),
	};
}
