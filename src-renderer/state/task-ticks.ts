/** The tick of one profile's tasks, shared by every list and the drawer: one stream, many listeners. */
import type { TaskTick } from '#main/domain/page.ts';
import type { Engine } from './engine.ts';

export class TaskTicks implements Disposable {
	/** The newest; null until the first. */
	latest: TaskTick | null = null;
	readonly #listeners = new Set<(tick: TaskTick) => void>();
	readonly #stream: Disposable;

	constructor(engine: Engine, profile: string) {
		const take = (items: readonly { readonly tick: TaskTick }[]): void => {
			const tick = items.at(-1)?.tick;
			if (tick === undefined) return;
			this.latest = tick;
			for (const listener of this.#listeners) listener(tick);
		};
		this.#stream = engine.open('task.watch', { profile }, { snapshot: take, change: take, end: () => {} });
	}

	on(listener: (tick: TaskTick) => void): Disposable {
		this.#listeners.add(listener);
		return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
	}

	[Symbol.dispose](): void {
		this.#stream[Symbol.dispose]();
		this.#listeners.clear();
	}
}
