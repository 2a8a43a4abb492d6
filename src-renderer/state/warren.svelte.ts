/** The page as a whole: where it is, what it is connected to, and which dialog is open. Views get it by context. */
import type { SavedConsumerSet } from '#main/domain/consumer.ts';
import { TASK_SORT_FIELDS } from '#main/domain/page.ts';
import type { SavedView } from '#main/domain/saved-view.ts';
import type { TaskState } from '#main/domain/task.ts';
import { type TaskAct, whyNone } from '#main/domain/task-acts.ts';
import type { ProfileView } from '#main/ipc/contract/profile.ts';
import type { ScheduleView } from '#main/ipc/contract/schedule-answers.ts';
import { Actions, type TaskAction } from './actions.svelte.ts';
import { Commands } from './commands.svelte.ts';
import { Deployment, LISTS } from './deployment.svelte.ts';
import type { Engine } from './engine.ts';
import { Now } from './now.svelte.ts';
import { Profiles } from './profiles.svelte.ts';
import { type AddressBar, isListView, Route } from './route.svelte.ts';
import { placeOfView, wholeQuery } from './saved-views.svelte.ts';
import { ScheduleDrafts } from './schedule-drafts.svelte.ts';
import type { SelectionScope } from './selection.svelte.ts';
import { Settings } from './settings.svelte.ts';
import type { TaskList } from './task-list.svelte.ts';
import { Toasts } from './toasts.svelte.ts';
import type { WireStatus } from './wire.svelte.ts';

/** A question before one thing is done that needs no review. */
export interface Question {
	readonly title: string;
	readonly words: readonly string[];
	/** What the button says. */
	readonly label: string;
	readonly danger: boolean;
	/** Does it; null: done. Else why not, which is said in the question. */
	readonly run: () => Promise<string | null>;
}

/** At most one dialog is open. */
export type OpenDialog =
	| { readonly kind: 'none' }
	| { readonly kind: 'palette' }
	| { readonly kind: 'help' }
	| { readonly kind: 'publish' }
	| { readonly kind: 'consumer'; readonly queue: string | null }
	| { readonly kind: 'peek'; readonly queue: string }
	/** Changes that were made here, and taking them back. */
	| { readonly kind: 'undo' }
	/** A saved consumer set: a new one, a saved one to edit, or a new one that begins as another. */
	| { readonly kind: 'set'; readonly mode: 'new' | 'edit' | 'copy'; readonly from: SavedConsumerSet | null }
	| { readonly kind: 'import-sets' }
	| { readonly kind: 'question'; readonly question: Question }
	| { readonly kind: 'profile'; readonly edit: ProfileView | null }
	| { readonly kind: 'remove-profile'; readonly view: ProfileView }
	/** Messages of the quarantine, by number, to be sent to a queue. */
	| { readonly kind: 'send'; readonly ids: readonly number[] }
	| { readonly kind: 'duplicate-schedule'; readonly view: ScheduleView }
	| { readonly kind: 'import-schedules' }
	/** Those of these ids; none: all. */
	| { readonly kind: 'export-schedules'; readonly ids: readonly string[] }
	| { readonly kind: 'views' }
	| { readonly kind: 'books' };

/** Where the browser remembers how failures were looked at last. */
const FAILED_PART = 'warren.failed';

/** Of this many tasks at most the page looks whether something can be done with any of them; of more the review finds out. */
const LOOKED_AT = 500;

const NONE: OpenDialog = { kind: 'none' };

export class Warren implements Disposable {
	readonly engine: Engine;
	readonly wire: WireStatus;
	readonly now = new Now();
	readonly toasts = new Toasts();
	readonly commands = new Commands();
	readonly route: Route;
	readonly profiles: Profiles;
	readonly settings: Settings;
	readonly actions: Actions;
	/** Unsaved edits of schedules, of all profiles. */
	readonly drafts = new ScheduleDrafts();
	dialog: OpenDialog = $state.raw(NONE);
	deployment: Deployment | null = $state.raw(null);
	/** The part of a task that was chosen last: the next task opens at the same part, as long as it has it. */
	taskPart: string | null = $state(null);
	readonly #ticking: Disposable;
	#failedPart: 'groups' | 'tasks' = $state(localStorage.getItem(FAILED_PART) === 'tasks' ? 'tasks' : 'groups');

