/**
 * The list of schedules: a window onto however many there are, read by offset. Runs change its order all the time, so a tick
 * brings the rows in view up to date where they stand; what would move them is told and offered, and done by itself only while
 * nobody points at, has ticked or stands on a row.
 */
import type { BookKind } from '#main/domain/schedule.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { ScheduleView } from '#main/ipc/contract/schedule-answers.ts';
import type { CallerInput } from '#main/ipc/contract.ts';
import type { Engine } from './engine.ts';
import { PlacedRows } from './placed-rows.ts';
import { scheduleId, splitScheduleId } from './schedule-id.ts';
import type { ScheduleWatch } from './schedule-watch.svelte.ts';
import { Selection } from './selection.svelte.ts';

type ListInput = CallerInput<'schedule.list'>;
export type ScheduleShow = NonNullable<ListInput['show']>;
export type ScheduleSortField = NonNullable<ListInput['sort']>;

/** What the list is to show, and in which order. */
export interface ScheduleQuery {
	readonly show: ScheduleShow;
	readonly search: string;
	/** Null: all books. */
	readonly book: BookKind | null;
	readonly sort: ScheduleSortField;
	readonly descending: boolean;
}

export interface ListedSchedule {
	readonly view: ScheduleView;
	/** It does not belong here any more, and stays until the list is shown anew. */
	readonly gone: boolean;
}

/** What has changed but is not shown, so as not to move anything. */
export interface SchedulePending {
	readonly added: number;
	readonly gone: number;
	/** Rows that stay would stand elsewhere. */
	readonly moved: boolean;
}

const PAGE = 100;
/** The most that a route gives. */
const MOST = 500;
/** Schedules that one change may be about. */
export const MOST_SELECTED = 10_000;
/** Rows read around those in sight. */
const MARGIN = 10;
/** Rows kept to both sides. */
const KEPT = 1_000;
/** Ticks come with every run; the list is read again at most this often. */
const PACE_MS = 1_000;

const FIRST: ScheduleQuery = { show: 'all', search: '', book: null, sort: 'next', descending: false };

export class ScheduleList implements Disposable {
	readonly selection = new Selection();
	query: ScheduleQuery = $state.raw(FIRST);
	/** Schedules that match; null: not read yet. */
	total: number | null = $state(null);
	status: 'loading' | 'ready' | 'failed' = $state('loading');
	error: WireError | null = $state.raw(null);
	pending: SchedulePending | null = $state.raw(null);
	/** The row the keyboard is at, by id. */
	focused: string | null = $state(null);
	/** Rises when the list is to be shown from its top again. */
	rewound = $state(0);
	/** Everything is being ticked. */
	selecting = $state(false);

	readonly #engine: Engine;
	readonly #profile: string;
	readonly #ticking: Disposable;
	readonly #rows = new PlacedRows<ListedSchedule>((row) => scheduleId(row.view));
	/** Rises with every change of the rows; reading a row reads this, so that rows redraw. */
	#version = $state(0);
	/** Answers to questions of an earlier epoch are about another list, and are dropped. */
	#epoch = 0;
	#window = { from: 0, to: 20 };
	#pointerInside = false;
	#pumping = false;
	#refreshing = false;
	#again = false;
	/** The revision that the rows were last brought up to. */
	#revision: number | null = null;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#gone = new Set<string>();
	/** Place of the focused row when it was last seen, for when it has left. */
	#focusedPlace = 0;
	/** A place whose row the keyboard waits for. */
	#awaited: number | null = $state(null);
	#started = false;

