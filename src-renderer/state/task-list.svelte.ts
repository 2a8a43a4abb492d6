/**
 * One task list: a window onto however many rows there are. Rows are read a page at a time where they are looked at. A tick
 * from the engine never moves a row that somebody may be about to click: the rows in view are brought up to date where they
 * stand, and what would move them is counted and offered.
 */

import type { TaskSortField } from '#main/domain/page.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import type { TaskRow } from '#main/domain/task.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Engine } from './engine.ts';
import { type ListedTask, RowCache, type Step } from './row-cache.ts';
import { quoted, Selection } from './selection.svelte.ts';
import type { TaskTicks } from './task-ticks.ts';

export interface ListSort {
	readonly field: TaskSortField;
	readonly ascending: boolean;
}

/** What a list is of. */
export interface ListSpec {
	readonly profile: string;
	/** The part of the query that makes the tab, e.g. `state:failed,lost`. */
	readonly base: string;
	readonly sort: ListSort;
}

/** What has changed but is not shown, so as not to move anything. */
export interface Pending {
	/** How many tasks have come that aren't in the list yet. */
	readonly added: number;
	/** How many rows in view no longer belong here. */
	readonly gone: number;
}

/** So long, in ms, the first page looks for rows before it shows what there is, and the rest is looked for behind it. */
const PATIENCE = 25;

/** Ids per look at tasks that have left a page; the query language allows a hundred terms. */
const IDS_PER_LOOK = 50;

/** While tasks rush by, the list is drawn anew so often at most, in ms: each time costs all rows in view, and the page must stay quick. */
const RUSH_MS = 900;
/** Fewer rows than this are no rush. */
const RUSH_ROWS = 20;

export class TaskList implements Disposable {
	readonly profile: string;
	readonly base: string;
	readonly selection = new Selection();
	/** What was typed into the filter. */
	filter = $state('');
	sort: ListSort = $state.raw({ field: 'updatedAt', ascending: false });
	/** Rows in this list as it stands. Null: not known yet. */
	total: number | null = $state(null);
	/** loading: the first page isn't there yet. */
	status: 'loading' | 'ready' | 'failed' = $state('loading');
	error: WireError | null = $state.raw(null);
	/** Whether older tasks are still being looked through for what the first page could not find in its time. */
	searching = $state(false);
	/** Whether `total` is only what is known so far: there are at least so many. */
	counting = $state(false);
	pending: Pending | null = $state.raw(null);
	/** The row the keyboard is at, by id. */
	focused: string | null = $state(null);
	/** Rises when the list is to be shown from its top again. */
	rewound = $state(0);

	readonly #engine: Engine;
	readonly #ticking: Disposable;
	#cache = new RowCache();
	/** Rises with every change of the cache; reading a row reads this, so that rows redraw. */
	#version = $state(0);
	/** Answers to questions of an earlier epoch are about another list, and are dropped. */
	#epoch = 0;
	#abort = new AbortController();
	#window = { from: 0, to: 40 };
	#pointerInside = false;
	#pumping = false;
	#refreshing = false;
	#dirty = false;
	#gone = new Set<string>();
	/** Place of the focused row when it was last seen, for when it has left. */
	#focusedPlace = 0;
	/** A place whose row the keyboard waits for. */
	#awaited: number | null = $state(null);

	constructor(engine: Engine, ticks: TaskTicks, spec: ListSpec) {
		this.#engine = engine;
		this.profile = spec.profile;
		this.base = spec.base;
		this.sort = spec.sort;
		this.#ticking = ticks.on(() => this.#onTick());
	}

	/** The whole query: the tab's part and, in parentheses, what was typed. */
	get query(): string {
		const typed = this.filter.trim();
		if (typed === '' || this.base === '') return typed === '' ? this.base : typed;
		return `${this.base} (${typed})`;
	}

	/** Rows to lay out: the total, or what is known of it. */
	get count(): number {
		return this.total ?? 0;
	}

	/** The row at a place; undefined while it is being read. */
	at(place: number): ListedTask | undefined {
		void this.#version;
		return this.#cache.at(place);
	}

