/** Takes away what history has kept long enough, a few rows at a time; and says beforehand what that would be. */
import type { ProfileId } from '#main/domain/ids.ts';
import {
	DEFAULT_RETENTION,
	FINISHED_STATES,
	type FinishedState,
	type RetentionPolicy,
	type RetentionPreview,
	type RetentionShare,
} from '#main/domain/retention.ts';
import { STATE_CODES } from './codes.ts';
import { type CountKeeper, countsByState } from './counts.ts';
import type { ReadHandle, SqlValue, WriteHandle } from './handles.ts';
import { type ProfileKeys, profileKeyOf } from './profile-keys.ts';
import { taskEraser } from './purge.ts';
import type { SearchIndex } from './search-index.ts';
import type { RetentionSettings } from './store.ts';

/** Rows whose size stands for all. */
const SAMPLE = 100;
/** A row's own columns, its places in indexes, and its words in the search index, in bytes. */
const ROW_BYTES = 900;

const { running: RUNNING, retrying: RETRYING } = STATE_CODES;

const FINISHED = 'profile = ? AND state = ? AND removed_at IS NULL AND finished_at IS NOT NULL';
/** A person deleted them. One that runs, or waits to run again, is still in somebody's hands. */
const DELETED = `profile = ? AND removed_at IS NOT NULL AND removed_at < ? AND state NOT IN (${RUNNING}, ${RETRYING})`;
const SETTLED = "profile = ? AND state <> 'held' AND settled_at < ?";

/** A profile's policy, the default where nobody set one, and when it was last carried out. */
export function retentionOf(db: ReadHandle, profile: ProfileId): RetentionSettings {
	const row = db
		.read<{ policy: string | null; ran_at: number | null }>(
			'retention',
			'SELECT policy, ran_at FROM retention WHERE profile = ?',
		)
		.get(profile);
	const own = row?.policy === null || row === undefined ? null : (JSON.parse(row.policy) as RetentionPolicy);
	return { policy: own ?? DEFAULT_RETENTION, isDefault: own === null, ranAt: row?.ran_at ?? null };
}

/** What a clean-up under this policy would remove at `now`. Rows are counted, bytes are estimated. */
export function previewRetention(
	db: ReadHandle,
	profile: ProfileId,
	policy: RetentionPolicy,
	now: number,
): RetentionPreview {
	return db.snapshot(() => {
		const key = profileKeyOf(db, profile);
		const shares = key === null ? [] : [...finishedShares(db, key, policy, now), ...otherShares(db, key, policy, now)];
		const gone = shares.filter((share) => share.rows > 0);
		const sum = (of: (share: RetentionShare) => number) => gone.reduce((total, share) => total + of(share), 0);
		return { at: now, rows: sum((share) => share.rows), bytesAbout: sum((share) => share.bytesAbout), shares: gone };
	});
}

function finishedShares(db: ReadHandle, key: number, policy: RetentionPolicy, now: number): readonly RetentionShare[] {
	const listed = countsByState(db, key);
	const aged = db.read<{ n: number }>('aged', `SELECT count(*) AS n FROM tasks WHERE ${FINISHED} AND finished_at < ?`);
	return FINISHED_STATES.map((what) => {
		const { afterMs, maxRows } = policy.states[what];
		const code = STATE_CODES[what];
		const old = afterMs === null ? 0 : (aged.get(key, code, now - afterMs)?.n ?? 0);
		// Both take the oldest, so the larger number contains the smaller.
		const rows = Math.max(old, maxRows === null ? 0 : (listed[code] ?? 0) - maxRows);
		const from = `SELECT seq, finished_at AS at FROM tasks WHERE ${FINISHED} ORDER BY finished_at, seq`;
		return { what, rows, ...sampled(db, what, rows, from, [key, code]) };
	});
}

function otherShares(db: ReadHandle, key: number, policy: RetentionPolicy, now: number): readonly RetentionShare[] {
	const deleted = [key, now - policy.deletedAfterMs];
	const deletedRows =
		db.read<{ n: number }>('deleted', `SELECT count(*) AS n FROM tasks WHERE ${DELETED}`).get(...deleted)?.n ?? 0;
	const from = `SELECT seq, removed_at AS at FROM tasks WHERE ${DELETED} ORDER BY removed_at, seq`;
	const settled = db
		.read<{ n: number; oldest: number | null; bytes: number | null }>(
			'settled',
			`SELECT count(*) AS n, min(settled_at) AS oldest, sum(bytes + length(envelope)) AS bytes FROM quarantine WHERE ${SETTLED}`,
		)
		.get(key, now - policy.quarantineAfterMs);
	return [
		{ what: 'deleted', rows: deletedRows, ...sampled(db, 'deleted', deletedRows, from, deleted) },
		{ what: 'quarantine', rows: settled?.n ?? 0, oldest: settled?.oldest ?? null, bytesAbout: settled?.bytes ?? 0 },
	];
}

