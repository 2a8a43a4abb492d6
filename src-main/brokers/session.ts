/**
 * A connection that comes back: it dials, and whenever it is refused or lost it dials again with back-off, for ever. Each
 * connection is a `Link`; what was begun on one link is never continued on another.
 */
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { ConnectionState } from '../domain/profile.ts';
import { type Failure, fail, ok, type Result } from '../domain/result.ts';
import { reconnectDelay, refusedDelay } from './backoff.ts';

/** One live connection: dialled once, dead for ever once it is closed. */
export interface SessionLink {
	/** e.g. `RabbitMQ 3.10.8`. */
	readonly server: string;
	alive(): boolean;
	/** Resolves with the reason when the connection is gone. */
	readonly closed: Promise<string>;
	/** Says goodbye, then closes whatever the answer. */
	close(): Promise<void>;
}

export interface SessionOptions<L extends SessionLink> {
	/** Connects, or rejects with an error for `problem`. Given up when the signal fires. */
	readonly dial: (password: string | null, signal: AbortSignal) => Promise<L>;
	/** Why dialling failed. `refused`: somebody answered and said no, so trying again quickly is pointless. */
	readonly problem: (error: unknown) => { readonly kind: 'unreachable' | 'refused'; readonly reason: string };
	/** The failure of what is asked while there is no connection. */
	readonly unreachable: (reason: string) => { readonly ok: false; readonly error: Failure };
	/** Asked for at each connect, so a changed secret is used at once. */
	readonly password: () => Promise<string | null>;
	readonly clock: Clock;
	readonly log: Log;
	/** For the log. */
	readonly name: string;
}

export class Session<L extends SessionLink> implements AsyncDisposable {
	readonly #options: SessionOptions<L>;
	readonly #end = new AbortController();
	readonly #stateListeners = new Set<(state: ConnectionState) => void>();
	readonly #linkListeners = new Set<(link: L) => void>();
	#state: ConnectionState = { kind: 'idle' };
	#link: L | null = null;
	#running: Promise<void> | null = null;
	#closing = false;

	constructor(options: SessionOptions<L>) {
		this.#options = options;
	}

