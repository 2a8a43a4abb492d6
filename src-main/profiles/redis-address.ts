/**
 * Where a Redis is, as people write it: `redis://[user[:password]@]host[:port][/database][?parameters]`, `rediss://` over TLS,
 * `redis+socket://[user[:password]@]/path/of/the.sock[?db=0]` for a Unix socket, `sentinel://…;sentinel://…` for sentinels. Also
 * taken: what Celery's and RedBeat's settings have in such an address, by redis-py's names. The password comes out apart from the
 * address, because an address is shown, logged and stored in the open.
 */
import type { RedisAddress } from '../domain/profile.ts';
import { fail, ok, type Result } from '../domain/result.ts';
import {
	bracketed,
	decode,
	encode,
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
export interface ParsedRedis {
	readonly address: RedisAddress;
	readonly password: string | null;
}

/** Redis's own port. */
export const REDIS_PORT = 6379;

/** That of its sentinels. */
const SENTINEL_PORT = 26_379;
const SENTINEL = /^(?:redis\+)?sentinel:\/\//i;
const SENTINEL_EXAMPLE = 'sentinel://host-1:26379/0;sentinel://host-2:26379?master_name=mymaster';

const EXAMPLE = 'redis://user@host:6379/0';

const NO_MORE: MoreParameters = { names: [], take: () => null };

/** redis-py's names for the same. */
const TLS_ALIASES: Readonly<Record<string, string>> = {
	ssl_ca_certs: 'cacertfile',
	ssl_certfile: 'certfile',
	ssl_keyfile: 'keyfile',
	ssl_cert_reqs: 'verify',
};
/** How strictly redis-py is to check, by its names and by those of Celery's settings. */
const CHECKS: Readonly<Record<string, string>> = {
	none: 'verify_none',
	cert_none: 'verify_none',
	required: 'verify_peer',
	cert_required: 'verify_peer',
};
/** How other clients are to behave, and nothing that Warren needs. */
const IGNORED = [
	'client_name',
	'decode_responses',
	'encoding',
	'encoding_errors',
	'health_check_interval',
	'max_connections',
	'protocol',
	'retry_on_error',
	'retry_on_timeout',
	'socket_connect_timeout',
	'socket_keepalive',
	'socket_timeout',
	'ssl_check_hostname',
];

/** Parameters of an address beyond those of Redis itself. `take` says what is wrong with one; null when nothing is. */
export interface MoreParameters {
	readonly names: readonly string[];
	take(name: string, value: string): string | null;
}

/** Reads an address. `invalid-input` and `unsupported` say what to write instead, and never repeat a password. */
export function parseRedis(text: string, more: MoreParameters = NO_MORE): Result<ParsedRedis> {
	const written = text.trim();
	if (written === '') return invalid(`Write where Redis is, for example ${EXAMPLE}.`);
	const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(written)?.[1]?.toLowerCase();
	if (scheme === 'sentinel' || scheme === 'redis+sentinel') return parseSentinels(written, more);
	const local = /^(?:unix|redis[+-]socket):\/\//i.exec(written);
	if (local !== null) return parseRest(written.slice(local[0].length), 'socket', more);
	const begin = /^(rediss?):\/\//i.exec(written);
	if (begin === null) {
		return invalid(`An address of Redis begins with redis:// (or rediss:// over TLS), for example ${EXAMPLE}.`);
	}
	if (/[,;]/.test(written.replace(/[?].*$/, '').replace(/^.*@/, ''))) {
		return unsupported('Warren works with one Redis, not with several addresses. Give the one of the primary.');
	}
	return parseRest(written.slice(begin[0].length), begin[1]?.toLowerCase() === 'rediss' ? 'tls' : 'plain', more);
}

/** Writes an address without its password, so that `parseRedis` reads the same address again. */
export function formatRedis(address: RedisAddress, more: ReadonlyMap<string, string> = new Map()): string {
	const { host, port, db, username, tls, socket, sentinel } = address;
	const user = username === null ? '' : `${encode(username)}@`;
	if (socket !== undefined) {
		const path = socket.split('/').map(encode).join('/');
		return `redis+socket://${user}${path}${queryOf(new Map([['db', String(db)], ...more]))}`;
	}
	if (sentinel !== undefined) {
		const others = sentinel.others.map((one) => `;sentinel://${bracketed(one.host)}:${one.port}`).join('');
		const query = queryOf(new Map([['master_name', sentinel.master], ...more]));
		return `sentinel://${user}${bracketed(host)}:${port}/${db}${others}${query}`;
	}
	const scheme = tls === null ? 'redis' : 'rediss';
	return `${scheme}://${user}${bracketed(host)}:${port}/${db}${queryOf(new Map([...tlsPairs(tls), ...more]))}`;
}

/**
 * `sentinel://h1:26379/0;sentinel://h2:26379?master_name=name`, as kombu and Celery's result backend write it, with `master_name` of
 * their transport options as a parameter. Login and database are read from the first, as they read them.
 */
function parseSentinels(written: string, more: MoreParameters): Result<ParsedRedis> {
	const question = written.indexOf('?');
	const [first = '', ...later] = (question === -1 ? written : written.slice(0, question)).split(';');
	const query = question === -1 ? '' : written.slice(question);
	const bare = (one: string) => one.trim().replace(SENTINEL, '');
	let master = '';
	const parsed = parseRest(`${bare(first)}${query}`, 'sentinel', {
		names: ['master_name', 'min_other_sentinels', ...more.names],
		take: (name, value) => {
			if (name === 'min_other_sentinels') return null;
			if (name !== 'master_name') return more.take(name, value);
			master = value;
			return null;
		},
	});
	if (!parsed.ok) return parsed;
	if (master === '') {
		return invalid(
			`Sentinels have to be told which primary is meant: add ?master_name=… (master_name in Celery's transport options), for example ${SENTINEL_EXAMPLE}.`,
		);
	}
	const { address, password } = parsed.value;
	const others: { readonly host: string; readonly port: number }[] = [];
	for (const one of later) {
		const parts = split(bare(one));
		if (!parts.ok) return parts;
		const { userinfo, hostport, path } = parts.value;
		const login = parseLogin(userinfo);
		if (!login.ok) return login;
		const differs = login.value.username !== address.username || login.value.password !== password;
		if (userinfo !== null && differs) {
			return invalid(
				'The sentinels are written with different logins. Write it once, with the first: it is that of Redis itself.',
			);
		}
		if (path !== null && path !== '' && path !== String(address.db)) {
			return invalid(
				'The number of the database is written with the first sentinel: Celery reads it there and nowhere else.',
			);
		}
		const where = parseHost(hostport, { port: SENTINEL_PORT, example: SENTINEL_EXAMPLE });
		if (!where.ok) return where;
		others.push(where.value);
	}
	return ok({ address: { ...address, sentinel: { master, others } }, password });
}

function parseRest(
	rest: string,
	carrier: 'plain' | 'tls' | 'socket' | 'sentinel',
	more: MoreParameters,
): Result<ParsedRedis> {
	const secure = carrier === 'tls';
	const parts = split(rest);
	if (!parts.ok) return parts;
	const { userinfo, hostport, path, query } = parts.value;
	const login = parseLogin(userinfo);
	if (!login.ok) return login;
	const where = parseHost(hostport, {
		port: carrier === 'sentinel' ? SENTINEL_PORT : REDIS_PORT,
		example: 'redis://user@[::1]:6379/0',
	});
	if (!where.ok) return where;
	let db: number | null = null;
	let socket: string | null = null;
	if (carrier === 'socket') {
		const file = decode(path ?? '', 'path of the socket');
		if (!file.ok) return file;
		if (hostport !== '' || file.value === '') {
			return invalid(
				'Of a socket write the whole path after three slashes, for example redis+socket:///run/redis/redis.sock?db=0.',
			);
		}
		socket = `/${file.value}`;
	} else if (path !== null && path !== '') {
		const number = database(path);
		if (!number.ok) return number;
		db = number.value;
	}
	const tls = tlsParameters('rediss');
	for (const [written, encoded] of pairsOf(query)) {
		const value = decode(encoded, `parameter ${written}`);
		if (!value.ok) return value;
		if (IGNORED.includes(written)) continue;
		if (written === 'db' || written === 'virtual_host') {
			const number = database(value.value);
			if (!number.ok) return number;
			if (db !== null && db !== number.value) return invalid('The address names two databases. Leave out one of them.');
			db = number.value;
			continue;
		}
		if (more.names.includes(written)) {
			const problem = more.take(written, value.value);
			if (problem !== null) return invalid(problem);
			continue;
		}
		const key = TLS_ALIASES[written] ?? written;
		if (!TLS_PARAMETERS.includes(key)) {
			const known = ['db', ...TLS_PARAMETERS, ...more.names].join(', ');
			return invalid(`The parameter "${written}" is not known here. Known are: ${known}.`);
		}
		let meant = value.value;
		if (written === 'ssl_cert_reqs') {
			const check = CHECKS[meant.toLowerCase()];
			if (check === undefined) return invalid('ssl_cert_reqs is either required or none.');
			meant = check;
		}
		const problem = tls.take(key, meant, secure);
		if (problem !== null) return invalid(problem);
	}
	const options = tls.options();
	if (!options.ok) return options;
	return ok({
		address: {
			...where.value,
			db: db ?? 0,
			username: login.value.username,
			tls: secure ? options.value : null,
			...(socket === null ? {} : { socket }),
		},
		password: login.value.password,
	});
}

function database(text: string): Result<number> {
	if (!/^\d{1,6}$/.test(text)) {
		return invalid(`What follows the "/" is the number of a database, usually 0. For example ${EXAMPLE}.`);
	}
	return ok(Number(text));
}

function invalid(message: string): Result<never> {
	return fail('invalid-input', message);
}

function unsupported(message: string): Result<never> {
	return fail('unsupported', message);
}
