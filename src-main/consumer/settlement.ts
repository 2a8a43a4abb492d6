/**
 * How deliveries come to an end: what a run's end means, written down; only then is the message acknowledged or given back, and
 * only after that follows what else there is to do about a failure.
 */
import type { ConsumerIntent } from '#main/domain/consumer.ts';
import type { QuarantineCause } from '#main/domain/quarantine.ts';
import type {
	Attempt,
	AttemptOutcome,
	DecodedTask,
	HistoryOp,
	StartedFacts,
	TaskState,
	UndecodableTask,
} from '#main/domain/task.ts';
import type { Aftermath } from './aftermath.ts';
import type { Chronicle } from './chronicle.ts';
import type { Flight } from './flight.ts';
import { isSettled, outcomeOf, ownLine, repeatedOutcome, repeatWords } from './outcome.ts';
import type { ConsumerDeps } from './ports.ts';
import type { RetryPost } from './retry-post.ts';
import type { SlotEnd } from './runner.ts';
import type { Slot } from './slot.ts';
import { setAside, withRetry } from './verdict.ts';

export interface SettlementOptions {
	readonly deps: ConsumerDeps;
	/** As it is now: sets are resized while they work. */
	readonly intent: () => ConsumerIntent;
	readonly chronicle: Chronicle;
	readonly aftermath: Aftermath;
	readonly post: RetryPost;
}

/** What is known of a run besides its end. */
export interface RunFacts {
	/** Milliseconds from its beginning to its end, as seen from here. */
	readonly took: number;
	readonly started: Promise<StartedFacts | null>;
	readonly attempt: number;
}

export class Settlement {
	readonly #options: SettlementOptions;
	/** Outcomes so far. */
	succeeded = 0;
	failed = 0;

	constructor(options: SettlementOptions) {
		this.#options = options;
	}

	/** Settles a run that came to nothing for no fault of its task's: the message goes back to its queue. */
	async lost(flight: Flight, end: SlotEnd, took: number): Promise<void> {
		const unavailable = end.kind === 'unavailable';
		const type = unavailable ? 'RunnerUnavailable' : 'ConsumerStopped';
		const reason = unavailable ? end.reason : 'The consumer was stopped while this ran.';
		const exception = { type, message: `${reason} The message went back to its queue.` };
		const outcome = { state: 'lost', exception, traceback: null } as const;
		await this.#conclude(flight, outcome, unavailable ? null : took, { release: true });
	}

	/** Decides what an end means, has it written, and sees to what follows from it. */
	async ran(
		flight: Flight,
		task: DecodedTask,
		slot: Slot,
		end: Exclude<SlotEnd, { readonly kind: 'unavailable' }>,
		facts: RunFacts,
	): Promise<void> {
		const { deps, intent, post, aftermath } = this.#options;
		const { clock, newRun, chance = Math.random, history } = deps;
		const runtimeMs = end.kind === 'returned' || end.kind === 'raised' ? end.runtimeMs : facts.took;
		const rules = history.retries === undefined ? [] : (intent().retries ?? []);
		const ended = outcomeOf(end);
		const outcome =
			ended.state === 'succeeded'
				? ended
				: await withRetry(flight, ended, rules, facts.started, { clock, newRun, chance });
		const notFound = end.kind === 'not-found';
		const ops = notFound && outcome.state === 'failed' ? [this.#setAside(flight, 'unknown-task')] : [];
		await this.#conclude(flight, outcome, notFound ? null : runtimeMs, { ops });
		if (outcome.state === 'retrying') post.planned(outcome.retry.dueAt);
		if (outcome.state === 'failed') {
			await aftermath.failed({ flight, task, outcome, attempt: facts.attempt, slot, notFound });
		}
	}

	/** Only what the broker itself calls a redelivery is dropped: an id may also come twice because somebody sent it twice. */
	isRepeat(flight: Flight, facts: StartedFacts): boolean {
		if (!isSettled(facts.earlierOutcome)) return false;
		// The ids of retries are Warren's own: the same one twice is the same retry, sent again after a crash.
		if (facts.tries !== undefined) return true;
		// A retry of its own is planned already; another run besides would double the work.
		if (this.#options.intent().onKnownOutcome === 'run' && facts.earlierOutcome !== 'retrying') return false;
		return flight.message.redelivered || (flight.message.deliveryCount ?? 0) > 0;
	}

	/** Settles a delivery whose message had come to an end before. */
	async repeat(flight: Flight, facts: StartedFacts): Promise<void> {
		const state = facts.earlierOutcome;
		if (!isSettled(state)) return;
		const { deps, intent } = this.#options;
		const earlier = await this.#earlier(facts, state);
		const ask = intent().onKnownOutcome === 'ask' && state !== 'retrying' && facts.tries === undefined;
		const text = repeatWords(state, ask);
		flight.add([ownLine(deps.clock.now(), 'info', text)]);
		const ops = ask ? [this.#setAside(flight, 'known-outcome', text)] : [];
		await this.#conclude(flight, repeatedOutcome(state, earlier), null, { repeat: true, ops });
	}

	/** Settles a message that cannot be read. */
	async fault(flight: Flight, fault: UndecodableTask): Promise<void> {
		void this.#options.chronicle.begin(flight);
		const exception = { type: fault.exceptionType, message: fault.reason };
		const ops = [this.#setAside(flight, 'undecodable')];
		await this.#conclude(flight, { state: 'failed', exception, traceback: null }, null, { ops });
	}

	async #earlier(facts: StartedFacts, state: TaskState): Promise<Attempt | null> {
		const { history, profile, log } = this.#options.deps;
		try {
			const detail = await history.detail(profile, facts.taskId);
			return detail?.history.findLast((one) => one.id !== facts.attemptId && one.state === state) ?? null;
		} catch (error) {
			log.warn('consumer.detail-unread', { reason: String(error) });
			return null;
		}
	}

	#setAside(flight: Flight, cause: QuarantineCause, reason?: string): HistoryOp {
		const { profile, clock } = this.#options.deps;
		return setAside(flight, profile, clock.now(), cause, reason);
	}

	/** Writes an attempt's end, and only then lets go of its message. */
	async #conclude(
		flight: Flight,
		outcome: AttemptOutcome,
		runtimeMs: number | null,
		more: { readonly release?: boolean; readonly repeat?: boolean; readonly ops?: readonly HistoryOp[] } = {},
	): Promise<void> {
		const { chronicle, deps } = this.#options;
		await chronicle.end(flight, outcome, runtimeMs, more);
		const release = more.release === true;
		if (outcome.state === 'succeeded') this.succeeded += 1;
		else if (outcome.state === 'failed') this.failed += 1;
		const { delivery } = flight.held;
		const settled = release ? await delivery.release() : await delivery.ack();
		if (!settled.ok) deps.log.info('consumer.settle-refused', { release, reason: settled.error.message });
		for (const tell of flight.onOver) tell(outcome.state);
	}
}
