/** The consumptions of a set's queues: opened together, narrowed and widened together, and set up again when one is refused. */
import type { BrokerDriver, Consumption, Delivery } from '#main/brokers/driver.ts';
import type { Clock } from '#main/domain/clock.ts';
import type { Log } from '#main/domain/log.ts';

export interface IntakeOptions {
	readonly driver: Pick<BrokerDriver, 'consume'>;
	readonly queues: readonly string[];
	readonly priority: number | null;
	readonly clock: Clock;
	readonly log: Log;
	readonly onDelivery: (delivery: Delivery, queue: string) => void;
	/** Something about `problems` or `inForce` changed. */
	readonly onStatus: () => void;
}

const AGAIN_MS = 3000;

export class Intake {
	readonly #options: IntakeOptions;
	readonly #open = new Map<string, Consumption>();
	/** Cancelled consumptions whose deliveries are not all settled yet. */
	#retired: Consumption[] = [];
	readonly #status = new Map<string, string | null>();
	/** Operations on consumptions run one after another. */
	#work: Promise<void> = Promise.resolve();
	#wanted = false;
	#prefetch = 1;
	#again: Disposable | null = null;

	constructor(options: IntakeOptions) {
		this.#options = options;
	}

	/** Whether at least one queue hands out messages. */
	get inForce(): boolean {
		for (const problem of this.#status.values()) if (problem === null) return true;
		return false;
	}

	/** What keeps queues from handing out messages, one sentence each. */
	problems(): readonly string[] {
		return [...new Set([...this.#status.values()].filter((problem) => problem !== null))];
	}

	/** Whether this queue's status is known: in force, or with a problem. */
	heardOf(queue: string): boolean {
		return this.#status.has(queue);
	}

	/**
	 * Takes messages, at most `prefetch` unsettled ones per queue. When open already, it changes that number. Resolves when the
	 * broker was told.
	 */
	open(prefetch: number): Promise<void> {
		const changed = prefetch !== this.#prefetch;
		this.#prefetch = prefetch;
		if (!this.#wanted) {
			this.#wanted = true;
			return this.#do(() => this.#openAll());
		}
		return changed ? this.#do(() => this.#resize()) : this.#work;
	}

	/** Takes no more. Held deliveries can still be settled until `retire` or disposal. */
	close(): Promise<void> {
		this.#wanted = false;
		this.#again?.[Symbol.dispose]();
		this.#again = null;
		return this.#do(async () => {
			for (const [queue, consumption] of this.#open) {
				await consumption.cancel();
				this.#retired.push(consumption);
				this.#open.delete(queue);
			}
			this.#status.clear();
			this.#options.onStatus();
		});
	}

	/** Frees cancelled consumptions; call it only when nothing they handed out is unsettled. */
	retire(): Promise<void> {
		if (this.#retired.length === 0) return Promise.resolve();
		return this.#do(async () => {
			const retired = this.#retired;
			this.#retired = [];
			for (const consumption of retired) await consumption[Symbol.asyncDispose]();
		});
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
		await this.retire();
	}

	#do(work: () => Promise<void>): Promise<void> {
		const done = this.#work.then(work).catch((error: unknown) => {
			this.#options.log.error('consumer.intake-failed', { reason: String(error) });
		});
		this.#work = done;
		return done;
	}

	async #openAll(): Promise<void> {
		let refused = false;
		for (const queue of this.#options.queues) {
			if (!this.#wanted) return;
			if (this.#open.has(queue)) continue;
			const opened = await this.#options.driver.consume({
				queue,
				prefetch: this.#prefetch,
				priority: this.#options.priority,
				onDelivery: (delivery) => this.#options.onDelivery(delivery, queue),
				onStatus: (problem) => {
					if (!this.#open.has(queue) && !this.#wanted) return;
					this.#status.set(queue, problem);
					this.#options.onStatus();
				},
			});
			if (opened.ok) this.#open.set(queue, opened.value);
			else {
				refused = true;
				this.#status.set(queue, `Queue "${queue}": ${opened.error.message}`);
				this.#options.log.warn('consumer.queue-refused', { queue, reason: opened.error.message });
			}
			this.#options.onStatus();
		}
		if (refused) {
			this.#again = this.#options.clock.after(AGAIN_MS, () => {
				this.#again = null;
				if (this.#wanted) this.#do(() => this.#openAll());
			});
		}
	}

	async #resize(): Promise<void> {
		for (const consumption of this.#open.values()) {
			const changed = await consumption.setPrefetch(this.#prefetch);
			if (!changed.ok) this.#options.log.info('consumer.prefetch-refused', { reason: changed.error.message });
		}
	}
}
