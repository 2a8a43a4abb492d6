/** The journal: what a change needs to be taken back, message by message where it was about messages. */
import type { JournalEntry } from '#main/domain/audit.ts';
import type { JournalRow, JournalState, KeptCounts, KeptMessageItem, KeptState } from '#main/domain/journal.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { ReadHandle, SqlValue, WriteHandle } from './handles.ts';

/** For how long messages are kept for an undo, in ms: a week and a day, so that last week's mistake is still in reach. */
const KEEP_MS = 8 * 24 * 3_600_000;

interface EntryRow {
	readonly id: number;
	readonly at: number;
	readonly profile: string;
	readonly action: string;
	readonly title: string;
	readonly before: string;
	readonly state: JournalState;
	readonly undo_of: number | null;
}

interface ItemRow {
	readonly seq: number;
	readonly state: KeptState;
	readonly queue: string;
	readonly print: string;
	readonly message_id: string | null;
	readonly other_queue: string | null;
	readonly other_content: string | null;
	readonly envelope: string;
	readonly body: Uint8Array;
	readonly entry_bytes: Uint8Array | null;
}

const COLUMNS = 'id, at, profile, action, title, before, state, undo_of';

function entryOf(db: ReadHandle, row: EntryRow): JournalRow {
	const counts = db
		.read<{ state: KeptState; n: number }>(
			'journal counts',
			'SELECT state, count(*) AS n FROM journal_messages WHERE entry = ? GROUP BY state',
		)
		.all(row.id);
	const kept: KeptCounts = Object.fromEntries(counts.map(({ state, n }) => [state, n]));
	const { undo_of: undoOf, ...rest } = row;
	return { ...rest, undoOf, kept };
}

/** Newest first. */
export function journalList(db: ReadHandle, profile: string, limit: number): readonly JournalRow[] {
	return db.snapshot(() =>
		db
			.read<EntryRow>('journal list', `SELECT ${COLUMNS} FROM journal WHERE profile = ? ORDER BY id DESC LIMIT ?`)
			.all(profile, limit)
			.map((row) => entryOf(db, row)),
	);
}

/** One entry of this profile; null: there is none of that number. */
export function journalEntry(db: ReadHandle, profile: string, id: number): JournalRow | null {
	return db.snapshot(() => {
		const row = db
			.read<EntryRow>('journal entry', `SELECT ${COLUMNS} FROM journal WHERE profile = ? AND id = ?`)
			.get(profile, id);
		return row === undefined ? null : entryOf(db, row);
	});
}

/** Messages that an entry keeps, in their order; of these states, after `afterSeq`. */
export function journalMessages(
	db: ReadHandle,
	entry: number,
	request: { readonly states: readonly KeptState[]; readonly afterSeq: number; readonly limit: number },
): readonly KeptMessageItem[] {
	const marks = request.states.map(() => '?').join(', ');
	return db
		.read<ItemRow>(
			'journal messages',
			`SELECT seq, state, queue, print, message_id, other_queue, other_content, envelope, body, entry_bytes
			FROM journal_messages WHERE entry = ? AND state IN (${marks}) AND seq > ? ORDER BY seq LIMIT ?`,
		)
		.all(entry, ...request.states, request.afterSeq, request.limit)
		.map((row) => ({
			seq: row.seq,
			state: row.state,
			queue: row.queue,
			print: row.print,
			messageId: row.message_id,
			other:
				row.other_queue === null || row.other_content === null
					? null
					: { queue: row.other_queue, content: row.other_content },
			message: { ...(JSON.parse(row.envelope) as Omit<OutgoingMessage, 'body'>), body: new Uint8Array(row.body) },
			entry: row.entry_bytes === null ? null : new Uint8Array(row.entry_bytes),
		}));
}

export interface JournalTable {
	/** A change that is over. */
	append(entry: JournalEntry): number;
	/** A change that begins; messages can be kept under its number until it is closed. */
	begin(entry: JournalEntry, undoOf: number | null): number;
	keep(entry: number, items: readonly KeptMessageItem[]): void;
	/** Null: it need not be kept, since nothing happened to it. */
	settle(entry: number, states: readonly { readonly seq: number; readonly state: KeptState | null }[]): void;
	/** Says how it ended. A change that has nothing to take back leaves no entry: `title` null. */
	close(
		entry: number,
		end: { readonly state: JournalState; readonly title: string | null; readonly before: string | null },
	): void;
}

export function journalTable(db: WriteHandle): JournalTable {
	const insert = db.write(
		'journal',
		'INSERT INTO journal (at, profile, action, title, before, state, undo_of) VALUES (?, ?, ?, ?, ?, ?, ?)',
	);
	const expire = db.write(
		'forget journal messages',
		'DELETE FROM journal_messages WHERE entry IN (SELECT id FROM journal WHERE at < ? AND id IN (SELECT entry FROM journal_messages))',
	);
	const keep = db.write('keep for undo', 'INSERT INTO journal_messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
	const mark = db.write('settle kept', 'UPDATE journal_messages SET state = ? WHERE entry = ? AND seq = ?');
	const drop = db.write('drop kept', 'DELETE FROM journal_messages WHERE entry = ? AND seq = ?');
	const close = db.write(
		'close journal',
		'UPDATE journal SET state = ?, title = ?, before = coalesce(?, before) WHERE id = ?',
	);
	const remove = db.write('drop journal', 'DELETE FROM journal WHERE id = ?');
	const removeAll = db.write('drop all kept', 'DELETE FROM journal_messages WHERE entry = ?');
	const add = (e: JournalEntry, state: JournalState, undoOf: number | null) =>
		insert.run(Math.trunc(e.at), e.profile, e.action, e.title, e.before, state, undoOf).lastInsertRowid;
	return {
		append: (entry) => add(entry, 'done', null),
		begin(entry, undoOf) {
			expire.run(Math.trunc(entry.at) - KEEP_MS);
			return add(entry, 'open', undoOf);
		},
		keep(entry, items) {
			for (const item of items) {
				const { exchange, routingKey, properties, body } = item.message;
				const values: SqlValue[] = [
					entry,
					item.seq,
					item.state,
					item.queue,
					item.print,
					item.messageId,
					item.other?.queue ?? null,
					item.other?.content ?? null,
					JSON.stringify({ exchange, routingKey, properties }),
					body,
					item.entry,
				];
				keep.run(...values);
			}
		},
		settle(entry, states) {
			for (const { seq, state } of states) {
				if (state === null) drop.run(entry, seq);
				else mark.run(state, entry, seq);
			}
		},
		close(entry, { state, title, before }) {
			if (title !== null) {
				close.run(state, title, before, entry);
				return;
			}
			removeAll.run(entry);
			remove.run(entry);
		},
	};
}
