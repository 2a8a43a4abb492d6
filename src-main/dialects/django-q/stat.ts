/**
 * django-q's heartbeats: a packet that holds a `Stat`, its attributes in a state. Only its class, its attributes and what they are made of are
 * understood; everything else of a pickle is left as it is. Source: django-q's `status.py`, and packets of 1.3.9 and of django-q2 1.11.
 */
import { CLUSTER_STATUSES, type ClusterBeat, type ClusterStatus } from '#main/domain/cluster.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { Value } from '#main/domain/value.ts';
import { readPickleNodes } from '../python/pickle.ts';
import { momentOf, type PickleMoment } from '../python/pickle-moments.ts';
import { nameOf, type PickleNode } from '../python/pickle-nodes.ts';
import { pickleValue } from '../python/pickle-values.ts';
import { type Packet, pickleOf, STAT_LIMIT } from './packet.ts';

/** Its class, now and before 0.6. */
const CLASSES = new Set(['django_q.status.Stat', 'django_q.monitor.Stat']);
/** Workers of one cluster that are counted; a heartbeat within its limit could not name many more. */
const LIMITS = { values: 20_000, depth: 20 };
/** Offsets of zones are multiples of it. */
const QUARTER = 15 * 60_000;

/**
 * Reads a heartbeat. `undecodable` says which attribute is missing or is not what it should be; `too-large` over `STAT_LIMIT`. Sites without
 * time zones write naive times: what their offset is follows from when the packet was signed.
 */
export function readStat(
	packet: Packet,
	{ prefix, verified }: Pick<ClusterBeat, 'prefix' | 'verified'>,
): Result<ClusterBeat> {
	const pickle = pickleOf(packet, STAT_LIMIT);
	if (!pickle.ok) return pickle;
	const root = readPickleNodes(pickle.value, LIMITS);
	if (!root.ok) return root;
	const attributes = attributesOf(root.value);
	if (attributes === null) return fail('undecodable', 'This packet holds no heartbeat (no Stat) of django-q.');
	const beatAt = momentAt(attributes.get('timestamp'));
	const bornAt = momentAt(attributes.get('tob'));
	const status = statusOf(attributes.get('status'));
	const clusterId = idOf(attributes.get('cluster_id'));
	const host = textOf(attributes.get('host'));
	const workers = pidsOf(attributes.get('workers'));
	const sentinel = countOf(attributes.get('sentinel'));
	if (beatAt === null) return wrong('timestamp');
	if (bornAt === null) return wrong('tob');
	if (status === null) return wrong('status');
	if (clusterId === null) return wrong('cluster_id');
	if (host === null) return wrong('host');
	if (workers === null) return wrong('workers');
	if (sentinel === null) return wrong('sentinel');
	const local = (moment: PickleMoment): number => {
		if (moment.aware) return moment.at;
		return moment.at + Math.round((packet.signedAt - beatAt.at) / QUARTER) * QUARTER;
	};
	return ok({
		clusterId,
		host,
		prefix,
		status,
		workers,
		pid: countOf(attributes.get('pid')),
		sentinel,
		monitor: countOf(attributes.get('monitor')) ?? 0,
		pusher: countOf(attributes.get('pusher')) ?? 0,
		taskQueue: countOf(attributes.get('task_q_size')) ?? 0,
		resultQueue: countOf(attributes.get('done_q_size')) ?? 0,
		reincarnations: countOf(attributes.get('reincarnations')) ?? 0,
		bornAt: local(bornAt),
		beatAt: local(beatAt),
		verified,
		digest: packet.digest,
		aware: beatAt.aware,
	});
}

function attributesOf(node: PickleNode): ReadonlyMap<string, PickleNode> | null {
	if (node.kind !== 'object' || !CLASSES.has(nameOf(node.target) ?? '') || node.state?.kind !== 'dict') return null;
	const attributes = new Map<string, PickleNode>();
	for (const [key, value] of node.state.entries) {
		if (key.kind === 'scalar' && key.value.kind === 'str') attributes.set(key.value.value, value);
	}
	return attributes;
}

function plainOf(node: PickleNode | undefined): Value | null {
	if (node === undefined) return null;
	const value = pickleValue(node, LIMITS);
	return value.ok ? value.value : null;
}

function momentAt(node: PickleNode | undefined): PickleMoment | null {
	return node === undefined ? null : momentOf(node);
}

/** A translation that waits for its language comes as the English text that it is of, whatever the site's language. */
function statusOf(node: PickleNode | undefined): ClusterStatus | null {
	const text = textOf(node);
	return CLUSTER_STATUSES.find((status) => status === text) ?? null;
}

function textOf(node: PickleNode | undefined): string | null {
	const value = plainOf(node);
	return value?.kind === 'str' ? value.value : null;
}

function idOf(node: PickleNode | undefined): string | null {
	const value = plainOf(node);
	if (value?.kind === 'opaque' && value.type === 'uuid.UUID') return /'([0-9a-f-]{36})'/.exec(value.text)?.[1] ?? null;
	if (value?.kind === 'int') return value.text;
	return value?.kind === 'str' && value.value !== '' ? value.value : null;
}

function countOf(node: PickleNode | undefined): number | null {
	const value = plainOf(node);
	if (value?.kind !== 'int') return null;
	const count = Number(value.text);
	return Number.isSafeInteger(count) && count >= 0 ? count : null;
}

function pidsOf(node: PickleNode | undefined): readonly number[] | null {
	const value = plainOf(node);
	if (value?.kind !== 'list') return null;
	const pids = value.items.map((item) => (item.kind === 'int' ? Number(item.text) : Number.NaN));
	return pids.every((pid) => Number.isSafeInteger(pid)) ? pids : null;
}

function wrong(attribute: string) {
	return fail('undecodable', `The heartbeat's "${attribute}" is missing or is not what django-q writes.`);
}
