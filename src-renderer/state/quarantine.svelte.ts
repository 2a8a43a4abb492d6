/**
 * Messages in quarantine of one profile: how many are held, the list as it was last asked for, the one that is open, and what
 * a person decides about them. The list holds still: what came or went since is counted and offered.
 */
import type { QuarantineCause, QuarantineItem, QuarantineState } from '#main/domain/quarantine.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { CallerInput, Output } from '#main/ipc/contract.ts';
import { Change } from './change.svelte.ts';
import { Cursor } from './cursor.svelte.ts';
import { type Answer, type Engine, LOADING, type Loaded, loaded } from './engine.ts';
import { Selection } from './selection.svelte.ts';
import type { TaskTicks } from './task-ticks.ts';
import type { Toasts } from './toasts.svelte.ts';

export type QuarantineDetail = Output<'quarantine.show'>;
export type QuarantineDecision = Output<'quarantine.release'>;

/** Which messages the list shows. Null: any. */
export interface QuarantineFilter {
	readonly state: QuarantineState | 'any';
	readonly cause: QuarantineCause | null;
	readonly queue: string | null;
}

/** What is to be done with which messages; sending has a form of its own, which reviews as it is filled in. */
export interface QuarantinePlan {
	readonly action: 'release' | 'discard' | 'restore';
	readonly ids: readonly number[];
}

/** Rows per question, the most that a route gives. */
const PAGE = 500;
/** Messages that one decision may cover. */
const MOST = 10_000;
/** Ticks come with every task; counting is asked for at most this often. */
const PACE_MS = 2_000;

const PAST = { release: 'given back', discard: 'discarded', restore: 'held again', send: 'sent' } as const;

export class Quarantine implements Disposable {
	/** Messages that wait for a decision; null: not known yet. */
	held: number | null = $state(null);
	filter: QuarantineFilter = $state.raw({ state: 'held', cause: null, queue: null });
	items: readonly QuarantineItem[] = $state.raw([]);
	/** Messages that match; null: not read yet. */
	total: number | null = $state(null);
	error: WireError | null = $state.raw(null);
	busy = $state(false);
	/** How many more or fewer there are now than the list shows; null: it shows them all. */
	pending: number | null = $state(null);
	/** Rises when the list is to be shown from its top again. */
	rewound = $state(0);
	/** The message in the drawer. */
	open: { readonly id: number; readonly state: Loaded<QuarantineDetail> } | null = $state.raw(null);
	readonly selection = new Selection();
	readonly cursor = new Cursor(() => this.items.map((item) => String(item.id)));
	readonly change: Change<QuarantinePlan, QuarantineDecision, QuarantineDecision>;
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #toasts: Toasts;
	readonly #ticking: Disposable;
	/** Answers about an earlier filter are dropped. */
	#epoch = 0;
	#reading = false;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#counting = false;
	#closed = false;

	constructor(engine: Engine, ticks: TaskTicks, profile: string, toasts: Toasts) {
		this.#engine = engine;
		this.#profile = profile;
		this.#toasts = toasts;
		this.change = new Change({
			review: ({ action, ids }) => engine.call(`quarantine.${action}`, { profile, ids: [...ids], dryRun: true }),
			run: ({ action, ids }, review, options) => {
				const left = new Set(review.items.flatMap((item) => (item.outcome === 'done' ? [] : [item.id])));
				return engine.call(`quarantine.${action}`, { profile, ids: ids.filter((id) => !left.has(id)) }, options);
			},
			done: (plan, outcome) => this.settled(outcome, () => this.change.report(plan, outcome)),
			failed: (_plan, error) => void toasts.show('failed', 'The messages stay as they are', { text: error.message }),
		});
		this.#ticking = ticks.on(() => this.#soon());
		void this.count();
	}

	/** Shows the list for a filter, from its top. */
	show(filter: QuarantineFilter): void {
		this.filter = filter;
		this.selection.clear();
		this.reload();
	}

	/** Reads anew from the top; the rows stay until the first page is there. */
	reload(): void {
		this.#epoch += 1;
		this.#reading = false;
		this.rewound += 1;
		void this.#readPage(true);
	}

