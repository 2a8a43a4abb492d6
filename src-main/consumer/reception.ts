/** Receives deliveries: decodes them, asks history about them, and keeps them until a slot is free or they have to go back. */
import { createHash } from 'node:crypto';
import type { Delivery } from '#main/brokers/driver.ts';
import type { BrokerMessage } from '#main/domain/message.ts';
import type { Held } from './flight.ts';
import type { ConsumerDeps, Decoded } from './ports.ts';
import { Shelf } from './shelf.ts';

export interface ReceptionOptions {
	readonly deps: Pick<ConsumerDeps, 'profile' | 'history' | 'decode' | 'log' | 'newRun'>;
	/** Whether messages are wanted at the moment; those that come otherwise go straight back. */
	readonly wanted: () => boolean;
	/** How many deliveries have landed so far. */
	readonly landed: () => number;
	/** Something may be begun. */
	readonly onReady: () => void;
}

export class Reception {
	readonly #options: ReceptionOptions;
	readonly #shelf = new Shelf();
	#asking: Held[] = [];
	/** Deliveries in the answer's way: what history is being asked about right now. */
	#asked = 0;
	#epoch = 0;

	constructor(options: ReceptionOptions) {
		this.#options = options;
	}

	/** Whether something can be begun. */
	get ready(): boolean {
		return !this.#shelf.empty;
	}

	/** Whether nothing is here at all. */
	get idle(): boolean {
		return this.#shelf.empty && this.#asking.length === 0 && this.#asked === 0;
	}

	receive(delivery: Delivery, queue: string): void {
		const decoded = this.#decode(delivery.message);
		const id = decoded.kind === 'task' ? decoded.task.messageId : decoded.fault.messageId;
		const key = id ?? delivery.message.properties.messageId ?? this.#ownKey(delivery.message);
		this.again({ delivery, decoded, key, queue, epoch: this.#epoch, askedAfter: 0, foresight: null });
	}

	/** Receives a delivery that had to wait for another of the same message. */
	again(held: Held): void {
		if (this.#options.deps.history.foresee === undefined) {
			this.#keep(held);
			this.#options.onReady();
			return;
		}
		this.#asking.push({ ...held, foresight: null, askedAfter: this.#options.landed() });
		// One question at a time: what comes meanwhile is asked about together.
		if (this.#asking.length === 1 && this.#asked === 0) queueMicrotask(() => void this.#ask());
	}

	/** The next to begin, or null. */
	next(): Held | null {
		for (let held = this.#shelf.next(); held !== null; held = this.#shelf.next()) {
			if (this.current(held)) return held;
		}
		return null;
	}

	/** The one that `next` would give, left where it is. */
	peek(): Held | null {
		for (let held = this.#shelf.peek(); held !== null; held = this.#shelf.peek()) {
			if (this.current(held)) return held;
			this.#shelf.next();
		}
		return null;
	}

	/** Takes one back that was not begun after all, to be the next. */
	back(held: Held): void {
		if (!this.current(held)) return;
		if (this.#options.wanted()) this.#shelf.putBack(held);
		else void this.release(held.delivery);
	}

	/** Whether it came by the connection there is now; else the broker has it again. */
	current(held: Held): boolean {
		return held.epoch === this.#epoch;
	}

	/** The connection was lost: what waits here is the broker's again. */
	disconnected(): void {
		this.#epoch += 1;
		this.#shelf.clear();
	}

	/** Gives back all that waits. */
	async releaseAll(): Promise<void> {
		await Promise.all(this.#shelf.clear().map((held) => this.release(held.delivery)));
	}

	async release(delivery: Delivery): Promise<void> {
		const released = await delivery.release();
		if (!released.ok) this.#options.deps.log.info('consumer.release-refused', { reason: released.error.message });
	}

	async #ask(): Promise<void> {
		const { history, profile, log } = this.#options.deps;
		const batch = this.#asking;
		this.#asking = [];
		this.#asked += batch.length;
		try {
			const keys = batch.map((held) => held.key);
			const seen = (await history.foresee?.(profile, keys)) ?? [];
			for (const [index, held] of batch.entries()) held.foresight = seen[index] ?? null;
		} catch (error) {
			// Without foresight each task waits for the commit of its `started`, which tells the same.
			log.warn('consumer.foresight-failed', { reason: String(error) });
		}
		this.#asked -= batch.length;
		if (this.#asking.length > 0) void this.#ask();
		for (const held of batch) this.#keep(held);
		this.#options.onReady();
	}

	#keep(held: Held): void {
		if (!this.current(held)) return;
		if (this.#options.wanted()) this.#shelf.put(held);
		else void this.release(held.delivery);
	}

	#decode(message: BrokerMessage): Decoded {
		try {
			return this.#options.deps.decode(message);
		} catch (error) {
			this.#options.deps.log.error('consumer.decode-failed', { reason: String(error) });
			const reason = `Warren could not read this message: ${error instanceof Error ? error.message : String(error)}`;
			const { messageId, priority } = message.properties;
			const fault = { name: null, messageId: messageId ?? null, priority: priority ?? null, reason };
			return { kind: 'fault', fault: { ...fault, exceptionType: 'InvalidMessage' } };
		}
	}

	/** Two messages without an id may be equal and still be two tasks, so that no key can come from the content alone. */
	#ownKey(message: BrokerMessage): string {
		const { newRun } = this.#options.deps;
		return `no-id-${createHash('sha256').update(message.body).digest('hex').slice(0, 16)}-${newRun()}`;
	}
}
