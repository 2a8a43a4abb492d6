/** What a reader's thread answers. */

import type { ProfileId } from '#main/domain/ids.ts';
import { attemptsByMessage } from './attempts-by-message.ts';
import { auditList, verifyAudit } from './audit.ts';
import { SEEN } from './codes.ts';
import { savedSets } from './consumer-sets.ts';
import { taskCounts } from './counts.ts';
import { exportRuns, exportTasks } from './export.ts';
import { callsOf, facetOf } from './facets.ts';
import { failureGroup, failureGroups, groupIds } from './failure-lists.ts';
import { groupDiffers } from './failure-sample.ts';
import { figureHistory } from './figures.ts';
import { earlierOutcome } from './fold-facts.ts';
import { GramSample } from './gram-sample.ts';
import type { ReadHandle } from './handles.ts';
import { journalEntry, journalList, journalMessages } from './journal.ts';
import { leaseHolder } from './leases.ts';
import { relatives } from './lineage.ts';
import { countTasks, LIST_LIMITS, type ListLimits, type ListReader, matchingIds, taskPage } from './lists.ts';
import { findLines, linesAt, logPage } from './log-lines.ts';
import { searchLogs } from './log-search.ts';
import { rawMessage } from './messages.ts';
import { keptArguments } from './observed-read.ts';
import { profileKeyOf } from './profile-keys.ts';
import { listProfiles, profilesRevision } from './profile-rows.ts';
import type { ReadCalls } from './protocol.ts';
import { quarantined, quarantinePage } from './quarantine.ts';
import { readReport } from './reports.ts';
import { previewRetention, retentionOf } from './retention.ts';
import { pendingRetries } from './retries.ts';
import { lastRuns, openRuns, runCursors, runsFollowed, scheduleRuns, troubledRuns } from './schedule-runs.ts';
import {
	definitionsRevision,
	scheduleBooks,
	scheduleChange,
	scheduleChanges,
	scheduleEntries,
	scheduleEntry,
	schedulesRevision,
	scheduleVersion,
	scheduleVersions,
} from './schedules.ts';
import { seenTexts } from './seen.ts';
import { SqlTests } from './sql-pieces.ts';
import type { Foresight } from './store.ts';
import { taskDetail, taskOfMessage, taskRows } from './tasks.ts';
import { savedViews } from './views.ts';
import { watchNotes } from './watch-notes.ts';

const MOST_QUEUES = 1_000;

