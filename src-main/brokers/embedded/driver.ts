/**
 * The built-in broker behind the driver interface: this side keeps promises and consumers, a worker thread keeps the file
 * (`<folder>/broker.db`). A dead thread is started again with back-off; what was begun on it is never continued on the next.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import type { BrokerMessage, OutgoingMessage } from '../../domain/message.ts';
import type { ConnectionState } from '../../domain/profile.ts';
import type { LookCost, QueueDeclaration } from '../../domain/queue.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { BrokerCapabilities, BrokerDriver, ConsumeIntent, Consumption, Delivery } from '../driver.ts';
import type { KeptMessage, SiftEnd, SiftOptions } from '../waiting.ts';
import type { Answers, Command, DeliveryToken, FromThread, Request, ThreadData, ToThread } from './protocol.ts';
import { siftRows, waiting } from './sift.ts';

const CAPABILITIES: BrokerCapabilities = {
	listsQueues: true,
	countsUnacked: true,
	look: 'free',
	removesSingle: true,
	replacesAtOnce: true,
	maxPriority: 255,
	firstPriority: 'highest',
	countsConsumers: true,
};
const FREE: LookCost = { kind: 'free', words: 'Looking changes nothing here.' };
/** How long an orderly end of the thread may take, in ms. */
const GOODBYE = 5_000;
const RESTART = 1_000;

export interface EmbeddedOptions {
	/** The profile's folder; `broker.db` is kept there. */
	readonly folder: string;
	readonly clock: Clock;
	readonly log: Log;
	readonly embeddedThread: URL;
}

/** Where the built-in broker of a profile keeps its file. */
export function embeddedFile(folder: string): string {
	return join(folder, 'broker.db');
}

/** Makes a driver; `connect` starts its thread. */
export function createEmbeddedDriver(options: EmbeddedOptions): BrokerDriver {
	return new EmbeddedDriver(options);
}

/** One life of the thread. */
interface Life {
	readonly worker: Worker;
	readonly session: string;
	readonly waiting: Map<number, (result: Result<unknown>) => void>;
	readonly exited: Promise<void>;
	ready: boolean;
	alive: boolean;
}

interface Consumer {
	readonly number: number;
	readonly intent: ConsumeIntent;
	prefetch: number;
	cancelled: boolean;
}

class EmbeddedDriver implements BrokerDriver {
	readonly kind = 'embedded';
	readonly capabilities = CAPABILITIES;
	readonly #options: EmbeddedOptions;
	readonly #listeners = new Set<(state: ConnectionState) => void>();
	readonly #consumers = new Map<number, Consumer>();
	#state: ConnectionState = { kind: 'idle' };
	#life: Life | null = null;
	#restart: Disposable | null = null;
	#ended = false;
	#attempt = 0;
	#nextId = 1;
	#outbox: Request[] = [];

	constructor(options: EmbeddedOptions) {
		this.#options = options;
	}

