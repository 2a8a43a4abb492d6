/** The store over its threads: one writer, two readers. */
import { join } from 'node:path';
import { type Clock, systemClock } from '#main/domain/clock.ts';
import type { Log } from '#main/domain/log.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { type Beginnings, beginnings, type PackedFacts, packOps, unpackFacts } from './packed-ops.ts';
import type { ReadCalls, WriteCalls } from './protocol.ts';
import type {
	FigureStore,
	Foresight,
	GroupStore,
	HistoryStore,
	JournalStore,
	LeaseStore,
	ProfileStore,
	QuarantineStore,
	RecordStore,
	RetentionStore,
	SavedSetStore,
	ScheduleStore,
	Store,
	ViewStore,
	WatchStore,
} from './store.ts';
import { Ticker } from './ticks.ts';
import { type StoreThread, startThread } from './worker-thread.ts';

export interface StoreOptions {
	/** Folder of `warren.db`; made if need be. */
	readonly home: string;
	/** Module of the threads: `thread.ts` from source, its bundle elsewhere. */
	readonly thread: URL;
	readonly log: Log;
	readonly clock?: Clock;
}

/** Name of the file within the home. */
export const STORE_FILE = 'warren.db';

const OLDEST_NODE = 22;

/** What is foreseen of a message that nothing is known of. */
const NOTHING_KNOWN: Foresight = { attemptNumber: 1, earlierOutcome: null };

/**
 * Opens the store of a home, migrating its file first if need be. Fails in words, with nothing left running, when the file
 * is damaged, written by a newer Warren, or cannot be written.
 */
export async function openStore(options: StoreOptions): Promise<Result<OpenStore>> {
	const node = Number(process.versions.node.split('.')[0]);
	if (node < OLDEST_NODE) {
		return fail('unsupported', `Warren's store needs Node ${OLDEST_NODE} or newer; this is ${process.version}.`);
	}
	const { log, thread: url, clock = systemClock } = options;
	const file = join(options.home, STORE_FILE);
	await using stack = new AsyncDisposableStack();
	const writer = await startThread<WriteCalls>(url, { role: 'writer', file, now: clock.now() }, log);
	if (!writer.ok) return writer;
	stack.use(writer.value.thread);
	const { opened } = writer.value;
	if (opened.from !== opened.schema) {
		log.info('store.migrated', { from: opened.from, to: opened.schema, backup: opened.backup });
	}
	const readers: StoreThread<ReadCalls>[] = [];
	for (const _ of [1, 2]) {
		const reader = await startThread<ReadCalls>(url, { role: 'reader', file, now: clock.now() }, log);
		if (!reader.ok) return reader;
		readers.push(stack.use(reader.value.thread));
	}
	const [first, second] = readers;
	if (first === undefined || second === undefined) throw new Error('Two readers were started');
	const ticker = stack.use(new Ticker((profiles, force) => first.call('pulse', profiles, force), clock, log));
	return ok(new ThreadedStore({ writer: writer.value.thread, first, second, ticker, clock, stack: stack.move() }));
}

/** A store with what tests and benches need besides. */
export interface OpenStore extends Store {
	/** Resolves when the search index has caught up and removed profiles are purged. */
	settle(): Promise<void>;
	/** For tests: the threads, to crash one. */
	readonly threads: {
		readonly writer: StoreThread<WriteCalls>;
		readonly readers: readonly StoreThread<ReadCalls>[];
	};
}

interface Parts {
	readonly writer: StoreThread<WriteCalls>;
	readonly first: StoreThread<ReadCalls>;
	/** Takes what may be long, so that pages never wait behind a count. */
	readonly second: StoreThread<ReadCalls>;
	readonly ticker: Ticker;
	readonly clock: Clock;
	readonly stack: AsyncDisposableStack;
}

