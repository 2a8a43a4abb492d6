/**
 * A driver that outlives its connection's settings: whoever holds it goes on over another inner driver once the address, the password or
 * whatever else a connection is made with has changed. To its holders that is a lost connection which came back: what was handed out by
 * the old one is gone from here and handed out again, and every consumption is set up anew.
 */
import type { Clock } from '../domain/clock.ts';
import type { Log } from '../domain/log.ts';
import type { OutgoingMessage } from '../domain/message.ts';
import type { ConnectionState } from '../domain/profile.ts';
import type { QueueDeclaration } from '../domain/queue.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import type { BrokerDriver, ConsumeIntent, Consumption } from './driver.ts';
import type { KeptMessage, SiftOptions } from './waiting.ts';

export class StandingDriver implements BrokerDriver {
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #listeners = new Set<(state: ConnectionState) => void>();
	readonly #consumptions = new Set<StandingConsumption>();
	/** Drivers that were replaced and are closing. */
	readonly #closing = new Set<Promise<void>>();
	#inner: BrokerDriver;
	#watch: Disposable;
	#asked = false;
	#ended = false;

	/** Takes over `inner`, which nobody else disposes of. */
	constructor(inner: BrokerDriver, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
		this.#clock = clock;
		this.#log = log;
		this.#inner = inner;
		this.#watch = inner.onState((state) => this.#tell(state));
	}

