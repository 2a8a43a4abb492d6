/**
 * The schedules of one book as its keeper follows them: up to where each one's due times are seen to, when it is due next, and what of it
 * was taken on and not published yet. Decides, and does nothing.
 */
import type { ProfileId } from '#main/domain/ids.ts';
import { type BookEntry, type BookKind, type MissedPolicy, type ScheduleRun, timingOf } from '#main/domain/schedule.ts';
import { type CatchUp, catchUp, fireTime, type MissedStretch, resumeFrom } from './catch-up.ts';
import type { Wake } from './due-clock.ts';
import { dueMessageId } from './message-id.ts';
import { nextDue, type RunFacts } from './recurrence.ts';

/** One schedule that is followed. */
export interface Tracked {
	readonly entry: BookEntry;
	/** Every due time up to this one is seen to. */
	readonly after: number;
	readonly facts: RunFacts;
	/** The next due time; null: never again, or paused. */
	readonly next: number | null;
	/** Taken on and surely not published, in order of due time. */
	readonly waiting: readonly ScheduleRun[];
	/** When to try those again that wait; null: none do, or the broker is waited for. */
	readonly retryAt: number | null;
	/** The newest due time that was published. */
	readonly lastRunAt: number | null;
	/** Why no due times can be worked out, in words; null: they can. */
	readonly broken: string | null;
}

/** What is to be done about a schedule whose time has come. */
export interface Plan {
	readonly key: string;
	/** New to the ledger, oldest first: to be published (`claimed`) or only recorded (`missed`). */
	readonly claims: readonly ScheduleRun[];
	/** Already in the ledger, and otherwise now: to be published again (`claimed`), or given up (`missed`). */
	readonly again: readonly ScheduleRun[];
}

/**
 * So long before its moment a due time may be claimed: longer than hundreds of claims take. Only where a claim whose holder died in this
 * time can be told from one that was published, as history tells of the local book.
 */
export const AHEAD_MS = 100;

export interface RosterDeps {
	readonly profile: ProfileId;
	readonly kind: BookKind;
	/** Names the book for everybody who works on it. */
	readonly identity: string;
	readonly holder: string;
	/** How long before its moment a due time is claimed. */
	readonly aheadMs: number;
}

export class Roster {
	readonly #deps: RosterDeps;
	readonly #tracked = new Map<string, Tracked>();

	constructor(deps: RosterDeps) {
		this.#deps = deps;
	}

	get(key: string): Tracked | null {
		return this.#tracked.get(key) ?? null;
	}

	all(): Iterable<Tracked> {
		return this.#tracked.values();
	}

	clear(): void {
		this.#tracked.clear();
	}

	/** Follows a schedule that was not followed so far. `cursor`: its newest due time that has a run. */
	add(entry: BookEntry, cursor: number | null, now: number): void {
		const facts: RunFacts = { lastRunAt: cursor, createdAt: Math.min(entry.changedAt ?? now, now) };
		const after = resumeFrom(cursor, entry.changedAt, now);
		this.#put({ entry, after, facts, waiting: [], retryAt: null, lastRunAt: entry.lastRunAt });
	}

	/**
	 * Takes a schedule as the book has it now. A change of what it does leaves its due times as they are; one of when it runs, or its
	 * being resumed, lets it go on from the change, without making up for the time before.
	 */
	change(entry: BookEntry, now: number): void {
		const old = this.#tracked.get(entry.key);
		if (old === undefined) {
			this.add(entry, null, now);
			return;
		}
		const goesOn = old.entry.definition.active && sameTiming(old.entry, entry);
		const after = goesOn ? old.after : Math.max(old.after, resumeFrom(null, entry.changedAt, now));
		const facts = { ...old.facts, createdAt: Math.min(entry.changedAt ?? old.facts.createdAt, now) };
		this.#put({ ...old, entry, after, facts });
	}

	remove(key: string): void {
		this.#tracked.delete(key);
	}

	/** Has a run wait that was taken on and surely not published. False: nobody follows its schedule, or it is paused. */
	wait(run: ScheduleRun, retryAt: number | null): boolean {
		const tracked = this.#tracked.get(run.key);
		if (tracked === undefined || !tracked.entry.definition.active) return false;
		const others = tracked.waiting.filter((one) => one.dueAt !== run.dueAt);
		const waiting = [...others, run].sort((a, b) => a.dueAt - b.dueAt);
		this.#tracked.set(run.key, { ...tracked, waiting, retryAt });
		return true;
	}

	/** Takes away what waits of a schedule. */
	takeWaiting(key: string): readonly ScheduleRun[] {
		const tracked = this.#tracked.get(key);
		if (tracked === undefined || tracked.waiting.length === 0) return [];
		this.#tracked.set(key, { ...tracked, waiting: [], retryAt: null });
		return tracked.waiting;
	}

	/** Notes that a due time was published. */
	fired(key: string, dueAt: number): void {
		const tracked = this.#tracked.get(key);
		if (tracked === undefined || (tracked.lastRunAt ?? 0) >= dueAt) return;
		this.#tracked.set(key, { ...tracked, lastRunAt: dueAt });
	}

