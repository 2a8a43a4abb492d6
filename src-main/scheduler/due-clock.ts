/**
 * One heap, one timer. Wakes are moments of the wall clock and the timer only runs until the next of them, so nothing adds up: a wake
 * that came late does not move the next. The timer never runs longer than a few seconds, because a machine that slept or a clock that
 * was set is only noticed by looking at it.
 */
import type { Clock } from '#main/domain/clock.ts';
import { KeyedHeap } from './heap.ts';

/** When something of this key is to be looked at; one per key. */
export interface Wake {
	readonly key: string;
	/** Epoch ms. */
	readonly at: number;
	/** Among wakes of one moment those with a lesser name come first. */
	readonly name: string;
}

/**
 * What happened to time. ahead: the wall clock gained on the monotonic one, by being set forward or because the machine slept (whose
 * monotonic clock stands still meanwhile on Linux). back: it was set back. stalled: both went on, but nothing ran, because the process
 * was stopped, its thread was busy, or the machine slept.
 */
export interface ClockJump {
	readonly kind: 'ahead' | 'back' | 'stalled';
	/** Epoch ms, by the wall clock as it is now. */
	readonly at: number;
	/** By how much, at least zero. */
	readonly byMs: number;
}

export interface DueClockDeps {
	readonly clock: Clock;
	/** All wakes that are due, in order of time and name. They are gone from the clock. Must not throw. */
	readonly onDue: (wakes: readonly Wake[]) => void;
	/** Told before what is due because of it. Must not throw. */
	readonly onJump: (jump: ClockJump) => void;
	/** The longest that the timer runs; default 2 s. */
	readonly longestMs?: number;
}

export interface DueClock extends Disposable {
	/** Sets or moves the wake of a key. Logarithmic in how many there are. */
	set(wake: Wake): void;
	remove(key: string): void;
	clear(): void;
	/** The next wake; null: none. */
	next(): Wake | null;
	readonly size: number;
}

const LONGEST_MS = 2_000;
/** How far both clocks come apart until it is a jump: far more than a clock is slewed in a few seconds, and less than anybody would call one. */
export const JUMP_MS = 1_000;
/** A thread that was busy for this long is worth telling. */
const STALL_MS = 2_000;

/** Starts a clock without wakes. It has a timer only while there are some. */
export function createDueClock(deps: DueClockDeps): DueClock {
	return new WallClock(deps);
}

class WallClock implements DueClock {
	readonly #deps: DueClockDeps;
	readonly #longestMs: number;
	readonly #wakes = new KeyedHeap<Wake>((a, b) => (a.at === b.at ? a.name < b.name : a.at < b.at));
	#timer: Disposable | null = null;
	/** When the timer was set, by both clocks, and for how long. */
	#set = { wall: 0, monotonic: 0, ms: 0 };
	#ringing = false;
	#disposed = false;

	constructor(deps: DueClockDeps) {
		this.#deps = deps;
		this.#longestMs = deps.longestMs ?? LONGEST_MS;
	}

	get size(): number {
		return this.#wakes.size;
	}

	next(): Wake | null {
		return this.#wakes.peek();
	}

	set(wake: Wake): void {
		this.#wakes.put(wake);
		// Only a wake that has become the first one moves the timer.
		if (this.#wakes.peek() === wake) this.#arm();
	}

	remove(key: string): void {
		this.#wakes.remove(key);
		if (this.#wakes.size === 0) this.#disarm();
	}

	clear(): void {
		this.#wakes.clear();
		this.#disarm();
	}

	[Symbol.dispose](): void {
		this.#disposed = true;
		this.clear();
	}

	/** Sets the timer for the first wake, unless it is set for an earlier moment. */
	#arm(): void {
		const first = this.#wakes.peek();
		if (first === null || this.#ringing || this.#disposed) return;
		const { clock } = this.#deps;
		const wall = clock.now();
		const ms = Math.min(Math.max(0, first.at - wall), this.#longestMs);
		const monotonic = clock.monotonic();
		if (this.#timer !== null) {
			// It rings earlier anyway, and what has happened to time since it was set is still to be told.
			if (this.#set.monotonic + this.#set.ms <= monotonic + ms) return;
			this.#look();
			this.#disarm();
		}
		this.#set = { wall, monotonic, ms };
		this.#timer = clock.after(ms, () => this.#ring());
	}

	#disarm(): void {
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
	}

	#ring(): void {
		this.#timer = null;
		this.#ringing = true;
		this.#look();
		const now = this.#deps.clock.now();
		const due: Wake[] = [];
		for (let first = this.#wakes.peek(); first !== null && first.at <= now; first = this.#wakes.peek()) {
			due.push(first);
			this.#wakes.pop();
		}
		if (due.length > 0) this.#deps.onDue(due);
		this.#ringing = false;
		this.#arm();
	}

	/** Compares how far both clocks went since the timer was set, and tells what does not fit. */
	#look(): void {
		const { clock, onJump } = this.#deps;
		const wall = clock.now();
		const monotonic = clock.monotonic();
		const passed = monotonic - this.#set.monotonic;
		const gained = wall - this.#set.wall - passed;
		if (gained > JUMP_MS) onJump({ kind: 'ahead', at: wall, byMs: Math.round(gained) });
		else if (gained < -JUMP_MS) onJump({ kind: 'back', at: wall, byMs: Math.round(-gained) });
		const late = passed - this.#set.ms;
		if (late > STALL_MS) onJump({ kind: 'stalled', at: wall, byMs: Math.round(late) });
	}
}
