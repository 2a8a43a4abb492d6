/** All that the page holds of the profile it is at. Made when the profile is entered, disposed of when it is left. */
import type { CallerInput, Output } from '#main/ipc/contract.ts';
import { AlarmWatch } from './alarms.svelte.ts';
import { CeleryWorkers } from './celery-workers.svelte.ts';
import { ClusterWatch } from './clusters.svelte.ts';
import { LiveConsole } from './console.svelte.ts';
import { Consumers } from './consumers.svelte.ts';
import type { Answer, Engine } from './engine.ts';
import { FailureGroups } from './failure-groups.svelte.ts';
import { Leftovers } from './leftovers.svelte.ts';
import { Quarantine } from './quarantine.svelte.ts';
import { Reading } from './reading.svelte.ts';
import { Revocation } from './revocation.svelte.ts';
import type { ListView, Place } from './route.svelte.ts';
import { SavedViews } from './saved-views.svelte.ts';
import { type SchedulePorts, Schedules } from './schedules.svelte.ts';
import { Site } from './site.svelte.ts';
import { OpenTask } from './task-detail.svelte.ts';
import { type ListSort, TaskList } from './task-list.svelte.ts';
import { TaskTicks } from './task-ticks.ts';
import type { Toasts } from './toasts.svelte.ts';
import { Waiting } from './waiting.svelte.ts';

/** What each list is of, and how it is ordered unless told otherwise. */
export const LISTS: Readonly<Record<ListView, { readonly base: string; readonly sort: ListSort }>> = {
	queued: { base: 'state:queued,running,retrying', sort: { field: 'publishedAt', ascending: false } },
	failed: { base: 'state:failed,rejected,lost', sort: { field: 'finishedAt', ascending: false } },
	completed: { base: 'state:succeeded,revoked', sort: { field: 'finishedAt', ascending: false } },
	all: { base: '', sort: { field: 'publishedAt', ascending: false } },
};

export class Deployment implements Disposable {
	/** The profile's permanent id, which every route takes for a name. */
	readonly id: string;
	readonly ticks: TaskTicks;
	readonly consumers: Consumers;
	/** Workers of a Celery profile; nothing is asked before somebody looks. */
	readonly celery: CeleryWorkers;
	readonly revocation: Revocation;
	readonly queues: Reading<Output<'queue.list'>>;
	readonly schedules: Schedules;
	readonly quarantine: Quarantine;
	/** Failed tasks by their cause; it asks nothing before somebody looks. */
	readonly groups: FailureGroups;
	/** Filters with a name. */
	readonly views: SavedViews;
	/** Changes of waiting messages, and taking them back. */
	readonly waiting: Waiting;
	/** The carrot site behind the profile's monitor; it asks nothing before somebody looks. */
	readonly site: Site;
	/** django-q's clusters; it asks nothing before somebody looks. */
	readonly clusters: ClusterWatch;
	/** What dead workers left behind in Redis; it asks nothing before somebody looks. */
	readonly leftovers: Leftovers;
	/** What is amiss, where something is watched for it. */
	readonly alarms: AlarmWatch;
	readonly engine: Engine;
	/** The task in the drawer. */
	open: OpenTask | null = $state.raw(null);
	readonly #lists = new Map<ListView, TaskList>();
	#console: LiveConsole | null = null;

	constructor(
		engine: Engine,
		id: string,
		toasts: Toasts,
		showRow: (id: number) => void,
		scheduling: Omit<SchedulePorts, 'toasts'>,
	) {
		this.engine = engine;
		this.id = id;
		this.ticks = new TaskTicks(engine, id);
		this.consumers = new Consumers(engine, id);
		this.celery = new CeleryWorkers(engine, id, toasts);
		this.revocation = new Revocation(engine, id, toasts);
		this.queues = new Reading(() => engine.call('queue.list', { profile: id }));
		this.schedules = new Schedules(engine, id, { ...scheduling, toasts });
		this.quarantine = new Quarantine(engine, this.ticks, id, toasts);
		this.groups = new FailureGroups(engine, this.ticks, id, toasts);
		this.views = new SavedViews(engine, id);
		this.waiting = new Waiting(engine, id, toasts);
		this.clusters = new ClusterWatch(engine, id);
		this.leftovers = new Leftovers(engine, id, toasts);
		this.alarms = new AlarmWatch(engine, id);
		this.site = new Site(engine, id, toasts, showRow);
	}

	/** The list of a view. It stays while the profile does, and with it what is selected. */
	list(view: ListView): TaskList {
		let list = this.#lists.get(view);
		if (list === undefined) {
			list = new TaskList(this.engine, this.ticks, { profile: this.id, ...LISTS[view] });
			this.#lists.set(view, list);
		}
		return list;
	}

	/** The live log, from the moment it is first asked for. */
	get console(): LiveConsole {
		this.#console ??= new LiveConsole(this.engine, this.id);
		return this.#console;
	}

	/** Puts a task into the drawer (null closes it), and what else the place has open. */
	show(id: string | null, place: Pick<Place, 'view' | 'item' | 'schedule'>): void {
		const number = /^\d{1,15}$/.test(place.item ?? '') ? Number(place.item) : null;
		this.quarantine.openMessage(place.view === 'quarantine' ? number : null);
		this.site.openRow(place.view === 'site' ? number : null);
		this.schedules.show(place.view === 'scheduled' ? place.schedule : null);
		if (this.open?.id === id) return;
		this.open?.[Symbol.dispose]();
		this.open = id === null ? null : new OpenTask(this.engine, this.ticks, this.id, id);
	}

	publish(input: Omit<CallerInput<'task.publish'>, 'profile'>): Promise<Answer<Output<'task.publish'>>> {
		return this.engine.call('task.publish', { ...input, profile: this.id });
	}

	[Symbol.dispose](): void {
		this.open?.[Symbol.dispose]();
		for (const list of this.#lists.values()) list[Symbol.dispose]();
		this.#console?.[Symbol.dispose]();
		this.consumers[Symbol.dispose]();
		this.celery[Symbol.dispose]();
		this.revocation[Symbol.dispose]();
		this.queues[Symbol.dispose]();
		this.waiting[Symbol.dispose]();
		this.leftovers[Symbol.dispose]();
		this.schedules[Symbol.dispose]();
		this.quarantine[Symbol.dispose]();
		this.groups[Symbol.dispose]();
		this.site[Symbol.dispose]();
		this.clusters[Symbol.dispose]();
		this.alarms[Symbol.dispose]();
		this.ticks[Symbol.dispose]();
	}
}
