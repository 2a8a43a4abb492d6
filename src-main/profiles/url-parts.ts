/** What addresses of all kinds have in common: where they are cut, what is escaped, and the parameters of TLS. */
import type { TlsOptions } from '../domain/profile.ts';
import { fail, ok, type Result } from '../domain/result.ts';

/** An address cut up, still encoded. */
export interface Parts {
	readonly userinfo: string | null;
	readonly hostport: string;
	/** Without its first slash; null: there is none. */
	readonly path: string | null;
	readonly query: string | null;
}

/** Cuts the URL up. A bare `@` or `:` in a password is understood; where a bare `/` or `?` makes it ambiguous, says so. */
export function split(rest: string): Result<Parts> {
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

/** User name and password; null: none was written, or an empty name. */
export function parseLogin(
	userinfo: string | null,
): Result<{ readonly username: string | null; readonly password: string | null }> {
	if (userinfo === null) return ok({ username: null, password: null });
	const colon = userinfo.indexOf(':');
	const user = decode(colon === -1 ? userinfo : userinfo.slice(0, colon), 'user name');
	if (!user.ok) return user;
	const secret = colon === -1 ? ok(null) : decode(userinfo.slice(colon + 1), 'password');
	if (!secret.ok) return secret;
	return ok({ username: user.value === '' ? null : user.value, password: secret.value });
}

/** What holds where nothing is written, and how an address with an IPv6 address looks. */
interface HostDefaults {
	readonly port: number;
	readonly example: string;
}

/** Host and port; an empty host is this machine. */
export function parseHost(
	hostport: string,
	defaults: HostDefaults,
): Result<{ readonly host: string; readonly port: number }> {
	const inBrackets = /^\[([^\]]*)\](?::(.*))?$/.exec(hostport);
	if (inBrackets !== null) {
		const [, inside = '', port] = inBrackets;
		if (!/^[0-9a-f:.]+(%[\w.-]+)?$/i.test(inside) || !inside.includes(':')) {
			return invalid(`Between [ and ] there must be an IPv6 address, for example [::1]:${defaults.port}.`);
		}
		return withPort(inside, port, defaults.port);
	}
	const [host = '', port, ...more] = hostport.split(':');
	if (more.length > 0) return invalid(`An IPv6 address needs brackets, for example ${defaults.example}.`);
	if (/[\s[\]<>"'\\^`{|}%#,;]/.test(host)) {
		return invalid('The host name holds a character that no host name has. Check what is between "@" and ":".');
	}
	return withPort(host === '' ? 'localhost' : host, port, defaults.port);
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

/** A host as it stands before a port. */
export function bracketed(host: string): string {
	return host.includes(':') ? `[${host}]` : host;
}

/** The parameters after the question mark, values still encoded. */
export function pairsOf(query: string | null): readonly (readonly [key: string, value: string])[] {
	return (query === null || query === '' ? [] : query.split('&')).map((pair) => {
		const equals = pair.indexOf('=');
		return equals === -1 ? [pair, ''] : [pair.slice(0, equals), pair.slice(equals + 1)];
	});
}

/** Parameters with the question mark before them; empty where there are none. */
export function queryOf(parameters: ReadonlyMap<string, string>): string {
	// Slashes read better as they are, and mean nothing else in a query.
	const pairs = [...parameters].map(([key, value]) => `${key}=${encode(value).replaceAll('%2F', '/')}`);
	return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** TLS with the system's authorities and no certificate of one's own. */
export const NO_TLS_EXTRAS: TlsOptions = {
	caFile: null,
	certFile: null,
	keyFile: null,
	serverName: null,
	verify: true,
};

/** The parameters about TLS, as RabbitMQ's URI specification names them. */
export const TLS_PARAMETERS: readonly string[] = [
	'cacertfile',
	'certfile',
	'keyfile',
	'verify',
	'server_name_indication',
];

/** Collects parameters about TLS; `scheme` is the one they need. */
export function tlsParameters(scheme: string): {
	/** Takes one of `TLS_PARAMETERS`; says what is wrong with it, null when nothing is. */
	take(key: string, value: string, secure: boolean): string | null;
	options(): Result<TlsOptions>;
} {
	const tls: { -readonly [K in keyof TlsOptions]: TlsOptions[K] } = { ...NO_TLS_EXTRAS };
	return {
		take(key, value, secure) {
			if (!secure) return `The parameter "${key}" is about TLS: begin the address with ${scheme}://.`;
			if (key === 'verify') {
				if (value !== 'verify_none' && value !== 'verify_peer') return 'verify is either verify_peer or verify_none.';
				tls.verify = value === 'verify_peer';
				return null;
			}
			if (value === '') return `The parameter "${key}" has no value.`;
			if (key === 'cacertfile') tls.caFile = value;
			else if (key === 'certfile') tls.certFile = value;
			else if (key === 'keyfile') tls.keyFile = value;
			else tls.serverName = value === 'disable' ? null : value;
			return null;
		},
		options: () =>
			(tls.certFile === null) === (tls.keyFile === null)
				? ok({ ...tls })
				: invalid('A client certificate needs both certfile and keyfile.'),
	};
}

/** The same written out again; none for what is as usual. */
export function tlsPairs(tls: TlsOptions | null): ReadonlyMap<string, string> {
	const parameters = new Map<string, string>();
	if (tls?.caFile != null) parameters.set('cacertfile', tls.caFile);
	if (tls?.certFile != null) parameters.set('certfile', tls.certFile);
	if (tls?.keyFile != null) parameters.set('keyfile', tls.keyFile);
	if (tls?.serverName != null) parameters.set('server_name_indication', tls.serverName);
	if (tls !== null && !tls.verify) parameters.set('verify', 'verify_none');
	return parameters;
}

/** Escapes a part of an address. */
export function encode(text: string): string {
	return encodeURIComponent(text);
}

/** Undoes escapes; `what` is named when there is a bad one. */
export function decode(text: string, what: string): Result<string> {
	try {
		return ok(decodeURIComponent(text));
	} catch {
		return invalid(`The ${what} holds a "%" that is not part of a code like %2F. Write the sign itself as %25.`);
	}
}

function invalid(message: string): Result<never> {
	return fail('invalid-input', message);
}
