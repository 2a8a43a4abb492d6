/**
 * The part of a long list that has been read: rows by their place, and the cursors known along the way. Lists are read by
 * keyset, so a place far from any known cursor is reached by walking there from the nearest one, from either end.
 */
import type { TaskRow } from '#main/domain/task.ts';

/** A row in its place. `gone`: it has left this list since (it is kept where it was until the list is read anew). */
export interface ListedTask {
	readonly row: TaskRow;
	readonly gone: boolean;
}

/** Where the next page is to be asked for. */
export interface Step {
	/** forward: rows from `at` on. backward: the rows before `at`, asked for in the opposite order. */
	readonly direction: 'forward' | 'backward';
	readonly at: number;
	/** Null: the very beginning, or the very end. */
	readonly cursor: string | null;
	readonly limit: number;
}

/** Most rows a page may have. */
const PAGE_LIMIT = 500;
/** Rows asked for when a known cursor is right there. */
const NEAR = 100;
/** Rows kept in memory; those farthest from the window go first. */
const KEPT = 20_000;

export class RowCache {
	readonly #rows = new Map<number, ListedTask>();
	readonly #places = new Map<string, number>();
	/** Cursors by the place they lead to. Place 0 needs none. */
	readonly #forward = new Map<number, string | null>([[0, null]]);
	readonly #backward = new Map<number, string | null>();

	get size(): number {
		return this.#rows.size;
	}

	at(place: number): ListedTask | undefined {
		return this.#rows.get(place);
	}

	/** Where a task is, as far as has been read. */
	placeOf(id: string): number | undefined {
		return this.#places.get(id);
	}

	firstMissing(from: number, to: number): number | null {
		for (let place = from; place <= to; place += 1) if (!this.#rows.has(place)) return place;
		return null;
	}

	/** The end of the list is known to be here, so it can be walked back from. */
	endsAt(total: number): void {
		this.#backward.clear();
		this.#backward.set(total, null);
	}

	/** What to ask for, so as to come nearer to having `from` to `to`. Null: all of it is here. */
	step(from: number, to: number): Step | null {
		const first = this.firstMissing(from, to);
		if (first === null) return null;
		let last = to;
		while (last > first && this.#rows.has(last)) last -= 1;
		let ahead = 0;
		for (const place of this.#forward.keys()) if (place <= first && place > ahead) ahead = place;
		let behind: number | null = null;
		for (const place of this.#backward.keys()) {
			if (place > last && (behind === null || place < behind)) behind = place;
		}
		const forwards = first - ahead;
		if (behind !== null && behind - 1 - last < forwards) {
			const reach = behind - first;
			return {
				direction: 'backward',
				at: behind,
				cursor: this.#backward.get(behind) ?? null,
				limit: reach <= NEAR ? Math.min(NEAR, behind) : PAGE_LIMIT,
			};
		}
		return {
			direction: 'forward',
			at: ahead,
			cursor: this.#forward.get(ahead) ?? null,
			limit: last - ahead < NEAR ? NEAR : PAGE_LIMIT,
		};
	}

	/** Takes the answer to a step. `next` is the page's own cursor for going on in that direction. */
	take(step: Step, rows: readonly TaskRow[], next: string | null): void {
		if (step.direction === 'forward') {
			rows.forEach((row, index) => {
				this.put(step.at + index, { row, gone: false });
			});
			if (next !== null) this.#forward.set(step.at + rows.length, next);
			return;
		}
		rows.forEach((row, index) => {
			const place = step.at - 1 - index;
			if (place >= 0) this.put(place, { row, gone: false });
		});
		if (next !== null && step.at - rows.length > 0) this.#backward.set(step.at - rows.length, next);
	}

	/** Puts a row in a place. A task is in one place only: what stood for it elsewhere is to be read again. */
	put(place: number, task: ListedTask): void {
		const before = this.#rows.get(place);
		if (before !== undefined && before.row.id !== task.row.id) this.#places.delete(before.row.id);
		const elsewhere = this.#places.get(task.row.id);
		if (elsewhere !== undefined && elsewhere !== place) this.#rows.delete(elsewhere);
		this.#rows.set(place, task);
		this.#places.set(task.row.id, place);
	}

	/** The nearest place at or before this one that a page can be asked from. */
	cursorAtOrBefore(place: number): { readonly at: number; readonly cursor: string | null } {
		let best = 0;
		for (const known of this.#forward.keys()) if (known <= place && known > best) best = known;
		return { at: best, cursor: this.#forward.get(best) ?? null };
	}

	/** Forgets rows far from the window, once there are many. */
	trim(from: number, to: number): void {
		if (this.#rows.size <= KEPT) return;
		const middle = (from + to) / 2;
		const places = [...this.#rows.keys()].sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
		for (const place of places.slice(0, this.#rows.size - KEPT / 2)) {
			const task = this.#rows.get(place);
			this.#rows.delete(place);
			if (task !== undefined && this.#places.get(task.row.id) === place) this.#places.delete(task.row.id);
		}
	}
}
