/**
 * The store as the rest of the engine sees it: everything is asynchronous, because SQLite lives in worker threads (one writer,
 * two readers). What `apply` and the other writing calls resolve, is committed.
 */
import type { AuditEntry, JournalEntry } from '#main/domain/audit.ts';
import type { AttemptId, ProfileId, TaskId } from '#main/domain/ids.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { Page, TaskCounts, TaskSort, TaskTick } from '#main/domain/page.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { Result } from '#main/domain/result.ts';
import type { ScheduleRow } from '#main/domain/schedule.ts';
import type { HistoryOp, LogLevel, LogLine, StartedFacts, TaskDetail, TaskRow, TaskState } from '#main/domain/task.ts';

export interface TaskPageRequest {
	readonly profile: ProfileId;
	/** The query language; empty: all. */
	readonly query: string;
	readonly sort: TaskSort;
	/** 1 to 500. */
	readonly limit: number;
	/** `next` or `previous` of another page of the same query and sort; null: the first. */
	readonly cursor: string | null;
}

export interface StoredLogLine extends LogLine {
	/** Rises by one from 0 within an attempt. */
	readonly seq: number;
}

export interface LogPage {
	readonly lines: readonly StoredLogLine[];
	/** Lines of this attempt that match. */
	readonly total: number;
}

/** What a `started` would find: the number its attempt would have, and how an earlier attempt of the same message ended. */
export interface Foresight {
	readonly attemptNumber: number;
	readonly earlierOutcome: TaskState | null;
}

export interface HistoryStore {
	/**
	 * Applies facts in order, all in one transaction (calls made while another transaction runs share the next one).
	 * Resolves after the commit, with one entry per op: facts for `started`, null for the others.
	 */
	apply(ops: readonly HistoryOp[]): Promise<readonly (StartedFacts | null)[]>;
	/**
	 * What applying `started` for these messages (ids, or keys of Warren's own) would find, without changing anything; one
	 * entry per key in order. Lets a consumer begin a task while its `started` is still being committed. A store without it
	 * costs a consumer one commit of delay per task.
	 */
	foresee?(profile: ProfileId, keys: readonly string[]): Promise<readonly Foresight[]>;
	/** One window of a list. `invalid-input` with `details.position` when the query does not parse. */
	page(request: TaskPageRequest): Promise<Result<Page<TaskRow>>>;
	/** How many match, exactly. */
	count(profile: ProfileId, query: string): Promise<Result<number>>;
	/** The ids that match now, in no promised order, at most `limit`. What reviews freeze. */
	ids(profile: ProfileId, query: string, limit: number): Promise<Result<readonly TaskId[]>>;
	/** Rows by id, in the order asked; missing ones left out. At most 1,000 ids a call. */
	rows(profile: ProfileId, ids: readonly TaskId[]): Promise<readonly TaskRow[]>;
	detail(profile: ProfileId, id: TaskId): Promise<TaskDetail | null>;
	/** Which task a message id belongs to, if known. */
	taskOfMessage(profile: ProfileId, messageId: string): Promise<TaskId | null>;
	log(
		attempt: AttemptId,
		options: {
			readonly afterSeq: number;
			readonly limit: number;
			readonly minLevel: LogLevel;
			readonly search: string;
		},
	): Promise<LogPage>;
	/** The raw message that carried an attempt, as it was. */
	message(attempt: AttemptId): Promise<OutgoingMessage | null>;
	counts(profile: ProfileId): Promise<TaskCounts>;
	/** Distinct task names seen, most recent first, at most `limit`; what pickers offer. */
	names(profile: ProfileId, limit: number): Promise<readonly string[]>;
	/** Distinct queues that tasks were seen in, at most 1,000; what queue lists ask the broker about. */
	queues(profile: ProfileId): Promise<readonly string[]>;
	/** Ticks whenever committed changes (by any process of this home) touch a profile's tasks; folded to one per 100 ms. */
	onTick(profile: ProfileId, listener: (tick: TaskTick) => void): Disposable;
}

export interface ProfileStore {
	list(): Promise<readonly Profile[]>;
	/** Inserts or replaces by id. `conflict` when another profile has that name. */
	put(profile: Profile): Promise<Result<void>>;
	/** Removes the profile and all its history. */
	remove(id: ProfileId): Promise<void>;
	/** Tells of changes, also by other processes of this home. */
	onChange(listener: () => void): Disposable;
}

export interface RecordStore {
	audit(entry: AuditEntry): Promise<void>;
	/** Newest first. */
	auditList(limit: number): Promise<readonly AuditEntry[]>;
	journal(entry: JournalEntry): Promise<number>;
	schedules(profile: ProfileId): Promise<readonly ScheduleRow[]>;
}

/** A named right that one process of this home holds at a time. Lost when not renewed within `ttlMs`. */
export interface LeaseStore {
	/** Takes or renews. `busy` with the holder's name when somebody else has it. */
	hold(name: string, holder: string, ttlMs: number): Promise<Result<void>>;
	release(name: string, holder: string): Promise<void>;
	/** Holders whose lease on a name starting with `prefix` ran out; each is told once, to whoever asks first. */
	expired(prefix: string): Promise<readonly { readonly name: string; readonly holder: string }[]>;
}

export interface Store extends AsyncDisposable {
	readonly history: HistoryStore;
	readonly profiles: ProfileStore;
	readonly records: RecordStore;
	readonly leases: LeaseStore;
}
