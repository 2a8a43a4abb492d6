/** What one look at a Redis tells of django-q's sites there. */
import { describe, expect, it } from 'vitest';
import type { ClusterBeat, ClusterReport } from '#main/domain/cluster.ts';
import { clusterVerdicts, sitesOf } from '#main/monitor/django-q/discovery.ts';

const beat = (prefix: string, clusterId: string, more: Partial<ClusterBeat> = {}): ClusterBeat => ({
	clusterId,
	host: 'web-1',
	prefix,
	status: 'Idle',
	workers: [1, 2],
	pid: 10,
	sentinel: 11,
	monitor: 12,
	pusher: 13,
	taskQueue: 0,
	resultQueue: 0,
	reincarnations: 0,
	bornAt: 0,
	beatAt: 1,
	verified: null,
	digest: 'sha256',
	aware: true,
	...more,
});
const report = (beats: readonly ClusterBeat[], more: Partial<ClusterReport> = {}): ClusterReport => ({
	at: 1,
	beats,
	odd: [],
	queues: [],
	complete: true,
	...more,
});
const say = (found: ClusterReport, named: readonly string[], keyed: boolean) =>
	clusterVerdicts(found, named, keyed).map(({ status }) => status);

describe('sites in a Redis', () => {
	it('are told by the names under which clusters beat', () => {
		const beats = [beat('shop', 'a'), beat('shop', 'b', { host: 'web-2' }), beat('Café', 'c', { verified: true })];
		expect(sitesOf(report(beats))).toEqual([
			{ name: 'Café', clusters: 1, hosts: ['web-1'], verified: true, cache: null },
			{ name: 'shop', clusters: 2, hosts: ['web-1', 'web-2'], verified: null, cache: null },
		]);
		expect(sitesOf(report([]))).toEqual([]);
		const cached = sitesOf(report([beat('shop', 'a')]), { keyPrefix: 'eu', version: 2 });
		expect(cached).toMatchObject([{ name: 'shop', cache: 'eu:2' }]);
	});
	it('are verified only where all of their heartbeats are', () => {
		const beats = [beat('shop', 'a', { verified: true }), beat('shop', 'b', { verified: false })];
		expect(sitesOf(report(beats))).toMatchObject([{ verified: false }]);
	});
});

describe("the doctor's look at clusters", () => {
	it('passes where the named one beats and its key verifies', () => {
		expect(say(report([beat('shop', 'a', { verified: true })]), ['shop'], true)).toEqual(['passed', 'passed']);
		expect(say(report([beat('shop', 'a')]), [], false)).toEqual(['passed', 'skipped']);
	});
	it('says for a cache where its keys are and what else to look at', () => {
		const cache = { keyPrefix: '', version: 1 };
		const [there] = clusterVerdicts(report([beat('shop', 'a')]), [], false, cache);
		expect(there).toMatchObject({ status: 'passed', finding: expect.stringContaining(':1:django_q:') });
		const [silent] = clusterVerdicts(report([]), [], false, cache);
		expect(silent).toMatchObject({ status: 'warning', cure: expect.stringContaining('KEY_PREFIX') });
	});
	it('names the names that beat where the one of the profile does not', () => {
		const [clusters, signature] = clusterVerdicts(report([beat('shop', 'a')]), ['default'], true);
		expect(clusters).toMatchObject({ status: 'warning', finding: expect.stringContaining('"shop"') });
		expect(signature).toMatchObject({ status: 'skipped' });
		const [partly] = clusterVerdicts(report([beat('shop', 'a')]), ['shop', 'eu'], false);
		expect(partly).toMatchObject({ status: 'warning', cure: expect.stringContaining('"eu"') });
	});
	it('says what to look at where nothing beats', () => {
		const [clusters] = clusterVerdicts(report([]), [], true);
		expect(clusters).toMatchObject({ status: 'warning', cure: expect.stringContaining('qcluster') });
	});
	it('fails on a key that does not fit, with what is likely wrong with it', () => {
		const odd = [{ key: 'django_q:shop:cluster:a', reason: 'Most likely the key is another one.' }];
		const found = report([beat('shop', 'a', { verified: false })], { odd });
		const [, signature] = clusterVerdicts(found, ['shop'], true);
		expect(signature).toEqual({
			step: 'signature',
			status: 'failed',
			finding: '1 of 1 heartbeats do not verify.',
			cure: 'Most likely the key is another one.',
		});
	});
});