class ThreadedStore implements OpenStore {
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
	readonly threads: OpenStore['threads'];
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
		this.threads = { writer: parts.writer, readers: [parts.first, parts.second] };
		const { writer, first, second, ticker, clock } = parts;
		/** The less busy reader, for what is always quick. */
		const quick = () => (second.waiting < first.waiting ? second : first);
		const written = async (facts: Promise<PackedFacts>, begun: Beginnings) => {
			const packed = await facts;
			ticker.touched();
			return unpackFacts(begun, packed);
		};
		this.history = {
			// Waits for nothing itself, so that it holds nothing but keys while operations are written: kept as long as that, those of a
			// burst would all grow old, and a heap of a few megabytes becomes one of two hundred.
			async apply(ops) {
				if (ops.length === 0) return [];
				const packed = packOps(ops);
				return written(
					packed === null ? writer.call('apply', ops) : writer.call('applyPacked', packed),
					beginnings(ops),
				);
			},
			async foresee(profile, keys) {
				const seen = await quick().call('foresee', profile, keys);
				return seen.map((one) => one ?? NOTHING_KNOWN);
			},
			retries: (profile, now, limit) => quick().call('retries', profile, now, limit),
			page: (request) => quick().call('page', request, clock.now()),
			exportTasks: (request) => second.call('exportTasks', request, clock.now()),
			report: (request) => second.call('report', request, clock.now()),
			exportRuns: (request) => second.call('exportRuns', request, clock.now()),
			count: (profile, query) => second.call('count', profile, query, clock.now()),
			ids: (profile, query, limit) => second.call('ids', profile, query, limit, clock.now()),
			rows: (profile, ids) => quick().call('rows', profile, ids),
			relatives: (profile, ids, limit) => quick().call('relatives', profile, ids, limit),
			keptArguments: (profile, ids) => second.call('keptArguments', profile, ids),
			detail: (profile, id) => quick().call('detail', profile, id),
			taskOfMessage: (profile, messageId) => quick().call('taskOfMessage', profile, messageId),
			log: (attempt, request) => (request.search === '' ? quick() : second).call('log', attempt, request),
			findLines: (attempt, request) => second.call('findLines', attempt, request),
			linesAt: (attempt, seqs) => quick().call('linesAt', attempt, seqs),
			message: (attempt) => quick().call('message', attempt),
			counts: (profile) => quick().call('counts', profile),
			names: (profile, limit) => quick().call('names', profile, limit),
			queues: (profile) => quick().call('queues', profile),
			searchLogs: (request) => second.call('searchLogs', request, clock.now()),
			facet: (profile, query, column) => quick().call('facet', profile, query, column, clock.now()),
			calls: (profile, query) => quick().call('calls', profile, query, clock.now()),
			onTick: (profile, listener) => ticker.onTick(profile, listener),
		};
		this.profiles = {
			list: () => quick().call('profiles'),
			async put(profile) {
				const result = await writer.call('putProfile', profile);
				ticker.touched();
				return result;
			},
			async remove(id) {
				await writer.call('removeProfile', id);
				ticker.touched();
			},
			onChange: (listener) => ticker.onProfiles(listener),
		};
		this.records = {
			audit: (entry) => writer.call('audit', entry),
			auditList: (request) => quick().call('auditList', request, clock.now()),
			verifyAudit: () => second.call('verifyAudit'),
			journal: (entry) => writer.call('journal', entry),
		};
		this.journal = {
			list: (profile, limit) => quick().call('journalList', profile, limit),
			get: (profile, id) => quick().call('journalEntry', profile, id),
			messages: (entry, request) => quick().call('journalMessages', entry, request),
			begin: (entry, undoOf) => writer.call('beginJournal', entry, undoOf),
			keep: (entry, items) => writer.call('keepMessages', entry, items),
			settle: (entry, states) => writer.call('settleKept', entry, states),
			close: (entry, end) => writer.call('closeJournal', entry, end),
		};
		this.leases = {
			hold: (name, holder, ttlMs) => writer.call('hold', name, holder, ttlMs, clock.now()),
			release: (name, holder) => writer.call('release', name, holder),
			holder: (name) => quick().call('leaseHolder', name, clock.now()),
			expired: (prefix) => writer.call('expired', prefix, clock.now()),
		};
		this.views = {
			list: (profile) => quick().call('savedViews', profile),
			put: (view) => writer.call('putView', view),
			remove: (profile, name) => writer.call('removeView', profile, name),
		};
		this.sets = {
			list: (profile) => quick().call('savedSets', profile),
			put: (set) => writer.call('putSet', set),
			remove: (profile, id) => writer.call('removeSet', profile, id),
		};
		this.quarantine = {
			page: (profile, request) => quick().call('quarantinePage', profile, request),
			get: (profile, id) => quick().call('quarantined', profile, id),
			settle: (profile, ids, settlement) => writer.call('settleQuarantine', profile, ids, settlement),
		};
		this.watching = {
			put: (profile, kind, notes, keep) => writer.call('putWatchNotes', profile, kind, notes, keep),
			list: (profile, kind, limit) => quick().call('watchNotes', profile, kind, limit),
		};
		this.figures = {
			add: (profile, round) => writer.call('addFigures', profile, round),
			history: (request, minutesSince) => second.call('figureHistory', request, minutesSince),
			sweep: (profile, before, limit) => writer.call('sweepFigures', profile, before, limit),
		};
		this.groups = {
			list: (request) => second.call('failureGroups', request, clock.now()),
			get: (profile, key, window, limit) => quick().call('failureGroup', profile, key, window, limit, clock.now()),
			ids: (profile, key, query, limit) => second.call('groupIds', profile, key, query, limit, clock.now()),
			differs: (profile, key, task) => second.call('groupDiffers', profile, key, task),
			async change(profile, key, change) {
				const changed = await writer.call('changeGroup', profile, key, change, clock.now());
				ticker.touched();
				return changed;
			},
		};
		this.retention = {
			settings: (profile) => quick().call('retention', profile),
			set: (profile, policy) => writer.call('setRetention', profile, policy),
			noteRun: (profile, at) => writer.call('noteRetention', profile, at),
			preview: (profile, policy, now) => second.call('previewRetention', profile, policy, now),
			async sweep(profile, policy, now, limit) {
				const removed = await writer.call('sweep', profile, policy, now, limit);
				if (removed > 0) ticker.touched();
				return removed;
			},
			compact: (pages) => writer.call('compact', pages),
		};
		/** What a writing call resolves is also told to listeners of schedules. */
		const told = async <T>(done: Promise<T>): Promise<T> => {
			const value = await done;
			ticker.touched();
			return value;
		};
		this.schedules = {
			entries: (profile, book) => second.call('scheduleEntries', profile, book),
			entry: (profile, book, key) => quick().call('scheduleEntry', profile, book, key),
			books: (profile) => quick().call('scheduleBooks', profile),
			changes: (profile) => second.call('scheduleChanges', profile),
			change: (profile, book, key) => quick().call('scheduleChange', profile, book, key),
			versions: (profile, of, limit) => quick().call('scheduleVersions', profile, of, limit),
			version: (profile, id) => quick().call('scheduleVersion', profile, id),
			runs: (profile, request) => quick().call('scheduleRuns', profile, request),
			lastRuns: (profile, of) => quick().call('lastRuns', profile, of),
			troubled: (profile, since) => quick().call('troubledRuns', profile, since),
			openRuns: (profile, book) => quick().call('openRuns', profile, book),
			cursors: (profile, book) => second.call('runCursors', profile, book),
			revision: (profile) => quick().call('schedulesRevision', profile),
			definitions: (profile, book) => quick().call('definitionsRevision', profile, book),
			commit: (profile, steps) => told(writer.call('commitSchedules', profile, steps)),
			commitIf: (profile, expected, steps) => told(writer.call('commitSchedulesIf', profile, expected, steps)),
			writeLocal: (profile, write, at) => told(writer.call('writeLocalSchedule', profile, write, at)),
			claim: (runs, lease) => told(writer.call('claimRuns', runs, lease, clock.now())),
			settle: (runs, lease) => told(writer.call('settleRuns', runs, lease, clock.now())),
			receive: (profile, received) => told(writer.call('receiveRuns', profile, received)),
			followed: (profile, book, ledger) => quick().call('runsFollowed', profile, book, ledger),
			onChange: (profile, listener) => ticker.onSchedules(profile, listener),
		};
	}

	settle(): Promise<void> {
		return this.#parts.writer.settle();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#parts.stack.disposeAsync();
	}
}
