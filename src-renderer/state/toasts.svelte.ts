/** Short notes about what has just been done. They never hold the only copy of something a person needs. */

export interface Toast {
	readonly id: number;
	readonly tone: 'done' | 'failed' | 'note';
	readonly title: string;
	readonly text: string;
	readonly action: { readonly label: string; readonly run: () => void } | null;
}

/** How long a note stays, and one that offers something to do. Failures stay until dismissed. */
const STAYS_MS = 6_000;
const OFFERS_MS = 20_000;

export class Toasts {
	items: readonly Toast[] = $state.raw([]);
	#next = 1;
	#held = false;
	/** Notes whose time is up while somebody is about to use one. */
	readonly #due = new Set<number>();

	show(
		tone: Toast['tone'],
		title: string,
		more: { readonly text?: string; readonly action?: Toast['action'] } = {},
	): number {
		const id = this.#next++;
		this.items = [...this.items, { id, tone, title, text: more.text ?? '', action: more.action ?? null }].slice(-4);
		if (tone !== 'failed') setTimeout(() => this.#end(id), more.action == null ? STAYS_MS : OFFERS_MS);
		return id;
	}

	/** While held none goes by itself. */
	hold(held: boolean): void {
		this.#held = held;
		if (held) return;
		for (const id of this.#due) this.dismiss(id);
		this.#due.clear();
	}

	#end(id: number): void {
		if (this.#held) this.#due.add(id);
		else this.dismiss(id);
	}

	dismiss(id: number): void {
		this.items = this.items.filter((toast) => toast.id !== id);
		// The last one went from under the pointer or the keyboard: nothing is held any more.
		if (this.items.length === 0) this.#held = false;
	}
}
