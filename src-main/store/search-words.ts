/**
 * What the search index keeps of a task, and what a query asks it for. The index only proposes tasks; each is then compared
 * for real. So it may propose too many, never too few.
 */
import { foldCase, type PathTest } from '#main/domain/query.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { rangesOf, rangesThat } from './number-words.ts';

/** Longer texts are not indexed but always looked at. */
export const INDEXED_TEXT = 16 * 1024;
const FACTS_LIMIT = 512;
const FACTS_DEPTH = 32;

/** The text whose three-letter pieces are indexed; null when it is too long for that. */
export function gramText(texts: readonly (string | null)[]): string | null {
	let whole = '';
	for (const text of texts) {
		if (text === null || text === '') continue;
		whole += whole === '' ? foldCase(text) : `\n${foldCase(text)}`;
		if (whole.length > INDEXED_TEXT) return null;
	}
	// Two ends, so that every pair of letters begins a piece.
	return `${plain(whole)}\n\n`;
}

/** The three-letter pieces of a folded text, each once. */
export function piecesOf(folded: string): readonly string[] {
	const letters = [...folded];
	const pieces = new Set<string>();
	for (let at = 0; at + 3 <= letters.length; at += 1) pieces.add(letters.slice(at, at + 3).join(''));
	return [...pieces];
}

/** A needle as it stands in the indexed texts. */
export function gramNeedle(needle: string): string {
	return plain(foldCase(needle));
}

/** An FTS5 expression for texts that have all of the pieces. */
export function gramQuery(pieces: readonly string[]): string {
	return pieces.map((piece) => `"${piece.replaceAll('"', '""')}"`).join(' AND ');
}

/**
 * The longest text of ASCII that everything a pattern matches must contain, whatever its case; empty where that cannot be told.
 * Looks only at what stands outside groups, classes and repeats.
 */
export function regexLiteral(source: string): string {
	// Escapes by number or name may stand for anything.
	if (/[|]|\\[^dDwWsSbB\W]/.test(source)) return '';
	let best = '';
	let run = '';
	let depth = 0;
	const close = () => {
		if (run.length > best.length) best = run;
		run = '';
	};
	const tokens = source.matchAll(/\\[\s\S]|\[(?:[^\]\\]|\\.)*\]|[*+?]\??|\{\d+(?:,\d*)?\}\??|[\s\S]/g);
	for (const [token] of tokens) {
		if (token === '(') depth += 1;
		if (/^(?:[*?]|\{)/.test(token)) {
			// What was before it may be there any number of times, also none.
			run = run.slice(0, -1);
			close();
		} else if (depth === 0 && /^\\?[!-~ ]$/.test(token) && !/^(?:\\[a-zA-Z0-9]|[.^$()+[\]{}\\])$/.test(token)) {
			run += token.slice(-1);
		} else {
			close();
		}
		if (token === ')') depth = Math.max(0, depth - 1);
	}
	close();
	return best;
}

/** FTS5 passes over NUL, and half surrogates change on their way through UTF-8. */
function plain(text: string): string {
	// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is exactly what must go.
	return text.replace(/\u0000|[\ud800-\udfff]/gu, '\ufffd');
}

/** Tokens for every path in the arguments and every plain value there; null when there are too many. */
export function factTokens(call: CallArguments): string | null {
	const tokens = new Set<string>();
	const complete =
		call.args.every((value, at) => walk(tokens, `args\u0001${at}`, value, 0)) &&
		call.kwargs.every(([key, value]) => walk(tokens, `kwargs\u0001${key}`, value, 0));
	return complete ? [...tokens].join(' ') : null;
}

/** An FTS5 expression for the tasks that may satisfy one test of a path. */
export function factQuery(root: 'args' | 'kwargs', path: readonly string[], test: PathTest): string {
	const at = [root, ...path].join('\u0001');
	if (test.kind === 'compare')
		return rangesThat(test.op, test.value)
			.map((word) => valueToken(at, word))
			.join(' OR ');
	if (test.kind !== 'is') return pathToken(at);
	const tokens = [valueToken(at, `s${test.text}`)];
	if (!test.quoted) {
		const word = test.text.toLowerCase();
		if (word === 'true' || word === 'false') tokens.push(valueToken(at, `b${word}`));
		if (word === 'null' || word === 'none') tokens.push(valueToken(at, 'z'));
		tokens.push(valueToken(at, numberWord(test.text)));
	}
	return tokens.join(' OR ');
}

function walk(tokens: Set<string>, path: string, value: Value, depth: number): boolean {
	if (tokens.size > FACTS_LIMIT || depth > FACTS_DEPTH) return false;
	tokens.add(pathToken(path));
	switch (value.kind) {
		case 'list':
		case 'tuple':
			return value.items.every((item, at) => walk(tokens, `${path}\u0001${at}`, item, depth + 1));
		case 'dict':
			return value.entries.every(
				([key, item]) =>
					(key.kind !== 'str' && key.kind !== 'int') ||
					walk(tokens, `${path}\u0001${key.kind === 'str' ? key.value : key.text}`, item, depth + 1),
			);
		case 'str':
			tokens.add(valueToken(path, `s${value.value}`));
			return true;
		case 'int':
		case 'float':
			tokens.add(valueToken(path, numberWord(value.text)));
			for (const word of rangesOf(Number(value.text))) tokens.add(valueToken(path, word));
			return true;
		case 'bool':
			tokens.add(valueToken(path, `b${value.value}`));
			return true;
		case 'none':
			tokens.add(valueToken(path, 'z'));
			return true;
		default:
			return true;
	}
}

/** Numbers by their amount as a double: equal numbers share it, and a few that differ do too. */
function numberWord(text: string): string {
	const amount = Number(text);
	return Number.isNaN(amount) ? `n${text}` : `n${String(amount)}`;
}

function pathToken(path: string): string {
	return `p${hash(path)}`;
}

function valueToken(path: string, word: string): string {
	return `v${hash(`${path}\u0002${word}`)}`;
}

/** 53 bits of two mixed 32-bit sums, in letters and digits; a collision only proposes one task too many. */
function hash(text: string): string {
	let a = 0xdeadbeef;
	let b = 0x41c6ce57;
	for (let at = 0; at < text.length; at += 1) {
		const code = text.charCodeAt(at);
		a = Math.imul(a ^ code, 2654435761);
		b = Math.imul(b ^ code, 1597334677);
	}
	a = Math.imul(a ^ (a >>> 16), 2246822507) ^ Math.imul(b ^ (b >>> 13), 3266489909);
	b = Math.imul(b ^ (b >>> 16), 2246822507) ^ Math.imul(a ^ (a >>> 13), 3266489909);
	return (4294967296 * (2097151 & b) + (a >>> 0)).toString(36);
}
