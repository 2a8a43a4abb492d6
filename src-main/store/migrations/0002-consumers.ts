/** Saved consumer sets, messages in quarantine, and how long history keeps what is over. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - `quarantine.profile` is `profile_keys.key`, so that a removed profile's messages go with its history. Its rows keep their own
 *   copy of the message: history may lose the attempt by retention while somebody still has to decide.
 * - `body` stands last, so that lists of the other columns never read it.
 * - Deleted tasks are few among all, hence the partial index.
 */
export const consumers: Migration = {
	version: 2,
	name: 'consumers',
	sql: `
CREATE TABLE consumer_sets (
	id TEXT PRIMARY KEY,
	profile TEXT NOT NULL,
	name TEXT NOT NULL,
	body TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	UNIQUE (profile, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	profile INTEGER NOT NULL,
	at INTEGER NOT NULL,
	state TEXT NOT NULL,
	cause TEXT NOT NULL,
	reason TEXT NOT NULL,
	queue TEXT NOT NULL,
	name TEXT,
	message_id TEXT,
	run TEXT NOT NULL,
	bytes INTEGER NOT NULL,
	digest TEXT NOT NULL,
	settled_at INTEGER,
	settled_to TEXT,
	envelope TEXT NOT NULL,
	body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX quarantine_run ON quarantine (profile, run);
CREATE INDEX quarantine_state ON quarantine (profile, state, at);
CREATE INDEX quarantine_digest ON quarantine (profile, digest);

CREATE TABLE retention (
	profile TEXT PRIMARY KEY,
	policy TEXT,
	ran_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX tasks_removed ON tasks (profile, removed_at) WHERE removed_at IS NOT NULL;
`,
};
