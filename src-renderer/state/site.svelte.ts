/**
 * A carrot site as the page knows it: its doors, its lists, the row that is open, what a person does to rows, and what does not fit
 * together. Nothing is asked of the site until somebody looks.
 */
import { SITE_TABS, type SiteTab } from '#main/domain/site.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput, Output } from '#main/ipc/contract.ts';
import { Change } from './change.svelte.ts';
import { type Engine, LOADING, type Loaded, loaded } from './engine.ts';
import { Reading } from './reading.svelte.ts';
import { SiteList } from './site-list.svelte.ts';
import type { Toasts } from './toasts.svelte.ts';

export const SITE_PARTS = ['failed', 'published', 'completed', 'schedules', 'reconcile', 'doors'] as const;
export type SitePart = (typeof SITE_PARTS)[number];

export type SiteOutcome = Output<'site.requeue'>;
export type SiteRowDetail = Output<'site.show'>;
export type SiteReconciliation = Output<'site.reconcile'>;
type Tick = { readonly counts: Readonly<Record<SiteTab, number>> | null; readonly revision: number };

/** What is to be done with which rows. */
export interface SitePlan {
	readonly action: 'requeue' | 'delete';
	/** By number, or all of a list that match. */
	readonly target:
		| { readonly ids: readonly number[] }
		| { readonly all: SiteTab; readonly search: string; readonly except: ReadonlySet<string> };
	/** Also rows in progress, also rows that wait, and the messages of those as well. */
	readonly running: boolean;
	readonly waiting: boolean;
	readonly messages: boolean;
}

/** The site's project, for what its API cannot do; empty: not given. Kept while the profile is open. */
export interface SiteProject {
	project: string;
	settings: string;
	python: string;
}

export class Site implements Disposable {
	readonly status: Reading<Output<'site.status'>>;
	readonly schedules: Reading<Output<'site.schedules'>>;
	readonly change: Change<SitePlan, SiteOutcome, SiteOutcome>;
	readonly reconcile: Reconcile;
	/** Row counts as watching saw them last; null: not known. */
	counts: Readonly<Record<SiteTab, number>> | null = $state.raw(null);
	/** Why the last look at the site failed, in words. */
	problem: string | null = $state(null);
	watchError: WireError | null = $state.raw(null);
	/** The row in the drawer. */
	open: { readonly id: number; readonly state: Loaded<SiteRowDetail> } | null = $state.raw(null);
	/** Rows being read into history; null: none. */
	collecting = $state(false);
	project: SiteProject = $state({ project: '', settings: '', python: '' });
	readonly #lists: Readonly<Record<SiteTab, SiteList>>;
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #toasts: Toasts;
	#revision: number | null = null;
	#collect: AbortController | null = null;
	#closed = false;
	#opened = 0;