	connect(): void {
		if (this.#life !== null || this.#restart !== null || this.#ended) return;
		this.#set({ kind: 'connecting', since: this.#options.clock.now() });
		this.#begin(null);
	}

	state(): ConnectionState {
		return this.#state;
	}

	onState(listener: (state: ConnectionState) => void): Disposable {
		this.#listeners.add(listener);
		return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
	}

	ready(deadlineMs: number): Promise<Result<void>> {
		const settled = (): Result<void> | null => {
			if (this.#ended) return fail('gone', 'The connection was closed.');
			if (this.#state.kind === 'connected') return ok(undefined);
			return this.#state.kind === 'refused' ? fail('refused', this.#state.reason) : null;
		};
		const now = settled();
		if (now !== null) return Promise.resolve(now);
		return new Promise((resolve) => {
			const answer = (result: Result<void>) => {
				watch[Symbol.dispose]();
				timer[Symbol.dispose]();
				resolve(result);
			};
			const watch = this.onState(() => {
				const result = settled();
				if (result !== null) answer(result);
			});
			const timer = this.#options.clock.after(deadlineMs, () => answer(this.#away()));
		});
	}

	queues(names: readonly string[]) {
		return this.#ask({ kind: 'queues', names });
	}

	lookCost(): Promise<Result<LookCost>> {
		return Promise.resolve(ok(FREE));
	}

	async look(queue: string, options: { readonly limit: number; readonly deadlineMs: number }) {
		const messages = await this.#ask({ kind: 'look', queue, limit: options.limit });
		return messages.ok ? ok({ messages: messages.value.map(waiting), cost: FREE }) : messages;
	}

	publish(message: OutgoingMessage): Promise<Result<void>> {
		return this.#ask({ kind: 'publish', message: compact(message), at: this.#options.clock.now() });
	}

	remove(queue: string, messageIds: ReadonlySet<string>) {
		if (messageIds.size === 0) return Promise.resolve(ok([]));
		return this.#ask({ kind: 'remove', queue, ids: [...messageIds] });
	}

	sift(queue: string, options: SiftOptions): Promise<Result<SiftEnd>> {
		return siftRows(options, {
			window: (after, limit) => this.#ask({ kind: 'window', queue, after, limit }),
			settle: (fates) => this.#ask({ kind: 'settle', queue, fates, at: this.#options.clock.now() }),
			monotonic: this.#options.clock.monotonic,
		});
	}

	putBack(queue: string, message: KeptMessage): Promise<Result<void>> {
		return this.publish({ ...message, exchange: '', routingKey: queue });
	}

	clear(queue: string): Promise<Result<number>> {
		return this.#ask({ kind: 'clear', queue });
	}

	ensureQueue(declaration: QueueDeclaration): Promise<Result<void>> {
		return this.#ask({ kind: 'ensure', declaration, at: this.#options.clock.now() });
	}

	async consume(intent: ConsumeIntent): Promise<Result<Consumption>> {
		if (intent.queue === '') return fail('invalid-input', 'A consumption needs the name of a queue.');
		const consumer: Consumer = {
			number: this.#nextId++,
			intent,
			prefetch: Math.max(1, Math.trunc(intent.prefetch)),
			cancelled: false,
		};
		this.#consumers.set(consumer.number, consumer);
		if (this.#life?.ready === true) this.#setUp(consumer);
		else intent.onStatus?.('Not connected to the built-in broker.');
		return ok({
			cancel: async () => {
				if (consumer.cancelled) return;
				consumer.cancelled = true;
				await this.#ask({ kind: 'cancel', consumer: consumer.number, release: false });
			},
			setPrefetch: async (count) => {
				consumer.prefetch = Math.max(1, Math.trunc(count));
				if (this.#life?.ready !== true) return ok(undefined);
				return this.#ask({ kind: 'prefetch', consumer: consumer.number, prefetch: consumer.prefetch });
			},
			[Symbol.asyncDispose]: async () => {
				if (!this.#consumers.delete(consumer.number)) return;
				await this.#ask({ kind: 'cancel', consumer: consumer.number, release: true });
			},
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (this.#ended) return;
		this.#ended = true;
		this.#restart?.[Symbol.dispose]();
		const life = this.#life;
		if (life?.alive === true) {
			this.#post();
			life.worker.postMessage({ kind: 'close' } satisfies ToThread);
			const late = new Promise<'late'>((resolve) => setTimeout(resolve, GOODBYE, 'late').unref());
			if ((await Promise.race([life.exited, late])) === 'late') await life.worker.terminate();
		}
		this.#consumers.clear();
		this.#set({ kind: 'idle' });
		this.#listeners.clear();
	}

	#begin(previous: string | null): void {
		const { embeddedThread, folder } = this.#options;
		const session = randomUUID();
		const data: ThreadData = { file: embeddedFile(folder), session, previous };
		const worker = new Worker(embeddedThread, { workerData: data, name: 'built-in broker' });
		const exited = Promise.withResolvers<void>();
		const life: Life = { worker, session, waiting: new Map(), exited: exited.promise, ready: false, alive: true };
		this.#life = life;
		let reason = 'The thread of the built-in broker ended.';
		let refused = false;
		worker.on('message', (message: FromThread) => {
			switch (message.kind) {
				case 'ready':
					life.ready = true;
					this.#attempt = 0;
					this.#set({ kind: 'connected', since: this.#options.clock.now(), server: 'Built-in broker' });
					for (const consumer of this.#consumers.values()) this.#setUp(consumer);
					return;
				case 'refused':
					refused = true;
					reason = `The built-in broker cannot open its file: ${message.reason}`;
					return;
				case 'batch':
					for (const { id, result } of message.replies) {
						life.waiting.get(id)?.(result);
						life.waiting.delete(id);
					}
					for (const { consumer, token, message: handed } of message.handed) this.#hand(life, consumer, token, handed);
					return;
				case 'status':
					this.#consumers.get(message.consumer)?.intent.onStatus?.(message.problem);
					return;
				case 'closed':
					return;
			}
		});
		worker.on('error', (error) => {
			reason = `The thread of the built-in broker failed: ${error instanceof Error ? error.message : String(error)}`;
		});
		worker.on('exit', () => {
			life.alive = false;
			life.ready = false;
			exited.resolve();
			const lost = fail('unreachable', reason, { details: { outcome: 'unknown' } });
			for (const answer of life.waiting.values()) answer(lost);
			life.waiting.clear();
			if (!this.#ended) this.#again(life, reason, refused);
		});
	}

	#again(life: Life, reason: string, refused: boolean): void {
		const { clock, log } = this.#options;
		log.warn('built-in broker stopped', { reason });
		this.#attempt += 1;
		const delay = refused ? 10_000 : Math.min(30_000, RESTART * 2 ** (this.#attempt - 1));
		const since = clock.now();
		const nextTryAt = since + delay;
		this.#set(
			refused
				? { kind: 'refused', since, nextTryAt, reason }
				: { kind: 'reconnecting', since, nextTryAt, attempt: this.#attempt, reason },
		);
		for (const { intent } of this.#consumers.values()) intent.onStatus?.('Not connected to the built-in broker.');
		this.#restart = clock.after(delay, () => {
			this.#restart = null;
			if (!this.#ended) this.#begin(life.session);
		});
	}

	#setUp(consumer: Consumer): void {
		if (consumer.cancelled) return;
		const { number, intent, prefetch } = consumer;
		void this.#ask({ kind: 'consume', consumer: number, queue: intent.queue, prefetch }).then((result) => {
			if (!result.ok) intent.onStatus?.(result.error.message);
		});
	}

	#hand(life: Life, number: number, token: DeliveryToken, message: BrokerMessage): void {
		const consumer = this.#consumers.get(number);
		// Disposed of in the meantime: its `cancel` is on the way and gives the message back.
		if (consumer === undefined) return;
		const delivery = new EmbeddedDelivery(message, (kind) => this.#settle(life, { kind, token }));
		try {
			consumer.intent.onDelivery(delivery);
		} catch (error) {
			this.#options.log.error('delivery handler threw', { queue: message.queue, why: String(error) });
			void delivery.release();
		}
	}

	#settle(life: Life, command: Extract<Command, { kind: 'ack' | 'release' }>): Promise<Result<void>> {
		if (!life.alive || this.#life !== life) {
			return Promise.resolve(fail('gone', 'The connection this message came by is no more. It is handed out again.'));
		}
		return this.#ask(command);
	}

	/** Sends a command with all others of this turn of the event loop; answers after the commit. */
	#ask<K extends Command['kind']>(command: Extract<Command, { kind: K }>): Promise<Result<Answers[K]>> {
		if (this.#ended) return Promise.resolve(fail('gone', 'The connection was closed.'));
		const life = this.#life;
		if (life?.ready !== true) return this.#askLater(command);
		return new Promise((resolve) => {
			const id = this.#nextId++;
			life.waiting.set(id, resolve as (result: Result<unknown>) => void);
			if (this.#outbox.length === 0) queueMicrotask(() => this.#post());
			this.#outbox.push({ id, command });
		});
	}

	/** The thread starts within a moment, so a command given meanwhile waits for it. */
	async #askLater<K extends Command['kind']>(command: Extract<Command, { kind: K }>): Promise<Result<Answers[K]>> {
		if (this.#state.kind !== 'connecting') return this.#away();
		const ready = await this.ready(10_000);
		return ready.ok ? this.#ask(command) : ready;
	}

	#post(): void {
		const requests = this.#outbox;
		this.#outbox = [];
		const life = this.#life;
		if (requests.length === 0 || life === null) return;
		if (life.alive) life.worker.postMessage({ kind: 'requests', requests } satisfies ToThread);
	}

	#away(): Result<never> {
		const reason = 'reason' in this.#state ? this.#state.reason : 'Nobody asked for the connection yet.';
		return fail('unreachable', `The built-in broker is not open. ${reason}`, { details: { outcome: 'not-sent' } });
	}

	#set(state: ConnectionState): void {
		this.#state = state;
		for (const listener of [...this.#listeners]) listener(state);
	}
}

class EmbeddedDelivery implements Delivery {
	readonly message: BrokerMessage;
	readonly #settle: (kind: 'ack' | 'release') => Promise<Result<void>>;

	constructor(message: BrokerMessage, settle: (kind: 'ack' | 'release') => Promise<Result<void>>) {
		this.message = message;
		this.#settle = settle;
	}

	ack(): Promise<Result<void>> {
		return this.#settle('ack');
	}

	release(): Promise<Result<void>> {
		return this.#settle('release');
	}
}

/** A view of a larger buffer would be copied to the thread with all that it is a view of. */
function compact(message: OutgoingMessage): OutgoingMessage {
	const { body } = message;
	return body.byteLength === body.buffer.byteLength ? message : { ...message, body: Uint8Array.from(body) };
}
