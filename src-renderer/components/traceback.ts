/**
 * Reads what Python and Node print when something fails into frames, causes and groups, so that it can be shown with the
 * exception first and library code folded. Reading never loses anything for good: the original text stays at hand, and a
 * text of another form gives null and is shown as it is.
 *
 * Forms read: CPython 3.8 to 3.14 (`Traceback (most recent call last):`, position marks of 3.11, chained exceptions,
 * repeated lines, SyntaxError, exception groups with their margins) and V8 stacks as Node prints them.
 */
import type { ParsedTraceback, TraceFrame } from './traceback-frames.ts';
import { parseNode } from './traceback-node.ts';
import { parsePython } from './traceback-python.ts';

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
