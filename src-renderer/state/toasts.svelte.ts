/** Short notes about what has just been done. They never hold the only copy of something a person needs. */

export interface Toast {
	readonly id: number;
	readonly tone: 'done' | 'failed' | 'note';
	readonly title: string;
	readonly text: string;
	readonly action: { readonly label: string; readonly run: () => void } | null;
}

/** How long a note stays. Failures stay until dismissed. */
const STAYS_MS = 6_000;

export class Toasts {
	items: readonly Toast[] = $state.raw([]);
	#next = 1;

	show(
		tone: Toast['tone'],
		title: string,
		more: { readonly text?: string; readonly action?: Toast['action'] } = {},
	): number {
		const id = this.#next++;
		this.items = [...this.items, { id, tone, title, text: more.text ?? '', action: more.action ?? null }].slice(-4);
		if (tone !== 'failed') setTimeout(() => this.dismiss(id), STAYS_MS);
		return id;
	}

	dismiss(id: number): void {
		this.items = this.items.filter((toast) => toast.id !== id);
	}
}
