/**
 * What of a traceback tells one cause from another: its exceptions, and the frames in the person's own code. One pass over the lines,
 * in time linear in their length; what is in no form we know gives null. (Showing a traceback reads far more of it: that is the
 * page's business.)
 */
import { placeOf } from './code-place.ts';

/** A place in the code: a function and the end of its file's path. */
export interface FailureFrame {
	readonly name: string;
	readonly file: string;
	readonly own: boolean;
}

/** One exception of a traceback. */
export interface TracedException {
	/** raised: the one that ended the task. member: of a group, or of an AggregateError. */
	readonly relation: 'raised' | 'cause' | 'context' | 'member';
	readonly type: string;
	/** Its first lines, as printed. */
	readonly message: string;
	/** The places in own code, each once, the failing end last. */
	readonly own: readonly FailureFrame[];
	/** Those that came more than once; of recursion, these are the same whatever the depth. */
	readonly repeated: readonly FailureFrame[];
	/** The innermost frame of all, a library's or not; null: none was printed. */
	readonly innermost: FailureFrame | null;
}

/** A traceback's exceptions, the raised one first. */
export interface FailureTrace {
	readonly language: 'python' | 'node';
	readonly exceptions: readonly TracedException[];
}

const CAUSE = 'The above exception was the direct cause of the following exception:';
const CONTEXT = 'During handling of the above exception, another exception occurred:';
const HEADER = 'Traceback (most recent call last):';
const FILE = /^ {2}File "([^"]{0,1000})", line \d{1,9}(?:, in (.{0,300}))?$/;
const TYPE = /^([\p{L}_][\p{L}\p{N}_]*(?:\.(?:<locals>|[\p{L}_][\p{L}\p{N}_]*)){0,20})(?::(?: (.*))?)?$/u;
const AT = /^ {2,40}at (.{1,1500}?)( \{|,)?$/;
const NODE_HEAD = /^((?:[A-Za-z_$][\w$]*\.){0,10}[A-Za-z_$][\w$]*)(?: \[[\w.]{1,80}\])?(?:: (.*))?$/;

/** Nothing but what ends what was printed before. */
const CLOSING = /^[\s\]},]*$/;

/** Longer lines are cut; further ones, exceptions and places are left out. */
const LINE = 2_000;
const MOST_LINES = 60_000;
const MOST_EXCEPTIONS = 40;
const MOST_PLACES = 200;
const MESSAGE_LINES = 3;

interface Draft {
	relation: TracedException['relation'];
	type: string;
	message: string[];
	own: Map<string, { readonly frame: FailureFrame; times: number }>;
	innermost: FailureFrame | null;
	/** Node prints the failing end first. */
	reversed: boolean;
}

/** Reads a traceback; null where it is none. */
export function readFailureTrace(text: string): FailureTrace | null {
	const python = text.includes(HEADER) || text.includes('  File "');
	if (!python && !text.includes('  at ')) return null;
	const lines = linesOf(text);
	if (python) {
		const drafts = readPython(lines);
		if (drafts.length > 0) return traceOf('python', drafts);
	}
	if (!lines.some((line) => AT.test(line))) return null;
	const drafts = readNode(lines);
	return drafts.length === 0 ? null : traceOf('node', drafts);
}

/** Of a text that was cut, what is left may begin with a member of a group: then that is what was raised, as far as anybody knows. */
function traceOf(language: FailureTrace['language'], drafts: readonly Draft[]): FailureTrace {
	const [first, ...rest] = drafts;
	if (first === undefined) return { language, exceptions: [] };
	return { language, exceptions: [{ ...finished(first), relation: 'raised' }, ...rest.map(finished)] };
}

/** The end of a path that stays the same wherever it is deployed: a folder and the file, without what was made up for one run. */
export function fileTail(path: string): string {
	const parts = path
		.replaceAll('\\', '/')
		.split('/')
		.filter((part) => part !== '');
	return parts.slice(-2).map(stablePart).join('/');
}

