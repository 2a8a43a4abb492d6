/** Schedules of one engine: their books, what is gathered of them, syncing them one at a time, and who runs those that Warren runs. */
import { randomUUID } from 'node:crypto';
import type { ScheduleTarget } from '#main/actions/schedules.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { Result } from '#main/domain/result.ts';
import type { BookKind, BookState, SyncReport } from '#main/domain/schedule.ts';
import type { BookView } from '#main/ipc/contract/schedule-answers.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Store } from '#main/store/store.ts';
import { syncBook } from '#main/sync/sync.ts';
import { BookTurns } from '#main/sync/turns.ts';
import type { Ports } from './ports.ts';
import { BOOK_TITLES, type Books, createBooks, type ProfileBook } from './schedule-books.ts';
import { createScheduleDesk, type Gathered, type ScheduleDesk } from './schedule-desk.ts';
import { createHolders } from './schedule-holders.ts';
import { type Keepers, runnerName } from './schedule-runners.ts';
import { createWatching } from './schedule-watching.ts';
import type { Sites } from './sites.ts';

export interface SyncOptions {
	readonly dryRun?: boolean;
	/** Only these; all when left out. */
	readonly keys?: readonly string[];
	/** Whether edits that the book refused are sent again as they are; default true. */
	readonly refusedAgain?: boolean;
	/** Sends nothing; says why. */
	readonly receiveOnly?: string;
	readonly signal?: AbortSignal;
}

export interface Schedules extends AsyncDisposable {
	readonly books: Books;
	readonly desk: ScheduleDesk;
	/** Syncs one book; waits for a sync of it that is under way, in whatever process of this home. */
	sync(profile: Profile, kind: BookKind, options?: SyncOptions): Promise<Result<SyncReport>>;
	/** What changes of a profile's schedules are made on. */
	target(profile: Profile): ScheduleTarget;
	/** Takes in what others did with due times of a book (null: of all); why that was not possible, in words, else null. */
	catchUpRuns(profile: Profile, kind: BookKind | null): Promise<string | null>;
	bookViews(profile: Profile, gathered: Gathered): Promise<readonly BookView[]>;
	/** Keeps a profile's books connected and in sync until disposed of; calls back when a book's state changes. */
	watch(profile: Profile, changed: () => void): Disposable;
	/** Has what is kept of a profile be as it is by now. */
	renew(profile: Profile): Promise<void>;
	/** Drops what is kept of a profile that is removed. */
	forget(id: ProfileId): Promise<void>;
	/** Who runs schedules here; set once by the engine, which the keepers need in turn. */
	keepers: Keepers | null;
}

/** How long a question about runs waits for what others did, ms. */
const CATCH_UP_MS = 4_000;