	constructor(engine: Engine, watch: ScheduleWatch, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
		this.#ticking = watch.on((tick) => {
			if (this.#started && tick.revision !== this.#revision) this.#soon();
		});
	}

	/** Rows to lay out. */
	get count(): number {
		return this.total ?? 0;
	}

	/** The row at a place; undefined while it is being read. */
	at(place: number): ListedSchedule | undefined {
		void this.#version;
		return this.#rows.at(place);
	}

	/** A row that has been read, by id. */
	row(id: string): ListedSchedule | null {
		return this.at(this.placeOf(id)) ?? null;
	}

	/** -1: it is not in what has been read. */
	placeOf(id: string | null): number {
		void this.#version;
		return id === null ? -1 : this.#rows.placeOf(id);
	}

	/** Chooses what is shown. Reads anew when that differs from what is shown. */
	show(query: ScheduleQuery): void {
		const same = JSON.stringify(query) === JSON.stringify(this.query);
		if (same && this.#started) return;
		this.query = query;
		this.#started = true;
		this.#rows.clear();
		this.total = null;
		this.status = 'loading';
		this.error = null;
		this.#window = { from: 0, to: 20 };
		this.#awaited = null;
		this.rewound += 1;
		this.#version += 1;
		void this.#replace(this.#newEpoch());
	}

	/** Reads anew from the top; the selection stays. The rows stay until the first page is there. */
	reload(): void {
		this.rewound += 1;
		this.#window = { from: 0, to: this.#window.to - this.#window.from };
		void this.#replace(this.#newEpoch());
	}

	/** Shows what a person's own change has left, where the list is. The keyboard stays at its row, else at its place. */
	async settle(): Promise<void> {
		if (!this.#started) return;
		const place = this.focusedPlace;
		await this.#replace(this.#newEpoch());
		if (place >= 0 && this.focused !== null && this.placeOf(this.focused) < 0)
			this.focusAt(Math.min(place, this.count - 1));
	}

	/** The rows in view have changed. Both ends count. */
	look(from: number, to: number): void {
		this.#window = { from, to };
		if (this.status !== 'loading') void this.#pump();
	}

	/** Whether the pointer is over the rows. */
	point(inside: boolean): void {
		this.#pointerInside = inside;
	}

	/** Moves the keyboard's row. Stops at the ends, and waits at rows that aren't read yet. */
	moveFocus(by: number): string | null {
		const place = this.focused === null ? -1 : this.placeOf(this.focused);
		const from = this.focused === null ? -1 : place < 0 ? this.#focusedPlace : place;
		const next = Math.max(0, Math.min(this.count - 1, from < 0 && by < 0 ? 0 : from + by));
		const row = this.#rows.at(next);
		if (row === undefined) {
			if (this.count > 0) this.focusAt(next);
			return this.focused;
		}
		this.focus(scheduleId(row.view));
		return this.focused;
	}

	/** The place the keyboard is at, also while its row is being read; -1: nowhere. */
	get focusedPlace(): number {
		return this.#awaited ?? this.placeOf(this.focused);
	}

	/** Puts the keyboard at a place; at its row as soon as that is read. */
	focusAt(place: number): void {
		const row = place < 0 ? undefined : this.#rows.at(place);
		if (place < 0) this.focus(null);
		else if (row !== undefined) this.focus(scheduleId(row.view));
		else {
			this.#awaited = place;
			this.#focusedPlace = place;
		}
	}

	focus(id: string | null): void {
		this.#awaited = null;
		this.focused = id;
		const place = id === null ? -1 : this.#rows.placeOf(id);
		if (place >= 0) this.#focusedPlace = place;
	}

	/** Ticks all rows between two places that have been read; for Shift and click. */
	selectRange(from: number, to: number, on: boolean): void {
		const ids: string[] = [];
		for (let place = Math.min(from, to); place <= Math.max(from, to); place += 1) {
			const row = this.#rows.at(place);
			if (row !== undefined) ids.push(scheduleId(row.view));
		}
		this.selection.set(ids, on);
	}

	/** Ticks everything that matches, by id; more than one change may be about are left out. */
	async selectEverything(): Promise<void> {
		const epoch = this.#epoch;
		this.selecting = true;
		const ids = new Set<string>();
		for (let offset = 0; offset < MOST_SELECTED; offset += MOST) {
			// By name, which runs do not change while the pages are read.
			const answer = await this.#read(offset, MOST, { sort: 'name', descending: false });
			if (epoch !== this.#epoch || !answer.ok) break;
			for (const view of answer.value.items) ids.add(scheduleId(view));
			if (answer.value.items.length < MOST) break;
		}
		this.selecting = false;
		if (epoch === this.#epoch) this.selection.set([...ids], true);
	}

	[Symbol.dispose](): void {
		this.#newEpoch();
		this.#started = false;
		clearTimeout(this.#timer);
		this.#ticking[Symbol.dispose]();
	}

	/** Whether rows may move: nobody is pointing at, holding or standing on any. */
	get #free(): boolean {
		return !this.#pointerInside && this.selection.empty && this.focused === null && this.#awaited === null;
	}

	#newEpoch(): number {
		this.#epoch += 1;
		this.#pumping = false;
		this.#refreshing = false;
		this.#again = false;
		return this.#epoch;
	}

	#read(offset: number, limit: number, more: Partial<ListInput> = {}) {
		const { show, search, book, sort, descending } = this.query;
		return this.#engine.call('schedule.list', {
			profile: this.#profile,
			show,
			sort,
			descending,
			offset,
			limit,
			...(search === '' ? {} : { query: search }),
			...(book === null ? {} : { book }),
			...more,
		});
	}

	/** The rows in view and a few around them, as they are now, in place of all that was read. */
	async #replace(epoch: number): Promise<void> {
		const { offset, limit } = this.#stretch();
		const answer = await this.#read(offset, limit);
		if (epoch !== this.#epoch) return;
		if (!answer.ok) {
			this.status = this.#rows.size === 0 ? 'failed' : 'ready';
			this.error = answer.error;
			return;
		}
		this.#rows.clear();
		this.#gone.clear();
		this.#take(offset, answer.value);
		this.pending = null;
		this.#afterwards();
	}

	#stretch(): { readonly offset: number; readonly limit: number } {
		const offset = Math.max(0, this.#window.from - MARGIN);
		return { offset, limit: Math.max(20, Math.min(MOST, this.#window.to + MARGIN - offset)) };
	}

	#take(offset: number, page: { readonly items: readonly ScheduleView[]; total: number; revision: number }): void {
		page.items.forEach((view, index) => {
			this.#rows.put(offset + index, { view, gone: false });
		});
		this.total = page.total;
		this.#revision = page.revision;
		this.status = 'ready';
		this.error = null;
		this.#version += 1;
	}

	#afterwards(): void {
		const { focused } = this;
		if (this.#awaited !== null && this.#rows.at(this.#awaited) !== undefined) this.focusAt(this.#awaited);
		else if (focused !== null) {
			const place = this.#rows.placeOf(focused);
			if (place >= 0) this.#focusedPlace = place;
		}
		void this.#pump();
	}

	/** Reads pages until the rows in view are there; one at a time, and always for the view as it is by then. */
	async #pump(): Promise<void> {
		if (this.#pumping) return;
		this.#pumping = true;
		const epoch = this.#epoch;
		for (;;) {
			const missing = this.#rows.missing(this.#window.from, Math.min(this.#window.to, this.count - 1));
			if (missing === null) break;
			const offset = Math.floor(missing / PAGE) * PAGE;
			const answer = await this.#read(offset, PAGE);
			if (epoch !== this.#epoch) return;
			if (!answer.ok) {
				this.error = answer.error;
				break;
			}
			answer.value.items.forEach((view, index) => {
				// What is there already holds still.
				if (this.#rows.at(offset + index) === undefined) this.#rows.put(offset + index, { view, gone: false });
			});
			this.#rows.trim(this.#window.from, this.#window.to, KEPT);
			// Shorter than it was: without this the end would be asked for for ever.
			if (offset + answer.value.items.length <= missing) this.total = missing;
			this.#version += 1;
			if (this.#awaited !== null && this.#rows.at(this.#awaited) !== undefined) this.focusAt(this.#awaited);
		}
		this.#pumping = false;
	}

	#soon(): void {
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			void this.#refresh();
		}, PACE_MS);
	}

	/** Brings the list up to the newest tick, as far as nothing moves that must hold still. */
	async #refresh(): Promise<void> {
		if (this.#refreshing) {
			this.#again = true;
			return;
		}
		const epoch = this.#epoch;
		this.#refreshing = true;
		const { offset, limit } = this.#stretch();
		const answer = await this.#read(offset, limit);
		if (epoch !== this.#epoch) return;
		this.#refreshing = false;
		if (!answer.ok) {
			// The rows that are there are still true of their moment.
			this.error = answer.error;
			return;
		}
		if (this.#free || this.#rows.size === 0) {
			this.#rows.clear();
			this.#gone.clear();
			this.#take(offset, answer.value);
			this.pending = null;
			this.#afterwards();
		} else {
			await this.#updateInPlace(epoch, offset, answer.value);
			if (epoch !== this.#epoch) return;
		}
		if (this.#again) {
			this.#again = false;
			this.#soon();
		}
	}

	async #updateInPlace(
		epoch: number,
		offset: number,
		page: { readonly items: readonly ScheduleView[]; readonly total: number; readonly revision: number },
	): Promise<void> {
		const fresh = new Map(page.items.map((view) => [scheduleId(view), view]));
		const missing: string[] = [];
		let moved = false;
		for (let place = this.#window.from; place <= this.#window.to; place += 1) {
			const row = this.#rows.at(place);
			if (row === undefined) continue;
			const id = scheduleId(row.view);
			const view = fresh.get(id);
			if (view === undefined) missing.push(id);
			else this.#revise(place, view, false);
			const there = page.items[place - offset];
			if (there !== undefined && scheduleId(there) !== id) moved = true;
		}
		await this.#lookFor(epoch, missing);
		if (epoch !== this.#epoch) return;
		this.#revision = page.revision;
		this.error = null;
		const gone = this.#gone.size;
		const added = Math.max(0, page.total - (this.total ?? 0) + gone);
		this.pending = added > 0 || gone > 0 || moved ? { added, gone, moved } : null;
		this.#version += 1;
	}

	/** Rows that a fresh page didn't have: farther up or down by now, or gone from the list, and what they are now. */
	async #lookFor(epoch: number, ids: readonly string[]): Promise<void> {
		const byBook = new Map<BookKind, string[]>();
		for (const id of ids) {
			const name = splitScheduleId(id);
			if (name !== null) byBook.set(name.book, [...(byBook.get(name.book) ?? []), name.key]);
		}
		for (const [book, names] of byBook) {
			const some = { book, names, limit: MOST, offset: 0 };
			const [here, anywhere] = await Promise.all([
				this.#read(0, MOST, some),
				this.#engine.call('schedule.list', { profile: this.#profile, ...some }),
			]);
			if (epoch !== this.#epoch) return;
			if (!here.ok || !anywhere.ok) return;
			const belongs = new Set(here.value.items.map(scheduleId));
			const now = new Map(anywhere.value.items.map((view) => [scheduleId(view), view]));
			for (const key of names) {
				const id = scheduleId({ book, key });
				const place = this.#rows.placeOf(id);
				const row = this.#rows.at(place);
				if (row !== undefined) this.#revise(place, now.get(id) ?? row.view, !belongs.has(id));
			}
		}
	}

	#revise(place: number, view: ScheduleView, gone: boolean): void {
		this.#rows.put(place, { view, gone });
		if (gone) this.#gone.add(scheduleId(view));
		else this.#gone.delete(scheduleId(view));
	}
}
