/** Looks once into a Redis for django-q's sites, before there is a profile or for its doctor. Nothing is written, nothing stays connected. */
import { createKeyspace } from '#main/brokers/connect.ts';
import { heldFrom } from '#main/brokers/packets.ts';
import type { ClusterReport } from '#main/domain/cluster.ts';
import type { DoctorStep, RedisAddress } from '#main/domain/profile.ts';
import { ok, type Result } from '#main/domain/result.ts';
import type { Discovery } from '#main/ipc/contract/profile.ts';
import { clusterVerdicts, sitesOf } from '#main/monitor/django-q/discovery.ts';
import { ClusterLooker } from '#main/monitor/django-q/look.ts';
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

/** What is there to make a profile of. Fails as the connection does. */
export async function discover(ports: Ports, place: DiscoveryPlace): Promise<Result<Discovery>> {
	const report = await lookOnce(ports, place);
	if (!report.ok) return report;
	const { queues, complete, odd } = report.value;
	const lists = queues.filter(({ name, length }) => length !== null && heldFrom(name) === null);
	return ok({ sites: sitesOf(report.value), queues: lists, odd, complete });
}

/** The doctor's steps about clusters and signatures. */
export async function clusterSteps(
	ports: Ports,
	place: DiscoveryPlace,
	named: readonly string[],
): Promise<readonly DoctorStep[]> {
	const since = ports.clock.monotonic();
	const report = await lookOnce(ports, place);
	const tookMs = Math.round(ports.clock.monotonic() - since);
	if (!report.ok) {
		return [{ step: 'clusters', status: 'failed', finding: report.error.message, cure: 'Try again.', tookMs }];
	}
	return clusterVerdicts(report.value, named, place.secretKey !== null).map((verdict, at) => ({
		...verdict,
		tookMs: at === 0 ? tookMs : 0,
	}));
}

async function lookOnce(
	ports: Ports,
	{ address, password, secretKey }: DiscoveryPlace,
): Promise<Result<ClusterReport>> {
	const { clock, log } = ports;
	const clientName = `Warren ${ports.version} (discovery)`;
	await using keyspace = createKeyspace(address, { password: async () => password, clock, log, clientName });
	keyspace.connect();
	const ready = await keyspace.ready(PATIENCE_MS);
	if (!ready.ok) return ready;
	return await new ClusterLooker(keyspace, { prefixes: null, queues: [], secretKey }).look(clock.now());
}
