/** The query language in SQL over anything that is a row with columns. Its meaning is `subjectMatches`; tests compare the two. */
import type { PlainLeaf, QueryTree, QueryWords, TextMatch } from '#main/domain/query.ts';
import { assertNever } from '#main/domain/result.ts';
import { ALWAYS, anyOf, join, type Piece, plain, type SqlTests } from './sql-pieces.ts';

/** What the names of a language are in SQL. Conditions (`has`, `is`) are 0 or 1, never null. */
export interface SqlWords<W extends QueryWords> {
	/** Columns that free text looks into. */
	readonly free: readonly string[];
	/** Columns of a field, or what tells by itself whether one of the comparisons holds. */
	readonly texts: Readonly<Record<W['text'], readonly string[] | ((any: readonly TextMatch[]) => Piece)>>;
	readonly numbers: Readonly<Record<W['number'], string>>;
	readonly times: Readonly<Record<W['time'], string>>;
	readonly has: Readonly<Record<W['has'], string>>;
	readonly is: Readonly<Record<W['is'], string>>;
}

/** Compiles a query; `tests` keeps what SQL must call back for. Argument paths hold for nothing: rows of this kind have no arguments. */
export function compilePlain<W extends QueryWords>(
	query: QueryTree<PlainLeaf<W>>,
	words: SqlWords<W>,
	tests: SqlTests,
): Piece {
	switch (query.kind) {
		case 'all':
			return ALWAYS;
		case 'and':
		case 'or':
			return join(
				query.kind === 'and' ? ' AND ' : ' OR ',
				query.parts.map((part) => compilePlain(part, words, tests)),
			);
		case 'not': {
			const part = compilePlain(query.part, words, tests);
			return { ...part, sql: `NOT (${part.sql})` };
		}
		case 'text':
			return anyOf(words.free, [query.match], tests);
		case 'field': {
			const known: readonly string[] | ((any: readonly TextMatch[]) => Piece) = words.texts[query.field as W['text']];
			return typeof known === 'function' ? known(query.any) : anyOf(known, query.any, tests);
		}
		case 'number':
			return plain(`ifnull(${words.numbers[query.field as W['number']]} ${query.op} ?, 0)`, [query.value]);
		case 'time':
			return plain(`ifnull(${words.times[query.field as W['time']]} ${query.op} ?, 0)`, [query.at]);
		case 'has':
			return join(
				' OR ',
				query.any.map((thing) => plain(words.has[thing as W['has']], [])),
			);
		case 'is':
			return join(
				' OR ',
				query.any.map((thing) => plain(words.is[thing as W['is']], [])),
			);
		case 'path':
			return plain('0', []);
		default:
			return assertNever(query);
	}
}
