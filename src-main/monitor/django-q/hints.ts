/** What seems wrong with a site of django-q, from what its keys tell. Pure. */
import type { ClusterReport, ClusterState } from '#main/domain/cluster.ts';
import { cacheLead, type DjangoCache } from '#main/domain/django-cache.ts';

/** From how many packets on a standing list says something. */
const BACKLOG = 10;
/** How long the next packet may wait while clusters say that they have nothing to do, in ms. */
const STANDING_MS = 30_000;

/**
 * Words for a person, the most urgent first. `named`: the prefixes that the profile names; empty: none. `cache`: the clusters beat in it. An
 * empty monitor is the usual complaint, and never explains itself.
 */
export function clusterHints(
	report: ClusterReport,
	clusters: readonly ClusterState[],
	{ named, cache }: { readonly named: readonly string[]; readonly cache: DjangoCache | null },
): readonly string[] {
	const hints: string[] = [];
	const live = clusters.filter(({ presence }) => presence === 'live' || presence === 'late');
	const waiting = report.queues.filter(({ length }) => length !== null && length > 0);
	const lost = clusters.filter(({ presence }) => presence === 'lost');
	for (const { beat } of lost) {
		hints.push(
			`Cluster ${beat.clusterId.slice(-8)} on ${beat.host} went without a word: it was killed or its host is gone. What it had taken (TQ ${beat.taskQueue} at last, and what ran) is lost; django-q does not give it back.`,
		);
	}
	if (live.length === 0 && waiting.length > 0) {
		const names = waiting.map(({ name, length }) => `${name} (${length})`).join(', ');
		hints.push(`Nothing runs what waits in ${names}: no cluster beats. Start one with "manage.py qcluster".`);
	}
	const standing = waiting.filter(
		({ length, nextSince }) =>
			length !== null && length >= BACKLOG && nextSince !== null && report.at - nextSince >= STANDING_MS,
	);
	if (
		standing.length > 0 &&
		live.length > 0 &&
		live.every(({ beat }) => beat.status === 'Idle' && beat.taskQueue === 0)
	) {
		hints.push(
			`${standing.map(({ name }) => name).join(', ')} grows while every cluster says Idle: their pushers may hang on a dead connection to Redis, or serve another queue. Restart a cluster to see.`,
		);
	}
	if (clusters.length === 0 && cache !== null) {
		const keys = `${cacheLead(cache)}django_q:${named.length === 1 ? named[0] : '<name>'}:cluster`;
		hints.push(
			`No cluster beats in this cache (under ${keys}). Is it the cache that Q_CLUSTER names ("cache", else "default"), with this KEY_PREFIX and VERSION, and not kept in memory (LocMemCache) or switched off (DummyCache)? Those are seen by nobody.`,
		);
	} else if (clusters.length === 0 && waiting.length === 0) {
		hints.push(
			named.length > 0
				? `No cluster named ${named.map((name) => `"${name}"`).join(', ')} beats in this Redis. Is the name Q_CLUSTER's, and the database that of its settings?`
				: "No cluster beats in this Redis. Clusters with another broker beat in Django's cache, which must be a Redis to be seen: a profile of that Redis shows them, with the cache's KEY_PREFIX:VERSION (--cache, usually :1).",
		);
	}
	if (!report.complete) hints.push('There are more keys than are looked at; name the clusters in the profile.');
	return hints;
}
