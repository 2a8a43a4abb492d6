/**
 * The engine as a page (or any other process) calls it over a wire. Typed by the contract's types alone: neither zod nor
 * `node:` comes with it. It connects, connects again when the wire is lost, and re-opens what was open.
 */
import type { WireError } from './codes.ts';
import type { CallerInput, CallName, Item, Output, StreamName } from './contract.ts';
import { type DownFrame, PROTOCOL, type UpFrame, type Wire } from './frames.ts';

/** What a call came to. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: WireError };

/** Where a stream is read. After a reconnect a new snapshot comes; `end` comes at most once and is final. */
export interface StreamReader<T> {
	snapshot(items: readonly T[]): void;
	/** `lost`: how many appended items were dropped since the last frame because the reader was too slow. */
	change(items: readonly T[], lost: number): void;
	/** The engine refused the stream or closed it. Null: it simply ended. */
	end(error: WireError | null): void;
}

export interface CallOptions {
	/** The profile's name as the person typed it, for destructive commands on production. */
	readonly confirm?: string;
	/** Aborting asks the engine to stop; the answer still comes, with what was done until then. */
	readonly signal?: AbortSignal;
}

/** How the client stands with its engine. Times are epoch ms. */
export type ClientState =
	| { readonly kind: 'connecting'; readonly since: number; readonly attempt: number }
	| { readonly kind: 'connected'; readonly since: number }
	/** The wire was lost; it tries again by itself. */
	| {
			readonly kind: 'waiting';
			readonly since: number;
			readonly nextTryAt: number;
			readonly attempt: number;
			readonly reason: string;
	  }
	/** The engine is of another build; only loading the page anew helps. */
	| { readonly kind: 'mismatch'; readonly build: string }
	| { readonly kind: 'closed'; readonly reason: string };

/** Calls never reject: what goes wrong is an answer. Streams re-open by themselves after a reconnect. */
export interface Client extends Disposable {
	call<R extends CallName>(route: R, input: CallerInput<R>, options?: CallOptions): Promise<Answer<Output<R>>>;
	/** Dispose to close the stream; the reader hears nothing after that. */
	open<S extends StreamName>(stream: S, input: CallerInput<S>, reader: StreamReader<Item<S>>): Disposable;
	/** Tells the engine whether anybody can see the page; a hidden one gets a frame a second. */
	setVisible(visible: boolean): void;
	state(): ClientState;
	/** Calls back at each change of state; not for the present one. */
	onState(listener: (state: ClientState) => void): Disposable;
}

/** Time as the client needs it: `domain/clock.ts` without what only Node has. */
export interface ClientClock {
	now(): number;
	after(ms: number, callback: () => void): Disposable;
}

export interface ClientOptions {
	/** The page's own build; the engine's must be the same. */
	readonly build: string;
	/** When to apply frames that arrived, e.g. in the next animation frame. Default: at once. */
	readonly schedule?: (apply: () => void) => void;
	readonly clock?: ClientClock;
	/** Share of a delay that is left to chance, 0 to 1; tests give 0. */
	readonly jitter?: number;
}

/** Frames that may be under way before the first `ack`. */
const CREDIT = 4;
const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 10_000;
/** How long a call waits for a lost engine to come back; later it would surprise whoever asked for it. */
const CALL_PATIENCE_MS = 5_000;

/** The page's timers; the engine's own clock would need Node's. */
const pageClock: ClientClock = {
	now: () => Date.now(),
	after(ms, callback) {
		const timer = setTimeout(callback, ms);
		return { [Symbol.dispose]: () => clearTimeout(timer) };
	},
};

interface PendingCall {
	readonly id: number;
	readonly frame: UpFrame;
	sent: boolean;
	settle(answer: Answer<unknown>): void;
}

interface OpenStream {
	readonly stream: string;
	readonly input: unknown;
	readonly reader: StreamReader<unknown>;
	/** Of its present opening; a re-opened stream gets a new one, so that frames of the old one are known as such. */
	id: number;
	rev: number | null;
}

type StreamFrame = Extract<DownFrame, { readonly kind: 'snapshot' | 'change' | 'end' }>;

/** Gives a new wire to the engine each time it is called; rejects when there is none to be had. */
export type Connect = () => Promise<Wire<UpFrame, DownFrame>>;

/**
 * Starts a client. Given a function, it connects with it and again whenever the wire is lost (250 ms doubling to 10 s);
 * given a wire, it is done when that wire is.
 */
export function createClient(source: Connect | Wire<UpFrame, DownFrame>, options: ClientOptions): Client {
	return new WireClient(source, options);
}

class WireClient implements Client {
	readonly #connect: Connect | null;
	readonly #options: ClientOptions;
	readonly #clock: ClientClock;
	readonly #listeners = new Set<(state: ClientState) => void>();
	readonly #calls = new Map<number, PendingCall>();
	readonly #streams = new Map<number, OpenStream>();
	#state: ClientState;
	#wire: Wire<UpFrame, DownFrame> | null = null;
	#retry: Disposable | null = null;
	#attempt = 0;
	#nextId = 1;
	#visible = true;
	#waiting: StreamFrame[] = [];

