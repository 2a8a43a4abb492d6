/**
 * Where a broker is, as people write it: AMQP URLs (RabbitMQ's URI specification and the forms that carrot and Celery take),
 * carrot's dictionary of connection settings as JSON, and `embedded:`. The password comes out apart from the address, because
 * an address is shown, logged and stored in the open.
 */
import type { BrokerAddress, TlsOptions } from '../domain/profile.ts';
import { assertNever, fail, ok, type Result } from '../domain/result.ts';
import { formatRedisBroker, parseRedisBroker } from './redis-broker.ts';
import {
	bracketed,
	decode,
	encode,
	NO_TLS_EXTRAS,
	pairsOf,
	parseHost,
	parseLogin,
	queryOf,
	split,
	TLS_PARAMETERS,
	tlsPairs,
	tlsParameters,
} from './url-parts.ts';

/** An address and the password that was written with it; null: none was. */
export interface ParsedBroker {
	readonly address: BrokerAddress;
	readonly password: string | null;
}

/** Seconds between signs of life, unless the URL says otherwise: a dead connection is noticed within twice that. */
export const DEFAULT_HEARTBEAT = 20;

/** How an address with an IPv6 address looks. */
const EXAMPLE = 'amqp://user@[::1]:5672/';
/** All that begin an address of Redis; which of them are taken, their own reader says. */
const REDIS_SCHEMES = ['redis', 'rediss', 'redis+socket', 'redis-socket', 'unix', 'sentinel', 'redis+sentinel'];
const PLAIN_PORT = 5672;
const TLS_PORT = 5671;

/** Parameters of RabbitMQ's URI specification that say how its own clients behave, and nothing that Warren needs. */
const IGNORED_PARAMETERS = ['channel_max', 'frame_max', 'connection_timeout', 'depth', 'fail_if_no_peer_cert'];
const DICT_KEYS = ['host', 'name', 'port', 'username', 'password', 'secure', 'url'];

/** Reads a broker in any of these forms. `invalid-input` says what to write instead, and never repeats a password. */
export function parseBroker(text: string): Result<ParsedBroker> {
	const written = text.trim();
	if (written === '') return invalid('Write where the broker is, for example amqp://user@host:5672/vhost.');
	if (/^embedded(:(\/\/)?)?$/i.test(written)) return ok({ address: { kind: 'embedded' }, password: null });
	if (written.startsWith('{')) return parseDict(written);
	const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(written)?.[1]?.toLowerCase();
	if (scheme !== undefined && REDIS_SCHEMES.includes(scheme)) return parseRedisBroker(written);
	switch (scheme) {
		case undefined: {
			if (/^(embedded|rediss?|sentinel|memory|sqs|kafka|https?):/i.test(written)) return unsupported();
			return parseUrl(written.replace(/^amqp:/i, ''), false);
		}
		case 'amqp':
		case 'pyamqp':
		case 'librabbitmq':
			return parseUrl(written.slice(scheme.length + 3), false);
		case 'amqps':
			return parseUrl(written.slice(scheme.length + 3), true);
		default:
			return unsupported();
	}
}

/** Writes an address without its password, so that `parseBroker` reads the same address again. */
export function formatBroker(address: BrokerAddress): string {
	switch (address.kind) {
		case 'embedded':
			return 'embedded:';
		case 'redis':
			return formatRedisBroker(address);
		case 'amqp': {
			const { tls, heartbeat, vhost } = address;
			const host = bracketed(address.host);
			const parameters = new Map<string, string>();
			if (heartbeat !== DEFAULT_HEARTBEAT) parameters.set('heartbeat', String(heartbeat));
			const query = queryOf(new Map([...parameters, ...tlsPairs(tls)]));
			const path = vhost === '/' ? '/' : `/${encode(vhost)}`;
			const scheme = tls === null ? 'amqp' : 'amqps';
			return `${scheme}://${encode(address.username)}@${host}:${address.port}${path}${query}`;
		}
		default:
			return assertNever(address);
	}
}

/** What follows the scheme: `[user[:password]@]host[:port][/vhost][?parameters]`. */
function parseUrl(rest: string, secure: boolean): Result<ParsedBroker> {
	const parts = split(rest);
	if (!parts.ok) return parts;
	const { userinfo, hostport, path, query } = parts.value;

	const login = parseLogin(userinfo);
	if (!login.ok) return login;
	const where = parseHost(hostport, { port: secure ? TLS_PORT : PLAIN_PORT, example: EXAMPLE });
	if (!where.ok) return where;
	const vhost = decode(path ?? '', 'virtual host');
	if (!vhost.ok) return vhost;
	const extras = parseParameters(query, secure);
	if (!extras.ok) return extras;
	return ok({
		address: {
			kind: 'amqp',
			...where.value,
			vhost: vhost.value === '' ? '/' : vhost.value,
			username: login.value.username ?? 'guest',
			...extras.value,
		},
		password: login.value.password,
	});
}

