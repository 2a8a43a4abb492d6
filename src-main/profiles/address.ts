/**
 * Where a broker is, as people write it: AMQP URLs (RabbitMQ's URI specification and the forms that carrot and Celery take),
 * carrot's dictionary of connection settings as JSON, and `embedded:`. The password comes out apart from the address, because
 * an address is shown, logged and stored in the open.
 */
import type { BrokerAddress, TlsOptions } from '../domain/profile.ts';
import { assertNever, fail, ok, type Result } from '../domain/result.ts';

/** An address and the password that was written with it; null: none was. */
export interface ParsedBroker {
	readonly address: BrokerAddress;
	readonly password: string | null;
}

/** Seconds between signs of life, unless the URL says otherwise: a dead connection is noticed within twice that. */
export const DEFAULT_HEARTBEAT = 20;

const PLAIN_PORT = 5672;
const TLS_PORT = 5671;

const NO_TLS_EXTRAS: TlsOptions = { caFile: null, certFile: null, keyFile: null, serverName: null, verify: true };

/** Parameters of RabbitMQ's URI specification that say how its own clients behave, and nothing that Warren needs. */
const IGNORED_PARAMETERS = ['channel_max', 'frame_max', 'connection_timeout', 'depth', 'fail_if_no_peer_cert'];
const PARAMETERS = ['heartbeat', 'cacertfile', 'certfile', 'keyfile', 'verify', 'server_name_indication'];
const DICT_KEYS = ['host', 'name', 'port', 'username', 'password', 'secure', 'url'];

/** Reads a broker in any of these forms. `invalid-input` says what to write instead, and never repeats a password. */
export function parseBroker(text: string): Result<ParsedBroker> {
	const written = text.trim();
	if (written === '') return invalid('Write where the broker is, for example amqp://user@host:5672/vhost.');
	if (/^embedded(:(\/\/)?)?$/i.test(written)) return ok({ address: { kind: 'embedded' }, password: null });
	if (written.startsWith('{')) return parseDict(written);
	const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(written)?.[1]?.toLowerCase();
	switch (scheme) {
		case undefined: {
			if (/^(embedded|rediss?|redis-socket|sentinel|memory|sqs|kafka|https?):/i.test(written)) return unsupported();
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
		case 'amqp': {
			const { tls, heartbeat, vhost } = address;
			const host = address.host.includes(':') ? `[${address.host}]` : address.host;
			const parameters = new Map<string, string>();
			if (heartbeat !== DEFAULT_HEARTBEAT) parameters.set('heartbeat', String(heartbeat));
			if (tls?.caFile != null) parameters.set('cacertfile', tls.caFile);
			if (tls?.certFile != null) parameters.set('certfile', tls.certFile);
			if (tls?.keyFile != null) parameters.set('keyfile', tls.keyFile);
			if (tls?.serverName != null) parameters.set('server_name_indication', tls.serverName);
			if (tls !== null && !tls.verify) parameters.set('verify', 'verify_none');
			// Slashes read better as they are, and mean nothing else in a query.
			const query = [...parameters].map(([key, value]) => `${key}=${encode(value).replaceAll('%2F', '/')}`).join('&');
			const path = vhost === '/' ? '/' : `/${encode(vhost)}`;
			const scheme = tls === null ? 'amqp' : 'amqps';
			return `${scheme}://${encode(address.username)}@${host}:${address.port}${path}${query === '' ? '' : `?${query}`}`;
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

	let username = 'guest';
	let password: string | null = null;
	if (userinfo !== null) {
		const colon = userinfo.indexOf(':');
		const user = decode(colon === -1 ? userinfo : userinfo.slice(0, colon), 'user name');
		if (!user.ok) return user;
		if (user.value !== '') username = user.value;
		if (colon !== -1) {
			const secret = decode(userinfo.slice(colon + 1), 'password');
			if (!secret.ok) return secret;
			password = secret.value;
		}
	}
	const where = parseHost(hostport, secure ? TLS_PORT : PLAIN_PORT);
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
			username,
			...extras.value,
		},
		password,
	});
}

interface Parts {
	readonly userinfo: string | null;
	readonly hostport: string;
	/** Without its first slash; null: there is none. */
	readonly path: string | null;
	readonly query: string | null;
}

/** Cuts the URL up. A bare `@` or `:` in a password is understood; where a bare `/` or `?` makes it ambiguous, says so. */
function split(rest: string): Result<Parts> {
	const end = rest.search(/[/?]/);
	const authority = end === -1 ? rest : rest.slice(0, end);
	const after = end === -1 ? '' : rest.slice(end);
	const at = authority.lastIndexOf('@');
	if (after.includes('@')) {
		// `host/v@h` and `host:5672/v@h` name a virtual host; `user:pass/word@host` is a password that has to be escaped.
		if (at !== -1 || !/^(\[[^\]]*\]|[^:@]*)(:\d*)?$/.test(authority)) {
			return invalid(
				'There is an "@" after a "/" or "?". In a password write / as %2F, ? as %3F and @ as %40; in a virtual host write @ as %40.',
			);
		}
	}
	const question = after.indexOf('?');
	const path = question === -1 ? after : after.slice(0, question);
	return ok({
		userinfo: at === -1 ? null : authority.slice(0, at),
		hostport: authority.slice(at + 1),
		path: path === '' ? null : path.slice(1),
		query: question === -1 ? null : after.slice(question + 1),
	});
}

