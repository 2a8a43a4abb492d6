/** Brings a file to the schema of this Warren, or says why not. Nothing is ever deleted here. */
import { existsSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type Database from 'better-sqlite3';
import type { Failure } from '#main/domain/result.ts';
import { failureOf, trouble } from './failures.ts';
import { openRaw } from './handles.ts';
import { MIGRATIONS } from './migrations/all.ts';
import type { Migration } from './migrations/migration.ts';

/** Marks a file as Warren's own ("Wrrn"). */
export const APPLICATION_ID = 0x57_72_72_6e;

export type Prepared =
	| {
			readonly ok: true;
			readonly db: Database.Database;
			/** The version before; null for a file that was made just now. */
			readonly from: number | null;
			readonly backup: string | null;
	  }
	| { readonly ok: false; readonly error: Failure };

/**
 * Opens `file` for writing and applies the steps it lacks, each in its own transaction, after copying an existing file to
 * `<file>.backup-v<version>-<epoch ms>`. Refuses a newer schema, a damaged file and a file of another program.
 */
export function prepareFile(file: string, now: number, migrations: readonly Migration[] = MIGRATIONS): Prepared {
	let db: Database.Database | null = null;
	try {
		mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
		const existed = existsSync(file) && statSync(file).size > 0;
		db = openRaw(file);
		const opened = db;
		const newest = migrations.at(-1)?.version ?? 0;
		const version = versionOf(db);
		const problem = foreign(db, file, version, newest);
		if (problem !== null) {
			db.close();
			return { ok: false, error: problem };
		}
		// Only before the first page: later it would take a rewrite of the whole file.
		if (version === 0) opened.pragma('auto_vacuum = INCREMENTAL');
		patiently(() => opened.pragma('journal_mode = WAL'));
		let backup: string | null = null;
		if (version > 0 && version < newest) backup = copyBefore(db, file, version, now);
		if (version < newest) patiently(() => upgrade(opened, migrations));
		return { ok: true, db, from: existed && version > 0 ? version : null, backup };
	} catch (error) {
		db?.close();
		return { ok: false, error: failureOf(error, file) };
	}
}

function versionOf(db: Database.Database): number {
	return Number(db.pragma('user_version', { simple: true }));
}

function foreign(db: Database.Database, file: string, version: number, newest: number): Failure | null {
	const application = Number(db.pragma('application_id', { simple: true }));
	const tables = Number(db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get());
	if (application !== APPLICATION_ID && (tables > 0 || version > 0)) {
		// Another process may be making the file at this moment: its first step sets both in one transaction.
		const again = Number(db.pragma('application_id', { simple: true }));
		if (again !== APPLICATION_ID) {
			return trouble('refused', 'cannot-open', `${file} is a database of another program. Choose another home.`, file);
		}
	}
	if (version > newest) {
		return trouble(
			'unsupported',
			'newer-schema',
			`${file} was written by a newer Warren (its schema is ${version}, this one knows ${newest}). Update Warren, or start ` +
				'it with another home (--home). Nothing was changed.',
			file,
		);
	}
	return null;
}

/** A copy by SQLite itself, so that what is only in the write-ahead log is in it too; complete before it has its name. */
function copyBefore(db: Database.Database, file: string, version: number, now: number): string {
	const copy = `${file}.backup-v${version}-${now}`;
	db.prepare('VACUUM INTO ?').run(`${copy}.part`);
	renameSync(`${copy}.part`, copy);
	return copy;
}

function upgrade(db: Database.Database, migrations: readonly Migration[]): void {
	for (const step of migrations) {
		db.exec('BEGIN IMMEDIATE');
		try {
			// Asked again under the lock: another process may have been quicker.
			if (versionOf(db) < step.version) {
				db.exec(step.sql);
				db.pragma(`application_id = ${APPLICATION_ID}`);
				db.pragma(`user_version = ${step.version}`);
			}
			db.exec('COMMIT');
		} catch (error) {
			if (db.inTransaction) db.exec('ROLLBACK');
			throw error;
		}
	}
}

/** Runs again while another process holds the lock, for up to half a minute. */
export function patiently<T>(work: () => T, deadlineMs = 30_000): T {
	const end = performance.now() + deadlineMs;
	for (;;) {
		try {
			return work();
		} catch (error) {
			const code = error instanceof Error && 'code' in error ? String(error.code) : '';
			if (!code.startsWith('SQLITE_BUSY') || performance.now() > end) throw error;
			Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 + Math.random() * 20);
		}
	}
}
