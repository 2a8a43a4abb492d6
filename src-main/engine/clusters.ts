/** django-q's clusters of each profile: looked at while somebody asks, so that who is lost can be told from who has stopped. */
import { createKeyspace } from '#main/brokers/connect.ts';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import type { PacketCheck } from '#main/dialects/django-q/check.ts';
import type { PacketSite } from '#main/dialects/django-q/message.ts';
import type { ClusterReport, ClusterState } from '#main/domain/cluster.ts';
import type { ProfileId } from '#main/domain/ids.ts';
import type { Profile } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { ClusterList, ClusterView } from '#main/ipc/contract/cluster.ts';
import { CacheLooker } from '#main/monitor/django-q/cache-look.ts';
import { clusterHints } from '#main/monitor/django-q/hints.ts';
import { ClusterLooker, type Looker } from '#main/monitor/django-q/look.ts';
import { ClusterRoster } from '#main/monitor/django-q/roster.ts';
import { siteSigning } from '#main/monitor/django-q/signing.ts';
import type { Profiles } from '#main/profiles/profiles.ts';
import type { Ports } from './ports.ts';

/** How long a connection is waited for, in ms. */
const PATIENCE_MS = 10_000;

export interface Clusters extends AsyncDisposable {
	/** One look. `unsupported` for profiles of other frameworks and brokers, else as the connection fails. */
	list(profile: Profile): Promise<Result<ClusterList>>;
	/**
	 * Looks every `everyMs` until disposed of; first once at once. A look that fails keeps what was seen, with the problem. Told with the
	 * profile that was looked at, which may have been edited since the first look.
	 */
	watch(
		profile: Profile,
		everyMs: number,
		tell: (list: ClusterList, profile: Profile) => void,
	): Promise<Result<Disposable>>;
	/** What packets for a queue (null: the site's own) are signed with, after a look; fails where that is not known. */
	signing(profile: Profile, queue: string | null): Promise<Result<PacketSite>>;
	/** How packets of a profile are checked; looks once. Without a key nothing is checked. */
	checking(profile: Profile): Promise<Result<PacketCheck>>;
}

interface Site {
	/** Changes with what the site is made of. */
	readonly made: string;
	/** `updatedAt` of the profile that it was made of. */
	readonly asOf: number;
	readonly keyspace: Keyspace;
	readonly looker: Looker;
	readonly roster: ClusterRoster;
	last: ClusterReport | null;
	/** One look at a time; all who ask meanwhile share it. */
	looking: Promise<Result<ClusterReport>> | null;
}

