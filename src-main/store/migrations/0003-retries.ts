/** Retries that rules have decided on: what goes out again, and when. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - A row is written with the outcome `retrying`, in the same transaction, so that no crash can lose the retry.
 * - `due_at` becomes null once the broker has the message; the row stays while its task does, because `tries` says how many went
 *   before when this message fails in turn.
 * - `source` is the attempt whose kept message goes out again.
 */
export const retries: Migration = {
	version: 3,
	name: 'retries',
	sql: `
CREATE TABLE retries (
	profile INTEGER NOT NULL,
	message_id TEXT NOT NULL,
	task INTEGER NOT NULL,
	source INTEGER NOT NULL,
	tries INTEGER NOT NULL,
	due_at INTEGER,
	PRIMARY KEY (profile, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX retries_due ON retries (profile, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX retries_task ON retries (task);
`,
};
