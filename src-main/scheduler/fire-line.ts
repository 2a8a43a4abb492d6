/**
 * From a schedule whose time comes to a settled run: decide, claim (committed), wait for the moment, publish, settle. Schedules wait in line undecided, so
 * that what happens to their due times is decided with the clock of the moment at which something can be done about them: while the
 * broker is away nothing is claimed, and when it is back the policy for missed runs sorts out what has come meanwhile.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { TaskId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { Failure, Result } from '#main/domain/result.ts';
import type { ScheduleDefinition, ScheduleRun } from '#main/domain/schedule.ts';
import { type BrokerAway, BrokerWatch } from './broker-watch.ts';
import { fireTime } from './catch-up.ts';
import { Launches } from './launches.ts';
import type { Hold, RunLedger } from './ledger.ts';
import { pauseAfter } from './pauses.ts';
import type { Plan, Roster } from './roster.ts';
import type { SettleQueue } from './settle-queue.ts';
import type { Unsent } from './unsent.ts';

/** Publishes a schedule's task under the given message id; resolves after the broker has taken it. */
export type PublishDue = (
	definition: ScheduleDefinition,
	due: { readonly messageId: string; readonly dueAt: number },
) => Promise<Result<{ readonly taskId: TaskId }>>;

export interface FireLineDeps {
	readonly ledger: RunLedger;
	readonly roster: Roster;
	readonly settles: SettleQueue;
	/** Is told of claims that were not sent, for when the right was lost and comes back. */
	readonly unsent: Unsent;
	readonly publish: PublishDue;
	readonly clock: Clock;
	readonly log: Log;
	/** The right to run the book, where it is surely held right now. */
	readonly holds: () => Hold | null;
	/** The ledger said that the right is gone. */
	readonly onLost: () => void;
	/** Something was published: when, and how late. */
	readonly onFired: (run: ScheduleRun, latenessMs: number) => void;
	/** The schedule's wake may have moved. */
	readonly onPlanned: (key: string) => void;
	/** Claims from before the right was lost stand in the ledger, and nobody here works on them any more. */
	readonly onLeft: () => void;
	/** Published or not, nobody can tell. */
	readonly onDoubt: (run: ScheduleRun, why: string) => void;
	/** What `away` or `trouble` say has changed. */
	readonly onNews: () => void;
}

/** Claims in one step, so many schedules decided in one go; more would let the first of them wait for the last. */
const BATCH = 250;
/** Being published at once, and claimed ahead of their moment. */
const MOST_IN_FLIGHT = 500;
const MOST_HELD = 1_000;
/** Entries of their own that missed runs of all schedules together may have in one go. */
const MISSED_ENTRIES = 5_000;
const MISSED_APART = 100;
/** A decision that took longer to be written down is made again. */
const DECISION_MS = 5_000;

interface Claimed {
	/** Per claim null where it is ours, else what stands there. */
	readonly runs: readonly (ScheduleRun | null)[];
	/** Why it took more than one attempt; null: it did not. */
	readonly delayed: string | null;
}

const NONE_CLAIMED: Claimed = { runs: [], delayed: null };

export class FireLine {
	readonly #deps: FireLineDeps;
	/** Keys of schedules whose time has come, in order. */
	readonly #keys = new Set<string>();
	readonly #broker: BrokerWatch;
	readonly #launches: Launches;
	#inFlight = 0;
	#working: Promise<void> | null = null;
	#ended = false;
	/** Rises when the right is lost: what was decided before is nobody's business any more. */
	#epoch = 0;
	#trouble: string | null = null;
	#resume: (() => void) | null = null;
	#idle: (() => void)[] = [];

	constructor(deps: FireLineDeps) {
		this.#deps = deps;
		const { clock, log, onNews } = deps;
		this.#broker = new BrokerWatch({ clock, log, onNews, onTry: () => this.poke() });
		this.#launches = new Launches(clock, (run) => void this.#send(run));
	}

	/** Since when the broker is away; null: it is not, so far as is known. */
	get away(): BrokerAway | null {
		return this.#broker.away;
	}

	/** Why claims cannot be written; null: they can. */
	get trouble(): string | null {
		return this.#trouble;
	}

	/** Schedules that wait for their turn. */
	get waiting(): number {
		return this.#keys.size;
	}

