/** Figures of queues and clusters over time, by the minute and by the hour. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - Every sample goes into its minute and its hour in one transaction. Folding minutes into hours later would have a moment at which a
 *   crash loses or doubles some; this has none, and a clean-up only deletes.
 * - `start` counts minutes and hours since 1970, `last_at` ms since the start: small numbers take little room, and there are many rows.
 * - `profile` is null once the profile is removed; what hangs on it goes bit by bit.
 */
export const figures: Migration = {
	version: 11,
	name: 'figures',
	sql: `
CREATE TABLE figure_series (
	id INTEGER PRIMARY KEY,
	profile TEXT,
	kind TEXT NOT NULL,
	name TEXT NOT NULL,
	figure TEXT NOT NULL,
	label TEXT
) STRICT;
CREATE UNIQUE INDEX figure_series_name ON figure_series (profile, kind, name, figure);

CREATE TABLE figure_minutes (
	series INTEGER NOT NULL,
	start INTEGER NOT NULL,
	samples INTEGER NOT NULL,
	sum INTEGER NOT NULL,
	least INTEGER NOT NULL,
	most INTEGER NOT NULL,
	last INTEGER NOT NULL,
	last_at INTEGER NOT NULL,
	PRIMARY KEY (series, start)
) STRICT, WITHOUT ROWID;

CREATE TABLE figure_hours (
	series INTEGER NOT NULL,
	start INTEGER NOT NULL,
	samples INTEGER NOT NULL,
	sum INTEGER NOT NULL,
	least INTEGER NOT NULL,
	most INTEGER NOT NULL,
	last INTEGER NOT NULL,
	last_at INTEGER NOT NULL,
	PRIMARY KEY (series, start)
) STRICT, WITHOUT ROWID;
`,
};
