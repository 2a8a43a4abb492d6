/**
 * What becomes of due times that have passed: which run now, which are recorded as missed, and from where the schedule goes on. Pure,
 * and bounded: a schedule of every second that nobody ran for months is decided without walking through every second of them.
 *
 * A due time that passed a moment ago is not missed but late, and runs whatever the policy says: one within `eachMs`, and the newest of a
 * schedule within `newestMs` (which outlasts the handing over between two processes). All older ones are for the policy.
 */
import type { MissedPolicy, ScheduleDefinition } from '#main/domain/schedule.ts';
import { timingOf } from '#main/domain/schedule.ts';
import type { Timing } from '#main/domain/timing.ts';
import { countDues, jitterOf, nextDue, type RunFacts } from './recurrence.ts';

/** How late is still only late. */
export interface Grace {
	readonly eachMs: number;
	readonly newestMs: number;
}

export const GRACE: Grace = { eachMs: 5_000, newestMs: 60_000 };

/** Missed due times beyond this are recorded together, in one entry. */
export const MISSED_APART = 100;

export interface CatchUpRequest {
	readonly definition: ScheduleDefinition;
	/** Every due time up to this one has been seen to. */
	readonly after: number;
	readonly facts: RunFacts;
	/** Due times up to `after` that somebody took on and that were surely not published yet, in order. */
	readonly waiting: readonly number[];
	readonly now: number;
	/** Due times up to this moment are taken on as well, where none has come; default `now`. */
	readonly until?: number;
	readonly grace?: Grace;
	/** How many missed due times may have an entry of their own; default `MISSED_APART`. */
	readonly apart?: number;
}

/** Due times that are recorded together. */
export interface MissedStretch {
	readonly from: number;
	/** The newest of them, under which they are recorded. */
	readonly to: number;
	/** How many; with `atLeast`, that many or more. */
	readonly count: number;
	readonly atLeast: boolean;
}

export interface CatchUp {
	/** To be published now, oldest first. */
	readonly fire: readonly number[];
	/** To be recorded as missed, each by itself, oldest first. */
	readonly missed: readonly number[];
	/** Still older ones, to be recorded as missed together; null: none. */
	readonly stretch: MissedStretch | null;
	/** Every due time up to this one is seen to by this plan. */
	readonly handled: number;
	/** The next due time after `handled`; null: never again. */
	readonly next: number | null;
}

/** When a due time is published: its jitter later. */
export function fireTime(definition: ScheduleDefinition, due: number): number {
	return due + jitterOf(definition.name, due, definition.jitterMs);
}

/** Decides about everything between `after` and now. */
export function catchUp(request: CatchUpRequest): CatchUp {
	const { definition, after, facts, now, until = now } = request;
	const grace = request.grace ?? GRACE;
	const apart = request.apart ?? MISSED_APART;
	const timing = timingOf(definition);
	const policy = definition.missed;
	// As many as could ever be told apart: those that run by policy, those that are only late, and those recorded one by one.
	const wanted = apart + (policy.kind === 'all' ? policy.most : 1) + Math.ceil(grace.eachMs / 1_000) + 2;
	const come = newestPassed(definition, timing, after, now, facts, wanted);
	// Those that have come are decided about by themselves: one that is yet to come says nothing about what was missed.
	const ahead = come.dues.length + request.waiting.length === 0 && until > now;
	const passed = ahead ? newestPassed(definition, timing, after, until, facts, wanted) : come;
	const dues = request.waiting.length === 0 ? passed.dues : inOrder([...request.waiting, ...passed.dues]);
	const handled = passed.dues.at(-1) ?? after;
	// What waits may have been overtaken by a newer one, which has run.
	const overtaken = dues.length > 0 && handled > (dues.at(-1) ?? handled);
	const { fire, missed } = judge(dues, overtaken, definition, now, grace);
	const alone = missed.slice(Math.max(0, missed.length - apart));
	const together = missed.slice(0, missed.length - alone.length);
	return {
		fire,
		missed: alone,
		stretch: stretchOf(together, passed.older, timing, after, facts),
		handled,
		next: nextDue(timing, handled, passed.dues.length === 0 ? facts : { ...facts, lastRunAt: handled }),
	};
}