/** Puts together what an engine needs for schedules. */
export function createSchedules(ports: Ports, profiles: Profiles, store: Store, sites: Sites): Schedules {
	const { clock } = ports;
	const now = () => clock.now();
	const books = createBooks(ports, profiles, store, sites);
	const desk = createScheduleDesk(store.schedules, now);
	const holder = `${runnerName()}:${randomUUID().slice(0, 8)}`;
	const turns = new BookTurns({ leases: store.leases, holder, clock });

	async function sync(profile: Profile, kind: BookKind, options: SyncOptions = {}): Promise<Result<SyncReport>> {
		const book = books.find(profile, kind);
		if (!book.ok) return book;
		return syncBook({ profile: profile.id, book: book.value, store: store.schedules, turns, now }, options);
	}

	const holders = createHolders(clock, books.all, (id, kind) => (schedules.keepers?.runner(id, kind) ?? null) !== null);
	const watching = createWatching(ports, {
		profiles,
		books: books.hold,
		sync: (profile, kind) => sync(profile, kind, byItself(profile)),
		runners: holders.watch,
	});
	/** Who runs a book. A process that runs none itself asks whoever keeps the right. */
	function runnerOf(id: ProfileId, book: ProfileBook): Promise<BookView['runner']> | BookView['runner'] {
		return schedules.keepers?.runner(id, book.book.kind) ?? holders.runner(book);
	}

	/** Takes in what others did with a book's due times, unless that goes on anyway. Null: done; else why not, in words. */
	async function catchUp({ book, follower }: ProfileBook): Promise<string | null> {
		if (follower === null || follower.current) return null;
		const away = awayWords(book.state());
		const { promise: late, resolve } = Promise.withResolvers<null>();
		using _timer = clock.after(CATCH_UP_MS, () => resolve(null));
		const caught = away === null ? await Promise.race([follower.catchUp(), late]) : null;
		if (caught?.ok === true) return null;
		const why = away ?? (caught === null ? 'The book takes its time to answer.' : caught.error.message);
		return `${why} Runs of the ${book.kind} book are shown as they were last known here.`;
	}

	const schedules: Schedules = {
		books,
		desk,
		keepers: null,
		sync,
		watch: (profile, changed) => watching.watch(profile, changed),
		async catchUpRuns(profile, kind) {
			const asked = books.all(profile).filter(({ book }) => kind === null || book.kind === kind);
			const notes = (await Promise.all(asked.map(catchUp))).filter((note) => note !== null);
			return notes.length === 0 ? null : notes.join(' ');
		},
		target: (profile) => ({
			profile: profile.id,
			schedules: store.schedules,
			records: store.records,
			journal: store.journal,
			leases: store.leases,
			now,
			async sync(kind, keys) {
				const book = books.find(profile, kind);
				if (!book.ok) return book;
				const away = awayWords(book.value.state());
				// A book that is known to be away is not waited for: the edit is kept, and goes when it answers.
				if (away !== null) {
					const at = now();
					return {
						ok: true,
						value: { book: kind, at, state: 'offline', dryRun: false, items: [], unchanged: 0, note: away },
					};
				}
				return sync(profile, kind, { keys });
			},
		}),
		async bookViews(profile, gathered) {
			const stored = new Map((await store.schedules.books(profile.id)).map((one) => [one.book, one]));
			const view = async (one: ProfileBook): Promise<BookView> => {
				const { book, address } = one;
				const rows = gathered.rows.filter((one) => one.book === book.kind);
				const kept = stored.get(book.kind);
				return {
					book: book.kind,
					title: BOOK_TITLES[book.kind],
					state: book.state(),
					capabilities: book.capabilities,
					address,
					readAt: kept?.readAt ?? null,
					schedules: rows.length,
					waiting: rows.filter((one) => one.change !== null).length,
					conflicts: rows.filter((one) => one.change?.conflict != null).length,
					broken: kept?.broken ?? [],
					facts: kept?.facts ?? [],
					runner: book.capabilities.runBy === 'warren' ? await runnerOf(profile.id, one) : null,
				};
			};
			return Promise.all(books.all(profile).map(view));
		},
		async renew(profile) {
			desk.forget(profile.id);
			books.renew(profile);
			await schedules.keepers?.refresh();
		},
		async forget(id) {
			desk.forget(id);
			await schedules.keepers?.stop(id);
			await books.forget(id);
		},
		[Symbol.asyncDispose]: async () => {
			watching[Symbol.dispose]();
			await books[Symbol.asyncDispose]();
		},
	};
	return schedules;
}

/** How books are synced when nobody asked: a refused edit waits for its person, and a read-only profile's edits wait for its being opened. */
export function byItself(profile: Profile): SyncOptions {
	if (!profile.readOnly) return { refusedAgain: false };
	return { refusedAgain: false, receiveOnly: `The profile "${profile.name}" is read-only: its edits wait here.` };
}

/** Why a book is not to be asked now, in words; null: it may answer. */
function awayWords(state: BookState): string | null {
	return state.kind === 'reconnecting' || state.kind === 'refused' ? `The book does not answer: ${state.reason}` : null;
}
