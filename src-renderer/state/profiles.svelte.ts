/** All profiles with their connections and counts, live; one of them is kept connected by looking at it. */
import type { WireError } from '#main/ipc/codes.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import type { Engine } from './engine.ts';

export class Profiles implements Disposable {
	items: readonly ProfileView[] = $state.raw([]);
	/** False until the first snapshot. */
	known = $state(false);
	error: WireError | null = $state.raw(null);
	readonly #engine: Engine;
	#stream: Disposable | null = null;
	#connect: string | null = null;
	#generation = 0;

	constructor(engine: Engine) {
		this.#engine = engine;
	}

	/** Starts watching, and keeps the profile of this name connected (null: none yet). */
	watch(connect: string | null): void {
		if (this.#stream !== null && this.#connect === connect) return;
		this.#stream?.[Symbol.dispose]();
		this.#connect = connect;
		this.#generation += 1;
		const generation = this.#generation;
		// A frame of the stream before this one may still be on its way; it must not undo what this one says.
		const mine = (act: () => void): void => {
			if (generation === this.#generation) act();
		};
		this.#stream = this.#engine.open('profile.watch', connect === null ? {} : { connect }, {
			snapshot: (items) =>
				mine(() => {
					this.items = items.flatMap((item) => (item.view === null ? [] : [item.view]));
					this.known = true;
					this.error = null;
				}),
			change: (items) =>
				mine(() => {
					const next = new Map(this.items.map((view) => [view.profile.id as string, view]));
					for (const { key, view } of items) {
						if (view === null) next.delete(key);
						else next.set(key, view);
					}
					this.items = [...next.values()];
				}),
			end: (error) =>
				mine(() => {
					this.error = error;
					this.#stream = null;
				}),
		});
	}

	/** By name, or null. */
	named(name: string | null): ProfileView | null {
		return name === null ? null : (this.items.find((view) => view.profile.name === name) ?? null);
	}

	/** By name or id: what an address may hold. */
	found(nameOrId: string | null): ProfileView | null {
		return (
			this.named(nameOrId) ??
			(nameOrId === null ? null : (this.items.find((view) => view.profile.id === nameOrId) ?? null))
		);
	}

	[Symbol.dispose](): void {
		this.#generation += 1;
		this.#stream?.[Symbol.dispose]();
		this.#stream = null;
	}
}
