/** What others see of those who run schedules in this process, and how this process calls itself. */
import { hostname } from 'node:os';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { BookKind } from '#main/domain/schedule.ts';
import type { BookView } from '#main/ipc/contract/schedule-answers.ts';

export interface Keepers extends AsyncDisposable {
	/** Runs a profile's schedules in this process from now on, also after it was edited. */
	start(profile: Profile): void;
	/** Who runs a book, so far as this process knows; null: nobody here asks. */
	runner(profile: ProfileId, kind: BookKind): BookView['runner'];
	/** Ends those of a profile whose books are about to go; they come back with its next edit or `refresh`. */
	stop(profile: ProfileId): Promise<void>;
	/** Makes the keepers of all profiles that are to have some what they should be. */
	refresh(): Promise<void>;
	onChange(profile: ProfileId, listener: () => void): Disposable;
}

/** How this process is named in runs and leases. */
export function runnerName(): string {
	return `${hostname()}:${process.pid}`;
}
