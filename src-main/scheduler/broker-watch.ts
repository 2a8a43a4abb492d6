/** Whether the broker takes messages, and while it does not, when one schedule may try. */
import type { Clock } from '#main/domain/clock.ts';
import type { Log } from '#main/domain/log.ts';
import { pauseAfter } from './pauses.ts';

/** Since when the broker does not take anything. */
export interface BrokerAway {
	readonly since: number;
	readonly reason: string;
}

export interface BrokerWatchDeps {
	readonly clock: Clock;
	readonly log: Log;
	/** It may be back: something should try. */
	readonly onTry: () => void;
	/** It went away, or came back. */
	readonly onNews: () => void;
}

export class BrokerWatch {
	readonly #deps: BrokerWatchDeps;
	#away: (BrokerAway & { readonly attempt: number }) | null = null;
	/** While it is away: whether one schedule may try. */
	#probing = false;
	#timer: Disposable | null = null;
	#ended = false;

	constructor(deps: BrokerWatchDeps) {
		this.#deps = deps;
	}

	/** Since when it is away; null: it is not, so far as is known. */
	get away(): BrokerAway | null {
		return this.#away;
	}

	/** Whether something may be published, or one may try. */
	get mayTry(): boolean {
		return this.#away === null || this.#probing;
	}

	/** One tries now; the next turn is another's, so that one that always fails keeps nobody from trying. */
	tried(): void {
		this.#probing = false;
	}

	/** Nothing came of the one that was to try: another may. */
	untried(): void {
		if (this.#away !== null) this.#probing = true;
	}

	/** It may be back: tries at once. */
	nudge(): void {
		if (this.#away === null || this.#ended) return;
		this.#disarm();
		this.#probing = true;
		this.#deps.onTry();
	}

	/** It could not be reached. */
	failed(reason: string): void {
		const { clock } = this.#deps;
		this.#set({ since: this.#away?.since ?? clock.now(), reason, attempt: (this.#away?.attempt ?? -1) + 1 });
	}

	/** One could not be published, which says nothing of whether it is there: while it is away, another tries after a while. */
	inconclusive(): void {
		if (this.#away !== null) this.failed(this.#away.reason);
	}

	/** It answered. */
	answered(): void {
		this.#set(null);
	}

	/** Forgets what is known: the right is lost. */
	clear(): void {
		this.#away = null;
		this.#probing = false;
		this.#disarm();
	}

	end(): void {
		this.#ended = true;
		this.#disarm();
	}

	#set(away: (BrokerAway & { readonly attempt: number }) | null): void {
		const { clock, log, onNews } = this.#deps;
		const changed = (away === null) !== (this.#away === null);
		this.#away = away;
		this.#disarm();
		this.#probing = false;
		if (away !== null && !this.#ended) this.#timer = clock.after(pauseAfter(away.attempt), () => this.nudge());
		if (!changed) return;
		if (away === null) log.info('schedules.broker-back');
		else log.warn('schedules.broker-away', { reason: away.reason });
		onNews();
	}

	#disarm(): void {
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
	}
}
