/** The slots of a set: as many as wanted, changeable while they work, with an eye on their memory. */
import type { Clock } from '#main/domain/clock.ts';
import type { SlotView, TaskLimits } from '#main/domain/consumer.ts';
import type { ReadMemory } from './memory.ts';
import { Slot, type SlotOptions } from './slot.ts';

export interface RosterOptions extends Omit<SlotOptions, 'number'> {
	readonly readMemory: ReadMemory;
	/** A slot that was given up has come to its end; whoever waits for it goes on. */
	readonly onGone: () => void;
}

/** Between two looks at memory: closely where it is limited, else just to show it. */
const MEMORY_EVERY_MS = 5000;
const LIMITED_MEMORY_EVERY_MS = 250;
const MIB = 1024 * 1024;

export class Roster implements AsyncDisposable {
	readonly #options: RosterOptions;
	readonly #limits: TaskLimits;
	readonly #clock: Clock;
	#slots: Slot[] = [];
	/** Slots given up while they ran a task: they end with it. */
	readonly #leaving = new Set<Slot>();
	#started = false;
	#closed = false;
	#timer: Disposable | null = null;

	constructor(options: RosterOptions, size: number) {
		this.#options = options;
		this.#limits = options.limits;
		this.#clock = options.clock;
		this.resize(size);
	}

	get slots(): readonly Slot[] {
		return this.#slots;
	}

	/** How many there are to be. */
	get size(): number {
		return this.#slots.length;
	}

	start(): void {
		this.#started = true;
		for (const slot of this.#slots) slot.start();
		this.#watch();
	}

	/** More start at once; of fewer, idle ones go first and busy ones after their task. */
	resize(size: number): void {
		const wanted = Math.max(1, Math.trunc(size));
		while (this.#slots.length < wanted) {
			const slot = new Slot({ ...this.#options, number: this.#freeNumber() });
			this.#slots.push(slot);
			if (this.#started && !this.#closed) slot.start();
		}
		while (this.#slots.length > wanted) {
			const slot = this.#slots.findLast((one) => !one.busy) ?? this.#slots.at(-1);
			if (slot === undefined) return;
			this.#slots = this.#slots.filter((one) => one !== slot);
			this.#leaving.add(slot);
			if (!slot.busy) this.#end(slot);
		}
	}

	/** The slot has nothing to do any more; one that was given up ends now. */
	rested(slot: Slot): void {
		if (this.#leaving.has(slot) && !slot.busy) this.#end(slot);
	}

	/** A slot that can take a job now. */
	free(taken: (slot: Slot) => boolean): Slot | null {
		return this.#slots.find((slot) => slot.free && !taken(slot)) ?? null;
	}

	/** The slot with the least to do of those that take a job of this name behind what they have. */
	ahead(name: string): Slot | null {
		let found: Slot | null = null;
		for (const slot of this.#slots) {
			if (slot.takesAhead(name) && (found === null || slot.outstanding < found.outstanding)) found = slot;
		}
		return found;
	}

	/** Takes back what waits behind jobs that go on for long. */
	withdraw(): void {
		for (const slot of this.#slots) slot.withdraw();
		for (const slot of this.#leaving) slot.withdraw();
	}

	views(): readonly SlotView[] {
		return [...this.#slots, ...this.#leaving].map((slot) => slot.view()).sort((a, b) => a.number - b.number);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#closed = true;
		this.#timer?.[Symbol.dispose]();
		await Promise.all([...this.#slots, ...this.#leaving].map((slot) => slot[Symbol.asyncDispose]()));
	}

	#end(slot: Slot): void {
		void slot[Symbol.asyncDispose]().then(() => {
			this.#leaving.delete(slot);
			this.#options.onGone();
		});
	}

	#freeNumber(): number {
		const taken = new Set([...this.#slots, ...this.#leaving].map((slot) => slot.number));
		for (let number = 1; ; number += 1) if (!taken.has(number)) return number;
	}

	#watch(): void {
		if (this.#closed) return;
		const every = this.#limits.memoryMb === null ? MEMORY_EVERY_MS : LIMITED_MEMORY_EVERY_MS;
		this.#timer = this.#clock.after(every, () => void this.#look().then(() => this.#watch()));
	}

	async #look(): Promise<void> {
		const all = [...this.#slots, ...this.#leaving];
		const pids = new Map(all.map((slot) => [slot, slot.pid]));
		const sizes = await this.#options.readMemory([...pids.values()].filter((pid) => pid !== null));
		for (const [slot, pid] of pids) {
			// Another process by now.
			if (pid === null || slot.pid !== pid) continue;
			const bytes = sizes.get(pid) ?? null;
			slot.rss = bytes;
			const limitMb = this.#limits.memoryMb;
			if (bytes === null || limitMb === null || bytes <= limitMb * MIB) continue;
			slot.kill({ kind: 'memory', limitMb, usedMb: Math.round(bytes / MIB) });
		}
		this.#options.onChange();
	}
}
