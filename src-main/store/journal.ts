/** Journal entries: what a change needs to be taken back. */
import type { JournalEntry } from '#main/domain/audit.ts';
import type { WriteHandle } from './handles.ts';

/** Appends journal entries; gives each its number. */
export function journalWriter(db: WriteHandle): (entry: JournalEntry) => number {
	const insert = db.write('journal', 'INSERT INTO journal (at, profile, action, title, before) VALUES (?, ?, ?, ?, ?)');
	return (e) => insert.run(Math.trunc(e.at), e.profile, e.action, e.title, e.before).lastInsertRowid;
}
