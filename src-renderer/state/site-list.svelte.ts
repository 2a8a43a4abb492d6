/**
 * One of a carrot site's lists, a page at a time as the site cuts it. What changes on the site moves no row that is on the screen:
 * a page whose rows are the same is brought up to date where it stands, another one is kept back and offered.
 */
import type { SitePage, SiteRowView, SiteTab } from '#main/domain/site.ts';
import type { WireError } from '#main/ipc/codes.ts';
import { Cursor } from './cursor.svelte.ts';
import type { Engine } from './engine.ts';
import { Selection } from './selection.svelte.ts';

/** Rows that the site puts on a page. */
export const SITE_PAGE = 50;

export class SiteList {
	readonly tab: SiteTab;
	search = $state('');
	page = $state(1);
	shown: SitePage<SiteRowView> | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	busy = $state(false);
	/** The page as it is by now, where its rows are others than those on the screen. */
	pending: SitePage<SiteRowView> | null = $state.raw(null);
	readonly selection = new Selection();
	readonly cursor = new Cursor(() => this.rows.map((row) => String(row.id)));
	readonly #engine: Engine;
	readonly #profile: string;
	#turn = 0;
	/** Something changed after the page that is on its way was asked for. */
	#isOld = false;

	constructor(engine: Engine, profile: string, tab: SiteTab) {
		this.#engine = engine;
		this.#profile = profile;
		this.tab = tab;
	}

	get rows(): readonly SiteRowView[] {
		return this.shown?.items ?? [];
	}

	get total(): number | null {
		return this.shown?.total ?? null;
	}

	/** Pages there are, at least one. */
	get pages(): number {
		return Math.max(1, Math.ceil((this.total ?? 0) / SITE_PAGE));
	}

	/** Shows the rows that match, from the first page. */
	find(search: string): void {
		if (search === this.search && this.shown !== null) return;
		this.search = search;
		this.selection.clear();
		void this.go(1);
	}

	/** Reads a page and shows it. */
	async go(page: number): Promise<void> {
		this.page = Math.max(1, page);
		// What was kept back is of the page, or of the search, that was shown before.
		this.pending = null;
		const read = await this.#read();
		if (read === null) return;
		this.shown = read;
		this.error = null;
		// Rows that went away can leave the last pages empty.
		if (read.items.length === 0 && this.page > 1 && read.total > 0) await this.go(this.pages);
		else if (this.#isOld) await this.refresh();
	}

	reload(): Promise<void> {
		return this.go(this.page);
	}

	/** Shows what was kept back, without asking again. */
	showPending(): void {
		if (this.pending === null) return;
		this.shown = this.pending;
		this.pending = null;
	}

	/** Something has changed on the site. */
	async refresh(): Promise<void> {
		if (this.busy) {
			this.#isOld = true;
			return;
		}
		if (this.shown === null) return;
		const read = await this.#read();
		if (read === null || this.shown === null) return;
		this.error = null;
		const same =
			read.items.length === this.rows.length && read.items.every((row, place) => row.id === this.rows[place]?.id);
		// An empty screen has no row that could move.
		if (same || this.rows.length === 0) {
			this.shown = read;
			this.pending = null;
		} else this.pending = read;
		if (this.#isOld) await this.refresh();
	}

	async #read(): Promise<SitePage<SiteRowView> | null> {
		this.#turn += 1;
		this.#isOld = false;
		const turn = this.#turn;
		this.busy = true;
		const answer = await this.#engine.call('site.list', {
			profile: this.#profile,
			tab: this.tab,
			page: this.page,
			search: this.search,
		});
		if (turn !== this.#turn) return null;
		this.busy = false;
		if (answer.ok) return answer.value;
		this.error = answer.error;
		return null;
	}
}
