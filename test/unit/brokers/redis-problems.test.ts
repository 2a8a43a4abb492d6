import { describe, expect, it } from 'vitest';
import { connectProblem, endingWords, replyCode, replyFailure } from '#main/brokers/redis/problems.ts';
import type { RedisAddress } from '#main/domain/profile.ts';

const address: RedisAddress = { host: 'redis.example', port: 6379, db: 3, username: 'worker', tls: null };

function failure(message: string, code?: string): Error {
	return Object.assign(new Error(message), code === undefined ? {} : { code });
}

describe('an error of connecting to Redis', () => {
	it.each([
		[failure('getaddrinfo ENOTFOUND redis.example', 'ENOTFOUND'), 'unreachable', 'dns', '"redis.example"'],
		[failure('connect ECONNREFUSED', 'ECONNREFUSED'), 'unreachable', 'tcp', 'redis.example:6379'],
		[failure('connect ETIMEDOUT', 'ETIMEDOUT'), 'unreachable', 'tcp', 'in time'],
		[failure('certificate has expired', 'CERT_HAS_EXPIRED'), 'refused', 'tls', 'Redis server has expired'],
		[failure('WRONGPASS invalid username-password pair'), 'refused', 'login', '"worker"'],
		[failure('ERR invalid password'), 'refused', 'login', 'wrong name or password'],
		[failure('NOAUTH Authentication required.'), 'refused', 'login', 'asks for a password'],
		[failure("ERR wrong number of arguments for 'auth' command"), 'refused', 'login', 'older than 6'],
		[failure('ERR DB index is out of range'), 'refused', 'database', 'no database 3'],
		[failure('LOADING Redis is loading the dataset in memory'), 'unreachable', 'redis', 'loading'],
		[failure('MASTERDOWN Link with MASTER is down'), 'unreachable', 'redis', 'lost its primary'],
		[failure('DENIED Redis is running in protected mode'), 'refused', 'login', 'protected mode'],
		[failure('ERR max number of clients reached'), 'unreachable', 'redis', 'maxclients'],
		[failure('NOPERM this user has no permissions'), 'refused', 'login', 'no permissions'],
		[failure('read ECONNRESET', 'ECONNRESET'), 'unreachable', 'redis', 'rediss'],
		[failure('something nobody foresaw'), 'unreachable', 'redis', 'something nobody foresaw'],
	])('%s is told in words', (error, kind, at, words) => {
		const problem = connectProblem(error, address);
		expect(problem).toMatchObject({ kind, at });
		expect(problem.reason).toContain(words);
	});
});

describe('an error that Redis answers a command with', () => {
	it.each([
		['LOADING Redis is loading', 'unreachable', true, 'loading'],
		['MASTERDOWN Link with MASTER is down', 'unreachable', true, 'primary'],
		['BUSY Redis is busy running a script', 'refused', true, 'busy'],
		["READONLY You can't write against a read only replica.", 'refused', false, 'replica'],
		['NOPERM this user has no permissions', 'refused', false, 'permit'],
		['MISCONF Redis is configured to save RDB snapshots', 'refused', false, 'disk'],
		["OOM command not allowed when used memory > 'maxmemory'.", 'refused', false, 'maxmemory'],
		['WRONGTYPE Operation against a key', 'refused', false, 'something else uses it'],
		['MOVED 1234 10.0.0.1:6379', 'refused', false, 'Redis Cluster'],
		["CROSSSLOT Keys in request don't hash to the same slot", 'refused', false, 'Redis Cluster'],
		['ERR unknown command', 'refused', false, 'unknown command'],
	])('(%s) says what it is, and that nothing was done', (text, code, retryable, words) => {
		const { error } = replyFailure(text);
		expect(error).toMatchObject({ code, retryable, details: { sent: false, reply: text.split(' ')[0] } });
		expect(error.message).toContain(words);
	});

	it('begins with a word for programs, or with none', () => {
		expect(['ERR x', 'NOSCRIPT', 'WRONGTYPE a b', 'lower x', 'A x', ''].map(replyCode)).toEqual([
			'ERR',
			'NOSCRIPT',
			'WRONGTYPE',
			'',
			'',
			'',
		]);
	});
});

describe('the end of a connection', () => {
	it('is told in words', () => {
		expect(endingWords(null)).toContain('Redis closed the connection');
		expect(endingWords(failure('read ECONNRESET', 'ECONNRESET'))).toBe('The connection broke.');
		expect(endingWords(failure('odd'))).toBe('The connection ended: odd');
	});
});
