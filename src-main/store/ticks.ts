/** Ticks: who listens is told that something changed, at most once per 100 ms, also when another process changed it. */
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Log } from '#main/domain/log.ts';
import type { TaskCounts, TaskTick } from '#main/domain/page.ts';
import type { Pulse } from './protocol.ts';

/** Changes within this time become one tick. */
export const FOLD_MS = 100;
/** How often the file is asked about other processes' commits, while anybody listens. */
export const POLL_MS = 250;

type Ask = (profiles: readonly ProfileId[], force: boolean) => Promise<Pulse>;

/** Where a profile stands. */
interface Standing {
	readonly counts: TaskCounts;
	readonly schedules: number;
}

interface Listener {
	readonly profile: ProfileId;
	readonly hear: (now: Standing) => void;
	/** The part of it that this listener is told of, as one text. */
	readonly of: (now: Standing) => string;
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
	/** An answer was lost or not told to everybody, and the file would not give it again by itself. */
	#unsure = false;
	#again = false;
	#closed = false;

	constructor(pulse: Ask, clock: Clock, log: Log) {
		this.#pulse = pulse;
		this.#clock = clock;
		this.#log = log;
	}

	/** Tells a profile's ticks; the first one tells where it stands. */
	onTick(profile: ProfileId, hear: (tick: TaskTick) => void): Disposable {
		return this.#listen({
			profile,
			hear: ({ counts }) => hear({ revision: counts.revision, counts }),
			of: ({ counts }) => `${counts.revision} ${counts.scheduled}`,
			told: null,
		});
	}

	/** Tells a profile's revision of schedules; the first call tells where it stands. */
	onSchedules(profile: ProfileId, hear: (revision: number) => void): Disposable {
		return this.#listen({
			profile,
			hear: ({ schedules }) => hear(schedules),
			of: ({ schedules }) => String(schedules),
			told: null,
		});
	}

	/** Tells of changes of the list of profiles from now on; sometimes once more than it changed, and never once less. */
	onProfiles(listener: () => void): Disposable {
		const own = () => listener();
		this.#profileListeners.add(own);
		// Also where the revision is known: while nobody listened the file was not asked.
		this.touched();
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

	#listen(listener: Listener): Disposable {
		this.#listeners.add(listener);
		this.touched();
		return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
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
		const force =
			this.#unsure || this.#profilesRevision === null || listeners.some((listener) => listener.told === null);
		this.#unsure = true;
		try {
			this.#tell(listeners, profiles, await this.#pulse(profiles, force));
			this.#unsure = false;
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
		const standings = new Map<ProfileId, Standing>();
		for (const [at, profile] of profiles.entries()) {
			const counts = pulse.counts[at];
			if (counts !== undefined) standings.set(profile, { counts, schedules: pulse.schedules[at] ?? 0 });
		}
		for (const listener of listeners) {
			const now = standings.get(listener.profile);
			if (now === undefined || !this.#listeners.has(listener)) continue;
			const part = listener.of(now);
			if (part === listener.told) continue;
			listener.told = part;
			listener.hear(now);
		}
		const before = this.#profilesRevision;
		this.#profilesRevision = pulse.profilesRevision;
		// The first answer may come after a change that those who listen already have not seen.
		if (before === pulse.profilesRevision) return;
		for (const listener of [...this.#profileListeners]) listener();
	}
}
