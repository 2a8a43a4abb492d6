/**
 * A simulated year: two keepers of one book, and everything that can happen to them. What they did is held against a slow and obvious
 * reading of the rules: every due time has one run, each is decided by its schedule's policy, and none waits while somebody could see to it.
 */
import { describe, expect, it } from 'vitest';
import { fail } from '#main/domain/result.ts';
import { type MissedPolicy, type ScheduleDefinition, type ScheduleRun, timingOf } from '#main/domain/schedule.ts';
import type { Recurrence } from '#main/domain/timing.ts';
import { fireTime } from '#main/scheduler/catch-up.ts';
import { nextDue, type RunFacts } from '#main/scheduler/recurrence.ts';
import { AHEAD_MS } from '#main/scheduler/roster.ts';
import { type MortalKeeper, mortalKeeper, type ScheduleWorld, scheduleWorld } from '#test/support/schedule-world.ts';
import { type YearClock, yearClock } from '#test/support/year-clock.ts';

const LONG = process.env.WARREN_LONG !== undefined;
/** A leap year, with both clock changes of both hemispheres. */
const START = Date.parse('2024-01-01T00:00:30Z');
const DAY = 86_400_000;
const HOUR = 3_600_000;
const MINUTE = 60_000;
/** Slower than in life by the same factor, so that a year has some hundred thousand steps and not tens of millions. */
const TIMES = { ttlMs: 30 * MINUTE, renewMs: 7 * MINUTE, askMs: 5 * MINUTE };
const LONGEST_SLEEP_MS = 10 * MINUTE;
/** A dead keeper's right lapses, another asks for it, and notices what its clock says when its timer rings. */
const SEEN_TO_MS = TIMES.ttlMs + TIMES.askMs + LONGEST_SLEEP_MS + MINUTE;

function randomOf(seed: number): () => number {
	let state = seed >>> 0;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 0x1_0000_0000;
	};
}

const every = (
	count: number,
	unit: 'minutes' | 'hours' | 'days' | 'weeks',
	align: 'clock' | 'last-run' = 'clock',
): Recurrence => ({
	kind: 'every',
	count,
	unit,
	align,
});
const cron = (expression: string): Recurrence => ({ kind: 'cron', expression });
const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/Santiago', 'UTC', 'Africa/Cairo'];
const RECURRENCES: readonly Recurrence[] = [
	every(15, 'minutes'),
	every(1, 'hours'),
	every(50, 'minutes', 'last-run'),
	every(2, 'hours'),
	every(7, 'hours'),
	every(5, 'hours', 'last-run'),
	every(12, 'hours'),
	every(1, 'days'),
	every(1, 'days', 'last-run'),
	every(2, 'days'),
	every(1, 'weeks'),
	every(2, 'weeks'),
	cron('30 2 * * *'),
	cron('0 0 * * *'),
	cron('15 1 * * *'),
	cron('0 9 * * 1-5'),
	cron('*/30 1-3 * * *'),
	cron('0,30 1-3 * * 0'),
	cron('0 0 29 2 *'),
	cron('0 6 L * *'),
	cron('30 12 1,15 * *'),
	cron('0 */6 * * 6,0'),
	cron('45 23 31 12 *'),
	cron('20 30 2 * * *'),
	{ kind: 'once', at: Date.parse('2024-02-29T12:00:00Z') },
	{ kind: 'once', at: Date.parse('2024-10-27T01:00:00Z') },
];
const POLICIES: readonly MissedPolicy[] = [{ kind: 'skip' }, { kind: 'once' }, { kind: 'all', most: 5 }];

/** One schedule as the oracle follows it. */
interface Followed {
	readonly key: string;
	readonly definition: ScheduleDefinition;
	readonly facts: RunFacts;
	active: boolean;
	/** The next due time that has not come, and when it is published. */
	next: number | null;
	/** Come, and without a run so far: by due time since when (monotonic). */
	readonly come: Map<number, number>;
	/** Taken on, and known not to be published. */
	readonly waiting: Set<number>;
	/** Taken on and without an outcome: one whose holder was killed may be decided about again. */
	readonly open: Set<number>;
}

class Oracle {
	readonly followed = new Map<string, Followed>();
	readonly #clock: YearClock;
	readonly #calm: () => boolean;
	/** Since when somebody could have seen to everything; null: nobody can. */
	#calmSince: number | null = null;
	/** What is being decided at this moment, by schedule: a plan is all that is written about one in one go. */
	readonly #plans = new Map<string, ScheduleRun[]>();
	readonly #outcomes: (() => void)[] = [];
	/** By schedule the newest due time that has a run. */
	readonly #newest = new Map<string, number>();
	plans = 0;

	constructor(clock: YearClock, calm: () => boolean) {
		this.#clock = clock;
		this.#calm = calm;
	}

