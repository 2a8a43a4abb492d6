/** Samples figures of queues and clusters into history: one process of a home at a time for each profile, under a lease. */
import { randomUUID } from 'node:crypto';
import { pause } from '#main/brokers/session.ts';
import {
	DEFAULT_FIGURES,
	FIGURE_LIMITS,
	type FigureRound,
	type FigureSample,
	type FigureSettings,
	readFigureSettings,
} from '#main/domain/figure.ts';
import { clusterSamples, queueSamples } from '#main/domain/figure-take.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { FigureStanding } from '#main/ipc/contract/figure.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Store } from '#main/store/store.ts';
import type { Clusters } from './clusters.ts';
import type { Ports } from './ports.ts';
import type { QueueFigureSource } from './queue-figures.ts';
import { runnerName } from './schedule-runners.ts';

const KIND = 'figures';
const KEY = 'settings';
/** Longer than a round takes at worst and the pause after it. */
const LEASE_MS = 120_000;
/** A queue that does not answer must not keep the next sample waiting for long. */
const ROUND_MS = 30_000;
/** Between two looks for profiles that came, went, or are sampled by nobody any more. */
const PROFILES_MS = 5_000;
/** Between two clean-ups of old figures, and how many rows go in one transaction of it. */
const SWEEP_MS = 600_000;
const SWEEP_ROWS = 5_000;
const DAY_MS = 86_400_000;

/** One wish to have a profile sampled here; dispose of it to take it back. */
export interface FigureRun extends AsyncDisposable {
	/** Resolves with the reason when another process has taken over. */
	readonly ended: Promise<string>;
}

/** What one round has come to: what was measured, and what could not be. */
export interface FigureTaken {
	readonly round: FigureRound;
	readonly trouble: string | null;
}

export interface FigureSampler extends AsyncDisposable {
	/** Samples a profile in this process, whatever its switch says; `busy` while another process of this home does. */
	run(profile: Profile, tell: (taken: FigureTaken) => void): Promise<Result<FigureRun>>;
	settings(profile: ProfileId): Promise<FigureSettings>;
	standing(profile: ProfileId): Promise<FigureStanding>;
	set(profile: ProfileId, change: Partial<FigureSettings>): Promise<Result<FigureStanding>>;
}

/** Sampling of one profile in this process, shared by all who want it. */
interface Live {
	readonly profile: ProfileId;
	readonly listeners: Set<(taken: FigureTaken) => void>;
	readonly stop: AbortController;
	readonly ended: PromiseWithResolvers<string>;
	/** The loop; settles when it is over and the lease is given back. */
	work: Promise<void>;
	users: number;
	last: FigureTaken | null;
}

