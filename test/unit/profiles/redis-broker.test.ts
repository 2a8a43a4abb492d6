import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RedisBrokerAddress } from '#main/domain/profile.ts';
import { formatBroker, parseBroker } from '#main/profiles/address.ts';
import { KOMBU_DEFAULTS } from '#main/profiles/redis-broker.ts';

const base: RedisBrokerAddress = {
	kind: 'redis',
	host: 'h',
	port: 6379,
	db: 0,
	username: null,
	tls: null,
	...KOMBU_DEFAULTS,
};

describe('a Redis as broker', () => {
	it.each<[string, Partial<RedisBrokerAddress>, string | null]>([
		['redis://h', {}, null],
		['redis://:p@h:6380/2', { port: 6380, db: 2 }, 'p'],
		['redis://h?global_keyprefix=shop%3A', { keyPrefix: 'shop:' }, null],
		['redis://h?priority_steps=0,1,2,9&sep=%3A', { prioritySteps: [0, 1, 2, 9], separator: ':' }, null],
		[
			'redis://h?visibility_timeout=43200&unacked_key=held&unacked_index_key=held_at',
			{ visibilityTimeout: 43_200, unackedKey: 'held', unackedIndexKey: 'held_at' },
			null,
		],
		['redis://h?fanout_prefix=true&fanout_patterns=True', {}, null],
		['redis://h?fanout_prefix=%2F%7Bdb%7D.', {}, null],
		['redis://h?fanout_prefix=false&fanout_patterns=false', { fanoutPrefix: '', fanoutPatterns: false }, null],
		['redis://h?fanout_prefix=/shop%7Bdb%7D.', { fanoutPrefix: '/shop{db}.' }, null],
		['redis+socket:///run/redis.sock', { host: 'localhost', socket: '/run/redis.sock' }, null],
	])('%s is understood', (text, differs, password) => {
		expect(parseBroker(text)).toEqual({ ok: true, value: { address: { ...base, ...differs }, password } });
	});

	it.each([
		['redis://h?priority_steps=3,6', 'rise from 0'],
		['redis://h?priority_steps=0,9,3', 'rise from 0'],
		['redis://h?priority_steps=0,12', '0 to 9'],
		['redis://h?priority_steps=', '0 to 9'],
		['redis://h?visibility_timeout=0', 'at least 1'],
		['redis://h?visibility_timeout=1h', 'seconds'],
		['redis://h?sep=', 'no value'],
		['redis://h?fanout_prefix=/%7Bhost%7D.', 'stands for the database'],
		['redis://h?fanout_prefix=bus.', 'begins with /'],
		['redis://h?fanout_prefix=/shop.bus.', 'only dot'],
		['redis://h?fanout_patterns=1', 'either true or false'],
		['redis://h?unacked_key=', 'no value'],
		['redis://h?globel_keyprefix=x', 'global_keyprefix'],
		['sentinel://:secret@h:26379', 'master_name'],
	])('%s is refused with what to write instead', (text, words) => {
		const parsed = parseBroker(text);
		if (parsed.ok) throw new Error('It was taken.');
		expect(parsed.error.message).toContain(words);
		expect(parsed.error.message).not.toContain('secret');
	});

	it('is read back as it was written, with whatever options', () => {
		const text = fc.string({ minLength: 1, unit: 'binary' }).filter((one) => one.isWellFormed());
		const steps = fc.subarray([1, 2, 3, 4, 5, 6, 7, 8, 9]).map((some) => [0, ...some]);
		fc.assert(
			fc.property(
				fc.record({
					keyPrefix: fc.oneof(fc.constant(''), text),
					prioritySteps: steps,
					separator: text,
					visibilityTimeout: fc.integer({ min: 1, max: 999_999_999 }),
					unackedKey: text,
					unackedIndexKey: text,
				}),
				fc.boolean(),
				fc.record(
					{
						fanoutPrefix: fc.oneof(
							fc.constantFrom('', '/bus{db}.', '/{db}{db}.'),
							text.filter((one) => !/[{}.]/.test(one)).map((one) => `/${one}.`),
						),
						fanoutPatterns: fc.constant(false),
					},
					{ requiredKeys: [] },
				),
				(options, local, fanout) => {
					const address = {
						...base,
						...options,
						...fanout,
						...(local ? { host: 'localhost', socket: '/run/redis.sock' } : {}),
					};
					expect(parseBroker(formatBroker(address))).toEqual({ ok: true, value: { address, password: null } });
				},
			),
			{ numRuns: 30 },
		);
	});
});