/** Splits due times, oldest first, into those that run and those that are missed. */
function judge(
	dues: readonly number[],
	overtaken: boolean,
	definition: ScheduleDefinition,
	now: number,
	grace: Grace,
): { readonly fire: readonly number[]; readonly missed: readonly number[] } {
	const newest = overtaken ? -1 : dues.length - 1;
	const late = (due: number, at: number): boolean => {
		const by = now - fireTime(definition, due);
		return by <= grace.eachMs || (at === newest && by <= grace.newestMs);
	};
	const firstLate = dues.findIndex(late);
	const split = firstLate < 0 ? dues.length : firstLate;
	const old = dues.slice(0, split);
	const runs = runsOf(definition.missed, old.length, overtaken || split < dues.length);
	const kept = old.length - runs;
	return { fire: dues.slice(kept), missed: old.slice(0, kept) };
}

/** How many of the newest missed ones run. `later`: one that is only late runs anyway, and makes up for them where one is enough. */
function runsOf(policy: MissedPolicy, missed: number, later: boolean): number {
	switch (policy.kind) {
		case 'skip':
			return 0;
		case 'once':
			return later ? 0 : Math.min(1, missed);
		case 'all':
			return Math.min(policy.most, missed);
	}
}

interface Passed {
	/** The newest ones that have come, oldest first; at least as many as were wanted where there are more. */
	readonly dues: readonly number[];
	/** Where those begin that are not among them: all after the `after` that was asked for, before this. Null: none are left out. */
	readonly older: number | null;
}

/** The newest due times in (after, now] whose moment of publishing has come. */
function newestPassed(
	definition: ScheduleDefinition,
	timing: Timing,
	after: number,
	now: number,
	facts: RunFacts,
	wanted: number,
): Passed {
	// What is walked through in one attempt has a bound; with too many, the next begins so close to now that there are few.
	const most = 2 * wanted;
	const from = (begin: number) => walk(definition, timing, begin, now, facts, most);
	const all = from(after);
	if (all.complete) return { dues: all.list, older: null };
	let enough = after;
	let few = now;
	let newest: readonly number[] = [];
	let begin = now - ((all.list.at(-1) ?? now) - after) * 0.75;
	while (few - enough > 1) {
		begin = Math.floor(Math.min(Math.max(begin, enough + 1), few - 1));
		const { list, complete } = from(begin);
		if (complete && list.length >= wanted) return { dues: list, older: list[0] ?? begin };
		if (complete) {
			few = begin;
			newest = list;
		} else enough = begin;
		begin = (enough + few) / 2;
	}
	return { dues: newest, older: newest[0] ?? few };
}

/** The due times in (from, now] that have come; not `complete` when there are more than `most`. */
function walk(
	definition: ScheduleDefinition,
	timing: Timing,
	from: number,
	now: number,
	facts: RunFacts,
	most: number,
): { readonly list: readonly number[]; readonly complete: boolean } {
	const list: number[] = [];
	let known = facts;
	let due = nextDue(timing, from, known);
	while (due !== null && fireTime(definition, due) <= now) {
		if (list.length === most) return { list, complete: false };
		list.push(due);
		known = { ...known, lastRunAt: due };
		due = nextDue(timing, due, known);
	}
	return { list, complete: true };
}

/** Due times that are counted one by one at most, where no arithmetic tells how many there are. */
const COUNTED = 20_000;

function stretchOf(
	together: readonly number[],
	older: number | null,
	timing: Timing,
	after: number,
	facts: RunFacts,
): MissedStretch | null {
	const last = together.at(-1);
	if (last === undefined) return null;
	if (older === null) return { from: together[0] ?? last, to: last, count: together.length, atLeast: false };
	const left = countDues(timing, after, older - 1, facts, COUNTED);
	const from = nextDue(timing, after, facts) ?? last;
	return { from, to: last, count: together.length + left.count, atLeast: !left.exact };
}

function inOrder(dues: readonly number[]): readonly number[] {
	return [...new Set(dues)].sort((a, b) => a - b);
}

/** A cursor or an edit this far ahead of the clock comes from a clock that was wrong; schedules would stand still until then. */
const BELIEVED_AHEAD_MS = 7 * 86_400_000;

/**
 * From where a schedule goes on that nobody here has followed so far. `cursor`: its newest due time that has a run. A schedule that was
 * edited or resumed since does not make up for the time before. What lies more than a week ahead is not believed: the ledger still
 * gives away each due time that has a run only once.
 */
export function resumeFrom(cursor: number | null, changedAt: number | null, now: number): number {
	const believed = (at: number | null): at is number => at !== null && at <= now + BELIEVED_AHEAD_MS;
	if (cursor !== null && !believed(cursor)) return believed(changedAt) ? Math.max(changedAt, now) : now;
	if (believed(cursor) && believed(changedAt)) return Math.max(cursor, changedAt);
	if (believed(cursor)) return cursor;
	return believed(changedAt) ? changedAt : now;
}
