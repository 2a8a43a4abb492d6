import { describe, expect, it } from 'vitest';
import { channelOf } from '#main/brokers/redis/keys.ts';
import { channelsOf, namesOf, routingKeyOf } from '#main/brokers/redis/topic-feed.ts';

const usual = { keyPrefix: '', db: 3 };
const own = { keyPrefix: 'shop:', db: 3, fanoutPrefix: '/bus/{db}.' };
const sentinel = { master: 'shop', others: [] };

describe('the channel of an exchange', () => {
	it.each([
		[usual, '/3.celeryev'],
		[{ ...usual, keyPrefix: 'shop:' }, 'shop:/3.celeryev'],
		[{ ...usual, fanoutPrefix: '' }, 'celeryev'],
		[own, 'shop:/bus/3.celeryev'],
		[{ ...usual, sentinel }, '/{db}.celeryev'],
		[{ ...own, sentinel }, 'shop:/bus/{db}.celeryev'],
	])('%j is %s', (address, channel) => {
		expect(channelOf(address, 'celeryev')).toBe(channel);
	});
});

describe('channels to hear', () => {
	it('are those of every setting that a deployment may have, where nothing is said of it', () => {
		expect(channelsOf(usual, 'celeryev', ['#'])).toEqual(['/3.celeryev', '/3.celeryev/*', 'celeryev', 'celeryev/*']);
	});

	it('are those of a prefix of its own alone, with signs of globs standing for themselves', () => {
		expect(channelsOf({ ...own, fanoutPrefix: '/b*{db}.' }, 'celeryev', ['task.#'])).toEqual([
			'shop:/b\\*3.celeryev',
			'shop:/b\\*3.celeryev/task.*',
		]);
	});

	it('are over sentinels those with the number of the database and without, since kombu leaves it out there', () => {
		expect(channelsOf({ ...own, sentinel }, 'celeryev', ['task.#'])).toEqual([
			'shop:/bus/{db}.celeryev',
			'shop:/bus/{db}.celeryev/task.*',
			'shop:/bus/3.celeryev',
			'shop:/bus/3.celeryev/task.*',
		]);
		expect(namesOf({ ...usual, sentinel }, 'celeryev')).toEqual(['/{db}.celeryev', '/3.celeryev', 'celeryev']);
	});

	it('have no routing key where fanout_patterns is off', () => {
		expect(channelsOf({ ...own, fanoutPatterns: false }, 'celeryev', ['#'])).toEqual(['shop:/bus/3.celeryev']);
	});
});

it('reads the routing key after the name, slashes in prefixes or not', () => {
	expect(routingKeyOf(namesOf(own, 'celeryev'), 'shop:/bus/3.celeryev/task.multi')).toBe('task.multi');
	expect(routingKeyOf(namesOf(own, 'celeryev'), 'shop:/bus/3.celeryev')).toBe('');
	expect(routingKeyOf(namesOf(usual, 'celeryev'), 'celeryev/worker.online')).toBe('worker.online');
	expect(routingKeyOf(namesOf(usual, 'celeryev'), '/3.celeryev')).toBe('');
});