	constructor(source: Connect | Wire<UpFrame, DownFrame>, options: ClientOptions) {
		this.#connect = typeof source === 'function' ? source : null;
		this.#options = options;
		this.#clock = options.clock ?? pageClock;
		this.#state = { kind: 'connecting', since: this.#clock.now(), attempt: 1 };
		this.#attempt = 1;
		if (typeof source === 'function') void this.#tryConnect(source);
		else this.#use(source);
	}

	call<R extends CallName>(route: R, input: CallerInput<R>, options: CallOptions = {}): Promise<Answer<Output<R>>> {
		return new Promise((resolve) => {
			const id = this.#nextId++;
			const { confirm, signal } = options;
			const frame: UpFrame =
				confirm === undefined ? { kind: 'request', id, route, input } : { kind: 'request', id, route, input, confirm };
			const cleanup = new DisposableStack();
			const call: PendingCall = {
				id,
				frame,
				sent: false,
				settle: (answer) => {
					this.#calls.delete(id);
					cleanup.dispose();
					resolve(answer as Answer<Output<R>>);
				},
			};
			if (signal?.aborted) {
				resolve(refusal('cancelled', 'It was cancelled before it began.', false));
				return;
			}
			const state = this.#state;
			if (state.kind === 'closed' || state.kind === 'mismatch') {
				resolve(refusal('unreachable', wordsFor(state), false));
				return;
			}
			this.#calls.set(id, call);
			if (signal !== undefined) {
				const abort = () => {
					if (call.sent) this.#wire?.send({ kind: 'cancel', id });
					else call.settle(refusal('cancelled', 'It was cancelled before it began.', false));
				};
				signal.addEventListener('abort', abort, { once: true });
				cleanup.defer(() => signal.removeEventListener('abort', abort));
			}
			if (state.kind === 'connected') this.#sendCall(call);
			else if (state.kind === 'waiting') cleanup.use(this.#clock.after(CALL_PATIENCE_MS, () => giveUp(call)));
		});
	}

	open<S extends StreamName>(stream: S, input: CallerInput<S>, reader: StreamReader<Item<S>>): Disposable {
		const entry: OpenStream = { stream, input, reader: reader as StreamReader<unknown>, id: this.#nextId++, rev: null };
		this.#streams.set(entry.id, entry);
		if (this.#state.kind === 'connected') this.#sendOpen(entry);
		return {
			[Symbol.dispose]: () => {
				if (this.#streams.get(entry.id) !== entry) return;
				this.#streams.delete(entry.id);
				this.#wire?.send({ kind: 'close', id: entry.id });
			},
		};
	}

	setVisible(visible: boolean): void {
		this.#visible = visible;
		if (this.#state.kind === 'connected') this.#wire?.send({ kind: 'visible', visible });
	}

	state(): ClientState {
		return this.#state;
	}

	onState(listener: (state: ClientState) => void): Disposable {
		this.#listeners.add(listener);
		return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
	}

	[Symbol.dispose](): void {
		this.#finish({ kind: 'closed', reason: 'The console was closed.' });
	}

	async #tryConnect(connect: Connect): Promise<void> {
		let wire: Wire<UpFrame, DownFrame>;
		try {
			wire = await connect();
		} catch (error) {
			if (this.#state.kind === 'connecting') this.#lost(error instanceof Error ? error.message : String(error));
			return;
		}
		if (this.#state.kind === 'connecting') this.#use(wire);
		else wire.close('no longer wanted');
	}

	#use(wire: Wire<UpFrame, DownFrame>): void {
		this.#wire = wire;
		// First of all: listening may bring the engine's own hello at once, and what waited is sent on that.
		wire.send({ kind: 'hello', protocol: PROTOCOL, build: this.#options.build });
		wire.listen(
			(frame) => this.#receive(wire, frame),
			(reason) => {
				if (this.#wire === wire) this.#lost(reason);
			},
		);
	}

	#receive(wire: Wire<UpFrame, DownFrame>, frame: DownFrame): void {
		if (this.#wire !== wire) return;
		switch (frame.kind) {
			case 'hello':
				this.#greeted(frame.protocol, frame.build);
				return;
			case 'reply': {
				const call = this.#calls.get(frame.id);
				call?.settle(frame.ok ? { ok: true, value: frame.data } : { ok: false, error: frame.error });
				return;
			}
			case 'snapshot':
			case 'change':
			case 'end':
				this.#waiting.push(frame);
				if (this.#waiting.length === 1) (this.#options.schedule ?? atOnce)(() => this.#applyWaiting());
				return;
			default:
				// A newer engine may say more than this page understands; the handshake decides whether that matters.
				return;
		}
	}

	#greeted(protocol: number, build: string): void {
		if (protocol !== PROTOCOL || build !== this.#options.build) {
			this.#finish({ kind: 'mismatch', build });
			return;
		}
		if (this.#state.kind === 'connected') return;
		this.#attempt = 0;
		this.#setState({ kind: 'connected', since: this.#clock.now() });
		if (!this.#visible) this.#wire?.send({ kind: 'visible', visible: false });
		for (const call of this.#calls.values()) if (!call.sent) this.#sendCall(call);
		for (const entry of [...this.#streams.values()]) this.#reopen(entry);
	}

	#sendCall(call: PendingCall): void {
		call.sent = true;
		this.#wire?.send(call.frame);
	}

	#sendOpen(entry: OpenStream): void {
		this.#wire?.send({ kind: 'open', id: entry.id, stream: entry.stream, input: entry.input, credit: CREDIT });
	}

	/** Opens a stream under a new id, so that what still comes for the old one is known to be old. */
	#reopen(entry: OpenStream): void {
		this.#streams.delete(entry.id);
		entry.id = this.#nextId++;
		entry.rev = null;
		this.#streams.set(entry.id, entry);
		this.#sendOpen(entry);
	}

	#applyWaiting(): void {
		const frames = this.#waiting;
		this.#waiting = [];
		for (const frame of frames) {
			const entry = this.#streams.get(frame.id);
			if (entry !== undefined) this.#apply(entry, frame);
		}
	}

	#apply(entry: OpenStream, frame: StreamFrame): void {
		if (frame.kind === 'end') {
			this.#streams.delete(entry.id);
			entry.reader.end(frame.error ?? null);
			return;
		}
		if (frame.kind === 'snapshot') {
			entry.rev = frame.rev;
			entry.reader.snapshot(frame.items);
		} else if (entry.rev !== null && frame.rev === entry.rev + 1) {
			entry.rev = frame.rev;
			entry.reader.change(frame.items, frame.lost);
		} else {
			// A revision is missing: what the reader holds can't be brought up to date, so it starts afresh.
			this.#wire?.send({ kind: 'close', id: entry.id });
			this.#reopen(entry);
			return;
		}
		// The reader may have closed its own stream while it read.
		if (this.#streams.get(frame.id) === entry) this.#wire?.send({ kind: 'ack', id: frame.id });
	}

	#lost(reason: string): void {
		this.#dropWire();
		if (this.#connect === null) {
			this.#finish({ kind: 'closed', reason });
			return;
		}
		const message =
			'The connection to the engine was lost before it answered. It may have been done: look before you repeat it.';
		for (const call of [...this.#calls.values()]) {
			if (call.sent) call.settle(refusal('unreachable', message, false));
			else this.#clock.after(CALL_PATIENCE_MS, () => giveUp(call));
		}
		const connect = this.#connect;
		const delay = delayBefore(this.#attempt, this.#options.jitter ?? 0.3);
		const now = this.#clock.now();
		this.#attempt += 1;
		this.#setState({ kind: 'waiting', since: now, nextTryAt: now + delay, attempt: this.#attempt, reason });
		this.#retry = this.#clock.after(delay, () => {
			this.#retry = null;
			this.#setState({ kind: 'connecting', since: this.#clock.now(), attempt: this.#attempt });
			void this.#tryConnect(connect);
		});
	}

	#dropWire(): void {
		const wire = this.#wire;
		this.#wire = null;
		this.#waiting = [];
		wire?.close('lost');
	}

	/** For good: nothing is tried any more. */
	#finish(state: Extract<ClientState, { readonly kind: 'mismatch' | 'closed' }>): void {
		if (this.#state.kind === 'closed' || this.#state.kind === 'mismatch') return;
		this.#retry?.[Symbol.dispose]();
		this.#dropWire();
		this.#setState(state);
		const answer = refusal('unreachable', wordsFor(state), false);
		for (const call of [...this.#calls.values()]) call.settle(answer);
		const streams = [...this.#streams.values()];
		this.#streams.clear();
		for (const entry of streams) entry.reader.end(answer.error);
	}

	#setState(state: ClientState): void {
		this.#state = state;
		for (const listener of this.#listeners) listener(state);
	}
}

/** The wait before a try, in ms: 250 doubling to 10,000, less up to `jitter` of it. */
function delayBefore(attempt: number, jitter: number): number {
	const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(attempt, 10));
	return Math.round(full * (1 - jitter * Math.random()));
}

function giveUp(call: PendingCall): void {
	if (!call.sent) call.settle(refusal('unreachable', 'The engine does not answer. Nothing was done.', true));
}

function atOnce(apply: () => void): void {
	apply();
}

function wordsFor(state: Extract<ClientState, { readonly kind: 'mismatch' | 'closed' }>): string {
	if (state.kind === 'closed') return `The connection to the engine is closed: ${state.reason}`;
	return `The engine is of another version (${state.build}). Load the page again.`;
}

function refusal(
	code: WireError['code'],
	message: string,
	retryable: boolean,
): { readonly ok: false; readonly error: WireError } {
	// Made here, not in the engine, so no line of its log says more.
	return { ok: false, error: { code, message, retryable, ref: 'page' } };
}
