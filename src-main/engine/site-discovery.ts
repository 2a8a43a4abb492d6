/** Looks once into a Redis for django-q's sites, before there is a profile or for its doctor. Nothing is written, nothing stays connected. */
import { createKeyspace } from '#main/brokers/connect.ts';
import type { Keyspace } from '#main/brokers/keyspace.ts';
import { heldFrom } from '#main/brokers/packets.ts';
import type { DjangoCache } from '#main/domain/django-cache.ts';
import type { DoctorStep, RedisAddress } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { Discovery } from '#main/ipc/contract/profile.ts';
import { CacheLooker, findCaches } from '#main/monitor/django-q/cache-look.ts';
import { clusterVerdicts, sitesOf } from '#main/monitor/django-q/discovery.ts';
import { ClusterLooker, type Looker } from '#main/monitor/django-q/look.ts';
import type { Ports } from './ports.ts';

/** How long a connection is waited for, in ms. */
const PATIENCE_MS = 10_000;

/** Where to look, and with what. */
export interface DiscoveryPlace {
	readonly address: RedisAddress;
	readonly password: string | null;
	/** Null: nothing is verified. */
	readonly secretKey: string | null;
}

/** What is there to make a profile of, beside queues and in Django's caches. Fails as the connection does. */
export async function discover(ports: Ports, place: DiscoveryPlace): Promise<Result<Discovery>> {
	return await withKeyspace(ports, place, async (keyspace): Promise<Result<Discovery>> => {
		const { secretKey } = place;
		const report = await beside(keyspace, secretKey).look(ports.clock.now());
		if (!report.ok) return report;
		const found = await findCaches(keyspace);
		if (!found.ok) return found;
		const sites = [...sitesOf(report.value)];
		const odd = [...report.value.odd];
		for (const { cache, prefixes } of found.value.caches) {
			const cached = await new CacheLooker(keyspace, { cache, prefixes, secretKey }).look(ports.clock.now());
			if (!cached.ok) return cached;
			sites.push(...sitesOf(cached.value, cache));
			odd.push(...cached.value.odd);
		}
		const lists = report.value.queues.filter(({ name, length }) => length !== null && heldFrom(name) === null);
		return ok({ sites, queues: lists, odd, complete: report.value.complete && found.value.complete });
	});
}

/** The doctor's steps about clusters and signatures. `cache`: where they beat; null: beside their queue. */
export async function clusterSteps(
	ports: Ports,
	place: DiscoveryPlace,
	named: readonly string[],
	cache: DjangoCache | null,
): Promise<readonly DoctorStep[]> {
	const since = ports.clock.monotonic();
	const { secretKey } = place;
	const report = await withKeyspace(ports, place, (keyspace) => {
		const prefixes = named.length === 0 ? null : named;
		const looker =
			cache === null ? beside(keyspace, secretKey) : new CacheLooker(keyspace, { cache, prefixes, secretKey });
		return looker.look(ports.clock.now());
	});
	const tookMs = Math.round(ports.clock.monotonic() - since);
	if (!report.ok) {
		return [{ step: 'clusters', status: 'failed', finding: report.error.message, cure: 'Try again.', tookMs }];
	}
	return clusterVerdicts(report.value, named, secretKey !== null, cache).map((verdict, at) => ({
		...verdict,
		tookMs: at === 0 ? tookMs : 0,
	}));
}

function beside(keyspace: Keyspace, secretKey: string | null): Looker {
	return new ClusterLooker(keyspace, { prefixes: null, queues: [], secretKey });
}

async function withKeyspace<T>(
	ports: Ports,
	{ address, password }: DiscoveryPlace,
	use: (keyspace: Keyspace) => Promise<Result<T>>,
): Promise<Result<T>> {
	const { clock, log } = ports;
	const clientName = `Warren ${ports.version} (discovery)`;
	await using keyspace = createKeyspace(address, { password: async () => password, clock, log, clientName });
	keyspace.connect();
	const ready = await keyspace.ready(PATIENCE_MS);
	return ready.ok ? await use(keyspace) : ready;
}
