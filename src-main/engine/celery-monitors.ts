/** Watching Celery profiles: one process of a home at a time collects a profile's events, under a lease. */
import { randomUUID } from 'node:crypto';
import type { ProfileId } from '#main/domain/ids.ts';
import type { MonitorStanding, MonitorStatus } from '#main/domain/monitor.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import { Collector } from '#main/monitor/celery/collector.ts';
import { type MonitorNotes, monitorNotes } from '#main/monitor/celery/notes.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Store } from '#main/store/store.ts';
import { eventFeeds, keptQueue } from './celery-feeds.ts';
import type { CeleryResults } from './celery-results.ts';
import type { Ports } from './ports.ts';
import { runnerName } from './schedule-runners.ts';

const LEASE_MS = 15_000;
const RENEW_MS = 5_000;
/** Between two tries to watch what another process watches. */
const TAKE_OVER_MS = 5_000;

/** A profile's collection in this process, shared by everybody here who wants it. */
interface Live {
	readonly collector: Collector;
	readonly made: string;
	readonly stack: AsyncDisposableStack;
	users: number;
	/** Why it ended by itself; null: it goes on. */
	ended: string | null;
}

/** One wish to watch; dispose of it to take it back. */
export interface MonitorRun extends AsyncDisposable {
	status(): MonitorStatus;
	onChange(listener: () => void): Disposable;
	/** Resolves with the reason when it ended by itself. */
	readonly ended: Promise<string>;
}

export interface CeleryMonitors extends AsyncDisposable {
	/** Watches a profile in this process; `busy` while another process does. */
	run(profile: Profile, keepMinutes: number | undefined): Promise<Result<MonitorRun>>;
	/** How watching goes, in whichever process. */
	status(profile: Profile): Promise<MonitorStanding>;
	/** Has windows and served consoles of this home watch it, or not; other processes follow within seconds. */
	switchTo(profile: Profile, wanted: boolean): Promise<MonitorStanding>;
	/** Its collector in this process; null: not here. */
	here(id: ProfileId): Collector | null;
	/** Who watches, in whichever process; null: nobody. */
	holder(id: ProfileId): Promise<string | null>;
	readonly notes: MonitorNotes;
}