	constructor(engine: Engine, profile: string, toasts: Toasts, showRow: (id: number) => void) {
		this.#engine = engine;
		this.#profile = profile;
		this.#toasts = toasts;
		this.status = new Reading(() => engine.call('site.status', { profile, ...this.#projectInput }));
		this.schedules = new Reading(() => engine.call('site.schedules', { profile }));
		this.reconcile = new Reconcile(engine, profile);
		this.#lists = {
			published: new SiteList(engine, profile, 'published'),
			failed: new SiteList(engine, profile, 'failed'),
			completed: new SiteList(engine, profile, 'completed'),
		};
		this.change = new Change({
			review: (plan) =>
				engine.call(`site.${plan.action}`, { ...this.#changeInput(plan), ...named(plan), dryRun: true }),
			run: (plan, review, options) =>
				engine.call(`site.${plan.action}`, { ...this.#changeInput(plan), ids: [...rowsOf(plan, review)] }, options),
			done: (plan, outcome) => this.#done(plan, outcome, showRow),
			failed: (_plan, error) => void toasts.show('failed', 'The rows stay as they are', { text: error.message }),
		});
	}

	list(tab: SiteTab): SiteList {
		return this.#lists[tab];
	}

	/** Watches the site until disposed of: counts are told, and lists are brought up to date when something has changed. */
	watch(): Disposable {
		const take = (items: readonly { readonly tick: Tick & { readonly problem: string | null } }[]): void => {
			const tick = items.at(-1)?.tick;
			if (tick === undefined) return;
			this.counts = tick.counts ?? this.counts;
			this.problem = tick.problem;
			this.watchError = null;
			if (this.#revision !== null && tick.revision !== this.#revision) this.#changed();
			this.#revision = tick.revision;
		};
		return this.#engine.open(
			'site.watch',
			{ profile: this.#profile },
			{
				snapshot: take,
				change: take,
				end: (error) => {
					this.watchError = error;
				},
			},
		);
	}

	/** Puts a row into the drawer; null closes it. */
	openRow(id: number | null): void {
		if (this.open?.id === id) return;
		if (id === null) {
			this.open = null;
			return;
		}
		this.open = { id, state: LOADING };
		void this.readOpen();
	}

	async readOpen(): Promise<void> {
		const id = this.open?.id;
		if (id === undefined) return;
		this.#opened += 1;
		const asked = this.#opened;
		const answer = await this.#engine.call('site.show', { profile: this.#profile, id });
		if (asked === this.#opened && this.open?.id === id && !this.#closed) this.open = { id, state: loaded(answer) };
	}

	/** Reads a list, or all, to the end into history. */
	async collect(): Promise<void> {
		if (this.collecting) {
			this.#collect?.abort();
			return;
		}
		this.collecting = true;
		this.#collect = new AbortController();
		const { signal } = this.#collect;
		const answer = await this.#engine.call('site.collect', { profile: this.#profile }, { signal });
		this.collecting = false;
		if (!answer.ok) {
			if (answer.error.code !== 'cancelled')
				this.#toasts.show('failed', 'The rows were not all collected', { text: answer.error.message });
			return;
		}
		const { rows, complete } = answer.value;
		this.#toasts.show(complete ? 'done' : 'note', `${rowsWords(rows)} kept in history`, {
			text: complete ? '' : 'There are more; 5,000 of a list are read at most.',
		});
	}

	[Symbol.dispose](): void {
		this.#closed = true;
		this.#collect?.abort();
		this.status[Symbol.dispose]();
		this.schedules[Symbol.dispose]();
		this.change[Symbol.dispose]();
	}

	#changed(): void {
		for (const tab of SITE_TABS) void this.#lists[tab].refresh();
		if (this.open !== null) void this.readOpen();
	}

	get #projectInput(): Pick<CallerInput<'site.requeue'>, 'project' | 'settings' | 'python'> {
		const project = this.project.project.trim();
		const settings = this.project.settings.trim();
		const python = this.project.python.trim();
		if (project === '' && settings === '') return {};
		return {
			...(project === '' ? {} : { project }),
			...(settings === '' ? {} : { settings }),
			...(python === '' ? {} : { python }),
		};
	}

	#changeInput(plan: SitePlan): CallerInput<'site.delete'> & Pick<CallerInput<'site.requeue'>, 'project'> {
		const { action, running, waiting, messages } = plan;
		return {
			profile: this.#profile,
			running,
			waiting,
			messages,
			...(action === 'requeue' ? this.#projectInput : {}),
		};
	}

	#done(plan: SitePlan, outcome: SiteOutcome, showRow: (id: number) => void): void {
		for (const tab of SITE_TABS) {
			const list = this.#lists[tab];
			list.selection.clear();
			if (list.shown !== null) void list.reload();
		}
		if (this.open !== null) void this.readOpen();
		const verb = plan.action === 'requeue' ? 'sent again' : 'deleted';
		const [link] = outcome.links;
		const one = outcome.done === 1 && outcome.failed === 0 && outcome.skipped === 0 && !outcome.cancelled;
		if (one && link?.newId != null) {
			const { id, newId } = link;
			this.#toasts.show('done', `Row ${id} is sent again as row ${newId}`, {
				action: { label: 'Show it', run: () => showRow(newId) },
			});
			return;
		}
		const words = [
			`${rowsWords(outcome.done)} ${verb}`,
			...(outcome.failed > 0 ? [`${outcome.failed} failed`] : []),
			...(outcome.skipped > 0 ? [`${outcome.skipped} left out`] : []),
			...(outcome.cancelled ? ['stopped before the end'] : []),
		].join(', ');
		this.#toasts.show(
			outcome.failed > 0 ? 'failed' : outcome.skipped > 0 || outcome.cancelled ? 'note' : 'done',
			words,
			{
				text: outcome.items.find((item) => item.outcome !== 'done')?.reason ?? '',
				action: { label: 'Show which', run: () => this.change.report(plan, outcome) },
			},
		);
	}
}

