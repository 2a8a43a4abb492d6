/** Which tasks belong together. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - Only tasks that something ties to others have a row: most tasks are alone, and cost nothing here. The first task of a chain has none;
 *   it is the `root` of the others.
 * - `key` is the message's, which with Celery is the task's id.
 */
export const lineage: Migration = {
	version: 9,
	name: 'lineage',
	sql: `
CREATE TABLE lineage (
	profile INTEGER NOT NULL,
	key TEXT NOT NULL,
	root TEXT,
	parent TEXT,
	grp TEXT,
	PRIMARY KEY (profile, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX lineage_root ON lineage (profile, root);
CREATE INDEX lineage_group ON lineage (profile, grp) WHERE grp IS NOT NULL;

INSERT OR IGNORE INTO lineage (profile, key, root, parent)
SELECT a.profile, a.message_key, json_extract(e.body, '$.call.rootId'), json_extract(e.body, '$.call.parentId')
FROM attempt_events e JOIN attempts a ON a.id = e.attempt
WHERE (json_extract(e.body, '$.call.parentId') IS NOT NULL AND json_extract(e.body, '$.call.parentId') <> a.message_key)
	OR (json_extract(e.body, '$.call.rootId') IS NOT NULL AND json_extract(e.body, '$.call.rootId') <> a.message_key);
`,
};
