/** Schedules: entries of books, waiting edits, the past. Runs are in `schedule-runs.ts`. */
import { createHash } from 'node:crypto';
import {
	BOOK_KINDS,
	type BookEntry,
	type BookFact,
	type BookKind,
	type BookWrite,
	type BrokenEntry,
	canonicalText,
	type ScheduleChange,
	type ScheduleDefinition,
	type ScheduleRemark,
	type ScheduleVersion,
	type WriteOutcome,
} from '#main/domain/schedule.ts';
import type { ReadHandle, WriteHandle } from './handles.ts';
import type { ExpectedChange, ScheduleStep, StoredBook, StoredEntry } from './store.ts';

interface EntryRow {
	readonly book: BookKind;
	readonly key: string;
	readonly version: string;
	readonly definition: string;
	readonly changed_at: number | null;
	readonly last_run_at: number | null;
	readonly next_run_at: number | null;
	readonly total_runs: number | null;
	readonly remarks: string;
	readonly seen_at: number;
}

function entryOf(row: EntryRow): StoredEntry {
	return {
		book: row.book,
		key: row.key,
		version: row.version,
		definition: JSON.parse(row.definition) as ScheduleDefinition,
		changedAt: row.changed_at,
		lastRunAt: row.last_run_at,
		nextRunAt: row.next_run_at,
		totalRuns: row.total_runs,
		remarks: JSON.parse(row.remarks) as readonly ScheduleRemark[],
		seenAt: row.seen_at,
	};
}

/** Entries of one book, or of all. */
export function scheduleEntries(db: ReadHandle, profile: string, book: BookKind | null): readonly StoredEntry[] {
	return db
		.read<EntryRow>('schedules', 'SELECT * FROM schedule_entries WHERE profile = ? AND (? IS NULL OR book = ?)')
		.all(profile, book, book)
		.map(entryOf);
}

/** One entry by its book's key. */
export function scheduleEntry(db: ReadHandle, profile: string, book: BookKind, key: string): StoredEntry | null {
	const row = db
		.read<EntryRow>('schedule', 'SELECT * FROM schedule_entries WHERE profile = ? AND book = ? AND key = ?')
		.get(profile, book, key);
	return row === undefined ? null : entryOf(row);
}

/** What was last read of each book besides its entries. */
export function scheduleBooks(db: ReadHandle, profile: string): readonly StoredBook[] {
	interface Row {
		readonly book: BookKind;
		readonly read_at: number | null;
		readonly broken: string;
		readonly facts: string;
	}
	return db
		.read<Row>('schedule books', 'SELECT book, read_at, broken, facts FROM schedule_books WHERE profile = ?')
		.all(profile)
		.map((row) => ({
			book: row.book,
			readAt: row.read_at,
			broken: JSON.parse(row.broken) as readonly BrokenEntry[],
			facts: JSON.parse(row.facts) as readonly BookFact[],
		}));
}

/** Edits that wait, oldest first. */
export function scheduleChanges(db: ReadHandle, profile: string): readonly ScheduleChange[] {
	return db
		.read<{ body: string }>(
			'schedule changes',
			'SELECT body FROM schedule_changes WHERE profile = ? ORDER BY created_at, book, key',
		)
		.all(profile)
		.map((row) => JSON.parse(row.body) as ScheduleChange);
}

/** One waiting edit. */
export function scheduleChange(db: ReadHandle, profile: string, book: BookKind, key: string): ScheduleChange | null {
	const body = changeBody(db, profile, book, key);
	return body === null ? null : (JSON.parse(body) as ScheduleChange);
}

function changeBody(db: ReadHandle, profile: string, book: BookKind, key: string): string | null {
	const row = db
		.read<{ body: string }>(
			'schedule change',
			'SELECT body FROM schedule_changes WHERE profile = ? AND book = ? AND key = ?',
		)
		.get(profile, book, key);
	return row?.body ?? null;
}

interface VersionRow {
	readonly id: number;
	readonly key: string;
	readonly body: string;
}

/** A schedule's past, or everybody's; newest first. */
export function scheduleVersions(
	db: ReadHandle,
	profile: string,
	of: { readonly book: BookKind; readonly key: string } | null,
	limit: number,
): readonly ScheduleVersion[] {
	const rows =
		of === null
			? db
					.read<VersionRow>(
						'schedule versions',
						'SELECT id, key, body FROM schedule_versions WHERE profile = ? ORDER BY id DESC LIMIT ?',
					)
					.all(profile, limit)
			: db
					.read<VersionRow>(
						'versions of schedule',
						'SELECT id, key, body FROM schedule_versions WHERE profile = ? AND book = ? AND key = ? ORDER BY id DESC LIMIT ?',
					)
					.all(profile, of.book, of.key, limit);
	return rows.map(versionOf);
}

/** One entry of the past by its number. */
export function scheduleVersion(db: ReadHandle, profile: string, id: number): ScheduleVersion | null {
	const row = db
		.read<VersionRow>('schedule version', 'SELECT id, key, body FROM schedule_versions WHERE profile = ? AND id = ?')
		.get(profile, id);
	return row === undefined ? null : versionOf(row);
}

