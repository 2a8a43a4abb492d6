/** The built page as a closed list of files: what is not on it does not exist, whatever a path says. */
import { readdirSync } from 'node:fs';
import { extname, join, relative, sep } from 'node:path';

export interface PageFile {
	/** Where it lies. */
	readonly path: string;
	readonly type: string;
	/** Its name holds a hash of what is in it, so it may be kept for ever. */
	readonly lasting: boolean;
}

const TYPES: Readonly<Record<string, string>> = {
	'.html': 'text/html; charset=utf-8',
	'.js': 'text/javascript; charset=utf-8',
	'.css': 'text/css; charset=utf-8',
	'.json': 'application/json; charset=utf-8',
	'.svg': 'image/svg+xml',
	'.png': 'image/png',
	'.ico': 'image/x-icon',
	'.woff2': 'font/woff2',
	'.wasm': 'application/wasm',
};

/** Files by their path in a URL, `/` being the page itself; empty when there is no built page. */
export function pageFiles(folder: string): ReadonlyMap<string, PageFile> {
	const files = new Map<string, PageFile>();
	for (const entry of list(folder)) {
		if (!entry.isFile()) continue;
		const path = join(entry.parentPath, entry.name);
		const type = TYPES[extname(entry.name)];
		// A file of no known type is no part of the page.
		if (type === undefined) continue;
		const url = `/${relative(folder, path).split(sep).join('/')}`;
		files.set(url, { path, type, lasting: url.startsWith('/assets/') });
	}
	const index = files.get('/index.html');
	if (index !== undefined) files.set('/', index);
	return files;
}

function list(folder: string) {
	try {
		return readdirSync(folder, { withFileTypes: true, recursive: true });
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
		throw error;
	}
}