	constructor(engine: Engine, wire: WireStatus, bar: AddressBar) {
		this.engine = engine;
		this.wire = wire;
		this.route = new Route(bar);
		this.profiles = new Profiles(engine);
		this.settings = new Settings(engine);
		this.actions = new Actions(engine, this.toasts);
		this.#ticking = this.now.start();
		this.profiles.watch(this.route.place.profile);
		void this.settings.load();
	}

	/** The profile this page is at; null while profiles aren't known, or when there is none of that name. */
	get profile(): ProfileView | null {
		return this.profiles.found(this.route.place.profile);
	}

	/** True, or why nothing may be changed here, in words. */
	get mayChange(): true | string {
		if (this.profile === null) return 'No profile is open';
		return this.profile.profile.readOnly ? `${this.profile.profile.name} is read-only` : true;
	}

	/** Whether failures are on the screen by their cause rather than task by task. */
	get grouped(): boolean {
		const { view, part } = this.route.place;
		return view === 'failed' && (part === null ? this.#failedPart === 'groups' : part !== 'tasks');
	}

	/** Shows failures by cause or task by task, now and the next time. */
	showFailed(part: 'groups' | 'tasks'): void {
		this.#failedPart = part;
		localStorage.setItem(FAILED_PART, part);
		this.route.narrowTo(part);
	}

	/** Shows all failed tasks of a group that match the filter (and `also`, a query) in the ordinary list; what the view opens with stays as it was. */
	showTasksOf(group: string, also = ''): void {
		const filter = this.route.place.filter.trim();
		this.route.lookInto(
			'tasks',
			[`group:${group}`, ...(filter === '' ? [] : [`(${filter})`]), ...(also === '' ? [] : [also])].join(' '),
		);
	}

	/** What is listed, as a query that says all of it, and its order; null: the view lists no tasks. */
	get shownQuery(): Pick<SavedView, 'query' | 'sort'> | null {
		const { view, filter, sort } = this.route.place;
		if (!isListView(view)) return null;
		const field = TASK_SORT_FIELDS.find((known) => known === sort?.replace(/^-/, ''));
		return {
			query: wholeQuery(LISTS[view].base, filter),
			sort: field === undefined ? null : { field, descending: sort?.startsWith('-') === true },
		};
	}

	/** Shows what a saved view lists, where it was saved, else in the list at hand. */
	openView(view: SavedView): void {
		this.closeDialog();
		const { view: here } = this.route.place;
		const at = placeOfView(view, LISTS) ?? { list: isListView(here) ? here : 'failed', filter: view.query };
		const part = at.list === 'failed' ? { part: 'tasks' } : {};
		this.route.go(at.list, { filter: at.filter, ...part });
		const { sort } = view;
		this.route.sortBy(sort === null ? null : `${sort.descending ? '-' : ''}${sort.field}`);
	}

	/** The list in view, where the view is one. */
	get list(): TaskList | null {
		const { view } = this.route.place;
		if (this.grouped) return null;
		return this.deployment !== null && isListView(view) ? this.deployment.list(view) : null;
	}

	/** Goes along with the address: enters its profile, opens its task. Called whenever either may have changed. */
	follow(): void {
		const { profile: wanted, task } = this.route.place;
		if (wanted === null) {
			if (!this.profiles.known) return;
			const last = this.profiles.found(this.settings.view?.lastProfile ?? null);
			const start = last ?? this.profiles.items.find((view) => view.profile.sandbox) ?? this.profiles.items[0];
			if (start !== undefined) this.route.settle(start.profile.name);
			return;
		}
		const found = this.profile;
		this.profiles.watch(found?.profile.id ?? wanted);
		if (found === null) {
			// Before the first snapshot nobody knows; after it, there is no such profile.
			if (this.profiles.known) this.#leave();
			return;
		}
		if (this.deployment?.id !== found.profile.id) {
			this.#leave();
			this.deployment = new Deployment(
				this.engine,
				found.profile.id,
				this.toasts,
				(row) => this.route.go('site', { part: 'published', item: String(row) }),
				{
					drafts: this.drafts,
					queue: () => this.profile?.profile.queues[0] ?? 'default',
					goto: (id) => (id === null ? this.route.closeSchedule() : this.route.openSchedule(id)),
				},
			);
			if (this.settings.view !== null && this.settings.view.lastProfile !== found.profile.name) {
				void this.settings.change({ lastProfile: found.profile.name });
			}
		}
		this.deployment?.show(task, this.route.place);
	}

	ask(dialog: Exclude<OpenDialog, { readonly kind: 'none' }>): void {
		this.dialog = dialog;
		// The palette offers saved views; what another window saved meanwhile is among them.
		if (dialog.kind === 'palette') void this.deployment?.views.load();
	}

	closeDialog(): void {
		this.dialog = NONE;
	}

	/** What a command for tasks is aimed at: what is ticked, else the open task, else the row at the keyboard. */
	get aim(): { readonly scope: SelectionScope; readonly count: number } | null {
		if (this.grouped && this.route.place.task === null) return this.deployment?.groups.aim ?? null;
		const list = this.list;
		const ticked = list?.selection.scope ?? null;
		if (list !== null && ticked !== null) return { scope: ticked, count: list.selection.count };
		const one = this.route.place.task ?? list?.focused ?? null;
		return one === null ? null : { scope: { ids: [one] }, count: 1 };
	}

	/** Starts an action on a target that is fixed here and now. */
	async act(action: TaskAction, scope: SelectionScope): Promise<void> {
		const view = this.profile;
		if (view === null || this.mayDo(action, scope) !== true) return;
		await this.actions.start(action, {
			profile: view.profile.id,
			environment: view.profile.environment,
			scope,
		});
	}

	/** True, or why none of these can be requeued, deleted or revoked as they stand. Where some can, the review leaves the others out. */
	mayDo(act: TaskAct, scope: SelectionScope): true | string {
		const may = act === 'revoke' ? this.mayRevoke : this.mayChange;
		if (may !== true || !('ids' in scope) || scope.ids.length > LOOKED_AT) return may;
		return (
			whyNone(
				act,
				scope.ids.map((id) => this.#stateOf(id)),
			) ?? true
		);
	}

	/** True, or why no task can be revoked here, in words. */
	get mayRevoke(): true | string {
		if (this.mayChange !== true) return this.mayChange;
		if (this.profile?.profile.framework !== 'celery') return "Only Celery's workers can be told to revoke a task";
		return this.deployment?.revocation.change.free === true ? true : 'Something is being done';
	}

	/** Asks before Celery's workers are told not to run tasks, which are fixed here and now. */
	revoke(scope: SelectionScope): void {
		if (this.mayDo('revoke', scope) === true) this.deployment?.revocation.ask(scope);
	}

	/** Carries out what the question on the screen was about, and tidies up after it. `name`: as typed, where asked for. */
	async confirmAction(name?: string): Promise<void> {
		const stage = this.actions.stage;
		const list = this.list;
		if (stage.kind !== 'asking' || !(await this.actions.confirm(name))) return;
		if (this.grouped) await this.deployment?.groups.reload();
		if (list === null) return;
		const open = this.route.place.task;
		const { scope } = stage.target;
		const openIsGone = stage.action === 'delete' && open !== null && 'ids' in scope && scope.ids.includes(open);
		await list.takeAway();
		if (!openIsGone || this.route.place.task !== open) return;
		// As in a mailbox: the next one takes the place of the one that went.
		if (list.focused !== null && list.focused !== open) this.route.openTask(list.focused);
		else this.route.closeTask();
	}

	/** Opens the row the keyboard is at after moving by some; the open drawer goes along. */
	step(by: number): void {
		if (this.grouped) {
			this.deployment?.groups.moveFocus(by);
			return;
		}
		const id = this.list?.moveFocus(by) ?? null;
		if (id !== null && this.route.place.task !== null) this.route.openTask(id);
	}

	[Symbol.dispose](): void {
		this.#leave();
		this.#ticking[Symbol.dispose]();
		this.actions[Symbol.dispose]();
		this.profiles[Symbol.dispose]();
		this.route[Symbol.dispose]();
	}

	/** As far as this page has read it. */
	#stateOf(id: string): TaskState | null {
		const open = this.deployment?.open ?? null;
		if (open?.id === id && open.task !== null) return open.task.state;
		const place = this.list?.placeOf(id) ?? -1;
		return place < 0 ? null : (this.list?.at(place)?.row.state ?? null);
	}

	#leave(): void {
		this.deployment?.[Symbol.dispose]();
		this.deployment = null;
	}
}
