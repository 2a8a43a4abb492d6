/** What the driver and its thread say to each other. Several requests travel as one message and share one transaction. */
import type { BrokerMessage, OutgoingMessage } from '../../domain/message.ts';
import type { QueueDeclaration, QueueFigures } from '../../domain/queue.ts';
import type { Result } from '../../domain/result.ts';
import type { Settled } from '../waiting.ts';

/** What the thread is started with. */
export interface ThreadData {
	/** The database file; its folder exists. */
	readonly file: string;
	/** This driver's session at the moment: holds deliveries until it ends or stops beating. */
	readonly session: string;
	/** A session of the same driver whose thread died; its deliveries go back at once. */
	readonly previous: string | null;
}

/** Names one delivery: the message's row and which handing-out of it this was. */
export interface DeliveryToken {
	readonly id: number;
	readonly delivery: number;
}

/** Where a row stands in its queue's order. */
export interface Place {
	readonly priority: number;
	readonly id: number;
}

/** A row that waits. */
export interface WaitingRow {
	readonly place: Place;
	readonly message: BrokerMessage;
}

/** What is to happen to a row, by its number. */
export interface RowFate {
	readonly id: number;
	/** Null: it is removed and nothing takes its place. */
	readonly by: OutgoingMessage | null;
}

export type Command =
	| { readonly kind: 'publish'; readonly message: OutgoingMessage; readonly at: number }
	| { readonly kind: 'ack' | 'release'; readonly token: DeliveryToken }
	| { readonly kind: 'look'; readonly queue: string; readonly limit: number }
	| { readonly kind: 'remove'; readonly queue: string; readonly ids: readonly string[] }
	/** What waits after this place, next first. */
	| { readonly kind: 'window'; readonly queue: string; readonly after: Place | null; readonly limit: number }
	/** Each row with what is to happen to it, together. */
	| { readonly kind: 'settle'; readonly queue: string; readonly fates: readonly RowFate[]; readonly at: number }
	| { readonly kind: 'clear'; readonly queue: string }
	| { readonly kind: 'ensure'; readonly declaration: QueueDeclaration; readonly at: number }
	/** All queues when no name is given. */
	| { readonly kind: 'queues'; readonly names: readonly string[] }
	| { readonly kind: 'consume'; readonly consumer: number; readonly queue: string; readonly prefetch: number }
	| { readonly kind: 'prefetch'; readonly consumer: number; readonly prefetch: number }
	/** Takes no more; `release` also gives back what is held. */
	| { readonly kind: 'cancel'; readonly consumer: number; readonly release: boolean };

/** What each command answers with. */
export interface Answers {
	readonly publish: undefined;
	readonly ack: undefined;
	readonly release: undefined;
	readonly look: readonly BrokerMessage[];
	readonly remove: readonly BrokerMessage[];
	readonly window: readonly WaitingRow[];
	readonly settle: readonly Settled[];
	readonly clear: number;
	readonly ensure: undefined;
	readonly queues: readonly QueueFigures[];
	readonly consume: undefined;
	readonly prefetch: undefined;
	readonly cancel: undefined;
}

export interface Request {
	readonly id: number;
	readonly command: Command;
}

export type ToThread =
	| { readonly kind: 'requests'; readonly requests: readonly Request[] }
	| { readonly kind: 'close' };

export interface Handed {
	readonly consumer: number;
	readonly token: DeliveryToken;
	readonly message: BrokerMessage;
}

export type FromThread =
	/** The file is open. */
	| { readonly kind: 'ready' }
	/** It cannot be opened, and trying again at once would not help. */
	| { readonly kind: 'refused'; readonly reason: string }
	/** Answers after the commit, and what was handed out in the same transaction. */
	| {
			readonly kind: 'batch';
			readonly replies: readonly { readonly id: number; readonly result: Result<unknown> }[];
			readonly handed: readonly Handed[];
	  }
	/** Why a consumer gets nothing; null: it is in force. */
	| { readonly kind: 'status'; readonly consumer: number; readonly problem: string | null }
	| { readonly kind: 'closed' };
