/** Failure groups: which failure has which fingerprint, which fingerprints are one group, and what people decided about it. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - `failures` has a row per attempt that failed, beside `attempts` rather than in it: a row there may carry a megabyte of traceback,
 *   which would be written twice. Tasks that succeed touch none of this.
 * - `tasks.failure` is the fingerprint of the attempt that the row shows, while that is a failure.
 * - `failure_prints.base` is the fingerprint itself; `hash` is another only where its group was split, and then `part` says by what.
 * - `failure_rules` are the splits that hold for failures to come.
 * - `failure_mark` is how far older history has been looked at, and by which version of the fingerprint.
 */
export const failureGroups: Migration = {
	version: 8,
	name: 'failure-groups',
	sql: `
CREATE TABLE failure_groups (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	profile INTEGER NOT NULL,
	key TEXT NOT NULL,
	resolved_at INTEGER,
	regressed_at INTEGER,
	ignore_until INTEGER,
	ignore_count INTEGER,
	ignore_from INTEGER NOT NULL DEFAULT 0,
	note TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE UNIQUE INDEX failure_groups_key ON failure_groups (profile, key);

CREATE TABLE failure_prints (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	profile INTEGER NOT NULL,
	hash TEXT NOT NULL,
	base TEXT NOT NULL,
	place TEXT NOT NULL,
	version INTEGER NOT NULL,
	grp INTEGER NOT NULL,
	type TEXT NOT NULL,
	message TEXT NOT NULL,
	frame TEXT,
	why TEXT NOT NULL,
	part TEXT,
	n INTEGER NOT NULL DEFAULT 0,
	first_at INTEGER NOT NULL,
	last_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX failure_prints_hash ON failure_prints (profile, hash);
CREATE INDEX failure_prints_group ON failure_prints (grp);
CREATE INDEX failure_prints_place ON failure_prints (profile, place);

CREATE TABLE failure_rules (
	profile INTEGER NOT NULL,
	base TEXT NOT NULL,
	by TEXT NOT NULL,
	PRIMARY KEY (profile, base)
) STRICT, WITHOUT ROWID;

CREATE TABLE failures (
	attempt INTEGER PRIMARY KEY,
	print INTEGER NOT NULL,
	at INTEGER NOT NULL
) STRICT;
CREATE INDEX failures_print ON failures (print, at);

CREATE TABLE failure_mark (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	version INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	done INTEGER NOT NULL
) STRICT;

ALTER TABLE tasks ADD COLUMN failure INTEGER;
CREATE INDEX tasks_failure ON tasks (profile, failure, finished_at) WHERE failure IS NOT NULL AND removed_at IS NULL;
`,
};
