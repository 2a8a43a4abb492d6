/** The books of each profile: made when first needed, made anew after an edit that concerns them. */
import { createHash } from 'node:crypto';
import { createKeyspace } from '#main/brokers/connect.ts';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile, RedisAddress } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookKind } from '#main/domain/schedule.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import { formatRedis } from '#main/profiles/redis-address.ts';
import type { ScheduleBook } from '#main/scheduler/book.ts';
import { createCarrotBook } from '#main/scheduler/books/carrot.ts';
import { createLocalBook } from '#main/scheduler/books/local.ts';
import { createLocalLedger } from '#main/scheduler/books/local-ledger.ts';
import { createRedbeatBook } from '#main/scheduler/books/redbeat.ts';
import { createSharedBook } from '#main/scheduler/books/shared.ts';
import { createSharedLedger } from '#main/scheduler/books/shared-ledger.ts';
import type { RunLedger } from '#main/scheduler/ledger.ts';
import { RunFollower } from '#main/scheduler/run-follower.ts';
import type { Store } from '#main/store/store.ts';
import { type Held, PerProfile } from './per-profile.ts';
import type { Ports } from './ports.ts';
import { type Sites, siteMadeOf } from './sites.ts';

/** A book with what else is known of it. */
export interface ProfileBook {
	readonly book: ScheduleBook;
	/** Where it is, without a password; null: nowhere in particular. */
	readonly address: string | null;
	/** Of books that Warren runs. */
	readonly ledger: RunLedger | null;
	/** Of a book whose runs are kept elsewhere too: takes them into this home's history. */
	readonly follower: RunFollower | null;
}

export interface Books extends AsyncDisposable {
	/** Those that are set up, the local one first. */
	of(profile: Profile): readonly ScheduleBook[];
	all(profile: Profile): readonly ProfileBook[];
	/** `unsupported`, with what to set up, where the profile has no such book. */
	find(profile: Profile, kind: BookKind): Result<ScheduleBook>;
	/** The same, kept open until disposed of, also when an edited profile has others by then. */
	hold(profile: Profile): Held<readonly ProfileBook[]>;
	/** Lets go of those that an edit has made wrong. */
	renew(profile: Profile): void;
	/** Closes those of a profile that is removed. */
	forget(id: ProfileId): Promise<void>;
}

/** What each kind of book is called on the screen. */
export const BOOK_TITLES: Readonly<Record<BookKind, string>> = {
	local: 'This machine',
	shared: 'Shared',
	carrot: "The site's own",
	redbeat: 'RedBeat',
};

const HOW_TO: Readonly<Record<Exclude<BookKind, 'local'>, string>> = {
	shared: 'Give it a Redis: profile edit NAME --book shared=redis://host:6379/0.',
	carrot:
		"It needs a django-carrot profile with its monitor's address: profile edit NAME --monitor https://site/carrot/.",
	redbeat: 'Say where its keys are: profile edit NAME --book redbeat=redis://host:6379/0.',
};

interface Live {
	readonly books: readonly ProfileBook[];
	readonly stack: AsyncDisposableStack;
}

/** Keeps the books of one engine. Nothing is connected before somebody reads, writes or listens. */
export function createBooks(ports: Ports, profiles: Profiles, store: Store, sites: Sites): Books {
	const { clock, log } = ports;

	function keyspace(profile: Profile, address: RedisAddress, secret: 'shared' | 'redbeat'): Keyspace {
		return createKeyspace(address, {
			password: async () => {
				const found = await profiles.secret(profile.id, secret);
				return found.ok ? found.value : null;
			},
			clock,
			log,
			clientName: `Warren ${ports.version} (${profile.name})`,
		});
	}

	function make(profile: Profile): Live {
		const stack = new AsyncDisposableStack();
		const books: ProfileBook[] = [
			{
				book: stack.use(createLocalBook({ profile: profile.id, schedules: store.schedules, clock, log })),
				address: null,
				ledger: createLocalLedger({ profile: profile.id, schedules: store.schedules, leases: store.leases }),
				follower: null,
			},
		];
		if (profile.framework === 'carrot' && profile.monitorUrl !== null) {
			const site = sites.of(profile);
			if (site.ok) {
				const book = stack.use(createCarrotBook({ site: site.value.client, clock }));
				books.push({ book, address: site.value.url, ledger: null, follower: null });
			}
		}
		const { shared = null, redbeat = null } = profile.books ?? {};
		if (shared !== null) {
			const keys = stack.use(keyspace(profile, shared.address, 'shared'));
			const book = stack.use(createSharedBook({ keyspace: keys, prefix: shared.prefix, clock }));
			const ledger = createSharedLedger({ keyspace: keys, prefix: shared.prefix, profile: profile.id, clock });
			const follower = stack.use(
				new RunFollower({
					...{ ledger, schedules: store.schedules, profile: profile.id, book: 'shared' },
					...{ name: ledgerName(shared.address, shared.prefix), clock, log },
				}),
			);
			books.push({ book, address: formatRedis(shared.address), ledger, follower });
		}
		if (redbeat !== null) {
			const keys = stack.use(keyspace(profile, redbeat.address, 'redbeat'));
			const { prefix, zone } = redbeat;
			const book = stack.use(createRedbeatBook({ keyspace: keys, prefix, zone, clock }));
			books.push({ book, address: formatRedis(redbeat.address), ledger: null, follower: null });
		}
		return { books, stack };
	}

	const live = new PerProfile<Live>({
		madeOf,
		make,
		close: ({ stack }) => stack.disposeAsync(),
		onCloseFailed: (id, error) => log.warn('schedules.close-failed', { profile: id, reason: String(error) }),
	});

	function all(profile: Profile): readonly ProfileBook[] {
		return live.of(profile).books;
	}

	return {
		all,
		of: (profile) => all(profile).map(({ book }) => book),
		find(profile, kind) {
			const found = all(profile).find(({ book }) => book.kind === kind);
			if (found !== undefined) return ok(found.book);
			const how = kind === 'local' ? '' : HOW_TO[kind];
			return fail('unsupported', `The profile "${profile.name}" has no ${kind} book. ${how}`, {
				details: { field: 'book' },
			});
		},
		hold(profile) {
			const held = live.hold(profile);
			return { value: held.value.books, [Symbol.dispose]: () => held[Symbol.dispose]() };
		},
		renew: (profile) => live.renew(profile),
		forget: (id) => live.drop(id),
		[Symbol.asyncDispose]: () => live[Symbol.asyncDispose](),
	};
}

/** Names a ledger by where it is, without who logs in. */
function ledgerName({ host, port, db }: RedisAddress, prefix: string): string {
	return createHash('sha256')
		.update(JSON.stringify([host, port, db, prefix]))
		.digest('hex')
		.slice(0, 12);
}

/** All of a profile that its books are made of; carrot's lies in the site's. */
function madeOf(profile: Profile): string {
	return JSON.stringify([profile.books ?? null, profile.name, profile.secretsAt, siteMadeOf(profile)]);
}