	/** Puts schedules in line, in this order; those that stand there already keep their place. */
	due(keys: Iterable<string>): void {
		for (const key of keys) this.#keys.add(key);
		this.poke();
	}

	forget(key: string): void {
		this.#keys.delete(key);
	}

	/** The right is sure for another while. */
	renewed(): void {
		this.#resume?.();
		this.poke();
	}

	/** Goes on, if there is something to do and nothing in the way. */
	poke(): void {
		if (this.#working !== null || this.#ended) return;
		const work = this.#work();
		this.#working = work;
		void work.finally(() => {
			this.#working = null;
			this.#tellIdle();
			// Something may have come while it was leaving.
			if (this.#mayGoOn()) this.poke();
		});
	}

	/** The broker may be back: tries at once. */
	nudge(): void {
		this.#broker.nudge();
	}

	/** The right is lost: nothing that was decided is carried out, apart from what is being published. */
	drop(): void {
		this.#epoch += 1;
		this.#keys.clear();
		this.#broker.clear();
		// Whoever has the right next finds their claims, and judges them.
		for (const run of this.#launches.takeAll()) this.#leaveUnsent(run);
		this.#resume?.();
	}

	/** Leaves claims from before the right was lost to whoever has it next. */
	#abandon(runs: readonly ScheduleRun[]): void {
		for (const run of runs) this.#leaveUnsent(run);
		if (runs.length > 0) this.#deps.onLeft();
	}

	#leaveUnsent(run: ScheduleRun): void {
		this.#deps.settles.leave(run);
		this.#deps.unsent.note(run);
	}

	/** Takes nothing on any more; resolves when nothing is being published. */
	async end(): Promise<void> {
		this.#ended = true;
		this.#keys.clear();
		this.#broker.end();
		this.#resume?.();
		this.#handOver();
		while (this.#working !== null || this.#inFlight > 0) {
			await new Promise<void>((resolve) => this.#idle.push(resolve));
		}
	}

	#mayGoOn(): boolean {
		if (this.#ended || this.#keys.size === 0) return false;
		if (this.#inFlight >= MOST_IN_FLIGHT || this.#launches.size >= MOST_HELD) return false;
		return this.#deps.holds() !== null && this.#broker.mayTry;
	}

	/** What is claimed and whose moment has not come is for whoever has the right next: it says that it was not sent. */
	#handOver(): void {
		const note = 'Whoever had claimed it ended before its moment came.';
		const updatedAt = this.#deps.clock.now();
		const runs = this.#launches.takeAll().map((run) => {
			return { ...run, state: 'retrying' as const, tries: run.tries - 1, note, updatedAt };
		});
		if (runs.length > 0) void this.#deps.settles.put(runs);
	}

