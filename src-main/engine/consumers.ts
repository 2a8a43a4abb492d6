/** The consumer sets of this process, by profile, with their live console and the sets of dead processes cleaned up after. */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { BrokerDriver } from '#main/brokers/driver.ts';
import { createConsumerSet } from '#main/consumer/consumer-set.ts';
import type { ConsumerSet, StartRunner } from '#main/consumer/ports.ts';
import { decodeCarrot } from '#main/dialects/carrot/decode.ts';
import type { ConsoleLine, ConsumerIntent, ConsumerSetView } from '#main/domain/consumer.ts';
import { consumerSetId, type ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Store } from '#main/store/store.ts';
import type { Ports } from './ports.ts';

/** Lines kept for a console that is opened late. */
const KEPT_LINES = 500;
/** Stopped sets that are still shown. */
const KEPT_SETS = 5;

export interface Consumers extends AsyncDisposable {
	/** Starts a set; what keeps it from working is told by its view, not here. */
	start(profile: Profile, driver: BrokerDriver, intent: ConsumerIntent): ConsumerSetView;
	stop(profile: ProfileId, id: string, how: 'drain' | 'now'): Result<ConsumerSetView>;
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

interface Kept {
	readonly set: ConsumerSet;
	readonly watch: DisposableStack;
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
		return kept.get(profile)?.find((one) => one.set.id === id);
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

	return {
		start(profile, driver, intent) {
			const id = consumerSetId(randomUUID().slice(0, 8));
			const set = createConsumerSet(
				{
					id,
					profile: profile.id,
					worker: `${hostname()}:${process.pid}:${id}`,
					driver,
					history: store.history,
					leases: store.leases,
					decode: (message) => decodeCarrot(message, profile.dialect),
					startRunner,
					clock: ports.clock,
					log: ports.log,
					newRun: randomUUID,
				},
				intent,
			);
			const watch = new DisposableStack();
			watch.use(set.onChange((view) => viewListeners.tell(profile.id, view)));
			watch.use(
				set.onLines((lines) => {
					const buffer = recent.get(profile.id) ?? [];
					recent.set(profile.id, [...buffer, ...lines].slice(-KEPT_LINES));
					lineListeners.tell(profile.id, lines);
				}),
			);
			const sets = kept.get(profile.id) ?? [];
			kept.set(profile.id, sets);
			sets.push({ set, watch });
			dropOld(profile.id);
			return set.view();
		},
		stop(profile, id, how) {
			const found = find(profile, id);
			if (found === undefined) {
				return fail('not-found', `No consumer ${id} runs in this process. A consumer stops where it was started.`);
			}
			void found.set.stop(how);
			return ok(found.set.view());
		},
		stopAll,
		list: (profile) => (kept.get(profile) ?? []).map((one) => one.set.view()),
		taskNames: (profile) => [...new Set((kept.get(profile) ?? []).flatMap((one) => one.set.taskNames() ?? []))],
		recentLines: (profile) => recent.get(profile) ?? [],
		onLines: (profile, listener) => lineListeners.add(profile, listener),
		onChange: (profile, listener) => viewListeners.add(profile, listener),
		async finished(profile, id) {
			return (await find(profile, id)?.set.finished) ?? null;
		},
		async [Symbol.asyncDispose]() {
			await Promise.all([...kept.keys()].map(stopAll));
		},
	};
}
