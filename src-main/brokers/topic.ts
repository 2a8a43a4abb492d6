/**
 * Listening in on what a topic exchange carries, through a queue of our own, without taking anything from anybody. The feed comes
 * back by itself after every loss of its connection. What it hands out is settled in order: settling one message settles all before it.
 */
import type { ConnectionState } from '../domain/profile.ts';
import type { Result } from '../domain/result.ts';

/** One message as heard. */
export interface HeardMessage {
	readonly routingKey: string;
	readonly contentType: string | null;
	readonly body: Uint8Array;
	/** Epoch ms of its arrival. */
	readonly receivedAt: number;
}

/** It listens from now on. */
export interface TopicStart {
	readonly at: number;
	/** Whether everything since the last time is still to come; false: what was sent in between is lost. */
	readonly complete: boolean;
	/** When this feed stopped hearing, epoch ms; null: it starts for the first time. */
	readonly lostAt: number | null;
	/** Why it had stopped; null: it starts for the first time. */
	readonly reason: string | null;
}

/** Messages that a broker keeps for us while nobody listens. */
export interface KeptQueue {
	readonly name: string;
	/** How long the queue outlives its listener, in ms. */
	readonly forMs: number;
}

export interface TopicIntent {
	/** Empty: none is listened to; messages are sent to the kept queue itself. */
	readonly exchange: string;
	/** What to hear, in the exchange's own notation; `#` is everything. */
	readonly patterns: readonly string[];
	/** Begins the name of a queue of our own, where the broker has any; e.g. `celeryev`. */
	readonly queuePrefix: string;
	/** Null: a queue of this connection's own, which goes with it. */
	readonly keep: KeptQueue | null;
	/** How many messages may be out and not settled. */
	readonly prefetch: number;
	/** Must not throw. */
	readonly onMessage: (message: HeardMessage) => void;
	readonly onStart: (start: TopicStart) => void;
	/** Why it does not listen at the moment. */
	readonly onTrouble: (reason: string) => void;
}

/** A feed; dispose of it to stop. */
export interface TopicFeed extends AsyncDisposable {
	/** Starts connecting, once; resolves at once. */
	connect(): void;
	state(): ConnectionState;
	onState(listener: (state: ConnectionState) => void): Disposable;
	/** How many messages wait in our queue and are not handed out yet; null: this broker keeps none. */
	lag(): Promise<Result<number | null>>;
	/** This message, and all that were handed out before it, are dealt with. After a loss it changes nothing. */
	settle(message: HeardMessage): void;
}

/** Most messages that our own queue keeps: beyond, the oldest go. */
export const QUEUE_LENGTH = 500_000;
/** How long our own queue keeps a message, in ms. */
export const MESSAGE_TTL = 600_000;
/** After how long a private queue without its consumer goes, in ms. */
export const QUEUE_EXPIRES = 60_000;
