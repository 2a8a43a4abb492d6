/**
 * A consumption is an intent: it goes on on every new connection, and waits for its queue while that is not there. It asks for more
 * whenever it has room, instead of blocking in Redis: what blocks there takes an entry off before anything is written down about it.
 */
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../domain/log.ts';
import type { BrokerMessage } from '../../domain/message.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import type { ConsumeIntent, Consumption, Delivery } from '../driver.ts';
import { pause, type Session } from '../session.ts';
import type { Bindings } from './bindings.ts';
import { readEntry } from './envelope.ts';
import type { Holdings, Taken } from './holdings.ts';
import type { Link } from './link.ts';

/** Between two looks whether a missing queue is there by now, in ms. */
const MISSING_QUEUE = 500;
/** First and longest wait between two looks into an empty queue, in ms. */
const SOON = 5;
const LATER = 150;
/** Between two looks whether an empty queue is still there, in ms. */
const STILL_THERE = 10_000;
/** After Redis refused something, in ms. */
const REFUSED = 2_000;
/** Most entries in one taking. */
const MOST = 64;

export interface ConsumptionOptions {
	readonly session: Session<Link>;
	readonly holdings: Holdings;
	readonly bindings: Bindings;
	readonly clock: Clock;
	readonly log: Log;
	/** Told when it was disposed of. */
	readonly disposed: (consumption: RedisConsumption) => void;
}

export class RedisConsumption implements Consumption {
	readonly queue: string;
	readonly #intent: ConsumeIntent;
	readonly #options: ConsumptionOptions;
	/** Fires when no more is to be taken. */
	readonly #stop = new AbortController();
	readonly #running: Promise<void>;
	/** Tags that the owner has and did not settle, oldest first. */
	readonly #held = new Set<string>();
	#prefetch: number;
	#wake: () => void = () => undefined;
	#woken = false;
	#told: string | null | undefined;

	constructor(intent: ConsumeIntent, options: ConsumptionOptions) {
		this.queue = intent.queue;
		this.#intent = intent;
		this.#options = options;
		this.#prefetch = clamp(intent.prefetch);
		this.#running = this.#run();
	}

	/** Something was published to this queue: look at once. */
	nudge(): void {
		this.#woken = true;
		this.#wake();
	}

	async cancel(): Promise<void> {
		this.#stop.abort();
		this.nudge();
		await this.#running;
	}

