/** Fewer places to write for each task: messages are found through their task, and new tasks need no mark for the search. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - Most attempts have the message that named their task, and are found by the task's id. Only of the others (`stray`: sent again,
 *   grafted) an index has the message's key. One of all of them cost a page of its own with each task, ids being random.
 * - `search_upto` is the last task whose words the index was given in order; all behind it still wait. `search_dirty` is for those
 *   before it that changed since.
 */
export const fewerWrites: Migration = {
	version: 6,
	name: 'fewer-writes',
	sql: `
ALTER TABLE attempts ADD COLUMN stray INTEGER NOT NULL DEFAULT 0;
UPDATE attempts SET stray = 1 WHERE message_key IS NOT (SELECT id FROM tasks WHERE seq = attempts.task);
DROP INDEX attempts_message;
CREATE INDEX attempts_stray ON attempts (profile, message_key) WHERE stray = 1;

CREATE TABLE search_upto (seq INTEGER NOT NULL) STRICT;
INSERT INTO search_upto (seq) SELECT coalesce(max(seq), 0) FROM tasks;
`,
};