function versionOf(row: VersionRow): ScheduleVersion {
	// The key is the column's: a schedule that was made offline got another one when its book took it.
	return { ...(JSON.parse(row.body) as ScheduleVersion), id: row.id, key: row.key };
}

/** Rises with every change of a profile's schedules, by any process. */
export function schedulesRevision(db: ReadHandle, profile: string): number {
	const row = db.read<{ value: number }>('schedules revision', 'SELECT value FROM revisions WHERE name = ?');
	return row.get(revisionName(profile))?.value ?? 0;
}

/** Rises whenever the entries of a book come, go or say something else; not with their runs. */
export function definitionsRevision(db: ReadHandle, profile: string, book: BookKind): number {
	const row = db.read<{ value: number }>('definitions revision', 'SELECT value FROM revisions WHERE name = ?');
	return row.get(definitionsName(profile, book))?.value ?? 0;
}

/** How many schedules there are, with those that only wait here. */
export function countSchedules(db: ReadHandle, profile: string): number {
	const row = db
		.read<{ n: number }>(
			'count schedules',
			`SELECT (SELECT count(*) FROM schedule_entries WHERE profile = ?)
			+ (SELECT count(*) FROM schedule_changes WHERE profile = ? AND kind = 'create') AS n`,
		)
		.get(profile, profile);
	return row?.n ?? 0;
}

function revisionName(profile: string): string {
	return `schedules:${profile}`;
}

function definitionsName(profile: string, book: BookKind): string {
	return `schedules:${profile}:${book}`;
}

export interface ScheduleTable {
	commit(profile: string, steps: readonly ScheduleStep[]): void;
	/** False, with nothing done, when a waiting edit is not as expected. */
	commitIf(profile: string, expected: readonly ExpectedChange[], steps: readonly ScheduleStep[]): boolean;
	writeLocal(profile: string, write: BookWrite, at: number): WriteOutcome;
	/** To be called once per transaction that changed anything about a profile's schedules. */
	raise(profile: string): void;
	/** Those of a removed profile. */
	dropAll(profile: string): void;
}

/** How many versions of one schedule are kept. */
const VERSIONS_KEPT = 200;

