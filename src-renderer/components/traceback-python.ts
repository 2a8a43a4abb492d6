/** CPython's tracebacks, line by line. */
import { placeOf } from '#main/domain/code-place.ts';
import type { ParsedTraceback, TraceException, TraceFrame, TraceSection, TraceSource } from './traceback-frames.ts';

const HEADER = /^(?:Exception Group )?Traceback \(most recent call last\):$/;
const GROUP_HEADER = /^( *)\+ Exception Group Traceback \(most recent call last\):$/;
const FILE = /^ {2}File "(.*)", line (\d+)(?:, in (.*))?$/;
const REPEATED = /^ {2}\[Previous line repeated (\d+) more times?\]$/;
const MARKS = /^ {4}[ ~^]*[~^][ ~^]*$/;
const CAUSE = 'The above exception was the direct cause of the following exception:';
const CONTEXT = 'During handling of the above exception, another exception occurred:';
const TYPE = /^([\p{L}_][\p{L}\p{N}_]*(?:\.(?:<locals>|[\p{L}_][\p{L}\p{N}_]*))*)(?::(?: ([\s\S]*))?)?$/u;
/** Groups nested deeper than this are left as text. */
const DEEPEST = 24;

interface Section {
	relation: TraceSection['relation'];
	exception: TraceException | null;
	frames: TraceFrame[];
	group: (readonly TraceSection[])[];
}

/** Reads Python's form; null when the lines hold no traceback of it. */
export function parsePython(lines: readonly string[], project: string | null): ParsedTraceback | null {
	const first = lines.findIndex((line) => HEADER.test(line) || GROUP_HEADER.test(line));
	// A SyntaxError found on import has a place but no header of its own.
	const bare = first === -1 ? lines.findIndex((line) => FILE.test(line)) : -1;
	const start = first === -1 ? bare : first;
	if (start === -1) return null;
	const chain = readChain(lines.slice(start), project, 0);
	if (chain.length === 0 || chain.every((section) => section.frames.length === 0 && section.group.length === 0))
		return null;
	return { language: 'python', preamble: lines.slice(0, start).join('\n').trim(), chain };
}

/** A chain as printed, oldest first, turned round: the last exception leads, each earlier one says how it relates to it. */
function readChain(lines: readonly string[], project: string | null, depth: number): readonly TraceSection[] {
	const printed: Section[] = [];
	let link: 'cause' | 'context' | null = null;
	let at = 0;
	const add = (section: Section): void => {
		const last = printed.at(-1);
		if (last !== undefined && link !== null) last.relation = link;
		link = null;
		printed.push(section);
	};
	while (at < lines.length) {
		const line = lines[at] ?? '';
		const margin = GROUP_HEADER.exec(line);
		if (margin !== null) {
			const indent = (margin[1] ?? '').length;
			const end = marginEnd(lines, at + 1, indent);
			for (const section of readMargin(marginLines(lines, at, end, indent), project, depth)) add(section);
			at = end;
		} else if (line === CAUSE || line === CONTEXT) {
			link = line === CAUSE ? 'cause' : 'context';
			at += 1;
		} else if (line.trim() === '') {
			at += 1;
		} else {
			const read = readSection(lines, at, project);
			add(read.section);
			at = read.next;
		}
	}
	return printed.reverse().map((section) => ({ ...section, details: '' }));
}

