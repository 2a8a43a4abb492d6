/**
 * The failed tasks of a profile by their cause: the groups as they were last shown, the one that is open, and what a person decides
 * about them. Rows hold still: counts are brought up to date where they stand, and what would move them is counted and offered.
 */
import type {
	FailureGroup,
	FailureGroupDetail,
	FailureGroupList,
	SplitBy,
	TrendWindow,
} from '#main/domain/failure-group.ts';
import type { WireError } from '#main/ipc/codes.ts';
import type { Answer, Engine } from './engine.ts';
import { GroupComparison } from './group-comparison.svelte.ts';
import type { SelectionScope } from './selection.svelte.ts';
import type { TaskTicks } from './task-ticks.ts';
import type { Toasts } from './toasts.svelte.ts';

/** Ticks come with every task; groups are read anew at most this often. */
const PACE_MS = 1_500;
/** Tasks of an open group that are listed under it. */
const NEWEST = 20;

export class FailureGroups implements Disposable {
	filter = $state('');
	/** Resolved and ignored ones too. */
	all = $state(false);
	window: TrendWindow = $state('24h');
	/** As it was last read; null: not yet. */
	list: FailureGroupList | null = $state.raw(null);
	/** The rows, in the order in which they are shown. */
	items: readonly FailureGroup[] = $state.raw([]);
	error: WireError | null = $state.raw(null);
	/** Failures and groups that have come since the rows were put in order; null: none. */
	pending: { readonly tasks: number; readonly groups: number } | null = $state.raw(null);
	/** The group whose tasks and reasons are shown, by key. */
	open: string | null = $state(null);
	detail: FailureGroupDetail | null = $state.raw(null);
	/** The group at the keyboard, by key. */
	focused: string | null = $state(null);
	/** What differs between the runs of the open group and those that succeed. */
	readonly comparison: GroupComparison;
	readonly #engine: Engine;
	readonly #profile: string;
	readonly #toasts: Toasts;
	readonly #ticking: Disposable;
	#shownTasks = 0;
	#epoch = 0;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#watched = false;
	#details = 0;

	constructor(engine: Engine, ticks: TaskTicks, profile: string, toasts: Toasts) {
		this.#engine = engine;
		this.#profile = profile;
		this.#toasts = toasts;
		this.comparison = new GroupComparison(engine, profile);
		this.#ticking = ticks.on(() => this.#soon());
	}

	/** While it is on the screen it keeps itself up to date. */
	watch(): Disposable {
		this.#watched = true;
		return {
			[Symbol.dispose]: () => {
				this.#watched = false;
			},
		};
	}

	/** Shows the groups of what matches, from the top. */
	show(filter: string): void {
		if (filter === this.filter && this.list !== null && this.error === null) {
			this.#soon();
			return;
		}
		this.filter = filter;
		void this.reload();
	}

	/** Reads anew and puts the rows in order. */
	async reload(): Promise<void> {
		this.#epoch += 1;
		const epoch = this.#epoch;
		const answer = await this.#read();
		if (epoch !== this.#epoch) return;
		if (!answer.ok) {
			this.error = answer.error;
			return;
		}
		this.error = null;
		this.list = answer.value;
		this.items = answer.value.items;
		this.#shownTasks = answer.value.tasks;
		this.pending = null;
		if (this.open !== null) await this.#readDetail(this.open);
	}

	/** Opens a group, or closes it where it is open. */
	toggle(key: string): void {
		this.focused = key;
		if (this.open === key) {
			this.open = null;
			this.detail = null;
			this.comparison.clear();
			return;
		}
		this.open = key;
		this.detail = null;
		void this.#readDetail(key);
		// Once per opening: it reads thousands of runs, and what differs does not change with every task.
		void this.comparison.compare(key);
	}

	/** Moves the keyboard by some rows; the key it is at then. */
	moveFocus(by: number): string | null {
		const at = this.items.findIndex((group) => group.key === this.focused);
		const next = this.items[Math.max(0, Math.min(this.items.length - 1, at < 0 ? 0 : at + by))];
		this.focused = next?.key ?? null;
		return this.focused;
	}

	/** What a command for tasks is aimed at: the tasks of the group at the keyboard that match the filter. */
	get aim(): { readonly scope: SelectionScope; readonly count: number } | null {
		const group = this.items.find((one) => one.key === this.focused);
		if (group === undefined || group.tasks === 0) return null;
		const where = this.filter.trim();
		return { scope: { group: group.key, ...(where === '' ? {} : { where }) }, count: group.tasks };
	}

	resolve(key: string): Promise<void> {
		return this.#decide(this.#engine.call('group.resolve', { profile: this.#profile, group: key }), key);
	}

	reopen(key: string): Promise<void> {
		return this.#decide(this.#engine.call('group.reopen', { profile: this.#profile, group: key }), null);
	}

	ignore(key: string, until: { readonly hours: number } | { readonly failures: number }): Promise<void> {
		return this.#decide(this.#engine.call('group.ignore', { profile: this.#profile, group: key, ...until }), key);
	}

	note(key: string, note: string): Promise<void> {
		return this.#decide(this.#engine.call('group.note', { profile: this.#profile, group: key, note }), null);
	}

	merge(key: string, other: string): Promise<void> {
		return this.#decide(
			this.#engine.call('group.merge', { profile: this.#profile, group: key, others: [other] }),
			null,
		);
	}

