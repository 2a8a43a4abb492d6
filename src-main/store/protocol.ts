/** What the client and its threads say to each other. All of it survives structured cloning. */
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
import type { FigureHistory, FigureRound, FigureTier } from '#main/domain/figure.ts';
import type { AttemptId, ConsumerSetId, ProfileId, TaskId } from '#main/domain/ids.ts';
import type { JournalRow, KeptMessageItem, KeptState } from '#main/domain/journal.ts';
import type { LogFindings, LogSearchRequest } from '#main/domain/log-findings.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { Page, TaskCounts } from '#main/domain/page.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { QuarantineItem } from '#main/domain/quarantine.ts';
import type { FacetColumn } from '#main/domain/query-suggest.ts';
import type { Report } from '#main/domain/report.ts';
import type { Failure, Result } from '#main/domain/result.ts';
import type { RetentionPolicy, RetentionPreview } from '#main/domain/retention.ts';
import type { SavedView } from '#main/domain/saved-view.ts';
import type {
	BookKind,
	BookWrite,
	ScheduleChange,
	ScheduleRun,
	ScheduleVersion,
	WriteOutcome,
} from '#main/domain/schedule.ts';
import type { HistoryOp, KeptArguments, TaskDetail, TaskRow } from '#main/domain/task.ts';
import type { CallArguments } from '#main/domain/value.ts';
import type { LogRequest } from './log-lines.ts';
import type { PackedFacts, PackedOps } from './packed-ops.ts';
import type {
	ExpectedChange,
	Facet,
	FigureRequest,
	Foresight,
	JournalEnd,
	LogFound,
	LogPage,
	PendingRetries,
	QuarantinePage,
	QuarantineRequest,
	QuarantineSettlement,
	ReceivedRuns,
	Relative,
	ReportRequest,
	RetentionSettings,
	RunRequest,
	ScheduleStep,
	StoredBook,
	StoredEntry,
	StoredLogLine,
	TaskPageRequest,
	WatchNote,
} from './store.ts';

/** Calls that a reader answers. */
export interface ReadCalls {
	page(request: TaskPageRequest, now: number): Result<Page<TaskRow>>;
	exportTasks(request: ExportRequest, now: number): Result<ExportPage<ExportedTask>>;
	report(request: ReportRequest, now: number): Result<Report>;
	exportRuns(request: ExportRequest, now: number): Result<ExportPage<ExportedRun>>;
	count(profile: ProfileId, query: string, now: number): Result<number>;
	ids(profile: ProfileId, query: string, limit: number, now: number): Result<readonly TaskId[]>;
	rows(profile: ProfileId, ids: readonly TaskId[]): readonly TaskRow[];
	detail(profile: ProfileId, id: TaskId): TaskDetail | null;
	taskOfMessage(profile: ProfileId, messageId: string): TaskId | null;
	relatives(profile: ProfileId, keys: readonly string[], limit: number): readonly Relative[];
	keptArguments(profile: ProfileId, ids: readonly TaskId[]): readonly KeptArguments[];
	/** Null: nothing is known of that message, as of most. */
	foresee(profile: ProfileId, keys: readonly string[]): readonly (Foresight | null)[];
	retries(profile: ProfileId, now: number, limit: number): PendingRetries;
	log(attempt: AttemptId, request: LogRequest): Result<LogPage>;
	findLines(attempt: AttemptId, request: Omit<LogRequest, 'limit'>): Result<LogFound>;
	linesAt(attempt: AttemptId, seqs: readonly number[]): readonly StoredLogLine[];
	message(attempt: AttemptId): OutgoingMessage | null;
	counts(profile: ProfileId): TaskCounts;
	names(profile: ProfileId, limit: number): readonly string[];
	queues(profile: ProfileId): readonly string[];
	facet(profile: ProfileId, query: string, column: FacetColumn, now: number): Facet;
	calls(profile: ProfileId, query: string, now: number): readonly CallArguments[];
	/** Whether anything was committed since this reader was last asked, and where things stand; `force`: that in any case. */
	pulse(profiles: readonly ProfileId[], force: boolean): Pulse;
	profiles(): readonly Profile[];
	auditList(request: AuditRequest, now: number): Result<AuditPage>;
	searchLogs(request: LogSearchRequest, now: number): Result<LogFindings>;
	verifyAudit(): AuditVerdict;
	journalList(profile: string, limit: number): readonly JournalRow[];
	journalEntry(profile: string, id: number): JournalRow | null;
	journalMessages(
		entry: number,
		request: { readonly states: readonly KeptState[]; readonly afterSeq: number; readonly limit: number },
	): readonly KeptMessageItem[];
	leaseHolder(name: string, now: number): string | null;
	watchNotes(profile: ProfileId, kind: string, limit: number): readonly WatchNote[];
	figureHistory(request: FigureRequest, minutesSince: number): Result<FigureHistory>;
	scheduleEntries(profile: ProfileId, book: BookKind | null): readonly StoredEntry[];
	scheduleEntry(profile: ProfileId, book: BookKind, key: string): StoredEntry | null;
	scheduleBooks(profile: ProfileId): readonly StoredBook[];
	scheduleChanges(profile: ProfileId): readonly ScheduleChange[];
	scheduleChange(profile: ProfileId, book: BookKind, key: string): ScheduleChange | null;
	scheduleVersions(
		profile: ProfileId,
		of: { readonly book: BookKind; readonly key: string } | null,
		limit: number,
	): readonly ScheduleVersion[];
	scheduleVersion(profile: ProfileId, id: number): ScheduleVersion | null;
	scheduleRuns(
		profile: ProfileId,
		request: RunRequest,
	): { readonly items: readonly ScheduleRun[]; readonly total: number };
	lastRuns(
		profile: ProfileId,
		of: readonly { readonly book: BookKind; readonly key: string }[],
	): readonly ScheduleRun[];
	troubledRuns(
		profile: ProfileId,
		since: number,
	): readonly { readonly book: BookKind; readonly key: string; readonly count: number }[];
	openRuns(profile: ProfileId, book: BookKind): readonly ScheduleRun[];
	runCursors(profile: ProfileId, book: BookKind): readonly { readonly key: string; readonly dueAt: number }[];
	runsFollowed(profile: ProfileId, book: BookKind, ledger: string): number;
	schedulesRevision(profile: ProfileId): number;
	definitionsRevision(profile: ProfileId, book: BookKind): number;
	savedSets(profile: ProfileId): readonly SavedConsumerSet[];
	savedViews(profile: ProfileId): readonly SavedView[];
	quarantinePage(profile: ProfileId, request: QuarantineRequest): QuarantinePage;
	quarantined(
		profile: ProfileId,
		id: number,
	): { readonly item: QuarantineItem; readonly message: OutgoingMessage } | null;
	retention(profile: ProfileId): RetentionSettings;
	previewRetention(profile: ProfileId, policy: RetentionPolicy, now: number): RetentionPreview;
	failureGroups(request: GroupRequest, now: number): Result<FailureGroupList>;
	failureGroup(
		profile: ProfileId,
		key: string,
		window: TrendWindow,
		limit: number,
		now: number,
	): Result<FailureGroupDetail>;
	groupDiffers(profile: ProfileId, key: string, task: string | null): Result<GroupDiffers>;
	groupIds(profile: ProfileId, key: string, query: string, limit: number, now: number): Result<readonly TaskId[]>;
}

