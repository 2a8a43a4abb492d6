/**
 * Runs a book: holds the right to it, follows its schedules, and has every due time published once. Any number of keepers, in any number of
 * processes, may be made for one book: one of them works, the others wait for it to go.
 *
 * What makes it once: a due time is claimed in the ledger before its message is handed to the broker, a claim is refused to whoever has
 * lost the right, and nobody publishes who is not sure to have it for some seconds more. A claim that was never settled is judged by
 * whoever comes next: published where its message is known, published again only where it surely was not sent, else `uncertain`.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { Result } from '#main/domain/result.ts';
import type { BookEntry, BookKind, ScheduleRun } from '#main/domain/schedule.ts';
import type { ScheduleBook } from './book.ts';
import { Doubts, type ProveSent } from './doubts.ts';
import { type ClockJump, createDueClock, type DueClock } from './due-clock.ts';
import { FireLine, type PublishDue } from './fire-line.ts';
import { Folded } from './folded.ts';
import { type KeeperView, keeperView } from './keeper-view.ts';
import { Lateness } from './lateness.ts';
import type { RunLedger } from './ledger.ts';
import { pauseAfter } from './pauses.ts';
import { RanNotes, type WriteRan } from './ran-notes.ts';
import { Roster } from './roster.ts';
import { SettleQueue, type SettleWatch } from './settle-queue.ts';
import { TENURE_TIMES, Tenure, type TenureTimes } from './tenure.ts';
import { Unsent } from './unsent.ts';

export interface KeeperDeps {
	readonly book: ScheduleBook;
	readonly ledger: RunLedger;
	readonly kind: BookKind;
	readonly profile: ProfileId;
	/** Names the book for everybody who works on it, whatever their profiles are called; part of every message id. */
	readonly identity: string;
	/** `host:pid:…`; no two keepers share one. */
	readonly holder: string;
	readonly publish: PublishDue;
	/** Absent: of a run that may have been published it can never be told. */
	readonly proven?: ProveSent;
	/** Writes last and next runs back, where the book does not know them from its ledger; gathered to one call a second. */
	readonly writeRan?: WriteRan;
	/** How long before its moment a due time is claimed; default: not before. More only with `proven` that always knows. */
	readonly aheadMs?: number;
	readonly clock: Clock;
	readonly log: Log;
	readonly times?: TenureTimes;
	/** The longest that the clock's timer runs. */
	readonly longestSleepMs?: number;
}

export interface ScheduleKeeper extends AsyncDisposable {
	view(): KeeperView;
	/** What `view` says may have changed; folded to one call per 250 ms. */
	onChange(listener: () => void): Disposable;
	/** The broker may be back: tries at once what waits for it. */
	nudge(): void;
}

const FOLD_MS = 250;
/** A claim of somebody else's is not looked at before: he may be alive after all, if a clock was set or a Redis lost the lease. */
const FRESH_CLAIM_MS = 5_000;
/** A run by hand belongs to whoever asked for it; after so long it is nobody's. */
const MANUAL_MS = 600_000;
/** Schedules taken in at a time, before others have their turn. */
const TAKEN_AT_ONCE = 200;

/** Starts a keeper. Disposing waits for what is being published, settles it, and gives the right up. */
export function createScheduleKeeper(deps: KeeperDeps): ScheduleKeeper {
	return new Keeper(deps);
}

class Keeper implements ScheduleKeeper {
	readonly #deps: KeeperDeps;
	readonly #tenure: Tenure;
	readonly #roster: Roster;
	readonly #clock: DueClock;
	readonly #settles: SettleQueue;
	readonly #unsentClaims = new Unsent();
	readonly #line: FireLine;
	readonly #doubts: Doubts;
	readonly #ran: RanNotes;
	readonly #reading: Folded;
	readonly #sweeping: Folded;
	readonly #lateness = new Lateness();
	readonly #listeners = new Set<() => void>();
	readonly #watching: Disposable;
	/** Rises when the right comes or goes: what was begun before is not carried on. */
	#epoch = 0;
	/** Whether the book was taken in since the right came. */
	#loaded = false;
	#telling: Disposable | null = null;
	/** How often claims were left that the ledger has open: a list of those from before says nothing of them. */
	#left = 0;
	/** Rings when open claims are to be looked at before the next sweep. */
	#ageing: Disposable | null = null;
	#lastJump: ClockJump | null = null;
	#unread: string | null = null;
	#ended = false;

