/** Tasks that others run: what was told about them, and notes of who watches. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - `attempt_events` has one row per message, at the first of its attempts: all that was told, from which its attempts are made anew
 *   whenever more is told. One row per fact would be four times the rows for the same questions.
 * - `watch_notes` are few and small: how watching goes, workers as last heard, events that could not be read. `body` is JSON.
 */
export const observed: Migration = {
	version: 5,
	name: 'observed',
	sql: `
CREATE TABLE attempt_events (
	attempt INTEGER PRIMARY KEY,
	body TEXT NOT NULL
) STRICT;

CREATE TABLE watch_notes (
	profile TEXT NOT NULL,
	kind TEXT NOT NULL,
	key TEXT NOT NULL,
	at INTEGER NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY (profile, kind, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX watch_notes_at ON watch_notes (profile, kind, at);
`,
};
