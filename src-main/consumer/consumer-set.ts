/**
 * A consumer set: takes tasks from queues, has them run in child processes and acknowledges them once their outcome is stored.
 *
 * A delivery's way: taken, decoded, looked up in history, begun in a free slot (its `started` is written meanwhile), ended,
 * outcome committed, acknowledged. The slot is free again as soon as its process has answered. A crash at any point leaves
 * the message with the broker, which hands it out again; when only the acknowledgement was lost, history knows that.
 */
import { type ConsumerIntent, type ConsumerSetView, NO_LIMITS } from '#main/domain/consumer.ts';
import type { AttemptId, TaskId } from '#main/domain/ids.ts';
import type { DecodedTask, LogLine, StartedFacts, TaskState } from '#main/domain/task.ts';
import { Aftermath } from './aftermath.ts';
import { Chronicle } from './chronicle.ts';
import { Feed } from './feed.ts';
import { Flight, type Held } from './flight.ts';
import { Intake } from './intake.ts';
import { Ledger } from './ledger.ts';
import { Lifeline } from './lifeline.ts';
import { readMemory } from './memory.ts';
import { HANDED_OUT_BEFORE, jobOf, ownLine } from './outcome.ts';
import type { AttemptListener, ConsumerDeps, ConsumerSet, CreateConsumerSet } from './ports.ts';
import { lookIntoQueues } from './queues-empty.ts';
import { Reception } from './reception.ts';
import { RetryPost } from './retry-post.ts';
import { Roster } from './roster.ts';
import type { SlotEnd } from './runner.ts';
import { type RunFacts, Settlement } from './settlement.ts';
import type { Slot } from './slot.ts';
import { type Footing, noteOf, type Standing, stateOf } from './standing.ts';
import { afterTask, firstWindow, LONG_MS, narrowed, type Window } from './window.ts';

