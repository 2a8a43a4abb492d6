/** Taking changes back: where an entry of the journal stands, the messages that it keeps; and a chain through the audit. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - `journal_messages` has one row per message, so that a purge of 100,000 is kept and put back in batches.
 * - `audit.digest` covers its line and the digest before; null in lines of before this step.
 */
export const undo: Migration = {
	version: 10,
	name: 'undo',
	sql: `
ALTER TABLE journal ADD COLUMN state TEXT NOT NULL DEFAULT 'done';
ALTER TABLE journal ADD COLUMN undo_of INTEGER;
CREATE INDEX journal_profile ON journal (profile, id);

CREATE TABLE journal_messages (
	entry INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	state TEXT NOT NULL,
	queue TEXT NOT NULL,
	print TEXT NOT NULL,
	message_id TEXT,
	other_queue TEXT,
	other_content TEXT,
	envelope TEXT NOT NULL,
	body BLOB NOT NULL,
	entry_bytes BLOB,
	PRIMARY KEY (entry, seq)
) STRICT;
CREATE INDEX journal_messages_state ON journal_messages (entry, state, seq);

ALTER TABLE audit ADD COLUMN digest TEXT;
`,
};
