/** Runs of schedules. The primary key is the promise: a due time has one claim, whoever asks, in whatever process. */
import { type ProfileId, profileId, type TaskId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookKind, ScheduleRun, ScheduleRunState } from '#main/domain/schedule.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import type { ReceivedRuns, RunRequest } from './store.ts';

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

/** How far a ledger that others keep too was followed; 0: never. */
export function runsFollowed(db: ReadHandle, profile: ProfileId, book: BookKind, ledger: string): number {
	const row = db.read<{ value: number }>('runs followed', 'SELECT value FROM revisions WHERE name = ?');
	return row.get(followedName(profile, book, ledger))?.value ?? 0;
}

function followedName(profile: string, book: BookKind, ledger: string): string {
	return `${followedPrefix(profile)}${book}:${ledger}`;
}

function followedPrefix(profile: string): string {
	return `schedule-runs:${profile}:`;
}

export interface RunTable {
	claim(
		runs: readonly ScheduleRun[],
		lease: { readonly name: string; readonly holder: string },
		now: number,
	): Result<readonly (ScheduleRun | null)[]>;
	settle(
		runs: readonly ScheduleRun[],
		lease: { readonly name: string; readonly holder: string } | null,
		now: number,
	): readonly boolean[];
	receive(profile: ProfileId, received: ReceivedRuns): void;
	/** Forgets how far the ledgers of a removed profile were followed. */
	dropFollowed(profile: string): void;
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

	const dropRun = db.write(
		'drop schedule run',
		'DELETE FROM schedule_runs WHERE profile = ? AND book = ? AND key = ? AND due_at = ? AND manual = ?',
	);
	const follow = db.write(
		'follow runs',
		'INSERT INTO revisions (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
	);
	const unfollow = db.write('unfollow runs', 'DELETE FROM revisions WHERE substr(name, 1, ?) = ?');

	function standing({ profile, book, key, dueAt, manual }: ScheduleRun): ScheduleRun | null {
		const row = find.get(profile, book, key, dueAt, manual ? 1 : 0);
		return row === undefined ? null : runOf(row);
	}

	/** Settled runs as their ledger has them; another process may have read it later, and that one stays. Whether that was news. */
	function receiveSettled(runs: readonly ScheduleRun[]): boolean {
		let news = false;
		for (const run of runs) {
			const here = standing(run);
			if (here !== null && (sameRun(here, run) || knowsMore(here, run))) continue;
			write(run);
			trim.run(run.profile, run.book, run.key, run.profile, run.book, run.key);
			news = true;
		}
		return news;
	}

	/** Open runs as their ledger has them. What is settled here stays so: another process may have read the ledger later. */
	function receiveOpen(profile: ProfileId, book: BookKind, runs: readonly ScheduleRun[]): boolean {
		let news = false;
		const there = new Set(runs.map(placeOf));
		for (const run of openRuns(db, profile, book)) {
			if (there.has(placeOf(run))) continue;
			dropRun.run(run.profile, run.book, run.key, run.dueAt, run.manual ? 1 : 0);
			news = true;
		}
		for (const run of runs) {
			const here = standing(run);
			if (here !== null && (!isOpen(here) || sameRun(here, run))) continue;
			write(run);
			news = true;
		}
		return news;
	}

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

	function isHeld(lease: { readonly name: string; readonly holder: string }, now: number): boolean {
		return (held.get(lease.name, lease.holder, now)?.n ?? 0) > 0;
	}

	return {
		claim(runs, lease, now) {
			if (!isHeld(lease, now)) {
				return fail('conflict', 'Another process runs these schedules by now.', { details: { lease: lease.name } });
			}
			const found = runs.map((run) => {
				const there = standing(run);
				if (there === null) write(run);
				return there;
			});
			for (const profile of new Set(runs.map((run) => run.profile))) raise(profile);
			return ok(found);
		},
		settle(runs, lease, now) {
			const mine = lease !== null && isHeld(lease, now);
			const written = runs.map((run) => {
				const there = standing(run);
				if (there !== null && knowsMore(there, run)) return false;
				if (isOpen(run) && (!mine || (there !== null && !isOpen(there)))) return false;
				write(run);
				trim.run(run.profile, run.book, run.key, run.profile, run.book, run.key);
				return true;
			});
			for (const profile of new Set(runs.map((run) => run.profile))) raise(profile);
			return written;
		},
		receive(profile, { book, ledger, settled, open, followed }) {
			// Open ones first: they were read before.
			const opened = open !== null && receiveOpen(profile, book, open);
			if (receiveSettled(settled) || opened) raise(profile);
			// Another process of this home may have come further meanwhile.
			if (followed === null || runsFollowed(db, profile, book, ledger) !== followed.from) return;
			if (followed.from !== followed.to) follow.run(followedName(profile, book, ledger), followed.to);
		},
		dropFollowed(profile) {
			const prefix = followedPrefix(profile);
			unfollow.run(prefix.length, prefix);
		},
	};
}

/** Whether what stands is to stay: it was fired, or somebody judged the claim before its publisher was heard of and knew less. */
function knowsMore(there: ScheduleRun, run: ScheduleRun): boolean {
	if (there.state === 'fired') return run.state !== 'fired';
	return run.state === 'uncertain' && !isOpen(there);
}

function isOpen({ state }: ScheduleRun): boolean {
	return state === 'claimed' || state === 'retrying';
}

function placeOf({ key, dueAt, manual }: ScheduleRun): string {
	return `${dueAt} ${manual} ${key}`;
}

function sameRun(a: ScheduleRun, b: ScheduleRun): boolean {
	const said = ({ state, name, firedAt, messageId, taskId, by, tries, note, updatedAt }: ScheduleRun) =>
		JSON.stringify([state, name, firedAt, messageId, taskId, by, tries, note, Math.trunc(updatedAt)]);
	return said(a) === said(b);
}
