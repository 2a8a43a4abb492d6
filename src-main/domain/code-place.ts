/** Whose code a file is, by its path as a traceback prints it. */

const LIBRARY = [
	/\/(?:site|dist)-packages\/([^/]+)/,
	/\/node_modules\/((?:@[^/]+\/)?[^/]+)/,
	/\/lib(?:64)?\/python\d[\d.]*\//,
	/\/lib\/python\d[\d.]*\.zip\//,
	/\/Python\d+\/[Ll]ib\//,
];
const RUNNER = /(?:^|\/)warren[-_]runner\.(?:py|mjs)$/;

/** Whose code a file is, and how to name it shortly. */
export function placeOf(
	file: string,
	project: string | null,
): { readonly own: boolean; readonly origin: string; readonly shortFile: string } {
	const path = file.replaceAll('\\', '/');
	if (RUNNER.test(path)) return { own: false, origin: 'runner', shortFile: lastSegments(path, 1) };
	if (path.startsWith('node:')) return { own: false, origin: 'node', shortFile: path };
	if (/^<(?:frozen|__array_function__|anonymous|decorator-gen)/.test(path) || path === 'native' || path === '') {
		return { own: false, origin: path.startsWith('<frozen') ? 'python' : 'built in', shortFile: path };
	}
	for (const pattern of LIBRARY) {
		const match = pattern.exec(path);
		if (match === null) continue;
		const at = match.index + match[0].length;
		const inside = match[1];
		if (inside === undefined) return { own: false, origin: 'python', shortFile: path.slice(at) };
		return { own: false, origin: inside.replace(/\.pyc?$/, ''), shortFile: path.slice(at - inside.length) };
	}
	const folder = project?.replaceAll('\\', '/').replace(/\/+$/, '');
	if (folder !== undefined && folder !== '' && path.startsWith(`${folder}/`)) {
		return { own: true, origin: '', shortFile: path.slice(folder.length + 1) };
	}
	return { own: true, origin: '', shortFile: lastSegments(path, 2) };
}

function lastSegments(path: string, count: number): string {
	return path
		.split('/')
		.filter((part) => part !== '')
		.slice(-count)
		.join('/');
}
