/** Runs of schedules. The primary key is the promise: a due time has one claim, whoever asks, in whatever process. */
import { type ProfileId, profileId, type TaskId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookKind, ScheduleRun, ScheduleRunState } from '#main/domain/schedule.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import type { RunRequest } from './store.ts';

interface RunRow {
	readonly profile: string;
	readonly book: BookKind;
	readonly key: string;
	readonly due_at: number;
	readonly manual: number;
	readonly state: ScheduleRunState;
	readonly name: string;
	readonly fired_at: number | null;
	readonly message_id: string | null;
	readonly task_id: string | null;
	readonly by: string;
	readonly tries: number;
	readonly note: string | null;
	readonly updated_at: number;
}

function runOf(row: RunRow): ScheduleRun {
	return {
		profile: profileId(row.profile),
		book: row.book,
		key: row.key,
		name: row.name,
		dueAt: row.due_at,
		manual: row.manual === 1,
		state: row.state,
		firedAt: row.fired_at,
		messageId: row.message_id,
		taskId: row.task_id as TaskId | null,
		by: row.by,
		tries: row.tries,
		note: row.note,
		updatedAt: row.updated_at,
	};
}

/** Runs, newest due time first. */
export function scheduleRuns(
	db: ReadHandle,
	profile: ProfileId,
	request: RunRequest,
): { readonly items: readonly ScheduleRun[]; readonly total: number } {
	const { book, key, limit, before } = request;
	// A schedule's own runs lie together under the primary key; those of everybody have an index by time.
	const [where, values]: [string, (string | number)[]] =
		book !== null && key !== null
			? ['profile = ? AND book = ? AND key = ?', [profile, book, key]]
			: book !== null
				? ['profile = ? AND book = ?', [profile, book]]
				: ['profile = ?', [profile]];
	const older = before === null ? '' : ' AND due_at < ?';
	const items = db
		.read<RunRow>(
			'schedule runs',
			`SELECT * FROM schedule_runs WHERE ${where}${older} ORDER BY due_at DESC, key, manual LIMIT ?`,
		)
		.all(...values, ...(before === null ? [] : [before]), limit)
		.map(runOf);
	const total = db
		.read<{ n: number }>('count schedule runs', `SELECT count(*) AS n FROM schedule_runs WHERE ${where}`)
		.get(...values);
	return { items, total: total?.n ?? 0 };
}

/** The newest run of each of these schedules; none for those that never ran. */
export function lastRuns(
	db: ReadHandle,
	profile: ProfileId,
	of: readonly { readonly book: BookKind; readonly key: string }[],
): readonly ScheduleRun[] {
	const newest = db.read<RunRow>(
		'last schedule run',
		'SELECT * FROM schedule_runs WHERE profile = ? AND book = ? AND key = ? ORDER BY due_at DESC, manual DESC LIMIT 1',
	);
	return of.flatMap(({ book, key }) => newest.get(profile, book, key) ?? []).map(runOf);
}

/** How many runs due since then were missed, failed or are uncertain, by schedule; only those that have some. */
export function troubledRuns(
	db: ReadHandle,
	profile: ProfileId,
	since: number,
): readonly { readonly book: BookKind; readonly key: string; readonly count: number }[] {
	return db
		.read<{ book: BookKind; key: string; count: number }>(
			'troubled schedule runs',
			`SELECT book, key, count(*) AS count FROM schedule_runs
			WHERE profile = ? AND state IN ('missed', 'failed', 'uncertain') AND due_at >= ? GROUP BY book, key`,
		)
		.all(profile, since);
}

/** Claims that nobody has settled. */
export function openRuns(db: ReadHandle, profile: ProfileId, book: BookKind): readonly ScheduleRun[] {
	return db
		.read<RunRow>(
			'open schedule runs',
			`SELECT * FROM schedule_runs WHERE profile = ? AND book = ? AND state IN ('claimed', 'retrying') ORDER BY due_at`,
		)
		.all(profile, book)
		.map(runOf);
}

/** Per key the newest due time that has a run of any state, runs by hand aside. */
export function runCursors(
	db: ReadHandle,
	profile: ProfileId,
	book: BookKind,
): readonly { readonly key: string; readonly dueAt: number }[] {
	return db
		.read<{ key: string; dueAt: number }>(
			'schedule cursors',
			`SELECT key, max(due_at) AS dueAt FROM schedule_runs
			WHERE profile = ? AND book = ? AND manual = 0 GROUP BY key`,
		)
		.all(profile, book);
}

export interface RunTable {
	claim(
		runs: readonly ScheduleRun[],
		lease: { readonly name: string; readonly holder: string },
		now: number,
	): Result<readonly (ScheduleRun | null)[]>;
	settle(runs: readonly ScheduleRun[]): void;
}

/** How many runs of one schedule are kept. */
const RUNS_KEPT = 500;

/** `raise` is told each profile whose runs changed. */
export function runTable(db: WriteHandle, raise: (profile: string) => void): RunTable {
	const held = db.read<{ n: number }>(
		'lease held',
		'SELECT count(*) AS n FROM leases WHERE name = ? AND holder = ? AND until > ?',
	);
	const find = db.read<RunRow>(
		'schedule run',
		'SELECT * FROM schedule_runs WHERE profile = ? AND book = ? AND key = ? AND due_at = ? AND manual = ?',
	);
	const put = db.write(
		'put schedule run',
		`INSERT INTO schedule_runs
		(profile, book, key, due_at, manual, state, name, fired_at, message_id, task_id, by, tries, note, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET state = excluded.state, name = excluded.name, fired_at = excluded.fired_at,
		message_id = excluded.message_id, task_id = excluded.task_id, by = excluded.by, tries = excluded.tries,
		note = excluded.note, updated_at = excluded.updated_at`,
	);
	const trim = db.write(
		'trim schedule runs',
		`DELETE FROM schedule_runs WHERE profile = ? AND book = ? AND key = ? AND due_at <= (
			SELECT due_at FROM schedule_runs WHERE profile = ? AND book = ? AND key = ? ORDER BY due_at DESC LIMIT 1 OFFSET ${RUNS_KEPT}
		) AND state NOT IN ('claimed', 'retrying')`,
	);

	function write(run: ScheduleRun): void {
		put.run(
			run.profile,
			run.book,
			run.key,
			run.dueAt,
			run.manual ? 1 : 0,
			run.state,
			run.name,
			run.firedAt,
			run.messageId,
			run.taskId,
			run.by,
			run.tries,
			run.note,
			Math.trunc(run.updatedAt),
		);
	}

	return {
		claim(runs, lease, now) {
			if ((held.get(lease.name, lease.holder, now)?.n ?? 0) === 0) {
				return fail('conflict', 'Another process runs these schedules by now.', { details: { lease: lease.name } });
			}
			const standing = runs.map((run) => {
				const row = find.get(run.profile, run.book, run.key, run.dueAt, run.manual ? 1 : 0);
				if (row !== undefined) return runOf(row);
				write(run);
				return null;
			});
			for (const profile of new Set(runs.map((run) => run.profile))) raise(profile);
			return ok(standing);
		},
		settle(runs) {
			for (const run of runs) {
				write(run);
				trim.run(run.profile, run.book, run.key, run.profile, run.book, run.key);
			}
			for (const profile of new Set(runs.map((run) => run.profile))) raise(profile);
		},
	};
}
