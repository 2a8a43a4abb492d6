/** The first schema: tasks, attempts, logs, raw messages, profiles, records, leases, and the index for searching. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - `profile` columns hold `profile_keys.key`, not the id: nine indexes begin with it. Removing a profile sets its id to null,
 *   which makes all its history unreachable in one small write; the purge follows.
 * - `tasks` is narrow, so that lists and sorts touch few pages; texts live in `task_texts`.
 * - Every column of an index costs a write when it changes, so the state, which changes most, leads only the two indexes that the
 *   tabs live on; lists of some states in another order look at the state of each row.
 * - State codes are those of `codes.ts` and must not change.
 */
export const history: Migration = {
	version: 1,
	name: 'history',
	sql: `
CREATE TABLE profile_keys (
	key INTEGER PRIMARY KEY AUTOINCREMENT,
	id TEXT UNIQUE,
	revision INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE profiles (
	id TEXT PRIMARY KEY,
	name TEXT NOT NULL UNIQUE,
	body TEXT NOT NULL,
	created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revisions (
	name TEXT PRIMARY KEY,
	value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tasks (
	seq INTEGER PRIMARY KEY AUTOINCREMENT,
	profile INTEGER NOT NULL,
	id TEXT NOT NULL,
	name TEXT NOT NULL,
	state INTEGER NOT NULL,
	queue TEXT,
	priority INTEGER,
	published_at INTEGER,
	started_at INTEGER,
	finished_at INTEGER,
	runtime_ms REAL,
	worker TEXT,
	attempts INTEGER NOT NULL,
	exception_type TEXT,
	updated_at INTEGER NOT NULL,
	removed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX tasks_id ON tasks (profile, id);
CREATE INDEX tasks_finished ON tasks (profile, state, finished_at) WHERE removed_at IS NULL AND finished_at IS NOT NULL;
CREATE INDEX tasks_updated ON tasks (profile, state, updated_at) WHERE removed_at IS NULL;
CREATE INDEX tasks_published ON tasks (profile, published_at) WHERE removed_at IS NULL;
CREATE INDEX tasks_started ON tasks (profile, started_at) WHERE removed_at IS NULL;
CREATE INDEX tasks_name ON tasks (profile, name) WHERE removed_at IS NULL;
CREATE INDEX tasks_queue ON tasks (profile, queue) WHERE removed_at IS NULL;
CREATE INDEX tasks_priority ON tasks (profile, priority) WHERE removed_at IS NULL;
CREATE INDEX tasks_runtime ON tasks (profile, runtime_ms) WHERE removed_at IS NULL;

CREATE TABLE task_texts (
	seq INTEGER PRIMARY KEY,
	args TEXT,
	kwargs TEXT,
	preview TEXT NOT NULL,
	typed TEXT,
	exception_message TEXT,
	result_text TEXT
) STRICT;

CREATE TABLE attempts (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	profile INTEGER NOT NULL,
	task INTEGER NOT NULL,
	number INTEGER NOT NULL,
	cause TEXT NOT NULL,
	message_key TEXT NOT NULL,
	has_message_id INTEGER NOT NULL,
	run TEXT,
	state INTEGER NOT NULL,
	name TEXT NOT NULL,
	queue TEXT,
	priority INTEGER,
	worker TEXT,
	published_at INTEGER,
	queued_at INTEGER,
	started_at INTEGER,
	finished_at INTEGER,
	runtime_ms REAL,
	exception_type TEXT,
	exception_message TEXT,
	traceback TEXT,
	result_kind TEXT,
	result_text TEXT,
	result_type TEXT,
	log_lines INTEGER NOT NULL DEFAULT 0,
	log_bytes INTEGER NOT NULL DEFAULT 0,
	log_full INTEGER NOT NULL DEFAULT 0,
	has_message INTEGER NOT NULL DEFAULT 0,
	truncated INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX attempts_task ON attempts (task, number);
CREATE INDEX attempts_message ON attempts (profile, message_key);
CREATE UNIQUE INDEX attempts_run ON attempts (profile, run) WHERE run IS NOT NULL;
CREATE INDEX attempts_further ON attempts (profile, number) WHERE number > 1;
CREATE INDEX attempts_worker ON attempts (profile, worker) WHERE worker IS NOT NULL;

CREATE TABLE attempt_texts (
	attempt INTEGER PRIMARY KEY,
	args TEXT,
	kwargs TEXT,
	preview TEXT NOT NULL,
	typed TEXT
) STRICT;

CREATE TABLE log_lines (
	attempt INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	at INTEGER NOT NULL,
	level INTEGER NOT NULL,
	source TEXT NOT NULL,
	logger TEXT,
	text TEXT NOT NULL,
	PRIMARY KEY (attempt, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
	attempt INTEGER PRIMARY KEY,
	envelope TEXT NOT NULL,
	body BLOB NOT NULL
) STRICT;

CREATE TABLE counts (
	profile INTEGER NOT NULL,
	state INTEGER NOT NULL,
	n INTEGER NOT NULL,
	PRIMARY KEY (profile, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE seen (
	profile INTEGER NOT NULL,
	kind INTEGER NOT NULL,
	text TEXT NOT NULL,
	at INTEGER NOT NULL,
	PRIMARY KEY (profile, kind, text)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	host TEXT NOT NULL,
	actor TEXT NOT NULL,
	route TEXT NOT NULL,
	profile TEXT,
	input TEXT NOT NULL,
	outcome TEXT NOT NULL,
	changed INTEGER
) STRICT;

CREATE TABLE journal (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	at INTEGER NOT NULL,
	profile TEXT NOT NULL,
	action TEXT NOT NULL,
	title TEXT NOT NULL,
	before TEXT NOT NULL
) STRICT;

CREATE TABLE schedules (
	profile TEXT NOT NULL,
	book TEXT NOT NULL,
	name TEXT NOT NULL,
	task TEXT NOT NULL,
	queue TEXT NOT NULL,
	recurrence TEXT NOT NULL,
	args TEXT NOT NULL,
	kwargs TEXT NOT NULL,
	active INTEGER NOT NULL,
	last_run_at INTEGER,
	next_run_at INTEGER,
	updated_at INTEGER NOT NULL,
	PRIMARY KEY (profile, book, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
	name TEXT NOT NULL,
	holder TEXT NOT NULL,
	until INTEGER NOT NULL,
	PRIMARY KEY (name, holder)
) STRICT, WITHOUT ROWID;

-- Tasks whose words the index does not have yet, and those too long for it.
CREATE TABLE search_dirty (seq INTEGER PRIMARY KEY) STRICT;
CREATE TABLE search_long (seq INTEGER PRIMARY KEY) STRICT;
CREATE VIRTUAL TABLE search_grams USING fts5(
	text, content='', contentless_delete=1, detail=none, tokenize='trigram case_sensitive 1'
);
CREATE VIRTUAL TABLE search_terms USING fts5vocab(search_grams, 'row');
CREATE VIRTUAL TABLE search_facts USING fts5(
	facts, content='', contentless_delete=1, detail=none, tokenize='ascii'
);
`,
};
