/**
 * Credit and folding: between a source that writes at any rate and a reader that takes what it can. Nothing queues without
 * bound: without credit a stream keeps the newest value per key, or a tail that counts what fell off.
 */
import type { Clock } from '../domain/clock.ts';
import type { WireError } from './codes.ts';
import type { DownFrame } from './frames.ts';
import type { Sink } from './handlers.ts';

/** Items kept for a slow reader of an `append` stream. */
export const TAIL_ITEMS = 2_000;
/** What one frame may hold; an item larger than that travels alone. */
export const FRAME_ITEMS = 500;
export const FRAME_CHARS = 256 * 1024;
/** Credit that one reader may hold. */
export const MOST_CREDIT = 16;
export const VISIBLE_GAP_MS = 33;
export const HIDDEN_GAP_MS = 1_000;

/** What waits to be sent. */
interface Fold {
	add(items: readonly unknown[]): void;
	clear(): void;
	/** Takes the items of the next frame, oldest first. */
	take(): readonly unknown[];
	readonly empty: boolean;
	/** How many items were dropped since this was last asked. */
	takeLost(): number;
}

export interface FlowOptions {
	readonly id: number;
	readonly fold: 'latest' | 'append';
	/** Frames the reader takes before its first `ack`. */
	readonly credit: number;
	readonly clock: Clock;
	/** Least time between two frames, ms. */
	readonly gapMs: number;
	send(frame: DownFrame): void;
	/** The source has ended and all of it was sent. */
	ended(): void;
}

/** One open stream on its way down a wire. Its source writes into it as a sink. */
export class Flow implements Sink<unknown>, Disposable {
	readonly #options: FlowOptions;
	readonly #fold: Fold;
	#credit: number;
	#gapMs: number;
	#rev = 0;
	/** The next frame is a snapshot. So is the first of all. */
	#fresh = true;
	#open = false;
	#ending = false;
	#closed = false;
	#sentAt = Number.NEGATIVE_INFINITY;
	#timer: Disposable | null = null;
	#flushing = false;

	constructor(options: FlowOptions) {
		this.#options = options;
		this.#fold = options.fold === 'latest' ? new LatestFold() : new TailFold();
		this.#credit = Math.min(options.credit, MOST_CREDIT);
		this.#gapMs = options.gapMs;
	}