	constructor(deps: KeeperDeps) {
		this.#deps = deps;
		const { book, ledger, kind, profile, identity, holder, publish, clock, log } = deps;
		const onNews = () => this.#tell();
		this.#roster = new Roster({ profile, kind, identity, holder, aheadMs: deps.aheadMs ?? 0 });
		this.#settles = new SettleQueue({ ledger, clock, log, onNews, hold: () => this.#tenure.known() });
		this.#ran = new RanNotes({ write: deps.writeRan ?? null, clock, log });
		this.#reading = new Folded({ clock, work: () => this.#read(), restMs: FOLD_MS });
		const times = deps.times ?? TENURE_TIMES;
		// As often as somebody else could have come and gone.
		this.#sweeping = new Folded({ clock, work: () => this.#sweep(), restMs: 2 * times.ttlMs });
		this.#doubts = new Doubts({
			proven: deps.proven ?? null,
			clock,
			log,
			settle: (run) => this.#settle(run),
			// Not at once: what lost it once may do so again.
			onUnsent: (run) => this.#unsent(run, pauseAfter(run.tries - 1)),
		});
		this.#line = new FireLine({
			ledger,
			roster: this.#roster,
			settles: this.#settles,
			unsent: this.#unsentClaims,
			publish,
			clock,
			log,
			holds: () => this.#tenure.holds(),
			onLost: () => this.#tenure.lost(),
			onFired: (run, latenessMs) => this.#fired(run, latenessMs),
			onPlanned: (key) => this.#schedule(key),
			onLeft: () => {
				this.#left += 1;
				this.#sweepIn(FOLD_MS);
			},
			onDoubt: (run, why) => this.#doubts.add(run, why),
			onNews,
		});
		this.#clock = createDueClock({
			clock,
			onDue: (wakes) => this.#line.due(wakes.map((wake) => wake.key)),
			onJump: (jump) => this.#jumped(jump),
			...(deps.longestSleepMs === undefined ? {} : { longestMs: deps.longestSleepMs }),
		});
		this.#tenure = new Tenure({
			ledger,
			holder,
			clock,
			log,
			times,
			onGained: () => this.#gained(),
			onLost: () => this.#lost(),
			onRenewed: () => this.#line.renewed(),
			onNews,
		});
		this.#watching = book.onChange(() => this.#reading.ask());
		this.#tenure.start();
	}

	view(): KeeperView {
		return keeperView({
			holder: this.#deps.holder,
			now: this.#deps.clock.now(),
			tenure: this.#tenure.state(),
			loaded: this.#loaded,
			unread: this.#unread,
			unwritten: this.#line.trouble ?? this.#settles.trouble,
			away: this.#line.away,
			inLine: this.#line.waiting,
			doubtful: this.#doubts.size,
			tracked: this.#roster.all(),
			nextDueAt: this.#nextDueAt(),
			lastJump: this.#lastJump,
			lateness: this.#lateness.figures(),
		});
	}

	onChange(listener: () => void): Disposable {
		const own = () => listener();
		this.#listeners.add(own);
		return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
	}

	nudge(): void {
		this.#line.nudge();
		this.#doubts.nudge();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#ended = true;
		this.#epoch += 1;
		this.#listeners.clear();
		this.#telling?.[Symbol.dispose]();
		this.#ageing?.[Symbol.dispose]();
		this.#watching[Symbol.dispose]();
		this.#clock[Symbol.dispose]();
		this.#tenure.end();
		await this.#reading[Symbol.asyncDispose]();
		await this.#sweeping[Symbol.asyncDispose]();
		await this.#line.end();
		await this.#doubts[Symbol.asyncDispose]();
		await this.#settles.end();
		await this.#ran[Symbol.asyncDispose]();
		await this.#tenure[Symbol.asyncDispose]();
	}

	/** The clock wakes a little before. */
	#nextDueAt(): number | null {
		const wake = this.#clock.next();
		return wake === null ? null : this.#roster.dueAt(wake.key);
	}

	#tell(): void {
		if (this.#ended) return;
		this.#telling ??= this.#deps.clock.after(FOLD_MS, () => {
			this.#telling = null;
			for (const listener of [...this.#listeners]) listener();
		});
	}

	#gained(): void {
		this.#epoch += 1;
		this.#reading.hurry();
	}

	#lost(): void {
		this.#epoch += 1;
		this.#loaded = false;
		this.#clock.clear();
		this.#line.drop();
		this.#settles.drop();
		this.#doubts.drop();
		this.#roster.clear();
		this.#ran.clear();
		this.#tell();
	}

	#jumped(jump: ClockJump): void {
		this.#lastJump = jump;
		this.#deps.log.warn('schedules.clock-jumped', { kind: jump.kind, byMs: jump.byMs });
		// Where only this process stood still, both clocks still say how long the right is sure.
		if (jump.kind === 'stalled') this.#tenure.renew();
		else this.#tenure.jumped();
		this.#tell();
	}

	/** Takes the book in, or what changed in it. False: it could not be read. */
	async #read(): Promise<boolean> {
		const epoch = this.#epoch;
		if (this.#tenure.state().kind !== 'held' || this.#ended) return true;
		const problem = this.#loaded ? await this.#update(epoch) : await this.#load(epoch);
		if (epoch !== this.#epoch) return true;
		if (problem !== null && problem !== this.#unread) this.#deps.log.warn('schedules.book-unread', { reason: problem });
		this.#unread = problem;
		this.#tell();
		return problem === null;
	}

	/** All of it, once the right is here. Null: done; else why not. */
	async #load(epoch: number): Promise<string | null> {
		const { book, ledger, clock } = this.#deps;
		const left = this.#left;
		using busy = this.#settles.watch();
		const [reading, cursors, open] = await Promise.all([
			guarded(() => book.read()),
			guarded(() => ledger.cursors()),
			guarded(() => ledger.open()),
		]);
		for (const one of [reading, cursors, open]) if (!one.ok) return one.error.message;
		if (!reading.ok || !cursors.ok || !open.ok) return null;
		const now = clock.now();
		for (const [at, entry] of reading.value.entries.entries()) {
			if (at % TAKEN_AT_ONCE === 0) await nextTurn();
			if (epoch !== this.#epoch) return null;
			const { key, lastRunAt, nextRunAt } = entry;
			this.#roster.add(entry, cursors.value.get(key) ?? null, now);
			this.#ran.known({ key, lastRunAt, nextRunAt });
		}
		this.#loaded = true;
		// First what is still open, so that it is decided about together with what has come since.
		this.#judge(open.value, busy);
		for (const { entry } of [...this.#roster.all()]) this.#schedule(entry.key);
		this.#sweeping.ask();
		if (left !== this.#left) this.#sweepIn(FOLD_MS);
		return null;
	}

	/** What changed in it. */
	async #update(epoch: number): Promise<string | null> {
		const { book, clock } = this.#deps;
		const reading = await guarded(() => book.read());
		if (!reading.ok) return reading.error.message;
		if (epoch !== this.#epoch) return null;
		const now = clock.now();
		const there = new Set<string>();
		for (const entry of reading.value.entries) {
			there.add(entry.key);
			if (this.#roster.get(entry.key)?.entry.version === entry.version) continue;
			this.#change(entry, now);
		}
		for (const { entry } of [...this.#roster.all()]) {
			if (!there.has(entry.key)) this.#remove(entry.key, now);
		}
		return null;
	}

	#change(entry: BookEntry, now: number): void {
		this.#roster.change(entry, now);
		if (!entry.definition.active) this.#giveUp(entry.key, 'The schedule was paused before it was published.', now);
		this.#schedule(entry.key);
	}

	#remove(key: string, now: number): void {
		this.#giveUp(key, 'The schedule was removed before it was published.', now);
		this.#roster.remove(key);
		this.#clock.remove(key);
		this.#line.forget(key);
		this.#ran.forget(key);
	}

	#giveUp(key: string, note: string, now: number): void {
		const runs = this.#roster.takeWaiting(key);
		if (runs.length > 0) {
			void this.#settles.put(runs.map((run) => ({ ...run, state: 'missed' as const, note, updatedAt: now })));
		}
	}

	/** Sets the clock for a schedule, and notes when it runs next. */
	#schedule(key: string): void {
		const wake = this.#roster.wake(key);
		if (wake === null) this.#clock.remove(key);
		else this.#clock.set(wake);
		const tracked = this.#roster.get(key);
		if (tracked !== null) this.#ran.put({ key, lastRunAt: tracked.lastRunAt, nextRunAt: tracked.next });
	}

	#fired(run: ScheduleRun, latenessMs: number): void {
		this.#lateness.note(Math.max(0, latenessMs));
		this.#noteFired(run);
		this.#tell();
	}

	#noteFired(run: ScheduleRun): void {
		this.#roster.fired(run.key, run.dueAt);
		const tracked = this.#roster.get(run.key);
		if (tracked !== null) this.#ran.put({ key: run.key, lastRunAt: tracked.lastRunAt, nextRunAt: tracked.next });
	}

	/** Looks for open claims that nobody works on. */
	async #sweep(): Promise<boolean> {
		const epoch = this.#epoch;
		if (!this.#loaded || this.#ended) return true;
		using busy = this.#settles.watch();
		const open = await guarded(() => this.#deps.ledger.open());
		if (open.ok && epoch === this.#epoch) this.#judge(open.value, busy);
		// Once more after the rest, for as long as the right is here.
		return false;
	}

	/** Decides about open claims, of which `busy` knows those that are being worked on here. */
	#judge(open: readonly ScheduleRun[], busy: SettleWatch): void {
		const { holder, clock } = this.#deps;
		const now = clock.now();
		let fresh = false;
		for (const run of open) {
			const age = now - run.updatedAt;
			const waits = this.#roster.get(run.key)?.waiting.some((one) => one.dueAt === run.dueAt) === true;
			if (waits || busy.has(run) || this.#doubts.has(run)) continue;
			if (run.manual && age < MANUAL_MS) continue;
			// What waited to be tried again says so in the ledger, and is claimed once more before it is sent.
			const unsent = run.state === 'retrying' || run.tries === 0 || (run.by === holder && this.#unsentClaims.has(run));
			if (unsent) this.#unsent(run, 0);
			else if (run.by !== holder && Math.abs(age) < FRESH_CLAIM_MS) fresh = true;
			else this.#doubts.add(run, doubtWords(run, holder));
		}
		if (fresh) this.#sweepIn(FRESH_CLAIM_MS);
	}

	/** Looks at open claims in so long, unless that is to be done already. */
	#sweepIn(ms: number): void {
		if (this.#ended) return;
		this.#ageing ??= this.#deps.clock.after(ms, () => {
			this.#ageing = null;
			void this.#sweep();
		});
	}

	/** A claim that was surely not published: it is decided about once more, unless nobody wants it any more. */
	#unsent(run: ScheduleRun, pauseMs: number): void {
		const now = this.#deps.clock.now();
		if (run.manual) {
			const note = `${run.by} stopped before it was published.`;
			this.#settle({ ...run, state: 'failed', note, updatedAt: now });
		} else if (this.#roster.wait(run, now + pauseMs)) {
			this.#schedule(run.key);
		} else {
			const note = 'The schedule was paused or removed before it was published.';
			this.#settle({ ...run, state: 'missed', note, updatedAt: now });
		}
	}

	#settle(run: ScheduleRun): void {
		void this.#settles.put([run]);
		if (run.state === 'fired' && !run.manual) this.#noteFired(run);
		this.#tell();
	}
}

function doubtWords(run: ScheduleRun, holder: string): string {
	if (run.by !== holder) return `${run.by} stopped while it was publishing this.`;
	return 'The right to run this book was lost while this was being published.';
}

/** A ledger or book that throws (a full disk) is one that does not answer. */
async function guarded<T>(call: () => Promise<Result<T>>): Promise<Result<T>> {
	try {
		return await call();
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		return { ok: false, error: { code: 'internal', message, retryable: true } };
	}
}
