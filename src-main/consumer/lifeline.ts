/** The lease that a set holds while it lives, so that others see when it died without a word. */
import type { ConsumerDeps } from './ports.ts';

const LEASE_MS = 30_000;
const EVERY_MS = 10_000;

export class Lifeline {
	readonly #deps: Pick<ConsumerDeps, 'profile' | 'worker' | 'leases' | 'clock' | 'log'>;
	#timer: Disposable | null = null;
	#ended = false;

	constructor(deps: Pick<ConsumerDeps, 'profile' | 'worker' | 'leases' | 'clock' | 'log'>) {
		this.#deps = deps;
	}

	/** Takes it, and renews it from now on; never rejects. */
	async hold(): Promise<void> {
		const { leases, worker, log, clock } = this.#deps;
		try {
			const held = await leases.hold(this.#name(), worker, LEASE_MS);
			if (!held.ok) log.warn('consumer.lease-refused', { reason: held.error.message });
		} catch (error) {
			log.warn('consumer.lease-refused', { reason: String(error) });
		}
		if (!this.#ended) this.#timer = clock.after(EVERY_MS, () => void this.hold());
	}

	/** Stops renewing it; it is still held. */
	end(): void {
		this.#ended = true;
		this.#timer?.[Symbol.dispose]();
	}

	/** Gives it up; never rejects. */
	async release(): Promise<void> {
		this.end();
		try {
			await this.#deps.leases.release(this.#name(), this.#deps.worker);
		} catch (error) {
			this.#deps.log.warn('consumer.lease-kept', { reason: String(error) });
		}
	}

	#name(): string {
		return `consumer:${this.#deps.profile}:${this.#deps.worker}`;
	}
}
