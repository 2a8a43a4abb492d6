/**
 * Splits a query into the parts that are coloured as one types. It only looks; whether a query is right is said by the
 * engine, which owns the language. Together the parts are always the whole text.
 */

/** What a part of a query is. */
export type QueryPartKind = 'space' | 'text' | 'negation' | 'field' | 'value' | 'word' | 'paren' | 'quoted' | 'regex';

/** A part with its place, counted in UTF-16 units. `term` joins a negation, a field and its value into one. */
export interface QueryPart {
	readonly kind: QueryPartKind;
	readonly text: string;
	readonly start: number;
	readonly term: number;
}

const FIELD = /^[A-Za-z_][\w.[\]-]*:/;
const COMPARISON = /^(?:>=|<=|>|<|=)/;

/** The parts of a query, in order. */
export function queryParts(query: string): readonly QueryPart[] {
	const parts: QueryPart[] = [];
	let at = 0;
	let term = 0;
	const push = (kind: QueryPartKind, text: string): void => {
		if (text === '') return;
		parts.push({ kind, text, start: at, term });
		at += text.length;
	};
	while (at < query.length) {
		const rest = query.slice(at);
		const space = /^\s+/.exec(rest);
		if (space !== null) {
			push('space', space[0]);
			continue;
		}
		term += 1;
		if (rest.startsWith('(') || rest.startsWith(')')) {
			push('paren', rest.slice(0, 1));
			continue;
		}
		const word = /^(?:AND|OR|NOT)(?=[\s()]|$)/.exec(rest);
		if (word !== null) {
			push('word', word[0]);
			continue;
		}
		if (rest.startsWith('-') && rest.length > 1 && !/^-\s/.test(rest)) push('negation', '-');
		const field = FIELD.exec(query.slice(at));
		if (field !== null) {
			push('field', field[0]);
			const comparison = COMPARISON.exec(query.slice(at));
			const signs = comparison?.[0] ?? '';
			const value = query.slice(at + signs.length);
			const quoted = quotedLength(value);
			push('value', signs + (quoted > 0 ? value.slice(0, quoted) : (/^[^\s()]*/.exec(value)?.[0] ?? '')));
			continue;
		}
		const here = query.slice(at);
		const quoted = quotedLength(here);
		if (quoted > 0) {
			push('quoted', here.slice(0, quoted));
			continue;
		}
		const regex = /^\/(?:[^\\/]|\\.)+\/[dgimsuvy]*(?=[\s()]|$)/.exec(here);
		if (regex !== null) {
			push('regex', regex[0]);
			continue;
		}
		push('text', /^[^\s()]+/.exec(here)?.[0] ?? here.slice(0, 1));
	}
	return parts;
}

/** The length of a quoted text at the start, its end mark included; an open one runs to the end. 0: none. */
function quotedLength(text: string): number {
	const quote = text[0];
	if (quote !== '"' && quote !== "'") return 0;
	for (let index = 1; index < text.length; index++) {
		if (text[index] === '\\') index += 1;
		else if (text[index] === quote) return index + 1;
	}
	return text.length;
}