const EXPECTED = 'warren.expect.';

/** What does not fit between rows, messages, consumers and schedules: asked for by a person, never by itself. */
export class Reconcile {
	result: SiteReconciliation | null = $state.raw(null);
	error: WireError | null = $state.raw(null);
	busy = $state(false);
	/** Looks into the queues as well, which marks their messages as redelivered. */
	peek = $state(false);
	/** Consumers that a queue should have, as typed; the site does not tell. */
	expect: Record<string, string> = $state({});
	readonly #engine: Engine;
	readonly #profile: string;
	#turn = 0;

	constructor(engine: Engine, profile: string) {
		this.#engine = engine;
		this.#profile = profile;
		this.expect = remembered(profile);
	}

	/** What is wrong with a number; null: nothing. */
	fault(queue: string): string | null {
		const text = (this.expect[queue] ?? '').trim();
		return text === '' || /^\d{1,4}$/.test(text) ? null : 'A whole number';
	}

	setExpected(queue: string, text: string): void {
		const { [queue]: _old, ...rest } = this.expect;
		this.expect = text.trim() === '' ? rest : { ...rest, [queue]: text.trim() };
		localStorage.setItem(`${EXPECTED}${this.#profile}`, JSON.stringify(this.expect));
	}

	async look(): Promise<void> {
		this.#turn += 1;
		const turn = this.#turn;
		this.busy = true;
		const expect = Object.fromEntries(Object.entries(this.expect).filter(([queue]) => this.fault(queue) === null));
		const answer = await this.#engine.call('site.reconcile', { profile: this.#profile, expect, peek: this.peek });
		if (turn !== this.#turn) return;
		this.busy = false;
		if (answer.ok) {
			this.result = answer.value;
			this.error = null;
		} else this.error = answer.error;
	}
}

function remembered(profile: string): Record<string, string> {
	try {
		const read: unknown = JSON.parse(localStorage.getItem(`${EXPECTED}${profile}`) ?? '{}');
		if (typeof read !== 'object' || read === null) return {};
		return Object.fromEntries(
			Object.entries(read).filter((pair): pair is [string, string] => typeof pair[1] === 'string'),
		);
	} catch {
		// Somebody else's text under this name is as good as none.
		return {};
	}
}

function named(plan: SitePlan): Pick<CallerInput<'site.delete'>, 'ids' | 'all' | 'search'> {
	const { target } = plan;
	return 'ids' in target ? { ids: [...target.ids] } : { all: target.all, search: target.search };
}

/** The rows that a review froze, less those that a person left out of "all". */
export function rowsOf(plan: SitePlan, review: SiteOutcome): readonly number[] {
	const ids = review.review?.ids ?? [];
	const { target } = plan;
	return 'ids' in target ? ids : ids.filter((id) => !target.except.has(String(id)));
}

/** "1 row", "1,284 rows". */
export function rowsWords(count: number): string {
	return count === 1 ? '1 row' : `${count.toLocaleString('en')} rows`;
}
