/**
 * Keeps history in step with a site's rows. A page that anybody reads is mirrored; while somebody watches, the first page of each list
 * is read every few seconds, one after another, so that the site never has two of our requests at a time.
 */
import type { Clock } from '#main/domain/clock.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { CarrotDialect } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import { SITE_TABS, type SitePage, type SiteRow, type SiteSchedule, type SiteTab } from '#main/domain/site.ts';
import type { HistoryStore } from '#main/store/store.ts';
import type { SiteClient } from './client.ts';
import { type KnownAttempt, opsOfRow } from './history.ts';

export interface MirrorOptions {
	readonly profile: ProfileId;
	readonly dialect: CarrotDialect;
	readonly client: Pick<SiteClient, 'page' | 'schedules'>;
	readonly history: Pick<HistoryStore, 'apply' | 'taskOfMessage' | 'detail'>;
	readonly clock: Clock;
}

/** What watching found last. */
export interface MirrorView {
	readonly counts: Readonly<Record<SiteTab, number>> | null;
	/** Epoch ms of the last look that was answered; null: none yet. */
	readonly at: number | null;
	/** Rises whenever a look found something new or changed: lists should be read again. */
	readonly revision: number;
	/** Why the last look failed, in words; null: it did not. */
	readonly problem: string | null;
}

export interface SiteMirror {
	/** Reads a page and keeps what it shows. */
	page(tab: SiteTab, page: number, search: string, signal?: AbortSignal): Promise<Result<SitePage<SiteRow>>>;
	/**
	 * Reads pages of a list until its end or `most` rows, and keeps them. Rows that move between pages meanwhile are told once; one
	 * that moves to a page already read is missed, so `complete` is only claimed when the total stayed the same.
	 */
	all(
		tab: SiteTab,
		search: string,
		most: number,
		signal?: AbortSignal,
	): Promise<Result<{ readonly items: readonly SiteRow[]; readonly complete: boolean; readonly at: number }>>;
	/** Keeps these rows, whatever happens to them next. `settled`: see `RowContext`. */
	keep(rows: readonly SiteRow[], settled: boolean): Promise<void>;
	/** When each schedule was first seen in force without a break, epoch ms. */
	noteSchedules(schedules: readonly SiteSchedule[]): ReadonlyMap<number, number>;
	/** Looks every `everyMs` until disposed of; several watchers share one rhythm. */
	watch(everyMs: number, listener: (view: MirrorView) => void): AsyncDisposable;
	view(): MirrorView;
}

/** A row that ended so long ago tells the truth; a younger one may be a consumer's of this home, about to tell its own story. */
const SETTLED_MS = 10_000;
/** Statuses remembered between looks; beyond that the oldest are forgotten, which costs a look-up. */
const REMEMBERED = 20_000;

/** Makes the mirror of one profile's site. */
export function createMirror(options: MirrorOptions): SiteMirror {
	return new Mirror(options);
}

interface Watcher {
	readonly everyMs: number;
	readonly listener: (view: MirrorView) => void;
}

class Mirror implements SiteMirror {
	readonly #options: MirrorOptions;
	/** By uuid: the status that history was told of, or `!` before it for one seen but not yet settled. */
	readonly #seen = new Map<string, string>();
	readonly #schedules = new Map<number, { readonly key: string; readonly since: number }>();
	readonly #watchers = new Set<Watcher>();
	/** What the first page of each list showed when watchers were last told, whoever read it since. */
	#shown: ReadonlyMap<SiteTab, string> = new Map();
	/** One after another: of two that keep the same row at once, each would tell history of it. */
	#keeping: Promise<void> = Promise.resolve();
	#view: MirrorView = { counts: null, at: null, revision: 0, problem: null };
	#timer: Disposable | null = null;
	#looking: Promise<void> | null = null;
	#stop: AbortController | null = null;

	constructor(options: MirrorOptions) {
		this.#options = options;
	}

	view(): MirrorView {
		return this.#view;
	}

	async page(tab: SiteTab, page: number, search: string, signal?: AbortSignal): Promise<Result<SitePage<SiteRow>>> {
		const read = await this.#options.client.page(tab, page, search, signal);
		if (read.ok) await this.keep(read.value.items, false);
		return read;
	}

	async all(tab: SiteTab, search: string, most: number, signal?: AbortSignal): ReturnType<SiteMirror['all']> {
		const items = new Map<number, SiteRow>();
		let total: number | null = null;
		let still = true;
		let at = this.#options.clock.now();
		for (let number = 1; ; number += 1) {
			const page = await this.page(tab, number, search, signal);
			if (!page.ok) {
				// The list became shorter while it was read.
				if (page.error.code === 'not-found' && number > 1)
					return ok({ items: [...items.values()], complete: false, at });
				return page;
			}
			still &&= total === null || total === page.value.total;
			total = page.value.total;
			at = page.value.at;
			for (const row of page.value.items) items.set(row.id, row);
			if (page.value.unreadable.length > 0) still = false;
			if (!page.value.more) return ok({ items: [...items.values()], complete: still && items.size === total, at });
			if (items.size >= most) return ok({ items: [...items.values()].slice(0, most), complete: false, at });
		}
	}

	keep(rows: readonly SiteRow[], settled: boolean): Promise<void> {
		const kept = this.#keeping.then(() => this.#keep(rows, settled));
		// Whoever gave the rows is told.
		this.#keeping = kept.catch(() => undefined);
		return kept;
	}

