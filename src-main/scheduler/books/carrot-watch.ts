/**
 * Whether the site answers, and whether its schedules changed. The monitor tells nobody of changes, so its list is read again and again
 * while somebody listens: politely, since each page is work for one of the site's few web processes.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { Failure } from '#main/domain/result.ts';
import type { BookState } from '#main/domain/schedule.ts';
import type { SiteSchedule, SiteSchedulePage } from '#main/domain/site.ts';
import type { SiteSchedules } from './site-schedules.ts';

export interface CarrotWatchOptions {
	readonly site: Pick<SiteSchedules, 'schedules'>;
	readonly clock: Clock;
	/** Changes whenever the row does. */
	readonly versionOf: (row: SiteSchedule) => string;
}

/** Between two looks. */
const EVERY_MS = 5_000;
/** Looks take at most this part of the time, however slow the site is. */
const SHARE = 10;
/** Pages in one look: the first, the last, and others in turn. */
const PAGES = 3;
const PAGE_ROWS = 50;
/** Between two tries while it does not answer: doubled up to this. */
const BACK_OFF_MOST_MS = 60_000;
/** After it said no; somebody has to mend that. */
const REFUSED_MS = 60_000;

/** One site's state and looks. */
export class CarrotWatch implements AsyncDisposable {
	readonly #options: CarrotWatchOptions;
	readonly #stateListeners = new Set<(state: BookState) => void>();
	readonly #changeListeners = new Set<() => void>();
	/** Versions of the rows as they were last seen, by number. */
	#known = new Map<number, string>();
	/** Rows in the list as last seen; null: never. */
	#total: number | null = null;
	#state: BookState = { kind: 'idle' };
	#attempt = 0;
	#pauseMs = EVERY_MS;
	/** Which of the middle pages is next. */
	#turn = 0;
	#timer: (Disposable & { readonly at: number }) | null = null;
	#looking: Promise<void> | null = null;
	readonly #stop = new AbortController();

	constructor(options: CarrotWatchOptions) {
		this.#options = options;
	}

	state(): BookState {
		return this.#state;
	}

	onState(listener: (state: BookState) => void): Disposable {
		return this.#listen(this.#stateListeners, listener);
	}

	onChange(listener: () => void): Disposable {
		return this.#listen(this.#changeListeners, listener);
	}