	split(key: string, by: SplitBy): Promise<void> {
		return this.#decide(this.#engine.call('group.split', { profile: this.#profile, group: key, by }), null);
	}

	[Symbol.dispose](): void {
		this.#epoch += 1;
		clearTimeout(this.#timer);
		this.#ticking[Symbol.dispose]();
	}

	/** `back`: the group leaves the list by this, and the note about it offers to take that back. */
	async #decide(done: Promise<Answer<{ readonly words: string }>>, back: string | null): Promise<void> {
		const answer = await done;
		if (!answer.ok) {
			this.#toasts.show('failed', 'The group stays as it is', { text: answer.error.message });
			return;
		}
		const action = back === null ? {} : { action: { label: 'Reopen', run: () => void this.reopen(back) } };
		this.#toasts.show('done', answer.value.words, action);
		await this.reload();
	}

	#read(): Promise<Answer<FailureGroupList>> {
		const { filter: query, all, window } = this;
		return this.#engine.call('group.list', { profile: this.#profile, query, all, window, limit: 200 });
	}

	async #readDetail(key: string): Promise<void> {
		const input = { profile: this.#profile, group: key, window: this.window, limit: NEWEST };
		this.#details += 1;
		const asked = this.#details;
		const answer = await this.#engine.call('group.show', input);
		// An answer to an older question, as of another span, comes too late.
		if (asked !== this.#details || this.open !== key) return;
		if (answer.ok) this.detail = answer.value;
		else {
			this.open = null;
			this.#toasts.show('failed', 'The group cannot be shown', { text: answer.error.message });
		}
	}

	#soon(): void {
		if (!this.#watched || this.#timer !== undefined) return;
		this.#timer = setTimeout(() => {
			this.#timer = undefined;
			if (!this.#watched) return;
			// What failed before anything was shown, or was read before this, is read again.
			if (this.list === null) void this.reload();
			else void this.#refresh();
		}, PACE_MS);
	}

	/** Brings the rows up to date where they stand. */
	async #refresh(): Promise<void> {
		const epoch = this.#epoch;
		const answer = await this.#read();
		if (epoch !== this.#epoch || !answer.ok) return;
		const now = new Map(answer.value.items.map((group) => [group.key, group]));
		const added = answer.value.items.filter((group) => !this.items.some((one) => one.key === group.key)).length;
		// A list without rows has nothing that could move.
		if (this.items.length === 0) this.items = answer.value.items;
		else this.items = this.items.map((group) => now.get(group.key) ?? { ...group, tasks: 0 });
		this.list = answer.value;
		const tasks = Math.max(0, answer.value.tasks - this.#shownTasks);
		if (this.items.length === answer.value.items.length && added === 0 && tasks === 0) this.pending = null;
		else this.pending = tasks > 0 || added > 0 ? { tasks, groups: added } : null;
	}
}
