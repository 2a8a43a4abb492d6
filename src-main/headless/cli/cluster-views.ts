/** What django-q's clusters look like to a person: the columns of its own monitor, and what that one does not say. */
import type { ClusterList, ClusterView } from '#main/ipc/contract/cluster.ts';
import type { Discovery } from '#main/ipc/contract/profile.ts';
import { type Column, count, harmless, lasted, type Paint, paint, type Style, table, when } from './text.ts';

/** As the cluster calls it while it lives, and what became of it once it is gone. */
function stateOf({ beat, presence }: ClusterView): string {
	return presence === 'live' ? beat.status : presence === 'late' ? `${beat.status} (late)` : presence;
}

function colourOf({ beat, presence }: ClusterView): Paint | null {
	if (presence === 'lost') return 'red';
	if (presence === 'late' || beat.status === 'Starting' || beat.status === 'Stopping') return 'yellow';
	return presence === 'live' && beat.status === 'Working' ? 'green' : null;
}

/** Hours are not turned into days: a cluster's age is compared at a glance. */
function uptime(ms: number): string {
	const seconds = Math.floor(ms / 1_000);
	const two = (value: number) => String(value).padStart(2, '0');
	return `${Math.floor(seconds / 3_600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

const COLUMNS: readonly Column<ClusterView>[] = [
	{ title: 'HOST', cell: ({ beat }) => beat.host, shrink: true },
	{ title: 'ID', cell: ({ beat }) => beat.clusterId.slice(-8) },
	{ title: 'NAME', cell: ({ beat }) => beat.prefix, shrink: true },
	{ title: 'STATE', cell: stateOf, paint: colourOf },
	{
		title: 'POOL',
		cell: ({ beat }) => count(beat.workers.length),
		paint: ({ beat, mostWorkers, presence }) =>
			presence === 'live' && beat.workers.length < mostWorkers ? 'yellow' : null,
		right: true,
	},
	{ title: 'TQ', cell: ({ beat }) => count(beat.taskQueue), right: true },
	{ title: 'RQ', cell: ({ beat }) => count(beat.resultQueue), right: true },
	{ title: 'RC', cell: ({ beat }) => count(beat.reincarnations), right: true },
	{ title: 'UP', cell: (view) => uptime(view.uptimeMs), right: true },
	{ title: 'HEARD', cell: ({ ageMs }) => `${lasted(ageMs)} ago`, right: true },
	{ title: 'CLOCK', cell: ({ skewMs }) => clock(skewMs), right: true },
	{ title: 'SIGNED', cell: ({ beat }) => (beat.verified === null ? 'not checked' : beat.verified ? 'yes' : 'NO') },
];

function clock(skewMs: number | null): string {
	if (skewMs === null) return '-';
	// Less is the time that a look takes.
	if (Math.abs(skewMs) < 1_000) return 'right';
	return `${lasted(Math.abs(skewMs))} ${skewMs > 0 ? 'ahead' : 'behind'}`;
}

export function showClusters(list: ClusterList, style: Style): string {
	const { items, queues, elsewhere, odd, hints, at, problem } = list;
	const parts = [items.length === 0 ? 'No cluster beats.' : table(style, items, COLUMNS)];
	for (const { name, length, nextSince } of queues) {
		const waits = nextSince === null ? '' : `, the next one for ${lasted(Math.max(0, at - nextSince))}`;
		parts.push(
			length === null
				? `Queue ${harmless(name)}: its key is no list.`
				: `Queue ${harmless(name)}: ${count(length)} waiting${waits}`,
		);
	}
	if (elsewhere)
		parts.push(
			paint(style, 'dim', "Seen through Django's cache: the queue is in a broker of the site's own, and not seen."),
		);
	for (const { key, reason } of odd) parts.push(paint(style, 'yellow', `${harmless(key)}: ${harmless(reason)}`));
	for (const hint of hints) parts.push(paint(style, 'yellow', harmless(hint)));
	if (problem !== null) parts.push(paint(style, 'red', `As it was at ${when(at)}: ${harmless(problem)}`));
	return parts.join('\n');
}

const SITE_COLUMNS: readonly Column<Discovery['sites'][number]>[] = [
	{ title: 'NAME', cell: ({ name }) => name, shrink: true },
	{ title: 'CACHE', cell: ({ cache }) => cache ?? '-', shrink: true },
	{ title: 'CLUSTERS', cell: ({ clusters }) => count(clusters), right: true },
	{ title: 'HOSTS', cell: ({ hosts }) => hosts.join(', '), shrink: true },
	{
		title: 'SIGNED',
		cell: ({ verified }) => (verified === null ? 'not checked' : verified ? 'yes' : 'WRONG'),
		paint: ({ verified }) => (verified === false ? 'red' : null),
	},
];

const LIST_COLUMNS: readonly Column<Discovery['queues'][number]>[] = [
	{ title: 'QUEUE', cell: ({ name }) => name, shrink: true },
	{ title: 'WAITING', cell: ({ length }) => (length === null ? '-' : count(length)), right: true },
];

/** What a Redis holds of django-q's, and how to make a profile of it. */
export function showDiscovery({ sites, queues, odd, complete }: Discovery, style: Style): string {
	const parts = [sites.length === 0 ? 'No cluster beats here.' : table(style, sites, SITE_COLUMNS)];
	parts.push(queues.length === 0 ? 'No list of packets holds anything.' : table(style, queues, LIST_COLUMNS));
	for (const { key, reason } of odd) parts.push(paint(style, 'yellow', harmless(`${key}: ${reason}`)));
	if (!complete) parts.push(paint(style, 'yellow', 'There is more than was looked at.'));
	if (sites.length > 0) {
		parts.push(paint(style, 'dim', 'profile add NAME --framework django-q --broker URL --discover takes all of it.'));
	}
	return parts.join('\n');
}

/** Views of the routes about clusters. */
export const CLUSTER_VIEWS = { 'cluster.list': { text: showClusters } } as const;
