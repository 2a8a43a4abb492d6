/** The consumer sets of this process, by profile, with their live console and the sets of dead processes cleaned up after. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { createConsumerSet } from '#main/consumer/consumer-set.ts';
import type { ConsumerSet, StartRunner } from '#main/consumer/ports.ts';
import { decodeCarrot } from '#main/dialects/carrot/decode.ts';
import type { ConsoleLine, ConsumerIntent, ConsumerSetView } from '#main/domain/consumer.ts';
import { type ConsumerSetId, consumerSetId, type ProfileId, type TaskId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { risingId } from '#main/domain/rising-id.ts';
import type { Store } from '#main/store/store.ts';
import type { Ports } from './ports.ts';

/** Lines kept for a console that is opened late. */
const KEPT_LINES = 500;
/** Stopped sets that are still shown. */
const KEPT_SETS = 5;

export interface Consumers extends AsyncDisposable {
	/** Starts a set; what keeps it from working is told by its view, not here. `saved`: the set that it is a run of. */
	start(profile: Profile, driver: BrokerDriver, intent: ConsumerIntent, saved?: SavedName): ConsumerSetView;
	/** `id`: of the run, or the id or name of the saved set it is a run of; so for the others. */
	stop(profile: ProfileId, id: string, how: 'drain' | 'now'): Result<ConsumerSetView>;
	/** Changes how many tasks a running set runs at a time. */
	resize(profile: ProfileId, id: string, concurrency: number): Result<ConsumerSetView>;
	/** Cancels a running task; false when it runs in no set of this process. */
	cancel(profile: ProfileId, task: TaskId, by: string): Promise<boolean>;
	/** One that has not stopped. */
	running(profile: ProfileId, id: string): ConsumerSetView | null;
	/** The intent that a set was started with, its environment included; null when there is none of that id. */
	intentOf(profile: ProfileId, id: string): ConsumerIntent | null;
	stopAll(profile: ProfileId): Promise<void>;
	/** Running and recently stopped sets, oldest first. */
	list(profile: ProfileId): readonly ConsumerSetView[];
	/** Task names that running sets offer. */
	taskNames(profile: ProfileId): readonly string[];
	recentLines(profile: ProfileId): readonly ConsoleLine[];
	onLines(profile: ProfileId, listener: (lines: readonly ConsoleLine[]) => void): Disposable;
	onChange(profile: ProfileId, listener: (view: ConsumerSetView) => void): Disposable;
	/** Resolves with a set's last view. */
	finished(profile: ProfileId, id: string): Promise<ConsumerSetView | null>;
}

export interface SavedName {
	readonly id: ConsumerSetId;
	readonly name: string;
}

interface Kept {
	readonly set: ConsumerSet;
	readonly watch: DisposableStack;
	/** As it was asked for last, with the values of its environment. */
	intent: ConsumerIntent;
	readonly saved: SavedName | null;
}

class Listeners<T> {
	readonly #byProfile = new Map<ProfileId, Set<(value: T) => void>>();

	add(profile: ProfileId, listener: (value: T) => void): Disposable {
		const listeners = this.#byProfile.get(profile) ?? new Set();
		this.#byProfile.set(profile, listeners);
		listeners.add(listener);
		return { [Symbol.dispose]: () => listeners.delete(listener) };
	}

