/** Claimed runs that wait for their moment: a due time is claimed a little ahead, so that nothing but publishing is left to do when it comes. */
import type { Clock } from '#main/domain/clock.ts';
import type { ScheduleRun } from '#main/domain/schedule.ts';

/** One that waits. */
interface Held {
	readonly run: ScheduleRun;
	/** By the monotonic clock: one that is set in between neither hurries nor delays what is claimed already. */
	readonly at: number;
}

export class Launches {
	readonly #clock: Clock;
	readonly #onDue: (run: ScheduleRun) => void;
	/** In order of time, then of name. */
	#held: readonly Held[] = [];
	#timer: Disposable | null = null;

	constructor(clock: Clock, onDue: (run: ScheduleRun) => void) {
		this.#clock = clock;
		this.#onDue = onDue;
	}

	get size(): number {
		return this.#held.length;
	}

	/** Has runs wait, each until its moment of the wall clock; those whose moment has come go at once. */
	put(runs: readonly { readonly run: ScheduleRun; readonly at: number }[]): void {
		const [wall, monotonic] = [this.#clock.now(), this.#clock.monotonic()];
		const more = runs.map(({ run, at }) => ({ run, at: monotonic + Math.max(0, at - wall) }));
		this.#held = [...this.#held, ...more].sort(
			(a, b) => a.at - b.at || a.run.dueAt - b.run.dueAt || (a.run.name < b.run.name ? -1 : 1),
		);
		this.#go();
	}

	/** Takes all of them away. */
	takeAll(): readonly ScheduleRun[] {
		const runs = this.#held.map(({ run }) => run);
		this.#held = [];
		this.#disarm();
		return runs;
	}

	#go(): void {
		this.#disarm();
		const now = this.#clock.monotonic();
		const first = this.#held.findIndex(({ at }) => at > now);
		const due = first < 0 ? this.#held : this.#held.slice(0, first);
		this.#held = first < 0 ? [] : this.#held.slice(first);
		for (const { run } of due) this.#onDue(run);
		const next = this.#held[0];
		// A timer may ring a little early; then it is looked once more.
		if (next !== undefined) this.#timer = this.#clock.after(Math.max(1, Math.ceil(next.at - now)), () => this.#go());
	}

	#disarm(): void {
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
	}
}
