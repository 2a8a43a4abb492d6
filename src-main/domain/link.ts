/** Links to places of the console: `warren://<profile>/<view>?…`. They come from chats and web pages: they say where to go, and nothing else. */
import { fail, ok, type Result } from './result.ts';

/** The scheme that desktop systems open Warren by. */
export const LINK_SCHEME = 'warren';

/** Every view of the console, by the name that addresses have. */
export const LINK_VIEWS = [
	'attention',
	'queued',
	'failed',
	'completed',
	'all',
	'scheduled',
	'queues',
	'workers',
	'quarantine',
	'site',
	'console',
	'reports',
	'settings',
] as const;
export type LinkView = (typeof LINK_VIEWS)[number];

/** What an address may say besides: what is open, what is filtered, and how a report is asked for. */
export const REPORT_FIELDS = ['since', 'until', 'bucket', 'queue', 'worker', 'top', 'compatible'] as const;
const FIELDS: readonly string[] = ['task', 'item', 'schedule', 'part', 'filter', 'sort', ...REPORT_FIELDS];

/** Longer than the longest filter there can be, written with escapes. */
const LONGEST = 16_000;
const LONGEST_PROFILE = 200;

export interface ConsoleLink {
	/** Name of the profile. */
	readonly profile: string;
	readonly view: LinkView;
	/** The place as the console's own address has it: `#/<profile>/<view>?…`. */
	readonly hash: string;
}

/** The link to a place, which is given as the console's own address has it. */
export function linkOf(hash: string): string {
	return `${LINK_SCHEME}://${hash.replace(/^#\//, '')}`;
}

/** Reads a link strictly. What it does not understand is refused, not guessed at: nobody typed it, and it may mean harm. */
export function parseLink(text: string): Result<ConsoleLink> {
	if (text.length > LONGEST) return fail('invalid-input', `The link is longer than ${LONGEST} characters.`);
	const [, host, name, search = ''] = /^warren:\/\/([^/?#\\]*)\/([^/?#\\]*)\/?(?:\?([^#]*))?$/i.exec(text) ?? [];
	if (host === undefined || name === undefined) {
		return fail('invalid-input', 'A link looks like warren://PROFILE/VIEW?filter=…, as "Copy link" makes it.');
	}
	const profile = unescaped(host);
	if (profile === null || profile === '' || profile.length > LONGEST_PROFILE) {
		return fail('invalid-input', 'The link names no profile.');
	}
	const view = LINK_VIEWS.find((known) => known === name);
	if (view === undefined) {
		return fail('invalid-input', `The link names no view that there is. There are: ${LINK_VIEWS.join(', ')}.`);
	}
	const fields = new URLSearchParams();
	for (const pair of search.split('&')) {
		if (pair === '') continue;
		const [key = '', ...rest] = pair.split('=');
		const value = unescaped(rest.join('=').replaceAll('+', ' '));
		if (!FIELDS.includes(key) || fields.has(key) || value === null) {
			return fail('invalid-input', 'The link says something that links do not: it was cut, or not made by Warren.');
		}
		fields.set(key, value);
	}
	const said = fields.size === 0 ? '' : `?${fields.toString()}`;
	return ok({ profile, view, hash: `#/${encodeURIComponent(profile)}/${view}${said}` });
}

/** Null where the escapes are broken, or hide characters that nobody types. */
function unescaped(text: string): string | null {
	let plain: string;
	try {
		plain = decodeURIComponent(text);
	} catch {
		return null;
	}
	// Half a surrogate could not be written as an address again.
	return /\p{Cc}|\p{Cs}/u.test(plain) ? null : plain;
}
