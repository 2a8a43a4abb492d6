/** Numbers among arguments are found by ranges. */
import type { Migration } from './migration.ts';

/**
 * Notes on the shape:
 * - `search_numbers` is the last task whose numbers the index may not have as ranges; it falls while older history is worked off, to 0.
 */
export const numberWords: Migration = {
	version: 12,
	name: 'number-words',
	sql: `
CREATE TABLE search_numbers (seq INTEGER NOT NULL) STRICT;
INSERT INTO search_numbers (seq) SELECT min(seq) FROM search_upto;
`,
};
