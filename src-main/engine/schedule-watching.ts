/** While somebody looks at a profile's schedules, its books are kept connected, and what changes there comes here within seconds. */
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { Result } from '#main/domain/result.ts';
import type { BookKind, SyncReport } from '#main/domain/schedule.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Held } from './per-profile.ts';
import type { Ports } from './ports.ts';
import type { ProfileBook } from './schedule-books.ts';

export interface Watching extends Disposable {
	/** Calls back when the state of a book changes, until disposed of. */
	watch(profile: Profile, changed: () => void): Disposable;
}

interface Watched {
	readonly listeners: Set<() => void>;
	/** The profile as its books were made of it. */
	profile: Profile;
	stack: DisposableStack;
}

/** After a sync that failed, or a list of profiles that could not be read, when to look again although nothing was heard. */
const AGAIN_MS = 5_000;

/** Watches books for whoever looks, once per profile however many look. */
export function createWatching(
	ports: Pick<Ports, 'clock' | 'log'>,
	parts: {
		readonly profiles: Pick<Profiles, 'list' | 'onChange'>;
		/** A profile's books, open until disposed of. */
		readonly books: (profile: Profile) => Held<readonly ProfileBook[]>;
		readonly sync: (profile: Profile, kind: BookKind) => Promise<Result<SyncReport>>;
		/** Calls back when somebody else runs a book. */
		readonly runners: (profile: Profile, changed: () => void) => Disposable;
	},
): Watching {
	const watched = new Map<ProfileId, Watched>();

	function follow(profile: Profile, listeners: ReadonlySet<() => void>): DisposableStack {
		const stack = new DisposableStack();
		const tell = () => {
			for (const listener of [...listeners]) listener();
		};
		for (const { book, follower } of stack.use(parts.books(profile)).value) {
			if (follower !== null) stack.use(follower.follow());
			const syncing = new Follower(ports, () => parts.sync(profile, book.kind), `${profile.name}/${book.kind}`);
			stack.use(syncing);
			stack.use(book.onChange(() => syncing.wake()));
			stack.use(
				book.onState((state) => {
					tell();
					// What waits here goes as soon as it answers, and what changed there meanwhile comes.
					if (state.kind === 'connected') syncing.wake();
				}),
			);
			syncing.wake();
		}
		stack.use(parts.runners(profile, tell));
		return stack;
	}

	function begin(profile: Profile): Watched {
		const listeners = new Set<() => void>();
		return { listeners, profile, stack: follow(profile, listeners) };
	}

	/** A reading of a profile that is older than what is followed says nothing. */
	function renewOne(one: Watched, profile: Profile): void {
		if (profile.updatedAt <= one.profile.updatedAt) return;
		one.stack.dispose();
		one.profile = profile;
		one.stack = follow(profile, one.listeners);
		for (const listener of [...one.listeners]) listener();
	}

	/** An edited profile has other books, or may be written to no longer; one that was removed has none. */
	async function renew(): Promise<void> {
		again?.[Symbol.dispose]();
		again = null;
		if (watched.size === 0) return;
		const profiles = new Map((await parts.profiles.list()).map((profile) => [profile.id, profile]));
		for (const [id, one] of watched) {
			const profile = profiles.get(id);
			if (profile !== undefined) renewOne(one, profile);
			else {
				one.stack.dispose();
				watched.delete(id);
			}
		}
	}

	let again: Disposable | null = null;
	let ended = false;
	const renewSafely = (): void => {
		renew().catch((error: unknown) => {
			ports.log.warn('schedules.watch', { reason: String(error) });
			if (!ended) again ??= ports.clock.after(AGAIN_MS, renewSafely);
		});
	};
	const profiles = parts.profiles.onChange(renewSafely);

	return {
		watch(profile, changed) {
			const one = watched.get(profile.id) ?? begin(profile);
			watched.set(profile.id, one);
			renewOne(one, profile);
			one.listeners.add(changed);
			return {
				[Symbol.dispose]() {
					one.listeners.delete(changed);
					if (one.listeners.size > 0 || watched.get(profile.id) !== one) return;
					watched.delete(profile.id);
					one.stack.dispose();
				},
			};
		},
		[Symbol.dispose]() {
			ended = true;
			again?.[Symbol.dispose]();
			profiles[Symbol.dispose]();
			for (const { stack } of watched.values()) stack.dispose();
			watched.clear();
		},
	};
}

/** Syncs one book whenever it is woken, one sync after another. */
class Follower implements Disposable {
	readonly #ports: Pick<Ports, 'clock' | 'log'>;
	readonly #sync: () => Promise<Result<SyncReport>>;
	readonly #name: string;
	#running = false;
	#again = false;
	#closed = false;
	#timer: Disposable | null = null;

	constructor(ports: Pick<Ports, 'clock' | 'log'>, sync: () => Promise<Result<SyncReport>>, name: string) {
		this.#ports = ports;
		this.#sync = sync;
		this.#name = name;
	}

	wake(): void {
		if (this.#closed) return;
		if (this.#running) {
			this.#again = true;
			return;
		}
		this.#running = true;
		void this.#run();
	}

	[Symbol.dispose](): void {
		this.#closed = true;
		this.#timer?.[Symbol.dispose]();
	}

	async #run(): Promise<void> {
		let failed = false;
		try {
			do {
				this.#again = false;
				const report = await this.#sync();
				// Offline is no failure: the book wakes us when it answers.
				failed = !report.ok;
				if (!report.ok && report.error.code !== 'busy') {
					this.#ports.log.info('schedules.sync-failed', { book: this.#name, reason: report.error.message });
				}
			} while (this.#again && !this.#closed);
		} catch (error) {
			failed = true;
			if (!this.#closed) this.#ports.log.warn('schedules.sync-failed', { book: this.#name, reason: String(error) });
		} finally {
			this.#running = false;
		}
		if (failed && !this.#closed) {
			this.#timer?.[Symbol.dispose]();
			this.#timer = this.#ports.clock.after(AGAIN_MS, () => this.wake());
		}
	}
}