export function scheduleTable(db: WriteHandle): ScheduleTable {
	const putEntry = db.write(
		'put schedule',
		`INSERT INTO schedule_entries
		(profile, book, key, name, version, definition, changed_at, last_run_at, next_run_at, total_runs, remarks, seen_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET name = excluded.name, version = excluded.version, definition = excluded.definition,
		changed_at = excluded.changed_at, last_run_at = excluded.last_run_at, next_run_at = excluded.next_run_at,
		total_runs = excluded.total_runs, remarks = excluded.remarks, seen_at = excluded.seen_at`,
	);
	const dropEntry = db.write(
		'drop schedule',
		'DELETE FROM schedule_entries WHERE profile = ? AND book = ? AND key = ?',
	);
	const named = db.read<{ key: string }>(
		'schedule by name',
		'SELECT key FROM schedule_entries WHERE profile = ? AND book = ? AND name = ? AND key <> ?',
	);
	const ran = db.write(
		'schedule ran',
		`UPDATE schedule_entries SET last_run_at = ?, next_run_at = ?
		WHERE profile = ? AND book = ? AND key = ?`,
	);
	const putBook = db.write(
		'put schedule book',
		`INSERT INTO schedule_books (profile, book, read_at, broken, facts) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET read_at = excluded.read_at, broken = excluded.broken, facts = excluded.facts`,
	);
	const putChange = db.write(
		'put schedule change',
		`INSERT INTO schedule_changes (profile, book, key, kind, body, created_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET kind = excluded.kind, body = excluded.body`,
	);
	const dropChange = db.write(
		'drop schedule change',
		'DELETE FROM schedule_changes WHERE profile = ? AND book = ? AND key = ?',
	);
	const putVersion = db.write(
		'put schedule version',
		'INSERT INTO schedule_versions (profile, book, key, at, body) VALUES (?, ?, ?, ?, ?)',
	);
	const trimVersions = db.write(
		'trim schedule versions',
		`DELETE FROM schedule_versions WHERE profile = ? AND book = ? AND key = ? AND id <= (
			SELECT id FROM schedule_versions WHERE profile = ? AND book = ? AND key = ? ORDER BY id DESC LIMIT 1 OFFSET ${VERSIONS_KEPT}
		)`,
	);
	const rekeyVersions = db.write(
		'rekey schedule versions',
		'UPDATE schedule_versions SET key = ? WHERE profile = ? AND book = ? AND key = ?',
	);
	const rekeyRuns = db.write(
		'rekey schedule runs',
		'UPDATE OR REPLACE schedule_runs SET key = ? WHERE profile = ? AND book = ? AND key = ?',
	);
	const raise = db.write(
		'raise schedules revision',
		'INSERT INTO revisions (name, value) VALUES (?, 1) ON CONFLICT DO UPDATE SET value = value + 1',
	);
	const dropRevision = db.write('drop schedules revision', 'DELETE FROM revisions WHERE name = ?');
	const drops = ['entries', 'books', 'changes', 'versions', 'runs'].map((table) =>
		db.write(`drop schedule ${table}`, `DELETE FROM schedule_${table} WHERE profile = ?`),
	);

	function put(profile: string, book: BookKind, entry: BookEntry, seenAt: number): void {
		putEntry.run(
			profile,
			book,
			entry.key,
			entry.definition.name,
			entry.version,
			JSON.stringify(entry.definition),
			entry.changedAt,
			entry.lastRunAt,
			entry.nextRunAt,
			entry.totalRuns,
			JSON.stringify(entry.remarks),
			Math.trunc(seenAt),
		);
	}

	function raiseLocal(profile: string): void {
		raise.run(revisionName(profile));
		raise.run(definitionsName(profile, 'local'));
	}

	function take(profile: string, step: ScheduleStep): void {
		switch (step.kind) {
			case 'entry':
				if (step.book === 'local') return;
				put(profile, step.book, step.entry, step.seenAt);
				raise.run(definitionsName(profile, step.book));
				return;
			case 'gone':
				if (step.book === 'local') return;
				dropEntry.run(profile, step.book, step.key);
				raise.run(definitionsName(profile, step.book));
				return;
			case 'read': {
				const { book, readAt, broken, facts } = step.stored;
				putBook.run(profile, book, readAt, JSON.stringify(broken), JSON.stringify(facts));
				return;
			}
			case 'change': {
				const { change } = step;
				putChange.run(profile, change.book, change.key, change.kind, JSON.stringify(change), change.createdAt);
				return;
			}
			case 'settled':
				dropChange.run(profile, step.book, step.key);
				return;
			case 'rekeyed':
				rekeyVersions.run(step.to, profile, step.book, step.from);
				rekeyRuns.run(step.to, profile, step.book, step.from);
				return;
			case 'version': {
				const { book, key, at } = step.version;
				putVersion.run(profile, book, key, Math.trunc(at), JSON.stringify(step.version));
				trimVersions.run(profile, book, key, profile, book, key);
				return;
			}
			case 'ran':
				ran.run(step.lastRunAt, step.nextRunAt, profile, step.book, step.key);
		}
	}

	function commit(profile: string, steps: readonly ScheduleStep[]): void {
		for (const step of steps) take(profile, step);
		raise.run(revisionName(profile));
	}

	return {
		commit,
		commitIf(profile, expected, steps) {
			// As text: a change is written as it was read, so that equal ones are equal to the letter.
			const stands = expected.every(({ book, key, change }) => {
				const body = changeBody(db, profile, book, key);
				return change === null ? body === null : body === JSON.stringify(change);
			});
			if (stands) commit(profile, steps);
			return stands;
		},
		writeLocal(profile, write, at) {
			const current = scheduleEntry(db, profile, 'local', write.key);
			if (write.kind === 'create') {
				// The same again: its answer was lost on the way.
				if (current !== null && current.version === versionName(write.definition)) return written(current);
				if (current !== null) return { kind: 'changed', current: plain(current) };
			} else if (current === null || current.version !== write.expect) {
				return { kind: 'changed', current: current === null ? null : plain(current) };
			}
			if (write.kind === 'remove') {
				dropEntry.run(profile, 'local', write.key);
				raiseLocal(profile);
				return { kind: 'written', entry: null };
			}
			const { definition, key } = write;
			const holder = named.get(profile, 'local', definition.name, key);
			if (holder !== undefined) return { kind: 'name-taken', by: holder.key };
			const entry: BookEntry = {
				key,
				version: versionName(definition),
				definition,
				changedAt: Math.trunc(at),
				lastRunAt: current?.lastRunAt ?? null,
				nextRunAt: null,
				totalRuns: current?.totalRuns ?? null,
				remarks: [],
			};
			put(profile, 'local', entry, at);
			raiseLocal(profile);
			return { kind: 'written', entry };
		},
		raise: (profile) => void raise.run(revisionName(profile)),
		dropAll(profile) {
			for (const drop of drops) drop.run(profile);
			dropRevision.run(revisionName(profile));
			for (const book of BOOK_KINDS) dropRevision.run(definitionsName(profile, book));
		},
	};
}

/** A version is what the definition says: the same definition is the same version, whoever wrote it, and in the shared book too. */
function versionName(definition: ScheduleDefinition): string {
	return createHash('sha256').update(canonicalText(definition)).digest('hex').slice(0, 24);
}

function plain({ book: _book, seenAt: _seenAt, ...entry }: StoredEntry): BookEntry {
	return entry;
}

function written(entry: StoredEntry): WriteOutcome {
	return { kind: 'written', entry: plain(entry) };
}
