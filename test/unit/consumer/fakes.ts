/** A broker, a store and runners in memory, for tests of the consumer set alone. */
import type { ConsumeIntent, Consumption, Delivery } from '#main/brokers/driver.ts';
import { createConsumerSet } from '#main/consumer/consumer-set.ts';
import type { ConsumerDeps, ConsumerSet, Decoded } from '#main/consumer/ports.ts';
import type { HookCall, Job, JobEnd, Runner } from '#main/consumer/runner.ts';
import { systemClock } from '#main/domain/clock.ts';
import type { ConsumerIntent } from '#main/domain/consumer.ts';
import { attemptId, consumerSetId, profileId, taskId } from '#main/domain/ids.ts';
import { silentLog } from '#main/domain/log.ts';
import type { BrokerMessage } from '#main/domain/message.ts';
import type { ConnectionState } from '#main/domain/profile.ts';
import { fail, ok } from '#main/domain/result.ts';
import type {
	Attempt,
	AttemptOutcome,
	HistoryOp,
	LogLine,
	StartedFacts,
	TaskDetail,
	TaskState,
} from '#main/domain/task.ts';
import { NO_ARGUMENTS } from '#main/domain/value.ts';
import type { Foresight } from '#main/store/store.ts';

interface Waiting {
	readonly message: BrokerMessage;
}

/** A broker with queues in memory; `drop` cuts the connection as a network does. */
export class FakeBroker {
	readonly queues = new Map<string, Waiting[]>();
	readonly acked: string[] = [];
	readonly released: string[] = [];
	readonly #consumers = new Map<string, { readonly intent: ConsumeIntent; prefetch: number; held: Set<Waiting> }>();
	readonly #listeners = new Set<(state: ConnectionState) => void>();
	#connection = 1;
	#state: ConnectionState = { kind: 'connected', since: 0, server: null };
	/** Called before an acknowledgement is taken. */
	onAck: (id: string) => void = () => {};

	send(queue: string, id: string | null, more: Partial<BrokerMessage> & { readonly body: Uint8Array }): void {
		const waiting = this.queues.get(queue) ?? [];
		this.queues.set(queue, waiting);
		waiting.push({
			message: {
				exchange: '',
				routingKey: queue,
				queue,
				redelivered: false,
				deliveryCount: null,
				properties: id === null ? {} : { messageId: id },
				...more,
			},
		});
		this.#deliver();
	}

	/** Queues a task that the fake dialect reads: its name is the body. */
	task(queue: string, id: string | null, name = 'shop.work'): void {
		this.send(queue, id, { body: Buffer.from(name) });
	}

	get waiting(): number {
		return [...this.queues.values()].reduce((sum, queue) => sum + queue.length, 0);
	}