export interface Pulse {
	/** Null: nothing was committed by anybody since the last pulse. */
	readonly counts: readonly TaskCounts[] | null;
	/** Revision of each profile's schedules; read together with `counts`. */
	readonly schedules: readonly number[];
	readonly profilesRevision: number;
}

/** Calls that the writer answers; each is one part of a transaction. */
export interface WriteCalls {
	apply(ops: readonly HistoryOp[]): PackedFacts;
	applyPacked(ops: PackedOps): PackedFacts;
	putProfile(profile: Profile): Result<void>;
	removeProfile(id: ProfileId): void;
	audit(entry: AuditEntry): void;
	journal(entry: JournalEntry): number;
	beginJournal(entry: JournalEntry, undoOf: number | null): number;
	keepMessages(entry: number, items: readonly KeptMessageItem[]): void;
	settleKept(entry: number, states: readonly { readonly seq: number; readonly state: KeptState | null }[]): void;
	closeJournal(entry: number, end: JournalEnd): void;
	putSet(set: SavedConsumerSet): Result<void>;
	removeSet(profile: ProfileId, id: ConsumerSetId): boolean;
	putView(view: SavedView): void;
	removeView(profile: ProfileId | null, name: string): boolean;
	settleQuarantine(profile: ProfileId, ids: readonly number[], settlement: QuarantineSettlement): readonly number[];
	setRetention(profile: ProfileId, policy: RetentionPolicy | null): void;
	noteRetention(profile: ProfileId, at: number): void;
	sweep(profile: ProfileId, policy: RetentionPolicy, now: number, limit: number): number;
	compact(pages: number): number;
	commitSchedules(profile: ProfileId, steps: readonly ScheduleStep[]): void;
	commitSchedulesIf(profile: ProfileId, expected: readonly ExpectedChange[], steps: readonly ScheduleStep[]): boolean;
	writeLocalSchedule(profile: ProfileId, write: BookWrite, at: number): WriteOutcome;
	claimRuns(
		runs: readonly ScheduleRun[],
		lease: { readonly name: string; readonly holder: string },
		now: number,
	): Result<readonly (ScheduleRun | null)[]>;
	settleRuns(
		runs: readonly ScheduleRun[],
		lease: { readonly name: string; readonly holder: string } | null,
		now: number,
	): readonly boolean[];
	receiveRuns(profile: ProfileId, received: ReceivedRuns): void;
	putWatchNotes(profile: ProfileId, kind: string, notes: readonly WatchNote[], keep: number): void;
	addFigures(profile: ProfileId, round: FigureRound): void;
	sweepFigures(profile: ProfileId, before: Readonly<Record<FigureTier, number>>, limit: number): number;
	changeGroup(profile: ProfileId, key: string, change: GroupChange, now: number): Result<GroupChanged>;
	hold(name: string, holder: string, ttlMs: number, now: number): Result<void>;
	release(name: string, holder: string): void;
	expired(prefix: string, now: number): readonly { readonly name: string; readonly holder: string }[];
}

/** To a thread. */
export type Request =
	| { readonly kind: 'call'; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
	/** Writer only: works off all marks of the search index and all purges, then answers. */
	| { readonly kind: 'settle'; readonly id: number }
	/** Finish what was asked, close the file, end. */
	| { readonly kind: 'close' };

/** From a thread. */
export type Reply =
	| { readonly kind: 'opened'; readonly result: Result<Opened> }
	| { readonly kind: 'done'; readonly id: number; readonly value: unknown }
	| { readonly kind: 'failed'; readonly id: number; readonly failure: Failure }
	| { readonly kind: 'slow'; readonly name: string; readonly ms: number }
	/** Writer only: something other than tasks changed in the background and failed. */
	| { readonly kind: 'trouble'; readonly failure: Failure };

/** How opening went. */
export interface Opened {
	/** Schema before; null for a new file. */
	readonly from: number | null;
	readonly schema: number;
	readonly backup: string | null;
}

/** What a thread is started with. */
export interface ThreadData {
	readonly role: 'writer' | 'reader';
	readonly file: string;
	readonly now: number;
}