const TICK_MS = 150;
/** Looks at empty queues, in a row, before a set that runs until they are empty believes it. */
const EMPTY_LOOKS = 2;
/** And after the broker was away: what was in hand then comes again, but a broker that has just come back takes its time. */
const EMPTY_LOOKS_AFTER_LOSS = 14;
/** Failed starts of every runner before a set that runs until its queues are empty gives up. */
const START_TRIES = 3;
/** How long a message is kept back whose handling met a defect. */
const DEFECT_MS = 5000;
/** Messages that are remembered as having landed: far more than ever wait here at once. */
const MOST_LANDED = 20_000;
const SETTLED = Promise.resolve();
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
	readonly #settlement: Settlement;
	readonly #flights = new Map<string, Flight>();
	readonly #running = new Map<Slot, { readonly flight: Flight; readonly since: number }>();
	/** How many deliveries have landed, and of which messages lately, each with its number. */
	#landings = 0;
	readonly #landed = new Map<string, number>();
	#tickTimer: Disposable | null = null;
	#settled: PromiseWithResolvers<void> | null = null;
	#window: Window;
	#taking = false;
	#emptyLooks = 0;
	/** The broker was away once. */
	#wasAway = false;
	#stopping: 'drain' | 'now' | null = null;
	#stopped: Promise<void> | null = null;
	#ended = false;
	#endNote: string | null = null;
	#lastState: ConsumerSetView['state'] = 'starting';
	#since: number;

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
		this.#settlement = new Settlement({
			deps,
			intent: () => this.#intent,
			chronicle: this.#chronicle,
			aftermath: this.#aftermath,
			post: this.#post,
		});
		this.#reception = new Reception({
			deps,
			wanted: () => this.#taking && this.#stopping === null,
			landed: () => this.#landings,
			onReady: () => this.#pump(),
		});
		this.#window = firstWindow(this.#roster.size, this.#intent.prefetch);
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
			succeeded: this.#settlement.succeeded,
			failed: this.#settlement.failed,
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
		void this.#resize(firstWindow(this.#roster.size, this.#intent.prefetch));
		this.#pump();
		this.#changed();
	}

	async cancel(task: TaskId, by = 'a person'): Promise<'cancelled' | 'not-running'> {
		for (const [slot, { flight }] of this.#running) {
			// Before its `started` is committed, a message's own id is the task's, unless it was sent again.
			if (flight.over || (flight.facts?.taskId ?? flight.held.key) !== task) continue;
			const over = new Promise<TaskState>((resolve) => flight.onOver.push(resolve));
			slot.kill({ kind: 'revoked', by, at: this.#deps.clock.now() }, flight.run);
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
			const runs = [...this.#running.values()].some(({ flight }) => flight.begun);
			if (seen === 'gave up' && this.#stopping === 'now' && !runs) break;
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
			if (slot === null) {
				if (this.#handAhead()) continue;
				return;
			}
			const held = this.#reception.next();
			if (held === null) return;
			this.#begin(held, slot);
		}
	}

	/**
	 * Hands a message to a slot that still runs another, where its runner will have come to it before anybody else could. Only what
	 * is certain to be new and only while tasks are short: such a job either begins within a moment or comes back untouched.
	 */
	#handAhead(): boolean {
		if (this.#window.size <= this.#roster.size) return false;
		const held = this.#reception.peek();
		if (held !== null) this.#doubt(held);
		if (held === null || held.decoded.kind !== 'task' || held.delivery.message.redelivered) return false;
		if (held.foresight?.attemptNumber !== 1 || held.foresight.earlierOutcome !== null) return false;
		const { task } = held.decoded;
		const slot = this.#flights.has(held.key) ? null : this.#roster.ahead(task.name);
		if (slot === null) return false;
		this.#reception.next();
		const flight = this.#flight(held);
		flight.slot = slot.number;
		this.#guard(flight, slot, this.#runAhead(flight, task, slot));
		return true;
	}

	#begin(held: Held, slot: Slot): void {
		const before = this.#flights.get(held.key);
		if (before !== undefined) {
			before.repeats.push(held);
			return;
		}
		this.#doubt(held);
		const flight = this.#flight(held);
		if (held.decoded.kind === 'task') {
			flight.slot = slot.number;
			this.#running.set(slot, { flight, since: this.#deps.clock.monotonic() });
			this.#guard(flight, slot, this.#runTask(flight, held.decoded.task, slot));
		} else
			this.#guard(
				flight,
				null,
				this.#settlement.fault(flight, held.decoded.fault).then(() => this.#land(flight)),
			);
	}

	/** What history said of a message is old where a delivery of the same has come to its end since: `started` has to tell. */
	#doubt(held: Held): void {
		if ((this.#landed.get(held.key) ?? 0) > held.askedAfter) held.foresight = null;
	}

	#flight(held: Held): Flight {
		const flight = new Flight(held, this.#deps.newRun(), this.#aftermath.wanted);
		this.#flights.set(held.key, flight);
		return flight;
	}

	/** One delivery's defect ends neither the set nor the delivery: the message goes back, but not to come again at once. */
	#guard(flight: Flight, slot: Slot | null, work: Promise<void>): void {
		work.catch((error: unknown) => {
			this.#deps.log.error('consumer.delivery-failed', { run: flight.run, reason: String(error) });
			if (slot !== null) this.#free(slot, flight);
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
			if (facts !== null && this.#settlement.isRepeat(flight, facts)) {
				this.#free(slot, flight);
				await this.#settlement.repeat(flight, facts);
				this.#land(flight);
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
		flight.begun = !this.#stoppedNow();
		const end = !flight.begun
			? ({ kind: 'unavailable', reason: 'The consumer stopped.' } as const)
			: await slot.run(jobOf(flight, task, attempt, origin), (lines) => this.#chronicle.lines(flight, lines));
		const took = this.#deps.clock.monotonic() - since;
		await this.#afterSlot(flight, task, slot, end, { took, started, attempt });
	}

	/** As `#runTask`, of a task that begins when its runner comes to it: until then nothing is written and nothing shown of it. */
	async #runAhead(flight: Flight, task: DecodedTask, slot: Slot): Promise<void> {
		let started: Promise<StartedFacts | null> = Promise.resolve(null);
		let since = 0;
		const end = await slot.ahead(
			jobOf(flight, task, 1, null),
			(lines) => this.#chronicle.lines(flight, lines),
			() => {
				since = this.#deps.clock.monotonic();
				flight.begun = true;
				flight.stopped = this.#stoppedNow();
				this.#running.set(slot, { flight, since });
				started = this.#begun(flight, slot);
			},
		);
		if (end.kind === 'handed-back') {
			this.#reception.back(flight.held);
			this.#land(flight, 'untouched');
			this.#roster.rested(slot);
			this.#pump();
			return;
		}
		const took = this.#deps.clock.monotonic() - since;
		await this.#afterSlot(flight, task, slot, end, { took, started, attempt: 1 });
	}

	/** Frees the slot of a run that is over, at once or once hooks have had it, and sees to what follows. */
	async #afterSlot(flight: Flight, task: DecodedTask, slot: Slot, end: SlotEnd, facts: RunFacts): Promise<void> {
		flight.over = true;
		const keeps = this.#aftermath.needsSlot && end.kind !== 'returned' && end.kind !== 'unavailable';
		if (!keeps) this.#free(slot, flight);
		try {
			await this.#afterRun(flight, task, slot, end, facts);
		} finally {
			if (keeps) this.#free(slot, flight);
		}
	}

	/** What follows from a run's end, and lets go of the delivery. */
	async #afterRun(flight: Flight, task: DecodedTask, slot: Slot, end: SlotEnd, facts: RunFacts): Promise<void> {
		if (end.kind === 'unavailable' || (flight.stopped && end.kind === 'died')) {
			await this.#settlement.lost(flight, end, facts.took);
		} else {
			void this.#resize(afterTask(this.#window, this.#roster.size, facts.took));
			await this.#settlement.ran(flight, task, slot, end, facts);
		}
		this.#land(flight);
	}

	#stoppedNow(): boolean {
		return this.#stopping === 'now';
	}

	/** The slot may have begun its next already. */
	#free(slot: Slot, flight: Flight): void {
		if (this.#running.get(slot)?.flight === flight) {
			this.#running.delete(slot);
			slot.rest();
		}
		this.#roster.rested(slot);
		this.#pump();
	}

	/** `untouched`: nothing was written of it. */
	#land(flight: Flight, how: 'untouched' | null = null): void {
		const { key } = flight.held;
		this.#flights.delete(key);
		if (how === null) {
			this.#landings += 1;
			this.#landed.delete(key);
			this.#landed.set(key, this.#landings);
			const [oldest] = this.#landed.size > MOST_LANDED ? this.#landed.keys() : [];
			if (oldest !== undefined) this.#landed.delete(oldest);
		}
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

	/** Resolves when the broker was told, if it has to be. */
	#resize(window: Window): Promise<void> {
		const before = this.#window.size;
		this.#window = window;
		if (window.size === before || !this.#taking || this.#stopping !== null) return SETTLED;
		return this.#intake.open(window.size);
	}

	/** Every 150 ms: has a task grown long in front of waiting ones; are the queues empty. */
	#tick(): void {
		if (this.#stopping !== null) return;
		this.#tickTimer = this.#deps.clock.after(TICK_MS, () => {
			const now = this.#deps.clock.monotonic();
			const slots = this.#roster.size;
			this.#roster.withdraw();
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
		const { driver, history } = this.#deps;
		const hopeless = this.#roster.slots.every((slot) => slot.failures >= START_TRIES && !slot.usable);
		if (hopeless) {
			this.#endNote = this.#roster.slots[0]?.problem ?? 'No runner could be started.';
			void this.stop('drain');
			return;
		}
		const planned = history.retries !== undefined && this.#post.pending !== 0;
		const idle = this.#reception.idle && this.#flights.size === 0 && !planned;
		const heard = this.#intent.queues.every((queue) => this.#intake.heardOf(queue));
		const away = driver.state().kind !== 'connected';
		this.#wasAway ||= away;
		if (!idle || !heard || !this.#taking || away) {
			this.#emptyLooks = 0;
			return;
		}
		this.#emptyLooks += 1;
		const found = await lookIntoQueues(driver, this.#intent.queues);
		if (!found.empty) this.#emptyLooks = 0;
		else if (this.#emptyLooks >= (this.#wasAway ? EMPTY_LOOKS_AFTER_LOSS : EMPTY_LOOKS) && this.#flights.size === 0) {
			this.#endNote = found.note ?? this.#endNote;
			void this.stop('drain');
		}
	}

	#changed(): void {
		const state = stateOf(this.#footing());
		if (state !== this.#lastState) {
			this.#lastState = state;
			this.#since = this.#deps.clock.now();
		}
		this.#feed.changed();
	}

	#footing(): Footing {
		return {
			ended: this.#ended,
			stopping: this.#stopping !== null,
			broker: this.#deps.driver.state(),
			inForce: this.#intake.inForce,
		};
	}

	#standing(): Standing {
		return {
			...this.#footing(),
			endNote: this.#endNote,
			queueProblems: this.#intake.problems(),
			storeProblem: this.#ledger.problem,
			slotProblems: this.#roster.slots.map((slot) => slot.problem),
		};
	}
}