	get held(): number {
		return [...this.#consumers.values()].reduce((sum, consumer) => sum + consumer.held.size, 0);
	}

	/** Cuts the connection: what is unsettled waits again, marked. */
	drop(): void {
		this.#connection += 1;
		this.#setState({ kind: 'reconnecting', since: 0, nextTryAt: null, attempt: 1, reason: 'The broker went away.' });
		for (const [queue, consumer] of this.#consumers) {
			const back = [...consumer.held].map(({ message }) => ({ message: { ...message, redelivered: true } }));
			consumer.held.clear();
			this.queues.set(queue, [...back, ...(this.queues.get(queue) ?? [])]);
		}
	}

	reconnect(): void {
		this.#setState({ kind: 'connected', since: 0, server: null });
		this.#deliver();
	}

	readonly driver: ConsumerDeps['driver'] = {
		publish: (message) => {
			this.send(message.routingKey, message.properties.messageId ?? null, message);
			return Promise.resolve(ok(undefined));
		},
		state: () => this.#state,
		onState: (listener) => {
			this.#listeners.add(listener);
			return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
		},
		queues: (names) =>
			Promise.resolve(
				ok(
					names.map((name) => ({
						name,
						exists: true,
						ready: this.queues.get(name)?.length ?? 0,
						unacked: this.#consumers.get(name)?.held.size ?? 0,
						consumers: null,
						at: 0,
						source: 'embedded' as const,
					})),
				),
			),
		consume: (intent) => {
			const consumer = { intent, prefetch: intent.prefetch, held: new Set<Waiting>() };
			this.#consumers.set(intent.queue, consumer);
			intent.onStatus?.(null);
			queueMicrotask(() => this.#deliver());
			const consumption: Consumption = {
				cancel: () => {
					consumer.prefetch = 0;
					return Promise.resolve();
				},
				setPrefetch: (count) => {
					consumer.prefetch = count;
					this.#deliver();
					return Promise.resolve(ok(undefined));
				},
				[Symbol.asyncDispose]: () => {
					consumer.prefetch = 0;
					for (const waiting of consumer.held) this.#giveBack(intent.queue, waiting);
					consumer.held.clear();
					return Promise.resolve();
				},
			};
			return Promise.resolve(ok(consumption));
		},
	};

	#setState(state: ConnectionState): void {
		this.#state = state;
		for (const listener of this.#listeners) listener(state);
	}

	#giveBack(queue: string, { message }: Waiting): void {
		this.released.push(message.properties.messageId ?? '');
		this.queues.get(queue)?.unshift({ message: { ...message, redelivered: true } });
	}

	#deliver(): void {
		if (this.#state.kind !== 'connected') return;
		for (const [queue, consumer] of this.#consumers) {
			const waiting = this.queues.get(queue) ?? [];
			while (consumer.held.size < consumer.prefetch && waiting.length > 0) {
				const next = waiting.shift() as Waiting;
				consumer.held.add(next);
				consumer.intent.onDelivery(this.#delivery(queue, next));
			}
		}
	}

	#delivery(queue: string, waiting: Waiting): Delivery {
		const connection = this.#connection;
		const settle = (how: (consumer: { held: Set<Waiting> }) => void) => {
			const consumer = this.#consumers.get(queue);
			if (connection !== this.#connection || consumer === undefined || !consumer.held.delete(waiting)) {
				return Promise.resolve(fail('gone', 'That connection is no more.'));
			}
			how(consumer);
			queueMicrotask(() => this.#deliver());
			return Promise.resolve(ok(undefined));
		};
		return {
			message: waiting.message,
			ack: () => {
				this.onAck(waiting.message.properties.messageId ?? '');
				return settle(() => this.acked.push(waiting.message.properties.messageId ?? ''));
			},
			release: () => settle(() => this.#giveBack(queue, waiting)),
		};
	}
}

export interface FakeAttempt {
	readonly id: number;
	readonly key: string;
	readonly run: string;
	readonly worker: string;
	readonly lines: LogLine[];
	outcome: AttemptOutcome | null;
}

/** As the store judges: any success counts, and what still runs when its message comes again is lost. */
function earlierOutcome(earlier: readonly FakeAttempt[]): TaskState | null {
	if (earlier.some(({ outcome }) => outcome?.state === 'succeeded')) return 'succeeded';
	const last = earlier.at(-1);
	return last === undefined ? null : (last.outcome?.state ?? 'lost');
}

/** History in memory; `refuse` makes it answer as a full disk does. */
export class FakeHistory {
	readonly attempts: FakeAttempt[] = [];
	readonly quarantined: (readonly [cause: string, messageId: string])[] = [];
	refuse: (ops: readonly HistoryOp[]) => string | null = () => null;
	transactions = 0;

	of(key: string): FakeAttempt[] {
		return this.attempts.filter((attempt) => attempt.key === key);
	}

	readonly apply = async (ops: readonly HistoryOp[]): Promise<readonly (StartedFacts | null)[]> => {
		await new Promise((resolve) => setImmediate(resolve));
		const refused = this.refuse(ops);
		if (refused !== null) throw new Error(refused);
		this.transactions += 1;
		return ops.map((op) => {
			if (op.kind === 'started') {
				const known = this.attempts.find((one) => one.run === op.run);
				const earlier = this.of(op.key).filter((one) => known === undefined || one.id < known.id);
				const attempt = known ?? {
					id: this.attempts.length + 1,
					key: op.key,
					run: op.run,
					worker: op.worker,
					lines: [],
					outcome: null,
				};
				// Told twice, as after a refusal, it changes nothing.
				if (known === undefined) this.attempts.push(attempt);
				return {
					taskId: taskId(op.key),
					attemptId: attemptId(attempt.id),
					attemptNumber: earlier.length + 1,
					earlierOutcome: earlierOutcome(earlier),
				};
			}
			if (op.kind === 'quarantined') {
				this.quarantined.push([op.cause, op.messageId ?? '']);
				return null;
			}
			if (op.kind !== 'log' && op.kind !== 'finished') throw new Error(`Not expected of a consumer: ${op.kind}`);
			const attempt = this.attempts.find((one) => one.run === op.run);
			if (attempt === undefined) throw new Error(`A ${op.kind} before its started`);
			if (op.kind === 'log') attempt.lines.push(...op.lines);
			else attempt.outcome = op.outcome;
			return null;
		});
	};

	readonly foresee = (_profile: string, keys: readonly string[]): Promise<readonly Foresight[]> =>
		Promise.resolve(
			keys.map((key) => {
				const earlier = this.of(key);
				return { attemptNumber: earlier.length + 1, earlierOutcome: earlierOutcome(earlier) };
			}),
		);

	readonly detail = (_profile: string, id: string): Promise<TaskDetail | null> => {
		const history = this.of(id).map(
			(attempt, index): Attempt => ({
				id: attemptId(attempt.id),
				number: index + 1,
				cause: index === 0 ? 'published' : 'redelivered',
				messageId: id,
				state: attempt.outcome?.state ?? 'running',
				queue: null,
				worker: attempt.worker,
				queuedAt: null,
				startedAt: null,
				finishedAt: null,
				runtimeMs: null,
				exception: attempt.outcome === null || attempt.outcome.state === 'succeeded' ? null : attempt.outcome.exception,
				traceback: attempt.outcome === null || attempt.outcome.state === 'succeeded' ? null : attempt.outcome.traceback,
				result: attempt.outcome?.state === 'succeeded' ? attempt.outcome.result : null,
				logLines: attempt.lines.length,
				hasMessage: true,
				truncated: false,
			}),
		);
		return Promise.resolve({ history } as unknown as TaskDetail);
	};
}

/** What a fake task does. */
export type Behaviour = (
	job: Job,
	lines: (lines: readonly LogLine[]) => void | Promise<void>,
	killed: Promise<void>,
) => Promise<JobEnd> | JobEnd;

export const returned = (text = 'null'): JobEnd => ({
	kind: 'returned',
	result: text === 'null' ? null : { kind: 'json', text },
	runtimeMs: 1,
});

/** Runners that run `behaviour` in this process; `refuse` keeps them from starting. */
export class FakeRunners {
	behaviour: Behaviour = () => returned();
	refuse: string | null = null;
	started = 0;
	readonly jobs: Job[] = [];
	readonly hooks: HookCall[] = [];
	hookBehaviour: (call: HookCall) => JobEnd = () => returned();
	/** Gives no sign of life. */
	deaf = false;

	readonly start: ConsumerDeps['startRunner'] = () => {
		this.started += 1;
		const pid = 1000 + this.started;
		const gone = Promise.withResolvers<{ readonly exitCode: number | null; readonly signal: string | null }>();
		const killed = Promise.withResolvers<void>();
		const end = (signal: string | null) => {
			killed.resolve();
			gone.resolve({ exitCode: signal === null ? 0 : null, signal });
		};
		const started = this.refuse === null ? Promise.resolve() : Promise.reject(new Error(this.refuse));
		started.catch(() => end(null));
		const runner: Runner = {
			pid,
			taskNames: null,
			started,
			exited: gone.promise,
			run: async (job, onLines) => {
				this.jobs.push(job);
				return await this.behaviour(job, onLines, killed.promise);
			},
			hook: (call) => {
				this.hooks.push(call);
				return Promise.resolve(this.hookBehaviour(call));
			},
			ping: () => (this.deaf ? new Promise(() => {}) : Promise.resolve()),
			kill: () => end('SIGKILL'),
			[Symbol.asyncDispose]: () => {
				end(null);
				return Promise.resolve();
			},
		};
		return runner;
	};
}

/** The fake dialect: the body is the task's name; a body that starts with `bad` is a fault. */
export function decodeFake(message: BrokerMessage): Decoded {
	const name = Buffer.from(message.body).toString();
	const messageId = message.properties.messageId ?? null;
	if (name.startsWith('throw')) throw new Error('a defect');
	if (name.startsWith('bad')) {
		const fault = { name: null, messageId, priority: null, reason: 'It is bad.', exceptionType: 'InvalidMessage' };
		return { kind: 'fault', fault };
	}
	const task = {
		name,
		messageId,
		priority: null,
		publishedAt: null,
		call: NO_ARGUMENTS,
		argsJson: '[]',
		kwargsJson: '{}',
	};
	return { kind: 'task', task };
}

export interface World extends AsyncDisposable {
	readonly broker: FakeBroker;
	readonly history: FakeHistory;
	readonly runners: FakeRunners;
	readonly leases: Map<string, string>;
	/** Starts a set over this world. */
	start(intent?: Partial<ConsumerIntent>, deps?: Partial<ConsumerDeps>): ConsumerSet;
}

export function world(): World {
	const broker = new FakeBroker();
	const history = new FakeHistory();
	const runners = new FakeRunners();
	const leases = new Map<string, string>();
	const sets: ConsumerSet[] = [];
	let runs = 0;
	return {
		broker,
		history,
		runners,
		leases,
		start(intent = {}, deps = {}) {
			const set = createConsumerSet(
				{
					id: consumerSetId('set'),
					profile: profileId('test'),
					worker: 'host:1:set',
					driver: broker.driver,
					history,
					leases: {
						hold: (name, holder) => {
							leases.set(name, holder);
							return Promise.resolve(ok(undefined));
						},
						release: (name) => {
							leases.delete(name);
							return Promise.resolve();
						},
					},
					decode: decodeFake,
					startRunner: runners.start,
					clock: systemClock,
					log: silentLog,
					newRun: () => `run-${++runs}`,
					...deps,
				},
				{
					queues: ['default'],
					concurrency: 2,
					runner: { kind: 'node', modules: [], project: '/', env: {} },
					untilEmpty: false,
					...intent,
				},
			);
			sets.push(set);
			return set;
		},
		async [Symbol.asyncDispose]() {
			await Promise.all(sets.map((set) => set[Symbol.asyncDispose]()));
		},
	};
}