	/** Starts dialling, once. */
	connect(): void {
		if (this.#running !== null || this.#closing) return;
		this.#set({ kind: 'connecting', since: this.#options.clock.now() });
		this.#running = this.#run();
	}

	state(): ConnectionState {
		return this.#state;
	}

	/** The connection there is now; null while there is none. */
	link(): L | null {
		return this.#link?.alive() === true ? this.#link : null;
	}

	onState(listener: (state: ConnectionState) => void): Disposable {
		this.#stateListeners.add(listener);
		return { [Symbol.dispose]: () => this.#stateListeners.delete(listener) };
	}

	/** Calls back with each new connection, from the next one on. */
	onLink(listener: (link: L) => void): Disposable {
		this.#linkListeners.add(listener);
		return { [Symbol.dispose]: () => this.#linkListeners.delete(listener) };
	}

	/** The connection, waiting for it up to `deadlineMs`; a refusal is answered at once, and so is whoever cancels. */
	async ready(deadlineMs: number, signal?: AbortSignal): Promise<Result<L>> {
		const settled = (): Result<L> | null => {
			if (signal?.aborted === true) return fail('cancelled', 'It was cancelled.');
			if (this.#closing) return fail('gone', 'The connection was closed.');
			const link = this.link();
			if (link !== null) return ok(link);
			if (this.#state.kind === 'refused') return fail('refused', this.#state.reason);
			return null;
		};
		const now = settled();
		if (now !== null) return now;
		return new Promise((resolve) => {
			const answer = (result: Result<L>) => {
				watch[Symbol.dispose]();
				timer[Symbol.dispose]();
				this.#end.signal.removeEventListener('abort', look);
				signal?.removeEventListener('abort', look);
				resolve(result);
			};
			const look = () => {
				const result = settled();
				if (result !== null) answer(result);
			};
			const watch = this.onState(look);
			const timer = this.#options.clock.after(deadlineMs, () => answer(this.#options.unreachable(this.#why())));
			this.#end.signal.addEventListener('abort', look, { once: true });
			signal?.addEventListener('abort', look, { once: true });
		});
	}

	/** The connection there is now, or the next one, however long that takes; null once the signal fires or the session ends. */
	next(signal: AbortSignal): Promise<L | null> {
		if (signal.aborted || this.#closing) return Promise.resolve(null);
		const link = this.link();
		if (link !== null) return Promise.resolve(link);
		return new Promise((resolve) => {
			const answer = (found: L | null) => {
				watch[Symbol.dispose]();
				signal.removeEventListener('abort', stop);
				this.#end.signal.removeEventListener('abort', stop);
				resolve(found);
			};
			const stop = () => answer(null);
			const watch = this.onLink(answer);
			signal.addEventListener('abort', stop, { once: true });
			this.#end.signal.addEventListener('abort', stop, { once: true });
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closing = true;
		// The goodbye comes before the abort, which would cut it short.
		await this.#link?.close();
		this.#end.abort();
		await this.#running;
		this.#link = null;
		this.#set({ kind: 'idle' });
		this.#stateListeners.clear();
		this.#linkListeners.clear();
	}

	async #run(): Promise<void> {
		const { clock, log, name } = this.#options;
		const { signal } = this.#end;
		let attempt = 0;
		let lostAt: number | null = null;
		while (!this.#closing) {
			let delay: number;
			try {
				const password = await this.#options.password();
				const link = await this.#options.dial(password, signal);
				if (this.#closing) {
					await link.close();
					return;
				}
				log.info('broker connected', { server: link.server, connection: name });
				this.#link = link;
				attempt = 0;
				this.#set({ kind: 'connected', since: clock.now(), server: link.server });
				for (const listener of [...this.#linkListeners]) listener(link);
				const reason = await link.closed;
				this.#link = null;
				if (this.#closing) return;
				lostAt = clock.now();
				attempt = 1;
				delay = reconnectDelay(attempt, Math.random());
				log.warn('broker connection lost', { reason, connection: name });
				this.#set({ kind: 'reconnecting', since: lostAt, nextTryAt: lostAt + delay, attempt, reason });
			} catch (error) {
				await this.#link?.close();
				this.#link = null;
				if (this.#closing) return;
				const problem = this.#options.problem(error);
				const now = clock.now();
				attempt += 1;
				delay = problem.kind === 'refused' ? refusedDelay(Math.random()) : reconnectDelay(attempt, Math.random());
				log.warn('broker not reached', { reason: problem.reason, attempt, connection: name });
				const since = lostAt ?? sinceOf(this.#state) ?? now;
				const nextTryAt = now + delay;
				this.#set(
					problem.kind === 'refused'
						? { kind: 'refused', since, nextTryAt, reason: problem.reason }
						: { kind: 'reconnecting', since, nextTryAt, attempt, reason: problem.reason },
				);
			}
			await pause(this.#options.clock, delay, this.#end.signal);
		}
	}

	#why(): string {
		return 'reason' in this.#state ? this.#state.reason : 'It has not answered yet.';
	}

	#set(state: ConnectionState): void {
		this.#state = state;
		for (const listener of [...this.#stateListeners]) listener(state);
	}
}

/** Waits so many ms, or until the signal fires. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
	if (signal.aborted) return Promise.resolve();
	return new Promise((resolve) => {
		const done = () => {
			timer[Symbol.dispose]();
			signal.removeEventListener('abort', done);
			resolve();
		};
		const timer = clock.after(ms, done);
		signal.addEventListener('abort', done, { once: true });
	});
}

function sinceOf(state: ConnectionState): number | null {
	return 'since' in state ? state.since : null;
}
