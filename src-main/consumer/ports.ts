/** What a consumer set needs from the rest of the engine, and what it offers in return. */
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { Clock } from '#main/domain/clock.ts';
import type { ConsoleLine, ConsumerIntent, ConsumerSetView, RunnerSpec } from '#main/domain/consumer.ts';
import type { AttemptId, ConsumerSetId, ProfileId, TaskId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { BrokerMessage } from '#main/domain/message.ts';
import type { DecodedTask, LogLine, UndecodableTask } from '#main/domain/task.ts';
import type { HistoryStore, LeaseStore, StoredLogLine } from '#main/store/store.ts';
import type { ReadMemory } from './memory.ts';
import type { Runner } from './runner.ts';

/** What a dialect makes of a message. */
export type Decoded =
	| { readonly kind: 'task'; readonly task: DecodedTask }
	| { readonly kind: 'fault'; readonly fault: UndecodableTask };

/**
 * Starts one runner process for a slot. What keeps it from starting is told by the runner's `started`, never thrown.
 * `onStray` gets output that belongs to no task.
 */
export type StartRunner = (spec: RunnerSpec, onStray: (lines: readonly LogLine[]) => void) => Runner;

export interface ConsumerDeps {
	readonly id: ConsumerSetId;
	readonly profile: ProfileId;
	/** The name that attempts carry, unique per process and set: `host:pid:set`. Also the holder of the lease. */
	readonly worker: string;
	readonly driver: Pick<BrokerDriver, 'consume' | 'publish' | 'queues' | 'state' | 'onState'>;
	readonly history: Pick<HistoryStore, 'apply' | 'detail' | 'foresee' | 'retries'>;
	readonly leases: Pick<LeaseStore, 'hold' | 'release'>;
	/** Must not throw; a throw is a defect and becomes a fault of that one message. */
	readonly decode: (message: BrokerMessage) => Decoded;
	readonly startRunner: StartRunner;
	readonly clock: Clock;
	readonly log: Log;
	/** A new unique text for each delivery. Best one that rises with time, for the index that finds it. */
	readonly newRun: () => string;
	/** Where memory is read from; default: this system. */
	readonly readMemory?: ReadMemory;
	/** A random number from 0 to 1, for jitter; default: Math.random. */
	readonly chance?: () => number;
	/** How long a runner may take to answer between two tasks, in ms; default: 30,000. */
	readonly hangMs?: number;
}

/** Hears a running attempt's log. Lines come after they are committed, so store pages and the feed join without a gap by `seq`. */
export interface AttemptListener {
	lines(lines: readonly StoredLogLine[]): void;
	/** The attempt has ended and its outcome is committed; no more lines follow. */
	ended(): void;
}

/** A running consumer set. Disposing it stops it at once; `stop('drain')` lets running tasks end first. */
export interface ConsumerSet extends AsyncDisposable {
	readonly id: ConsumerSetId;
	view(): ConsumerSetView;
	/** Calls back with the newest view after changes, folded to one call per 100 ms. */
	onChange(listener: (view: ConsumerSetView) => void): Disposable;
	/** Every log line of every task of this set as it happens, in batches. */
	onLines(listener: (lines: readonly ConsoleLine[]) => void): Disposable;
	/** Follows one attempt; null when it isn't running here (any more), so that the store has all of it. */
	follow(attempt: AttemptId, listener: AttemptListener): Disposable | null;
	/**
	 * drain: take no more, let running tasks end, store and acknowledge them. now: kill running tasks, record their attempts as
	 * lost and give their messages back. Resolves when stopped; a second call may escalate from drain to now.
	 */
	stop(how: 'drain' | 'now'): Promise<void>;
	/** Changes how many tasks run at a time, at least 1. Slots that are too many end with the task that they run. */
	resize(concurrency: number): void;
	/**
	 * Kills a task that runs here: its attempt is recorded as revoked, by whom and when, and its message acknowledged. Resolves once
	 * that is committed. `not-running`: it does not run here, or ended by itself before.
	 */
	cancel(task: TaskId, by?: string): Promise<'cancelled' | 'not-running'>;
	/** Resolves with the last view once the set has stopped, by `stop`, by disposal or because its queues were empty. */
	readonly finished: Promise<ConsumerSetView>;
	/** Task names that its runners offer; null: they cannot tell (Python imports by name). */
	taskNames(): readonly string[] | null;
}

/** Creates and starts a set; it never throws for what a broker, a store or an interpreter can do. */
export type CreateConsumerSet = (deps: ConsumerDeps, intent: ConsumerIntent) => ConsumerSet;
