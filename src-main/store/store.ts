/**
 * The store as the rest of the engine sees it: everything is asynchronous, because SQLite lives in worker threads (one writer,
 * two readers). What `apply` and the other writing calls resolve, is committed.
 */
import type { AuditEntry, AuditPage, AuditRequest, AuditVerdict, JournalEntry } from '#main/domain/audit.ts';
import type { SavedConsumerSet } from '#main/domain/consumer.ts';
import type { ExportedRun, ExportedTask, ExportPage, ExportRequest } from '#main/domain/export.ts';
import type {
	FailureGroupDetail,
	FailureGroupList,
	GroupChange,
	GroupChanged,
	GroupDiffers,
	GroupRequest,
	TrendWindow,
} from '#main/domain/failure-group.ts';
import type { FigureHistory, FigureKind, FigureName, FigureRound, FigureTier } from '#main/domain/figure.ts';
import type { AttemptId, ConsumerSetId, ProfileId, TaskId } from '#main/domain/ids.ts';
import type { JournalRow, JournalState, KeptMessageItem, KeptState } from '#main/domain/journal.ts';
import type { LogFindings, LogSearchRequest } from '#main/domain/log-findings.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { TaskLineage } from '#main/domain/observed.ts';
import type { Page, TaskCounts, TaskSort, TaskTick } from '#main/domain/page.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { QuarantineCause, QuarantineItem, QuarantineState } from '#main/domain/quarantine.ts';
import type { FacetColumn, FacetValue } from '#main/domain/query-suggest.ts';
import type { BucketSize, Report, ReportName, ReportOptions } from '#main/domain/report.ts';
import type { Result } from '#main/domain/result.ts';
import type { RetentionPolicy, RetentionPreview } from '#main/domain/retention.ts';
import type { SavedView } from '#main/domain/saved-view.ts';
import type {
	BookEntry,
	BookFact,
	BookKind,
	BookWrite,
	BrokenEntry,
	ScheduleChange,
	ScheduleRun,
	ScheduleVersion,
	WriteOutcome,
} from '#main/domain/schedule.ts';
import type {
	HistoryOp,
	KeptArguments,
	LogLevel,
	LogLine,
	StartedFacts,
	TaskDetail,
	TaskRow,
	TaskState,
} from '#main/domain/task.ts';
import type { CallArguments } from '#main/domain/value.ts';

export interface TaskPageRequest {
	readonly profile: ProfileId;
	/** The query language; empty: all. */
	readonly query: string;
	readonly sort: TaskSort;
	/** 1 to 500. */
	readonly limit: number;
	/** `next` or `previous` of another page of the same query and sort; null: the first. */
	readonly cursor: string | null;
	/** After so many milliseconds what was found so far is given, where finding more takes long; without it, a whole page. */
	readonly patienceMs?: number;
}