/** The oldest's time and about how many bytes `rows` of them take, by the first of them. */
function sampled(
	db: ReadHandle,
	what: string,
	rows: number,
	from: string,
	values: readonly SqlValue[],
): { readonly oldest: number | null; readonly bytesAbout: number } {
	if (rows <= 0) return { oldest: null, bytesAbout: 0 };
	const row = db
		.read<{ oldest: number | null; bytes: number | null }>(
			`sample of ${what}`,
			`SELECT min(s.at) AS oldest, avg(${ROW_BYTES}
				+ coalesce(length(x.args), 0) + coalesce(length(x.kwargs), 0) + length(x.preview) + coalesce(length(x.typed), 0)
				+ coalesce((SELECT sum(a.log_bytes + coalesce(length(a.traceback), 0) + coalesce(length(a.result_text), 0)
					+ coalesce(length(a.exception_message), 0)) FROM attempts a WHERE a.task = s.seq), 0)
				+ coalesce((SELECT sum(length(m.envelope) + length(m.body)) FROM attempts a JOIN messages m ON m.attempt = a.id
					WHERE a.task = s.seq), 0)) AS bytes
			FROM (${from} LIMIT ${SAMPLE}) s JOIN task_texts x ON x.seq = s.seq`,
		)
		.get(...values);
	return { oldest: row?.oldest ?? null, bytesAbout: Math.round((row?.bytes ?? 0) * rows) };
}

export interface RetentionTable {
	/** Null: the default again. */
	setPolicy(profile: ProfileId, policy: RetentionPolicy | null): void;
	noteRun(profile: ProfileId, at: number): void;
	/** Removes at most `limit` rows of what is due, the oldest first; how many it did. */
	sweep(profile: ProfileId, policy: RetentionPolicy, now: number, limit: number): number;
	/** Gives at most so many free pages back to the file system; how many are left. Nothing for files made without that. */
	compact(pages: number): number;
	/** A removed profile's settings. */
	drop(profile: ProfileId): void;
}

export function retentionTable(
	db: WriteHandle,
	keepers: { readonly keys: ProfileKeys; readonly counts: CountKeeper; readonly search: SearchIndex },
): RetentionTable {
	const erase = taskEraser(db, keepers.search);
	const aged = db.read<{ seq: number }>(
		'aged tasks',
		`SELECT seq FROM tasks WHERE ${FINISHED} AND finished_at < ? ORDER BY finished_at, seq LIMIT ?`,
	);
	const oldest = db.read<{ seq: number }>(
		'oldest tasks',
		`SELECT seq FROM tasks WHERE ${FINISHED} ORDER BY finished_at, seq LIMIT ?`,
	);
	const deleted = db.read<{ seq: number }>(
		'deleted tasks',
		`SELECT seq FROM tasks WHERE ${DELETED} ORDER BY removed_at, seq LIMIT ?`,
	);
	const settled = db.write(
		'forget settled',
		`DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE ${SETTLED} ORDER BY id LIMIT ?)`,
	);
	const setPolicy = db.write(
		'set retention',
		'INSERT INTO retention (profile, policy) VALUES (?, ?) ON CONFLICT DO UPDATE SET policy = excluded.policy',
	);
	const noteRun = db.write(
		'note retention run',
		'INSERT INTO retention (profile, ran_at) VALUES (?, ?) ON CONFLICT DO UPDATE SET ran_at = excluded.ran_at',
	);
	const drop = db.write('drop retention', 'DELETE FROM retention WHERE profile = ?');
	const free = db.read<{ n: number }>('free pages', 'SELECT freelist_count AS n FROM pragma_freelist_count');
	const mode = db.read<{ n: number }>('vacuum mode', 'SELECT auto_vacuum AS n FROM pragma_auto_vacuum');

	function eraseListed(key: number, state: FinishedState, seqs: readonly { readonly seq: number }[]): number {
		for (const { seq } of seqs) {
			erase(seq);
			keepers.counts.add(key, STATE_CODES[state], -1);
		}
		return seqs.length;
	}

	function sweepState(key: number, state: FinishedState, policy: RetentionPolicy, now: number, limit: number): number {
		const { afterMs, maxRows } = policy.states[state];
		const code = STATE_CODES[state];
		const listed = maxRows === null ? 0 : (countsByState(db, key)[code] ?? 0);
		let done = 0;
		if (afterMs !== null) done = eraseListed(key, state, aged.all(key, code, now - afterMs, limit));
		if (maxRows === null) return done;
		const over = Math.min(listed - done - maxRows, limit - done);
		return over <= 0 ? done : done + eraseListed(key, state, oldest.all(key, code, over));
	}

	return {
		setPolicy: (profile, policy) => void setPolicy.run(profile, policy === null ? null : JSON.stringify(policy)),
		noteRun: (profile, at) => void noteRun.run(profile, Math.trunc(at)),
		sweep(profile, policy, now, limit) {
			const key = profileKeyOf(db, profile);
			if (key === null) return 0;
			let done = 0;
			for (const state of FINISHED_STATES) {
				if (done < limit) done += sweepState(key, state, policy, now, limit - done);
			}
			const listed = done;
			if (done < limit) {
				const seqs = deleted.all(key, now - policy.deletedAfterMs, limit - done);
				for (const { seq } of seqs) erase(seq);
				done += seqs.length;
			}
			if (done < limit) done += settled.run(key, now - policy.quarantineAfterMs, limit - done).changes;
			if (listed > 0) keepers.keys.raise(key);
			return done;
		},
		compact(pages) {
			if (mode.get()?.n !== 2) return 0;
			const before = free.get()?.n ?? 0;
			if (before > 0) db.execute('give pages back', `PRAGMA incremental_vacuum(${Math.trunc(pages)})`);
			return free.get()?.n ?? 0;
		},
		drop: (profile) => void drop.run(profile),
	};
}