	snapshot(items: readonly unknown[]): void {
		if (this.#closed || this.#ending) return;
		this.#fold.clear();
		this.#fresh = true;
		this.#fold.add(items);
		this.#soon();
	}

	put(items: readonly unknown[]): void {
		if (this.#closed || this.#ending || items.length === 0) return;
		this.#fold.add(items);
		this.#soon();
	}

	end(): void {
		if (this.#closed || this.#ending) return;
		this.#ending = true;
		this.#soon();
	}

	/** The source accepted: what it wrote so far may go. Without a snapshot of its own the stream begins with what there is. */
	opened(): void {
		this.#open = true;
		this.#soon();
	}

	/** The source refused or broke down. */
	failed(error: WireError): void {
		if (this.#closed) return;
		this[Symbol.dispose]();
		this.#options.send({ kind: 'end', id: this.#options.id, error });
	}

	/** The reader applied a frame. */
	ack(): void {
		this.#credit = Math.min(this.#credit + 1, MOST_CREDIT);
		this.#soon();
	}

	/** The page became visible or hidden. */
	pace(gapMs: number): void {
		this.#gapMs = gapMs;
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
		this.#soon();
	}

	[Symbol.dispose](): void {
		this.#closed = true;
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
	}

	/** Once per turn, so that a source that writes item by item still fills its frames. */
	#soon(): void {
		if (this.#flushing || this.#closed || !this.#open) return;
		this.#flushing = true;
		queueMicrotask(() => {
			this.#flushing = false;
			this.#flush();
		});
	}

	#flush(): void {
		if (this.#closed || this.#timer !== null) return;
		if (!this.#fresh && this.#fold.empty) {
			if (this.#ending) this.#finish();
			return;
		}
		if (this.#credit <= 0) return;
		const wait = this.#sentAt + this.#gapMs - this.#options.clock.monotonic();
		if (wait > 0) {
			this.#timer = this.#options.clock.after(wait, () => {
				this.#timer = null;
				this.#flush();
			});
			return;
		}
		this.#sendFrame();
		if (!this.#fold.empty || this.#ending) this.#flush();
	}

	#sendFrame(): void {
		const { id } = this.#options;
		const items = this.#fold.take();
		this.#credit -= 1;
		this.#rev += 1;
		this.#sentAt = this.#options.clock.monotonic();
		if (this.#fresh) {
			this.#fresh = false;
			this.#options.send({ kind: 'snapshot', id, rev: this.#rev, items });
		} else {
			this.#options.send({ kind: 'change', id, rev: this.#rev, items, lost: this.#fold.takeLost() });
		}
	}

	#finish(): void {
		this[Symbol.dispose]();
		this.#options.send({ kind: 'end', id: this.#options.id });
		this.#options.ended();
	}
}

/** Keeps the newest item per `key`. Bounded by how many keys there are. */
class LatestFold implements Fold {
	readonly #items = new Map<string, unknown>();

	get empty(): boolean {
		return this.#items.size === 0;
	}

	add(items: readonly unknown[]): void {
		for (const item of items) this.#items.set(keyOf(item), item);
	}

	clear(): void {
		this.#items.clear();
	}

	take(): readonly unknown[] {
		const taken: unknown[] = [];
		let chars = 0;
		for (const [key, item] of this.#items) {
			chars += charsOf(item);
			if (taken.length > 0 && (taken.length >= FRAME_ITEMS || chars > FRAME_CHARS)) break;
			taken.push(item);
			this.#items.delete(key);
		}
		return taken;
	}

	takeLost(): number {
		return 0;
	}
}

/** Keeps the newest items in order and counts what fell off the old end. */
class TailFold implements Fold {
	#items: unknown[] = [];
	/** Index of the oldest kept item: dropping moves it, and the array is cut now and then. */
	#start = 0;
	#lost = 0;

	get empty(): boolean {
		return this.#items.length === this.#start;
	}

	add(items: readonly unknown[]): void {
		// Of a batch beyond the tail's length only its end can stay.
		const skipped = Math.max(0, items.length - TAIL_ITEMS);
		for (let i = skipped; i < items.length; i += 1) this.#items.push(items[i]);
		const over = Math.max(0, this.#items.length - this.#start - TAIL_ITEMS);
		this.#start += over;
		this.#lost += skipped + over;
		this.#cut();
	}

	clear(): void {
		this.#items = [];
		this.#start = 0;
		this.#lost = 0;
	}

	take(): readonly unknown[] {
		let end = this.#start;
		let chars = 0;
		while (end < this.#items.length && end - this.#start < FRAME_ITEMS) {
			chars += charsOf(this.#items[end]);
			if (end > this.#start && chars > FRAME_CHARS) break;
			end += 1;
		}
		const taken = this.#items.slice(this.#start, end);
		this.#start = end;
		this.#cut();
		return taken;
	}

	takeLost(): number {
		const lost = this.#lost;
		this.#lost = 0;
		return lost;
	}

	#cut(): void {
		if (this.#start < TAIL_ITEMS && this.#start < this.#items.length) return;
		this.#items = this.#items.slice(this.#start);
		this.#start = 0;
	}
}

/** Items of `latest` streams carry their key. */
function keyOf(item: unknown): string {
	if (typeof item === 'object' && item !== null && 'key' in item) return String(item.key);
	throw new Error('An item of a keyed stream has no key.');
}

/** About how long an item is on a wire. */
function charsOf(item: unknown): number {
	return JSON.stringify(item)?.length ?? 0;
}
