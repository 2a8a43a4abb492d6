/** What a screen says about a book that Warren runs. */

import type { BrokerAway } from './broker-watch.ts';
import type { ClockJump } from './due-clock.ts';
import type { LatenessFigures } from './lateness.ts';
import type { Tracked } from './roster.ts';
import type { TenureState } from './tenure.ts';

/** How a book is being run. */
export interface KeeperView {
	/** This keeper has the right. */
	readonly here: boolean;
	/** Who has it, so far as is known; null: nobody. */
	readonly holder: string | null;
	/** Why nothing runs, or what keeps runs from being published; null: all is well. */
	readonly note: string | null;
	/** Schedules that have a next run. */
	readonly active: number;
	readonly nextDueAt: number | null;
	/** Since when the broker is away; null: it is not. */
	readonly brokerAwaySince: number | null;
	/** Runs that were taken on and wait to be published again, and schedules whose time has come and that wait in line. */
	readonly waiting: number;
	/** Runs of which it is being found out whether they were published. */
	readonly doubtful: number;
	readonly lastJump: ClockJump | null;
	/** Of the newest thousand runs; null: none yet. */
	readonly lateness: LatenessFigures | null;
}

/** All that a view is made of. */
export interface KeeperFacts {
	readonly holder: string;
	readonly now: number;
	readonly tenure: TenureState;
	readonly loaded: boolean;
	/** Why the book could not be read; null: it could. */
	readonly unread: string | null;
	/** Why runs cannot be written down; null: they can. */
	readonly unwritten: string | null;
	readonly away: BrokerAway | null;
	readonly inLine: number;
	readonly doubtful: number;
	readonly tracked: Iterable<Tracked>;
	readonly nextDueAt: number | null;
	readonly lastJump: ClockJump | null;
	readonly lateness: LatenessFigures | null;
}

/** Due times that were seen to further ahead than this are worth a note. */
const AHEAD_MS = 60_000;

export function keeperView(facts: KeeperFacts): KeeperView {
	const { tenure, now } = facts;
	let active = 0;
	let waiting = facts.inLine;
	let ahead = 0;
	let until = 0;
	let broken: Tracked | null = null;
	for (const tracked of facts.tracked) {
		waiting += tracked.waiting.length;
		if (tracked.broken !== null) broken ??= tracked;
		if (tracked.next === null) continue;
		active += 1;
		if (tracked.after <= now + AHEAD_MS) continue;
		ahead += 1;
		until = Math.max(until, tracked.after);
	}
	const here = tenure.kind === 'held';
	return {
		here,
		holder: here ? facts.holder : tenure.kind === 'elsewhere' ? tenure.holder : null,
		note: noteOf(facts, { active, waiting, ahead, until, broken }),
		active,
		nextDueAt: facts.nextDueAt,
		brokerAwaySince: facts.away?.since ?? null,
		waiting,
		doubtful: facts.doubtful,
		lastJump: facts.lastJump,
		lateness: facts.lateness,
	};
}

interface Sums {
	readonly active: number;
	readonly waiting: number;
	/** Schedules that stand still because the clock was set back, and until when. */
	readonly ahead: number;
	readonly until: number;
	readonly broken: Tracked | null;
}

/** The first thing that keeps runs from being published. */
function noteOf(facts: KeeperFacts, sums: Sums): string | null {
	const { tenure, unread, unwritten, away } = facts;
	switch (tenure.kind) {
		case 'elsewhere':
			return `Run by ${tenure.holder ?? 'another process'}.`;
		case 'unknown':
			return `It cannot be told who may run it: ${tenure.reason}`;
		case 'asking':
			return 'It is being started.';
		case 'held':
			break;
	}
	if (unread !== null) return `The book cannot be read: ${unread}`;
	if (unwritten !== null) return `Runs cannot be written down, and so none is published: ${unwritten}`;
	if (away !== null) {
		const since = new Date(away.since).toISOString();
		return `The broker has been away since ${since}, and ${sums.waiting} wait for it. ${away.reason}`;
	}
	if (!facts.loaded) return 'It is being started.';
	if (sums.broken !== null) {
		return `"${sums.broken.entry.definition.name}" has no due times: ${sums.broken.broken}`;
	}
	if (sums.ahead > 0) {
		const until = new Date(sums.until).toISOString();
		return `The clock was set back. ${sums.ahead} of the schedules have run up to ${until} already, and go on then.`;
	}
	return sums.active === 0 ? 'No schedule has a next run.' : null;
}
