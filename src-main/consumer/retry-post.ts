/**
 * Sends retries when their time comes. They are planned in history together with the outcome that caused them, so any process
 * of this home may send them: whoever holds the lease does, also those of a process that was killed.
 */
import type { BrokerDriver } from '#main/brokers/driver.ts';
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { BrokerMessage, OutgoingMessage } from '#main/domain/message.ts';
import type { DueRetry, HistoryStore, LeaseStore } from '#main/store/store.ts';
import type { Decoded } from './ports.ts';

export interface RetryPostOptions {
	readonly profile: ProfileId;
	readonly holder: string;
	readonly driver: Pick<BrokerDriver, 'state' | 'publish'>;
	readonly history: Pick<HistoryStore, 'apply' | 'retries'>;
	readonly leases: Pick<LeaseStore, 'hold' | 'release'>;
	readonly decode: (message: BrokerMessage) => Decoded;
	readonly clock: Clock;
	readonly log: Log;
}

/** Retries that other processes have planned are noticed after this long at most. */
const LOOK_EVERY_MS = 1000;
const SOONEST_MS = 5;
const LEASE_MS = 10_000;
const AT_ONCE = 50;

export class RetryPost implements AsyncDisposable {
	readonly #options: RetryPostOptions;
	#timer: Disposable | null = null;
	#looking: Promise<void> = Promise.resolve();
	#closed = false;
	/** Planned for this profile and not sent, as last looked at; null: not looked yet. */
	pending: number | null = null;

	constructor(options: RetryPostOptions) {
		this.#options = options;
	}

	start(): void {
		this.#look();
	}

	/** A retry was planned here, so that it is not waited for the next look. */
	planned(dueAt: number): void {
		this.pending = (this.pending ?? 0) + 1;
		this.#later(dueAt - this.#options.clock.now());
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closed = true;
		this.#timer?.[Symbol.dispose]();
		await this.#looking;
	}

	#look(): void {
		if (this.#closed || this.#options.history.retries === undefined) return;
		const { clock, log } = this.#options;
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
		this.#looking = this.#looking
			.then(() => this.#send())
			.catch((error: unknown) => {
				log.warn('consumer.retries-failed', { reason: String(error) });
				return null;
			})
			.then((nextAt) => this.#later(nextAt === null ? LOOK_EVERY_MS : nextAt - clock.now()));
	}

	#later(ms: number): void {
		if (this.#closed) return;
		this.#timer?.[Symbol.dispose]();
		const wait = Math.min(LOOK_EVERY_MS, Math.max(SOONEST_MS, ms));
		this.#timer = this.#options.clock.after(wait, () => this.#look());
	}

	/** Sends what is due; when to look again, or null. */
	async #send(): Promise<number | null> {
		const { profile, holder, driver, history, leases, clock } = this.#options;
		const found = await history.retries?.(profile, clock.now(), AT_ONCE);
		if (found === undefined) return null;
		this.pending = found.pending;
		if (found.due.length === 0) return found.nextAt;
		// Nothing is said to be queued that could not be sent now.
		if (driver.state().kind !== 'connected') return null;
		const lease = `retries:${profile}`;
		const held = await leases.hold(lease, holder, LEASE_MS);
		if (!held.ok) return null;
		let refused = false;
		try {
			for (const retry of found.due) {
				if (this.#closed) break;
				if (!(await this.#sendOne(retry))) refused = true;
			}
		} finally {
			await leases.release(lease, holder);
		}
		return refused ? null : clock.now();
	}

	/** Whether it is settled: sent, or never to be. */
	async #sendOne(retry: DueRetry): Promise<boolean> {
		const { profile, driver, history, clock, log } = this.#options;
		const { messageId, dueAt } = retry;
		const sent = { kind: 'retried', profile, at: clock.now(), messageId } as const;
		if (retry.begun) {
			await history.apply([sent]);
			return true;
		}
		const queue = retry.queue ?? retry.message?.routingKey ?? null;
		const decoded = retry.message === null || queue === null ? null : this.#decoded(retry.message, messageId, queue);
		if (retry.message === null || queue === null || decoded?.kind !== 'task') {
			log.error('consumer.retry-impossible', { task: retry.taskId, reason: 'its message is not kept or not readable' });
			await history.apply([sent]);
			return true;
		}
		const message: OutgoingMessage = {
			...retry.message,
			// To its queue by the default exchange: through the original exchange it could reach other queues as well.
			exchange: '',
			routingKey: queue,
			properties: { ...retry.message.properties, messageId },
		};
		// By its due time: told again after a crash, the same fact changes nothing.
		await history.apply([
			{
				kind: 'published',
				profile,
				at: dueAt,
				task: { ...decoded.task, messageId, publishedAt: dueAt },
				queue,
				message,
				requeueOf: retry.taskId,
				cause: 'retried',
			},
		]);
		const published = await driver.publish(message);
		if (published.ok) {
			await history.apply([sent]);
			return true;
		}
		log.warn('consumer.retry-refused', { task: retry.taskId, queue, reason: published.error.message });
		// What may have arrived stays queued; it is sent again all the same unless a worker shows that it has it.
		if (published.error.details?.outcome !== 'unknown') {
			await history.apply([{ kind: 'unpublished', profile, at: clock.now(), messageId }]);
		}
		return false;
	}

	#decoded(message: OutgoingMessage, messageId: string, queue: string): Decoded | null {
		try {
			const properties = { ...message.properties, messageId };
			return this.#options.decode({ ...message, properties, queue, redelivered: false, deliveryCount: null });
		} catch (error) {
			this.#options.log.error('consumer.decode-failed', { reason: String(error) });
			return null;
		}
	}
}