	/** Where a task is, as far as has been read; -1 when it isn't in what has been read. */
	placeOf(id: string | null): number {
		void this.#version;
		return id === null ? -1 : (this.#cache.placeOf(id) ?? -1);
	}

	/** Chooses filter and order. Reads anew when they differ from what is shown. */
	show(filter: string, sort: ListSort): void {
		const same = filter === this.filter && sort.field === this.sort.field && sort.ascending === this.sort.ascending;
		if (same && this.#epoch > 0) return;
		if (filter !== this.filter && this.selection.everything !== null) this.selection.clear();
		this.filter = filter;
		this.sort = sort;
		this.#startOver();
	}

	/** Reads anew from the top; the selection stays. The rows stay until the first page is there. */
	reload(): void {
		this.rewound += 1;
		this.#window = { from: 0, to: Math.min(this.#window.to - this.#window.from, 100) };
		void this.#readTop();
	}

	/**
	 * Shows what a person's own change has left: rows that it took away go, without waiting to be asked. The keyboard stays
	 * at its place. Far down a long list, where that would mean walking there again, they stay marked instead.
	 */
	async takeAway(): Promise<void> {
		this.selection.clear();
		const { from, to } = this.#window;
		if (to >= 480) {
			this.#onTick();
			return;
		}
		const place = this.focusedPlace;
		await this.#readTop(Math.max(100, to + 20));
		this.#window = { from, to };
		if (place >= 0 && this.placeOf(this.focused) < 0) this.focusAt(Math.min(place, this.count - 1));
	}

	/** The rows in view have changed. Both ends count. */
	look(from: number, to: number): void {
		this.#window = { from, to };
		if (this.status === 'ready') void this.#pump();
	}

	/** Whether the pointer is over the rows. */
	point(inside: boolean): void {
		this.#pointerInside = inside;
	}

	/** Moves the keyboard's row. Stops at the ends, and waits at rows that aren't read yet. */
	moveFocus(by: number): string | null {
		const place = this.focused === null ? -1 : (this.#cache.placeOf(this.focused) ?? this.#focusedPlace);
		const next = Math.max(0, Math.min(this.count - 1, this.focused === null && by < 0 ? 0 : place + by));
		const task = this.#cache.at(next);
		if (task === undefined) return this.focused;
		this.focus(task.row.id);
		return task.row.id;
	}

	/** The place the keyboard is at, also while its row is being read; -1: nowhere. */
	get focusedPlace(): number {
		return this.#awaited ?? this.placeOf(this.focused);
	}

	/** Puts the keyboard at a place; at its row as soon as that is read. */
	focusAt(place: number): void {
		const task = place < 0 ? undefined : this.#cache.at(place);
		if (place < 0) this.focus(null);
		else if (task !== undefined) this.focus(task.row.id);
		else {
			this.#awaited = place;
			this.#focusedPlace = place;
		}
	}

	focus(id: string | null): void {
		this.#awaited = null;
		this.focused = id;
		if (id !== null) this.#focusedPlace = this.#cache.placeOf(id) ?? this.#focusedPlace;
	}

	/** Ticks all rows between two places that have been read; for Shift and click. */
	selectRange(from: number, to: number, on: boolean): void {
		const ids: string[] = [];
		for (let place = Math.min(from, to); place <= Math.max(from, to); place += 1) {
			const task = this.#cache.at(place);
			if (task !== undefined) ids.push(task.row.id);
		}
		this.selection.set(ids, on);
	}

	/** Everything that matches now, read or not. */
	selectEverything(): void {
		if (this.total !== null && this.total > 0) this.selection.selectEverything(this.query, this.total);
	}

	[Symbol.dispose](): void {
		this.#epoch += 1;
		this.#abort.abort();
		this.#ticking[Symbol.dispose]();
	}

	/** Whether rows may move: nobody is pointing at, holding or standing on any, and the top is in view. */
	get #free(): boolean {
		return (
			!this.#pointerInside &&
			this.selection.empty &&
			this.focused === null &&
			this.#awaited === null &&
			this.#window.from === 0
		);
	}

	#newEpoch(): number {
		this.#abort.abort();
		this.#abort = new AbortController();
		this.#epoch += 1;
		this.#pumping = false;
		this.#refreshing = false;
		this.#dirty = false;
		return this.#epoch;
	}

	#startOver(): void {
		this.#cache = new RowCache();
		this.#gone = new Set();
		this.total = null;
		this.pending = null;
		this.status = 'loading';
		this.searching = false;
		this.error = null;
		this.#window = { from: 0, to: 40 };
		this.#awaited = null;
		this.rewound += 1;
		this.#version += 1;
		void this.#readTop();
	}

