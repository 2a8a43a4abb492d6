/** What a traceback is made of, and whose code a file is. */

/** What was raised. `type` is empty where the text names none. */
export interface TraceException {
	readonly type: string;
	readonly message: string;
}

/** A line of source with the parts that Python marked: `~` is the expression, `^` its heart. Columns from 0, end excluded. */
export interface TraceSource {
	readonly text: string;
	readonly marks: readonly { readonly start: number; readonly end: number; readonly heart: boolean }[];
}

/** One frame as printed. */
export interface TraceFrame {
	/** As printed, without a `file://` before it. */
	readonly file: string;
	/** Short enough for a heading: from the project, the package or the last folders on. */
	readonly shortFile: string;
	readonly line: number | null;
	readonly column: number | null;
	/** The function; null at the place of a syntax error and in anonymous functions. */
	readonly name: string | null;
	readonly source: readonly TraceSource[];
	/** How many more times in a row it was there. */
	readonly repeated: number;
	/** The person's own code, as against a library's, the language's or the runner's. */
	readonly own: boolean;
	/** The package that a library's frame belongs to: `celery`, `python`, `node`. */
	readonly origin: string;
}

/** One exception with its frames. */
export interface TraceSection {
	/** raised: the one that ended the task. cause: what it was raised from. context: what was being handled when it was raised. */
	readonly relation: 'raised' | 'cause' | 'context';
	readonly exception: TraceException | null;
	/** In the order in which they were printed. */
	readonly frames: readonly TraceFrame[];
	/** The exceptions of a group, each with its own chain. */
	readonly group: readonly (readonly TraceSection[])[];
	/** What else was printed about it, such as the properties of a Node error. */
	readonly details: string;
}

/** A traceback that was understood; the exception that ended it all comes first in `chain`. */
export interface ParsedTraceback {
	readonly language: 'python' | 'node';
	/** What stood before it. */
	readonly preamble: string;
	readonly chain: readonly TraceSection[];
}

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
