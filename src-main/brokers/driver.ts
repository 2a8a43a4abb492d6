/**
 * The one interface to a broker. A driver owns a connection that reconnects with back-off for ever; what it is asked to do
 * while disconnected either waits for its deadline or answers `unreachable`, and never throws for what a network can do.
 *
 * Rules every driver keeps (held by `test/conformance`):
 * - nothing that is not ours is declared with guessed arguments: existence is asked passively;
 * - `publish` resolves after the broker has taken responsibility, and says `unroutable` when no queue took the message;
 * - a delivery belongs to one connection: settling it after a reconnect answers `gone`, and the broker hands it out again;
 * - a consumption is an intent: it is set up again after every reconnect, until it is disposed of;
 * - a waiting message is acted upon by its print, after whoever asked has seen it, and never by its place in the queue.
 */
import type { BrokerMessage, OutgoingMessage } from '#main/domain/message.ts';
import { CELERY_SETTINGS, type ConnectionState, type DoctorStep } from '#main/domain/profile.ts';
import type { LookCost, QueueDeclaration, QueueFigures } from '#main/domain/queue.ts';
import type { Result } from '#main/domain/result.ts';
import type { PacketDoor } from './packets.ts';
import type { UnackedDoor } from './unacked.ts';
import type { KeptMessage, SiftEnd, SiftOptions, WaitingMessage } from './waiting.ts';

export interface BrokerCapabilities {
	/** Can list queues without being told their names. */
	readonly listsQueues: boolean;
	/** Knows how many messages are handed out and unsettled. */
	readonly countsUnacked: boolean;
	/** What a look costs on an ordinary queue here. */
	readonly look: LookCost['kind'];
	/** Can remove single messages by id without consuming others. */
	readonly removesSingle: boolean;
	/** Puts another message in the place of one in a single step, so that no crash can leave both. */
	readonly replacesAtOnce: boolean;
	/** Highest priority it honours; 0: none. */
	readonly maxPriority: number;
	/** Which priority is handed out first: AMQP's highest, or the lowest, as kombu has it on Redis. */
	readonly firstPriority: 'highest' | 'lowest';
	/** Knows how many consumers a queue has. */
	readonly countsConsumers: boolean;
}

/** Exchanges whose queues hold no messages of a person's. */
export interface Asides {
	/** That of events. */
	readonly events: string;
	/** That of answers to remote control. */
	readonly replies: string;
}

/** As Celery calls them by itself. */
export const CELERY_ASIDES: Asides = {
	events: CELERY_SETTINGS.eventExchange,
	replies: `reply.${CELERY_SETTINGS.controlExchange}.pidbox`,
};

/** One message handed to us, to be settled exactly once. */
export interface Delivery {
	readonly message: BrokerMessage;
	/** Removes it from the broker. `gone`: the connection it came by is no more, and it will be handed out again. */
	ack(): Promise<Result<void>>;
	/** Gives it back to the queue (nack with requeue). */
	release(): Promise<Result<void>>;
}

export interface ConsumeIntent {
	readonly queue: string;
	/** How many unsettled deliveries to hold at most. */
	readonly prefetch: number;
	/** RabbitMQ's consumer priority: higher ones are handed messages first. The built-in broker has none and ignores it. */
	readonly priority?: number | null;
	/** Called for each delivery; must not throw. */
	readonly onDelivery: (delivery: Delivery) => void;
	/** Told when the intent is in force (again), or why not: `null` means it is. */
	readonly onStatus?: (problem: string | null) => void;
}

/** A running consumption. `cancel` takes no more but leaves held deliveries to be settled; disposing releases the rest. */
export interface Consumption extends AsyncDisposable {
	cancel(): Promise<void>;
	/** Changes how many unsettled deliveries may be held. */
	setPrefetch(count: number): Promise<Result<void>>;
}

/** What a look found. */
export interface Look {
	/** Next to be handed out first. */
	readonly messages: readonly WaitingMessage[];
	readonly cost: LookCost;
}

export interface BrokerDriver extends AsyncDisposable {
	readonly kind: 'rabbitmq' | 'embedded' | 'redis';
	readonly capabilities: BrokerCapabilities;

	/** Starts connecting, once; resolves at once. State tells the rest. */
	connect(): void;
	state(): ConnectionState;
	/** Calls back on every change of state, until disposed of. */
	onState(listener: (state: ConnectionState) => void): Disposable;
	/** Resolves when connected, or with the reason when `deadlineMs` passes or the broker refuses. */
	ready(deadlineMs: number): Promise<Result<void>>;

	/** Figures of these queues, or of all where `listsQueues`. A queue that is not there has `exists: false`. */
	queues(names: readonly string[]): Promise<Result<readonly QueueFigures[]>>;
	/** What looking into this queue would cost. */
	lookCost(queue: string): Promise<Result<LookCost>>;
	/** Up to `limit` waiting messages, left where they are. Refused when that could lose one. */
	look(queue: string, options: { readonly limit: number; readonly deadlineMs: number }): Promise<Result<Look>>;
	/** Publishes mandatory, confirmed, persistent or not as its properties say. */
	publish(message: OutgoingMessage): Promise<Result<void>>;
	/**
	 * Removes waiting messages by id and hands back what was removed (for the journal). Those that are not waiting are
	 * left out. `scanLimit` bounds how many messages may be looked at on the way.
	 */
	remove(
		queue: string,
		messageIds: ReadonlySet<string>,
		options: { readonly scanLimit: number; readonly deadlineMs: number },
	): Promise<Result<readonly BrokerMessage[]>>;
	/**
	 * Goes through waiting messages from the next one on, batch by batch, and does with each what `decide` says. `not-found` where
	 * there is no such queue; `refused` where a message that is to be left could be lost by it. Messages that come in meanwhile may or
	 * may not be seen, none is seen twice.
	 */
	sift(queue: string, options: SiftOptions): Promise<Result<SiftEnd>>;
	/**
	 * Puts a message that was kept into this queue and no other, confirmed, byte for byte: at its end, as if published now. Where a
	 * broker routes by name, its exchange becomes the default one and its routing key the queue's name.
	 */
	putBack(queue: string, message: KeptMessage): Promise<Result<void>>;
	/** The broker's own purge: destroys all that waits, keeps nothing. Answers how many. */
	clear(queue: string): Promise<Result<number>>;
	/** Makes sure a queue of ours exists. An existing queue is used as it is; nothing is declared over it. */
	ensureQueue(declaration: QueueDeclaration): Promise<Result<void>>;
	consume(intent: ConsumeIntent): Promise<Result<Consumption>>;
	/**
	 * Tells whoever listens to an exchange of broadcasts, once; that nobody does, or that there is no such exchange yet, is fine.
	 * Absent: this broker carries none.
	 */
	readonly broadcast?: ((message: OutgoingMessage) => Promise<Result<void>>) | undefined;
	/** What is handed out to anybody and not acknowledged, where that lies in the open (Redis). */
	readonly unacked?: UnackedDoor | undefined;
	/** What can be done to packets of django-q's, where those lie there. */
	readonly packets?: PacketDoor | undefined;
}

/** Reads a connection from end to end, each step with cause and cure; stops at the first that fails. */
export type Doctor = (queues: readonly string[], signal: AbortSignal) => Promise<readonly DoctorStep[]>;
