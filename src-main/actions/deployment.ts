/** What an action is done to, and with: a profile's broker and history, and a clock. */
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { PacketSite } from '#main/dialects/django-q/message.ts';
import type { OutgoingMessage } from '#main/domain/message.ts';
import type { Profile } from '#main/domain/profile.ts';
import type { Failure, Result } from '#main/domain/result.ts';
import type { HistoryStore, JournalStore, LeaseStore, RecordStore } from '#main/store/store.ts';
import type { ArgumentDoors } from './argument-sources.ts';

export interface ActionTarget {
	readonly profile: Profile;
	readonly driver: BrokerDriver;
	readonly history: HistoryStore;
	readonly records: RecordStore;
	readonly journal: JournalStore;
	/** By which other processes know that a change is under way. */
	readonly leases: LeaseStore;
	/** Epoch ms. */
	readonly now: () => number;
	/** Makes a message id: a lower-case uuid, as carrot's and Celery's publishers use. */
	readonly newId: () => string;
	/** Who sends what is published, for frameworks that say so in their messages: `console@user`. */
	readonly origin: string;
	/**
	 * The queue that results of what is sent are to come to, once it is there; null: results do not come that way. Fails where it
	 * could not be set up: a result would be lost. Absent: as null.
	 */
	readonly replyTo?: () => Promise<Result<string | null>>;
	/** Tells others of messages that the broker took, once each; why that failed, null: it did not. Absent: nobody is to be told. */
	readonly tell?: (sent: readonly OutgoingMessage[]) => Promise<string | null>;
	/** What django-q's packets are signed with, or why they cannot be; absent where none are to be written. */
	readonly packets?: Result<PacketSite>;
	/** Whom to ask for arguments of tasks whose message is not kept; absent: nobody. */
	readonly doors?: ArgumentDoors;
}

/**
 * Whether a message may be at the broker although publishing it failed: the confirm never came, and nobody can tell. Its
 * record then stays, because a known message is never a stranger when it turns up.
 */
export function mayHaveArrived(failure: Failure): boolean {
	return failure.details?.outcome === 'unknown';
}

/** How long an action waits for a broker that is still connecting. */
export const READY_DEADLINE_MS = 10_000;

/** A message with the queue that its result is to come to; null: as it was. */
export function answeredTo(message: OutgoingMessage, replyTo: string | null): OutgoingMessage {
	return replyTo === null ? message : { ...message, properties: { ...message.properties, replyTo } };
}
