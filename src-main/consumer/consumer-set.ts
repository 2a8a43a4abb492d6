/**
 * A consumer set: takes tasks from queues, has them run in child processes and acknowledges them once their outcome is stored.
 *
 * A delivery's way: taken, decoded, looked up in history, begun in a free slot (its `started` is written meanwhile), ended,
 * outcome committed, acknowledged. The slot is free again as soon as its process has answered. A crash at any point leaves
 * the message with the broker, which hands it out again; when only the acknowledgement was lost, history knows that.
 */
import { type ConsumerIntent, type ConsumerSetView, NO_LIMITS } from '#main/domain/consumer.ts';
import type { AttemptId, TaskId } from '#main/domain/ids.ts';
import type { QuarantineCause } from '#main/domain/quarantine.ts';
import type {
	Attempt,
	AttemptOutcome,
	DecodedTask,
	HistoryOp,
	LogLine,
	StartedFacts,
	TaskState,
	UndecodableTask,
} from '#main/domain/task.ts';
import { Aftermath } from './aftermath.ts';
import { Chronicle } from './chronicle.ts';
import { Feed } from './feed.ts';
import { Flight, type Held } from './flight.ts';
import { Intake } from './intake.ts';
import { Ledger } from './ledger.ts';
import { Lifeline } from './lifeline.ts';
import { readMemory } from './memory.ts';
import { isSettled, outcomeOf, ownLine, repeatedOutcome } from './outcome.ts';
import type { AttemptListener, ConsumerDeps, ConsumerSet, CreateConsumerSet } from './ports.ts';
import { Reception } from './reception.ts';
import { RetryPost } from './retry-post.ts';
import { Roster } from './roster.ts';
import type { SlotEnd } from './runner.ts';
import type { Slot } from './slot.ts';
import { noteOf, type Standing, stateOf } from './standing.ts';
import { setAside, withRetry } from './verdict.ts';
import { afterTask, firstWindow, LONG_MS, narrowed, type Window } from './window.ts';

const TICK_MS = 150;
/** Looks at empty queues, in a row, before a set that runs until they are empty believes it. */
const EMPTY_LOOKS = 2;
/** Failed starts of every runner before a set that runs until its queues are empty gives up. */
const START_TRIES = 3;
/** Said in the log of a first attempt whose message the broker had handed out before. */
const HANDED_OUT_BEFORE =
	'The broker had handed this message out before, and nothing is known of that: whoever had it may have begun to run it.';
/** How long a message is kept back whose handling met a defect. */
const DEFECT_MS = 5000;
/** How long a stop waits for a store that refuses, before messages are given back without a record. */
const STOP_STORE_MS = 5000;

/** Creates and starts a set; it never throws for what a broker, a store or an interpreter can do. */
export const createConsumerSet: CreateConsumerSet = (deps, intent) => {
	const set = new WorkingSet(deps, intent);
	set.start();
	return set;
};

class WorkingSet implements ConsumerSet {
	readonly finished: Promise<ConsumerSetView>;
	readonly #deps: ConsumerDeps;
	#intent: ConsumerIntent;
	readonly #roster: Roster;
	readonly #post: RetryPost;
	readonly #lifeline: Lifeline;
	readonly #aftermath: Aftermath;
	readonly #intake: Intake;
	readonly #ledger: Ledger;
	readonly #feed: Feed;
	readonly #done = Promise.withResolvers<ConsumerSetView>();
	readonly #watch = new DisposableStack();
	readonly #chronicle: Chronicle;
	readonly #reception: Reception;
	readonly #flights = new Map<string, Flight>();
	readonly #running = new Map<Slot, { readonly flight: Flight; readonly since: number }>();
	#tickTimer: Disposable | null = null;
	#settled: PromiseWithResolvers<void> | null = null;
	#window: Window;
	#taking = false;
	#emptyLooks = 0;
	#stopping: 'drain' | 'now' | null = null;
	#stopped: Promise<void> | null = null;
	#ended = false;
	#endNote: string | null = null;
	#lastState: ConsumerSetView['state'] = 'starting';
	#since: number;
	#succeeded = 0;
	#failed = 0;

