/**
 * Remote control as kombu has it (pidbox): a request goes to everybody who listens, and each answers, if it wants to, to an address of
 * ours. What requests and answers mean is a dialect's business; here they are bytes. Nothing waits for anybody: how long an answer is
 * waited for is decided above.
 */
import type { ConnectionState } from '../domain/profile.ts';
import type { Result } from '../domain/result.ts';

/** An answer as it came. */
export interface Letter {
	readonly contentType: string | null;
	readonly contentEncoding: string | null;
	readonly body: Uint8Array;
	/** Which request it answers; null: it does not say. */
	readonly ticket: string | null;
	/** Epoch ms of its arrival. */
	readonly receivedAt: number;
	/** Why what carried it cannot be read, with all of it as the body; null: it can. */
	readonly fault: string | null;
}

export interface MailboxIntent {
	/** The exchange of requests, e.g. `celery.pidbox`. */
	readonly exchange: string;
	/** The exchange of answers, e.g. `reply.celery.pidbox`. */
	readonly replyExchange: string;
	/** Must not throw. */
	readonly onLetter: (letter: Letter) => void;
}

/** A mailbox; dispose of it to stop, which also takes away what the broker keeps for it. */
export interface Mailbox extends AsyncDisposable {
	/** Where to answer to: the routing key on the exchange of answers. */
	readonly address: string;
	/** Starts connecting, once; resolves at once. */
	connect(): void;
	state(): ConnectionState;
	/**
	 * Sends a request to everybody; `cancelled`: the signal fired first, and nobody received it.
	 * From the answer on, answers arrive; they come by `onLetter`, and only as long as there are open calls (`listen`).
	 */
	send(body: Uint8Array, options: SendOptions): Promise<Result<Sent>>;
	/** Holds the ear open until it is disposed of. */
	listen(): Disposable;
}

export interface Sent {
	/** How many got it, where the broker tells; null: at least one. 0: nobody listens. */
	readonly receivers: number | null;
	/** Whether the ear was lost since, or is now: then answers may have come to nobody, and silence means nothing. */
	deaf(): boolean;
}

export interface SendOptions {
	/** The sender's logical clock and when nobody wants an answer any more (epoch seconds; 0: never), as kombu's headers have them. */
	readonly clock: number;
	readonly expires: number;
	/** How long a connection may be waited for, in ms. */
	readonly deadlineMs: number;
	/** Nothing is sent once it fired. */
	readonly signal: AbortSignal;
}

/** How long answers to us are kept while we do not take them, in ms, where the broker keeps any. */
export const ANSWER_TTL = 300_000;
/** After how long our queue of answers goes once nobody listens, in ms. */
export const ANSWER_EXPIRES = 10_000;
/** Begins the address of every mailbox of ours, so that what is left of a killed process is known again. */
export const ADDRESS_STEM = 'warren-';
