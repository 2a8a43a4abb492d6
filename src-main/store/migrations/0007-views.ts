/** Saved views: queries with a name. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - `profile` is the profile's id, or empty for a view of every profile. Views are few, and go with their profile at once.
 * - `body` is the view as JSON: it is read whole.
 */
export const views: Migration = {
	version: 7,
	name: 'views',
	sql: `
CREATE TABLE views (
	profile TEXT NOT NULL,
	name TEXT NOT NULL,
	body TEXT NOT NULL,
	PRIMARY KEY (profile, name)
) STRICT, WITHOUT ROWID;
`,
};