/** A folder or file without release dates, commit ids, build hashes and names of temporary folders. */
function stablePart(part: string): string {
	if (/^tmp[a-z0-9_]{8}$/.test(part)) return '‹tmp›';
	return part
		.slice(0, 200)
		.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/gi, '‹id›')
		.replace(/(?<![A-Za-z0-9])(?=[A-Za-z]{0,12}\d)[A-Za-z0-9]{6,64}(?![A-Za-z0-9])/g, (found) =>
			/^[0-9a-f]+$/i.test(found) || (found.match(/\d/g)?.length ?? 0) >= 4 ? '‹id›' : found,
		)
		.replace(/\d{4,}/g, '‹n›')
		.replace(/\d{1,6}(?:\.\d{1,6}){1,3}/g, '‹n›');
}

function linesOf(text: string): string[] {
	const lines: string[] = [];
	for (let from = 0; from <= text.length && lines.length < MOST_LINES; ) {
		const end = text.indexOf('\n', from);
		const stop = end === -1 ? text.length : end;
		const line = text.slice(from, Math.min(stop, from + LINE));
		lines.push(line.endsWith('\r') ? line.slice(0, -1) : line);
		from = stop + 1;
	}
	return lines;
}

function draft(relation: Draft['relation'], reversed: boolean): Draft {
	return { relation, type: '', message: [], own: new Map(), innermost: null, reversed };
}

function push(into: Draft, path: string, name: string): void {
	const place = placeOf(path, null);
	const frame: FailureFrame = place.own
		? { name, file: fileTail(path), own: true }
		: { name, file: place.origin, own: false };
	if (!into.reversed || into.innermost === null) into.innermost = frame;
	if (!place.own) return;
	const key = `${frame.file}\n${name}`;
	const known = into.own.get(key);
	if (known !== undefined) known.times += 1;
	else if (into.own.size < MOST_PLACES) into.own.set(key, { frame, times: 1 });
}

function finished(one: Draft): TracedException {
	const places = [...one.own.values()];
	if (one.reversed) places.reverse();
	return {
		relation: one.relation,
		type: one.type,
		message: one.message.join('\n'),
		own: places.map((place) => place.frame),
		repeated: places.filter((place) => place.times > 1).map((place) => place.frame),
		innermost: one.innermost,
	};
}

