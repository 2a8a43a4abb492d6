/** V8 stacks as Node prints them, with the properties and causes that `util.inspect` adds. */
import { placeOf } from '#main/domain/code-place.ts';
import type { ParsedTraceback, TraceException, TraceFrame, TraceSection } from './traceback-frames.ts';

const AT = /^ {4}at (.*?)( \{|,)?$/;
const CAUSE = /^ {2}\[cause\]: (.*)$/;
const HEAD = /^((?:[A-Za-z_$][\w$]*\.)*[A-Za-z_$][\w$]*)(?: \[[\w.]+\])?(?:: ([\s\S]*))?$/;
const PART = /^(Caused by|Together with): (.*)$/;
/** A chain longer than this is left as text. */
const LONGEST_CHAIN = 40;

/** Reads Node's form; null when the lines hold no stack of it. */
export function parseNode(lines: readonly string[], project: string | null): ParsedTraceback | null {
	if (!lines.some((line) => AT.test(line))) return null;
	const start = afterThrowSite(lines);
	const chain: TraceSection[] = [];
	const group: (readonly TraceSection[])[] = [];
	for (const part of parts(lines.slice(start))) {
		const sections = readChain(part.lines, project);
		if (part.joined) group.push(sections);
		else
			chain.push(
				...sections.map((section) => ({
					...section,
					relation: chain.length === 0 ? section.relation : ('cause' as const),
				})),
			);
	}
	const [first, ...causes] = chain;
	if (first === undefined) return null;
	return {
		language: 'node',
		preamble: lines.slice(0, start).join('\n').trim(),
		chain: [{ ...first, group }, ...causes],
	};
}

/** Warren's runner prints causes and companions one after the other, each under its own words. */
function parts(lines: readonly string[]): readonly { readonly joined: boolean; readonly lines: readonly string[] }[] {
	const found: { joined: boolean; lines: string[] }[] = [{ joined: false, lines: [] }];
	lines.forEach((line, index) => {
		const match = PART.exec(line);
		if (match !== null && index > 0 && lines[index - 1]?.trim() === '')
			found.push({ joined: match[1] === 'Together with', lines: [match[2] ?? ''] });
		else found.at(-1)?.lines.push(line);
	});
	return found;
}

function readChain(lines: readonly string[], project: string | null): readonly TraceSection[] {
	const chain: TraceSection[] = [];
	let rest = lines;
	while (rest.length > 0 && chain.length < LONGEST_CHAIN) {
		const read = readError(rest, chain.length === 0 ? 'raised' : 'cause', project);
		chain.push(read.section);
		rest = read.cause;
	}
	return chain;
}

/** An uncaught error is printed after the line that threw it, marks under it and an empty line. */
function afterThrowSite(lines: readonly string[]): number {
	const first = lines.findIndex((line) => AT.test(line));
	if (!/:\d+$/.test(lines[0] ?? '')) return 0;
	const empty = lines.findIndex((line, index) => index < first && line.trim() === '');
	return empty === -1 ? 0 : empty + 1;
}

function readError(
	lines: readonly string[],
	relation: TraceSection['relation'],
	project: string | null,
): { readonly section: TraceSection; readonly cause: readonly string[] } {
	let at = 0;
	while (at < lines.length && !AT.test(lines[at] ?? '')) at += 1;
	const exception = exceptionOf(lines.slice(0, at).join('\n').trim());
	const frames: TraceFrame[] = [];
	let open = false;
	while (at < lines.length) {
		const match = AT.exec(lines[at] ?? '');
		if (match === null) break;
		frames.push(frameOf(match[1] ?? '', project));
		at += 1;
		if (match[2] !== undefined) {
			open = match[2] === ' {';
			break;
		}
	}
	const details: string[] = [];
	let cause: readonly string[] = [];
	while (at < lines.length) {
		const line = lines[at] ?? '';
		const found = open ? CAUSE.exec(line) : null;
		if (found !== null) {
			cause = [
				found[1] ?? '',
				...lines.slice(at + 1).map((inner) => (inner.startsWith('  ') ? inner.slice(2) : inner)),
			];
			// The brace that closes this error stands last.
			if (cause.at(-1) === '}') cause = cause.slice(0, -1);
			break;
		}
		if (!(open && line === '}')) details.push(line);
		at += 1;
	}
	return { section: { relation, exception, frames, group: [], details: details.join('\n').trim() }, cause };
}

function exceptionOf(text: string): TraceException | null {
	if (text === '') return null;
	const match = HEAD.exec(text);
	return match === null ? { type: '', message: text } : { type: match[1] ?? '', message: match[2] ?? '' };
}

function frameOf(words: string, project: string | null): TraceFrame {
	const named = /^(.*) \((.*)\)$/.exec(words);
	const where = (named?.[2] ?? words.replace(/^async /, '')).trim();
	const position = /^(.*?):(\d+)(?::(\d+))?$/.exec(where);
	const file = pathOf(position?.[1] ?? where);
	return {
		file,
		line: position === null ? null : Number(position[2]),
		column: position?.[3] === undefined ? null : Number(position[3]),
		name: named?.[1] ?? null,
		source: [],
		repeated: 0,
		...placeOf(file, project),
	};
}

function pathOf(place: string): string {
	if (!place.startsWith('file://')) return place;
	try {
		return decodeURIComponent(new URL(place).pathname);
	} catch {
		// Not a URL after all: it is shown as it was printed.
		return place;
	}
}
