/** What is written down and told about deliveries: their beginning, log lines and end, to history, followers and the console. */
import type { Clock } from '#main/domain/clock.ts';
import { type AttemptId, type ProfileId, taskId } from '#main/domain/ids.ts';
import type { AttemptOutcome, HistoryOp, LogLine, StartedFacts } from '#main/domain/task.ts';
import type { Feed } from './feed.ts';
import type { Flight } from './flight.ts';
import type { Ledger } from './ledger.ts';
import { ownLine } from './outcome.ts';
import type { AttemptListener } from './ports.ts';

/** Log lines wait this long at most for others to be written with. */
const LINES_EVERY_MS = 50;
const LINES_AT_ONCE = 200;

export interface ChronicleOptions {
	readonly profile: ProfileId;
	readonly worker: string;
	readonly clock: Clock;
	readonly ledger: Ledger;
	readonly feed: Feed;
}

export class Chronicle {
	readonly #options: ChronicleOptions;
	readonly #byAttempt = new Map<AttemptId, Flight>();
	/** Flights with lines to write, until the timer comes round. */
	readonly #chatty = new Set<Flight>();
	#timer: Disposable | null = null;

	constructor(options: ChronicleOptions) {
		this.#options = options;
	}

	/** Writes that a delivery began; resolves after the commit. */
	async begin(flight: Flight): Promise<StartedFacts | null> {
		const { decoded, key } = flight.held;
		const op: HistoryOp = {
			kind: 'started',
			profile: this.#options.profile,
			at: this.#options.clock.now(),
			key,
			run: flight.run,
			task: decoded.kind === 'task' ? decoded.task : null,
			fault: decoded.kind === 'fault' ? decoded.fault : null,
			message: flight.message,
			worker: this.#options.worker,
		};
		const facts = await this.#options.ledger.write(flight.run, [op]);
		flight.facts = facts;
		if (facts !== null && !flight.landed) this.#byAttempt.set(facts.attemptId, flight);
		return facts;
	}

	/** Takes lines of a running task. The promise, where there is one, asks the task to wait with more. */
	lines(flight: Flight, lines: readonly LogLine[]): Promise<void> | undefined {
		flight.add(lines);
		if (flight.waiting >= LINES_AT_ONCE) this.#write(flight);
		else if (flight.waiting > 0) {
			this.#chatty.add(flight);
			this.#timer ??= this.#options.clock.after(LINES_EVERY_MS, () => {
				this.#timer = null;
				for (const one of this.#chatty) this.#write(one);
				this.#chatty.clear();
			});
		}
		return this.#options.ledger.pressure();
	}

	/** Writes how it ended, with its last lines and what else is to be committed together; resolves after the commit. */
	async end(
		flight: Flight,
		outcome: AttemptOutcome,
		runtimeMs: number | null,
		more: { readonly repeat?: boolean; readonly ops?: readonly HistoryOp[] } = {},
	): Promise<void> {
		const { profile, clock, ledger } = this.#options;
		const { from, lines } = flight.takeLast(clock.now());
		this.#chatty.delete(flight);
		const ops: HistoryOp[] = [];
		if (lines.length > 0) ops.push({ kind: 'log', profile, run: flight.run, lines, from });
		const finished = { kind: 'finished', profile, at: clock.now(), run: flight.run, runtimeMs, outcome } as const;
		ops.push(more.repeat === true ? { ...finished, repeat: true } : finished, ...(more.ops ?? []));
		await ledger.write(flight.run, ops);
		this.#tellLines(flight, lines);
		if (!this.#options.feed.heard) return;
		const took = runtimeMs === null ? '' : ` in ${runtimeMs < 10 ? runtimeMs.toFixed(1) : Math.round(runtimeMs)} ms`;
		const now = clock.now();
		this.tell(
			[
				outcome.state === 'succeeded'
					? ownLine(now, 'info', `succeeded${took}`)
					: ownLine(now, 'error', `${outcome.state}${took}: ${outcome.exception.type}: ${outcome.exception.message}`),
			],
			flight,
			flight.slot,
		);
	}

	/** Writes lines that came after the end: what hooks did. */
	async after(flight: Flight, lines: readonly LogLine[]): Promise<void> {
		flight.add(lines);
		const taken = flight.take();
		if (taken.lines.length === 0) return;
		const { profile, ledger } = this.#options;
		await ledger.write(flight.run, [{ kind: 'log', profile, run: flight.run, lines: taken.lines, from: taken.from }]);
		this.#tellLines(flight, taken.lines);
	}

	/** Nothing more comes of this delivery. */
	land(flight: Flight): void {
		flight.landed = true;
		this.#chatty.delete(flight);
		if (flight.facts !== null) this.#byAttempt.delete(flight.facts.attemptId);
		for (const listener of flight.listeners) listener.ended();
	}

	follow(attempt: AttemptId, listener: AttemptListener): Disposable | null {
		const flight = this.#byAttempt.get(attempt);
		if (flight === undefined) return null;
		flight.listeners.add(listener);
		return { [Symbol.dispose]: () => void flight.listeners.delete(listener) };
	}

	/** Shows lines on the console. */
	tell(lines: readonly LogLine[], flight: Flight | null, slot: number | null): void {
		if (!this.#options.feed.heard) return;
		const from = {
			taskId: flight === null ? null : (flight.facts?.taskId ?? taskId(flight.held.key)),
			attemptId: flight?.facts?.attemptId ?? null,
			taskName: flight?.name ?? null,
			slot: slot === null ? null : String(slot),
		};
		for (const line of lines) this.#options.feed.line({ ...line, ...from });
	}

	[Symbol.dispose](): void {
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
	}

	#write(flight: Flight): void {
		const { from, lines } = flight.take();
		if (lines.length === 0) return;
		const op: HistoryOp = { kind: 'log', profile: this.#options.profile, run: flight.run, lines, from };
		void this.#options.ledger.write(flight.run, [op]).then(() => this.#tellLines(flight, lines));
	}

	#tellLines(flight: Flight, lines: readonly LogLine[]): void {
		if (lines.length === 0) return;
		flight.committed(lines);
		this.tell(lines, flight, flight.slot);
	}
}