/** One section: frames, then the exception with all the lines of its message. */
function readSection(
	lines: readonly string[],
	start: number,
	project: string | null,
): { section: Section; next: number } {
	let at = HEADER.test(lines[start] ?? '') ? start + 1 : start;
	const frames: TraceFrame[] = [];
	for (;;) {
		const line = lines[at];
		const file = line === undefined ? null : FILE.exec(line);
		if (file === null) break;
		at += 1;
		const source: TraceSource[] = [];
		while (at < lines.length && (lines[at] ?? '').startsWith('    ')) {
			const text = lines[at] ?? '';
			const last = source.at(-1);
			if (MARKS.test(text) && last !== undefined && last.marks.length === 0)
				source[source.length - 1] = { text: last.text, marks: marksOf(text.slice(4)) };
			else source.push({ text: text.slice(4), marks: [] });
			at += 1;
		}
		let repeated = 0;
		const again = REPEATED.exec(lines[at] ?? '');
		if (again !== null) {
			repeated = Number(again[1]);
			at += 1;
		}
		const path = file[1] ?? '';
		const place = placeOf(path, project);
		pushFrame(frames, {
			file: path,
			line: Number(file[2]),
			column: null,
			name: file[3] ?? null,
			source,
			repeated,
			...place,
		});
	}
	const message: string[] = [];
	while (at < lines.length) {
		const line = lines[at] ?? '';
		if (line === CAUSE || line === CONTEXT || HEADER.test(line) || GROUP_HEADER.test(line)) break;
		message.push(line);
		at += 1;
	}
	while (message.at(-1)?.trim() === '') message.pop();
	const section: Section = { relation: 'raised', exception: exceptionOf(message.join('\n')), frames, group: [] };
	// Whatever it was, it must be passed, or a hostile text would hold us here.
	return { section, next: Math.max(at, start + 1) };
}

/** A frame that is the same as the one before only counts: recursion prints a line a thousand times. */
function pushFrame(frames: TraceFrame[], frame: TraceFrame): void {
	const last = frames.at(-1);
	if (last !== undefined && last.file === frame.file && last.line === frame.line && last.name === frame.name) {
		frames[frames.length - 1] = { ...last, repeated: last.repeated + 1 + frame.repeated };
	} else frames.push(frame);
}

function exceptionOf(text: string): TraceException | null {
	if (text === '') return null;
	const match = TYPE.exec(text);
	return match === null ? { type: '', message: text } : { type: match[1] ?? '', message: match[2] ?? '' };
}

function marksOf(line: string): TraceSource['marks'] {
	const marks: { start: number; end: number; heart: boolean }[] = [];
	for (const match of line.matchAll(/~+|\^+/g)) {
		marks.push({ start: match.index, end: match.index + match[0].length, heart: match[0].startsWith('^') });
	}
	return marks;
}

/** The end of a block that is drawn with a margin of `|` and `+` at `indent`. */
function marginEnd(lines: readonly string[], from: number, indent: number): number {
	let at = from;
	const pad = ' '.repeat(indent);
	while (at < lines.length) {
		const line = lines[at] ?? '';
		if (!line.startsWith(pad) || !/^ *[|+]/.test(line.slice(indent))) break;
		at += 1;
	}
	return at;
}

function marginLines(lines: readonly string[], from: number, to: number, indent: number): readonly string[] {
	return lines.slice(from, to).map((line, index) => (index === 0 ? `| ${line.slice(indent + 2)}` : line.slice(indent)));
}

/** A block with its margin: stretches of text, each followed by the numbered exceptions of the group it told of. */
function readMargin(lines: readonly string[], project: string | null, depth: number): readonly Section[] {
	const sections: Section[] = [];
	let content: string[] = [];
	let at = 0;
	const flush = (group: (readonly TraceSection[])[]): void => {
		const read = readChain(content, project, depth + 1).toReversed();
		content = [];
		read.forEach((section, index) => {
			sections.push({
				...section,
				frames: [...section.frames],
				group: index === read.length - 1 ? group : [...section.group],
			});
		});
	};
	while (at < lines.length) {
		const line = lines[at] ?? '';
		if (/^\+-\+-+/.test(line) && depth < DEEPEST) {
			const children: string[][] = [[]];
			at += 1;
			while (at < lines.length) {
				const inner = (lines[at] ?? '').slice(2);
				const under = (lines[at] ?? '').startsWith('  ');
				if (!under) break;
				at += 1;
				if (/^\+-+$/.test(inner)) break;
				if (/^\+-+ .+ -+$/.test(inner)) children.push([]);
				else children.at(-1)?.push(inner);
			}
			flush(
				children
					.filter((child) => child.length > 0)
					.map((child) =>
						readMargin(child, project, depth + 1)
							.toReversed()
							.map((section) => ({ ...section, details: '' })),
					),
			);
		} else {
			content.push(line.replace(/^\| ?/, ''));
			at += 1;
		}
	}
	if (content.some((line) => line.trim() !== '')) flush([]);
	return sections;
}