	async #work(): Promise<void> {
		while (this.#mayGoOn()) {
			const epoch = this.#epoch;
			const plans = this.#decide();
			if (plans.length === 0) continue;
			const runs = await this.#take(plans, epoch);
			// The right may have gone in the very turn of the answer.
			if (epoch !== this.#epoch) this.#abandon(runs);
			else if (runs.length === 0) this.#broker.untried();
			else this.#launches.put(runs.map((run) => ({ run, at: this.#momentOf(run) })));
			if (this.#ended) this.#handOver();
		}
	}

	/** Decides about the first schedules in line; about one only while the broker is away. */
	#decide(): readonly Plan[] {
		const { roster, clock, onPlanned } = this.#deps;
		const plans: Plan[] = [];
		const apart = Math.min(MISSED_APART, Math.max(1, Math.floor(MISSED_ENTRIES / this.#keys.size)));
		const { away } = this.#broker;
		const why = away === null ? null : `The broker was away: ${away.reason}`;
		let runs = 0;
		for (const key of this.#keys) {
			this.#keys.delete(key);
			const plan = roster.plan(key, clock.now(), why, apart);
			onPlanned(key);
			if (plan === null) continue;
			plans.push(plan);
			runs += plan.claims.length + plan.again.length;
			if (away !== null && plan.claims.concat(plan.again).some((run) => run.state === 'claimed')) {
				this.#broker.tried();
				break;
			}
			if (runs >= BATCH) break;
		}
		return plans;
	}

	/** Commits that these runs are ours; what is to be published. */
	async #take(plans: readonly Plan[], epoch: number): Promise<readonly ScheduleRun[]> {
		const { settles, unsent, clock } = this.#deps;
		const decidedAt = clock.now();
		const claims = plans.flatMap((plan) => plan.claims);
		const again = plans.flatMap((plan) => plan.again);
		const publishing = [...claims, ...again].filter((run) => run.state === 'claimed');
		for (const run of publishing) {
			settles.take(run);
			unsent.forget(run);
		}
		// Before anything is sent, it says in the ledger that it may have been sent.
		const [standing, written] = await Promise.all([
			claims.length === 0 ? NONE_CLAIMED : this.#claim(claims, epoch),
			again.length === 0 ? [] : settles.put(again),
		]);
		if (standing === null || epoch !== this.#epoch) {
			this.#abandon(publishing);
			return [];
		}
		const others = new Set(claims.filter((_, at) => standing.runs[at] !== null));
		for (const run of others) settles.leave(run);
		// Somebody has decided about it meanwhile, or does so next.
		const unwritten = new Set(again.filter((run, at) => run.state === 'claimed' && written[at] !== true));
		for (const run of unwritten) this.#leaveUnsent(run);
		const ours = publishing.filter((run) => !others.has(run) && !unwritten.has(run));
		if (standing.delayed !== null || Math.abs(clock.now() - decidedAt) > DECISION_MS) {
			// They are ours, but what was right when they were decided about need not be any more: they are decided about again.
			const why = standing.delayed ?? 'It could not be written down in time.';
			for (const run of ours) this.#leaveUnsent(run);
			for (const run of ours) this.#later({ ...run, tries: run.tries - 1 }, why, null);
			return [];
		}
		return ours;
	}

	/** When a run is to be published; one whose schedule is gone at once, which closes it. */
	#momentOf(run: ScheduleRun): number {
		const definition = this.#deps.roster.get(run.key)?.entry.definition;
		return definition === undefined ? run.dueAt : fireTime(definition, run.dueAt);
	}

	/** What a run is to publish; null for a schedule that was removed or paused since it was claimed: the run is closed. */
	#orderOf(run: ScheduleRun): ScheduleDefinition | null {
		const definition = this.#deps.roster.get(run.key)?.entry.definition;
		if (definition?.active === true) return definition;
		const note = 'The schedule was paused or removed in the moment it was due.';
		void this.#deps.settles.put([{ ...run, state: 'missed', note, updatedAt: this.#deps.clock.now() }]);
		return null;
	}

