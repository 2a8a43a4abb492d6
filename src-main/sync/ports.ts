/** What syncing needs of a book and of the store, and no more. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { Result } from '#main/domain/result.ts';
import type {
	BookCapabilities,
	BookEntry,
	BookKind,
	BookReading,
	BookWrite,
	ScheduleDefinition,
	WriteOutcome,
} from '#main/domain/schedule.ts';
import type { ScheduleStore } from '#main/store/store.ts';
import type { BookTurns } from './turns.ts';

/** A book as syncing sees it. The scheduler's books keep this, with the rules that are written there. */
export interface SyncBook {
	readonly kind: BookKind;
	readonly capabilities: Pick<BookCapabilities, 'renames'>;
	/** What of a definition it would not keep; empty: all is well. */
	check(definition: ScheduleDefinition): readonly { readonly message: string }[];
	read(signal?: AbortSignal): Promise<Result<BookReading>>;
	get(key: string): Promise<Result<BookEntry | null>>;
	write(write: BookWrite): Promise<Result<WriteOutcome>>;
}

/** The part of the store that edits and syncs work on. */
export type SyncStore = Pick<
	ScheduleStore,
	'entries' | 'entry' | 'books' | 'changes' | 'change' | 'commit' | 'commitIf'
>;

/** What is synced with what. */
export interface SyncTarget {
	readonly profile: ProfileId;
	readonly book: SyncBook;
	readonly store: SyncStore;
	/** One sync per book at a time. */
	readonly turns: BookTurns;
	readonly now: () => number;
}