/** Python prints a chain oldest first: what was printed last is what was raised, each before it says how it led there. */
function readPython(lines: readonly string[]): Draft[] {
	const chain: Draft[] = [];
	const members: Draft[] = [];
	let current: Draft | null = null;
	let link: 'cause' | 'context' | null = null;
	let inside: 'start' | 'frames' | 'message' = 'start';
	/** The lines are drawn with a margin: an exception group. */
	let margin = false;
	let member = false;

	const open = (): Draft => {
		const made = draft(member ? 'member' : 'raised', false);
		if (member) {
			if (members.length < MOST_EXCEPTIONS) members.push(made);
		} else {
			const before = chain.at(-1);
			if (before !== undefined) before.relation = link ?? 'context';
			chain.push(made);
			// The end matters, and the exception that it all began with.
			if (chain.length > MOST_EXCEPTIONS) chain.splice(1, 1);
		}
		link = null;
		return made;
	};

	for (const printed of lines) {
		let line = printed;
		if (margin) {
			const drawn = /^ {0,200}[|+]/.exec(line);
			if (drawn === null && line.trim() !== '') {
				margin = false;
				member = false;
				current = null;
				inside = 'start';
			} else if (drawn !== null) {
				if (/^ {0,200}\+-/.test(line)) {
					member = true;
					current = null;
					inside = 'start';
					continue;
				}
				line = line.slice(drawn[0].length).replace(/^ /, '');
			}
		}
		if (line.endsWith(HEADER)) {
			if (/^ {0,200}\+ Exception Group Traceback/.test(printed)) margin = true;
			current = open();
			inside = 'frames';
			continue;
		}
		if (line === CAUSE || line === CONTEXT) {
			link = line === CAUSE ? 'cause' : 'context';
			current = null;
			inside = 'start';
			continue;
		}
		const file = line.startsWith('  File "') ? FILE.exec(line) : null;
		if (file !== null && inside !== 'message') {
			current ??= open();
			push(current, file[1] ?? '', file[2] ?? '(source)');
			inside = 'frames';
			continue;
		}
		if (inside === 'frames' && (line.startsWith('  ') || line === '')) continue;
		if (line.trim() === '' || /^("""|''')$/.test(line)) continue;
		if (inside === 'message') {
			if (current !== null && current.message.length < MESSAGE_LINES) current.message.push(line);
			continue;
		}
		// Text before the first header is somebody's preamble, not an exception.
		if (current === null && !member && link === null) continue;
		current ??= open();
		const said = TYPE.exec(line);
		current.type = said?.[1] ?? '';
		current.message.push(said === null ? line : (said[2] ?? ''));
		inside = 'message';
	}
	const told = chain.filter((one) => !/(?:^|[._])RemoteTraceback$/.test(one.type));
	const raised = told.at(-1);
	if (raised !== undefined) raised.relation = 'raised';
	return [...told.reverse(), ...members].filter((one) => one.type !== '' || one.message.length > 0 || one.own.size > 0);
}

/** Node prints what was raised first, then what it was caused by, inside it or after it. */
function readNode(lines: readonly string[]): Draft[] {
	const found: Draft[] = [];
	let pending: string[] = [];
	let collecting = true;
	let relation: Draft['relation'] = 'raised';
	let current: Draft | null = null;
	let members = false;

	for (const line of lines) {
		const at = AT.exec(line);
		if (at !== null) {
			const begins = collecting && (current === null || pending.some((above) => !CLOSING.test(above)));
			if (begins && found.length < MOST_EXCEPTIONS) {
				current = draft(relation, true);
				describe(current, pending);
				found.push(current);
			}
			collecting = members;
			pending = [];
			if (current !== null) pushNode(current, at[1] ?? '');
			continue;
		}
		const cause = /^ {0,200}\[cause\]: (.*)$/.exec(line) ?? /^Caused by: (.*)$/.exec(line);
		const together = /^Together with: (.*)$/.exec(line);
		if (cause !== null || together !== null) {
			relation = cause !== null && !members ? 'cause' : 'member';
			pending = [(cause ?? together)?.[1] ?? ''];
			collecting = true;
		} else if (/^ {0,200}\[errors\]: \[/.test(line)) {
			relation = 'member';
			members = true;
			pending = [];
			collecting = true;
		} else if (collecting && pending.length < 200) pending.push(line);
	}
	return found;
}

/** An exception from the lines above its frames; an uncaught one has the line that threw it before that, and an empty line. */
function describe(into: Draft, above: readonly string[]): void {
	const thrown = /:\d+$/.test(above[0] ?? '') ? above.findIndex((line) => line.trim() === '') : -1;
	const said = above.slice(thrown + 1).filter((line) => !CLOSING.test(line));
	const head = NODE_HEAD.exec((said[0] ?? '').trim());
	into.type = head?.[1] ?? '';
	into.message.push(head === null ? (said[0] ?? '').trim() : (head[2] ?? ''), ...said.slice(1, MESSAGE_LINES));
}

function pushNode(into: Draft, words: string): void {
	if (words.startsWith('... ')) return;
	const named = /^(.*) \((.*)\)$/.exec(words);
	const where = (named?.[2] ?? words.replace(/^async /, '')).trim();
	const path = where.replace(/(?::\d{1,9}){1,2}$/, '').replace(/^file:\/\//, '');
	const name = (named?.[1] ?? '(anonymous)')
		.replace(/^async /, '')
		.replace(/^new /, '')
		.replace(/ \[as .*\]$/, '')
		.replace(/^(?:Object|Module|Function)\./, '');
	push(into, path, name);
}
