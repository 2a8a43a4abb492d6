import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { BrokerAddress } from '#main/domain/profile.ts';
import { DEFAULT_HEARTBEAT, formatBroker, parseBroker } from '#main/profiles/address.ts';

type Amqp = Extract<BrokerAddress, { kind: 'amqp' }>;

const base: Amqp = {
	kind: 'amqp',
	host: 'localhost',
	port: 5672,
	vhost: '/',
	username: 'guest',
	tls: null,
	heartbeat: DEFAULT_HEARTBEAT,
};
const tls = { caFile: null, certFile: null, keyFile: null, serverName: null, verify: true };

function address(text: string) {
	const parsed = parseBroker(text);
	if (!parsed.ok) throw new Error(parsed.error.message);
	return parsed.value;
}

function refusal(text: string) {
	const parsed = parseBroker(text);
	if (parsed.ok) throw new Error(`"${text}" was taken as ${JSON.stringify(parsed.value)}`);
	return parsed.error;
}

describe('an AMQP URL', () => {
	it.each<[string, Partial<Amqp>, string | null]>([
		['amqp://u:p@h:5672/vh', { host: 'h', username: 'u', vhost: 'vh' }, 'p'],
		['amqp://guest:guest@localhost:5672/', {}, 'guest'],
		['amqp://guest:guest@localhost:5672', {}, 'guest'],
		['amqp://localhost:5672/%2f', {}, null],
		['amqp://localhost:5672/%2F', {}, null],
		['amqp://localhost//', {}, null],
		['amqp://localhost', {}, null],
		['amqp://', {}, null],
		['guest:guest@localhost:5672/', {}, 'guest'],
		['localhost:5673', { port: 5673 }, null],
		['rabbit', { host: 'rabbit' }, null],
		['AMQP://H', { host: 'H' }, null],
		['pyamqp://u@h//', { host: 'h', username: 'u' }, null],
		['amqp://h/a%2Fb', { host: 'h', vhost: 'a/b' }, null],
		['amqp://h/a/b', { host: 'h', vhost: 'a/b' }, null],
		['amqp://h/v@h', { host: 'h', vhost: 'v@h' }, null],
		['amqp://h:1/v@h', { host: 'h', port: 1, vhost: 'v@h' }, null],
		['amqp://u:p%40ss%2Fw%3Ard@h/', { host: 'h', username: 'u' }, 'p@ss/w:rd'],
		['amqp://u:p@ss@h/', { host: 'h', username: 'u' }, 'p@ss'],
		['amqp://u:p:ss@h/', { host: 'h', username: 'u' }, 'p:ss'],
		['amqp://u:@h/', { host: 'h', username: 'u' }, ''],
		['amqp://user%40corp:x@h', { host: 'h', username: 'user@corp' }, 'x'],
		['amqp://[::1]:5673/', { host: '::1', port: 5673 }, null],
		['amqp://u:p@[fe80::1%eth0]', { host: 'fe80::1%eth0', username: 'u' }, 'p'],
		['amqp://h?heartbeat=5', { host: 'h', heartbeat: 5 }, null],
		['amqp://h/v?heartbeat=0&connection_timeout=9', { host: 'h', vhost: 'v', heartbeat: 0 }, null],
		['amqps://h', { host: 'h', port: 5671, tls }, null],
		['amqps://h:5672', { host: 'h', tls }, null],
		[
			'amqps://h/v?cacertfile=/etc/ca.pem&certfile=/c%20x.pem&keyfile=/k.pem&verify=verify_none&server_name_indication=b.example',
			{
				host: 'h',
				port: 5671,
				vhost: 'v',
				tls: { caFile: '/etc/ca.pem', certFile: '/c x.pem', keyFile: '/k.pem', verify: false, serverName: 'b.example' },
			},
			null,
		],
	])('%s is understood', (text, differs, password) => {
		expect(address(text)).toEqual({ address: { ...base, ...differs }, password });
	});

	it.each([
		['', 'amqp://user@host:5672/vhost'],
		['amqp://u:pa/ss@h/', '%2F'],
		['amqp://u:pa?ss@h/', '%3F'],
		['amqp://u:p@a/b@h/', '%40'],
		['amqp://u:100%@h/', '%25'],
		['amqp://::1:5672/', 'brackets'],
		['amqp://[x]:5672/', 'IPv6'],
		['amqp://h:0', '1 to 65535'],
		['amqp://h:99999', '1 to 65535'],
		['amqp://h:abc', '1 to 65535'],
		['amqp://h h', 'host name'],
		['amqp://h?verify=verify_none', 'amqps://'],
		['amqps://h?verify=maybe', 'verify_peer'],
		['amqps://h?certfile=/c', 'keyfile'],
		['amqp://h?heartbeat=soon', 'seconds'],
		['amqp://h?ssl_cert=/c', 'Known are'],
	])('%s is refused with what to write instead', (text, hint) => {
		const error = refusal(text);
		expect(error.code).toBe('invalid-input');
		expect(error.message).toContain(hint);
	});

	it('never repeats a password when it is refused', () => {
		for (const text of [
			'amqp://u:sesame/x@h',
			'amqp://u:sesame%@h',
			'amqp://u:sesame@h:port',
			'amqp://u:sesame@h?x=sesame',
		]) {
			expect(refusal(text).message).not.toContain('sesame');
		}
	});
});