/** Every call of `ReadCalls`, over one read-only connection. */
export function readCalls(db: ReadHandle, limits: ListLimits = LIST_LIMITS): ReadCalls {
	const lists: ListReader = { db, tests: new SqlTests(db), grams: new GramSample(db), limits };
	let seenVersion: number | null = null;
	return {
		page: (request, now) => taskPage(lists, request, now),
		exportTasks: (request, now) => exportTasks(lists, request, now),
		report: (request, now) => readReport(lists, request, now),
		exportRuns: (request, now) => exportRuns(lists, request, now),
		count: (profile, query, now) => countTasks(lists, profile, query, now),
		ids: (profile, query, limit, now) => matchingIds(lists, profile, query, limit, now),
		rows: (profile, ids) => taskRows(db, profile, ids),
		detail: (profile, id) => taskDetail(db, profile, id),
		taskOfMessage: (profile, messageId) => taskOfMessage(db, profile, messageId),
		relatives: (profile, keys, limit) => relatives(db, profile, keys, limit),
		keptArguments: (profile, ids) => keptArguments(db, profile, ids),
		foresee: (profile, keys) => foresee(db, profile, keys),
		retries: (profile, now, limit) => pendingRetries(db, profile, now, limit),
		log: (attempt, request) => db.snapshot(() => logPage(db, attempt, request)),
		findLines: (attempt, request) => db.snapshot(() => findLines(db, attempt, request)),
		linesAt: (attempt, seqs) => db.snapshot(() => linesAt(db, attempt, seqs)),
		message: (attempt) => db.snapshot(() => rawMessage(db, attempt)),
		counts: (profile) => taskCounts(db, profile),
		names: (profile, limit) => seenOf(db, profile, SEEN.name, limit),
		queues: (profile) => seenOf(db, profile, SEEN.queue, MOST_QUEUES),
		facet: (profile, query, column, now) => facetOf(lists, profile, query, column, now),
		calls: (profile, query, now) => callsOf(lists, profile, query, now),
		pulse(profiles, force) {
			const version = db.dataVersion();
			const changed = force || version !== seenVersion;
			seenVersion = version;
			return {
				counts: changed ? profiles.map((profile) => taskCounts(db, profile)) : null,
				schedules: changed ? profiles.map((profile) => schedulesRevision(db, profile)) : [],
				profilesRevision: changed ? profilesRevision(db) : -1,
			};
		},
		profiles: () => listProfiles(db),
		auditList: (request, now) => auditList(db, lists.tests, request, now),
		searchLogs: (request, now) => searchLogs(lists, request, now),
		verifyAudit: () => verifyAudit(db),
		journalList: (profile, limit) => journalList(db, profile, limit),
		journalEntry: (profile, id) => journalEntry(db, profile, id),
		journalMessages: (entry, request) => journalMessages(db, entry, request),
		scheduleEntries: (profile, book) => scheduleEntries(db, profile, book),
		scheduleEntry: (profile, book, key) => scheduleEntry(db, profile, book, key),
		scheduleBooks: (profile) => scheduleBooks(db, profile),
		scheduleChanges: (profile) => scheduleChanges(db, profile),
		scheduleChange: (profile, book, key) => scheduleChange(db, profile, book, key),
		scheduleVersions: (profile, of, limit) => scheduleVersions(db, profile, of, limit),
		scheduleVersion: (profile, id) => scheduleVersion(db, profile, id),
		scheduleRuns: (profile, request) => db.snapshot(() => scheduleRuns(db, profile, request)),
		lastRuns: (profile, of) => db.snapshot(() => lastRuns(db, profile, of)),
		troubledRuns: (profile, since) => troubledRuns(db, profile, since),
		openRuns: (profile, book) => openRuns(db, profile, book),
		runCursors: (profile, book) => runCursors(db, profile, book),
		runsFollowed: (profile, book, ledger) => runsFollowed(db, profile, book, ledger),
		schedulesRevision: (profile) => schedulesRevision(db, profile),
		definitionsRevision: (profile, book) => definitionsRevision(db, profile, book),
		leaseHolder: (name, now) => leaseHolder(db, name, now),
		watchNotes: (profile, kind, limit) => watchNotes(db, profile, kind, limit),
		figureHistory: (request, minutesSince) => figureHistory(db, request, minutesSince),
		savedSets: (profile) => savedSets(db, profile),
		savedViews: (profile) => savedViews(db, profile),
		quarantinePage: (profile, request) => quarantinePage(db, profile, request),
		quarantined: (profile, id) => quarantined(db, profile, id),
		retention: (profile) => retentionOf(db, profile),
		previewRetention: (profile, policy, now) => previewRetention(db, profile, policy, now),
		failureGroups: (request, now) => failureGroups(lists, request, now),
		failureGroup: (profile, key, window, limit, now) => failureGroup(lists, profile, key, window, limit, now),
		groupDiffers: (profile, key, task) => groupDiffers(db, profile, key, task),
		groupIds: (profile, key, query, limit, now) => groupIds(lists, profile, key, query, limit, now),
	};
}

function seenOf(db: ReadHandle, profile: ProfileId, kind: number, limit: number): readonly string[] {
	const key = profileKeyOf(db, profile);
	return key === null ? [] : seenTexts(db, key, kind, limit);
}

/** What `started` would find for each key; the fold's own rules, read only. */
function foresee(db: ReadHandle, profile: ProfileId, keys: readonly string[]): readonly (Foresight | null)[] {
	return db.snapshot(() => {
		const profileKey = profileKeyOf(db, profile);
		// Sorted here: with ORDER BY, SQLite compiled the statement anew for each key, which cost seven times as much as running it.
		const known = attemptsByMessage<{ id: number; state: number; number: number; task: number }>(
			db,
			'id, state, number, task',
		);
		const last = db.read<{ n: number | null }>('last number', 'SELECT max(number) AS n FROM attempts WHERE task = ?');
		return keys.map((key) => {
			const found = profileKey === null ? [] : known(profileKey, key);
			if (found.length === 0) return null;
			const attempts = found.toSorted((a, b) => a.id - b.id);
			const waiting = attempts.findLastIndex((attempt) => attempt.state === 0);
			if (waiting >= 0) {
				const earlier = attempts.slice(0, waiting);
				return { attemptNumber: attempts[waiting]?.number ?? 1, earlierOutcome: earlierOutcome(earlier) };
			}
			const task = attempts.at(-1)?.task;
			const number = task === undefined ? 0 : (last.get(task)?.n ?? 0);
			return { attemptNumber: number + 1, earlierOutcome: earlierOutcome(attempts) };
		});
	});
}
