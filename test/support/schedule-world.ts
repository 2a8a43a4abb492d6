/** A book, a ledger and a broker in memory, for keepers that tests put under strain: shared by any number of keepers, and able to fail. */
import type { Clock } from '#main/domain/clock.ts';
import { profileId, taskId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import { type Failure, fail, ok } from '#main/domain/result.ts';
import {
	type BookEntry,
	type BookKind,
	NEW_SCHEDULE,
	type ScheduleDefinition,
	type ScheduleRun,
} from '#main/domain/schedule.ts';
import type { ScheduleBook } from '#main/scheduler/book.ts';
import { LOCAL_CAPABILITIES } from '#main/scheduler/books/local.ts';
import type { PublishDue } from '#main/scheduler/fire-line.ts';
import { createScheduleKeeper, type KeeperDeps, type ScheduleKeeper } from '#main/scheduler/keeper.ts';
import type { RunLedger } from '#main/scheduler/ledger.ts';

export const WORLD_PROFILE = profileId('shop');
const KIND: BookKind = 'local';

/** One publication that the broker took. */
export interface Published {
	readonly key: string;
	readonly dueAt: number;
	readonly at: number;
	readonly messageId: string;
	readonly by: string;
}

export interface ScheduleWorld {
	readonly published: readonly Published[];
	/** The newest word about each run, by `key@dueAt`. */
	readonly runs: ReadonlyMap<string, ScheduleRun>;
	put(key: string, definition: Partial<ScheduleDefinition>): void;
	remove(key: string): void;
	entry(key: string): BookEntry | undefined;
	book(): ScheduleBook;
	ledger(): RunLedger;
	publisher(by: string): PublishDue;
	/** What the broker says instead of taking a message; null: it takes them. Asked for each message. */
	broker: ((definition: ScheduleDefinition, dueAt: number) => Failure | null) | null;
	/** What the ledger says instead of doing anything; null: it works. */
	ledgerDown: Failure | null;
	/** Hears every word that is written about a run. */
	onRun: ((run: ScheduleRun) => void) | null;
	/** Ends everybody's right, as if it had lapsed and somebody else had been there. */
	expire(): void;
}

export function scheduleWorld(clock: Clock): ScheduleWorld {
	const entries = new Map<string, BookEntry>();
	const runs = new Map<string, ScheduleRun>();
	/** Those of `runs` that are not settled. */
	const open = new Map<string, ScheduleRun>();
	const cursors = new Map<string, number>();
	const published: Published[] = [];
	const listeners = new Set<() => void>();
	/** By a clock that nobody sets, as a server's. */
	let lease: { readonly holder: string; readonly until: number } | null = null;
	let fence = 0;
	let versions = 0;
	const idOf = (run: ScheduleRun) => `${run.key}@${run.dueAt}`;
	const note = (run: ScheduleRun) => {
		runs.set(idOf(run), run);
		if (isOpen(run)) open.set(idOf(run), run);
		else open.delete(idOf(run));
		if (!run.manual) cursors.set(run.key, Math.max(run.dueAt, cursors.get(run.key) ?? 0));
		world.onRun?.(run);
	};
	const changed = () => {
		for (const listener of [...listeners]) listener();
	};

	const world: ScheduleWorld = {
		published,
		runs,
		broker: null,
		ledgerDown: null,
		onRun: null,
		put(key, definition) {
			versions += 1;
			const before = entries.get(key)?.definition ?? { ...NEW_SCHEDULE, name: key, task: 'shop.tasks.tidy' };
			const facts = { lastRunAt: null, nextRunAt: null, totalRuns: null, remarks: [] };
			entries.set(key, {
				key,
				version: String(versions),
				definition: { ...before, ...definition },
				changedAt: clock.now(),
				...facts,
			});
			changed();
		},
		remove(key) {
			entries.delete(key);
			changed();
		},
		entry: (key) => entries.get(key),
		expire() {
			lease = null;
			fence += 1;
		},
		book: () => ({
			kind: KIND,
			capabilities: LOCAL_CAPABILITIES,
			state: () => ({ kind: 'connected', since: 0, server: null }),
			onState: () => ({ [Symbol.dispose]: () => {} }),
			onChange(listener) {
				const own = () => listener();
				listeners.add(own);
				return { [Symbol.dispose]: () => void listeners.delete(own) };
			},
			async read() {
				return ok({ at: clock.now(), entries: [...entries.values()], broken: [], facts: [] });
			},
			async get(key) {
				return ok(entries.get(key) ?? null);
			},
			async write() {
				return fail('unsupported', 'This book is written by its test.');
			},
			check: () => [],
			async [Symbol.asyncDispose]() {},
		}),
		ledger: () => ({
			async hold(holder, ttlMs) {
				if (world.ledgerDown !== null) return { ok: false, error: world.ledgerDown };
				if (lease !== null && lease.holder !== holder && lease.until > clock.monotonic()) {
					return fail('busy', `Held by ${lease.holder}.`, { details: { holder: lease.holder, until: lease.until } });
				}
				if (lease?.holder !== holder) fence += 1;
				lease = { holder, until: clock.monotonic() + ttlMs };
				return ok({ holder, fence });
			},
			async release(hold) {
				if (lease?.holder === hold.holder) lease = null;
			},
			async holder() {
				return ok(lease !== null && lease.until > clock.monotonic() ? lease.holder : null);
			},
			async claim(claims, hold) {
				if (world.ledgerDown !== null) return { ok: false, error: world.ledgerDown };
				if (lease?.holder !== hold.holder || lease.until <= clock.monotonic() || fence !== hold.fence) {
					return fail('conflict', 'Another holder has it.');
				}
				return ok(
					claims.map((claim) => {
						const standing = runs.get(idOf(claim));
						if (standing !== undefined) return standing;
						note(claim);
						return null;
					}),
				);
			},
			async settle(settled, hold) {
				if (world.ledgerDown !== null) return { ok: false, error: world.ledgerDown };
				const mine = hold !== null && fence === hold.fence;
				return ok(
					settled.map((run) => {
						const standing = runs.get(idOf(run));
						if (standing?.state === 'fired' && run.state !== 'fired') return false;
						if (run.state === 'uncertain' && standing !== undefined && !isOpen(standing)) return false;
						if (isOpen(run) && (!mine || (standing !== undefined && !isOpen(standing)))) return false;
						note(run);
						return true;
					}),
				);
			},
			async open() {
				if (world.ledgerDown !== null) return { ok: false, error: world.ledgerDown };
				return ok([...open.values()]);
			},
			async cursors() {
				if (world.ledgerDown !== null) return { ok: false, error: world.ledgerDown };
				return ok(new Map(cursors));
			},
		}),
		publisher: (by) => async (definition, due) => {
			const failure = world.broker?.(definition, due.dueAt) ?? null;
			if (failure !== null) return { ok: false, error: failure };
			published.push({ key: definition.name, dueAt: due.dueAt, at: clock.now(), messageId: due.messageId, by });
			return ok({ taskId: taskId(due.messageId) });
		},
	};
	return world;
}

function isOpen({ state }: ScheduleRun): boolean {
	return state === 'claimed' || state === 'retrying';
}

/**
 * A process that keeps a book and can be killed: from then on its timers do not ring, and what it asked for is never answered. Frozen,
 * it hears of both when it is thawed.
 */
export interface MortalKeeper extends AsyncDisposable {
	readonly keeper: ScheduleKeeper;
	readonly holder: string;
	kill(): void;
	/** Stops it as SIGSTOP does, and lets it go on. */
	freeze(): void;
	thaw(): void;
	readonly dead: boolean;
}

export interface MortalOptions
	extends Pick<KeeperDeps, 'proven' | 'writeRan' | 'times' | 'longestSleepMs' | 'aheadMs'> {
	/** Wraps what publishes: to hold a message back, to kill in between. */
	readonly publish?: (publish: PublishDue) => PublishDue;
	/** The ledger's answer to a call comes after this. */
	readonly answers?: (call: keyof RunLedger) => Promise<void>;
	/** Wraps the ledger: to lose calls and answers. */
	readonly ledger?: (ledger: RunLedger) => RunLedger;
}

/** Starts one on the world's book. */
export function mortalKeeper(
	world: ScheduleWorld,
	clock: Clock,
	holder: string,
	options: MortalOptions = {},
): MortalKeeper {
	const { publish: wrap, answers, ledger: wrapLedger, ...rest } = options;
	let dead = false;
	let frozen: PromiseWithResolvers<void> | null = null;
	const never = <T>(): Promise<T> => new Promise<T>(() => {});
	const alive = <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) => {
		return async (...args: A): Promise<T> => {
			if (dead) return never<T>();
			const value = await call(...args);
			await frozen?.promise;
			return dead ? never<T>() : value;
		};
	};
	/** Carried out at once; the answer may be late. */
	const told = <A extends readonly unknown[], T>(name: keyof RunLedger, call: (...args: A) => Promise<T>) =>
		alive(async (...args: A): Promise<T> => {
			const value = await call(...args);
			await answers?.(name);
			return value;
		});
	const ledger = wrapLedger === undefined ? world.ledger() : wrapLedger(world.ledger());
	const publish = world.publisher(holder);
	const keeper = createScheduleKeeper({
		book: world.book(),
		ledger: {
			hold: told('hold', ledger.hold),
			release: told('release', ledger.release),
			holder: told('holder', ledger.holder),
			claim: told('claim', ledger.claim),
			settle: told('settle', ledger.settle),
			open: told('open', ledger.open),
			cursors: told('cursors', ledger.cursors),
		},
		kind: KIND,
		profile: WORLD_PROFILE,
		identity: 'test',
		holder,
		publish: alive(wrap === undefined ? publish : wrap(publish)),
		clock: {
			...clock,
			now: () => clock.now(),
			monotonic: () => clock.monotonic(),
			after: (ms, callback) => {
				let over = false;
				const ring = () => {
					if (frozen !== null) void frozen.promise.then(ring);
					else if (!dead && !over) callback();
				};
				const timer = clock.after(ms, ring);
				return {
					[Symbol.dispose]: () => {
						over = true;
						timer[Symbol.dispose]();
					},
				};
			},
		},
		log: silentLog,
		...rest,
	});
	return {
		keeper,
		holder,
		kill() {
			dead = true;
		},
		freeze() {
			frozen ??= Promise.withResolvers<void>();
		},
		thaw() {
			frozen?.resolve();
			frozen = null;
		},
		get dead() {
			return dead;
		},
		async [Symbol.asyncDispose]() {
			if (!dead) await keeper[Symbol.asyncDispose]();
		},
	};
}
