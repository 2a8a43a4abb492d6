/**
 * Reads what Python and Node print when something fails into frames, causes and groups, so that it can be shown with the
 * exception first and library code folded. Reading never loses anything for good: the original text stays at hand, and a
 * text of another form gives null and is shown as it is.
 *
 * Forms read: CPython 3.8 to 3.14 (`Traceback (most recent call last):`, position marks of 3.11, chained exceptions,
 * repeated lines, SyntaxError, exception groups with their margins) and V8 stacks as Node prints them.
 */
import { parseNode } from './traceback-node.ts';
import { parsePython } from './traceback-python.ts';

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

/** Longer texts are shown as they are: nobody reads them frame by frame. In UTF-16 units. */
export const LONGEST = 2_000_000;

/**
 * Reads a traceback; null when it is in no form we know. `project` is the folder of the person's own code, where known.
 */
export function parseTraceback(text: string, project: string | null = null): ParsedTraceback | null {
	if (text.length > LONGEST) return null;
	const lines = text.replaceAll('\r\n', '\n').split('\n');
	while (lines.length > 0 && lines.at(-1)?.trim() === '') lines.pop();
	return parsePython(lines, project) ?? parseNode(lines, project);
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

/** A run of frames as shown: one of the person's own, or several folded ones with the packages they are from. */
export type FrameRun =
	| { readonly kind: 'own'; readonly frame: TraceFrame }
	| { readonly kind: 'folded'; readonly frames: readonly TraceFrame[]; readonly origins: readonly string[] };

/** More open frames than this in one section are folded in the middle. */
const OPEN_FRAMES = 40;

/**
 * Puts library frames into folded runs. Where all are a library's, the one at the failing end stays open, so that there
 * is always something to read.
 */
export function foldFrames(frames: readonly TraceFrame[], language: ParsedTraceback['language']): readonly FrameRun[] {
	const none = !frames.some((frame) => frame.own);
	const failing = language === 'python' ? frames.length - 1 : 0;
	const open = frames.map((frame, index) => frame.own || (none && index === failing));
	const opened = open.filter(Boolean).length;
	if (opened > OPEN_FRAMES) {
		let seen = 0;
		for (let index = 0; index < open.length; index++) {
			if (open[index] !== true) continue;
			seen += 1;
			if (seen > OPEN_FRAMES / 2 && seen <= opened - OPEN_FRAMES / 2) open[index] = false;
		}
	}
	const runs: FrameRun[] = [];
	let folded: TraceFrame[] = [];
	const close = (): void => {
		if (folded.length === 0) return;
		const origins = [...new Set(folded.map((frame) => (frame.own ? 'your code' : frame.origin)))];
		runs.push({ kind: 'folded', frames: folded, origins });
		folded = [];
	};
	frames.forEach((frame, index) => {
		if (open[index] === true) {
			close();
			runs.push({ kind: 'own', frame });
		} else folded.push(frame);
	});
	close();
	return runs;
}

/** How many calls a list of frames stands for. */
export function frameCount(frames: readonly TraceFrame[]): number {
	return frames.reduce((sum, frame) => sum + 1 + frame.repeated, 0);
}
