/** Conditions in SQL, put together from pieces that know what they cost; texts compared as the query language says. */
import { foldCase, type TextMatch } from '#main/domain/query.ts';
import { textMatches } from '#main/domain/query-match.ts';
import { regexTest } from '#main/domain/query-values.ts';
import { assertNever } from '#main/domain/result.ts';
import type { ReadHandle, SqlValue } from './handles.ts';
import type { SqlPart } from './order.ts';
import { regexLiteral } from './search-words.ts';

/** A condition, what it costs per row (for ordering), and whether it needs the texts. */
export interface Piece extends SqlPart {
	readonly cost: number;
	readonly texts: boolean;
}

/** Tests that SQL cannot do itself, by the number it calls them with. Belongs to one connection. */
export class SqlTests {
	#tests: ((...values: SqlValue[]) => boolean)[] = [];

	/** Registers the function through which SQL calls back. */
	constructor(db: ReadHandle) {
		db.define('warren_test', (number, ...values) => (this.#tests[Number(number)]?.(...values) === true ? 1 : 0));
	}

	/** Forgets the tests of the query before. */
	clear(): void {
		this.#tests = [];
	}

	add(test: (...values: SqlValue[]) => boolean): number {
		return this.#tests.push(test) - 1;
	}
}

/** Holds for everything. */
export const ALWAYS: Piece = { sql: '1', values: [], cost: 0, texts: false };
/** Holds for nothing. */
export const NEVER: Piece = { sql: '0', values: [], cost: 0, texts: false };

/** A cheap condition on columns of the row itself. */
export function plain(sql: string, values: readonly SqlValue[]): Piece {
	return { sql, values, cost: 1, texts: false };
}

/** Joins conditions, the cheap ones first. */
export function join(word: ' AND ' | ' OR ', parts: readonly Piece[]): Piece {
	// Cheap ones first: SQLite stops at the first that decides.
	const sorted = parts.toSorted((a, b) => a.cost - b.cost);
	return {
		sql: `(${sorted.map((part) => part.sql).join(word)})`,
		values: sorted.flatMap((part) => part.values),
		cost: parts.reduce((sum, part) => sum + part.cost, 0),
		texts: parts.some((part) => part.texts),
	};
}

/** One of the comparisons holds for one of the columns. */
export function anyOf(columns: readonly string[], any: readonly TextMatch[], tests: SqlTests): Piece {
	const pieces = any.flatMap((match) => textTests(columns, match, tests));
	const only = pieces[0];
	return pieces.length === 1 && only !== undefined ? only : join(' OR ', pieces);
}

/** Conditions of which one must hold for `match` to hold for one of the columns. */
function textTests(columns: readonly string[], match: TextMatch, tests: SqlTests): readonly Piece[] {
	switch (match.kind) {
		case 'equals':
			return columns.map((column) => native(column, `ifnull(${column} = ?, 0)`, [match.text]));
		case 'prefix':
			return columns.map((column) => native(column, `ifnull(instr(${column}, ?) = 1, 0)`, [match.text]));
		case 'contains': {
			const wanted = foldCase(match.text);
			// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
			const ascii = /^[\u0001-\u007f]*$/.test(wanted);
			if (ascii) return columns.map((column) => containsAscii(column, wanted, tests));
			return [called(columns, 5, tests, (text) => foldCase(text).includes(wanted))];
		}
		case 'glob':
			return [called(columns, 5, tests, (text) => textMatches(match, text))];
		case 'regex': {
			const literal = foldCase(regexLiteral(match.source));
			if (literal === '') return [called(columns, 20, tests, regexTest(match.source))];
			// Text that every match contains is looked for first, by SQLite itself: calls cost more than that, and patterns much more.
			return columns.map((column) => {
				const [may, does] = [
					containsAscii(column, literal, tests),
					called([column], 20, tests, regexTest(match.source)),
				];
				return join(' AND ', [may, { ...does, sql: `ifnull(${does.sql}, 0)` }]);
			});
		}
		default:
			return assertNever(match);
	}
}

/** A condition that SQLite works out by itself. */
export function native(column: string, sql: string, values: readonly SqlValue[]): Piece {
	const texts = column.startsWith('x.');
	return { sql, values, cost: texts ? 4 : 2, texts };
}

/** A test of our own on texts: one call for all columns, since calls cost more than what they do. */
export function called(
	columns: readonly string[],
	cost: number,
	tests: SqlTests,
	test: (text: string) => boolean,
): Piece {
	const number = tests.add((...texts) => texts.some((text) => typeof text === 'string' && test(text)));
	return {
		sql: `warren_test(?, ${columns.join(', ')})`,
		values: [number],
		cost: cost * columns.length,
		texts: columns.some((column) => column.startsWith('x.')),
	};
}

/**
 * SQLite's own lower() knows ASCII only, which is all that an ASCII needle asks of it, but for two letters whose lower case is
 * (or begins with) an ASCII one: the Kelvin sign and the dotted capital I.
 */
function containsAscii(column: string, wanted: string, tests: SqlTests): Piece {
	const found = `instr(lower(${column}), ?) > 0`;
	if (!/[ki]/.test(wanted)) return native(column, `ifnull(${found}, 0)`, [wanted]);
	const number = tests.add((text) => typeof text === 'string' && foldCase(text).includes(wanted));
	const odd = `(instr(${column}, '\u212a') > 0 OR instr(${column}, '\u0130') > 0)`;
	return native(column, `ifnull(${found} OR (${odd} AND warren_test(?, ${column})), 0)`, [wanted, number]);
}
