/** Schedules: the local book, what was last read of other books, edits that wait, the past, and runs. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - The first schema's `schedules` never held a row: nothing wrote to it.
 * - `profile` is the profile's id, not a key: schedules are few, and are dropped with their profile at once.
 * - Definitions are JSON: they are read whole, and merged field by field outside of SQL.
 * - A run's primary key is what makes a due time claimable once. `manual` is part of it, since a run by hand may fall on a due time.
 */
export const schedules: Migration = {
	version: 4,
	name: 'schedules',
	sql: `
DROP TABLE schedules;

CREATE TABLE schedule_entries (
	profile TEXT NOT NULL,
	book TEXT NOT NULL,
	key TEXT NOT NULL,
	name TEXT NOT NULL,
	version TEXT NOT NULL,
	definition TEXT NOT NULL,
	changed_at INTEGER,
	last_run_at INTEGER,
	next_run_at INTEGER,
	total_runs INTEGER,
	remarks TEXT NOT NULL,
	seen_at INTEGER NOT NULL,
	PRIMARY KEY (profile, book, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_entries_name ON schedule_entries (profile, book, name);

CREATE TABLE schedule_books (
	profile TEXT NOT NULL,
	book TEXT NOT NULL,
	read_at INTEGER,
	broken TEXT NOT NULL,
	facts TEXT NOT NULL,
	PRIMARY KEY (profile, book)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule_changes (
	profile TEXT NOT NULL,
	book TEXT NOT NULL,
	key TEXT NOT NULL,
	kind TEXT NOT NULL,
	body TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	PRIMARY KEY (profile, book, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule_versions (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	profile TEXT NOT NULL,
	book TEXT NOT NULL,
	key TEXT NOT NULL,
	at INTEGER NOT NULL,
	body TEXT NOT NULL
) STRICT;
CREATE INDEX schedule_versions_key ON schedule_versions (profile, book, key, id);

CREATE TABLE schedule_runs (
	profile TEXT NOT NULL,
	book TEXT NOT NULL,
	key TEXT NOT NULL,
	due_at INTEGER NOT NULL,
	manual INTEGER NOT NULL,
	state TEXT NOT NULL,
	name TEXT NOT NULL,
	fired_at INTEGER,
	message_id TEXT,
	task_id TEXT,
	by TEXT NOT NULL,
	tries INTEGER NOT NULL,
	note TEXT,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (profile, book, key, due_at, manual)
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_runs_due ON schedule_runs (profile, due_at);
CREATE INDEX schedule_runs_open ON schedule_runs (profile, book) WHERE state IN ('claimed', 'retrying');
CREATE INDEX schedule_runs_trouble ON schedule_runs (profile, due_at) WHERE state IN ('missed', 'failed', 'uncertain');
`,
};