	/** When it is to be looked at next: a little before it is due, unless something of it waits. Null: never, so far as is known. */
	wake(key: string): Wake | null {
		const tracked = this.#tracked.get(key);
		if (tracked === undefined) return null;
		const at = dueOf(tracked, tracked.waiting.length === 0 ? this.#deps.aheadMs : 0);
		return at === null ? null : { key, at, name: tracked.entry.definition.name };
	}

	/** When something of it is to be published next, so far as is known. */
	dueAt(key: string): number | null {
		const tracked = this.#tracked.get(key);
		return tracked === undefined ? null : dueOf(tracked, 0);
	}

	/**
	 * Decides about everything of a schedule that has come, and goes on after it; null: nothing has. `why`: what kept runs from being
	 * published, in a sentence. `apart`: how many missed ones may have an entry of their own.
	 */
	plan(key: string, now: number, why: string | null, apart: number): Plan | null {
		const tracked = this.#tracked.get(key);
		if (tracked === undefined || !tracked.entry.definition.active || tracked.broken !== null) return null;
		const { entry, after, facts, waiting } = tracked;
		const { definition } = entry;
		let decided: CatchUp;
		try {
			decided = catchUp({
				definition,
				after,
				facts,
				waiting: waiting.map((run) => run.dueAt),
				now,
				until: now + this.#deps.aheadMs,
				apart,
			});
		} catch (error) {
			this.#tracked.set(key, { ...tracked, next: null, broken: wordsOf(error) });
			return null;
		}
		const goneOn = decided.handled > after ? { ...facts, lastRunAt: decided.handled } : facts;
		this.#tracked.set(key, {
			...tracked,
			after: decided.handled,
			facts: goneOn,
			next: decided.next,
			waiting: [],
			retryAt: null,
		});
		const runs = this.#runsOf(entry, decided, waiting, now, why);
		if (runs.length === 0) return null;
		const known = new Set(waiting.map((run) => run.dueAt));
		return {
			key,
			claims: runs.filter((run) => !known.has(run.dueAt)),
			again: runs.filter((run) => known.has(run.dueAt)),
		};
	}

	#put(tracked: Omit<Tracked, 'next' | 'broken'>): void {
		const { entry, after, facts } = tracked;
		const { definition, key } = entry;
		try {
			const next = definition.active ? nextDue(timingOf(definition), after, facts) : null;
			this.#tracked.set(key, { ...tracked, next, broken: null });
		} catch (error) {
			// The guard around one schedule: a zone that this platform lost, a bug in a rule. All others go on.
			this.#tracked.set(key, { ...tracked, next: null, broken: wordsOf(error) });
		}
	}

	#runsOf(
		entry: BookEntry,
		decided: CatchUp,
		waiting: readonly ScheduleRun[],
		now: number,
		why: string | null,
	): readonly ScheduleRun[] {
		const { missed: policy } = entry.definition;
		const old = new Map(waiting.map((run) => [run.dueAt, run]));
		const fresh = (dueAt: number, more: Pick<ScheduleRun, 'state' | 'tries' | 'note'>): ScheduleRun => ({
			profile: this.#deps.profile,
			book: this.#deps.kind,
			key: entry.key,
			name: entry.definition.name,
			dueAt,
			manual: false,
			firedAt: null,
			messageId: more.state === 'missed' ? null : dueMessageId(this.#deps.identity, entry.key, dueAt),
			taskId: null,
			by: this.#deps.holder,
			updatedAt: now,
			...more,
		});
		const missed = (dueAt: number, stretch: MissedStretch | null): ScheduleRun => {
			const before = old.get(dueAt);
			const note = [before?.note ?? why ?? 'Nobody was there to run it.', stretchWords(stretch), policyWords(policy)];
			const words = note.filter((part) => part !== '').join(' ');
			if (before === undefined) return fresh(dueAt, { state: 'missed', tries: 0, note: words });
			return { ...before, state: 'missed', note: words, updatedAt: now };
		};
		return [
			...(decided.stretch === null ? [] : [missed(decided.stretch.to, decided.stretch)]),
			...decided.missed.map((dueAt) => missed(dueAt, null)),
			...decided.fire.map((dueAt) =>
				fresh(dueAt, { state: 'claimed', tries: (old.get(dueAt)?.tries ?? 0) + 1, note: null }),
			),
			...givenUp(decided, waiting, now),
		].sort((a, b) => a.dueAt - b.dueAt);
	}
}

function dueOf({ entry, next, retryAt }: Tracked, aheadMs: number): number | null {
	const times = next === null ? [] : [fireTime(entry.definition, next) - aheadMs];
	if (retryAt !== null) times.push(retryAt);
	return times.length === 0 ? null : Math.min(...times);
}

/** Runs that waited and that a stretch stands for: they have entries, and each is to be closed. */
function givenUp(decided: CatchUp, waiting: readonly ScheduleRun[], now: number): readonly ScheduleRun[] {
	const { stretch } = decided;
	if (stretch === null) return [];
	return waiting
		.filter((run) => run.dueAt < stretch.to && run.dueAt >= stretch.from && !decided.missed.includes(run.dueAt))
		.map((run) => ({ ...run, state: 'missed' as const, updatedAt: now }));
}

function sameTiming(a: BookEntry, b: BookEntry): boolean {
	return JSON.stringify(timingOf(a.definition)) === JSON.stringify(timingOf(b.definition));
}

function stretchWords(stretch: MissedStretch | null): string {
	if (stretch === null || stretch.count < 2) return '';
	const count = `${stretch.atLeast ? 'at least ' : ''}${stretch.count - 1}`;
	return `With it ${count} before, from ${new Date(stretch.from).toISOString()} on, which have no entries of their own.`;
}

function policyWords(policy: MissedPolicy): string {
	switch (policy.kind) {
		case 'skip':
			return 'Missed runs are left out.';
		case 'once':
			return 'Only the newest missed run is made up for.';
		case 'all':
			return `Only the newest ${policy.most} missed runs are made up for.`;
	}
}

function wordsOf(error: unknown): string {
	return error instanceof Error ? error.message : String(error);
}
