/**
 * Takes what others did with the due times of a shared book into this home's own history of runs: what they settled since this home looked
 * last, and what they have open now. How far it came is kept with the runs, so it goes on where it was after a restart, and an outage in
 * the middle only has it begin that stretch again. The ledger keeps the newest runs of each schedule, which bounds the longest stretch.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { BookKind, ScheduleRun } from '#main/domain/schedule.ts';
import type { ScheduleStore } from '#main/store/store.ts';
import type { RecentStep, SharedLedger } from './books/shared-ledger.ts';

export interface RunFollowerDeps {
	readonly ledger: Pick<SharedLedger, 'recent' | 'open'>;
	readonly schedules: Pick<ScheduleStore, 'receive' | 'followed' | 'openRuns'>;
	readonly profile: ProfileId;
	readonly book: BookKind;
	/** Names the ledger, wherever the book's address leads later. */
	readonly name: string;
	readonly clock: Clock;
	readonly log: Log;
}

/** How often it is looked, while somebody follows. */
const EVERY_MS = 2_000;
/** What a look has brought is a few seconds old for so long: the pause and a slow look after it. */
const FRESH_MS = 6_000;
/** Runs that are written in one transaction: the store has others to serve. */
const AT_ONCE = 1_000;
/** Open ones that are shown at most: with a broker away for long there may be one of each schedule. */
const MOST_OPEN = 1_000;

export class RunFollower implements AsyncDisposable {
	readonly #deps: RunFollowerDeps;
	#followers = 0;
	#timer: Disposable | null = null;
	/** The look under way, and the one that is to come after it. */
	#looking: Promise<Result<void>> | null = null;
	#next: Promise<Result<void>> | null = null;
	/** When the last look began, by the clock that only goes on; null: it did not get through, or there was none. */
	#asOf: number | null = null;
	#trouble: string | null = null;
	#ended = false;

	constructor(deps: RunFollowerDeps) {
		this.#deps = deps;
	}

	/** Whether it goes on by itself, and the last look got through a few seconds ago at most: so old is what is here. */
	get current(): boolean {
		if (this.#followers === 0 || this.#asOf === null || this.#ended) return false;
		return this.#deps.clock.monotonic() - this.#asOf <= FRESH_MS;
	}

	/** Looks every few seconds until everybody who asked for it has disposed of it. */
	follow(): Disposable {
		this.#followers += 1;
		if (this.#followers === 1) void this.#go();
		let over = false;
		return {
			[Symbol.dispose]: () => {
				if (over) return;
				over = true;
				this.#followers -= 1;
				if (this.#followers === 0) this.#timer?.[Symbol.dispose]();
			},
		};
	}

	/** Takes in what was settled before this was asked. `gone` once it is disposed of. */
	catchUp(): Promise<Result<void>> {
		if (this.#looking === null) return this.#look();
		// What is under way may have passed the newest already.
		this.#next ??= this.#looking.then(() => {
			this.#next = null;
			return this.#looking ?? this.#look();
		});
		return this.#next;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#ended = true;
		this.#timer?.[Symbol.dispose]();
		await this.#looking;
	}

	async #go(): Promise<void> {
		await this.catchUp();
		if (this.#followers === 0 || this.#ended) return;
		this.#timer?.[Symbol.dispose]();
		this.#timer = this.#deps.clock.after(EVERY_MS, () => void this.#go());
	}

	#look(): Promise<Result<void>> {
		// Who waited for the look in which it ended comes here, and the store may be closed by now.
		if (this.#ended) return Promise.resolve(gone());
		const since = this.#deps.clock.monotonic();
		const look = this.#take().then((taken) => {
			this.#looking = null;
			this.#asOf = taken.ok ? since : null;
			this.#setTrouble(taken.ok ? null : taken.error.message);
			return taken;
		});
		this.#looking = look;
		return look;
	}

	async #take(): Promise<Result<void>> {
		const { ledger, schedules, profile, book, name } = this.#deps;
		try {
			const from = await schedules.followed(profile, book, name);
			// Before those that are settled: what is settled in between then counts.
			const open = await ledger.open();
			if (!open.ok) return open;
			const openHere = await schedules.openRuns(profile, book);
			if (open.value.length + openHere.length > 0) await this.#receive([], open.value.slice(0, MOST_OPEN), null);
			for (let step: RecentStep | undefined; ; ) {
				if (this.#ended) return gone();
				const recent = await ledger.recent(from, step);
				if (!recent.ok) return recent;
				const { runs, next, until } = recent.value;
				await this.#receive(runs, null, next === null ? { from, to: until } : null);
				if (next === null) break;
				step = next;
			}
			return ok(undefined);
		} catch (error) {
			// The store's defects (a full disk): the next look begins where this one did.
			const message = error instanceof Error ? error.message : String(error);
			return { ok: false, error: { code: 'internal', message, retryable: true } };
		}
	}

	async #receive(
		settled: readonly ScheduleRun[],
		open: readonly ScheduleRun[] | null,
		followed: { readonly from: number; readonly to: number } | null,
	): Promise<void> {
		const { schedules, profile, book, name: ledger } = this.#deps;
		for (let at = 0; at + AT_ONCE < settled.length; at += AT_ONCE) {
			const some = settled.slice(at, at + AT_ONCE);
			await schedules.receive(profile, { book, ledger, settled: some, open: null, followed: null });
		}
		const last = settled.slice(Math.max(0, Math.ceil(settled.length / AT_ONCE) - 1) * AT_ONCE);
		if (last.length === 0 && open === null && (followed === null || followed.from === followed.to)) return;
		await schedules.receive(profile, { book, ledger, settled: last, open, followed });
	}

	#setTrouble(words: string | null): void {
		if (this.#trouble === words) return;
		this.#trouble = words;
		if (words !== null && !this.#ended) this.#deps.log.info('schedules.runs-unread', { reason: words });
	}
}

function gone(): Result<never> {
	return fail('gone', 'The book is read by nobody here any more.');
}
