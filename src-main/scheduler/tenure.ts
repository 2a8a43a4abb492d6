/**
 * The right to run a book, held as long as it can be: taken when it is free, renewed well before it lapses, and given up the moment that it
 * cannot be known to hold. Whoever is about to publish asks `holds()`, which says no some time before anybody else could have the
 * right, by both clocks: a machine that slept comes back to a monotonic clock that knows nothing of it. A wall clock that was set ends
 * the sureness for good, until it is renewed: set forward and back again it would tell nothing of who took the right in between.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { Log } from '#main/domain/log.ts';
import type { Failure, Result } from '#main/domain/result.ts';
import { JUMP_MS } from './due-clock.ts';
import type { Hold, RunLedger } from './ledger.ts';

export interface TenureTimes {
	/** How long the right lasts without being renewed. */
	readonly ttlMs: number;
	/** How often it is renewed. */
	readonly renewMs: number;
	/** How often it is asked for while somebody else has it. */
	readonly askMs: number;
}

/** Three renewals may fail; a third of the time is kept away from. */
export const TENURE_TIMES: TenureTimes = { ttlMs: 30_000, renewMs: 7_000, askMs: 5_000 };

/** Nothing is sure. */
const UNSURE = { wall: 0, monotonic: 0 };

export interface TenureDeps {
	readonly ledger: RunLedger;
	/** `host:pid:…`; no two keepers share one. */
	readonly holder: string;
	readonly clock: Clock;
	readonly log: Log;
	readonly times: TenureTimes;
	readonly onGained: (hold: Hold) => void;
	readonly onLost: () => void;
	/** It is surely ours for another while. */
	readonly onRenewed: () => void;
	/** What keeps it from being held has changed. */
	readonly onNews: () => void;
}

/** Where it stands. */
export type TenureState =
	| { readonly kind: 'asking' }
	| { readonly kind: 'held' }
	/** Somebody else has it. */
	| { readonly kind: 'elsewhere'; readonly holder: string | null }
	/** The ledger does not answer. */
	| { readonly kind: 'unknown'; readonly reason: string };

export class Tenure implements AsyncDisposable {
	readonly #deps: TenureDeps;
	#state: TenureState = { kind: 'asking' };
	#hold: Hold | null = null;
	/** Until when it is surely ours, by the wall clock and by the monotonic one. */
	#until = UNSURE;
	/** How often the clock was set: an answer from before says nothing of who came since. */
	#jumps = 0;
	#timer: Disposable | null = null;
	#asking: Promise<void> | null = null;
	#ended = false;

	constructor(deps: TenureDeps) {
		this.#deps = deps;
	}

	/** Starts asking. */
	start(): void {
		this.#ask();
	}

	state(): TenureState {
		return this.#state;
	}

	/** The right, where it is surely ours right now; else null. */
	holds(): Hold | null {
		const { clock } = this.#deps;
		const wall = clock.now();
		const monotonic = clock.monotonic();
		const gained = wall - this.#until.wall - (monotonic - this.#until.monotonic);
		if (this.#hold !== null && this.#until !== UNSURE && Math.abs(gained) > JUMP_MS) this.jumped();
		const sure = wall < this.#until.wall && monotonic < this.#until.monotonic;
		return sure && !this.#ended ? this.#hold : null;
	}

	/** The right as it was last known, sure or not: for what the ledger checks by itself. */
	known(): Hold | null {
		return this.#hold;
	}

	/** The wall clock was set, or the machine slept: it may have lapsed meanwhile, and nothing is sure before it is renewed. */
	jumped(): void {
		this.#jumps += 1;
		this.#until = UNSURE;
		this.renew();
	}

	/** Renews it at once. */
	renew(): void {
		if (this.#ended || this.#asking !== null) return;
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
		this.#ask();
	}

	/** The ledger said that it is somebody else's by now. */
	lost(): void {
		this.#drop();
		this.renew();
	}

	/** Stops renewing it; still held until disposed of, so that what is under way can be finished. */
	end(): void {
		this.#ended = true;
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
	}

	/** Gives it up. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.end();
		await this.#asking;
		const hold = this.#hold;
		this.#hold = null;
		if (hold === null) return;
		try {
			await this.#deps.ledger.release(hold);
		} catch (error) {
			// It lapses by itself.
			this.#deps.log.warn('schedules.hold-kept', { reason: wordsOf(error) });
		}
	}

	#ask(): void {
		this.#asking = this.#take().finally(() => {
			this.#asking = null;
			if (!this.#ended) this.#timer = this.#deps.clock.after(this.#pause(), () => this.#ask());
		});
	}

	async #take(): Promise<void> {
		const { ledger, holder, clock, times } = this.#deps;
		const jumps = this.#jumps;
		const asked = { wall: clock.now(), monotonic: clock.monotonic() };
		let answer: Result<Hold>;
		try {
			answer = await ledger.hold(holder, times.ttlMs);
		} catch (error) {
			this.#refused({ code: 'internal', message: wordsOf(error), retryable: true });
			return;
		}
		if (!answer.ok) {
			this.#refused(answer.error);
			return;
		}
		const hold = answer.value;
		const sure = times.ttlMs - times.renewMs;
		// Another fence: somebody else had it in between, and what is known here is old.
		if (this.#hold !== null && this.#hold.fence !== hold.fence) this.#drop();
		if (jumps === this.#jumps) this.#until = { wall: asked.wall + sure, monotonic: asked.monotonic + sure };
		if (this.#hold !== null || this.#ended) {
			this.#hold = hold;
			this.#deps.onRenewed();
			return;
		}
		this.#hold = hold;
		this.#state = { kind: 'held' };
		this.#deps.log.info('schedules.hold', { holder, fence: hold.fence });
		this.#deps.onGained(hold);
		this.#deps.onNews();
	}

	#refused(failure: Failure): void {
		const before = JSON.stringify(this.#state);
		if (failure.code === 'busy' || failure.code === 'conflict') {
			this.#drop();
			const holder = failure.details?.holder;
			this.#state = { kind: 'elsewhere', holder: typeof holder === 'string' ? holder : null };
		} else {
			// Nobody said that it is gone: it lasts as long as it is surely ours.
			if (this.holds() === null) this.#drop();
			if (this.#hold === null) this.#state = { kind: 'unknown', reason: failure.message };
			this.#deps.log.warn('schedules.hold-failed', { reason: failure.message });
		}
		if (JSON.stringify(this.#state) !== before) this.#deps.onNews();
	}

	#drop(): void {
		if (this.#hold === null) return;
		this.#hold = null;
		this.#until = UNSURE;
		this.#state = { kind: 'asking' };
		this.#deps.log.warn('schedules.hold-lost', { holder: this.#deps.holder });
		this.#deps.onLost();
	}

	#pause(): number {
		const { times } = this.#deps;
		if (this.#hold !== null && this.#until === UNSURE) return 0;
		if (this.#state.kind === 'held') return times.renewMs;
		return this.#state.kind === 'elsewhere' ? times.askMs : Math.min(2_000, times.askMs);
	}
}

function wordsOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