/** Which report, over which tasks, how. */
export interface ReportRequest {
	readonly profile: ProfileId;
	readonly name: ReportName;
	/** The query language; empty: all tasks. */
	readonly query: string;
	readonly options: ReportOptions;
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

/** Numbers of lines that were looked for, as far as was looked. */
export interface LogFound {
	/** In their order. */
	readonly seqs: readonly number[];
	/** The last line that was looked at; -1: none. */
	readonly seen: number;
	/** Lines of the log in all. */
	readonly lines: number;
	/** All lines were looked at. */
	readonly done: boolean;
}

/** What a `started` would find: the number its attempt would have, and how an earlier attempt of the same message ended. */
export interface Foresight {
	readonly attemptNumber: number;
	readonly earlierOutcome: TaskState | null;
}

/** A retry whose time has come. */
export interface DueRetry {
	/** The id that its message is to have. */
	readonly messageId: string;
	readonly dueAt: number;
	readonly taskId: TaskId;
	/** The queue of the attempt that failed. */
	readonly queue: string | null;
	/** The original message; null: it is not kept any more. */
	readonly message: OutgoingMessage | null;
	/** Its message was seen by a worker, so that it was sent although nobody lived to say so. */
	readonly begun: boolean;
}

export interface PendingRetries {
	readonly due: readonly DueRetry[];
	/** Epoch ms at which the next one is due, or was; null: none is planned. */
	readonly nextAt: number | null;
	/** Planned and not yet sent. */
	readonly pending: number;
}

/** A task by where it stands among others. Null: not known. */
export interface Relative extends TaskLineage {
	readonly id: string;
	readonly name: string | null;
	readonly state: TaskState | null;
}

/** Values of a column, the commonest first; those without a count are known from earlier tasks. */
export interface Facet {
	readonly values: readonly FacetValue[];
	/** How many tasks were counted, and whether these are all that match. */
	readonly tasks: number;
	readonly all: boolean;
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
	/** Retries that rules have planned: those due at `now` (at most `limit`, oldest first), and how many there are in all. */
	retries?(profile: ProfileId, now: number, limit: number): Promise<PendingRetries>;
	/** One window of a list. `invalid-input` with `details.position` when the query does not parse. */
	page(request: TaskPageRequest): Promise<Result<Page<TaskRow>>>;
	/** One page of an export: tasks with their attempts, oldest first. */
	exportTasks(request: ExportRequest): Promise<Result<ExportPage<ExportedTask>>>;
	/** One page of an export: finished runs, oldest first. */
	exportRuns(request: ExportRequest): Promise<Result<ExportPage<ExportedRun>>>;
	/** A report over the runs of tasks that match. `invalid-input` with `details.position` when the query does not parse. */
	report(request: ReportRequest): Promise<Result<Report>>;
	/** How many match, exactly. */
	count(profile: ProfileId, query: string): Promise<Result<number>>;
	/** The ids that match now, in no promised order, at most `limit`. What reviews freeze. */
	ids(profile: ProfileId, query: string, limit: number): Promise<Result<readonly TaskId[]>>;
	/** Rows by id, in the order asked; missing ones left out. At most 1,000 ids a call. */
	rows(profile: ProfileId, ids: readonly TaskId[]): Promise<readonly TaskRow[]>;
	/** What there is of the arguments of tasks, to send them again; unknown ones left out. At most 1,000 ids a call. */
	keptArguments(profile: ProfileId, ids: readonly TaskId[]): Promise<readonly KeptArguments[]>;
	detail(profile: ProfileId, id: TaskId): Promise<TaskDetail | null>;
	/** Which task a message id belongs to, if known. */
	taskOfMessage(profile: ProfileId, messageId: string): Promise<TaskId | null>;
	/** Tasks that share the root or the group of these, and these themselves, at most `limit`; what others only name is not among them. */
	relatives(profile: ProfileId, ids: readonly string[], limit: number): Promise<readonly Relative[]>;
	/** Lines of a log after a number. `invalid-input` where the search is a pattern that cannot be used. */
	log(
		attempt: AttemptId,
		options: {
			readonly afterSeq: number;
			readonly limit: number;
			readonly minLevel: LogLevel;
			readonly search: string;
		},
	): Promise<Result<LogPage>>;
	/** Where in a log the lines of a level and a search are; looks at some lines a call. */
	findLines(
		attempt: AttemptId,
		options: { readonly afterSeq: number; readonly minLevel: LogLevel; readonly search: string },
	): Promise<Result<LogFound>>;
	/** Lines by their numbers, at most 1,000; of very long ones fewer come. */
	linesAt(attempt: AttemptId, seqs: readonly number[]): Promise<readonly StoredLogLine[]>;
	/** The raw message that carried an attempt, as it was. */
	message(attempt: AttemptId): Promise<OutgoingMessage | null>;
	counts(profile: ProfileId): Promise<TaskCounts>;
	/** Distinct task names seen, most recent first, at most `limit`; what pickers offer. */
	names(profile: ProfileId, limit: number): Promise<readonly string[]>;
	/** Distinct queues that tasks were seen in, at most 1,000; what queue lists ask the broker about. */
	queues(profile: ProfileId): Promise<readonly string[]>;
	/** Lines of all tasks' logs. `invalid-input` where the query or the cursor does not parse. */
	searchLogs(request: LogSearchRequest): Promise<Result<LogFindings>>;
	/** What values the newest tasks that match a query have in a column. A query that does not parse counts as everything. */
	facet(profile: ProfileId, query: string, column: FacetColumn): Promise<Facet>;
	/** The arguments of some of the newest tasks that match. */
	calls(profile: ProfileId, query: string): Promise<readonly CallArguments[]>;
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
	/** Newest first. `invalid-input` where the query does not parse. */
	auditList(request: AuditRequest): Promise<Result<AuditPage>>;
	/** Whether the chain through the audit holds. */
	verifyAudit(): Promise<AuditVerdict>;
	/** A change that is over; its number. */
	journal(entry: JournalEntry): Promise<number>;
}

/** What a change ended as. `title` null: nothing came of it, and no entry stays. `before` null: as it was begun with. */
export interface JournalEnd {
	readonly state: JournalState;
	readonly title: string | null;
	readonly before: string | null;
}

/** Changes that can be taken back, with the messages that they keep. */
export interface JournalStore {
	/** Newest first. */
	list(profile: ProfileId, limit: number): Promise<readonly JournalRow[]>;
	get(profile: ProfileId, id: number): Promise<JournalRow | null>;
	/** In their order; of these states, after `afterSeq`. */
	messages(
		entry: number,
		request: { readonly states: readonly KeptState[]; readonly afterSeq: number; readonly limit: number },
	): Promise<readonly KeptMessageItem[]>;
	/** Begins a change; `undoOf`: the one that it takes back. Messages kept for over eight days are forgotten by the way. */
	begin(entry: JournalEntry, undoOf: number | null): Promise<number>;
	/** Keeps messages before they are touched; on the disk when it resolves, whatever happens to this machine then. */
	keep(entry: number, items: readonly KeptMessageItem[]): Promise<void>;
	/** Says what became of them; null: nothing, so it need not be kept. */
	settle(entry: number, states: readonly { readonly seq: number; readonly state: KeptState | null }[]): Promise<void>;
	close(entry: number, end: JournalEnd): Promise<void>;
}

/** A note of who watches a deployment. `body` is JSON text. */
export interface WatchNote {
	readonly key: string;
	/** Epoch ms. */
	readonly at: number;
	readonly body: string;
}

/** Notes of who watches a deployment, by kind and key; any process of this home may read them. */
export interface WatchStore {
	/** Puts notes by key; beyond `keep` of a kind the oldest go. */
	put(profile: ProfileId, kind: string, notes: readonly WatchNote[], keep: number): Promise<void>;
	/** Newest first. */
	list(profile: ProfileId, kind: string, limit: number): Promise<readonly WatchNote[]>;
}

/** What of figures over time is asked. */
export interface FigureRequest {
	readonly profile: ProfileId;
	readonly kind: FigureKind;
	/** One queue or cluster (`ALL_QUEUES`: all of them as one); null: each of them. */
	readonly name: string | null;
	/** Null: all there are. */
	readonly figures: readonly FigureName[] | null;
	/** Epoch ms, half-open. */
	readonly since: number;
	readonly until: number;
	readonly bucket: BucketSize;
	/** IANA name, for hours and days. */
	readonly zone: string;
	/** So many queues or clusters at most. */
	readonly limit: number;
}

/** Figures of queues and clusters over time. */
export interface FigureStore {
	/** Adds what was measured at one moment, all of it or nothing. */
	add(profile: ProfileId, round: FigureRound): Promise<void>;
	/** `minutesSince`: what is older is kept by the hour alone. `invalid-input` where the spans would be too many. */
	history(request: FigureRequest, minutesSince: number): Promise<Result<FigureHistory>>;
	/** Removes at most `limit` of what began before these moments; how many rows went. */
	sweep(profile: ProfileId, before: Readonly<Record<FigureTier, number>>, limit: number): Promise<number>;
}

/** An entry of a book as it was last read. */
export interface StoredEntry extends BookEntry {
	readonly book: BookKind;
	readonly seenAt: number;
}

/** What was last read of a book besides its entries. */
export interface StoredBook {
	readonly book: BookKind;
	/** When all of it was last read; null: never. */
	readonly readAt: number | null;
	readonly broken: readonly BrokenEntry[];
	readonly facts: readonly BookFact[];
}

/**
 * One part of a change of what is kept about schedules. The local book keeps its entries itself (`writeLocal`): `entry` and `gone` of
 * it change nothing.
 */
export type ScheduleStep =
	/** As the book has it now. */
	| { readonly kind: 'entry'; readonly book: BookKind; readonly entry: BookEntry; readonly seenAt: number }
	/** The book does not have it any more. */
	| { readonly kind: 'gone'; readonly book: BookKind; readonly key: string }
	/** All of the book was read. */
	| { readonly kind: 'read'; readonly stored: StoredBook }
	/** Puts a waiting edit, by book and key. */
	| { readonly kind: 'change'; readonly change: ScheduleChange }
	/** The edit waits no more. */
	| { readonly kind: 'settled'; readonly book: BookKind; readonly key: string }
	/** The book gave a schedule that was made here a key of its own: its past and its runs follow. */
	| { readonly kind: 'rekeyed'; readonly book: BookKind; readonly from: string; readonly to: string }
	| { readonly kind: 'version'; readonly version: ScheduleVersion }
	/** Its due times went on. */
	| {
			readonly kind: 'ran';
			readonly book: BookKind;
			readonly key: string;
			readonly lastRunAt: number | null;
			readonly nextRunAt: number | null;
	  };

/** A waiting edit as it was read; null: none waited. */
export interface ExpectedChange {
	readonly book: BookKind;
	readonly key: string;
	readonly change: ScheduleChange | null;
}

export interface RunRequest {
	/** Nulls: any. */
	readonly book: BookKind | null;
	readonly key: string | null;
	/** 1 to 500. */
	readonly limit: number;
	/** Only those due before; null: from the newest. */
	readonly before: number | null;
}

/** What was read of a ledger that others keep too. */
export interface ReceivedRuns {
	readonly book: BookKind;
	/** Names the ledger, whatever the book's address is now. */
	readonly ledger: string;
	/** Settled ones: what is here under their due time is replaced. */
	readonly settled: readonly ScheduleRun[];
	/** All that are open there; others that are open here are no more. Null: they were not asked for. */
	readonly open: readonly ScheduleRun[] | null;
	/** How far the ledger is followed with this, if it is still followed as far as `from`; null: not further yet. */
	readonly followed: { readonly from: number; readonly to: number } | null;
}

/** Schedules: the local book, what was last read of others, edits that wait, the past, and runs. */
export interface ScheduleStore {
	/** In no promised order. */
	entries(profile: ProfileId, book: BookKind | null): Promise<readonly StoredEntry[]>;
	entry(profile: ProfileId, book: BookKind, key: string): Promise<StoredEntry | null>;
	books(profile: ProfileId): Promise<readonly StoredBook[]>;
	/** Edits that wait, oldest first. */
	changes(profile: ProfileId): Promise<readonly ScheduleChange[]>;
	/** The edit of one schedule that waits; null: none. */
	change(profile: ProfileId, book: BookKind, key: string): Promise<ScheduleChange | null>;
	/** Newest first, at most `limit`; of the schedule of this key, or null: of all. */
	versions(
		profile: ProfileId,
		of: { readonly book: BookKind; readonly key: string } | null,
		limit: number,
	): Promise<readonly ScheduleVersion[]>;
	version(profile: ProfileId, id: number): Promise<ScheduleVersion | null>;
	/** Newest due time first. */
	runs(
		profile: ProfileId,
		request: RunRequest,
	): Promise<{ readonly items: readonly ScheduleRun[]; readonly total: number }>;
	/** The newest run of each of these schedules, where it has one; at most 500 a call. */
	lastRuns(
		profile: ProfileId,
		of: readonly { readonly book: BookKind; readonly key: string }[],
	): Promise<readonly ScheduleRun[]>;
	/** How many runs due since then were missed, failed or are uncertain, by schedule; only those that have some. */
	troubled(
		profile: ProfileId,
		since: number,
	): Promise<readonly { readonly book: BookKind; readonly key: string; readonly count: number }[]>;
	/** Unsettled runs of a book (`claimed`, `retrying`). */
	openRuns(profile: ProfileId, book: BookKind): Promise<readonly ScheduleRun[]>;
	/** The newest due time of each key of a book that has a run of any state (runs by hand aside). */
	cursors(profile: ProfileId, book: BookKind): Promise<readonly { readonly key: string; readonly dueAt: number }[]>;
	/** Rises with every change of any of this, by any process of this home. */
	revision(profile: ProfileId): Promise<number>;
	/** Rises whenever the entries of a book come, go or say something else; not with their runs. */
	definitions(profile: ProfileId, book: BookKind): Promise<number>;
	/** All of it in one transaction. */
	commit(profile: ProfileId, steps: readonly ScheduleStep[]): Promise<void>;
	/**
	 * The same, if waiting edits are still as they were read; false, with nothing changed, when one of them is not: somebody edited, or
	 * another process synced, in between.
	 */
	commitIf(profile: ProfileId, expected: readonly ExpectedChange[], steps: readonly ScheduleStep[]): Promise<boolean>;
	/** One write of the local book, as `ScheduleBook.write` has it. */
	writeLocal(profile: ProfileId, write: BookWrite, at: number): Promise<WriteOutcome>;
	/**
	 * Claims runs in one transaction: per run null where there was none of that key and due time, else what stands there. `conflict`,
	 * with nothing claimed, when the lease is not (or no longer) the holder's.
	 */
	claim(
		runs: readonly ScheduleRun[],
		lease: { readonly name: string; readonly holder: string },
	): Promise<Result<readonly (ScheduleRun | null)[]>>;
	/**
	 * Puts what became of runs, in one transaction; per run whether it stands there now. What was published stays so, and an open run is
	 * put only by the holder of the lease, never over an outcome.
	 */
	settle(
		runs: readonly ScheduleRun[],
		lease: { readonly name: string; readonly holder: string } | null,
	): Promise<readonly boolean[]>;
	/** Takes in runs of a ledger that others keep too, in one transaction. The same again changes nothing. */
	receive(profile: ProfileId, received: ReceivedRuns): Promise<void>;
	/** How far such a ledger has been followed; 0: never. */
	followed(profile: ProfileId, book: BookKind, ledger: string): Promise<number>;
	/** Calls back after changes by any process of this home, folded to one per 100 ms. */
	onChange(profile: ProfileId, listener: (revision: number) => void): Disposable;
}

/** Saved consumer sets, per profile. */
export interface ViewStore {
	/** Those of the profile, then those of every profile, each by name. */
	list(profile: ProfileId): Promise<readonly SavedView[]>;
	put(view: SavedView): Promise<void>;
	/** Whether there was one; null: one of every profile. */
	remove(profile: ProfileId | null, name: string): Promise<boolean>;
}

export interface SavedSetStore {
	/** By name. */
	list(profile: ProfileId): Promise<readonly SavedConsumerSet[]>;
	/** Inserts or replaces by id. `conflict` when another set of the profile has that name. */
	put(set: SavedConsumerSet): Promise<Result<void>>;
	/** Whether there was one. */
	remove(profile: ProfileId, id: ConsumerSetId): Promise<boolean>;
}

/** Which messages of quarantine to list; nulls: any. */
export interface QuarantineRequest {
	readonly state: QuarantineState | null;
	readonly cause: QuarantineCause | null;
	readonly queue: string | null;
	/** 1 to 500. */
	readonly limit: number;
	/** Only older ones than this id; null: from the newest. */
	readonly before: number | null;
}

export interface QuarantinePage {
	/** Newest first. */
	readonly items: readonly QuarantineItem[];
	/** How many match. */
	readonly total: number;
	/** How many wait for a decision, whatever was asked. */
	readonly held: number;
}

/** A decision about messages, or its undoing. */
export interface QuarantineSettlement {
	readonly from: QuarantineState;
	readonly to: QuarantineState;
	readonly at: number;
	/** Where they went; null: nowhere. */
	readonly queue: string | null;
}

/** Messages set aside. They come in by `history.apply` with `quarantined`. */
export interface QuarantineStore {
	page(profile: ProfileId, request: QuarantineRequest): Promise<QuarantinePage>;
	/** One with its message, byte for byte; null when there is none. */
	get(
		profile: ProfileId,
		id: number,
	): Promise<{ readonly item: QuarantineItem; readonly message: OutgoingMessage } | null>;
	/** Writes a decision about those that are still in `from`; the ids that were. */
	settle(profile: ProfileId, ids: readonly number[], settlement: QuarantineSettlement): Promise<readonly number[]>;
}

export interface RetentionSettings {
	readonly policy: RetentionPolicy;
	/** Whether nobody set one for this profile. */
	readonly isDefault: boolean;
	/** When it was last carried out; null: never. */
	readonly ranAt: number | null;
}

/** How long history keeps what is over. */
export interface RetentionStore {
	settings(profile: ProfileId): Promise<RetentionSettings>;
	/** Null: the default again. */
	set(profile: ProfileId, policy: RetentionPolicy | null): Promise<void>;
	/** Notes that a clean-up went through. */
	noteRun(profile: ProfileId, at: number): Promise<void>;
	preview(profile: ProfileId, policy: RetentionPolicy, now: number): Promise<RetentionPreview>;
	/**
	 * Removes at most `limit` rows of what is due at `now`, oldest first, in one transaction; how many. Call again while it
	 * removes `limit`.
	 */
	sweep(profile: ProfileId, policy: RetentionPolicy, now: number, limit: number): Promise<number>;
	/** Gives at most so many unused pages of the file back to the system; how many are left. */
	compact(pages: number): Promise<number>;
}

/** A named right that one process of this home holds at a time. Lost when not renewed within `ttlMs`. */
export interface LeaseStore {
	/** Takes or renews. `busy` with the holder's name when somebody else has it. */
	hold(name: string, holder: string, ttlMs: number): Promise<Result<void>>;
	release(name: string, holder: string): Promise<void>;
	/** Who has it; null: nobody. */
	holder(name: string): Promise<string | null>;
	/** Holders whose lease on a name starting with `prefix` ran out; each is told once, to whoever asks first. */
	expired(prefix: string): Promise<readonly { readonly name: string; readonly holder: string }[]>;
}

/** Failure groups. A group is named by its key or an unambiguous beginning of it. */
export interface GroupStore {
	/** `invalid-input` with `details.position` when the query does not parse. */
	list(request: GroupRequest): Promise<Result<FailureGroupList>>;
	/** With its newest failed tasks, at most `limit`. */
	get(profile: ProfileId, key: string, window: TrendWindow, limit: number): Promise<Result<FailureGroupDetail>>;
	/** Ids of its failed tasks that match a query, at most `limit`. What reviews freeze. */
	ids(profile: ProfileId, key: string, query: string, limit: number): Promise<Result<readonly TaskId[]>>;
	/** How its failing runs differ from succeeding ones of a task; null: of the task that fails most in it. */
	differs(profile: ProfileId, key: string, task: string | null): Promise<Result<GroupDiffers>>;
	/** What a person decides about it, in one transaction. */
	change(profile: ProfileId, key: string, change: GroupChange): Promise<Result<GroupChanged>>;
}

export interface Store extends AsyncDisposable {
	readonly history: HistoryStore;
	readonly profiles: ProfileStore;
	readonly records: RecordStore;
	readonly journal: JournalStore;
	readonly leases: LeaseStore;
	readonly sets: SavedSetStore;
	readonly views: ViewStore;
	readonly quarantine: QuarantineStore;
	readonly retention: RetentionStore;
	readonly schedules: ScheduleStore;
	readonly watching: WatchStore;
	readonly figures: FigureStore;
	readonly groups: GroupStore;
}