	/** Claims, for as long as it takes; null: the right is lost. Entries that stand there already are left alone. */
	async #claim(claims: readonly ScheduleRun[], epoch: number): Promise<Claimed | null> {
		const { ledger, holds, onLost } = this.#deps;
		let delayed: string | null = null;
		for (let attempt = 0; ; attempt += 1) {
			if (epoch !== this.#epoch) return null;
			const hold = holds();
			const answer = hold === null ? null : await guarded(() => ledger.claim(claims, hold));
			if (answer?.ok === true) {
				this.#setTrouble(null);
				// An attempt whose answer never came may have been carried out: then they are ours all the same.
				const runs = answer.value.map((run, at) =>
					run !== null && attempt > 0 && isSame(run, claims[at]) ? null : run,
				);
				return { runs, delayed };
			}
			if (answer !== null && answer.error.code === 'conflict') {
				if (epoch === this.#epoch) onLost();
				return null;
			}
			if (answer !== null) this.#setTrouble(answer.error.message);
			delayed = answer === null ? 'The right to run this book was not sure.' : answer.error.message;
			await this.#pause(pauseAfter(attempt));
			if (this.#ended) return null;
		}
	}

	async #send(run: ScheduleRun): Promise<void> {
		const { clock, publish, settles, holds } = this.#deps;
		const epoch = this.#epoch;
		if (holds() === null) {
			// Another may have the right in a moment, and finds a claim that it will judge.
			this.#leaveUnsent(run);
			this.#later(run, 'The right to run this book was not sure.', 0);
			this.#broker.untried();
			return;
		}
		const definition = this.#orderOf(run);
		if (definition === null) {
			this.#broker.untried();
			this.poke();
			return;
		}
		this.#inFlight += 1;
		const messageId = run.messageId ?? '';
		const outcome = await guarded(() => publish(definition, { messageId, dueAt: run.dueAt }));
		this.#inFlight -= 1;
		const now = clock.now();
		if (outcome.ok) {
			const fired: ScheduleRun = { ...run, state: 'fired', firedAt: now, taskId: outcome.value.taskId, updatedAt: now };
			this.#deps.onFired(fired, now - fireTime(definition, run.dueAt));
			void settles.put([fired]);
			this.#broker.answered();
		} else this.#failed(run, outcome.error, epoch);
		this.#tellIdle();
		this.poke();
	}

	#failed(run: ScheduleRun, failure: Failure, epoch: number): void {
		const { settles, log, clock, onDoubt, onLeft } = this.#deps;
		log.warn('schedules.publish-failed', {
			schedule: run.name,
			dueAt: run.dueAt,
			code: failure.code,
			tries: run.tries,
		});
		if (mayHaveArrived(failure)) {
			settles.leave(run);
			// Without the right it is for whoever has it next, who finds the claim.
			if (epoch === this.#epoch) onDoubt(run, failure.message);
			else onLeft();
			if (failure.code === 'unreachable') this.#broker.failed(failure.message);
			else this.#broker.inconclusive();
			return;
		}
		if (!failure.retryable) {
			// The broker answered: that is a verdict about this run only.
			void settles.put([{ ...run, state: 'failed', note: failure.message, updatedAt: clock.now() }]);
			this.#broker.answered();
			return;
		}
		const waiting: ScheduleRun = { ...run, state: 'retrying', note: failure.message, updatedAt: clock.now() };
		// Once the right is gone somebody else may have judged this run already, and nothing must be written over that.
		this.#deps.unsent.note(run);
		if (this.#deps.holds() === null || epoch !== this.#epoch) settles.leave(run);
		else void settles.put([waiting]);
		if (epoch !== this.#epoch) {
			onLeft();
			return;
		}
		const away = failure.code === 'unreachable';
		if (away) this.#broker.failed(failure.message);
		else this.#broker.inconclusive();
		this.#later(waiting, failure.message, away ? null : pauseAfter(run.tries - 1));
	}

	/** Has an unpublished run wait: for the broker (null), or for so long. */
	#later(run: ScheduleRun, why: string, ms: number | null): void {
		const { roster, clock, settles, onPlanned } = this.#deps;
		if (roster.wait({ ...run, note: why }, ms === null ? null : clock.now() + ms)) {
			if (ms === null) this.#keys.add(run.key);
			onPlanned(run.key);
			return;
		}
		const note = `${why} The schedule was paused or removed meanwhile.`;
		void settles.put([{ ...run, state: 'missed', note, updatedAt: clock.now() }]);
	}

	#setTrouble(words: string | null): void {
		if (this.#trouble === words) return;
		this.#trouble = words;
		if (words !== null) this.#deps.log.error('schedules.claim-failed', { reason: words });
		this.#deps.onNews();
	}

	/** Waits, at most until something happens. */
	async #pause(ms: number): Promise<void> {
		const { promise, resolve } = Promise.withResolvers<void>();
		this.#resume = resolve;
		using _timer = this.#deps.clock.after(ms, resolve);
		await promise;
		this.#resume = null;
	}

	#tellIdle(): void {
		if (!this.#ended) return;
		for (const resolve of this.#idle.splice(0)) resolve();
	}
}

/** Whether a message may be at the broker although publishing it failed. */
function mayHaveArrived(failure: Failure): boolean {
	return failure.details?.outcome === 'unknown' || failure.details?.sent === true;
}

function isSame(standing: ScheduleRun, claim: ScheduleRun | undefined): boolean {
	return standing.state === 'claimed' && standing.by === claim?.by && standing.updatedAt === claim.updatedAt;
}

/** The guard around one message: a defect of what publishes or claims is an outcome like others, and ends nothing. */
async function guarded<T>(call: () => Promise<Result<T>>): Promise<Result<T>> {
	try {
		return await call();
	} catch (error) {
		const message = error instanceof Error ? error.message : String(error);
		// A defect may have struck after the message was out.
		return { ok: false, error: { code: 'internal', message, retryable: false, details: { outcome: 'unknown' } } };
	}
}
