/** Everything known here of a profile's schedules, gathered once per revision, and schedules found by what people call them. */
import type { ProfileId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookKind, ScheduleRun } from '#main/domain/schedule.ts';
import type { ScheduleCounts, ScheduleView } from '#main/ipc/contract/schedule-answers.ts';
import type { ScheduleStore } from '#main/store/store.ts';
import { countsOf, idOf, type Overlaid, overlay, viewOf } from './schedule-views.ts';

/** What lists, counts and finding work on. */
export interface Gathered {
	readonly revision: number;
	readonly rows: readonly Overlaid[];
	/** Runs of the last day in trouble, by schedule. */
	readonly troubled: ReadonlyMap<string, number>;
}

export interface ScheduleDesk {
	gather(profile: ProfileId): Promise<Gathered>;
	counts(gathered: Gathered): ScheduleCounts;
	/** Views of some rows (at most 500), with their newest runs. */
	views(profile: ProfileId, gathered: Gathered, rows: readonly Overlaid[]): Promise<readonly ScheduleView[]>;
	/**
	 * One schedule by name, or by key. `not-found`; `invalid-input` where several books have one of that name and none was named
	 * (`details.books`).
	 */
	find(gathered: Gathered, text: string, book: BookKind | undefined): Result<Overlaid>;
	/** Drops what is remembered of a profile. */
	forget(profile: ProfileId): void;
}

/** Rows by name and by key. */
interface Index {
	readonly names: ReadonlyMap<string, readonly Overlaid[]>;
	readonly keys: ReadonlyMap<string, readonly Overlaid[]>;
}

const DAY = 86_400_000;

/** Keeps what was read last of each profile: a list of ten thousand is not read again for every look at it. */
export function createScheduleDesk(store: ScheduleStore, now: () => number): ScheduleDesk {
	const kept = new Map<ProfileId, { readonly at: number; readonly gathered: Gathered }>();
	/** Trouble ages out of its day without anything changing. */
	const FRESH_MS = 60_000;

	/** Ten thousand ticked schedules are found one by one: by looking through all for each, that would stop everything for seconds. */
	const indexes = new WeakMap<Gathered, Index>();
	function indexOf(gathered: Gathered): Index {
		const known = indexes.get(gathered);
		if (known !== undefined) return known;
		const names = Map.groupBy(gathered.rows, (one) => one.definition.name);
		const keys = Map.groupBy(gathered.rows, (one) => one.key);
		const index = { names, keys };
		indexes.set(gathered, index);
		return index;
	}

	return {
		async gather(profile) {
			const revision = await store.revision(profile);
			const known = kept.get(profile);
			if (known !== undefined && known.gathered.revision === revision && now() - known.at < FRESH_MS) {
				return known.gathered;
			}
			const [entries, changes, troubles] = await Promise.all([
				store.entries(profile, null),
				store.changes(profile),
				store.troubled(profile, now() - DAY),
			]);
			const troubled = new Map(troubles.map((one) => [idOf(one), one.count]));
			// Under the revision read first: what was committed meanwhile is at worst read once more.
			const gathered = { revision, rows: overlay(entries, changes), troubled };
			kept.set(profile, { at: now(), gathered });
			return gathered;
		},
		counts: ({ rows, troubled }) => countsOf(rows, troubled),
		async views(profile, { troubled }, rows) {
			const runs = await store.lastRuns(
				profile,
				rows.map(({ book, key }) => ({ book, key })),
			);
			const last = new Map<string, ScheduleRun>(runs.map((run) => [idOf(run), run]));
			return rows.map((one) => {
				const id = idOf(one);
				return viewOf(one, { lastRun: last.get(id) ?? null, troubled: troubled.get(id) ?? 0, now: now() });
			});
		},
		find(gathered, text, book) {
			const { names, keys } = indexOf(gathered);
			const inBook = (some: readonly Overlaid[] = []) =>
				book === undefined ? some : some.filter((one) => one.book === book);
			const named = inBook(names.get(text));
			const found = named.length > 0 ? named : inBook(keys.get(text));
			const [first, second] = found;
			if (first === undefined) {
				const where = book === undefined ? '' : ` in the ${book} book`;
				return fail(
					'not-found',
					`There is no schedule "${text}"${where}. "schedule list --fetch" reads the books and shows what there is.`,
				);
			}
			if (second !== undefined) {
				const books = [...new Set(found.map((one) => one.book))];
				const message =
					books.length > 1
						? `Several books have a schedule "${text}". Say which: --book ${books.join(' or --book ')}.`
						: `Several schedules of this book are called "${text}". Name it by its key: ${found.map((one) => one.key).join(', ')}.`;
				return fail('invalid-input', message, { details: { field: 'book', books } });
			}
			return ok(first);
		},
		forget: (profile) => void kept.delete(profile),
	};
}
