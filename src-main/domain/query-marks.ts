/** A query's text taken to pieces by the parser itself: what to colour, what is wrong with it, and what stands at the caret. */
import type { QueryTarget } from './query-languages.ts';
import { type QueryMark, readQuery } from './query-parse.ts';

/** What is wrong with a query; UTF-16 offsets. */
export interface QueryProblem {
	readonly message: string;
	readonly position: number;
	readonly length: number;
}

/** The pieces of a text, also behind a mistake, and the first mistake. */
export function queryMarks(
	text: string,
	target: QueryTarget = 'tasks',
): {
	readonly marks: readonly QueryMark[];
	readonly problem: QueryProblem | null;
} {
	const marks: QueryMark[] = [];
	let problem: QueryProblem | null = null;
	let from = 0;
	let terms = 0;
	for (;;) {
		const { result, marks: some } = readQuery(text, 0, from, target);
		for (const mark of some) marks.push({ ...mark, term: mark.term + terms });
		if (result.ok) return { marks, problem };
		const { position = 0, length = 1 } = result.error.details ?? {};
		problem ??= { message: result.error.message, position: Number(position), length: Number(length) };
		terms = (marks.at(-1)?.term ?? 0) + 1;
		// The rest of what could not be read, up to the next space or bracket, is a piece of its own; reading goes on behind it.
		const read = Math.max(from, marks.at(-1)?.end ?? 0);
		const rest = /[^\s]/.exec(text.slice(read));
		if (rest === null) return { marks, problem };
		const start = read + rest.index;
		const open = text[start] === '"';
		const end = open ? text.length : start + Math.max(1, /^[^\s()]*/.exec(text.slice(start))?.[0].length ?? 1);
		const bracket = text[start] === '(' || text[start] === ')';
		const before = marks.at(-1);
		// A quote that nobody has ended yet belongs to its field.
		const term = open && before !== undefined && before.end === start && /[:=<>,]/.test(text[start - 1] ?? '');
		marks.push({
			kind: open ? 'quoted' : bracket ? 'paren' : 'text',
			start,
			end,
			term: term ? before.term : terms,
		});
		from = end;
	}
}

/** What stands at the caret, and so what may be put there; `typed` is what there is of it, `start` to `end` what it replaces. */
export type QueryCaret =
	| { readonly kind: 'nothing' }
	| { readonly kind: 'field'; readonly typed: string; readonly start: number; readonly end: number }
	| {
			readonly kind: 'value';
			/** Lower case and without its colon; `kwargs.user.id` for a path. */
			readonly field: string;
			/** The comparison before it, as in `level:>=`; left out where there is none. */
			readonly op?: string;
			readonly typed: string;
			readonly start: number;
			readonly end: number;
			/** The query without the term at the caret. */
			readonly without: string;
	  };

/** What stands at an offset. */
export function queryCaret(text: string, at: number, target: QueryTarget = 'tasks'): QueryCaret {
	const { marks } = queryMarks(text, target);
	const here = marks.findLast((mark) => mark.start < at && at <= mark.end);
	if (here === undefined) return { kind: 'field', typed: '', start: at, end: at };
	const atEnd = at === here.end;
	const field = marks.find((mark) => mark.term === here.term && mark.kind === 'field');
	if (here.kind === 'field' && !atEnd) {
		return { kind: 'field', typed: text.slice(here.start, at), start: here.start, end: here.end };
	}
	if (field !== undefined && here.kind !== 'negation') {
		if (here.kind === 'regex') return { kind: 'nothing' };
		const value = here.kind === 'value' || here.kind === 'quoted' ? here : null;
		const behind = marks.find((mark) => mark.start === at && (mark.kind === 'value' || mark.kind === 'quoted'));
		const start = value?.start ?? at;
		const term = marks.filter((mark) => mark.term === here.term);
		const from = term[0]?.start ?? start;
		const to = term.at(-1)?.end ?? at;
		const name = text.slice(field.start, field.end - 1);
		const op = term.find((mark) => mark.kind === 'op');
		return {
			kind: 'value',
			// Keys of arguments mind upper and lower case.
			field: /[.[]/.test(name) ? name : name.toLowerCase(),
			...(op === undefined ? {} : { op: text.slice(op.start, op.end) }),
			typed: text.slice(start, at).replace(/^"/, ''),
			start,
			end: value?.end ?? behind?.end ?? at,
			without: `${text.slice(0, from)}${text.slice(to)}`.trim(),
		};
	}
	if (here.kind === 'text') {
		const typed = text.slice(here.start, at);
		return /^[A-Za-z][\w.[\]]*$/.test(typed)
			? { kind: 'field', typed, start: here.start, end: here.end }
			: { kind: 'nothing' };
	}
	const opens = here.kind === 'negation' || (here.kind === 'paren' && text[here.start] === '(');
	return opens && atEnd ? { kind: 'field', typed: '', start: at, end: at } : { kind: 'nothing' };
}
