/** Where a site's monitor is: any scheme, host and mount path, from what people paste. */
import { fail, ok, type Result } from '#main/domain/result.ts';

export interface SiteAddress {
	/** Ends in a slash; `api/…` follows. Holds no credentials, query or fragment. */
	readonly base: string;
	/** What the pasted address carried, to be kept by the vault; null: nothing. */
	readonly username: string | null;
	readonly password: string | null;
}

/**
 * Reads the address of a monitor. `https://site/carrot`, `https://site/carrot/` and a link into its API all mean the same.
 * User and password are taken out of it, so that the address can be shown.
 */
export function readSiteAddress(text: string): Result<SiteAddress> {
	const url = URL.parse(text.trim());
	if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.hostname === '') {
		return fail('invalid-input', "The monitor's address should look like https://site/carrot/.", {
			details: { field: 'monitor' },
		});
	}
	const username = url.username === '' ? null : decoded(url.username);
	const password = url.password === '' ? null : decoded(url.password);
	const path = url.pathname.replace(/\/api\/(?:message-logs|scheduled-tasks)(?:\/.*)?$/, '/').replace(/\/*$/, '/');
	return ok({ base: `${url.origin}${path}`, username, password });
}

function decoded(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		// A lone percent sign: people paste passwords as they are.
		return text;
	}
}
