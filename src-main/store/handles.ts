/** Connections to the file, branded by what they may do, with statements that have names. */
import Database from 'better-sqlite3';

declare const readBrand: unique symbol;
declare const writeBrand: unique symbol;

/** What SQLite takes and gives. */
export type SqlValue = string | number | bigint | Buffer | Uint8Array | null;
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** A compiled statement that returns rows. `Row` is the caller's word for what its SQL selects. */
export interface ReadStatement<Row> {
	get(...values: SqlValue[]): Row | undefined;
	all(...values: SqlValue[]): Row[];
	iterate(...values: SqlValue[]): IterableIterator<Row>;
}

/** A compiled statement that changes rows. */
export interface WriteStatement {
	run(...values: SqlValue[]): { readonly changes: number; readonly lastInsertRowid: number };
}

/** May only read: compiling a statement that writes throws, whatever the connection could do. */
export interface ReadHandle {
	readonly [readBrand]: true;
	/** `name` is what the slow log calls it. Statements are compiled once and kept; those of a query (`once`) until others crowd them out. */
	read<Row>(name: string, sql: string, once?: boolean): ReadStatement<Row>;
	/** Runs `work` over one snapshot of the file. */
	snapshot<T>(work: () => T): T;
	/** Registers a pure function for SQL. */
	define(name: string, call: (...values: SqlValue[]) => SqlValue): void;
	/** Changes whenever another connection commits. */
	dataVersion(): number;
}

/** May write; exists once per process, in the writer's thread. */
export interface WriteHandle extends ReadHandle {
	readonly [writeBrand]: true;
	write(name: string, sql: string): WriteStatement;
	execute(name: string, sql: string): void;
	/** Whether transactions from now on are on the disk when they are committed, not only safe from a crash of the process. Outside of one. */
	durably(on: boolean): void;
	inTransaction(): boolean;
}

/** Told of every statement that took longer than `SLOW_MS`. */
export type SlowListener = (name: string, ms: number) => void;
export const SLOW_MS = 40;

/** Cache of a reader in KiB; the three connections together stay far under the engine's memory budget. */
const READER_CACHE_KIB = 12_000;
const WRITER_CACHE_KIB = 24_000;
/**
 * So many statements of queries are kept: an export or a list asks the same one for page after page. One that is dropped holds memory of
 * SQLite's until the collector comes by, which knows nothing of that memory and is in no hurry.
 */
const QUERIES_KEPT = 32;
/** How long one attempt at a lock waits; writers try again after that. */
const BUSY_MS = 5_000;

let kept = false;

/**
 * Keeps SQLite's binary loaded in this process, once. Without it, it is mapped out of memory whenever the last thread that uses it ends
 * and mapped in again by the next, and what that thread leaves to be cleaned up late is then cleaned up by code that is gone.
 */
export function keepBinaryLoaded(): void {
	if (kept) return;
	new Database(':memory:').close();
	kept = true;
}

/** Opens an existing file for reading only. */
export function openForReading(file: string, slow: SlowListener): ReadHandle & Disposable {
	const db = new Database(file, { readonly: true, fileMustExist: true, timeout: BUSY_MS });
	db.pragma(`cache_size = -${READER_CACHE_KIB}`);
	db.pragma('temp_store = MEMORY');
	db.pragma('query_only = ON');
	return new Connection(db, slow) as unknown as ReadHandle & Disposable;
}

/** Opens (or creates) a file for writing, with nothing set yet: for `prepareFile`. */
export function openRaw(file: string): Database.Database {
	return new Database(file, { timeout: BUSY_MS });
}

/** Makes the writer's handle of an open and migrated database. */
export function writeHandle(db: Database.Database, slow: SlowListener): WriteHandle & Disposable {
	db.pragma('synchronous = NORMAL');
	db.pragma(`cache_size = -${WRITER_CACHE_KIB}`);
	db.pragma('temp_store = MEMORY');
	db.pragma('wal_autocheckpoint = 12000');
	db.pragma('journal_size_limit = 67108864');
	return new Connection(db, slow) as unknown as WriteHandle & Disposable;
}

class Connection {
	readonly #db: Database.Database;
	readonly #slow: SlowListener;
	readonly #compiled = new Map<string, Database.Statement>();
	/** Those of queries, the one that was asked for last at the end. */
	readonly #ofQueries = new Map<string, Database.Statement>();

	constructor(db: Database.Database, slow: SlowListener) {
		this.#db = db;
		this.#slow = slow;
	}

	read<Row>(name: string, sql: string, once = false): ReadStatement<Row> {
		const statement = this.#compile(sql, once);
		if (!statement.readonly || !statement.reader)
			throw new Error(`The statement "${name}" is not one that only reads.`);
		return {
			get: (...values) => {
				const start = performance.now();
				const row = statement.get(...values) as Row | undefined;
				this.#told(name, start);
				return row;
			},
			all: (...values) => {
				const start = performance.now();
				const rows = statement.all(...values) as Row[];
				this.#told(name, start);
				return rows;
			},
			iterate: (...values) => statement.iterate(...values) as IterableIterator<Row>,
		};
	}

	write(name: string, sql: string): WriteStatement {
		const statement = this.#compile(sql, false);
		return {
			// Measured here and not by a closure of each run: a busy writer runs it many thousand times a second.
			run: (...values) => {
				const start = performance.now();
				const { changes, lastInsertRowid } = statement.run(...values);
				this.#told(name, start);
				return { changes, lastInsertRowid: Number(lastInsertRowid) };
			},
		};
	}

	execute(name: string, sql: string): void {
		const start = performance.now();
		this.#db.exec(sql);
		this.#told(name, start);
	}

	durably(on: boolean): void {
		this.#db.pragma(`synchronous = ${on ? 'FULL' : 'NORMAL'}`);
	}

	inTransaction(): boolean {
		return this.#db.inTransaction;
	}

	snapshot<T>(work: () => T): T {
		if (this.#db.inTransaction) return work();
		this.#compile('BEGIN DEFERRED', false).run();
		try {
			return work();
		} finally {
			this.#compile('COMMIT', false).run();
		}
	}

	define(name: string, call: (...values: SqlValue[]) => SqlValue): void {
		this.#db.function(name, { deterministic: true, varargs: true }, call as (...values: unknown[]) => unknown);
	}

	dataVersion(): number {
		return Number(this.#db.pragma('data_version', { simple: true }));
	}

	[Symbol.dispose](): void {
		this.#compiled.clear();
		this.#ofQueries.clear();
		this.#db.close();
	}

	#compile(sql: string, once: boolean): Database.Statement {
		if (once) return this.#compileQuery(sql);
		let statement = this.#compiled.get(sql);
		if (statement === undefined) {
			statement = this.#db.prepare(sql);
			this.#compiled.set(sql, statement);
		}
		return statement;
	}

	#compileQuery(sql: string): Database.Statement {
		const statement = this.#ofQueries.get(sql) ?? this.#db.prepare(sql);
		// One that is being gone through cannot be begun anew.
		if (statement.busy) return this.#db.prepare(sql);
		this.#ofQueries.delete(sql);
		this.#ofQueries.set(sql, statement);
		const [oldest] = this.#ofQueries.keys();
		if (this.#ofQueries.size > QUERIES_KEPT && oldest !== undefined) this.#ofQueries.delete(oldest);
		return statement;
	}

	#told(name: string, start: number): void {
		const took = performance.now() - start;
		if (took > SLOW_MS) this.#slow(name, took);
	}
}