	tell(profile: ProfileId, value: T): void {
		for (const listener of this.#byProfile.get(profile) ?? []) listener(value);
	}
}

/** Keeps the sets of one engine. */
export function createConsumers(ports: Ports, store: Store, startRunner: StartRunner): Consumers {
	const kept = new Map<ProfileId, Kept[]>();
	const recent = new Map<ProfileId, ConsoleLine[]>();
	const lineListeners = new Listeners<readonly ConsoleLine[]>();
	const viewListeners = new Listeners<ConsumerSetView>();

	function find(profile: ProfileId, id: string): Kept | undefined {
		const named = (one: Kept) => one.set.id === id || one.saved?.id === id || one.saved?.name === id;
		const found = (kept.get(profile) ?? []).filter(named);
		return found.findLast((one) => one.set.view().state !== 'stopped') ?? found.at(-1);
	}

	function missing(id: string): Result<never> {
		return fail('not-found', `No consumer ${id} runs in this process. A consumer stops where it was started.`);
	}

	/** What others may see: names of the environment, never its values, where people put passwords. */
	function shown(one: Pick<Kept, 'saved'>, view: ConsumerSetView): ConsumerSetView {
		const { runner } = view.intent;
		const env = Object.fromEntries(Object.keys(runner.env).map((name) => [name, '']));
		return { ...view, intent: { ...view.intent, runner: { ...runner, env } }, saved: one.saved };
	}

	function dropOld(profile: ProfileId): void {
		const sets = kept.get(profile) ?? [];
		const stopped = sets.filter((one) => one.set.view().state === 'stopped');
		for (const one of stopped.slice(0, Math.max(0, stopped.length - KEPT_SETS))) {
			one.watch.dispose();
			sets.splice(sets.indexOf(one), 1);
		}
	}

	async function stopAll(profile: ProfileId): Promise<void> {
		const sets = kept.get(profile) ?? [];
		await Promise.all(sets.map((one) => one.set[Symbol.asyncDispose]()));
		for (const one of sets) one.watch.dispose();
		kept.delete(profile);
	}

	function start(profile: Profile, driver: BrokerDriver, intent: ConsumerIntent, saved: SavedName | null): Kept {
		const id = saved?.id ?? consumerSetId(randomUUID().slice(0, 8));
		// Several processes on several machines, even copies of one home, may run the same saved set: names stay apart.
		const run = saved === null ? id : `${id}-${randomUUID().slice(0, 4)}`;
		const set = createConsumerSet(
			{
				id,
				profile: profile.id,
				worker: `${hostname()}:${process.pid}:${run}`,
				driver,
				history: store.history,
				leases: store.leases,
				decode: (message) => decodeCarrot(message, profile.dialect),
				startRunner,
				clock: ports.clock,
				log: ports.log,
				newRun: () => risingId(ports.clock.now(), randomUUID()),
			},
			intent,
		);
		const watch = new DisposableStack();
		const one: Kept = { set, watch, intent, saved };
		watch.use(set.onChange((view) => viewListeners.tell(profile.id, shown(one, view))));
		watch.use(
			set.onLines((lines) => {
				const buffer = recent.get(profile.id) ?? [];
				recent.set(profile.id, [...buffer, ...lines].slice(-KEPT_LINES));
				lineListeners.tell(profile.id, lines);
			}),
		);
		const sets = kept.get(profile.id) ?? [];
		kept.set(profile.id, sets);
		// A set has one place in lists, however often it is started.
		for (const old of sets.filter((other) => other.set.id === id && other.set.view().state === 'stopped')) {
			old.watch.dispose();
			sets.splice(sets.indexOf(old), 1);
		}
		sets.push(one);
		dropOld(profile.id);
		return one;
	}

	return {
		start(profile, driver, intent, saved) {
			const one = start(profile, driver, intent, saved ?? null);
			return shown(one, one.set.view());
		},
		stop(profile, id, how) {
			const found = find(profile, id);
			if (found === undefined) return missing(id);
			void found.set.stop(how);
			return ok(shown(found, found.set.view()));
		},
		resize(profile, id, concurrency) {
			const found = find(profile, id);
			if (found === undefined || found.set.view().state === 'stopped') return missing(id);
			found.set.resize(concurrency);
			found.intent = { ...found.intent, concurrency };
			return ok(shown(found, found.set.view()));
		},
		async cancel(profile, task, by) {
			for (const { set } of kept.get(profile) ?? []) {
				if ((await set.cancel(task, by)) === 'cancelled') return true;
			}
			return false;
		},
		running(profile, id) {
			const found = find(profile, id);
			if (found === undefined || found.set.view().state === 'stopped') return null;
			return shown(found, found.set.view());
		},
		intentOf: (profile, id) => find(profile, id)?.intent ?? null,
		stopAll,
		list: (profile) => (kept.get(profile) ?? []).map((one) => shown(one, one.set.view())),
		taskNames: (profile) => [...new Set((kept.get(profile) ?? []).flatMap((one) => one.set.taskNames() ?? []))],
		recentLines: (profile) => recent.get(profile) ?? [],
		onLines: (profile, listener) => lineListeners.add(profile, listener),
		onChange: (profile, listener) => viewListeners.add(profile, listener),
		async finished(profile, id) {
			const found = find(profile, id);
			return found === undefined ? null : shown(found, await found.set.finished);
		},
		async [Symbol.asyncDispose]() {
			await Promise.all([...kept.keys()].map(stopAll));
		},
	};
}