	async #keep(rows: readonly SiteRow[], settled: boolean): Promise<void> {
		const { profile, dialect, history, clock } = this.#options;
		const now = clock.now();
		for (const row of rows) {
			if (row.uuid === '') continue;
			const before = this.#seen.get(row.uuid);
			if (before === row.status) continue;
			const endedAt = row.completedAt ?? row.failedAt;
			const isSettled = settled || before === `!${row.status}` || (endedAt !== null && endedAt < now - SETTLED_MS);
			const known = before === undefined || isSettled ? await this.#known(row.uuid) : null;
			if (known !== null) {
				const ops = opsOfRow(row, { profile, dialect, now, known, settled: isSettled });
				if (ops.length > 0) await history.apply(ops);
			}
			this.#remember(row.uuid, isSettled || row.status === 'PUBLISHED' ? row.status : `!${row.status}`);
		}
	}

	async #known(uuid: string): Promise<readonly KnownAttempt[]> {
		const { profile, history } = this.#options;
		const task = await history.taskOfMessage(profile, uuid);
		if (task === null) return [];
		const detail = await history.detail(profile, task);
		return detail?.history.filter((attempt) => attempt.messageId === uuid) ?? [];
	}

	#remember(uuid: string, status: string): void {
		this.#seen.delete(uuid);
		this.#seen.set(uuid, status);
		if (this.#seen.size <= REMEMBERED) return;
		for (const oldest of this.#seen.keys()) {
			this.#seen.delete(oldest);
			if (this.#seen.size <= REMEMBERED) return;
		}
	}

	noteSchedules(schedules: readonly SiteSchedule[]): ReadonlyMap<number, number> {
		const now = this.#options.clock.now();
		const there = new Set(schedules.map((schedule) => schedule.id));
		for (const id of this.#schedules.keys()) if (!there.has(id)) this.#schedules.delete(id);
		for (const schedule of schedules) {
			// Another interval or a pause makes the site's scheduler count anew.
			const key = `${schedule.active}:${schedule.intervalMs}`;
			if (this.#schedules.get(schedule.id)?.key !== key) this.#schedules.set(schedule.id, { key, since: now });
		}
		return new Map([...this.#schedules].map(([id, { since }]) => [id, since]));
	}

	watch(everyMs: number, listener: (view: MirrorView) => void): AsyncDisposable {
		const watcher = { everyMs, listener };
		const before = this.#everyMs();
		this.#watchers.add(watcher);
		if (this.#watchers.size === 1 && this.#looking === null) this.#lookAgain();
		else {
			listener(this.#view);
			// The look that was to come next may be longer away than this one's.
			if (this.#timer !== null && everyMs < before) this.#lookIn(everyMs);
		}
		return {
			[Symbol.asyncDispose]: async () => {
				this.#watchers.delete(watcher);
				if (this.#watchers.size > 0) return;
				this.#timer?.[Symbol.dispose]();
				this.#timer = null;
				this.#stop?.abort();
				await this.#looking;
			},
		};
	}

	#lookAgain(): void {
		this.#timer = null;
		const stop = new AbortController();
		this.#stop = stop;
		this.#looking = this.#look(stop.signal)
			.catch((error: unknown) => {
				this.#tell({ ...this.#view, problem: `What the site shows could not be kept: ${String(error)}` });
			})
			.then(() => {
				this.#looking = null;
				if (this.#watchers.size === 0) return;
				// Somebody came while the look of those who had gone was being ended.
				if (stop.signal.aborted) this.#lookAgain();
				else this.#lookIn(this.#everyMs());
			});
	}

	#lookIn(ms: number): void {
		this.#timer?.[Symbol.dispose]();
		this.#timer = this.#options.clock.after(ms, () => this.#lookAgain());
	}

	/** As the most impatient watcher wants it. */
	#everyMs(): number {
		return Math.min(...[...this.#watchers].map(({ everyMs }) => everyMs));
	}

	async #look(signal: AbortSignal): Promise<void> {
		const counts: Record<SiteTab, number> = { published: 0, failed: 0, completed: 0 };
		const shown = new Map<SiteTab, string>();
		for (const tab of SITE_TABS) {
			const page = await this.page(tab, 1, '', signal);
			if (signal.aborted) return;
			if (!page.ok) {
				this.#tell({ ...this.#view, problem: page.error.message });
				return;
			}
			counts[tab] = page.value.total;
			shown.set(tab, page.value.items.map(({ id, status }) => `${id} ${status}`).join());
		}
		const schedules = await this.#options.client.schedules(1, signal);
		if (schedules.ok && !schedules.value.more) this.noteSchedules(schedules.value.items);
		const old = this.#view.counts;
		// Only what was told counts as shown: a look that failed half way has told nobody.
		const changed = SITE_TABS.some((tab) => this.#shown.get(tab) !== shown.get(tab));
		this.#shown = shown;
		const moved = old === null || SITE_TABS.some((tab) => old[tab] !== counts[tab]);
		const revision = this.#view.revision + (changed || moved ? 1 : 0);
		this.#tell({ counts, at: this.#options.clock.now(), revision, problem: null });
	}

	#tell(view: MirrorView): void {
		this.#view = view;
		for (const { listener } of this.#watchers) listener(view);
	}
}
