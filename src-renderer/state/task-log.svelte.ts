/** The lines of a task that runs, as they come: what a terminal shows. What is stored is read by `LogReader`. */

import type { TaskLogLine } from '#main/ipc/contract/task.ts';
import type { Engine } from './engine.ts';

export class TaskLog implements Disposable {
	/** Lines that were dropped because the page could not keep up; they are in the stored log. */
	lost = $state(0);
	readonly #engine: Engine;
	readonly #profile: string;
	#following: Disposable | null = null;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
	}

	/** Hands over the lines of the attempt of this number as they come while it runs; `fresh`: from the first one on. */
	follow(task: string, number: number, onLines: (lines: readonly TaskLogLine[], fresh: boolean) => void): Disposable {
		this.#following?.[Symbol.dispose]();
		const mine = (items: readonly (TaskLogLine & { readonly attempt: number })[]): readonly TaskLogLine[] =>
			items.filter((line) => line.attempt === number);
		this.#following = this.#engine.open(
			'task.follow',
			{ profile: this.#profile, id: task },
			{
				snapshot: (items) => onLines(mine(items), true),
				change: (items, lost) => {
					this.lost += lost;
					onLines(mine(items), false);
				},
				end: () => {
					this.#following = null;
				},
			},
		);
		return {
			[Symbol.dispose]: () => {
				this.#following?.[Symbol.dispose]();
				this.#following = null;
			},
		};
	}

	[Symbol.dispose](): void {
		this.#following?.[Symbol.dispose]();
		this.#following = null;
	}
}
