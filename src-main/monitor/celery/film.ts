/**
 * What a camera sees of a cluster: workers, tasks and counts, held in memory and frozen into a snapshot now and then, by the rules of
 * Celery's own cameras. Several events of one task are put together as Celery does: the strongest state stands, and retries give way to
 * anything. After a shot that clears, tasks that have ended go and the counts begin at 0; those that are under way stay.
 */
import type { CeleryEvent, TaskEvent } from '#main/dialects/celery/events.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { FactKind } from '#main/domain/observed.ts';
import type { Snapshot, SnapshotTask } from '#main/domain/snapshot.ts';
import { Roster } from './workers.ts';

/** Tasks held at most; beyond, those go first that were not heard of for longest, ended ones before others. */
export const MOST_TASKS = 100_000;

const STATES: Readonly<Record<Exclude<FactKind, 'custom'>, string>> = {
	sent: 'PENDING',
	received: 'RECEIVED',
	started: 'STARTED',
	succeeded: 'SUCCESS',
	failed: 'FAILURE',
	retried: 'RETRY',
	rejected: 'REJECTED',
	revoked: 'REVOKED',
};
/** Best first, as Celery ranks them; a state of the application's own stands where `null` does. */
const RANKS: readonly (string | null)[] = [
	'SUCCESS',
	'FAILURE',
	null,
	'REVOKED',
	'STARTED',
	'RECEIVED',
	'REJECTED',
	'RETRY',
	'PENDING',
];
const ENDED: ReadonlySet<string> = new Set(['SUCCESS', 'FAILURE', 'REVOKED']);

type Held = { -readonly [K in keyof SnapshotTask]: SnapshotTask[K] };

/** Gathers events, and freezes what they tell. */
export class Film {
	readonly #roster: Roster;
	readonly #most: number;
	readonly #tasks = new Map<string, Held>();
	#since: number;
	#events = 0;
	#newTasks = 0;
	#dropped = 0;
	#unreadable = 0;
	#shots = 0;
	/** Events as of the last shot. */
	#shown = 0;

	constructor(profile: ProfileId, startedAt: number, most = MOST_TASKS) {
		this.#roster = new Roster(profile, []);
		this.#since = startedAt;
		this.#most = most;
	}

	/** An event, and when it was received (epoch ms). */
	hear(event: CeleryEvent, receivedAt: number): void {
		this.#events += 1;
		this.#roster.hear(event, receivedAt);
		if (event.group === 'task') this.#hearTask(event);
	}

	unreadable(): void {
		this.#unreadable += 1;
	}

	/** The cluster as it is; null: nothing was heard since the last shot, so there is nothing to show. */
	shoot(now: number, how: { readonly clear: boolean; readonly trouble: string | null }): Snapshot | null {
		if (this.#events === this.#shown) return null;
		this.#shots += 1;
		const snapshot: Snapshot = {
			number: this.#shots,
			at: now,
			since: this.#since,
			eventCount: this.#events,
			taskCount: this.#newTasks,
			workers: this.#roster.views(now),
			tasks: [...this.#tasks.values()].map((task) => ({ ...task, times: { ...task.times } })),
			dropped: this.#dropped,
			unreadable: this.#unreadable,
			trouble: how.trouble,
		};
		this.#shown = this.#events;
		if (how.clear) this.#clear(now);
		return snapshot;
	}

	#clear(now: number): void {
		for (const [id, task] of this.#tasks) if (ENDED.has(task.state)) this.#tasks.delete(id);
		this.#events = 0;
		this.#shown = 0;
		this.#newTasks = 0;
		this.#dropped = 0;
		this.#unreadable = 0;
		this.#since = now;
	}

	#hearTask(event: TaskEvent): void {
		const { uuid, fact, call } = event;
		const known = this.#tasks.get(uuid);
		if (known === undefined) this.#newTasks += 1;
		const task = known ?? blank(uuid);
		// Set anew, so that the map's order is by how long ago each was heard of.
		this.#tasks.delete(uuid);
		this.#tasks.set(uuid, task);
		this.#makeRoom();
		task.times = { ...task.times, [event.type.replace(/^task-/, '')]: fact.at };
		if (call !== null) {
			task.name = call.name ?? task.name;
			task.args = call.argsText ?? task.args;
			task.kwargs = call.kwargsText ?? task.kwargs;
			task.rootId = call.rootId ?? task.rootId;
			task.parentId = call.parentId ?? task.parentId;
			task.retries = Math.max(task.retries, call.retries);
		}
		task.queue = fact.queue ?? task.queue;
		task.eta = fact.eta ?? task.eta;
		task.expires = fact.expires ?? task.expires;
		const state = fact.kind === 'custom' ? customState(event.type) : STATES[fact.kind];
		if (known !== undefined && !replaces(state, task.state)) return;
		task.state = state;
		// A client that sends a task does not run it.
		if (fact.kind !== 'sent') task.worker = fact.host;
		task.result = fact.result ?? task.result;
		task.runtimeMs = fact.runtimeMs ?? task.runtimeMs;
		task.exception = fact.exception ?? task.exception;
		task.traceback = fact.traceback ?? task.traceback;
	}

	#makeRoom(): void {
		if (this.#tasks.size <= this.#most) return;
		let victim: string | undefined;
		let looked = 0;
		for (const [id, task] of this.#tasks) {
			victim ??= id;
			looked += 1;
			if (ENDED.has(task.state)) {
				victim = id;
				break;
			}
			// Those that wait or run are the older ones; a look at all of them for each new task would take for ever.
			if (looked > 1_000) break;
		}
		if (victim === undefined) return;
		this.#tasks.delete(victim);
		this.#dropped += 1;
	}
}

/** Whether a state takes the place of another. */
function replaces(next: string, present: string): boolean {
	return next === 'RETRY' || present === 'RETRY' || rank(next) <= rank(present);
}

function rank(state: string): number {
	const found = RANKS.indexOf(state);
	return found === -1 ? RANKS.indexOf(null) : found;
}

function customState(type: string): string {
	return type.replace(/^task-/, '').toUpperCase();
}

function blank(id: string): Held {
	return {
		id,
		name: null,
		state: 'PENDING',
		worker: null,
		queue: null,
		args: null,
		kwargs: null,
		retries: 0,
		eta: null,
		expires: null,
		rootId: null,
		parentId: null,
		result: null,
		runtimeMs: null,
		exception: null,
		traceback: null,
		times: {},
	};
}
