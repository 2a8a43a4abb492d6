/** What a set tells its watchers: views folded in time, console lines in batches. */
import type { Clock } from '#main/domain/clock.ts';
import type { ConsoleLine, ConsumerSetView } from '#main/domain/consumer.ts';

const VIEW_EVERY_MS = 100;
const LINES_EVERY_MS = 40;
/** Console lines held between two batches; more are counted and said, not queued. */
const LINES_HELD = 2000;

export class Feed {
	readonly #clock: Clock;
	readonly #view: () => ConsumerSetView;
	readonly #viewListeners = new Set<(view: ConsumerSetView) => void>();
	readonly #lineListeners = new Set<(lines: readonly ConsoleLine[]) => void>();
	#viewTimer: Disposable | null = null;
	#linesTimer: Disposable | null = null;
	#lines: ConsoleLine[] = [];
	#dropped = 0;

	constructor(clock: Clock, view: () => ConsumerSetView) {
		this.#clock = clock;
		this.#view = view;
	}

	onChange(listener: (view: ConsumerSetView) => void): Disposable {
		this.#viewListeners.add(listener);
		return { [Symbol.dispose]: () => void this.#viewListeners.delete(listener) };
	}

	onLines(listener: (lines: readonly ConsoleLine[]) => void): Disposable {
		this.#lineListeners.add(listener);
		return { [Symbol.dispose]: () => void this.#lineListeners.delete(listener) };
	}

	/** Whether anybody hears lines; what nobody hears need not be put into words. */
	get heard(): boolean {
		return this.#lineListeners.size > 0;
	}

	/** Something of the view changed. */
	changed(): void {
		if (this.#viewListeners.size === 0) return;
		this.#viewTimer ??= this.#clock.after(VIEW_EVERY_MS, () => this.#tellView());
	}

	line(line: ConsoleLine): void {
		if (!this.heard) return;
		if (this.#lines.length >= LINES_HELD) {
			this.#dropped += 1;
			return;
		}
		this.#lines.push(line);
		this.#linesTimer ??= this.#clock.after(LINES_EVERY_MS, () => this.#tellLines());
	}

	/** Tells what is still held back, now. */
	flush(): void {
		this.#tellLines();
		this.#tellView();
	}

	#tellView(): void {
		this.#viewTimer?.[Symbol.dispose]();
		this.#viewTimer = null;
		const view = this.#view();
		for (const listener of this.#viewListeners) listener(view);
	}

	#tellLines(): void {
		this.#linesTimer?.[Symbol.dispose]();
		this.#linesTimer = null;
		if (this.#dropped > 0) {
			const text = `${this.#dropped} lines came faster than this console shows them. Each task's own log has them.`;
			const nowhere = { logger: null, taskId: null, attemptId: null, taskName: null, slot: null };
			this.#lines.push({ at: this.#clock.now(), level: 'warning', source: 'warren', text, ...nowhere });
			this.#dropped = 0;
		}
		if (this.#lines.length === 0) return;
		const lines = this.#lines;
		this.#lines = [];
		for (const listener of this.#lineListeners) listener(lines);
	}
}