	/** Somebody is about to ask the site something. */
	asking(): void {
		if (this.#state.kind === 'idle') this.#tell({ kind: 'connecting', since: this.#options.clock.now() });
	}

	/** The site answered as a site does. */
	answered(): void {
		const before = this.#state.kind;
		this.#attempt = 0;
		if (before === 'connected') return;
		this.#tell({ kind: 'connected', since: this.#options.clock.now(), server: null });
		// What happened there while it could not be reached is not known.
		if (before === 'reconnecting' || before === 'refused') this.changed();
		// The next look may have been put off for long.
		if (this.#timer !== null) this.#lookIn(EVERY_MS);
	}

	/** The site gave no answer, or said no to everything (not just to one change). */
	failed(error: Failure): void {
		if (error.code === 'cancelled' || error.code === 'busy') return;
		const now = this.#options.clock.now();
		const status = error.details?.status;
		const broken = typeof status === 'number' && status >= 500;
		const refused = !broken && ['refused', 'unsupported', 'undecodable', 'not-found'].includes(error.code);
		this.#attempt += 1;
		const wait = refused ? REFUSED_MS : Math.min(EVERY_MS * 2 ** (this.#attempt - 1), BACK_OFF_MOST_MS);
		if (this.#timer !== null || this.#looking !== null) this.#lookIn(wait);
		const before = this.#state;
		const common = { nextTryAt: this.#timer?.at ?? null, reason: error.message };
		if (refused) {
			this.#tell({ kind: 'refused', since: before.kind === 'refused' ? before.since : now, ...common });
		} else {
			const since = before.kind === 'reconnecting' ? before.since : now;
			this.#tell({ kind: 'reconnecting', since, attempt: this.#attempt, ...common });
		}
	}

	/** All rows were read: what comes next is compared with them. */
	learn(rows: readonly SiteSchedule[], total: number): void {
		this.#known = new Map(rows.map((row) => [row.id, this.#options.versionOf(row)]));
		this.#total = total;
	}

	/** A row was written or removed (null) by this book, which is no news. */
	note(id: number, version: string | null): void {
		const there = this.#known.has(id);
		if (version === null) this.#known.delete(id);
		else this.#known.set(id, version);
		if (this.#total !== null && there !== (version !== null)) this.#total += version === null ? -1 : 1;
	}

	/** Tells everybody that something may have changed. */
	changed(): void {
		for (const listener of [...this.#changeListeners]) listener();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#stop.abort();
		this.#stateListeners.clear();
		this.#changeListeners.clear();
		this.#unschedule();
		await this.#looking;
	}

	#listen<T>(listeners: Set<T>, listener: T): Disposable {
		// Before it hears anything: nobody is called while still subscribing.
		if (this.#timer === null && !this.#stop.signal.aborted) this.#look();
		listeners.add(listener);
		return {
			[Symbol.dispose]: () => {
				listeners.delete(listener);
				if (!this.#heard()) this.#rest();
			},
		};
	}

	#heard(): boolean {
		return this.#stateListeners.size + this.#changeListeners.size > 0;
	}

	#tell(state: BookState): void {
		this.#state = state;
		for (const listener of [...this.#stateListeners]) listener(state);
	}

	/** Nobody listens any more, so nothing is tried by itself. */
	#rest(): void {
		this.#unschedule();
		const state = this.#state;
		if (state.kind === 'reconnecting' || state.kind === 'refused') this.#tell({ ...state, nextTryAt: null });
	}

	#unschedule(): void {
		this.#timer?.[Symbol.dispose]();
		this.#timer = null;
	}

	#lookIn(ms: number): void {
		this.#unschedule();
		const { clock } = this.#options;
		const timer = clock.after(ms, () => {
			this.#timer = null;
			this.#look();
		});
		this.#timer = { at: clock.now() + ms, [Symbol.dispose]: () => timer[Symbol.dispose]() };
	}

	#look(): void {
		if (this.#looking !== null) return;
		this.asking();
		this.#looking = this.#lookOnce(this.#stop.signal).finally(() => {
			this.#looking = null;
			if (!this.#heard() || this.#stop.signal.aborted) this.#rest();
			else if (this.#timer === null) this.#lookIn(this.#pauseMs);
		});
	}

	async #lookOnce(signal: AbortSignal): Promise<void> {
		const { site, clock } = this.#options;
		const began = clock.monotonic();
		let changed = false;
		let pages: readonly number[] = [1];
		for (let index = 0; index < pages.length; index += 1) {
			const page = await site.schedules(pages[index] ?? 1, signal);
			if (signal.aborted) return;
			if (!page.ok && index > 0 && page.error.code === 'not-found') {
				changed = true;
				break;
			}
			if (!page.ok) {
				this.failed(page.error);
				return;
			}
			changed = this.#compare(page.value) || changed;
			if (index === 0) pages = this.#pages(page.value.total);
		}
		this.#pauseMs = Math.min(BACK_OFF_MOST_MS, Math.max(EVERY_MS, (clock.monotonic() - began) * SHARE));
		this.answered();
		if (changed) this.changed();
	}

	/** New rows come last as a rule, so the last page is always looked at; those between get their turns. */
	#pages(total: number): readonly number[] {
		const last = Math.ceil(total / PAGE_ROWS);
		if (last <= PAGES) return Array.from({ length: Math.max(1, last) }, (_, index) => index + 1);
		this.#turn = (this.#turn + 1) % (last - 2);
		return [1, last, 2 + this.#turn];
	}

	#compare(page: SiteSchedulePage): boolean {
		let changed = this.#total !== page.total;
		this.#total = page.total;
		for (const row of page.items) {
			const version = this.#options.versionOf(row);
			if (this.#known.get(row.id) === version) continue;
			this.#known.set(row.id, version);
			changed = true;
		}
		return changed;
	}
}
