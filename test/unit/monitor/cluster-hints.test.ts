import { describe, expect, it } from 'vitest';
import type { ClusterBeat, ClusterReport, ClusterState } from '#main/domain/cluster.ts';
import { clusterHints } from '#main/monitor/django-q/hints.ts';

const AT = 1_800_000_000_000;
const report = (more: Partial<ClusterReport> = {}): ClusterReport => ({
	at: AT,
	beats: [],
	odd: [],
	queues: [],
	complete: true,
	...more,
});
function cluster(presence: ClusterState['presence'], more: Partial<ClusterBeat> = {}): ClusterState {
	const beat: ClusterBeat = {
		clusterId: '4161c4ed-faf2-4ff2-a735-dda91a991549',
		host: 'vm',
		prefix: 'shop',
		status: 'Idle',
		workers: [1],
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
	return { beat, presence, since: AT, seenAt: AT, skewMs: 0, mostWorkers: 1 };
}
/** No name is given, and no cache. */
const NOWHERE = { named: [], cache: null };
const backlog = { name: 'shop', length: 50, nextSince: AT - 60_000 };

describe('hints about a site', () => {
	it('are none where all is well', () => {
		expect(clusterHints(report(), [cluster('live')], NOWHERE)).toEqual([]);
		const young = report({ queues: [{ ...backlog, nextSince: AT - 1_000 }] });
		expect(clusterHints(young, [cluster('live')], NOWHERE)).toEqual([]);
		expect(clusterHints(report({ queues: [backlog] }), [cluster('live', { status: 'Working' })], NOWHERE)).toEqual([]);
	});

	it('explain an empty monitor', () => {
		expect(clusterHints(report(), [], { named: ['shop'], cache: null })[0]).toContain('No cluster named "shop"');
		expect(clusterHints(report(), [], NOWHERE)[0]).toContain("Django's cache");
	});

	it('say under which key of a cache clusters would beat, and what hides them', () => {
		const cache = { keyPrefix: 'eu', version: 2 };
		const [named = '', ...more] = clusterHints(report(), [], { named: ['shop'], cache });
		expect(named).toContain('eu:2:django_q:shop:cluster');
		expect(named).toContain('LocMemCache');
		expect(more).toEqual([]);
		expect(clusterHints(report(), [], { named: [], cache })[0]).toContain('eu:2:django_q:<name>:cluster');
		expect(clusterHints(report(), [cluster('live')], { named: [], cache })).toEqual([]);
	});

	it('say that nothing runs what waits', () => {
		expect(clusterHints(report({ queues: [backlog] }), [], NOWHERE)[0]).toContain('shop (50)');
		expect(clusterHints(report({ queues: [backlog] }), [cluster('stopped')], NOWHERE)[0]).toContain('qcluster');
	});

	it('say that a list grows while every cluster says Idle', () => {
		expect(clusterHints(report({ queues: [backlog] }), [cluster('live'), cluster('late')], NOWHERE)).toEqual([
			expect.stringContaining('grows while every cluster says Idle'),
		]);
	});

	it('say what a lost cluster took with it', () => {
		const hints = clusterHints(report(), [cluster('lost', { taskQueue: 4 }), cluster('live')], NOWHERE);
		expect(hints).toEqual([expect.stringContaining('TQ 4')]);
		expect(hints[0]).toContain('1a991549');
	});
});