/** Makes the sampler of one engine. In a window or a served console every profile is sampled that is not switched off. */
export function createFigureSampler(
	ports: Ports,
	profiles: Profiles,
	store: Pick<Store, 'figures' | 'leases' | 'watching'>,
	sources: { readonly queues: QueueFigureSource; readonly clusters: Pick<Clusters, 'list'> },
): FigureSampler {
	const { clock, log } = ports;
	const holder = `${runnerName()}:${randomUUID().slice(0, 8)}`;
	const live = new Map<ProfileId, Live>();
	let stopping = false;
	/** One beginning or end at a time: two at once would make two loops for one profile. */
	let turn: Promise<unknown> = Promise.resolve();

	function inTurn<T>(change: () => Promise<T>): Promise<T> {
		const done = turn.then(change);
		turn = done.catch(() => undefined);
		return done;
	}

	async function settings(id: ProfileId): Promise<FigureSettings> {
		// Read for each round: another process of this home may have changed them.
		const [note] = await store.watching.list(id, KIND, 1);
		return note === undefined ? DEFAULT_FIGURES : readFigureSettings(note.body);
	}

	async function measure(profile: Profile, signal: AbortSignal): Promise<FigureTaken> {
		const troubles: string[] = [];
		const samples: FigureSample[] = [];
		// A site of django-q's that is seen through its cache shows its clusters only.
		if (profile.framework !== 'django-q' || profile.djangoQ?.cache === undefined) {
			const queues = await sources.queues.list(profile, signal);
			if (queues.ok) samples.push(...queueSamples(queues.value.items));
			else troubles.push(queues.error.message);
		}
		if (profile.framework === 'django-q' && profile.broker.kind === 'redis') {
			const clusters = await sources.clusters.list(profile);
			if (clusters.ok) samples.push(...clusterSamples(clusters.value.items));
			else troubles.push(clusters.error.message);
		}
		// One fault of the broker's is told once.
		const trouble = troubles.length === 0 ? null : [...new Set(troubles)].join(' ');
		return { round: { at: clock.now(), samples }, trouble };
	}

	async function loop(entry: Live): Promise<string> {
		const { signal } = entry.stop;
		let sweepAt = clock.monotonic();
		let said: string | null = null;
		while (!signal.aborted) {
			const since = clock.monotonic();
			const found = await profiles.find(entry.profile);
			if (!found.ok) return 'The profile is gone.';
			const held = await store.leases.hold(leaseName(entry.profile), holder, LEASE_MS);
			if (!held.ok) return `Another process of this home took over: ${held.error.message}`;
			const round = new AbortController();
			using _limit = clock.after(ROUND_MS, () => round.abort());
			const taken = await measure(found.value, AbortSignal.any([signal, round.signal]));
			if (signal.aborted) break;
			if (taken.trouble !== said) {
				said = taken.trouble;
				if (said === null) log.info('figures.again', { profile: entry.profile });
				else log.warn('figures.trouble', { profile: entry.profile, reason: said });
			}
			await store.figures.add(entry.profile, taken.round);
			entry.last = taken;
			for (const listener of entry.listeners) listener(taken);
			const { everySeconds, minuteDays, hourDays } = await settings(entry.profile);
			if (clock.monotonic() >= sweepAt) {
				const now = clock.now();
				const before = { minute: now - minuteDays * DAY_MS, hour: now - hourDays * DAY_MS };
				const went = await store.figures.sweep(entry.profile, before, SWEEP_ROWS);
				// More than that goes with the next rounds, between which others write.
				sweepAt = went < SWEEP_ROWS ? clock.monotonic() + SWEEP_MS : sweepAt;
			}
			await pause(clock, Math.max(0, everySeconds * 1_000 - (clock.monotonic() - since)), signal);
		}
		return 'Nobody wants it any more.';
	}

	async function begin(profile: Profile): Promise<Result<Live>> {
		const known = live.get(profile.id);
		if (known !== undefined) return ok(known);
		if (stopping) return fail('gone', 'Warren is ending.');
		const held = await store.leases.hold(leaseName(profile.id), holder, LEASE_MS);
		if (!held.ok) {
			return held.error.code === 'busy'
				? fail('busy', `Another process of this home samples "${profile.name}" already; its history is the same.`)
				: held;
		}
		const entry: Live = {
			profile: profile.id,
			listeners: new Set(),
			stop: new AbortController(),
			ended: Promise.withResolvers(),
			work: Promise.resolve(),
			users: 0,
			last: null,
		};
		live.set(profile.id, entry);
		entry.work = loop(entry)
			.catch((error: unknown) => {
				log.error('figures.failed', { profile: profile.id, reason: String(error) });
				return `It failed: ${String(error)}`;
			})
			.then(async (reason) => {
				if (live.get(profile.id) === entry) live.delete(profile.id);
				await store.leases
					.release(leaseName(profile.id), holder)
					.catch((error: unknown) => log.warn('figures.release-failed', { reason: String(error) }));
				// It lapses by itself then; over it is all the same.
				entry.ended.resolve(reason);
			});
		return ok(entry);
	}

	async function release(entry: Live): Promise<void> {
		entry.users -= 1;
		if (entry.users > 0) return;
		entry.stop.abort();
		await entry.work;
	}

	async function want(profile: Profile): Promise<Result<Live>> {
		return inTurn(async () => {
			const begun = await begin(profile);
			if (begun.ok) begun.value.users += 1;
			return begun;
		});
	}

	/** Samples every profile there is, also those that another process samples once that has ended. */
	function sampleAll(): AsyncDisposable {
		const wanted = new Map<ProfileId, Live>();
		let timer: Disposable | null = null;
		let looking: Promise<void> = Promise.resolve();
		const look = async () => {
			const all = await profiles.list();
			for (const [id, entry] of [...wanted]) {
				const gone = live.get(id) !== entry;
				const off = !gone && (!all.some((one) => one.id === id) || !(await settings(id)).on);
				if (gone || off) wanted.delete(id);
				if (off) await inTurn(() => release(entry));
			}
			for (const profile of all) {
				if (stopping || wanted.has(profile.id) || !(await settings(profile.id)).on) continue;
				const begun = await want(profile);
				if (begun.ok) wanted.set(profile.id, begun.value);
			}
		};
		const again = () => {
			looking = look()
				.catch((error: unknown) => log.error('figures.watch-failed', { reason: String(error) }))
				.then(() => {
					if (!stopping) timer = clock.after(PROFILES_MS, again);
				});
		};
		// A window draws first.
		timer = clock.after(PROFILES_MS, again);
		return {
			async [Symbol.asyncDispose]() {
				timer?.[Symbol.dispose]();
				await looking;
			},
		};
	}

	const all = ports.host === 'shell' || ports.host === 'serve' ? sampleAll() : null;

	async function standing(id: ProfileId): Promise<FigureStanding> {
		const by = await store.leases.holder(leaseName(id));
		return { ...(await settings(id)), by, trouble: live.get(id)?.last?.trouble ?? null };
	}

	return {
		settings,
		standing,
		async set(id, change) {
			for (const [name, { least, most }] of Object.entries(FIGURE_LIMITS)) {
				const value = change[name as keyof typeof FIGURE_LIMITS];
				if (value !== undefined && (value < least || value > most)) {
					return fail('invalid-input', `${name}: is from ${least} to ${most}.`, { details: { field: name } });
				}
			}
			const next = { ...(await settings(id)), ...change };
			await store.watching.put(id, KIND, [{ key: KEY, at: clock.now(), body: JSON.stringify(next) }], 1);
			return ok(await standing(id));
		},
		async run(profile, tell) {
			const begun = await want(profile);
			if (!begun.ok) return begun;
			const entry = begun.value;
			entry.listeners.add(tell);
			if (entry.last !== null) tell(entry.last);
			let mine = true;
			return ok({
				ended: entry.ended.promise,
				async [Symbol.asyncDispose]() {
					if (!mine) return;
					mine = false;
					entry.listeners.delete(tell);
					await inTurn(() => release(entry));
				},
			});
		},
		async [Symbol.asyncDispose]() {
			stopping = true;
			for (const entry of live.values()) entry.stop.abort();
			await all?.[Symbol.asyncDispose]();
			await turn;
			for (const entry of [...live.values()]) {
				entry.stop.abort();
				await entry.work;
			}
		},
	};
}

function leaseName(id: ProfileId): string {
	return `figures:${id}`;
}
