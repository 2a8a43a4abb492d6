/** The parts of a query that are coloured as one types: those that the parser of the language itself made of the text. */
import type { QueryTarget } from '#main/domain/query-languages.ts';
import { queryMarks } from '#main/domain/query-marks.ts';
import type { QueryMarkKind } from '#main/domain/query-parse.ts';

/** A part with its place, counted in UTF-16 units. `term` joins a negation, a field and its value into one. */
export interface QueryPart {
	readonly kind: QueryMarkKind | 'space';
	readonly text: string;
	readonly start: number;
	readonly term: number;
}

/** The parts of a query, in order; together they are always the whole text. */
export function queryParts(query: string, target: QueryTarget = 'tasks'): readonly QueryPart[] {
	const parts: QueryPart[] = [];
	let at = 0;
	const push = (kind: QueryPart['kind'], end: number, term: number): void => {
		if (end > at) parts.push({ kind, text: query.slice(at, end), start: at, term });
		at = Math.max(at, end);
	};
	for (const mark of queryMarks(query, target).marks) {
		push('space', mark.start, -1);
		push(mark.kind, mark.end, mark.term);
	}
	push('space', query.length, -1);
	return parts;
}
