/** How a profile keeps where its books in a Redis are: addresses in the profile, passwords in the vault. */
import type { Profile, ProfileBooks } from '#main/domain/profile.ts';
import { fail, ok, type Result } from '#main/domain/result.ts';
import type { HandlerInput } from '#main/ipc/contract.ts';
import type { SecretChanges } from '#main/profiles/profiles.ts';
import { formatRedis, parseRedis } from '#main/profiles/redis-address.ts';
import { knowsZone } from '#main/scheduler/zones.ts';

/** What begins the shared book's keys unless its address says otherwise. */
const SHARED_PREFIX = 'warren:';
/** RedBeat's own default. */
const REDBEAT_PREFIX = 'redbeat:';

const NO_BOOKS: ProfileBooks = { shared: null, redbeat: null };

/**
 * What a person gave about books, laid over what there is: `redis://host:6379/0?prefix=warren:`, for RedBeat with the zone of the
 * app's crontabs (`&zone=Europe/Berlin`). An empty text takes the book, and its password, away.
 */
export function readBooks(
	input: Pick<HandlerInput<'profile.add'>, 'book'>,
	old: Profile | null,
): Result<{ readonly books: ProfileBooks; readonly secrets: SecretChanges }> {
	let books = old?.books ?? NO_BOOKS;
	const secrets: Record<string, string | null> = {};
	for (const kind of ['shared', 'redbeat'] as const) {
		const text = input.book?.[kind];
		if (text === undefined) continue;
		if (text.trim() === '') {
			books = { ...books, [kind]: null };
			secrets[kind] = null;
			continue;
		}
		const { bare, prefix, zone } = ownParameters(text.trim());
		const parsed = parseRedis(bare);
		if (!parsed.ok) return at(kind, parsed.error.message);
		if (zone !== null && kind === 'shared') return at(kind, 'The shared book has no zone: each schedule has its own.');
		if (zone !== null && !knowsZone(zone)) return at(kind, `There is no time zone "${zone}".`);
		if (prefix === '') return at(kind, 'A prefix begins all keys of the book; it cannot be empty.');
		const { address, password } = parsed.value;
		books =
			kind === 'shared'
				? { ...books, shared: { address, prefix: prefix ?? SHARED_PREFIX } }
				: { ...books, redbeat: { address, prefix: prefix ?? REDBEAT_PREFIX, zone: zone ?? 'UTC' } };
		// The password of another server is another one; of the same one it stays unless a new one is written.
		const before = old?.books?.[kind]?.address;
		const sameServer = before !== undefined && JSON.stringify(before) === JSON.stringify(address);
		if (password !== null) secrets[kind] = password === '' ? null : password;
		else if (!sameServer) secrets[kind] = null;
	}
	return ok({ books, secrets });
}

function at(kind: 'shared' | 'redbeat', message: string): Result<never> {
	return fail('invalid-input', `book: ${kind}: ${message}`, { details: { field: 'book' } });
}

/** Takes our two parameters out of an address. */
function ownParameters(text: string): {
	readonly bare: string;
	readonly prefix: string | null;
	readonly zone: string | null;
} {
	const [address = '', query] = text.split(/\?(.*)/s, 2);
	if (query === undefined) return { bare: text, prefix: null, zone: null };
	const fields = new URLSearchParams(query);
	const prefix = fields.get('prefix');
	const zone = fields.get('zone');
	const rest = query.split('&').filter((pair) => !/^(?:prefix|zone)(?:=|$)/.test(pair));
	return { bare: rest.length === 0 ? address : `${address}?${rest.join('&')}`, prefix, zone };
}

/** Where each book is, as `readBooks` reads it again, without a password. */
export function bookUrls(books: ProfileBooks | undefined): {
	readonly shared: string | null;
	readonly redbeat: string | null;
} {
	const { shared, redbeat } = books ?? NO_BOOKS;
	return {
		shared: shared === null ? null : withParameters(formatRedis(shared.address), { prefix: shared.prefix }),
		redbeat:
			redbeat === null
				? null
				: withParameters(formatRedis(redbeat.address), { prefix: redbeat.prefix, zone: redbeat.zone }),
	};
}

function withParameters(url: string, fields: Readonly<Record<string, string>>): string {
	const text = Object.entries(fields)
		.map(([name, value]) => `${name}=${encodeURIComponent(value).replaceAll('%2F', '/').replaceAll('%3A', ':')}`)
		.join('&');
	return `${url}${url.includes('?') ? '&' : '?'}${text}`;
}
