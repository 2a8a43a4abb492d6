/** What the writer's thread does: requests that came together become one transaction. */

import type Database from 'better-sqlite3';
import type { Failure } from '#main/domain/result.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';
import type { HistoryOp } from '#main/domain/task.ts';
import { auditWriter } from './audit.ts';
import { savedSetTable } from './consumer-sets.ts';
import { countKeeper } from './counts.ts';
import { groupTable } from './failure-groups.ts';
import { failureKeeper } from './failure-keeper.ts';
import { failureOf } from './failures.ts';
import { figureTable } from './figures.ts';
import { Fold } from './fold.ts';
import { type SlowListener, type WriteHandle, writeHandle } from './handles.ts';
import { journalTable } from './journal.ts';
import { leaseTable } from './leases.ts';
import { patiently } from './migrate.ts';
import { type PackedFacts, packFacts, unpackOps } from './packed-ops.ts';
import { profileKeys } from './profile-keys.ts';
import { profileTable } from './profile-rows.ts';
import type { WriteCalls } from './protocol.ts';
import { purger } from './purge.ts';
import { quarantineTable } from './quarantine.ts';
import { retentionTable } from './retention.ts';
import { runTable } from './schedule-runs.ts';
import { scheduleTable } from './schedules.ts';
import { searchIndex } from './search-index.ts';
import { seenKeeper } from './seen.ts';
import { viewTable } from './views.ts';
import { watchNoteTable } from './watch-notes.ts';

/** One request to be carried out. */
export interface WriteRequest {
	readonly name: string;
	readonly args: readonly unknown[];
}

export type WriteOutcome =
	| { readonly ok: true; readonly value: unknown }
	| { readonly ok: false; readonly failure: Failure };

/** Tasks that one background step takes on: a few milliseconds, so that requests don't wait long behind it. */
const INDEX_STEP = 150;
const PURGE_STEP = 200;

/** Owns the writing connection. Everything is synchronous; the thread around it decides when. */
export class Writer implements Disposable {
	readonly #file: string;
	readonly #db: WriteHandle & Disposable;
	readonly #keepers;
	readonly #fold: Fold;
	readonly #calls: WriteCalls;
	readonly #purge: (limit: number) => boolean;
	#seenVersion = -1;
	#indexDue = true;
	#purgeDue = true;
	#groupingDue = true;

