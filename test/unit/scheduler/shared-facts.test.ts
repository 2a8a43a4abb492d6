import { describe, expect, it } from 'vitest';
import { type RedisAnswers, redisFacts } from '#main/scheduler/books/shared-facts.ts';

const sound: RedisAnswers = {
	lease: '7 console:12',
	time: 1_000_000,
	asked: 999_990,
	answered: 1_000_010,
	memory: '# Memory\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n',
	persistence: '# Persistence\r\naof_enabled:1\r\nrdb_last_bgsave_status:ok\r\naof_last_write_status:ok\r\n',
	replication: '# Replication\r\nrole:master\r\n',
};

function warnings(more: Partial<RedisAnswers>): readonly string[] {
	return redisFacts({ ...sound, ...more })
		.filter((fact) => fact.tone === 'warning')
		.map((fact) => `${fact.label}: ${fact.value}`);
}

describe('what is told of the Redis under a shared book', () => {
	it('is who runs it, and nothing else while all is well', () => {
		expect(redisFacts(sound)).toEqual([{ label: 'Run by', value: 'console:12', tone: 'info' }]);
	});

	it.each<[string, Partial<RedisAnswers>, RegExp]>([
		['nobody runs it', { lease: null }, /^Run by: Nobody/],
		['it may throw schedules away', { memory: 'maxmemory_policy:allkeys-lfu\r\n' }, /allkeys-lfu/],
		['it forgets', { persistence: 'aof_enabled:0\r\n' }, /appendonly/],
		['its disk is full', { persistence: 'aof_enabled:1\r\naof_last_write_status:err\r\n' }, /disk/],
		['its snapshots fail', { persistence: 'aof_enabled:1\r\nrdb_last_bgsave_status:err' }, /disk/],
		['it is a replica', { replication: 'role:slave\r\n' }, /read-only/],
		['this clock is ahead', { asked: 1_002_500, answered: 1_002_600 }, /^Clock: .* 2\.5 s ahead of/],
		['this clock is behind', { asked: 997_000, answered: 997_500 }, /^Clock: .* 2\.5 s behind/],
	])('is a warning when %s', (_what, more, words) => {
		expect(warnings(more)).toEqual([expect.stringMatching(words)]);
	});

	it('is no warning when the answer only took long, or the policy spares what does not expire', () => {
		expect(warnings({ asked: 990_000, answered: 1_010_000 })).toEqual([]);
		expect(warnings({ asked: 1_000_900, answered: 1_000_950 })).toEqual([]);
		expect(warnings({ memory: 'maxmemory_policy:volatile-lru\r\n' })).toEqual([]);
	});

	it('is nothing about what may not be asked', () => {
		expect(warnings({ memory: null, persistence: null, replication: null })).toEqual([]);
	});

	it('is that something else holds it when the lease is not ours', () => {
		expect(redisFacts({ ...sound, lease: 'x' })[0]).toMatchObject({ value: 'something else than Warren' });
	});
});
