import { describe, expect, it } from 'vitest';
import type { ClusterBeat, ClusterQueue, ClusterState } from '#main/domain/cluster.ts';
import { ClusterSymptoms, type SymptomRound } from '#main/monitor/django-q/symptoms.ts';

const AT = 1_800_000_000_000;
const MINUTE = 60_000;
function cluster(more: Partial<ClusterBeat> = {}, state: Partial<ClusterState> = {}): ClusterState {
	const beat: ClusterBeat = {
		clusterId: '4161c4ed-faf2-4ff2-a735-dda91a991549',
		host: 'vm',
		prefix: 'shop',
		status: 'Idle',
		workers: [1, 2],
		pid: 1,
		sentinel: 2,
		monitor: 3,
		pusher: 4,
		taskQueue: 0,
		resultQueue: 0,
		reincarnations: 0,
		digest: 'sha256',
		aware: true,
		bornAt: 0,
		beatAt: AT,
		verified: null,
		...more,
	};
	return { beat, presence: 'live', since: AT, seenAt: AT, skewMs: 0, mostWorkers: 2, ...state };
}
const shop = (length: number, nextSince: number | null = AT): ClusterQueue => ({ name: 'shop', length, nextSince });
const round = (more: Partial<SymptomRound>): SymptomRound => ({
	now: AT,
	queues: [],
	clusters: [cluster()],
	named: false,
	problem: null,
	...more,
});
const rules = (taken: readonly { readonly rule: string }[]): readonly string[] => taken.map(({ rule }) => rule);

describe('symptoms of a site', () => {
	it('are none where all is well, and only one while it cannot be reached', () => {
		const watch = new ClusterSymptoms();
		expect(watch.take(round({ queues: [shop(0, null)] }))).toEqual([]);
		expect(watch.take(round({ clusters: [], problem: 'No answer.' }))).toMatchObject([{ rule: 'unreachable' }]);
	});

	it('are that nothing runs the tasks, where there is a site that should', () => {
		const watch = new ClusterSymptoms();
		expect(watch.take(round({ clusters: [] }))).toEqual([]);
		expect(rules(watch.take(round({ clusters: [], named: true })))).toEqual(['no-cluster']);
		expect(rules(watch.take(round({ clusters: [], queues: [shop(3, null)] })))).toEqual(['no-cluster', 'queue-length']);
		expect(rules(watch.take(round({ clusters: [cluster({}, { presence: 'stopped' })] })))).toEqual(['no-cluster']);
	});

	it('are a lost cluster, for an hour', () => {
		const lost = cluster({}, { presence: 'lost', since: AT });
		const watch = new ClusterSymptoms();
		const clusters = [lost, cluster({ clusterId: 'another' })];
		expect(rules(watch.take(round({ clusters })))).toEqual(['cluster-lost']);
		expect(watch.take(round({ clusters, now: AT + 61 * MINUTE }))).toEqual([]);
	});

	it('are a queue that grows while all are idle and the next packet stays the same', () => {
		const watch = new ClusterSymptoms();
		const grown = (length: number, nextSince = AT) =>
			watch.take(round({ queues: [shop(length, nextSince)] })).find(({ rule }) => rule === 'stuck-queue')?.value;
		expect(grown(5)).toBeUndefined();
		expect(grown(5)).toBeUndefined();
		expect(grown(17)).toBe(12);
		// One was taken: it does not hang.
		expect(grown(20, AT + 5_000)).toBeUndefined();
		watch.take(round({ queues: [shop(30, AT + 5_000)], clusters: [cluster({ status: 'Working', taskQueue: 1 })] }));
		expect(grown(40, AT + 5_000)).toBeUndefined();
	});

	it('are results that heap up against the last minutes, and not a steady number of them', () => {
		const watch = new ClusterSymptoms();
		const rise = (minutes: number, resultQueue: number) =>
			watch
				.take(round({ now: AT + minutes * MINUTE, clusters: [cluster({ status: 'Working', resultQueue })] }))
				.find(({ rule }) => rule === 'results-rising')?.value;
		expect([rise(0, 2), rise(1, 12), rise(2, 32)]).toEqual([undefined, 10, 30]);
		expect([rise(4, 32), rise(6, 32), rise(8, 32)]).toEqual([30, 20, undefined]);
	});

	it('are replaced processes of the last hour', () => {
		const watch = new ClusterSymptoms();
		const replaced = (minutes: number, reincarnations: number) =>
			watch
				.take(round({ now: AT + minutes * MINUTE, clusters: [cluster({ reincarnations })] }))
				.find(({ rule }) => rule === 'restarts')?.value;
		expect([replaced(0, 500), replaced(30, 530), replaced(59, 560), replaced(91, 560)]).toEqual([
			undefined,
			30,
			60,
			undefined,
		]);
	});

	it('are a short pool once it has settled, late heartbeats by their age, and foreign signatures', () => {
		const watch = new ClusterSymptoms();
		const short = { workers: [1] };
		expect(rules(watch.take(round({ clusters: [cluster({ ...short, status: 'Starting' })] })))).toEqual([]);
		expect(watch.take(round({ clusters: [cluster(short)] }))).toMatchObject([{ rule: 'pool-short', value: 1 }]);
		const late = cluster({}, { presence: 'late', seenAt: AT - 6_500 });
		expect(watch.take(round({ clusters: [late] }))).toMatchObject([{ rule: 'heartbeat-late', value: 6 }]);
		expect(watch.take(round({ clusters: [cluster({ verified: false })] }))).toMatchObject([{ rule: 'unsigned' }]);
	});
});