/** Keeps the monitors of one engine. In a window or a served console every Celery profile is watched. */
export function createCeleryMonitors(
	ports: Ports,
	profiles: Profiles,
	store: Store,
	results: Pick<CeleryResults, 'healing'>,
	/** Asks workers for what they had before anybody listened, until disposed of. */
	askingOfEarlier: (profile: Profile) => Disposable,
): CeleryMonitors {
	const { clock, log } = ports;
	const holder = `${runnerName()}:${randomUUID().slice(0, 8)}`;
	const notes = monitorNotes(store.watching);
	const live = new Map<ProfileId, Live>();
	const endings = new Map<Live, PromiseWithResolvers<string>>();
	let stopping = false;
	/** One change at a time: two at once would make two collectors for one profile. */
	let work: Promise<unknown> = Promise.resolve();

	function inTurn<T>(change: () => Promise<T>): Promise<T> {
		const done = work.then(change);
		work = done.catch(() => undefined);
		return done;
	}

	async function begin(profile: Profile, keepMinutes: number | undefined): Promise<Result<Live>> {
		const existing = live.get(profile.id);
		if (existing !== undefined) return ok(existing);
		const feeds = eventFeeds(ports, profiles, profile, { patterns: ['#'], keep: keptQueue(profile, keepMinutes) });
		if (!feeds.ok) return feeds;
		if (keepMinutes !== undefined && profile.broker.kind === 'redis') {
			return fail('unsupported', 'Redis keeps no events for whoever is not listening, so --keep needs RabbitMQ.');
		}
		const lease = leaseName(profile.id);
		const held = await store.leases.hold(lease, holder, LEASE_MS);
		if (!held.ok) return held.error.code === 'busy' ? watchedAlready(profile, held.error.details?.holder) : held;
		const stack = new AsyncDisposableStack();
		stack.defer(() => store.leases.release(lease, holder));
		const collector = stack.use(
			await Collector.start({
				profile: profile.id,
				history: store.history,
				notes,
				clock,
				log,
				holder,
				keeping: keepMinutes !== undefined,
				feed: feeds.value.open,
				read: feeds.value.read,
			}),
		);
		const entry: Live = { collector, made: madeOf(profile), stack, users: 0, ended: null };
		endings.set(entry, Promise.withResolvers());
		live.set(profile.id, entry);
		stack.use(renewing(profile.id, entry));
		// What ended while nobody listened is told by its result alone.
		stack.use(results.healing(profile));
		stack.use(askingOfEarlier(profile));
		log.info('monitor.started', { profile: profile.id });
		return ok(entry);
	}

	/** Holds on to the lease. A process that slept through it stops at once: another may have begun. */
	function renewing(id: ProfileId, entry: Live): Disposable {
		let timer: Disposable | null = null;
		const next = () => {
			timer = clock.after(RENEW_MS, () => {
				store.leases.hold(leaseName(id), holder, LEASE_MS).then(
					(held) => {
						if (held.ok) next();
						else
							void inTurn(() =>
								end(id, entry, `Another process of this home took over watching: ${held.error.message}`),
							);
					},
					(error: unknown) => {
						log.error('monitor.lease-failed', { profile: id, reason: String(error) });
						next();
					},
				);
			});
		};
		next();
		return { [Symbol.dispose]: () => timer?.[Symbol.dispose]() };
	}

	async function end(id: ProfileId, entry: Live, reason: string): Promise<void> {
		if (live.get(id) !== entry) return;
		live.delete(id);
		entry.ended = reason;
		await entry.stack.disposeAsync();
		endings.get(entry)?.resolve(reason);
		endings.delete(entry);
		log.info('monitor.ended', { profile: id, reason });
	}

	const watcher = ports.host === 'shell' || ports.host === 'serve' ? watchAll() : null;

	/** Watches every Celery profile there is, also those that another process watches once that has ended. */
	function watchAll(): AsyncDisposable & { look(): Promise<void> } {
		const wanted = new Set<ProfileId>();
		let timer: Disposable | null = null;
		let looking: Promise<void> = Promise.resolve();
		let refused = '';
		const look = async () => {
			const all = (await profiles.list()).filter((one) => one.framework === 'celery' && one.broker.kind !== 'embedded');
			for (const [id, entry] of [...live]) {
				const profile = all.find((one) => one.id === id);
				if (profile === undefined || madeOf(profile) !== entry.made) {
					wanted.delete(id);
					await inTurn(() => end(id, entry, 'The profile was edited or removed.'));
				} else if (wanted.has(id) && !(await notes.wanted(id))) {
					wanted.delete(id);
					// Somebody else here may want it all the same.
					await inTurn(async () => {
						entry.users -= 1;
						if (entry.users === 0) await end(id, entry, 'It was switched off.');
					});
				}
			}
			for (const profile of all) {
				if (stopping || live.has(profile.id) || !(await notes.wanted(profile.id))) continue;
				wanted.delete(profile.id);
				const begun = await inTurn(() => begin(profile, undefined));
				if (begun.ok) {
					begun.value.users += 1;
					wanted.add(profile.id);
				} else if (begun.error.message !== refused) {
					refused = begun.error.message;
					log.info('monitor.not-here', { profile: profile.id, reason: refused });
				}
			}
		};
		/** One look at a time: two at once would count one wish twice. */
		const lookNow = () => {
			looking = looking
				.then(look)
				.catch((error: unknown) => log.error('monitor.watch-failed', { reason: String(error) }));
			return looking;
		};
		const again = () => {
			void lookNow().then(() => {
				if (!stopping) timer = clock.after(TAKE_OVER_MS, again);
			});
		};
		again();
		return {
			look: lookNow,
			async [Symbol.asyncDispose]() {
				timer?.[Symbol.dispose]();
				await looking;
			},
		};
	}

	async function standing(profile: Profile): Promise<MonitorStanding> {
		const wanted = await notes.wanted(profile.id);
		return { ...(await statusOf(profile)), wanted };
	}

	async function statusOf(profile: Profile): Promise<MonitorStatus> {
		const entry = live.get(profile.id);
		if (entry !== undefined) return entry.collector.status();
		const [noted, who] = await Promise.all([notes.status(profile.id), store.leases.holder(leaseName(profile.id))]);
		if (who !== null) return { ...noted, running: true, holder: who };
		return {
			...noted,
			running: false,
			holder: null,
			since: null,
			connection: { kind: 'idle' },
			trouble: null,
			behind: null,
		};
	}

	return {
		notes,
		async run(profile, keepMinutes) {
			const begun = await inTurn(async () => {
				const one = await begin(profile, keepMinutes);
				if (one.ok) one.value.users += 1;
				return one;
			});
			if (!begun.ok) return begun;
			const entry = begun.value;
			let mine = true;
			return ok({
				status: () => ({ ...entry.collector.status(), running: entry.ended === null }),
				onChange: (listener) => entry.collector.onChange(listener),
				ended: endings.get(entry)?.promise ?? Promise.resolve(entry.ended ?? 'It has ended.'),
				async [Symbol.asyncDispose]() {
					if (!mine) return;
					mine = false;
					await inTurn(async () => {
						entry.users -= 1;
						if (entry.users === 0) await end(profile.id, entry, 'Nobody wants it any more.');
					});
				},
			});
		},
		status: standing,
		async switchTo(profile, wanted) {
			await notes.setWanted(profile.id, wanted, clock.now());
			await watcher?.look();
			return standing(profile);
		},
		here: (id) => live.get(id)?.collector ?? null,
		holder: (id) => store.leases.holder(leaseName(id)),
		async [Symbol.asyncDispose]() {
			stopping = true;
			await watcher?.[Symbol.asyncDispose]();
			await inTurn(async () => {
				for (const [id, entry] of [...live]) await end(id, entry, 'Warren ends.');
			});
		},
	};
}

function leaseName(id: ProfileId): string {
	return `monitor:${id}`;
}

function madeOf(profile: Profile): string {
	return JSON.stringify([profile.broker, profile.framework, profile.updatedAt]);
}

function watchedAlready(profile: Profile, who: unknown): Result<never> {
	const by = typeof who === 'string' ? ` (${who})` : '';
	return fail(
		'busy',
		`Another process of this home watches "${profile.name}" already${by}. Its history is the same; "monitor status" tells how it goes.`,
		{ details: { holder: who } },
	);
}