describe('other addresses', () => {
	it.each(['embedded:', 'embedded', 'embedded://', ' EMBEDDED: '])('%s is the built-in broker', (text) => {
		expect(address(text)).toEqual({ address: { kind: 'embedded' }, password: null });
	});

	it.each(['redis:x', 'https://h', 'sqs://', 'memory://'])(
		'%s is refused as unsupported, with what is supported',
		(text) => {
			expect(refusal(text)).toMatchObject({ code: 'unsupported', message: expect.stringContaining('amqps:') });
		},
	);
});

describe("carrot's dictionary as JSON", () => {
	it.each<[string, Partial<Amqp>, string | null]>([
		['{}', {}, null],
		[
			'{"host": "h", "name": "v", "port": 5673, "username": "u", "password": "p@/:%"}',
			{ host: 'h', vhost: 'v', port: 5673, username: 'u' },
			'p@/:%',
		],
		['{"host": "h", "name": "%2f", "secure": true}', { host: 'h', port: 5671, tls }, null],
		['{"host": "h", "name": "/"}', { host: 'h' }, null],
		['{"host": "::1", "port": "5673"}', { host: '::1', port: 5673 }, null],
		['{"url": "amqp://u:p@h:1/v"}', { host: 'h', port: 1, vhost: 'v', username: 'u' }, 'p'],
		['{"url": "amqp://u:p@h:1/v", "secure": true}', { host: 'h', port: 1, vhost: 'v', username: 'u', tls }, 'p'],
	])('%s is understood', (text, differs, password) => {
		expect(address(text)).toEqual({ address: { ...base, ...differs }, password });
	});

	it.each([
		["{'host': 'h'}", 'double quotes'],
		['{"hots": "h"}', '"hots"'],
		['{"host": 5}', 'text'],
		['{"secure": "yes"}', 'true or false'],
		['{"port": 0}', '1 to 65535'],
		['{"url": "redis://h"}', 'amqps:'],
	])('%s is refused with what to write instead', (text, hint) => {
		expect(refusal(text).message).toContain(hint);
	});
});

describe('writing an address', () => {
	const text = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((s) => s.isWellFormed());
	const file = fc.option(text);
	const anyAddress: fc.Arbitrary<Amqp> = fc.record({
		kind: fc.constant('amqp' as const),
		host: fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6()),
		port: fc.integer({ min: 1, max: 65_535 }),
		vhost: text,
		username: text,
		heartbeat: fc.integer({ min: 0, max: 65_535 }),
		tls: fc.option(
			fc
				.record({ caFile: file, pair: fc.option(fc.tuple(text, text)), serverName: file, verify: fc.boolean() })
				.map((t) => ({
					caFile: t.caFile,
					certFile: t.pair?.[0] ?? null,
					keyFile: t.pair?.[1] ?? null,
					serverName: t.serverName === 'disable' ? null : t.serverName,
					verify: t.verify,
				})),
		),
	});

	it('gives text that is read as the same address, without a password', () => {
		fc.assert(
			fc.property(anyAddress, (written) => {
				expect(address(formatBroker(written))).toEqual({ address: written, password: null });
			}),
			{ numRuns: process.env.WARREN_LONG === undefined ? 300 : 20_000 },
		);
	});

	it('stays readable for the usual address', () => {
		expect(formatBroker(base)).toBe('amqp://guest@localhost:5672/');
		expect(formatBroker({ ...base, vhost: 'a/b', tls: { ...tls, caFile: '/etc/ca.pem' } })).toBe(
			'amqps://guest@localhost:5672/a%2Fb?cacertfile=/etc/ca.pem',
		);
		expect(formatBroker({ kind: 'embedded' })).toBe('embedded:');
	});

	it('never throws, whatever is typed', () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.webUrl(),
					fc.json(),
					fc.string().map((s) => `amqp://${s}`),
				),
				(typed) => {
					expect(typeof parseBroker(typed).ok).toBe('boolean');
				},
			),
			{ numRuns: process.env.WARREN_LONG === undefined ? 500 : 50_000 },
		);
	});
});
