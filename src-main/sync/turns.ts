/** One sync per book at a time, over all processes of a home. */
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookKind } from '#main/domain/schedule.ts';
import type { LeaseStore } from '#main/store/store.ts';

/** The right to sync a book, until it is given back. */
export interface Turn extends AsyncDisposable {
	/** Aborted when the right was lost: this process slept for so long that another one has taken over. */
	readonly signal: AbortSignal;
}

export interface TurnOptions {
	readonly leases: LeaseStore;
	/** This process, `host:pid:…`. */
	readonly holder: string;
	readonly clock: Clock;
	/** How long the right outlives its process; default 15 s. */
	readonly ttlMs?: number;
	/** How long to wait for it; default 5 s. */
	readonly patienceMs?: number;
}

/** How often another process's right is asked for. */
const POLL_MS = 200;

/** Hands out turns: within this process one after the other, between processes by a lease. */
export class BookTurns {
	readonly #options: Required<TurnOptions>;
	/** Resolves when the last turn that was asked for is over, by lease. */
	readonly #last = new Map<string, Promise<void>>();

	constructor(options: TurnOptions) {
		this.#options = { ttlMs: 15_000, patienceMs: 5_000, ...options };
	}

	/** Waits for the turn. `busy` when others do not finish in time (`details.holder` when it is another process), `cancelled` by the signal. */
	async take(profile: ProfileId, book: BookKind, signal?: AbortSignal): Promise<Result<Turn>> {
		const name = `schedules-sync:${profile}:${book}`;
		const deadline = this.#options.clock.monotonic() + this.#options.patienceMs;
		const before = this.#last.get(name) ?? Promise.resolve();
		const over = Promise.withResolvers<void>();
		const mine = before.then(() => over.promise);
		this.#last.set(name, mine);
		void mine.then(() => {
			if (this.#last.get(name) === mine) this.#last.delete(name);
		});
		await using stack = new AsyncDisposableStack();
		stack.defer(over.resolve);
		const first = await this.#within(before, deadline, signal);
		if (!first.ok) return first;
		const held = await this.#lease(name, deadline, signal);
		if (!held.ok) return held;
		return ok(this.#turn(name, stack.move()));
	}

	/** Waits for those who came first here. */
	async #within(before: Promise<void>, deadline: number, signal: AbortSignal | undefined): Promise<Result<void>> {
		await using wait = this.#wait(deadline - this.#options.clock.monotonic(), signal);
		const outcome = await Promise.race([before.then(() => 'free' as const), wait.over]);
		if (outcome === 'free') return ok(undefined);
		return outcome === 'aborted'
			? cancelled()
			: fail('busy', 'Another sync of this book is under way. What waits here is sent by it or by the next one.');
	}

	async #lease(name: string, deadline: number, signal: AbortSignal | undefined): Promise<Result<void>> {
		const { leases, holder, clock, ttlMs } = this.#options;
		for (;;) {
			if (signal?.aborted === true) return cancelled();
			const held = await leases.hold(name, holder, ttlMs);
			if (held.ok) return held;
			const left = deadline - clock.monotonic();
			if (left <= 0) {
				return fail(
					'busy',
					'Another Warren process syncs this book. What waits here is sent by it or by the next sync.',
					{
						...(held.error.details === undefined ? {} : { details: held.error.details }),
					},
				);
			}
			await using wait = this.#wait(Math.min(left, POLL_MS), signal);
			await wait.over;
		}
	}

	/** Keeps the lease until the stack unwinds: first no more renewing, then the lease goes, then the next one in line begins. */
	#turn(name: string, stack: AsyncDisposableStack): Turn {
		const { leases, holder, clock, ttlMs } = this.#options;
		const lost = new AbortController();
		let timer: Disposable;
		let renewing: Promise<void> = Promise.resolve();
		const next = (): Disposable =>
			clock.after(ttlMs / 3, () => {
				// A lease that cannot be renewed, for whatever reason, is one that runs out.
				renewing = leases.hold(name, holder, ttlMs).then(
					(held) => (held.ok ? undefined : lost.abort()),
					() => lost.abort(),
				);
				timer = next();
			});
		timer = next();
		stack.defer(() => leases.release(name, holder));
		stack.defer(async () => {
			timer[Symbol.dispose]();
			await renewing;
		});
		return { signal: lost.signal, [Symbol.asyncDispose]: () => stack.disposeAsync() };
	}

	#wait(ms: number, signal: AbortSignal | undefined): { readonly over: Promise<'time' | 'aborted'> } & AsyncDisposable {
		const over = Promise.withResolvers<'time' | 'aborted'>();
		const timer = this.#options.clock.after(Math.max(0, ms), () => over.resolve('time'));
		const abort = () => over.resolve('aborted');
		signal?.addEventListener('abort', abort, { once: true });
		if (signal?.aborted === true) abort();
		return {
			over: over.promise,
			[Symbol.asyncDispose]: async () => {
				timer[Symbol.dispose]();
				signal?.removeEventListener('abort', abort);
			},
		};
	}
}

function cancelled(): Result<never> {
	return fail('cancelled', 'It was stopped before its turn came.');
}
