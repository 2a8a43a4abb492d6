/** Who runs the books that Warren runs, as a process learns that does not ask for the right itself. */
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, type Result } from '#main/domain/result.ts';
import type { BookKind } from '#main/domain/schedule.ts';
import type { BookView } from '#main/ipc/contract/schedule-answers.ts';
import type { ProfileBook } from './schedule-books.ts';

export interface Holders {
	/** Who runs a book, at most a few seconds ago. Its ledger gets little time to answer. */
	runner(book: ProfileBook): Promise<NonNullable<BookView['runner']>>;
	/** Asks every few seconds, and calls back when somebody else runs a book, until disposed of. */
	watch(profile: Profile, changed: () => void): Disposable;
}

/** An answer is good for so long. */
const GOOD_MS = 2_000;
const EVERY_MS = 5_000;
const PATIENCE_MS = 2_000;

const NOBODY: Partial<Record<BookKind, string>> = {
	local: 'No window, served console or service of this home runs schedules now.',
	shared: 'No console or service runs the schedules of this book now.',
};

interface Asked {
	readonly at: number;
	readonly runner: Promise<NonNullable<BookView['runner']>>;
}

/** `books`: those of a profile. `known`: whether a keeper of this process tells already. */
export function createHolders(
	clock: Clock,
	books: (profile: Profile) => readonly ProfileBook[],
	known: (profile: ProfileId, kind: BookKind) => boolean,
): Holders {
	/** By ledger, so that a book that was remade is asked anew. */
	const answers = new WeakMap<object, Asked>();

	async function ask({ book, ledger }: ProfileBook): Promise<NonNullable<BookView['runner']>> {
		const nobody = { here: false, holder: null };
		if (ledger === null) return { ...nobody, note: null };
		const { promise: late, resolve } = Promise.withResolvers<null>();
		using _timer = clock.after(PATIENCE_MS, () => resolve(null));
		// The local book's ledger is the store, whose readers crash and come back.
		const holding = ledger.holder().catch((error: unknown) => fail('internal', String(error)));
		const answer: Result<string | null> | null = await Promise.race([holding, late]);
		if (answer === null) return { ...nobody, note: 'The book does not say in time who runs it.' };
		if (!answer.ok) return { ...nobody, note: `It cannot be told who runs it: ${answer.error.message}` };
		const holder = answer.value;
		return { here: false, holder, note: holder === null ? (NOBODY[book.kind] ?? null) : null };
	}

	function runner(book: ProfileBook): Promise<NonNullable<BookView['runner']>> {
		const key = book.ledger ?? book;
		const now = clock.monotonic();
		const before = answers.get(key);
		if (before !== undefined && now - before.at < GOOD_MS) return before.runner;
		const asked = { at: now, runner: ask(book) };
		answers.set(key, asked);
		return asked.runner;
	}

	return {
		runner,
		watch(profile, changed) {
			let timer: Disposable | null = null;
			let over = false;
			let told: string | null = null;
			const look = async (): Promise<void> => {
				const unknown = books(profile).filter(({ book, ledger }) => ledger !== null && !known(profile.id, book.kind));
				const runners = await Promise.all(unknown.map((book) => runner(book)));
				const said = JSON.stringify(runners);
				if (over) return;
				if (told !== null && said !== told) changed();
				told = said;
				timer = clock.after(EVERY_MS, () => void look());
			};
			void look();
			return {
				[Symbol.dispose]() {
					over = true;
					timer?.[Symbol.dispose]();
				},
			};
		},
	};
}