function parseHost(hostport: string, defaultPort: number): Result<{ readonly host: string; readonly port: number }> {
	const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(hostport);
	if (bracketed !== null) {
		const [, inside = '', port] = bracketed;
		if (!/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(inside) || !inside.includes(':')) {
			return invalid('Between [ and ] there must be an IPv6 address, for example [::1]:5672.');
		}
		return withPort(inside, port, defaultPort);
	}
	const [host = '', port, ...more] = hostport.split(':');
	if (more.length > 0) {
		return invalid('An IPv6 address needs brackets, for example amqp://user@[::1]:5672/.');
	}
	if (/[\s[\]<>"'\\^`{|}%#,;]/.test(host)) {
		return invalid('The host name holds a character that no host name has. Check what is between "@" and ":".');
	}
	return withPort(host === '' ? 'localhost' : host, port, defaultPort);
}

function withPort(
	host: string,
	port: string | undefined,
	defaultPort: number,
): Result<{ readonly host: string; readonly port: number }> {
	if (port === undefined || port === '') return ok({ host, port: defaultPort });
	const number = Number(port);
	if (!/^\d+$/.test(port) || number < 1 || number > 65_535) {
		return invalid(
			'The port must be a number from 1 to 65535. If a password comes before it, write : as %3A and @ as %40.',
		);
	}
	return ok({ host, port: number });
}

function parseParameters(
	query: string | null,
	secure: boolean,
): Result<{ readonly tls: TlsOptions | null; readonly heartbeat: number }> {
	let heartbeat = DEFAULT_HEARTBEAT;
	const tls: { -readonly [K in keyof TlsOptions]: TlsOptions[K] } = { ...NO_TLS_EXTRAS };
	for (const pair of query === null || query === '' ? [] : query.split('&')) {
		const equals = pair.indexOf('=');
		const key = equals === -1 ? pair : pair.slice(0, equals);
		const value = decode(equals === -1 ? '' : pair.slice(equals + 1), `parameter ${key}`);
		if (!value.ok) return value;
		if (IGNORED_PARAMETERS.includes(key)) continue;
		if (key === 'auth_mechanism' && value.value.toLowerCase() === 'plain') continue;
		if (!PARAMETERS.includes(key)) {
			return invalid(`The parameter "${key}" is not known here. Known are: ${PARAMETERS.join(', ')}.`);
		}
		if (key === 'heartbeat') {
			heartbeat = Number(value.value);
			if (!/^\d+$/.test(value.value) || heartbeat > 65_535) {
				return invalid('heartbeat is a number of seconds from 0 (off) to 65535.');
			}
			continue;
		}
		if (!secure) return invalid(`The parameter "${key}" is about TLS: begin the address with amqps://.`);
		if (key === 'verify') {
			if (value.value !== 'verify_none' && value.value !== 'verify_peer') {
				return invalid('verify is either verify_peer or verify_none.');
			}
			tls.verify = value.value === 'verify_peer';
			continue;
		}
		if (value.value === '') return invalid(`The parameter "${key}" has no value.`);
		if (key === 'cacertfile') tls.caFile = value.value;
		else if (key === 'certfile') tls.certFile = value.value;
		else if (key === 'keyfile') tls.keyFile = value.value;
		else tls.serverName = value.value === 'disable' ? null : value.value;
	}
	if ((tls.certFile === null) !== (tls.keyFile === null)) {
		return invalid('A client certificate needs both certfile and keyfile.');
	}
	return ok({ tls: secure ? tls : null, heartbeat });
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
		if (!parsed.ok || parsed.value.address.kind !== 'amqp' || !secure) return parsed;
		const { address, password } = parsed.value;
		return ok({ address: { ...address, tls: address.tls ?? NO_TLS_EXTRAS }, password });
	}
	const defaultPort = secure ? TLS_PORT : PLAIN_PORT;
	const port = fields.get('port') ?? defaultPort;
	if (typeof port !== 'number' && typeof port !== 'string') return invalid('The setting "port" must be a number.');
	const host = string('host') ?? 'localhost';
	const where = parseHost(`${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`, defaultPort);
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

function encode(text: string): string {
	return encodeURIComponent(text);
}

function decode(text: string, what: string): Result<string> {
	try {
		return ok(decodeURIComponent(text));
	} catch {
		return invalid(`The ${what} holds a "%" that is not part of a code like %2F. Write the sign itself as %25.`);
	}
}

function invalid(message: string): Result<never> {
	return fail('invalid-input', message);
}

function unsupported(): Result<never> {
	return fail(
		'unsupported',
		'This version connects to RabbitMQ (amqp:, amqps:) and to the built-in broker (embedded:).',
	);
}