	/** Goes on over another driver; the one before is closed. */
	replace(next: BrokerDriver): void {
		const before = this.#inner;
		this.#watch[Symbol.dispose]();
		this.#inner = next;
		this.#watch = next.onState((state) => this.#tell(state));
		this.#close(before);
		if (this.#ended) {
			this.#close(next);
			return;
		}
		if (this.#asked) next.connect();
		this.#tell(next.state());
		for (const consumption of this.#consumptions) consumption.moveTo(next);
	}

	get kind(): BrokerDriver['kind'] {
		return this.#inner.kind;
	}

	get capabilities(): BrokerDriver['capabilities'] {
		return this.#inner.capabilities;
	}

	get unacked(): BrokerDriver['unacked'] {
		return this.#inner.unacked;
	}

	get packets(): BrokerDriver['packets'] {
		return this.#inner.packets;
	}

	get broadcast(): BrokerDriver['broadcast'] {
		const inner = this.#inner;
		return inner.broadcast === undefined ? undefined : (message) => inner.broadcast?.(message) ?? noBroadcast();
	}

	connect(): void {
		if (this.#ended) return;
		this.#asked = true;
		this.#inner.connect();
	}

	state(): ConnectionState {
		return this.#inner.state();
	}

	onState(listener: (state: ConnectionState) => void): Disposable {
		const own = (state: ConnectionState) => listener(state);
		this.#listeners.add(own);
		return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
	}

	async ready(deadlineMs: number): Promise<Result<void>> {
		const end = this.#clock.monotonic() + deadlineMs;
		for (;;) {
			const inner = this.#inner;
			const ready = await inner.ready(Math.max(0, end - this.#clock.monotonic()));
			if (ready.ok || inner === this.#inner || this.#ended) return ready;
		}
	}

	queues(names: readonly string[]) {
		return this.#inner.queues(names);
	}

	lookCost(queue: string) {
		return this.#inner.lookCost(queue);
	}

	look(queue: string, options: { readonly limit: number; readonly deadlineMs: number }) {
		return this.#inner.look(queue, options);
	}

	publish(message: OutgoingMessage) {
		return this.#inner.publish(message);
	}

	remove(
		queue: string,
		messageIds: ReadonlySet<string>,
		options: { readonly scanLimit: number; readonly deadlineMs: number },
	) {
		return this.#inner.remove(queue, messageIds, options);
	}

	sift(queue: string, options: SiftOptions) {
		return this.#inner.sift(queue, options);
	}

	putBack(queue: string, message: KeptMessage) {
		return this.#inner.putBack(queue, message);
	}

	clear(queue: string) {
		return this.#inner.clear(queue);
	}

	ensureQueue(declaration: QueueDeclaration) {
		return this.#inner.ensureQueue(declaration);
	}

	async consume(intent: ConsumeIntent): Promise<Result<Consumption>> {
		const consumption = new StandingConsumption(intent, this.#log, () => this.#consumptions.delete(consumption));
		this.#consumptions.add(consumption);
		const begun = await consumption.moveTo(this.#inner);
		if (begun.ok) return ok(consumption);
		await consumption[Symbol.asyncDispose]();
		return begun;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#ended = true;
		this.#watch[Symbol.dispose]();
		this.#close(this.#inner);
		await Promise.all(this.#closing);
		this.#tell({ kind: 'idle' });
		this.#listeners.clear();
	}

	#close(driver: BrokerDriver): void {
		const closed: Promise<void> = Promise.resolve(driver[Symbol.asyncDispose]())
			.catch((error: unknown) => this.#log.warn('driver.close-failed', { kind: driver.kind, reason: String(error) }))
			.finally(() => this.#closing.delete(closed));
		this.#closing.add(closed);
	}

	#tell(state: ConnectionState): void {
		for (const listener of [...this.#listeners]) listener(state);
	}
}

function noBroadcast(): Promise<Result<void>> {
	return Promise.resolve(fail('unsupported', 'This broker carries no broadcasts.'));
}

/** An intent over one inner driver after another. */
class StandingConsumption implements Consumption {
	readonly #intent: ConsumeIntent;
	readonly #log: Log;
	readonly #disposed: () => void;
	/** That of the newest inner driver; null: none is set up. */
	#inner: Consumption | null = null;
	/** Which of the moves is the newest: what an older one brings is not passed on. */
	#move = 0;
	#moving: Promise<unknown> = Promise.resolve();
	#prefetch: number;
	#cancelled = false;
	#over = false;

	constructor(intent: ConsumeIntent, log: Log, disposed: () => void) {
		this.#intent = intent;
		this.#log = log;
		this.#disposed = disposed;
		this.#prefetch = intent.prefetch;
	}

	/** Sets the intent up on a driver; the set-up before belongs to a driver that closes it. */
	moveTo(driver: BrokerDriver): Promise<Result<void>> {
		this.#move += 1;
		const move = this.#move;
		this.#inner = null;
		const moved = this.#moving.then(() => this.#begin(driver, move));
		this.#moving = moved.catch((error: unknown) => {
			this.#log.error('consumption.move-failed', { queue: this.#intent.queue, reason: String(error) });
			this.#intent.onStatus?.(String(error));
		});
		return moved;
	}

	async cancel(): Promise<void> {
		this.#cancelled = true;
		await this.#moving;
		await this.#inner?.cancel();
	}

	async setPrefetch(count: number): Promise<Result<void>> {
		this.#prefetch = count;
		await this.#moving;
		return (await this.#inner?.setPrefetch(count)) ?? ok(undefined);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#over = true;
		this.#cancelled = true;
		this.#disposed();
		await this.#moving;
		await this.#inner?.[Symbol.asyncDispose]();
	}

	async #begin(driver: BrokerDriver, move: number): Promise<Result<void>> {
		if (move !== this.#move || this.#cancelled) return ok(undefined);
		const prefetch = this.#prefetch;
		const begun = await driver.consume({
			...this.#intent,
			prefetch,
			onDelivery: (delivery) => {
				if (move === this.#move) this.#intent.onDelivery(delivery);
				// Its driver gives it back as well when it closes.
				else void delivery.release();
			},
			onStatus: (problem) => {
				if (move === this.#move && !this.#over) this.#intent.onStatus?.(problem);
			},
		});
		if (!begun.ok) {
			if (move === this.#move) this.#intent.onStatus?.(begun.error.message);
			return begun;
		}
		if (move !== this.#move) {
			await begun.value[Symbol.asyncDispose]();
			return ok(undefined);
		}
		this.#inner = begun.value;
		if (this.#prefetch !== prefetch) await begun.value.setPrefetch(this.#prefetch);
		return ok(undefined);
	}
}
