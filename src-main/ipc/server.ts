/** The engine's end of a wire: frames in, router calls and flows out. One per page. */
import { type Clock, systemClock } from '../domain/clock.ts';
import type { FailureCode } from '../domain/result.ts';
import type { WireError } from './codes.ts';
import { contract, type StreamName } from './contract.ts';
import { type DownFrame, PROTOCOL, type UpFrame, type Wire } from './frames.ts';
import type { CallContext, Router } from './handlers.ts';
import { Flow, HIDDEN_GAP_MS, VISIBLE_GAP_MS } from './stream.ts';
import { readUpFrame } from './up-frames.ts';

export interface ServeOptions {
	readonly build: string;
	readonly host: CallContext['host'];
	/** For the audit: who is at the other end. */
	readonly actor: string;
	readonly clock?: Clock;
	/** Told when a page has said hello, when it misbehaves and when its wire ends. */
	readonly note?: (event: 'greeted' | 'bad-frame' | 'closed', words: string) => void;
}

/** Requests and streams that one wire may have at a time. */
export const MOST_REQUESTS = 256;
export const MOST_STREAMS = 64;
/** Frames that make no sense before the wire is closed. */
export const BAD_FRAMES = 32;

interface OpenStream {
	readonly flow: Flow;
	readonly abort: AbortController;
	source: Disposable | null;
	closed: boolean;
}

/** Serves a wire until it closes. Dispose to close it: its streams end and what it asked for is cancelled. */
export function serveWire(wire: Wire<DownFrame, UpFrame>, router: Router, options: ServeOptions): Disposable {
	const server = new WireServer(wire, router, options);
	wire.listen(
		(frame) => server.receive(frame),
		(reason) => server.closed(reason),
	);
	return {
		[Symbol.dispose]: () => wire.close('The engine closed the connection.'),
	};
}

class WireServer {
	readonly #wire: Wire<DownFrame, UpFrame>;
	readonly #router: Router;
	readonly #options: ServeOptions;
	readonly #requests = new Map<number, AbortController>();
	readonly #streams = new Map<number, OpenStream>();
	#greeted = false;
	#visible = true;
	#bad = 0;
	#over = false;

	constructor(wire: Wire<DownFrame, UpFrame>, router: Router, options: ServeOptions) {
		this.#wire = wire;
		this.#router = router;
		this.#options = options;
		wire.send({ kind: 'hello', protocol: PROTOCOL, build: options.build });
	}

	receive(data: unknown): void {
		if (this.#over) return;
		const frame = readUpFrame(data);
		if (frame === null) {
			this.#strange('a frame that makes no sense');
			return;
		}
		if (frame.kind === 'hello') {
			this.#greet(frame.protocol, frame.build);
			return;
		}
		if (!this.#greeted) {
			this.#wire.close('The other side spoke before it said hello.');
			return;
		}
		switch (frame.kind) {
			case 'request':
				void this.#request(frame);
				return;
			case 'cancel':
				// Unknown ones were answered meanwhile.
				this.#requests.get(frame.id)?.abort();
				return;
			case 'open':
				void this.#open(frame);
				return;
			case 'ack':
				this.#streams.get(frame.id)?.flow.ack();
				return;
			case 'close':
				this.#closeStream(frame.id);
				return;
			case 'visible':
				this.#visible = frame.visible;
				for (const stream of this.#streams.values()) stream.flow.pace(this.#gapMs());
				return;
		}
	}

	closed(reason: string): void {
		if (this.#over) return;
		this.#over = true;
		for (const abort of this.#requests.values()) abort.abort();
		this.#requests.clear();
		for (const id of [...this.#streams.keys()]) this.#closeStream(id);
		this.#options.note?.('closed', reason);
	}

	#greet(protocol: number, build: string): void {
		// The other side got our own hello, so it knows what to tell the person.
		if (protocol !== PROTOCOL || build !== this.#options.build) {
			this.#wire.close('The page and the engine are of different versions.');
		} else if (this.#greeted) this.#strange('a second hello');
		else {
			this.#greeted = true;
			this.#options.note?.('greeted', build);
		}
	}

	async #request(frame: Extract<UpFrame, { readonly kind: 'request' }>): Promise<void> {
		const { id } = frame;
		if (this.#requests.has(id)) {
			this.#strange('a request under an id that is in use');
			return;
		}
		if (this.#requests.size >= MOST_REQUESTS) {
			this.#send({ kind: 'reply', id, ok: false, error: busy(`More than ${MOST_REQUESTS} requests at a time.`) });
			return;
		}
		const abort = new AbortController();
		this.#requests.set(id, abort);
		const answer = await this.#router.call(frame.route, frame.input, this.#context(abort), frame.confirm);
		this.#requests.delete(id);
		if (answer.ok) this.#send({ kind: 'reply', id, ok: true, data: answer.data });
		else this.#send({ kind: 'reply', id, ok: false, error: answer.error });
	}

	async #open(frame: Extract<UpFrame, { readonly kind: 'open' }>): Promise<void> {
		const { id } = frame;
		if (this.#streams.has(id)) {
			this.#strange('a stream under an id that is in use');
			return;
		}
		if (this.#streams.size >= MOST_STREAMS) {
			this.#send({ kind: 'end', id, error: busy(`More than ${MOST_STREAMS} streams at a time.`) });
			return;
		}
		const flow = new Flow({
			id,
			fold: foldOf(frame.stream),
			credit: frame.credit,
			clock: this.#options.clock ?? systemClock,
			gapMs: this.#gapMs(),
			send: (down) => this.#send(down),
			ended: () => this.#closeStream(id),
		});
		const stream: OpenStream = { flow, abort: new AbortController(), source: null, closed: false };
		this.#streams.set(id, stream);
		const answer = await this.#router.open(frame.stream, frame.input, flow, this.#context(stream.abort));
		if (answer.ok && stream.closed) answer.value[Symbol.dispose]();
		else if (answer.ok) {
			stream.source = answer.value;
			flow.opened();
		} else if (!stream.closed) {
			flow.failed(answer.error);
			this.#closeStream(id);
		}
	}

	#closeStream(id: number): void {
		const stream = this.#streams.get(id);
		if (stream === undefined) return;
		this.#streams.delete(id);
		stream.closed = true;
		stream.flow[Symbol.dispose]();
		stream.abort.abort();
		stream.source?.[Symbol.dispose]();
	}

	#strange(words: string): void {
		this.#bad += 1;
		this.#options.note?.('bad-frame', words);
		if (this.#bad >= BAD_FRAMES) this.#wire.close(`The other side sent ${BAD_FRAMES} frames that make no sense.`);
	}

	#gapMs(): number {
		return this.#visible ? VISIBLE_GAP_MS : HIDDEN_GAP_MS;
	}

	#context(abort: AbortController): CallContext {
		return { host: this.#options.host, actor: this.#options.actor, signal: abort.signal };
	}

	#send(frame: DownFrame): void {
		if (!this.#over) this.#wire.send(frame);
	}
}

/** How a stream folds; of an unknown one it doesn't matter, since the router refuses it. */
function foldOf(stream: string): 'latest' | 'append' {
	if (!Object.hasOwn(contract, stream)) return 'append';
	const route = contract[stream as StreamName];
	return 'fold' in route ? route.fold : 'append';
}

function busy(words: string): WireError {
	const code: FailureCode = 'busy';
	return { code, message: `${words} Wait for some to end.`, retryable: true, ref: 'wire' };
}
