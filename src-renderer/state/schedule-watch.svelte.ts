/** The tick of one profile's schedules: counts, books, and when lists are to be read again. Its books stay connected meanwhile. */
import type { BookKind } from '#main/domain/schedule.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { BookView, ScheduleCounts, ScheduleTick } from '#main/ipc/contract/schedule-answers.ts';
import type { Engine } from './engine.ts';

export class ScheduleWatch implements Disposable {
	/** The newest; null until the first. */
	tick: ScheduleTick | null = $state.raw(null);
	/** Why there will be no more of them; null: there will. */
	error: WireError | null = $state.raw(null);
	readonly #listeners = new Set<(tick: ScheduleTick) => void>();
	readonly #stream: Disposable;

	constructor(engine: Engine, profile: string) {
		const take = (items: readonly { readonly tick: ScheduleTick }[]): void => {
			const tick = items.at(-1)?.tick;
			if (tick === undefined) return;
			this.tick = tick;
			this.error = null;
			for (const listener of this.#listeners) listener(tick);
		};
		this.#stream = engine.open(
			'schedule.watch',
			{ profile },
			{
				snapshot: take,
				change: take,
				end: (error) => {
					this.error = error;
				},
			},
		);
	}

	/** Null: not known yet. */
	get counts(): ScheduleCounts | null {
		return this.tick?.counts ?? null;
	}

	get books(): readonly BookView[] {
		return this.tick?.books ?? [];
	}

	/** Null: not known yet, or the profile has no such book. */
	book(kind: BookKind): BookView | null {
		return this.books.find((each) => each.book === kind) ?? null;
	}

	on(listener: (tick: ScheduleTick) => void): Disposable {
		this.#listeners.add(listener);
		return { [Symbol.dispose]: () => this.#listeners.delete(listener) };
	}

	[Symbol.dispose](): void {
		this.#stream[Symbol.dispose]();
		this.#listeners.clear();
	}
}