	constructor(db: Database.Database, file: string, slow: SlowListener) {
		this.#file = file;
		this.#db = writeHandle(db, slow);
		const keys = profileKeys(this.#db);
		const counts = countKeeper(this.#db);
		const seen = seenKeeper(this.#db);
		const search = searchIndex(this.#db);
		const quarantine = quarantineTable(this.#db);
		const failures = failureKeeper(this.#db);
		this.#keepers = { keys, counts, seen, search, quarantine, failures };
		this.#fold = new Fold(this.#db, this.#keepers);
		const figures = figureTable(this.#db);
		const tasks = purger(this.#db, this.#keepers);
		this.#purge = (limit) => tasks(limit) || figures.purge(limit);
		const profiles = profileTable(this.#db);
		const leases = leaseTable(this.#db);
		const audit = auditWriter(this.#db);
		const journal = journalTable(this.#db);
		const sets = savedSetTable(this.#db);
		const views = viewTable(this.#db);
		const retention = retentionTable(this.#db, this.#keepers);
		const schedules = scheduleTable(this.#db);
		const notes = watchNoteTable(this.#db);
		const groups = groupTable(this.#db, failures.forget);
		const runs = runTable(this.#db, schedules.raise);
		this.#calls = {
			apply: (ops) => this.#applied(ops),
			applyPacked: (packed) => this.#applied(unpackOps(packed)),
			putProfile: (profile) => profiles.put(profile),
			removeProfile: (id) => {
				profiles.remove(id);
				keys.detach(id);
				sets.dropAll(id);
				views.dropAll(id);
				retention.drop(id);
				schedules.dropAll(id);
				notes.dropAll(id);
				figures.detach(id);
				runs.dropFollowed(id);
				this.#purgeDue = true;
			},
			audit,
			journal: journal.append,
			beginJournal: journal.begin,
			keepMessages: journal.keep,
			settleKept: journal.settle,
			closeJournal: journal.close,
			putSet: (set) => sets.put(set),
			putView: (view) => views.put(view),
			removeView: (profile, name) => views.remove(profile, name),
			removeSet: (profile, id) => sets.remove(profile, id),
			settleQuarantine: (profile, ids, settlement) => quarantine.settle(profile, ids, settlement),
			setRetention: (profile, policy) => retention.setPolicy(profile, policy),
			noteRetention: (profile, at) => retention.noteRun(profile, at),
			sweep: (profile, policy, now, limit) => retention.sweep(profile, policy, now, limit),
			compact: (pages) => retention.compact(pages),
			commitSchedules: (profile, steps) => schedules.commit(profile, steps),
			commitSchedulesIf: (profile, expected, steps) => schedules.commitIf(profile, expected, steps),
			writeLocalSchedule: (profile, write, at) => schedules.writeLocal(profile, write, at),
			claimRuns: (claims, lease, now) => runs.claim(claims, lease, now),
			settleRuns: (settled, lease, now) => runs.settle(settled, lease, now),
			receiveRuns: (profile, received) => runs.receive(profile, received),
			putWatchNotes: (profile, kind, some, keep) => notes.put(profile, kind, some, keep),
			addFigures: (profile, round) => figures.add(profile, round),
			sweepFigures: (profile, before, limit) => figures.sweep(profile, before, limit),
			changeGroup: (profile, key, change, now) => {
				const changed = groups.change(profile, key, change, now);
				if (changed.ok) keys.raise(keys.key(profile));
				return changed;
			},
			hold: (name, holder, ttlMs, now) => leases.hold(name, holder, ttlMs, now),
			release: (name, holder) => leases.release(name, holder),
			expired: (prefix, now) => leases.takeExpired(prefix, now),
		};
	}

	/** Carries requests out in one transaction. A request that fails takes only itself back, unless the disk or file is at fault. */
	run(requests: readonly WriteRequest[]): readonly WriteOutcome[] {
		const outcomes: WriteOutcome[] = [];
		const durable = requests.some(isDurable);
		try {
			if (durable) this.#db.durably(true);
			this.#begin();
			for (const request of requests) outcomes.push(this.#runOne(request, requests.length > 1));
			this.#commit();
			this.#indexDue = true;
			return outcomes;
		} catch (error) {
			this.#rollBack();
			const failure = failureOf(error, this.#file);
			return requests.map((_, at) => {
				const outcome = outcomes[at];
				return outcome?.ok === false ? outcome : { ok: false, failure };
			});
		} finally {
			if (durable) this.#db.durably(false);
		}
	}

	/** One step of what can wait; false when there is nothing to do. Throws what SQLite throws. */
	step(): boolean {
		if (!this.#indexDue && !this.#purgeDue && !this.#groupingDue) return false;
		try {
			this.#begin();
			if (this.#indexDue) this.#indexDue = this.#keepers.search.work(INDEX_STEP) === INDEX_STEP;
			else if (this.#purgeDue) this.#purgeDue = this.#purge(PURGE_STEP);
			else this.#groupingDue = this.#keepers.failures.work();
			this.#commit();
			return true;
		} catch (error) {
			this.#rollBack();
			throw error;
		}
	}

	/** Closes the file, after folding the write-ahead log into it as far as readers allow. */
	[Symbol.dispose](): void {
		this.#db[Symbol.dispose]();
	}

	#runOne(request: WriteRequest, shared: boolean): WriteOutcome {
		const call = callNamed(this.#calls, request.name);
		if (!shared) {
			const value = call(...request.args);
			this.#settleKeepers();
			return { ok: true, value };
		}
		this.#db.execute('savepoint', 'SAVEPOINT request');
		try {
			const value = call(...request.args);
			this.#settleKeepers();
			this.#db.execute('release', 'RELEASE request');
			return { ok: true, value };
		} catch (error) {
			const failure = failureOf(error, this.#file);
			// A full disk or a damaged file fails everybody: SQLite may have rolled back already.
			if (failure.details?.kind !== 'defect' || !this.#db.inTransaction()) throw error;
			this.#db.execute('roll back to savepoint', 'ROLLBACK TO request; RELEASE request');
			this.#forget();
			return { ok: false, failure };
		}
	}

	#applied(ops: readonly HistoryOp[]): PackedFacts {
		return packFacts(ops, this.#fold.applyAll(ops));
	}

	#settleKeepers(): void {
		this.#keepers.counts.flush();
		for (const key of this.#fold.takeTouched()) this.#keepers.keys.raise(key);
	}

	#begin(): void {
		patiently(() => this.#db.execute('begin', 'BEGIN IMMEDIATE'));
		// Another process may have renamed, removed or purged what is remembered here.
		const version = this.#db.dataVersion();
		if (version !== this.#seenVersion) this.#forget();
		this.#seenVersion = version;
	}

	#commit(): void {
		this.#db.execute('commit', 'COMMIT');
	}

	#rollBack(): void {
		if (this.#db.inTransaction()) this.#db.execute('roll back', 'ROLLBACK');
		this.#forget();
	}

	#forget(): void {
		this.#keepers.keys.forget();
		this.#keepers.seen.forget();
		this.#keepers.search.forget();
		this.#keepers.counts.forget();
		this.#keepers.failures.forget();
		this.#fold.forget();
	}
}

/**
 * What must be on the disk before its caller goes on: a due time whose claim a power cut took back would be published again, and a
 * message that is removed from its queue once it is kept would be nowhere. All else
 * may lose its last moments to a power cut, and nothing but time to a crash.
 */
function isDurable({ name, args }: WriteRequest): boolean {
	if (name === 'claimRuns' || name === 'keepMessages') return true;
	return name === 'settleRuns' && (args[0] as readonly ScheduleRun[]).some((run) => run.state === 'claimed');
}

function callNamed(calls: WriteCalls, name: string): (...args: readonly unknown[]) => unknown {
	if (!Object.hasOwn(calls, name)) throw new Error(`The writer has no call "${name}"`);
	return calls[name as keyof WriteCalls] as (...args: readonly unknown[]) => unknown;
}