/** Keeps the connections of one engine; nothing is connected before somebody asks. */
export function createClusters(
	ports: Ports,
	profiles: Profiles,
	open: typeof createKeyspace = createKeyspace,
): Clusters {
	const sites = new Map<ProfileId, Site>();
	/** Sites are made one after another: of two that were made at once, one would be kept by nobody and stay connected. */
	const turns = new Map<ProfileId, Promise<unknown>>();
	const { clock, log } = ports;
	let isClosed = false;

	function siteOf(profile: Profile): Promise<Result<Site>> {
		const site = (turns.get(profile.id) ?? Promise.resolve()).then(() => siteNow(profile));
		// Whoever asked is told.
		turns.set(
			profile.id,
			site.catch(() => undefined),
		);
		return site;
	}

	async function siteNow(profile: Profile): Promise<Result<Site>> {
		const { broker } = profile;
		if (profile.framework !== 'django-q') {
			return fail('unsupported', `"${profile.name}" is a profile of ${profile.framework}; clusters are django-q's.`);
		}
		if (broker.kind !== 'redis') {
			return fail('unsupported', 'Clusters are seen in a Redis: give the profile the address of the one they use.');
		}
		const secret = await profiles.secret(profile.id, 'django');
		if (!secret.ok) return secret;
		const prefixes = profile.djangoQ?.prefixes ?? [];
		const { djangoQ, queues, name, secretsAt, updatedAt } = profile;
		const made = JSON.stringify([broker, djangoQ, queues, name, secretsAt]);
		const known = sites.get(profile.id);
		// Whoever found the profile before it was edited gets what others have by now.
		if (known !== undefined && (known.made === made || updatedAt < known.asOf)) return ok(known);
		sites.delete(profile.id);
		await known?.keyspace[Symbol.asyncDispose]();
		if (isClosed) return fail('gone', 'Warren is closing.');
		const keyspace = open(broker, {
			password: async () => {
				const found = await profiles.secret(profile.id, 'broker');
				return found.ok ? found.value : null;
			},
			clock,
			log,
			clientName: `Warren ${ports.version} (${profile.name})`,
		});
		keyspace.connect();
		const named = { prefixes: prefixes.length === 0 ? null : prefixes, secretKey: secret.value };
		const cache = profile.djangoQ?.cache;
		const looker =
			cache === undefined
				? new ClusterLooker(keyspace, { ...named, queues: profile.queues })
				: new CacheLooker(keyspace, { ...named, cache });
		const site: Site = {
			made,
			asOf: updatedAt,
			keyspace,
			looker,
			roster: new ClusterRoster(),
			last: null,
			looking: null,
		};
		sites.set(profile.id, site);
		return ok(site);
	}

	async function lookAt(site: Site): Promise<Result<ClusterReport>> {
		site.looking ??= (async () => {
			try {
				const ready = await site.keyspace.ready(PATIENCE_MS);
				if (!ready.ok) return ready;
				const report = await site.looker.look(clock.now());
				if (report.ok) {
					site.roster.take(report.value.at, report.value.beats);
					site.last = report.value;
				}
				return report;
			} finally {
				site.looking = null;
			}
		})();
		return site.looking;
	}

	function listOf(profile: Profile, site: Site, report: ClusterReport, problem: string | null): ClusterList {
		const now = clock.now();
		const states = site.roster.all();
		const items = states.map((state) => viewOf(state, now));
		const { prefixes = [], cache = null } = profile.djangoQ ?? {};
		const hints = clusterHints(report, states, { named: prefixes, cache });
		const { queues, odd, at, complete } = report;
		const elsewhere = cache !== null;
		return { items, total: items.length, queues, elsewhere, odd, hints, at, complete, problem };
	}

	return {
		async list(profile) {
			const site = await siteOf(profile);
			if (!site.ok) return site;
			const report = await lookAt(site.value);
			return report.ok ? ok(listOf(profile, site.value, report.value, null)) : report;
		},
		async watch(profile, everyMs, tell) {
			const first = await siteOf(profile);
			if (!first.ok) return first;
			let ended = false;
			let pause: Disposable | null = null;
			/** Where something was seen last, told with the problem when there is one. */
			let at = first.value;
			/** When to go on, in ms; null: never. */
			const round = async (): Promise<number | null> => {
				const found = await profiles.find(profile.id);
				if (ended) return null;
				if (!found.ok) {
					log.warn('clusters.watch-ended', { profile: profile.id, reason: found.error.message });
					return null;
				}
				const site = await siteOf(found.value);
				if (ended) return null;
				if (site.ok) at = site.value;
				const report = site.ok ? await lookAt(at) : site;
				if (ended) return null;
				// The profile was edited under this look: what failed was the connection that it had before.
				if (!report.ok && site.ok && sites.get(profile.id) !== at && !isClosed) return 0;
				const seen = report.ok ? report.value : at.last;
				const empty = { at: clock.now(), beats: [], odd: [], queues: [], complete: true };
				tell(listOf(found.value, at, seen ?? empty, report.ok ? null : report.error.message), found.value);
				return everyMs;
			};
			const again = (): void => {
				round()
					.catch((error: unknown) => {
						log.error('clusters.watch-failed', { profile: profile.id, reason: String(error) });
						return everyMs;
					})
					.then((next) => {
						if (next !== null && !ended) pause = clock.after(next, again);
					});
			};
			again();
			return ok({
				[Symbol.dispose]() {
					ended = true;
					pause?.[Symbol.dispose]();
				},
			});
		},
		async signing(profile, queue) {
			if (profile.djangoQ?.cache !== undefined) {
				return fail(
					'unsupported',
					`The tasks of "${profile.name}" wait in a broker of its own, not in a Redis, so that Warren can enqueue none.`,
				);
			}
			const secret = await profiles.secret(profile.id, 'django');
			if (!secret.ok) return secret;
			const named = profile.djangoQ?.prefixes ?? [];
			const facts = { profile: profile.name, secretKey: secret.value, named, queue };
			// Without a key there is nothing to look for.
			if (secret.value === null) return siteSigning({ ...facts, beats: [], now: clock.now() });
			const site = await siteOf(profile);
			if (!site.ok) return site;
			const report = await lookAt(site.value);
			return report.ok ? siteSigning({ ...facts, beats: report.value.beats, now: clock.now() }) : report;
		},
		async checking(profile) {
			const secret = await profiles.secret(profile.id, 'django');
			if (!secret.ok) return secret;
			const named = profile.djangoQ?.prefixes ?? [];
			if (secret.value === null) {
				return ok({ secretKey: null, prefixes: named, expected: null, keyProven: false });
			}
			const site = await siteOf(profile);
			if (!site.ok) return site;
			const report = await lookAt(site.value);
			if (!report.ok) return report;
			const { beats } = report.value;
			const proof = beats.find(({ verified }) => verified === true);
			const prefixes = [...new Set([...named, ...beats.map(({ prefix }) => prefix)])];
			return ok({
				secretKey: secret.value,
				prefixes,
				expected: proof?.digest ?? null,
				keyProven: proof !== undefined,
			});
		},
		async [Symbol.asyncDispose]() {
			isClosed = true;
			await Promise.all([...sites.values()].map(({ keyspace }) => keyspace[Symbol.asyncDispose]()));
			sites.clear();
		},
	};
}

function viewOf(state: ClusterState, now: number): ClusterView {
	const { beat, presence, seenAt, skewMs } = state;
	const gone = presence === 'stopped' || presence === 'lost';
	return {
		...state,
		// By the cluster's own clock as far as it was heard, and by ours from then on.
		uptimeMs: Math.max(0, beat.beatAt - beat.bornAt + (gone ? 0 : Math.max(0, now - seenAt))),
		// What its clock is ahead is not age.
		ageMs: Math.max(0, skewMs === null ? now - seenAt : now - (beat.beatAt - skewMs)),
		stat: {
			cluster_id: beat.clusterId,
			tob: new Date(beat.bornAt).toISOString(),
			uptime: (beat.beatAt - beat.bornAt) / 1_000,
			reincarnations: beat.reincarnations,
			status: beat.status,
			task_q_size: beat.taskQueue,
			done_q_size: beat.resultQueue,
			pid: beat.pid,
			pusher: beat.pusher,
			monitor: beat.monitor,
			sentinel: beat.sentinel,
			workers: beat.workers,
			empty_queues: beat.taskQueue + beat.resultQueue === 0,
			host: beat.host,
			timestamp: new Date(beat.beatAt).toISOString(),
		},
	};
}