	async setPrefetch(count: number): Promise<Result<void>> {
		this.#prefetch = clamp(count);
		this.nudge();
		return ok(undefined);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.cancel();
		const tags = [...this.#held];
		this.#held.clear();
		if (tags.length > 0) await this.#options.holdings.release(tags);
		this.#options.disposed(this);
	}

	/** Settles a delivery. `gone` when it is not ours any more. */
	async settle(tag: string, how: 'ack' | 'release'): Promise<Result<void>> {
		const { holdings } = this.#options;
		if (!this.#held.delete(tag)) return gone();
		if (!holdings.holds(tag)) {
			// There is room for another all the same.
			this.nudge();
			return gone();
		}
		const done = how === 'ack' ? await holdings.settle(tag) : await holdings.release([tag]);
		this.nudge();
		if (!done.ok) return done.error.details?.sent === true || done.error.code === 'unreachable' ? gone() : done;
		return done.value ? ok(undefined) : gone();
	}

	async #run(): Promise<void> {
		const { session, holdings } = this.#options;
		while (!this.#stopped) {
			if (session.link() === null) this.#tell('Not connected to Redis.');
			const link = await session.next(this.#stop.signal);
			if (link === null) return;
			const opened = await holdings.open(link);
			this.#dropLost();
			if (!opened.ok) {
				this.#tell(`Consuming "${this.queue}": ${opened.error.message}`);
				await this.#sleep(REFUSED);
				continue;
			}
			await this.#consumeOn(link);
		}
	}

	/** Takes what comes until the connection ends or the owner stops. */
	async #consumeOn(link: Link): Promise<void> {
		const { bindings, clock, holdings } = this.#options;
		void link.closed.then(() => this.nudge());
		let seenAt: number | null = null;
		let idle = SOON;
		while (!this.#stopped && link.alive()) {
			if (seenAt === null || clock.monotonic() - seenAt > STILL_THERE) {
				const there = await bindings.look(link, this.queue);
				if (!there.ok) {
					if (link.alive()) this.#tell(`Consuming "${this.queue}": ${there.error.message}`);
					await this.#sleep(link.alive() ? REFUSED : 0);
					continue;
				}
				if (!there.value) {
					const was =
						seenAt === null ? 'does not exist yet. Waiting for it.' : 'was deleted. Waiting for it to come back.';
					this.#tell(`The queue "${this.queue}" ${was}`);
					seenAt = null;
					await this.#sleep(MISSING_QUEUE);
					continue;
				}
				seenAt = clock.monotonic();
				this.#tell(null);
			}
			// What was held when the session lapsed has gone back, and takes no room.
			if (this.#held.size >= this.#prefetch) this.#dropLost();
			const room = this.#prefetch - this.#held.size;
			if (room <= 0) {
				await this.#sleep(STILL_THERE);
				continue;
			}
			this.#woken = false;
			const taken = await holdings.take(link, this.queue, Math.min(room, MOST));
			if (!taken.ok) {
				if (link.alive()) this.#tell(`Consuming "${this.queue}": ${taken.error.message}`);
				seenAt = null;
				await this.#sleep(link.alive() ? REFUSED : 0);
				continue;
			}
			if (taken.value.length > 0) {
				idle = SOON;
				seenAt = clock.monotonic();
				if (this.#stopped) await holdings.release(taken.value.map((entry) => entry.tag));
				else for (const entry of taken.value) this.#hand(entry);
				continue;
			}
			await this.#sleep(idle);
			idle = Math.min(LATER, idle * 2);
		}
		this.#dropLost();
	}

	#dropLost(): void {
		for (const tag of this.#held) if (!this.#options.holdings.holds(tag)) this.#held.delete(tag);
	}

	#hand({ tag, raw }: Taken): void {
		this.#held.add(tag);
		const { message } = readEntry(raw, this.queue);
		try {
			this.#intent.onDelivery(new RedisDelivery(this, tag, message));
		} catch (error) {
			// A defect of the owner; the message goes back rather than being held for ever.
			this.#options.log.error('delivery handler threw', { queue: this.queue, why: String(error) });
			void this.settle(tag, 'release');
		}
	}

	/** Waits, unless there is something to do. */
	async #sleep(ms: number): Promise<void> {
		if (this.#woken || this.#stopped) {
			this.#woken = false;
			return;
		}
		const rest = new AbortController();
		this.#wake = () => rest.abort();
		await pause(this.#options.clock, ms, rest.signal);
		this.#wake = () => undefined;
	}

	get #stopped(): boolean {
		return this.#stop.signal.aborted;
	}

	#tell(problem: string | null): void {
		if (this.#told === problem) return;
		this.#told = problem;
		this.#intent.onStatus?.(problem);
	}
}

class RedisDelivery implements Delivery {
	readonly message: BrokerMessage;
	readonly #consumption: RedisConsumption;
	readonly #tag: string;

	constructor(consumption: RedisConsumption, tag: string, message: BrokerMessage) {
		this.#consumption = consumption;
		this.#tag = tag;
		this.message = message;
	}

	ack(): Promise<Result<void>> {
		return this.#consumption.settle(this.#tag, 'ack');
	}

	release(): Promise<Result<void>> {
		return this.#consumption.settle(this.#tag, 'release');
	}
}

function gone(): Result<never> {
	return fail(
		'gone',
		'This message is not held any more: its connection was lost, or it was settled. It is handed out again if it was not.',
	);
}

function clamp(count: number): number {
	return Math.min(65_535, Math.max(1, Math.trunc(count)));
}
