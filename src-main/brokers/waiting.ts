/**
 * Acts on waiting messages, exactly: which one is meant is said by its `print`, not by a place in the queue, and nothing is
 * removed before whoever asked has seen it (and kept it). One primitive, `sift`, serves delete, move, edit, replay and purge.
 */
import { createHash, hash } from 'node:crypto';
import type { BrokerMessage, MessageProperties, OutgoingMessage } from '../domain/message.ts';
import type { Failure } from '../domain/result.ts';
import { writeProperties } from './properties.ts';

/** A waiting message as it lies there. */
export interface WaitingMessage extends BrokerMessage {
	/**
	 * Names exactly these bytes, envelope and all. The same for as long as it waits, whoever looks; equal for two messages only
	 * when nothing tells them apart, and then it does not matter which of them is meant.
	 */
	readonly print: string;
	/** Its bytes, where the broker keeps a message as one entry of a list (Redis); null elsewhere. */
	readonly entry: Uint8Array | null;
}

/** What is to become of a message. */
export type Fate =
	| { readonly kind: 'leave' }
	| { readonly kind: 'remove' }
	/**
	 * Another takes its place: published and confirmed, then the original is removed; in one step where the broker can
	 * (`replacesAtOnce`). Whatever happens meanwhile, one of the two exists.
	 */
	| {
			readonly kind: 'replace';
			readonly by: OutgoingMessage;
			/** It is to run next there, after those that this walk has laid there before it; only where `BrokerDriver.packets` is. */
			readonly next?: true;
	  }
	/** The same with a message that was kept: it goes back into that queue, byte for byte. */
	| { readonly kind: 'swap'; readonly queue: string; readonly message: KeptMessage };

/** What became of a message. */
export type Settled =
	| { readonly kind: 'left' }
	/** It is out of the queue, and was not handed to anybody else. */
	| { readonly kind: 'removed' }
	/** The other one (of `replace` or `swap`) is at the broker, and the original is gone. */
	| { readonly kind: 'replaced' }
	/** A worker took it meanwhile; nothing was published in its place. */
	| { readonly kind: 'gone' }
	/** It still waits; why nothing was done. */
	| { readonly kind: 'failed'; readonly failure: Failure }
	/** The connection broke at the wrong moment: it may still wait, and where it was to be replaced, both may exist. */
	| { readonly kind: 'unknown'; readonly failure: Failure };

export interface SiftOptions {
	/** Most messages to go through. */
	readonly scanLimit: number;
	/** For how long to go on, in ms. What was decided by then is still carried out. */
	readonly deadlineMs: number;
	/** Most messages in one batch. */
	readonly batch: number;
	/** True: nothing will be left, so nothing has to be given back and a delivery limit is no danger. */
	readonly takesAll: boolean;
	/** Ends it between two batches. */
	readonly signal: AbortSignal;
	/**
	 * Told each batch, next to be handed out first, before anything of it is changed: keep here what must not be lost. Answers a
	 * fate for each; `null` ends the sift and leaves the batch as it is.
	 */
	readonly decide: (batch: readonly WaitingMessage[]) => Promise<readonly Fate[] | null>;
	/** Told what became of each of that batch, before the next one comes. */
	readonly settled: (outcomes: readonly Settled[]) => Promise<void>;
}

/** How a sift ended. */
export interface SiftEnd {
	readonly scanned: number;
	/** end: no more messages were there. stopped: by `decide` or the signal. */
	readonly ended: 'end' | 'limit' | 'deadline' | 'stopped';
}

/** A message that was kept when it was taken out of a queue. */
export interface KeptMessage extends OutgoingMessage {
	/** The bytes of its entry, where there were such; it is laid down as those again. */
	readonly entry: Uint8Array | null;
}

/**
 * Headers that brokers themselves put onto messages when they hand them out, so that they differ from look to look; no part of what
 * a message is.
 */
const COUNTERS = new Set(['x-delivery-count', 'x-acquired-count']);

/** Properties without what brokers count in them. */
export function withoutCounters(properties: MessageProperties): MessageProperties {
	const { headers, ...rest } = properties;
	const kept = headers?.filter(([name]) => !COUNTERS.has(name));
	// A broker that counts makes a table where there was none.
	if (headers === undefined || kept === undefined || kept.length === headers.length) return properties;
	return kept.length === 0 ? rest : { ...rest, headers: kept };
}

/** The print of a message of envelope, properties and body. Throws what `writeProperties` throws on what AMQP cannot hold. */
export function printOf(message: OutgoingMessage): string {
	const hash = createHash('sha256');
	for (const part of [
		Buffer.from(message.exchange),
		Buffer.from(message.routingKey),
		writeProperties(withoutCounters(message.properties)),
		message.body,
	]) {
		const length = Buffer.allocUnsafe(4);
		length.writeUInt32BE(part.byteLength);
		hash.update(length).update(part);
	}
	return hash.digest('hex').slice(0, PRINT_LENGTH);
}

/** The print of an entry that is one run of bytes. */
export function printOfEntry(entry: Uint8Array): string {
	return hash('sha256', entry, 'hex').slice(0, PRINT_LENGTH);
}

/** 128 bits: more than accidents or anybody's patience can make collide. */
const PRINT_LENGTH = 32;