	follow(key: string, definition: ScheduleDefinition): void {
		const now = this.#clock.now();
		const facts = { lastRunAt: null, createdAt: now };
		const next = nextDue(timingOf(definition), now, facts);
		this.followed.set(key, {
			key,
			definition,
			facts,
			active: true,
			next,
			come: new Map(),
			waiting: new Set(),
			open: new Set(),
		});
	}

	resume(one: Followed): void {
		one.active = true;
		one.next = nextDue(timingOf(one.definition), Math.max(this.#clock.now(), (one.next ?? 0) - 1), one.facts);
	}

	pause(one: Followed): void {
		one.active = false;
	}

	/** Every word in the ledger. */
	heard(run: ScheduleRun): void {
		const one = this.#of(run.key);
		this.#newest.set(run.key, Math.max(run.dueAt, this.#newest.get(run.key) ?? 0));
		// Decisions are what is claimed or missed; all else is an outcome, of decisions of this step too.
		if (run.state === 'claimed' || run.state === 'missed') {
			const plan = this.#plans.get(run.key);
			if (plan === undefined) this.#plans.set(run.key, [run]);
			else plan.push(run);
		} else if (run.state === 'retrying')
			this.#outcomes.push(() => one.open.delete(run.dueAt) && one.waiting.add(run.dueAt));
		else this.#outcomes.push(() => one.open.delete(run.dueAt));
	}

	/** After each step of the world: what has come, and whether what was decided in this step is right. */
	look(): void {
		const monotonic = this.#clock.monotonic();
		this.#arrive();
		// The last word about each due time: one whose claim took long was decided about again at once.
		for (const [key, plan] of this.#plans) {
			this.#check(this.#of(key), [...new Map(plan.map((run) => [run.dueAt, run])).values()]);
		}
		this.#plans.clear();
		for (const outcome of this.#outcomes.splice(0)) outcome();
		const outstanding = [...this.followed.values()].filter((one) => one.come.size > 0);
		// While nothing is due it does not matter who could see to it.
		if (outstanding.length === 0) return;
		this.#calmSince = this.#calm() ? (this.#calmSince ?? monotonic) : null;
		for (const one of this.#calmSince === null ? [] : outstanding) {
			for (const [due, since] of one.come) {
				const waited = monotonic - Math.max(since, this.#calmSince ?? 0);
				if (waited > SEEN_TO_MS) {
					throw new Error(`${one.key}: ${new Date(due).toISOString()} has waited ${waited} ms and nobody saw to it`);
				}
			}
		}
	}

	/** Nothing may be left. */
	end(): void {
		for (const one of this.followed.values()) {
			expect([...one.come.keys()], `${one.key}: due and never seen to`).toEqual([]);
		}
	}

	#of(key: string): Followed {
		const one = this.followed.get(key);
		if (one === undefined) throw new Error(`A run of ${key}, which is no schedule`);
		return one;
	}

	#arrive(): void {
		const now = this.#clock.now();
		for (const one of this.followed.values()) {
			// The clock was set forward, and back again before anybody looked: these are to come once more.
			for (const due of one.come.keys()) {
				if (fireTime(one.definition, due) <= now + AHEAD_MS) continue;
				one.come.delete(due);
				one.next = Math.min(due, one.next ?? due);
			}
			while (one.active && one.next !== null && fireTime(one.definition, one.next) <= now) {
				one.come.set(one.next, this.#clock.monotonic());
				one.next = nextDue(timingOf(one.definition), one.next, { ...one.facts, lastRunAt: one.next });
			}
		}
	}

	/** The next due time is claimed a little before it comes, by itself, where nothing else is to be decided. */
	#ahead(one: Followed, decided: readonly number[], now: number): void {
		const { next, definition } = one;
		if (next === null || !one.active || one.come.size + one.waiting.size > 0 || !same(decided, [next])) return;
		if (fireTime(definition, next) - now > AHEAD_MS) return;
		one.come.set(next, this.#clock.monotonic());
		one.next = nextDue(timingOf(definition), next, { ...one.facts, lastRunAt: next });
	}

	/** A plan takes all that has come and all that waits, and divides it as the policy says. */
	#check(one: Followed, plan: readonly ScheduleRun[]): void {
		this.plans += 1;
		const now = Math.max(...plan.map((run) => run.updatedAt));
		const decided = plan.map((run) => run.dueAt).sort((a, b) => a - b);
		const wrong = (what: string, expected: readonly number[], found: readonly number[]) => {
			const show = (dues: readonly number[]) => dues.map((due) => new Date(due).toISOString()).join(' ');
			throw new Error(
				`${one.key} at ${new Date(now).toISOString()}, ${what} of ${show(decided)}: expected ${show(expected)}, found ${show(found)}`,
			);
		};
		this.#ahead(one, decided, now);
		// What somebody left behind who was killed may be decided about with the rest.
		const left = decided.filter((due) => one.open.has(due));
		const expected = [...new Set([...one.come.keys(), ...one.waiting, ...left])].sort((a, b) => a - b);
		if (!same(decided, expected)) wrong('all that is to be decided', expected, decided);

		const late = (due: number) => now - fireTime(one.definition, due);
		const overtaken = one.come.size === 0 && decided.every((due) => due < (this.#newest.get(one.key) ?? 0));
		const fire = new Set<number>();
		for (const [n, due] of decided.entries()) {
			const newest = n === decided.length - 1 && !overtaken;
			if (late(due) <= 5_000 || (newest && late(due) <= MINUTE)) fire.add(due);
		}
		const old = decided.filter((due) => !fire.has(due));
		const { missed: policy } = one.definition;
		const made = policy.kind === 'skip' ? 0 : policy.kind === 'all' ? policy.most : fire.size > 0 || overtaken ? 0 : 1;
		for (const due of made === 0 ? [] : old.slice(-made)) fire.add(due);
		const claimed = plan.filter((run) => run.state === 'claimed').map((run) => run.dueAt);
		const runs = [...fire].sort((a, b) => a - b);
		if (
			!same(
				claimed.sort((a, b) => a - b),
				runs,
			)
		)
			wrong(`what runs (${policy.kind})`, runs, claimed);
		for (const due of decided) {
			one.come.delete(due);
			one.waiting.delete(due);
			one.open.delete(due);
		}
		for (const due of claimed) one.open.add(due);
	}
}

function same(a: readonly number[], b: readonly number[]): boolean {
	return a.length === b.length && a.every((one, at) => one === b[at]);
}

interface Year {
	readonly shop: ScheduleWorld;
	readonly oracle: Oracle;
	readonly happened: ReadonlyMap<string, number>;
	/** Published before their moment. */
	readonly early: number;
}

async function live(seed: number, days: number): Promise<Year> {
	const random = randomOf(seed);
	const below = (limit: number) => Math.floor(random() * limit);
	const clock = yearClock(START);
	const shop = scheduleWorld(clock);
	const keepers: (MortalKeeper | null)[] = [null, null];
	let broker = true;
	let born = 0;
	const happened = new Map<string, number>();
	const count = (what: string) => {
		if (process.env.TRACE)
			console.log(new Date(clock.now()).toISOString(), what, JSON.stringify(keepers.map((k) => k?.keeper.view().note)));
		happened.set(what, (happened.get(what) ?? 0) + 1);
	};
	const calm = () => broker && shop.ledgerDown === null && keepers.some((one) => one?.dead === false);
	const oracle = new Oracle(clock, calm);
	shop.onRun = (run) => oracle.heard(run);
	shop.broker = () => (broker ? null : fail('unreachable', 'The broker does not answer.').error);
	const look = () => oracle.look();
	const sent = new Set<string>();
	/** When somebody set the wall clock: what was claimed before goes by the other one. */
	let setAt = Number.NEGATIVE_INFINITY;
	const setBy = (ms: number) => {
		setAt = clock.monotonic();
		clock.setBy(ms);
	};
	let early = 0;

	const begin = (place: number) => {
		born += 1;
		const keeper: MortalKeeper = mortalKeeper(shop, clock, `keeper-${place}-${born}`, {
			times: TIMES,
			longestSleepMs: LONGEST_SLEEP_MS,
			// One of the two claims ahead.
			aheadMs: place === 0 ? AHEAD_MS : 0,
			proven: async (messageId) => ({ ok: true, value: sent.has(messageId) }),
			publish: (publish) => async (definition, due) => {
				// Now and then somebody dies with a message in hand, before it is out or after.
				const fate = random();
				const before = fireTime(definition, due.dueAt) - clock.now();
				if (before > 0 && clock.monotonic() - setAt > AHEAD_MS) early += 1;
				const dies = fate < 0.000_3;
				if (dies && fate < 0.000_15) {
					count('killed before sending');
					keeper.kill();
					return new Promise(() => {});
				}
				const outcome = await publish(definition, due);
				if (outcome.ok) sent.add(due.messageId);
				if (dies) {
					count('killed after sending');
					keeper.kill();
				}
				return outcome;
			},
		});
		keepers[place] = keeper;
	};

	for (const [n, recurrence] of [...RECURRENCES, ...RECURRENCES.slice(1)].entries()) {
		const key = `s${n}`;
		const jitterMs = n % 5 === 4 ? 7 * MINUTE : 0;
		const more = {
			name: key,
			recurrence,
			zone: ZONES[(n * 7) % ZONES.length] ?? 'UTC',
			missed: POLICIES[(n + Math.floor(n / RECURRENCES.length)) % POLICIES.length] ?? { kind: 'once' },
			jitterMs,
		};
		shop.put(key, more);
		oracle.follow(key, shop.entry(key)?.definition as ScheduleDefinition);
	}
	begin(0);
	begin(1);

	const end = clock.monotonic() + days * DAY;
	const rest = (most: number) => clock.run(below(most) + 1_000, look);
	while (clock.monotonic() < end) {
		await rest(20 * HOUR);
		const place = below(2);
		const dice = below(12);
		if (dice === 0) {
			count('broker away');
			broker = false;
			await rest(below(3) === 0 ? 9 * HOUR : 4 * MINUTE);
			broker = true;
		} else if (dice === 1) {
			count('killed');
			keepers[place]?.kill();
			await rest(5 * HOUR);
		} else if (dice === 2) {
			count('stopped and started');
			const stopping = keepers[place]?.[Symbol.asyncDispose]();
			await clock.run(1_000, look);
			await stopping;
			keepers[place] = null;
			await rest(3 * HOUR);
		} else if (dice === 3) {
			count('all away');
			for (const keeper of keepers) keeper?.kill();
			await rest(12 * HOUR);
		} else if (dice === 4) {
			count('slept');
			setBy(below(10 * HOUR));
		} else if (dice === 5) {
			count('stalled');
			clock.stallFor(below(2 * HOUR));
		} else if (dice === 6) {
			count('set forward');
			setBy(below(3 * HOUR));
		} else if (dice === 7) {
			count('set back');
			setBy(-below(3 * HOUR));
		} else if (dice === 8) {
			count('right lost');
			shop.expire();
		} else if (dice === 9) {
			count('ledger away');
			shop.ledgerDown = fail('unreachable', 'The ledger does not answer.').error;
			await rest(2 * HOUR);
			shop.ledgerDown = null;
		} else if (calm()) {
			// An edit while all is well: what it means for what nobody has seen to is another test's.
			await clock.run(SEEN_TO_MS, look);
			const all = [...oracle.followed.values()];
			const one = all[below(all.length)] as Followed;
			if (one.come.size + one.waiting.size + one.open.size === 0 && calm()) edit(one);
		}
		for (const at of [0, 1]) if (keepers[at] === null || keepers[at]?.dead === true) begin(at);
	}
	function edit(one: Followed): void {
		if (!one.active) {
			count('resumed');
			shop.put(one.key, { active: true });
			oracle.resume(one);
		} else if (random() < 0.5) {
			count('paused');
			shop.put(one.key, { active: false });
			oracle.pause(one);
		} else {
			count('described');
			shop.put(one.key, { description: `edit ${random()}` });
		}
	}
	// A quiet end, in which everything is seen to.
	await clock.run(6 * HOUR, look);
	oracle.end();
	for (const keeper of keepers) {
		const ending = keeper?.[Symbol.asyncDispose]();
		await clock.run(10_000, () => {});
		await ending;
	}
	return { shop, oracle, happened, early };
}

describe('a year with two keepers on one book', () => {
	it.each(LONG ? [1, 2, 3, 4, 5, 6, 7, 8] : [1])(
		'has no due time run twice, none forgotten, and each decided by its policy (seed %i)',
		{ timeout: 900_000 },
		async (seed) => {
			const { shop, oracle, happened, early } = await live(seed, 366);
			expect(early, 'published before its moment').toBe(0);
			// Never two fires for one due time.
			const fired = shop.published.map((one) => `${one.key}@${one.dueAt}`);
			expect(fired.length - new Set(fired).size, 'published twice').toBe(0);
			// What the ledger says is what happened, for every due time, and no other was published.
			const said = [...shop.runs.values()];
			const published = new Set(fired);
			const wrong = said.filter((run) => {
				const id = `${run.key}@${run.dueAt}`;
				const over = run.state === 'fired' || run.state === 'missed';
				// So few are missed at a time that each has an entry of its own.
				return !over || (run.state === 'fired') !== published.has(id) || run.note?.includes('With it') === true;
			});
			expect(wrong).toEqual([]);
			expect(said.filter((run) => run.state === 'fired').length).toBe(published.size);
			// The year was a bad one, and long.
			for (const what of [
				'broker away',
				'killed',
				'all away',
				'slept',
				'stalled',
				'set forward',
				'set back',
				'right lost',
				'ledger away',
			]) {
				expect(happened.get(what) ?? 0, what).toBeGreaterThan(10);
			}
			expect(fired.length).toBeGreaterThan(50_000);
			expect(said.filter((run) => run.state === 'missed').length).toBeGreaterThan(500);
			expect(oracle.plans).toBeGreaterThan(50_000);
		},
	);
});
