import { describe, expect, it } from 'vitest';
import type { ClusterBeat } from '#main/domain/cluster.ts';
import { ClusterRoster, LOST_MS } from '#main/monitor/django-q/roster.ts';

function beat(at: number, more: Partial<ClusterBeat> = {}): ClusterBeat {
	return {
		clusterId: 'a',
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
		beatAt: at,
		verified: true,
		...more,
	};
}

/** Rounds of a second each, from `from` for `seconds`, in which it beats unless `silent`. */
function rounds(
	roster: ClusterRoster,
	from: number,
	seconds: number,
	of: (at: number) => readonly ClusterBeat[],
): number {
	for (let n = 0; n < seconds; n += 1) roster.take(from + n * 1_000, of(from + n * 1_000));
	return from + seconds * 1_000;
}
const only = (roster: ClusterRoster) => roster.all()[0];

describe('clusters', () => {
	it('that beat are live, with the most workers they were seen with', () => {
		const roster = new ClusterRoster();
		rounds(roster, 1_000, 5, (at) => [beat(at - 100, { workers: at < 3_000 ? [1, 2, 3] : [1] })]);
		expect(only(roster)).toMatchObject({ presence: 'live', since: 1_000, seenAt: 5_000, mostWorkers: 3 });
	});

	it('whose heartbeat stays the same are late', () => {
		const roster = new ClusterRoster();
		rounds(roster, 0, 2, (at) => [beat(at)]);
		rounds(roster, 2_000, 3, () => [beat(1_000)]);
		expect(only(roster)).toMatchObject({ presence: 'late', since: 4_000, seenAt: 1_000 });
	});

	it('that said so have stopped, whether their last word was seen or not', () => {
		for (const status of ['Stopped', 'Stopping'] as const) {
			const roster = new ClusterRoster();
			const at = rounds(roster, 0, 3, (now) => [beat(now, { status: now === 2_000 ? status : 'Idle' })]);
			roster.take(at, []);
			expect(only(roster)?.presence).toBe('stopped');
			rounds(roster, at, 60, () => []);
			expect(only(roster)?.presence).toBe('stopped');
		}
	});

	it('that went without a word are late, then lost, and live again when they come back', () => {
		const roster = new ClusterRoster();
		let at = rounds(roster, 0, 3, (now) => [beat(now)]);
		roster.take(at, []);
		expect(only(roster)?.presence).toBe('late');
		at = rounds(roster, at, LOST_MS / 1_000, () => []);
		expect(only(roster)).toMatchObject({ presence: 'lost', seenAt: 2_000 });
		roster.take(at, [beat(at)]);
		expect(only(roster)).toMatchObject({ presence: 'live', since: at });
	});

	it('are not lost by a time in which nobody looked', () => {
		const roster = new ClusterRoster();
		rounds(roster, 0, 3, (now) => [beat(now)]);
		// The laptop slept for an hour.
		roster.take(3_600_000, []);
		expect(only(roster)?.presence).toBe('late');
		roster.take(3_601_000, [beat(3_601_000)]);
		expect(only(roster)?.presence).toBe('live');
	});

	it('tell the skew of their clocks by their quickest heartbeats', () => {
		const roster = new ClusterRoster();
		const delays = [300, 20, 700, 90];
		rounds(roster, 0, 4, (now) => [beat(now + 60_000 - (delays[now / 1_000] ?? 0))]);
		expect(only(roster)?.skewMs).toBe(59_980);
	});

	it('keep their places', () => {
		const roster = new ClusterRoster();
		const two = [beat(0, { clusterId: 'z', bornAt: 1 }), beat(0, { clusterId: 'b', bornAt: 2 })];
		const other = beat(0, { clusterId: 'c', host: 'box', bornAt: 9 });
		roster.take(0, [...two, other]);
		roster.take(1_000, [other, ...two].reverse());
		expect(roster.all().map((state) => state.beat.clusterId)).toEqual(['c', 'z', 'b']);
	});

	it('are dismissed only when they are gone, and forgotten when too many are', () => {
		const roster = new ClusterRoster();
		roster.take(0, [beat(0)]);
		expect(roster.dismiss('a')).toBe(false);
		roster.take(1_000, [beat(1_000, { status: 'Stopped' })]);
		expect(roster.dismiss('a')).toBe(true);
		expect(roster.all()).toEqual([]);
		const many = Array.from({ length: 300 }, (_, n) => beat(2_000, { clusterId: `n${n}`, status: 'Stopped' }));
		roster.take(2_000, many);
		roster.take(3_000, []);
		expect(roster.all()).toHaveLength(200);
	});
});