	/** Reads on until the rows up to this place are there, as far as there are any. */
	look(end: number): void {
		if (this.total === null || this.items.length >= Math.min(end, this.total) || this.#reading) return;
		void this.#readPage(false).then((more) => {
			if (more) this.look(end);
		});
	}

	/** Ticks everything that matches, by number; more than a decision may cover are left out. */
	async selectEverything(): Promise<void> {
		const epoch = this.#epoch;
		while (this.total !== null && this.items.length < Math.min(this.total, MOST)) {
			if (!(await this.#readPage(false)) || epoch !== this.#epoch) break;
		}
		if (epoch === this.#epoch)
			this.selection.set(
				this.items.slice(0, MOST).map((item) => String(item.id)),
				true,
			);
	}

	/** The numbers that a command is aimed at: what is ticked, else the open message, else the row at the keyboard. */
	get aim(): readonly number[] {
		if (this.selection.ids.size > 0) return [...this.selection.ids].map(Number).sort((a, b) => a - b);
		const one = this.open?.id ?? (this.cursor.id === null ? null : Number(this.cursor.id));
		return one === null ? [] : [one];
	}

	/** A message of the list, by number. */
	item(id: number): QuarantineItem | null {
		if (this.open?.id === id && this.open.state.kind === 'ready') return this.open.state.value.item;
		return this.items.find((item) => item.id === id) ?? null;
	}

	/** Puts a message into the drawer; null closes it. */
	openMessage(id: number | null): void {
		if (this.open?.id === id) return;
		if (id === null) {
			this.open = null;
			return;
		}
		this.open = { id, state: LOADING };
		void this.readOpen(false);
	}

	/** Reads the open message; with its whole body where that is long and wanted. */
	async readOpen(whole: boolean): Promise<void> {
		const id = this.open?.id;
		if (id === undefined) return;
		const answer = await this.#engine.call('quarantine.show', { profile: this.#profile, id, whole });
		if (this.open?.id === id && !this.#closed) this.open = { id, state: loaded(answer) };
	}

	/** What sending these would do (`dryRun`), or sends them. */
	send(input: Omit<CallerInput<'quarantine.send'>, 'profile'>): Promise<Answer<QuarantineDecision>> {
		return this.#engine.call('quarantine.send', { ...input, profile: this.#profile });
	}

	/** A decision was carried out: what it took leaves the list, and it is told. */
	settled(outcome: QuarantineDecision, report: (() => void) | null): void {
		this.selection.clear();
		const gone = new Set(doneIn(outcome));
		// A thousand outcomes are listed; where more went, the list is read again.
		const listed = gone.size === outcome.done;
		if (listed && this.filter.state !== 'any') {
			const place = this.cursor.place;
			this.items = this.items.filter((item) => !gone.has(item.id));
			if (this.total !== null) this.total = Math.max(0, this.total - gone.size);
			if (place >= 0 && this.cursor.place < 0) this.cursor.at(place);
		} else this.reload();
		if (this.open !== null && gone.has(this.open.id)) void this.readOpen(false);
		void this.count();
		this.#tell(outcome, report);
	}

	/** Counts what is held, and whether the list still shows what there is. */
	async count(): Promise<void> {
		if (this.#counting) return;
		this.#counting = true;
		const epoch = this.#epoch;
		const answer = await this.#engine.call('quarantine.list', { ...this.#query(), limit: 1 });
		this.#counting = false;
		if (this.#closed || !answer.ok) return;
		this.held = answer.value.held;
		if (epoch !== this.#epoch || this.total === null) return;
		const newest = answer.value.items[0]?.id ?? null;
		const away = answer.value.total - this.total;
		if (away === 0 && newest === (this.items[0]?.id ?? null)) this.pending = null;
		else if (this.items.length === 0) this.reload();
		else this.pending = away;
	}

	[Symbol.dispose](): void {
		this.#closed = true;
		this.#epoch += 1;
		clearTimeout(this.#timer);
		this.#ticking[Symbol.dispose]();
		this.change[Symbol.dispose]();
	}

	#tell(outcome: QuarantineDecision, report: (() => void) | null): void {
		const { action, done, failed, skipped, items } = outcome;
		const words = [
			`${messages(done)} ${PAST[action]}`,
			...(failed > 0 ? [`${failed} failed`] : []),
			...(skipped > 0 ? [`${skipped} left out`] : []),
		].join(', ');
		if (failed === 0 && skipped === 0) {
			this.#toasts.show('done', words);
			return;
		}
		this.#toasts.show(failed > 0 ? 'failed' : 'note', words, {
			text: items.find((item) => item.outcome !== 'done')?.reason ?? '',
			action: report === null ? null : { label: 'Show which', run: report },
		});
	}

	#soon(): void {
		if (this.#closed) return;
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			void this.count();
		}, PACE_MS);
	}

	#query(): CallerInput<'quarantine.list'> {
		const { state, cause, queue } = this.filter;
		return {
			profile: this.#profile,
			state,
			...(cause === null ? {} : { cause }),
			...(queue === null ? {} : { queue }),
		};
	}

	/** True when there may be more after it. */
	async #readPage(first: boolean): Promise<boolean> {
		const epoch = this.#epoch;
		this.#reading = true;
		this.busy = true;
		const last = first ? undefined : this.items.at(-1)?.id;
		const answer = await this.#engine.call('quarantine.list', {
			...this.#query(),
			limit: PAGE,
			...(last === undefined ? {} : { before: last }),
		});
		if (epoch !== this.#epoch) return false;
		this.#reading = false;
		this.busy = false;
		if (!answer.ok) {
			this.error = answer.error;
			return false;
		}
		this.error = null;
		this.held = answer.value.held;
		const { items, total } = answer.value;
		this.items = first ? items : [...this.items, ...items];
		if (first) {
			this.total = total;
			this.pending = null;
		}
		// What left meanwhile leaves no holes: the list ends where its rows end.
		if (items.length < PAGE) this.total = this.items.length;
		return items.length === PAGE;
	}
}

/** "1 message", "1,284 messages". */
export function messages(count: number): string {
	return count === 1 ? '1 message' : `${count.toLocaleString('en')} messages`;
}

/** The numbers that a decision took, or would take. */
function doneIn(outcome: QuarantineDecision): number[] {
	return outcome.items.flatMap((item) => (item.outcome === 'done' ? [item.id] : []));
}
