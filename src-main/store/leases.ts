/**
 * Leases: rights that one process holds at a time. A lapsed lease stays as a row until somebody asks who lapsed, also when
 * another holder has taken over meanwhile, so that nobody's death goes untold.
 */
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';

/** Who has a lease now; null: nobody. */
export function leaseHolder(db: ReadHandle, name: string, now: number): string | null {
	const row = db
		.read<{ holder: string }>('who has lease', 'SELECT holder FROM leases WHERE name = ? AND until > ? LIMIT 1')
		.get(name, Math.trunc(now));
	return row?.holder ?? null;
}

export interface LapsedLease {
	readonly name: string;
	readonly holder: string;
}

export interface LeaseTable {
	hold(name: string, holder: string, ttlMs: number, now: number): Result<void>;
	release(name: string, holder: string): void;
	/** Lapsed holders of names with a prefix; each is told once. */
	takeExpired(prefix: string, now: number): readonly LapsedLease[];
}

export function leaseTable(db: WriteHandle): LeaseTable {
	const others = db.read<{ holder: string; until: number }>(
		'lease holder',
		'SELECT holder, until FROM leases WHERE name = ? AND holder <> ? AND until > ? LIMIT 1',
	);
	const put = db.write(
		'hold lease',
		'INSERT INTO leases (name, holder, until) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = excluded.until',
	);
	const drop = db.write('release lease', 'DELETE FROM leases WHERE name = ? AND holder = ?');
	const lapsed = db.read<LapsedLease>(
		'lapsed leases',
		'SELECT name, holder FROM leases WHERE until <= ? AND substr(name, 1, ?) = ? ORDER BY name, holder',
	);
	return {
		hold(name, holder, ttlMs, now) {
			const other = others.get(name, holder, now);
			if (other !== undefined) {
				return fail('busy', `"${name}" is held by ${other.holder}.`, {
					details: { holder: other.holder, until: other.until },
				});
			}
			put.run(name, holder, Math.trunc(now + ttlMs));
			return ok(undefined);
		},
		release: (name, holder) => void drop.run(name, holder),
		takeExpired(prefix, now) {
			const gone = lapsed.all(Math.trunc(now), prefix.length, prefix);
			for (const { name, holder } of gone) drop.run(name, holder);
			return gone;
		},
	};
}
