/**
 * What is ticked in a list: by id, never by place, so that refreshes, sorting and other views leave it alone. Or everything
 * that matches the filter, less a few; which tasks those are is settled by the review, not here.
 */
export interface Everything {
	/** The query as it was when everything was chosen. */
	readonly where: string;
	readonly total: number;
	readonly except: ReadonlySet<string>;
}

export class Selection {
	ids: ReadonlySet<string> = $state.raw(new Set());
	everything: Everything | null = $state.raw(null);

	/** How many tasks are chosen; for everything, as counted when it was chosen. */
	get count(): number {
		return this.everything === null ? this.ids.size : this.everything.total - this.everything.except.size;
	}

	get empty(): boolean {
		return this.everything === null && this.ids.size === 0;
	}

	has(id: string): boolean {
		return this.everything === null ? this.ids.has(id) : !this.everything.except.has(id);
	}

	toggle(id: string): void {
		this.set([id], !this.has(id));
	}

	set(ids: readonly string[], on: boolean): void {
		if (this.everything !== null) {
			const except = new Set(this.everything.except);
			for (const id of ids) {
				if (on) except.delete(id);
				else except.add(id);
			}
			this.everything = { ...this.everything, except };
			return;
		}
		const next = new Set(this.ids);
		for (const id of ids) {
			if (on) next.add(id);
			else next.delete(id);
		}
		this.ids = next;
	}

	selectEverything(where: string, total: number): void {
		this.ids = new Set();
		this.everything = { where, total, except: new Set() };
	}

	clear(): void {
		if (this.ids.size > 0) this.ids = new Set();
		this.everything = null;
	}

	/**
	 * What to hand to a review: ids, or the query with the exceptions spelled out.
	 * Null: nothing is chosen, or there are too many exceptions to spell out.
	 */
	get scope(): SelectionScope | null {
		if (this.everything === null) return this.ids.size === 0 ? null : { ids: [...this.ids] };
		const { where, except } = this.everything;
		if (except.size > 40) return null;
		const less = [...except].map((id) => `-id:${quoted(id)}`).join(' ');
		return { where: less === '' ? where : `${where} ${less}` };
	}
}

/** What a change is aimed at: tasks by id, all that match a query, or the failed tasks of a failure group (that match, with `where`). */
export type SelectionScope =
	| { readonly ids: readonly string[] }
	| { readonly where: string }
	| { readonly group: string; readonly where?: string };

/** A text as the query language quotes it. */
export function quoted(text: string): string {
	return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}