	async #readTop(limit = 100): Promise<void> {
		const epoch = this.#newEpoch();
		const cache = new RowCache();
		const step: Step = { direction: 'forward', at: 0, cursor: null, limit };
		const page = await this.#page(step, PATIENCE);
		if (epoch !== this.#epoch) return;
		if (!page.ok) {
			this.status = 'failed';
			this.searching = false;
			this.error = page.error;
			return;
		}
		this.searching = page.value.unfinished === true;
		cache.take(step, page.value.items, page.value.next);
		this.#cache = cache;
		this.#gone = new Set();
		this.pending = null;
		this.error = null;
		this.#setTotal(page.value.total, page.value.items.length, page.value.next);
		this.status = 'ready';
		this.#version += 1;
		if (page.value.total === null && page.value.next !== null) void this.#countAll(epoch);
		void this.#pump();
		this.#again();
	}

	#setTotal(total: number | null, read: number, next: string | null): void {
		const known = next === null ? read : total;
		this.total = known ?? read + 1;
		this.counting = known === null;
		if (known !== null) this.#cache.endsAt(known);
	}

	/** For lists whose total the engine was still counting when it sent the first page. */
	async #countAll(epoch: number): Promise<void> {
		const answer = await this.#engine.call(
			'task.count',
			{ profile: this.profile, query: this.query },
			{ signal: this.#abort.signal },
		);
		if (epoch !== this.#epoch || !answer.ok) return;
		this.total = answer.value.total;
		this.counting = false;
		this.#cache.endsAt(answer.value.total);
		this.#version += 1;
	}

	/** Reads pages until the window is full; one at a time, and always for the window as it is by then. */
	async #pump(): Promise<void> {
		if (this.#pumping) return;
		this.#pumping = true;
		const epoch = this.#epoch;
		for (;;) {
			const to = Math.min(this.#window.to, this.count - 1);
			const step = this.#cache.step(Math.max(0, this.#window.from), to);
			if (step === null) break;
			const page = await this.#page(step);
			if (epoch !== this.#epoch) return;
			this.searching = false;
			if (!page.ok) {
				this.error = page.error;
				this.status = 'failed';
				break;
			}
			this.#cache.take(step, page.value.items, page.value.next);
			this.#cache.trim(this.#window.from, this.#window.to);
			if (this.#awaited !== null && this.#cache.at(this.#awaited) !== undefined) this.focusAt(this.#awaited);
			this.#version += 1;
			// Shorter than it was: rows have left since it was counted. Without this the end would be asked for for ever.
			if (step.direction === 'forward' && page.value.next === null) {
				this.total = step.at + page.value.items.length;
				this.counting = false;
				this.#cache.endsAt(this.total);
			} else if (page.value.items.length === 0) break;
		}
		this.#pumping = false;
		this.searching = false;
	}

	async #page(step: Step, patience: number | null = null) {
		// By itself: inside the parentheses that it is put in, a bracket too many would end them and mean something else.
		const alone = parseQuery(this.filter.trim(), 0);
		if (!alone.ok) return { ok: false as const, error: { ...alone.error, ref: '' } };
		const ascending = step.direction === 'forward' ? this.sort.ascending : !this.sort.ascending;
		return this.#engine.call(
			'task.list',
			{
				profile: this.profile,
				query: this.query,
				sort: this.sort.field,
				ascending,
				limit: step.limit,
				...(step.cursor === null ? {} : { cursor: step.cursor }),
				...(patience === null ? {} : { patience }),
			},
			{ signal: this.#abort.signal },
		);
	}

	#onTick(): void {
		if (this.status === 'loading') {
			this.#dirty = true;
			return;
		}
		if (this.#refreshing) this.#dirty = true;
		else void this.#refresh();
	}

	#again(): void {
		if (!this.#dirty) return;
		this.#dirty = false;
		void this.#refresh();
	}

	async #refresh(): Promise<void> {
		const epoch = this.#epoch;
		this.#refreshing = true;
		const { at, cursor } = this.#cache.cursorAtOrBefore(this.#window.from);
		const to = Math.min(this.#window.to, this.count - 1);
		const limit = Math.max(20, Math.min(500, to - at + 21));
		const page = await this.#page({ direction: 'forward', at, cursor, limit });
		if (epoch !== this.#epoch) return;
		if (!page.ok) {
			// The rows that are there are still true of their moment; only say so when there are none.
			if (this.#cache.size === 0) {
				this.status = 'failed';
				this.error = page.error;
			}
			this.#refreshing = false;
			return;
		}
		const { items, next, total } = page.value;
		this.status = 'ready';
		this.error = null;
		let rushes = false;
		if (at === 0 && this.#free) {
			const cache = new RowCache();
			rushes = this.#rushes(items);
			cache.take({ direction: 'forward', at: 0, cursor: null, limit }, items, next);
			this.#cache = cache;
			this.#gone = new Set();
			this.pending = null;
			this.#setTotal(total, items.length, next);
			void this.#pump();
		} else {
			await this.#updateInPlace(epoch, at, to, items, total);
			if (epoch !== this.#epoch) return;
		}
		this.#version += 1;
		if (rushes) {
			await new Promise((resolve) => setTimeout(resolve, RUSH_MS));
			if (epoch !== this.#epoch || this.#abort.signal.aborted) return;
		}
		this.#refreshing = false;
		this.#again();
	}

	/** Whether tasks go by faster than anybody reads: most of the rows in view are others than a moment ago. */
	#rushes(fresh: readonly TaskRow[]): boolean {
		if (this.#cache.size < RUSH_ROWS || fresh.length < RUSH_ROWS) return false;
		const kept = fresh.filter((row) => this.#cache.placeOf(row.id) !== undefined).length;
		return kept < fresh.length / 2;
	}

	/** Brings the rows in view up to date where they stand, and counts what would have moved them. */
	async #updateInPlace(
		epoch: number,
		from: number,
		to: number,
		fresh: readonly TaskRow[],
		total: number | null,
	): Promise<void> {
		const byId = new Map<string, TaskRow>(fresh.map((row) => [row.id, row]));
		const missing: string[] = [];
		let unknown = 0;
		for (const row of fresh) if (this.#cache.placeOf(row.id) === undefined) unknown += 1;
		for (let place = from; place <= to; place += 1) {
			const task = this.#cache.at(place);
			if (task === undefined) continue;
			const row = byId.get(task.row.id);
			if (row === undefined) missing.push(task.row.id);
			else this.#revise(place, row, false);
		}
		await this.#lookFor(epoch, missing);
		if (epoch !== this.#epoch) return;
		const shown = this.total ?? 0;
		const added = total === null ? unknown : Math.max(0, total - shown + this.#gone.size);
		const gone = this.#gone.size;
		this.pending = added > 0 || gone > 0 ? { added, gone } : null;
	}

	/** Rows that a fresh page didn't have: still in the list farther down, or gone from it, and what they are now. */
	async #lookFor(epoch: number, ids: readonly string[]): Promise<void> {
		for (let start = 0; start < ids.length; start += IDS_PER_LOOK) {
			const some = ids.slice(start, start + IDS_PER_LOOK);
			const named = `id:${some.map(quoted).join(',')}`;
			const ask = (query: string) =>
				this.#engine.call('task.list', { profile: this.profile, query, limit: 500 }, { signal: this.#abort.signal });
			const [here, anywhere] = await Promise.all([ask(`${this.query} ${named}`), ask(named)]);
			if (epoch !== this.#epoch) return;
			if (!here.ok || !anywhere.ok) return;
			const belongs = new Set<string>(here.value.items.map((row) => row.id));
			const now = new Map<string, TaskRow>(anywhere.value.items.map((row) => [row.id, row]));
			for (const id of some) {
				const place = this.#cache.placeOf(id);
				const task = place === undefined ? undefined : this.#cache.at(place);
				if (place === undefined || task === undefined) continue;
				this.#revise(place, now.get(id) ?? task.row, !belongs.has(id));
			}
		}
	}

	#revise(place: number, row: TaskRow, gone: boolean): void {
		this.#cache.put(place, { row, gone });
		if (gone) this.#gone.add(row.id);
		else this.#gone.delete(row.id);
	}
}
