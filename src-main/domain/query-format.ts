/** A query back as text, in a form that parses to the same query. */
import type { PathTest, TextMatch } from './query.ts';
import { type AnyQuery, languageOf, type QueryTarget } from './query-languages.ts';
import { assertNever } from './result.ts';
import { LOG_LEVELS } from './task.ts';

/**
 * Text that the parser (of the same target) reads as this very query, whatever the time of day; empty for everything.
 * Dates are written out, so a query near the limits of length or terms can come out beyond them.
 */
export function formatQuery(query: AnyQuery, target: QueryTarget = 'tasks'): string {
	return query.kind === 'all' ? '' : write(query, target);
}

function write(query: AnyQuery, target: QueryTarget): string {
	switch (query.kind) {
		case 'all':
			return '*';
		case 'and':
			return query.parts
				.map((part) => (part.kind === 'or' ? `(${write(part, target)})` : write(part, target)))
				.join(' ');
		case 'or':
			return query.parts.map((part) => write(part, target)).join(' OR ');
		case 'not':
			return query.part.kind === 'and' || query.part.kind === 'or'
				? `-(${write(query.part, target)})`
				: `-${write(query.part, target)}`;
		case 'text':
			return query.match.kind === 'regex' ? slashes(query.match.source) : word(query.match.text, PLAIN_WORD);
		case 'state':
			return `state:${query.any.join(',')}`;
		case 'has':
		case 'is':
		case 'group':
			return `${query.kind}:${query.any.join(',')}`;
		case 'field':
			return `${query.field}:${writeMatches(query.field, query.any, target)}`;
		case 'number': {
			const duration = query.field === 'runtime' || query.field === 'waited';
			const op = query.op === '=' ? '' : query.op;
			if (query.field === 'level') return `level:${op}${levelName(query.value)}`;
			return `${query.field}:${op}${query.value}${duration && query.value !== 0 ? 'ms' : ''}`;
		}
		case 'time': {
			const iso = (at: number) => new Date(at).toISOString();
			if (query.field !== 'activity') return `${query.field}:${query.op}${iso(query.at)}`;
			return query.op === '>=' ? `since:${iso(query.at)}` : `until:${iso(query.at - 1)}`;
		}
		case 'path': {
			const path = query.path.map((part) => (/^[^\s.:()",[\]]+$/.test(part) ? part : quote(part))).join('.');
			return `${query.root}.${path}:${needsEquals(query.any) ? '=' : ''}${query.any
				.map(writePathTest)
				.join(',')
				.replace(/^=(.*)$/s, '=$1')}`;
		}
		default:
			return assertNever(query);
	}
}

/** A word that needs no quotes as free text: nothing that the parser would take for something else. */
const PLAIN_WORD = /^(?!AND$|OR$|NOT$|[-/])[^\s()":*]+$/;
/** A value that needs no quotes after `field:`. */
const PLAIN_VALUE = /^(?![<>=/])(?!.*\.\.)[^\s(),"*]+$/;

function word(text: string, plain: RegExp): string {
	return plain.test(text) ? text : quote(text);
}

/** A value as it is written after `field:`. */
export function quotedWhereNeeded(text: string): string {
	return word(text, PLAIN_VALUE);
}

function quote(text: string): string {
	return `"${text.replace(/["\\]/g, '\\$&')}"`;
}

function slashes(source: string): string {
	return `/${source.replace(/(?<!\\)((?:\\\\)*)\//g, '$1\\/')}/`;
}

function levelName(value: number): string {
	return Object.entries(LOG_LEVELS).find(([, level]) => level === value)?.[0] ?? String(value);
}

function writeMatches(field: string, any: readonly TextMatch[], target: QueryTarget): string {
	const natural = languageOf(target).fields.find((known) => known.name === field)?.match;
	const exact = natural !== 'equals' && any.some((match) => match.kind === 'equals') ? '=' : '';
	return (
		exact +
		any
			.map((match) => {
				if (match.kind === 'regex') return slashes(match.source);
				return match.kind === 'glob' ? match.text : word(match.text, PLAIN_VALUE);
			})
			.join(',')
	);
}

/** Plain words that would be read as a glob or a comparison were written after `=`. */
function needsEquals(any: readonly PathTest[]): boolean {
	return any.some(
		(test, at) =>
			test.kind === 'is' && !test.quoted && (test.text.includes('*') || (at === 0 && /^[<>=]/.test(test.text))),
	);
}

function writePathTest(test: PathTest): string {
	switch (test.kind) {
		case 'is':
			return test.quoted ? quote(test.text) : test.text;
		case 'compare':
			return `${test.op}${test.value}`;
		case 'glob':
			return test.text;
		case 'regex':
			return slashes(test.source);
		case 'exists':
			return '*';
		default:
			return assertNever(test);
	}
}