	constructor(deps: ConsumerDeps, intent: ConsumerIntent) {
		this.#deps = deps;
		this.#intent = intent;
		this.finished = this.#done.promise;
		this.#since = deps.clock.now();
		this.#feed = new Feed(deps.clock, () => this.view());
		this.#ledger = new Ledger(deps.history, deps.clock, deps.log, () => {
			this.#changed();
			this.#pump();
		});
		const { profile, worker, clock } = deps;
		this.#chronicle = new Chronicle({ profile, worker, clock, ledger: this.#ledger, feed: this.#feed });
		const { hangMs } = deps;
		const options = {
			spec: intent.runner,
			limits: intent.limits ?? NO_LIMITS,
			...(hangMs === undefined ? {} : { hangMs }),
			startRunner: deps.startRunner,
			readMemory: deps.readMemory ?? readMemory,
			clock: deps.clock,
			log: deps.log,
			onStray: (slot: number, lines: readonly LogLine[]) => this.#chronicle.tell(lines, null, slot),
			onChange: () => this.#onSlotChange(),
			onGone: () => this.#changed(),
		};
		this.#roster = new Roster(options, intent.concurrency);
		this.#lifeline = new Lifeline(deps);
		this.#post = new RetryPost({ ...deps, holder: worker });
		this.#aftermath = new Aftermath({
			hooks: intent.hooks ?? [],
			runner: intent.runner,
			worker,
			profile,
			clock,
			chronicle: this.#chronicle,
		});
		this.#reception = new Reception({
			deps,
			wanted: () => this.#taking && this.#stopping === null,
			onReady: () => this.#pump(),
		});
		this.#window = this.#windowOf(this.#roster.size);
		this.#intake = new Intake({
			driver: deps.driver,
			queues: intent.queues,
			priority: intent.priority ?? null,
			clock: deps.clock,
			log: deps.log,
			onDelivery: (delivery, queue) => {
				this.#emptyLooks = 0;
				this.#reception.receive(delivery, queue);
			},
			onStatus: () => this.#changed(),
		});
	}

	get id(): ConsumerDeps['id'] {
		return this.#deps.id;
	}

	/** The lease comes first: an attempt of a set without one could never be found lost. */
	start(): void {
		let connected = this.#deps.driver.state().kind === 'connected';
		this.#watch.use(
			this.#deps.driver.onState((state) => {
				const was = connected;
				connected = state.kind === 'connected';
				if (was && !connected) this.#onDisconnected();
				this.#changed();
			}),
		);
		void this.#lifeline.hold().then(() => {
			if (this.#stopping !== null) return;
			this.#roster.start();
			this.#post.start();
			this.#tick();
		});
	}

	view(): ConsumerSetView {
		return {
			id: this.#deps.id,
			profile: this.#deps.profile,
			intent: this.#intent,
			state: this.#lastState,
			note: noteOf(this.#standing()),
			since: this.#since,
			slots: this.#roster.views(),
			succeeded: this.#succeeded,
			failed: this.#failed,
			worker: this.#deps.worker,
		};
	}

	onChange(listener: (view: ConsumerSetView) => void): Disposable {
		return this.#feed.onChange(listener);
	}

	onLines(listener: Parameters<ConsumerSet['onLines']>[0]): Disposable {
		return this.#feed.onLines(listener);
	}

	follow(attempt: AttemptId, listener: AttemptListener): Disposable | null {
		return this.#chronicle.follow(attempt, listener);
	}

	taskNames(): readonly string[] | null {
		return this.#roster.slots.find((slot) => slot.taskNames !== null)?.taskNames ?? null;
	}

	resize(concurrency: number): void {
		if (this.#stopping !== null) return;
		this.#roster.resize(concurrency);
		this.#intent = { ...this.#intent, concurrency: this.#roster.size };
		void this.#resize(this.#windowOf(this.#roster.size));
		this.#pump();
		this.#changed();
	}

	async cancel(task: TaskId, by = 'a person'): Promise<'cancelled' | 'not-running'> {
		for (const [slot, { flight }] of this.#running) {
			// Before its `started` is committed, a message's own id is the task's, unless it was sent again.
			if (flight.over || (flight.facts?.taskId ?? flight.held.key) !== task) continue;
			const over = new Promise<TaskState>((resolve) => flight.onOver.push(resolve));
			slot.kill({ kind: 'revoked', by, at: this.#deps.clock.now() });
			return (await over) === 'revoked' ? 'cancelled' : 'not-running';
		}
		return 'not-running';
	}

	async stop(how: 'drain' | 'now'): Promise<void> {
		if (this.#ended) return;
		if (how === 'now') this.#aftermath.abort();
		if (how === 'now' || this.#stopping === null) this.#stopping = how;
		if (how === 'now') for (const { flight } of this.#running.values()) flight.stopped = true;
		this.#stopped ??= this.#stop();
		if (how === 'now') for (const slot of this.#running.keys()) slot.kill();
		this.#changed();
		await this.#stopped;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop('now');
	}

	async #stop(): Promise<void> {
		this.#changed();
		await this.#intake.close();
		await this.#reception.releaseAll();
		while (this.#flights.size > 0) {
			this.#settled = Promise.withResolvers();
			const gaveUp = Promise.withResolvers<'gave up'>();
			const timer = this.#deps.clock.after(STOP_STORE_MS, () => gaveUp.resolve('gave up'));
			const seen = await Promise.race([this.#settled.promise, gaveUp.promise]);
			timer[Symbol.dispose]();
			// A store that refuses can't keep a stop waiting for ever: unacknowledged messages go back to their queue.
			if (seen === 'gave up' && this.#stopping === 'now' && this.#running.size === 0) break;
		}
		await this.#post[Symbol.asyncDispose]();
		this.#chronicle[Symbol.dispose]();
		this.#lifeline.end();
		this.#tickTimer?.[Symbol.dispose]();
		await this.#intake[Symbol.asyncDispose]();
		await this.#roster[Symbol.asyncDispose]();
		this.#ledger[Symbol.dispose]();
		this.#watch.dispose();
		this.#ended = true;
		this.#changed();
		this.#feed.flush();
		await this.#lifeline.release();
		this.#done.resolve(this.view());
	}

	#onDisconnected(): void {
		this.#reception.disconnected();
		for (const flight of this.#flights.values()) flight.repeats.length = 0;
	}

	// Running

	/** Begins as much as there are free slots for. While the store refuses, nothing new is begun. */
	#pump(): void {
		while (this.#reception.ready && this.#ledger.problem === null && this.#stopping === null) {
			const slot = this.#roster.free((one) => this.#running.has(one));
			if (slot === null) return;
			const held = this.#reception.next();
			if (held === null) return;
			this.#begin(held, slot);
		}
	}

	#begin(held: Held, slot: Slot): void {
		const before = this.#flights.get(held.key);
		if (before !== undefined) {
			before.repeats.push(held);
			return;
		}
		const flight = new Flight(held, this.#deps.newRun(), this.#aftermath.wanted);
		this.#flights.set(held.key, flight);
		if (held.decoded.kind === 'task') {
			flight.slot = slot.number;
			this.#running.set(slot, { flight, since: this.#deps.clock.monotonic() });
			this.#guard(flight, slot, this.#runTask(flight, held.decoded.task, slot));
		} else this.#guard(flight, null, this.#recordFault(flight, held.decoded.fault));
	}

	/** One delivery's defect ends neither the set nor the delivery: the message goes back, but not to come again at once. */
	#guard(flight: Flight, slot: Slot | null, work: Promise<void>): void {
		work.catch((error: unknown) => {
			this.#deps.log.error('consumer.delivery-failed', { run: flight.run, reason: String(error) });
			if (slot !== null && this.#running.get(slot)?.flight === flight) this.#free(slot);
			this.#deps.clock.after(DEFECT_MS, () => void this.#reception.release(flight.held.delivery));
			this.#land(flight);
		});
	}

	async #begun(flight: Flight, slot: Slot): Promise<StartedFacts | null> {
		const facts = await this.#chronicle.begin(flight);
		if (facts !== null && this.#running.get(slot)?.flight === flight) {
			const { taskId, attemptId } = facts;
			slot.show({ kind: 'running', since: this.#deps.clock.now(), taskId, attemptId, name: flight.name });
		}
		return facts;
	}

	async #runTask(flight: Flight, task: DecodedTask, slot: Slot): Promise<void> {
		const { held } = flight;
		const started = this.#begun(flight, slot);
		let attempt = held.foresight?.attemptNumber ?? null;
		if (attempt === null || held.foresight?.earlierOutcome !== null) {
			const facts = await started;
			attempt = facts?.attemptNumber ?? 1;
			if (facts !== null && this.#isRepeat(flight, facts)) {
				this.#free(slot);
				await this.#recordRepeat(flight, facts);
				return;
			}
		}
		if (attempt === 1 && flight.message.redelivered) {
			// A task may begin before its `started` is committed; a process killed in between leaves no other trace.
			flight.add([ownLine(this.#deps.clock.now(), 'info', HANDED_OUT_BEFORE)]);
		}
		// A later attempt has a message id of its own; a site's row knows only the task's first.
		const origin = attempt > 1 ? ((await started)?.taskId ?? null) : null;
		const since = this.#deps.clock.monotonic();
		const end = this.#stoppedNow()
			? ({ kind: 'unavailable', reason: 'The consumer stopped.' } as const)
			: await slot.run(
					{
						run: flight.run,
						name: task.name,
						messageId: held.key,
						origin,
						attempt,
						queue: held.queue,
						argsJson: task.argsJson,
						kwargsJson: task.kwargsJson,
					},
					(lines) => this.#chronicle.lines(flight, lines),
				);
		const took = this.#deps.clock.monotonic() - since;
		flight.over = true;
		const keeps = this.#aftermath.needsSlot && end.kind !== 'returned' && end.kind !== 'unavailable';
		if (!keeps) this.#free(slot);
		try {
			await this.#afterRun(flight, task, slot, end, { took, started, attempt });
		} finally {
			if (keeps) this.#free(slot);
		}
	}

	/** Decides what an end means, has it written, and what follows from it. */
	async #afterRun(
		flight: Flight,
		task: DecodedTask,
		slot: Slot,
		end: SlotEnd,
		facts: { readonly took: number; readonly started: Promise<StartedFacts | null>; readonly attempt: number },
	): Promise<void> {
		const { took } = facts;
		if (end.kind === 'unavailable' || (flight.stopped && end.kind === 'died')) {
			const type = end.kind === 'unavailable' ? 'RunnerUnavailable' : 'ConsumerStopped';
			const reason = end.kind === 'unavailable' ? end.reason : 'The consumer was stopped while this ran.';
			const message = `${reason} The message went back to its queue.`;
			const runtimeMs = end.kind === 'unavailable' ? null : took;
			const outcome = { state: 'lost', exception: { type, message }, traceback: null } as const;
			await this.#conclude(flight, outcome, runtimeMs, { release: true });
			this.#land(flight);
			return;
		}
		void this.#resize(afterTask(this.#window, this.#roster.size, took));
		const runtimeMs = end.kind === 'returned' || end.kind === 'raised' ? end.runtimeMs : took;
		const { clock, newRun, chance = Math.random, history } = this.#deps;
		const rules = history.retries === undefined ? [] : (this.#intent.retries ?? []);
		const outcome = await withRetry(flight, outcomeOf(end), rules, facts.started, { clock, newRun, chance });
		const unknown =
			end.kind === 'not-found' && outcome.state === 'failed' ? this.#setAside(flight, 'unknown-task') : null;
		await this.#conclude(flight, outcome, end.kind === 'not-found' ? null : runtimeMs, {
			ops: unknown === null ? [] : [unknown],
		});
		if (outcome.state === 'retrying') this.#post.planned(outcome.retry.dueAt);
		if (outcome.state === 'failed') {
			const { attempt } = facts;
			await this.#aftermath.failed({ flight, task, outcome, attempt, slot, notFound: end.kind === 'not-found' });
		}
		this.#land(flight);
	}

	#setAside(flight: Flight, cause: QuarantineCause, reason?: string): HistoryOp {
		return setAside(flight, this.#deps.profile, this.#deps.clock.now(), cause, reason);
	}

	#windowOf(slots: number): Window {
		const { prefetch } = this.#intent;
		const given = prefetch === undefined || prefetch === null ? null : Math.max(slots, prefetch);
		return given === null ? firstWindow(slots) : { size: given, streak: 0, needed: Number.POSITIVE_INFINITY };
	}

	#stoppedNow(): boolean {
		return this.#stopping === 'now';
	}

	#free(slot: Slot): void {
		this.#running.delete(slot);
		slot.rest();
		this.#roster.rested(slot);
		this.#pump();
	}

	/** Only what the broker itself calls a redelivery is dropped: an id may also come twice because somebody sent it twice. */
	#isRepeat(flight: Flight, facts: StartedFacts): boolean {
		if (!isSettled(facts.earlierOutcome)) return false;
		// The ids of retries are Warren's own: the same one twice is the same retry, sent again after a crash.
		if (facts.tries !== undefined) return true;
		// A retry of its own is planned already; another run besides would double the work.
		if (this.#intent.onKnownOutcome === 'run' && facts.earlierOutcome !== 'retrying') return false;
		return flight.message.redelivered || (flight.message.deliveryCount ?? 0) > 0;
	}

	async #recordRepeat(flight: Flight, facts: StartedFacts): Promise<void> {
		const state = facts.earlierOutcome;
		if (!isSettled(state)) return;
		let earlier: Attempt | null = null;
		try {
			const detail = await this.#deps.history.detail(this.#deps.profile, facts.taskId);
			earlier = detail?.history.findLast((one) => one.id !== facts.attemptId && one.state === state) ?? null;
		} catch (error) {
			this.#deps.log.warn('consumer.detail-unread', { reason: String(error) });
		}
		const ended = state === 'retrying' ? 'failed, and its retry is planned' : state;
		const ask = this.#intent.onKnownOutcome === 'ask' && state !== 'retrying' && facts.tries === undefined;
		const then = ask ? 'it waits in quarantine until somebody decides' : 'it was not run a second time';
		const text = `The broker handed this message out again, because its acknowledgement was lost. It had already ${ended}, so ${then}.`;
		flight.add([ownLine(this.#deps.clock.now(), 'info', text)]);
		await this.#conclude(flight, repeatedOutcome(state, earlier), null, {
			repeat: true,
			ops: ask ? [this.#setAside(flight, 'known-outcome', text)] : [],
		});
		this.#land(flight);
	}

	async #recordFault(flight: Flight, fault: UndecodableTask): Promise<void> {
		void this.#chronicle.begin(flight);
		const exception = { type: fault.exceptionType, message: fault.reason };
		const ops = [this.#setAside(flight, 'undecodable')];
		await this.#conclude(flight, { state: 'failed', exception, traceback: null }, null, { ops });
		this.#land(flight);
	}

	/** Writes an attempt's end, and only then lets go of its message. */
	async #conclude(
		flight: Flight,
		outcome: AttemptOutcome,
		runtimeMs: number | null,
		more: { readonly release?: boolean; readonly repeat?: boolean; readonly ops?: readonly HistoryOp[] } = {},
	): Promise<void> {
		await this.#chronicle.end(flight, outcome, runtimeMs, more);
		const release = more.release === true;
		if (outcome.state === 'succeeded') this.#succeeded += 1;
		else if (outcome.state === 'failed') this.#failed += 1;
		const { delivery } = flight.held;
		const settled = release ? await delivery.release() : await delivery.ack();
		if (!settled.ok) this.#deps.log.info('consumer.settle-refused', { release, reason: settled.error.message });
		for (const tell of flight.onOver) tell(outcome.state);
	}

	#land(flight: Flight): void {
		this.#flights.delete(flight.held.key);
		this.#chronicle.land(flight);
		// History knows the outcome now, and decides what becomes of these.
		for (const repeat of flight.repeats) {
			if (this.#reception.current(repeat)) this.#reception.again(repeat);
		}
		if (this.#flights.size === 0) {
			this.#settled?.resolve();
			if (!this.#taking) void this.#intake.retire();
		}
		this.#changed();
	}

	// State

	#onSlotChange(): void {
		if (this.#stopping === null) {
			const usable = this.#roster.slots.some((slot) => slot.usable);
			if (usable && !this.#taking) {
				this.#taking = true;
				void this.#intake.open(this.#window.size);
			} else if (!usable && this.#taking) {
				// Nobody could run them here, and somebody else perhaps can.
				this.#taking = false;
				void this.#intake.close();
				void this.#reception.releaseAll();
			}
			this.#pump();
		}
		this.#changed();
	}

	async #resize(window: Window): Promise<void> {
		const before = this.#window.size;
		this.#window = window;
		if (window.size !== before && this.#taking && this.#stopping === null) await this.#intake.open(window.size);
	}

	/** Every 150 ms: has a task grown long in front of waiting ones; are the queues empty. */
	#tick(): void {
		if (this.#stopping !== null) return;
		this.#tickTimer = this.#deps.clock.after(TICK_MS, () => {
			const now = this.#deps.clock.monotonic();
			const slots = this.#roster.size;
			const long = [...this.#running.values()].some(({ since }) => now - since > LONG_MS);
			if (long && this.#window.size > slots && (this.#intent.prefetch ?? null) === null) {
				// The smaller number first, or the broker would hand the same messages right back.
				void this.#resize(narrowed(this.#window, slots)).then(() => this.#reception.releaseAll());
			}
			if (!this.#intent.untilEmpty) this.#tick();
			else void this.#lookForEnd().then(() => this.#tick());
		});
	}

	async #lookForEnd(): Promise<void> {
		const hopeless = this.#roster.slots.every((slot) => slot.failures >= START_TRIES && !slot.usable);
		if (hopeless) {
			this.#endNote = this.#roster.slots[0]?.problem ?? 'No runner could be started.';
			void this.stop('drain');
			return;
		}
		const planned = this.#deps.history.retries !== undefined && this.#post.pending !== 0;
		const idle = this.#reception.idle && this.#flights.size === 0 && !planned;
		const heard = this.#intent.queues.every((queue) => this.#intake.heardOf(queue));
		if (!idle || !heard || !this.#taking || this.#deps.driver.state().kind !== 'connected') {
			this.#emptyLooks = 0;
			return;
		}
		this.#emptyLooks += 1;
		const figures = await this.#deps.driver.queues(this.#intent.queues);
		// Messages that another worker holds come back if it dies; until then the queue isn't empty.
		const empty =
			figures.ok && figures.value.every((one) => !one.exists || ((one.ready ?? 0) === 0 && (one.unacked ?? 0) === 0));
		if (!empty) this.#emptyLooks = 0;
		else if (this.#emptyLooks >= EMPTY_LOOKS && this.#flights.size === 0) {
			const missing = figures.value.filter((one) => !one.exists).map((one) => `"${one.name}"`);
			if (missing.length > 0) this.#endNote = `There is no queue ${missing.join(', ')} on this broker.`;
			void this.stop('drain');
		}
	}

	#changed(): void {
		const state = stateOf(this.#standing());
		if (state !== this.#lastState) {
			this.#lastState = state;
			this.#since = this.#deps.clock.now();
		}
		this.#feed.changed();
	}

	#standing(): Standing {
		return {
			ended: this.#ended,
			stopping: this.#stopping !== null,
			endNote: this.#endNote,
			broker: this.#deps.driver.state(),
			inForce: this.#intake.inForce,
			queueProblems: this.#intake.problems(),
			storeProblem: this.#ledger.problem,
			slotProblems: this.#roster.slots.map((slot) => slot.problem),
		};
	}
}
