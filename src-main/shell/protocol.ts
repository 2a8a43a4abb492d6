/** `app://console`: the built page as a closed list of files. There is no file:// page and no path to walk. */
import { readFile } from 'node:fs/promises';
import { protocol } from 'electron';
import { type PageFile, pageFiles } from '#main/engine/page-files.ts';
import { PAGE_HEADERS } from '#main/ipc/security.ts';

const SCHEME = 'app';
/** The origin of the one page, and the only one that is trusted. */
export const PAGE_ORIGIN = `${SCHEME}://console`;
export const PAGE_URL = `${PAGE_ORIGIN}/`;

/** Must run before the app is ready. */
export function registerScheme(): void {
	protocol.registerSchemesAsPrivileged([
		{ scheme: SCHEME, privileges: { standard: true, secure: true, supportFetchAPI: true, codeCache: true } },
	]);
}

/** Answers the page's requests from a folder; anything that is not one of its files is 404. */
export function servePage(folder: string): void {
	const files = pageFiles(folder);
	protocol.handle(SCHEME, (request) => answer(files, request));
}

async function answer(files: ReadonlyMap<string, PageFile>, request: Request): Promise<Response> {
	const url = URL.parse(request.url);
	const headers = new Headers(PAGE_HEADERS);
	// `origin` is opaque for schemes that Node does not know: scheme and host say the same.
	const ours = url !== null && url.protocol === `${SCHEME}:` && url.host === 'console';
	const file = ours ? files.get(url.pathname) : undefined;
	if (request.method !== 'GET' || file === undefined) return new Response('Not found', { status: 404, headers });
	headers.set('Content-Type', file.type);
	return new Response(await readFile(file.path), { headers });
}
