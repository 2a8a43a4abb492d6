/** Snapshots of clusters in a SQLite file of a person's own: one row per shot, worker and task, added to what is there. */
import Database from 'better-sqlite3';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Snapshot } from '#main/domain/snapshot.ts';

const TABLES = `
create table if not exists snapshots (
	id integer primary key, at integer not null, since integer not null,
	event_count integer not null, task_count integer not null, dropped integer not null, unreadable integer not null, trouble text
);
create table if not exists snapshot_workers (
	snapshot integer not null references snapshots (id), name text not null, state text not null, heard_at integer not null,
	active integer, processed integer, loadavg text, software text
);
create table if not exists snapshot_tasks (
	snapshot integer not null references snapshots (id), id text not null, name text, state text not null, worker text, queue text,
	args text, kwargs text, retries integer not null, result text, runtime_ms real, exception text, traceback text, times text not null
);
create index if not exists snapshot_tasks_by_task on snapshot_tasks (id);
`;

export interface SnapshotFile extends Disposable {
	/** Adds a snapshot, all of it or nothing. */
	add(snapshot: Snapshot): Result<void>;
}

/** Opens a file, or makes it. */
export function openSnapshotFile(path: string): Result<SnapshotFile> {
	try {
		const db = new Database(path);
		db.pragma('journal_mode = WAL');
		db.pragma('busy_timeout = 5000');
		db.exec(TABLES);
		const shot = db.prepare(
			'insert into snapshots (at, since, event_count, task_count, dropped, unreadable, trouble) values (?, ?, ?, ?, ?, ?, ?)',
		);
		const worker = db.prepare('insert into snapshot_workers values (?, ?, ?, ?, ?, ?, ?, ?)');
		const task = db.prepare('insert into snapshot_tasks values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
		const write = db.transaction((one: Snapshot) => {
			const { at, since, eventCount, taskCount, dropped, unreadable, trouble } = one;
			const id = shot.run(at, since, eventCount, taskCount, dropped, unreadable, trouble).lastInsertRowid;
			for (const w of one.workers) {
				const load = w.loadavg === null ? null : JSON.stringify(w.loadavg);
				worker.run(id, w.name, w.state, w.heardAt, w.active, w.processed, load, JSON.stringify(w.software));
			}
			for (const t of one.tasks) {
				const exception = t.exception === null ? null : `${t.exception.type}: ${t.exception.message}`;
				const call = [t.name, t.state, t.worker, t.queue, t.args, t.kwargs, t.retries] as const;
				const end = [t.result, t.runtimeMs, exception, t.traceback, JSON.stringify(t.times)] as const;
				task.run(id, t.id, ...call, ...end);
			}
		});
		return ok({
			add: (snapshot) => attempt(path, () => write(snapshot)),
			[Symbol.dispose]: () => void db.close(),
		});
	} catch (error) {
		return unwritable(path, error);
	}
}

function attempt(path: string, work: () => void): Result<void> {
	try {
		work();
		return ok(undefined);
	} catch (error) {
		return unwritable(path, error);
	}
}

/** A full disk, a missing folder, a file that is no database: SQLite says so by throwing. */
function unwritable(path: string, error: unknown): Result<never> {
	const why = error instanceof Error ? error.message : String(error);
	return fail('gone', `Snapshots cannot be written to ${path}: ${why}`);
}
