import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RedisAddress } from '#main/domain/profile.ts';
import { formatRedis, parseRedis } from '#main/profiles/redis-address.ts';

const base: RedisAddress = { host: 'localhost', port: 6379, db: 0, username: null, tls: null };
const tls = { caFile: null, certFile: null, keyFile: null, serverName: null, verify: true };

describe('an address of Redis', () => {
	it.each<[string, Partial<RedisAddress>, string | null]>([
		['redis://', {}, null],
		['redis://localhost', {}, null],
		['redis://localhost/', {}, null],
		['redis://h:6380/3', { host: 'h', port: 6380, db: 3 }, null],
		['  REDIS://h  ', { host: 'h' }, null],
		['redis://:p@h', { host: 'h' }, 'p'],
		['redis://u:p@h', { host: 'h', username: 'u' }, 'p'],
		['redis://u@h', { host: 'h', username: 'u' }, null],
		['redis://u:p%40%2F%3A%25@h/1', { host: 'h', username: 'u', db: 1 }, 'p@/:%'],
		['redis://u:p@ss:word@h/1', { host: 'h', username: 'u', db: 1 }, 'p@ss:word'],
		['redis://u:a,b@h/1', { host: 'h', username: 'u', db: 1 }, 'a,b'],
		['redis://[::1]:6380/2', { host: '::1', port: 6380, db: 2 }, null],
		['redis://h?db=4', { host: 'h', db: 4 }, null],
		['redis://h/4?db=4&socket_timeout=5&retry_on_timeout=true', { host: 'h', db: 4 }, null],
		['unix:///tmp/redis.sock', { socket: '/tmp/redis.sock' }, null],
		['redis+socket://:p@/run/a%20b.sock?virtual_host=3', { socket: '/run/a b.sock', db: 3 }, 'p'],
		['rediss://h', { host: 'h', tls }, null],
		[
			'sentinel://:p@a/2;sentinel://b:26380/2;c?master_name=shop',
			{
				host: 'a',
				port: 26_379,
				db: 2,
				sentinel: {
					master: 'shop',
					others: [
						{ host: 'b', port: 26_380 },
						{ host: 'c', port: 26_379 },
					],
				},
			},
			'p',
		],
		[
			'rediss://h?cacertfile=/a/ca.pem&certfile=/a/c.pem&keyfile=/a/k.pem&server_name_indication=r.example&verify=verify_none',
			{
				host: 'h',
				tls: {
					caFile: '/a/ca.pem',
					certFile: '/a/c.pem',
					keyFile: '/a/k.pem',
					serverName: 'r.example',
					verify: false,
				},
			},
			null,
		],
		// As Celery's settings and redis-py have it.
		[
			'rediss://h?ssl_ca_certs=/a/ca.pem&ssl_cert_reqs=required',
			{ host: 'h', tls: { ...tls, caFile: '/a/ca.pem' } },
			null,
		],
		['rediss://h?ssl_cert_reqs=CERT_NONE', { host: 'h', tls: { ...tls, verify: false } }, null],
	])('%s is understood', (text, expected, password) => {
		expect(parseRedis(text)).toEqual({ ok: true, value: { address: { ...base, ...expected }, password } });
	});

	it.each([
		['', 'invalid-input', 'redis://user@host:6379/0'],
		['localhost:6379', 'invalid-input', 'redis://'],
		['http://h', 'invalid-input', 'redis://'],
		['amqp://h', 'invalid-input', 'redis://'],
		['unix://', 'invalid-input', 'three slashes'],
		['redis+socket://tmp/redis.sock', 'invalid-input', 'three slashes'],
		['redis+socket:///tmp/redis.sock?cacertfile=/a', 'invalid-input', 'rediss://'],
		['sentinel://h:26379', 'invalid-input', 'master_name'],
		['sentinel://a;sentinel://:other@b?master_name=m', 'invalid-input', 'different logins'],
		['sentinel://a;sentinel://b/1?master_name=m', 'invalid-input', 'with the first sentinel'],
		['sentinel://a;sentinel://b:0?master_name=m', 'invalid-input', '65535'],
		['sentinel://a?master_name=m&cacertfile=/a', 'invalid-input', 'rediss://'],
		['redis://a:6379,b:6379/0', 'unsupported', 'one Redis'],
		['redis://h/mydb', 'invalid-input', 'number of a database'],
		['redis://h/-1', 'invalid-input', 'number of a database'],
		['redis://h/1?db=2', 'invalid-input', 'two databases'],
		['redis://h:0', 'invalid-input', '65535'],
		['redis://h:99999', 'invalid-input', '65535'],
		['redis://::1', 'invalid-input', 'brackets'],
		['redis://h?wat=1', 'invalid-input', '"wat"'],
		['redis://h?verify=verify_none', 'invalid-input', 'rediss://'],
		['rediss://h?verify=maybe', 'invalid-input', 'verify_peer'],
		['rediss://h?ssl_cert_reqs=optional', 'invalid-input', 'required'],
		['rediss://h?certfile=/a', 'invalid-input', 'keyfile'],
		['redis://u:secret%zz@h', 'invalid-input', '%25'],
		['redis://u:secret/x@h', 'invalid-input', '%2F'],
	])('%s is refused with what to write instead', (text, code, words) => {
		const parsed = parseRedis(text);
		if (parsed.ok) throw new Error(`It was taken as ${JSON.stringify(parsed.value)}`);
		expect(parsed.error.code).toBe(code);
		expect(parsed.error.message).toContain(words);
		expect(parsed.error.message).not.toContain('secret');
	});

	it('is read back as it was written, whatever it holds, and never holds the password', () => {
		const text = fc.string({ minLength: 1, unit: 'binary' }).filter((one) => one.isWellFormed());
		const orNull = fc.option(text, { nil: null });
		const options = fc.record({
			caFile: orNull,
			pair: fc.option(fc.tuple(text, text), { nil: null }),
			serverName: fc.option(text, { nil: null }).filter((one) => one !== 'disable'),
			verify: fc.boolean(),
		});
		fc.assert(
			fc.property(
				fc.constantFrom('localhost', 'redis.example', '10.0.0.1', '::1', 'fe80::1'),
				fc.integer({ min: 1, max: 65_535 }),
				fc.integer({ min: 0, max: 999 }),
				orNull,
				fc.option(options, { nil: null }),
				(host, port, db, username, extra) => {
					const address: RedisAddress = {
						host,
						port,
						db,
						username,
						tls:
							extra === null
								? null
								: {
										caFile: extra.caFile,
										certFile: extra.pair?.[0] ?? null,
										keyFile: extra.pair?.[1] ?? null,
										serverName: extra.serverName,
										verify: extra.verify,
									},
					};
					expect(parseRedis(formatRedis(address))).toEqual({ ok: true, value: { address, password: null } });
				},
			),
		);
	});
});

it('writes sentinels so that they are read again, without the password', () => {
	const text = 'sentinel://user:secret@a:26379/2;sentinel://[::1]:26380?master_name=shop%20eu';
	const parsed = parseRedis(text);
	if (!parsed.ok) throw new Error(parsed.error.message);
	const written = formatRedis(parsed.value.address);
	expect(written).toBe('sentinel://user@a:26379/2;sentinel://[::1]:26380?master_name=shop%20eu');
	expect(parseRedis(written)).toEqual({ ok: true, value: { address: parsed.value.address, password: null } });
});
