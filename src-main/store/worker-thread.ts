/** One worker thread seen from outside: typed requests, each settled exactly once, and a restart after a crash. */
import { Worker } from 'node:worker_threads';
import type { Log } from '#main/domain/log.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { StoreError } from './failures.ts';
import { keepBinaryLoaded } from './handles.ts';
import type { Opened, ReadCalls, Reply, Request, ThreadData, WriteCalls } from './protocol.ts';

type Calls = ReadCalls | WriteCalls;

interface Pending {
	readonly name: string;
	readonly resolve: (value: never) => void;
	readonly reject: (error: StoreError) => void;
}

/** A thread that crashes this often within this time is not started again. */
const MOST_CRASHES = 5;
const CRASH_WINDOW_MS = 30_000;

/** The young generation's default of 48 MB a thread is a fifth of the engine's memory budget, for nothing. */
const LIMITS = { maxYoungGenerationSizeMb: 8, maxOldGenerationSizeMb: 1_024 } as const;

export interface StoreThread<C extends Calls> extends AsyncDisposable {
	call<K extends keyof C & string>(
		name: K,
		...args: C[K] extends (...args: infer A) => unknown ? A : never
	): Promise<C[K] extends (...args: never) => infer R ? R : never>;
	/** Writer only: all background work is done. */
	settle(): Promise<void>;
	/** How many requests wait for an answer. */
	readonly waiting: number;
	/** For tests: ends the thread as a crash would. */
	crash(): Promise<void>;
}

/** Starts a thread and waits until it has opened the file. */
export async function startThread<C extends Calls>(
	url: URL,
	data: ThreadData,
	log: Log,
): Promise<Result<{ readonly thread: StoreThread<C>; readonly opened: Opened }>> {
	const thread = new Thread(url, data, log);
	const opened = await thread.start();
	if (!opened.ok) {
		await thread[Symbol.asyncDispose]();
		return opened;
	}
	// Only now: that it cannot be loaded at all is the thread's to say.
	keepBinaryLoaded();
	return ok({ thread: thread as unknown as StoreThread<C>, opened: opened.value });
}

class Thread {
	readonly #url: URL;
	readonly #data: ThreadData;
	readonly #log: Log;
	readonly #pending = new Map<number, Pending>();
	readonly #crashes: number[] = [];
	#worker: Worker | null = null;
	#ended: Promise<void> = Promise.resolve();
	#nextId = 1;
	#closing = false;
	#onOpened: ((result: Result<Opened>) => void) | null = null;

	constructor(url: URL, data: ThreadData, log: Log) {
		this.#url = url;
		this.#data = data;
		this.#log = log;
	}

	get waiting(): number {
		return this.#pending.size;
	}

	start(): Promise<Result<Opened>> {
		const { promise, resolve } = Promise.withResolvers<Result<Opened>>();
		this.#onOpened = resolve;
		const worker = new Worker(this.#url, {
			workerData: this.#data,
			name: `store-${this.#data.role}`,
			resourceLimits: LIMITS,
		});
		this.#worker = worker;
		const ended = Promise.withResolvers<void>();
		this.#ended = ended.promise;
		let cause: unknown = null;
		worker.on('message', (reply: Reply) => this.#take(reply));
		worker.on('error', (error) => {
			cause = error;
		});
		worker.on('exit', (code) => {
			if (this.#worker === worker) this.#worker = null;
			ended.resolve();
			this.#onExit(code, cause);
		});
		return promise;
	}

	call(name: string, ...args: readonly unknown[]): Promise<unknown> {
		return this.#request(name, (id) => ({ kind: 'call', id, name, args }));
	}

	async settle(): Promise<void> {
		await this.#request('settle', (id) => ({ kind: 'settle', id }));
	}

	async crash(): Promise<void> {
		await this.#worker?.terminate();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		if (!this.#closing) {
			this.#closing = true;
			this.#worker?.postMessage({ kind: 'close' } satisfies Request);
		}
		await this.#ended;
	}

	#request(name: string, make: (id: number) => Request): Promise<unknown> {
		const id = this.#nextId;
		this.#nextId += 1;
		return new Promise((resolve, reject: (error: StoreError) => void) => {
			const worker = this.#worker;
			if (worker === null || this.#closing) {
				reject(this.#stopped(this.#closing ? 'The store is closed.' : 'The store has stopped after repeated crashes.'));
				return;
			}
			this.#pending.set(id, { name, resolve: resolve as (value: never) => void, reject });
			try {
				worker.postMessage(make(id));
			} catch (error) {
				// What cannot be cloned is a defect of the caller's; nothing was sent.
				this.#pending.delete(id);
				const words = error instanceof Error ? error.message : String(error);
				reject(this.#stopped(`The request "${name}" cannot be sent to the store: ${words}`));
			}
		});
	}

	#take(reply: Reply): void {
		switch (reply.kind) {
			case 'opened':
				this.#onOpened?.(reply.result);
				this.#onOpened = null;
				return;
			case 'slow':
				this.#log.warn('store.slow', { statement: reply.name, ms: Math.round(reply.ms), role: this.#data.role });
				return;
			case 'trouble':
				this.#log.error('store.background', { message: reply.failure.message });
				return;
			default: {
				const pending = this.#pending.get(reply.id);
				if (pending === undefined) return;
				this.#pending.delete(reply.id);
				if (reply.kind === 'done') pending.resolve(reply.value as never);
				else pending.reject(new StoreError(reply.failure));
			}
		}
	}

	#onExit(code: number, cause: unknown): void {
		const words = cause instanceof Error ? cause.message : `it ended with code ${code}`;
		const failure = `The store's ${this.#data.role} stopped (${words}). Whether it had carried this out is not known; try again.`;
		this.#onOpened?.(fail('internal', failure));
		const opening = this.#onOpened !== null;
		this.#onOpened = null;
		for (const [id, pending] of this.#pending) {
			this.#pending.delete(id);
			pending.reject(this.#stopped(failure, true));
		}
		if (this.#closing || opening) return;
		const now = performance.now();
		this.#crashes.push(now);
		const recent = this.#crashes.filter((at) => at > now - CRASH_WINDOW_MS).length;
		this.#log.error('store.crash', { role: this.#data.role, reason: words, recent });
		if (recent > MOST_CRASHES) return;
		void this.start().then((result) => {
			if (!result.ok) this.#log.error('store.restart', { role: this.#data.role, message: result.error.message });
		});
	}

	#stopped(message: string, retryable = false): StoreError {
		return new StoreError({ code: 'internal', message, retryable });
	}
}