function parseParameters(
	query: string | null,
	secure: boolean,
): Result<{ readonly tls: TlsOptions | null; readonly heartbeat: number }> {
	let heartbeat = DEFAULT_HEARTBEAT;
	const tls = tlsParameters('amqps');
	for (const [key, written] of pairsOf(query)) {
		const value = decode(written, `parameter ${key}`);
		if (!value.ok) return value;
		if (IGNORED_PARAMETERS.includes(key)) continue;
		if (key === 'auth_mechanism' && value.value.toLowerCase() === 'plain') continue;
		if (key === 'heartbeat') {
			heartbeat = Number(value.value);
			if (!/^\d+$/.test(value.value) || heartbeat > 65_535) {
				return invalid('heartbeat is a number of seconds from 0 (off) to 65535.');
			}
			continue;
		}
		if (!TLS_PARAMETERS.includes(key)) {
			return invalid(`The parameter "${key}" is not known here. Known are: heartbeat, ${TLS_PARAMETERS.join(', ')}.`);
		}
		const problem = tls.take(key, value.value, secure);
		if (problem !== null) return invalid(problem);
	}
	const options = tls.options();
	return options.ok ? ok({ tls: secure ? options.value : null, heartbeat }) : options;
}

/** carrot's arguments of a virtual host as a JSON object; what is left out has carrot's defaults. */
function parseDict(text: string): Result<ParsedBroker> {
	let dict: unknown;
	try {
		dict = JSON.parse(text);
	} catch {
		return invalid(
			'The settings must be JSON: names and texts in double quotes, true and false in small letters, no comma at the end.',
		);
	}
	if (typeof dict !== 'object' || dict === null || Array.isArray(dict))
		return invalid('The settings must be a JSON object.');
	const fields = new Map<string, unknown>(Object.entries(dict));
	for (const key of fields.keys()) {
		if (!DICT_KEYS.includes(key))
			return invalid(`The setting "${key}" is not known. Known are: ${DICT_KEYS.join(', ')}.`);
	}
	for (const key of ['host', 'name', 'username', 'password', 'url']) {
		const value = fields.get(key) ?? null;
		if (value !== null && typeof value !== 'string') return invalid(`The setting "${key}" must be a text.`);
	}
	const secure = fields.get('secure') ?? false;
	if (typeof secure !== 'boolean') return invalid('The setting "secure" must be true or false.');
	const string = (key: string) => {
		const value = fields.get(key);
		return typeof value === 'string' && value !== '' ? value : null;
	};

	const url = string('url');
	if (url !== null) {
		const parsed = parseBroker(url);
		if (parsed.ok && parsed.value.address.kind === 'redis') {
			return invalid('carrot works over RabbitMQ: in its settings "url" begins with amqp: or amqps:.');
		}
		if (!parsed.ok || parsed.value.address.kind !== 'amqp' || !secure) return parsed;
		const { address, password } = parsed.value;
		return ok({ address: { ...address, tls: address.tls ?? NO_TLS_EXTRAS }, password });
	}
	const defaultPort = secure ? TLS_PORT : PLAIN_PORT;
	const port = fields.get('port') ?? defaultPort;
	if (typeof port !== 'number' && typeof port !== 'string') return invalid('The setting "port" must be a number.');
	const host = string('host') ?? 'localhost';
	const where = parseHost(`${host.startsWith('[') ? host : bracketed(host)}:${port}`, {
		port: defaultPort,
		example: EXAMPLE,
	});
	if (!where.ok) return where;
	const vhost = decode(string('name') ?? '%2f', 'virtual host');
	if (!vhost.ok) return vhost;
	return ok({
		address: {
			kind: 'amqp',
			...where.value,
			vhost: vhost.value,
			username: string('username') ?? 'guest',
			tls: secure ? NO_TLS_EXTRAS : null,
			heartbeat: DEFAULT_HEARTBEAT,
		},
		// In a dictionary nothing is percent-encoded but the virtual host.
		password: string('password'),
	});
}

function invalid(message: string): Result<never> {
	return fail('invalid-input', message);
}

function unsupported(): Result<never> {
	return fail(
		'unsupported',
		'This version connects to RabbitMQ (amqp://, amqps://), to Redis (redis://, rediss://, redis+socket://, sentinel://) and to the built-in broker (embedded:).',
	);
}
