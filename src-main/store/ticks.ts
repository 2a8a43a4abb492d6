/** Ticks: who listens is told that something changed, at most once per 100 ms, also when another process changed it. */
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { TaskTick } from '#main/domain/page.ts';
import type { Pulse } from './protocol.ts';

/** Changes within this time become one tick. */
export const FOLD_MS = 100;
/** How often the file is asked about other processes' commits, while anybody listens. */
export const POLL_MS = 250;

type Ask = (profiles: readonly ProfileId[], force: boolean) => Promise<Pulse>;

interface Listener {
	readonly profile: ProfileId;
	readonly hear: (tick: TaskTick) => void;
	/** What it was last told; null: nothing yet, so that it is told in any case where things stand. */
	told: string | null;
}

/** Asks the file where it stands after own writes and now and then, and tells what has moved. */
export class Ticker implements Disposable {
	readonly #pulse: Ask;
	readonly #clock: Clock;
	readonly #log: Log;
	readonly #listeners = new Set<Listener>();
	readonly #profileListeners = new Set<() => void>();
	#profilesRevision: number | null = null;
	#timer: Disposable | null = null;
	#dueAt = 0;
	#asking = false;
	#again = false;
	#closed = false;

	constructor(pulse: Ask, clock: Clock, log: Log) {
		this.#pulse = pulse;
		this.#clock = clock;
		this.#log = log;
	}

	/** Tells a profile's ticks; the first one tells where it stands. */
	onTick(profile: ProfileId, hear: (tick: TaskTick) => void): Disposable {
		const listener: Listener = { profile, hear, told: null };
		this.#listeners.add(listener);
		this.touched();
		return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
	}

	/** Tells of changes of the list of profiles from now on. */
	onProfiles(listener: () => void): Disposable {
		const own = () => listener();
		this.#profileListeners.add(own);
		if (this.#profilesRevision === null) this.touched();
		return { [Symbol.dispose]: () => void this.#profileListeners.delete(own) };
	}

	/** This process has committed something. */
	touched(): void {
		if (this.#asking) this.#again = true;
		else if (this.#listening()) this.#schedule(FOLD_MS);
	}

	[Symbol.dispose](): void {
		this.#closed = true;
		this.#timer?.[Symbol.dispose]();
		this.#listeners.clear();
		this.#profileListeners.clear();
	}

	#listening(): boolean {
		return !this.#closed && this.#listeners.size + this.#profileListeners.size > 0;
	}

	#schedule(ms: number): void {
		const due = this.#clock.monotonic() + ms;
		if (this.#timer !== null && this.#dueAt <= due) return;
		this.#timer?.[Symbol.dispose]();
		this.#dueAt = due;
		this.#timer = this.#clock.after(ms, () => {
			this.#timer = null;
			void this.#ask();
		});
	}

	async #ask(): Promise<void> {
		if (!this.#listening()) return;
		this.#asking = true;
		const listeners = [...this.#listeners];
		const profiles = [...new Set(listeners.map((listener) => listener.profile))];
		const force = this.#profilesRevision === null || listeners.some((listener) => listener.told === null);
		try {
			this.#tell(listeners, profiles, await this.#pulse(profiles, force));
		} catch (error) {
			// A reader that crashed is being restarted; the next poll asks it.
			if (!this.#closed)
				this.#log.warn('store.pulse', { reason: error instanceof Error ? error.message : String(error) });
		} finally {
			this.#asking = false;
		}
		const again = this.#again;
		this.#again = false;
		if (this.#listening()) this.#schedule(again ? FOLD_MS : POLL_MS);
	}

	#tell(listeners: readonly Listener[], profiles: readonly ProfileId[], pulse: Pulse): void {
		if (pulse.counts === null || this.#closed) return;
		const counts = new Map(profiles.map((profile, at) => [profile, pulse.counts?.[at]]));
		for (const listener of listeners) {
			const now = counts.get(listener.profile);
			const key = now === undefined ? null : `${now.revision} ${now.scheduled}`;
			if (now === undefined || key === listener.told || !this.#listeners.has(listener)) continue;
			listener.told = key;
			listener.hear({ revision: now.revision, counts: now });
		}
		const before = this.#profilesRevision;
		this.#profilesRevision = pulse.profilesRevision;
		if (before === null || before === pulse.profilesRevision) return;
		for (const listener of [...this.#profileListeners]) listener();
	}
}
