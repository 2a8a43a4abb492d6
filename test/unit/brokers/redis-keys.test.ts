import { describe, expect, it } from 'vitest';
import { serverVerdict } from '#main/brokers/redis/doctor.ts';
import { queuesOf } from '#main/brokers/redis/figures.ts';
import { type Binding, isPlumbing, Keys, route, topicMatches } from '#main/brokers/redis/keys.ts';
import { KOMBU_DEFAULTS } from '#main/profiles/redis-broker.ts';

const keys = new Keys(KOMBU_DEFAULTS);
const bound = (exchange: string, routingKey: string, queue: string, pattern = ''): Binding => ({
	exchange,
	routingKey,
	pattern,
	queue,
});

describe('the keys of a queue', () => {
	it("are kombu's, in the order in which they are handed out", () => {
		expect(keys.steps('mail')).toEqual(['mail', 'mail\x06\x163', 'mail\x06\x166', 'mail\x06\x169']);
		expect(keys.binding('mail')).toBe('_kombu.binding.mail');
		expect(keys.unacked).toBe('unacked');
	});

	it.each([
		[undefined, 'q'],
		[0, 'q'],
		[2, 'q'],
		[3, 'q\x06\x163'],
		[8, 'q\x06\x166'],
		[9, 'q\x06\x169'],
		[255, 'q\x06\x169'],
	])('for priority %s are %j', (priority, key) => {
		expect(keys.stepFor('q', priority)).toBe(key);
	});

	it('begin with the prefix of the deployment, and use its steps and separator', () => {
		const own = new Keys({ ...KOMBU_DEFAULTS, keyPrefix: 'shop*:', prioritySteps: [0, 5], separator: ':' });
		expect(own.steps('q')).toEqual(['shop*:q', 'shop*:q:5']);
		expect(own.stepFor('q', 9)).toBe('shop*:q:5');
		expect(own.index).toBe('shop*:unacked_index');
		expect(own.allBindings()).toBe('shop\\*:_kombu.binding.*');
		expect(own.exchangeOf('shop*:_kombu.binding.x')).toBe('x');
	});

	it('of bindings are read and written as kombu does', () => {
		expect(keys.readMember('celery', 'celery\x06\x16\x06\x16celery')).toEqual(bound('celery', 'celery', 'celery'));
		expect(keys.member(bound('celery', 'celery', 'celery'))).toBe('celery\x06\x16\x06\x16celery');
		expect(keys.readMember('x', 'nonsense')).toBeNull();
		expect(keys.readMember('x', 'k\x06\x16\x06\x16')).toBeNull();
	});
});

describe('routing', () => {
	it('goes by the exact key where a binding has no pattern, by words where it has one', () => {
		const bindings = [bound('x', 'a', 'one'), bound('x', 'a', 'two'), bound('x', 'a.#', 'three', '^a\\..*?$')];
		expect(route(bindings, 'a')).toEqual(['one', 'two', 'three']);
		expect(route(bindings, 'a.b')).toEqual(['three']);
		expect(route(bindings, 'b')).toEqual([]);
	});

	it.each([
		['a.*', 'a.b', true],
		['a.*', 'a', false],
		['a.*', 'a.b.c', false],
		['#', '', true],
		['#.z', 'z', true],
		['#.z', 'a.b.z', true],
		['a.#.z', 'a.z', true],
		['*.*', 'a.b', true],
		['a.b', 'a.b', true],
		['a.b', 'a.c', false],
		[`${'#.'.repeat(30)}x`, 'a.'.repeat(30), false],
	])('by %s of %s is %s', (pattern, key, matches) => {
		expect(topicMatches(pattern, key)).toBe(matches);
	});

	it("leaves kombu's own doings out", () => {
		expect(isPlumbing(bound('celeryev', '', 'celeryev.1'), 'celeryev')).toBe(true);
		expect(isPlumbing(bound('shop.events', '#', 'celeryev.1'), 'shop.events')).toBe(true);
		expect(isPlumbing(bound('reply.celery.pidbox', 'i', 'i.reply.celery.pidbox'), 'celeryev')).toBe(true);
		expect(isPlumbing(bound('celery', 'celery', 'celery'), 'celeryev')).toBe(false);
		expect(isPlumbing(bound('celeryev', 'celeryev', 'celeryev'), 'shop.events')).toBe(false);
	});

	it('of what is held is read off its end, however it is spaced and cut', () => {
		expect(queuesOf('…}}, "", "mail"]', [])).toEqual(['mail']);
		expect(queuesOf('}},"","m\\"a\\u00e4"]', [])).toEqual(['m"aä']);
		expect(queuesOf('}}, "x", "k"]', [bound('x', 'k', 'q'), bound('y', 'k', 'r')])).toEqual(['q']);
		expect(queuesOf('nothing of the kind', [])).toEqual([]);
	});
});

describe('what a server says of itself', () => {
	const info = (more: Record<string, string>) => new Map(Object.entries({ redis_version: '7.0.15', ...more }));
	it.each<[string, Record<string, string>, string, string]>([
		['as usual', { maxmemory: '0', maxmemory_policy: 'noeviction' }, 'passed', '7.0.15'],
		['a limit and no eviction', { maxmemory: '100', maxmemory_policy: 'noeviction' }, 'passed', 'noeviction'],
		['a limit and eviction', { maxmemory: '100', maxmemory_policy: 'allkeys-lru' }, 'warning', 'allkeys-lru'],
		['a replica', { role: 'slave' }, 'failed', 'replica'],
		['an old one', { redis_version: '4.0.9' }, 'failed', 'too old'],
		['Valkey', { valkey_version: '8.0.1' }, 'passed', 'Valkey 8.0.1'],
	])('%s', (_, more, status, words) => {
		const verdict = serverVerdict(info(more));
		expect(verdict.status).toBe(status);
		expect(verdict.finding).toContain(words);
		expect(verdict.cure === null).toBe(status === 'passed');
	});

	it('is skipped where it does not', () => {
		expect(serverVerdict(null).status).toBe('skipped');
	});
});
