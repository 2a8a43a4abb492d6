/** The parser of the query language: text to `Query`, or a failure that says where and what would be right. */
import {
	type CompareOp,
	joinQueries,
	type PathTest,
	type PlainLeaf,
	QUERY_IS,
	QUERY_IS_STATES,
	type Query,
	type QueryField,
	type TextMatch,
} from './query.ts';
import {
	type AnyQuery,
	languageOf,
	type QueryLanguage,
	type QueryTarget,
	type TargetQuery,
} from './query-languages.ts';
import { didYouMean } from './query-nearest.ts';
import { type DurationProblem, readDuration, readMoment, regexProblem } from './query-values.ts';
import { type Failure, fail, ok, type Result } from './result.ts';
import { LOG_LEVELS, type LogLevel, TASK_STATES, type TaskState } from './task.ts';

/** Longest query text, in UTF-16 units. */
export const QUERY_LENGTH_LIMIT = 4_000;
const TERM_LIMIT = 100;
const DEPTH_LIMIT = 40;

/**
 * Parses a query. `now` (epoch ms) anchors durations (`since:2h`) and `today`; dates without a zone are local time.
 * An empty text is everything. Failures are `invalid-input`, with `details.position` (UTF-16 offset) and `details.length` in
 * `details.query`, the text itself.
 */
export function parseQuery(text: string, now: number): Result<Query> {
	return parseQueryOf('tasks', text, now);
}

/** The same over something else: its own fields, all else as for tasks. */
export function parseQueryOf<T extends QueryTarget>(target: T, text: string, now: number): Result<TargetQuery[T]> {
	// The parser takes names from the language of the target only, which are the ones of its type.
	return readQuery(text, now, 0, target).result as Result<TargetQuery[T]>;
}

/** What a piece of a query's text is to the parser. */
export type QueryMarkKind =
	| 'text'
	| 'negation'
	| 'field'
	| 'op'
	| 'value'
	| 'comma'
	| 'word'
	| 'paren'
	| 'quoted'
	| 'regex';

/** A piece of a query's text, UTF-16 offsets; `term` joins a negation, a field and its values. Spaces have no mark. */
export interface QueryMark {
	readonly kind: QueryMarkKind;
	readonly start: number;
	readonly end: number;
	readonly term: number;
}

/** The parser's answer from an offset on, and the marks it made on its way, up to where it stopped. */
export function readQuery(
	text: string,
	now: number,
	from: number,
	target: QueryTarget = 'tasks',
): { readonly result: Result<AnyQuery>; readonly marks: readonly QueryMark[] } {
	const parser = new Parser(text, now, from, languageOf(target));
	try {
		return { result: ok(parser.parse()), marks: parser.marks };
	} catch (error) {
		if (error instanceof Stop) return { result: { ok: false, error: error.failure }, marks: parser.marks };
		throw error;
	}
}

/** Unwinds the recursive descent; never leaves this file. */
class Stop extends Error {
	readonly failure: Failure;
	constructor(failure: Failure) {
		super(failure.message);
		this.failure = failure;
	}
}

/** One value after `field:`, as written. */
interface Raw {
	readonly text: string;
	readonly form: 'plain' | 'quoted' | 'regex';
	readonly at: number;
}

/** How things of a target are called. */
const TARGET_WORDS: Readonly<Record<QueryTarget, string>> = {
	tasks: 'tasks',
	messages: 'waiting messages',
	logs: 'log lines',
	lines: "a log's lines",
	schedules: 'schedules',
	audit: 'the audit',
};

class Parser {
	readonly #text: string;
	readonly #now: number;
	readonly #language: QueryLanguage;
	readonly marks: QueryMark[] = [];
	#at: number;
	#depth = 0;
	#terms = 0;
	#term = 0;

	constructor(text: string, now: number, from: number, language: QueryLanguage) {
		this.#text = text;
		this.#now = now;
		this.#language = language;
		this.#at = from;
	}

	parse(): AnyQuery {
		if (this.#text.length > QUERY_LENGTH_LIMIT) {
			this.#stop(`The query is longer than ${QUERY_LENGTH_LIMIT} characters.`, QUERY_LENGTH_LIMIT);
		}
		this.#skipSpace();
		if (this.#at === this.#text.length) return { kind: 'all' };
		const query = this.#either();
		if (this.#at < this.#text.length) this.#stop('This ) has no ( before it. To search for a bracket, quote it: ")".');
		return query;
	}

	#either(): AnyQuery {
		this.#depth += 1;
		if (this.#depth > DEPTH_LIMIT) this.#stop(`More than ${DEPTH_LIMIT} brackets or negations inside each other.`);
		const parts = [this.#all()];
		while (this.#takeWord('OR')) parts.push(this.#all());
		this.#depth -= 1;
		return joinQueries('or', parts);
	}

	#all(): AnyQuery {
		const parts = [this.#unary()];
		for (;;) {
			this.#skipSpace();
			if (this.#at === this.#text.length || this.#peek() === ')' || this.#seesWord('OR')) break;
			this.#takeWord('AND');
			parts.push(this.#unary());
		}
		return joinQueries('and', parts);
	}

	/** `fresh`: not behind a negation, which is one term with what it negates. */
	#unary(fresh = true): AnyQuery {
		this.#skipSpace();
		const dash = this.#peek() === '-' && /[^\s)]/.test(this.#text[this.#at + 1] ?? ' ');
		if (fresh) this.#term += 1;
		if (dash) this.#step('negation');
		if (!dash && !this.#takeWord('NOT')) return this.#primary();
		this.#depth += 1;
		if (this.#depth > DEPTH_LIMIT) this.#stop(`More than ${DEPTH_LIMIT} brackets or negations inside each other.`);
		const part = this.#unary(false);
		this.#depth -= 1;
		return part.kind === 'not' ? part.part : { kind: 'not', part };
	}

	#primary(): AnyQuery {
		this.#skipSpace();
		const start = this.#at;
		if (start === this.#text.length)
			this.#stop('Something is missing here: the query ends where a term should follow.');
		if (this.#peek() === '(') {
			this.#step('paren');
			this.#skipSpace();
			if (this.#peek() === ')') this.#stop('There is nothing between these brackets.', start, 2);
			const inner = this.#either();
			this.#skipSpace();
			if (this.#peek() !== ')') this.#stop('This ( is never closed. To search for a bracket, quote it: "(".', start);
			this.#term += 1;
			this.#step('paren');
			return inner;
		}
		if (this.#peek() === ')') this.#stop('Something is missing before this ). To search for a bracket, quote it: ")".');
		if (this.#seesWord('AND') || this.#seesWord('OR')) {
			this.#stop(
				`A term is missing before ${this.#text.slice(start, start + 3).trim()}. To search for the word, quote it.`,
			);
		}
		this.#terms += 1;
		if (this.#terms > TERM_LIMIT) this.#stop(`More than ${TERM_LIMIT} terms.`);
		return this.#path() ?? this.#field() ?? this.#free();
	}

	#free(): AnyQuery {
		const raw = this.#raw(/[^\s()"]+/y, 'text');
		if (raw.form === 'regex') return { kind: 'text', match: { kind: 'regex', source: raw.text } };
		// A star at the ends of a word that is looked for anywhere says nothing; people write it all the same.
		const text = raw.form === 'plain' ? raw.text.replace(/^\*+|\*+$/g, '') : raw.text;
		if (raw.form === 'plain' && text.includes('*')) {
			const source = text.split(/\*+/).map(literalPattern).join('[\\s\\S]*');
			const problem = regexProblem(source);
			if (problem !== null) this.#stop(`${problem} Each * inside a word counts as one.`, raw.at, raw.text.length);
			return { kind: 'text', match: { kind: 'regex', source } };
		}
		return text === '' ? { kind: 'all' } : { kind: 'text', match: { kind: 'contains', text } };
	}

	/** `args[0].name:`, `args.0.name:` and `kwargs."odd key".id:`; null when this is something else. */
	#path(): AnyQuery | null {
		const start = this.#at;
		const root = this.#take(/(args|kwargs)(?=[.[])/y);
		if (root === null) return null;
		if (this.#language.fields.every((known) => known.type !== 'arguments')) {
			this.#at = start;
			return null;
		}
		const path: string[] = [];
		for (let part = this.#pathPart(); part !== null; part = this.#pathPart()) path.push(part);
		if (path.length === 0 || this.#peek() !== ':') {
			const bracket = this.#at;
			if (this.#peek() === '[' && this.#take(/\[[^\s:]*:/y) !== null) {
				this.#stop('Between [ and ] goes a place, as in args[0], or a quoted key, as in kwargs["a b"].', bracket);
			}
			this.#at = start;
			return null;
		}
		this.#at += 1;
		this.#mark('field', start);
		const op = this.#op();
		const any = this.#values(`${root}.${path.join('.')}`, op).map((raw) => this.#pathTest(raw, op));
		return { kind: 'path', root: root === 'args' ? 'args' : 'kwargs', path, any };
	}

	#pathPart(): string | null {
		const place = this.#take(/\[(?:\d{1,9}|"(?:[^"\\]|\\[\s\S])*")\]/y)?.slice(1, -1);
		if (place !== undefined) return place.startsWith('"') ? unquoted(place) : String(Number(place));
		if (this.#peek() !== '.') return null;
		this.#at += 1;
		return this.#peek() === '"' ? this.#quoted() : this.#take(/[^\s.:()",[\]]+/y);
	}

	#pathTest(raw: Raw, op: CompareOp | null): PathTest {
		if (op !== null && op !== '=') {
			const value = raw.form === 'plain' ? readNumber(raw.text) : null;
			if (value === null)
				this.#stop(`"${raw.text}" is no number, and ${op} compares numbers here.`, raw.at, raw.text.length);
			return { kind: 'compare', op, value };
		}
		if (raw.form === 'regex') return { kind: 'regex', source: raw.text };
		if (raw.form === 'plain' && op === null) {
			if (/^\*+$/.test(raw.text)) return { kind: 'exists' };
			if (raw.text.includes('*')) return { kind: 'glob', text: raw.text };
		}
		return { kind: 'is', text: raw.text, quoted: raw.form === 'quoted' };
	}

	#field(): AnyQuery | null {
		const start = this.#at;
		const name = this.#take(/[A-Za-z_][A-Za-z0-9_-]*(?=:)/y);
		if (name === null) return null;
		const { fields, target } = this.#language;
		const known = fields.find((candidate) => candidate.name === name.toLowerCase());
		if (known === undefined) {
			// An address, as in http://: whatever a field's value may be, no value begins so.
			if (this.#text.startsWith('://', this.#at)) {
				this.#at = start;
				return null;
			}
			const names = fields.map((candidate) => candidate.name);
			const of = target === 'tasks' ? '' : ` of ${TARGET_WORDS[target]}`;
			this.#stop(
				`There is no field "${name}"${of}.${didYouMean(name, names)} To search for the text itself, quote it: "${name}:…".`,
				start,
				name.length,
			);
		}
		this.#at += 1;
		this.#mark('field', start);
		const op = this.#op();
		const raws = this.#values(known.name, op);
		switch (known.type) {
			case 'state':
				return { kind: 'state', any: raws.map((raw) => this.#state(raw, op)) };
			case 'has':
				return { kind: 'has', any: raws.map((raw) => this.#choice(known, raw, op, this.#language.has)) };
			case 'is':
				if (target !== 'tasks') {
					return { kind: 'is', any: raws.map((raw) => this.#choice(known, raw, op, this.#language.is)) };
				}
				return joinQueries(
					'or',
					raws.map((raw) => this.#is(known, raw, op)),
				);
			case 'group':
				return { kind: 'group', any: raws.map((raw) => this.#group(raw, op)) };
			case 'choice':
				return {
					kind: 'field',
					field: known.name,
					any: raws.map((raw) => ({ kind: 'equals', text: this.#choice(known, raw, op, known.choices ?? []) })),
				};
			case 'level':
				return joinQueries(
					'or',
					raws.map((raw) => this.#level(known, raw, op)),
				);
			case 'text':
			case 'arguments':
				return {
					kind: 'field',
					field: known.name,
					any: raws.map((raw) => this.#textMatch(known, raw, op)),
				};
			case 'number':
			case 'duration':
				return joinQueries(
					'or',
					raws.map((raw) => this.#number(known, raw, op)),
				);
			case 'time':
				return joinQueries(
					'or',
					raws.map((raw) => this.#time(known.name, raw, op)),
				);
		}
	}

	#state(raw: Raw, op: CompareOp | null): TaskState {
		if (op !== null && op !== '=') this.#stop(`States have no order, so ${op} says nothing here.`, raw.at - op.length);
		const state = TASK_STATES.find((candidate) => candidate === raw.text.toLowerCase());
		if (state !== undefined && raw.form !== 'regex') return state;
		const meant = didYouMean(raw.text, TASK_STATES);
		return this.#stop(`"${raw.text}" is no state.${meant} States: ${TASK_STATES.join(', ')}.`, raw.at, raw.text.length);
	}

	#is(known: QueryField, raw: Raw, op: CompareOp | null): AnyQuery {
		const word = this.#choice(known, raw, op, [...QUERY_IS, 'open', 'done', ...TASK_STATES] as const);
		if (word === 'open' || word === 'done') return { kind: 'state', any: QUERY_IS_STATES[word] };
		const so = QUERY_IS.find((one) => one === word);
		return so === undefined ? { kind: 'state', any: [word as TaskState] } : { kind: 'is', any: [so] };
	}

	#choice<T extends string>(known: QueryField, raw: Raw, op: CompareOp | null, choices: readonly T[]): T {
		if (op !== null && op !== '=') {
			this.#stop(`"${known.name}" compares nothing, so ${op} says nothing here.`, raw.at - op.length, op.length);
		}
		const found = choices.find((choice) => choice === raw.text.toLowerCase());
		if (found !== undefined && raw.form !== 'regex') return found;
		return this.#stop(
			`"${raw.text}" is nothing that "${known.name}:" knows.${didYouMean(raw.text, choices)} It knows ${choices.join(', ')}.`,
			raw.at,
			raw.text.length,
		);
	}

	#group(raw: Raw, op: CompareOp | null): string {
		if (op !== null && op !== '=') {
			this.#stop(`Groups have no order, so ${op} says nothing here.`, raw.at - op.length, op.length);
		}
		if (raw.form !== 'regex' && /^[0-9a-f]{1,16}$/i.test(raw.text)) return raw.text.toLowerCase();
		return this.#stop(
			`"${raw.text}" is no failure group. Groups are named by up to 16 of the digits 0 to 9 and a to f, as "group list" shows them; what was raised is found by exception:.`,
			raw.at,
			raw.text.length,
		);
	}

	#textMatch(known: QueryField, raw: Raw, op: CompareOp | null): TextMatch {
		if (op !== null && op !== '=') {
			this.#stop(
				`"${known.name}" is text; ${op} compares numbers, durations and times.`,
				raw.at - op.length,
				op.length,
			);
		}
		if (raw.form === 'regex') return { kind: 'regex', source: raw.text };
		if (op === '=') return { kind: 'equals', text: raw.text };
		if (raw.form === 'plain' && raw.text.includes('*')) return { kind: 'glob', text: raw.text };
		return { kind: known.match ?? 'contains', text: raw.text };
	}

	/** Levels are numbers with names. */
	#level(known: QueryField, raw: Raw, op: CompareOp | null): AnyQuery {
		const names = Object.keys(LOG_LEVELS) as LogLevel[];
		const one = (text: string): number => LOG_LEVELS[this.#choice(known, { ...raw, text }, null, names)];
		const range = op === null ? splitRange(raw) : null;
		if (range === null) return { kind: 'number', field: known.name, op: op ?? '=', value: one(raw.text) };
		const [low, high] = range;
		return joinQueries<PlainLeaf>('and', [
			...(low === null ? [] : [{ kind: 'number', field: known.name, op: '>=', value: one(low) } as const]),
			...(high === null ? [] : [{ kind: 'number', field: known.name, op: '<=', value: one(high) } as const]),
		]);
	}

	#number(known: QueryField, raw: Raw, op: CompareOp | null): AnyQuery {
		const { name } = known;
		const one = (text: string): number => {
			const value = known.type === 'duration' ? readDuration(text) : readNumber(text);
			if (typeof value === 'number') return value;
			const problem: DurationProblem | null = value;
			if (problem === 'unit') {
				return this.#stop(
					`"${text}" needs a unit: ${text}ms, ${text}s, ${text}m, ${text}h or ${text}d.`,
					raw.at,
					text.length,
				);
			}
			const right = known.type === 'duration' ? 'a duration such as 500ms, 2s or 1h30m' : 'a number';
			return this.#stop(`"${text}" is not ${right}.`, raw.at, text.length);
		};
		const range = op === null ? splitRange(raw) : null;
		if (range === null) return { kind: 'number', field: name, op: op ?? '=', value: one(raw.text) };
		const [low, high] = range;
		return joinQueries('and', [
			...(low === null ? [] : [{ kind: 'number', field: name, op: '>=', value: one(low) } as const]),
			...(high === null ? [] : [{ kind: 'number', field: name, op: '<=', value: one(high) } as const]),
		]);
	}

	#time(name: string, raw: Raw, op: CompareOp | null): AnyQuery {
		const bounded = name === 'since' || name === 'until' || name === 'after' || name === 'before';
		if (bounded && op !== null) this.#stop(`"${name}" says the direction itself; leave out ${op}.`, raw.at - op.length);
		const one = (text: string) => {
			const moment = readMoment(text, this.#now, bounded);
			if (moment !== null) return moment;
			const span = readDuration(text);
			// What lies ahead is asked by how far.
			if (name === 'next' && typeof span === 'number') {
				const at = Math.floor(this.#now + span);
				return { start: at, end: at + 1 };
			}
			const ago = typeof span === 'number' ? ` For a time span before now use since:${text} or until:${text}.` : '';
			return this.#stop(
				`"${text}" is not a date or time; write 2026-11-20, 2026-11-20T08:30, today, tomorrow or yesterday.${ago}`,
				raw.at,
				text.length,
			);
		};
		const field = bounded ? 'activity' : name;
		const from = (at: number): AnyQuery => ({ kind: 'time', field, op: '>=', at });
		const before = (at: number): AnyQuery => ({ kind: 'time', field, op: '<', at });
		const range = op === null && !bounded ? splitRange(raw) : null;
		if (range !== null) {
			const [low, high] = range;
			return joinQueries('and', [
				...(low === null ? [] : [from(one(low).start)]),
				...(high === null ? [] : [before(one(high).end)]),
			]);
		}
		const { start, end } = one(raw.text);
		// A date is a whole day (a minute is a whole minute): `>` is after its end, `<=` includes it.
		if (name === 'since' || op === '>=') return from(start);
		if (name === 'until' || op === '<=') return before(end);
		if (name === 'after' || op === '>') return from(end);
		if (name === 'before' || op === '<') return before(start);
		return joinQueries('and', [from(start), before(end)]);
	}

	#op(): CompareOp | null {
		const start = this.#at;
		const op = this.#take(/>=|<=|[<>=]/y) as CompareOp | null;
		if (op !== null) this.#mark('op', start);
		return op;
	}

	#values(name: string, op: CompareOp | null): readonly Raw[] {
		const raws: Raw[] = [];
		do {
			if (raws.length > 0) this.#step('comma');
			raws.push(this.#raw(/[^\s(),"]+/y, 'value', `There is nothing after ${name}: to look for.`));
			this.#terms += 1;
			if (this.#terms > TERM_LIMIT) this.#stop(`More than ${TERM_LIMIT} terms.`);
		} while (this.#peek() === ',');
		if (raws.length > 1 && op !== null && op !== '=') {
			this.#stop(`After ${op} only one value makes sense.`, raws[1]?.at ?? this.#at);
		}
		return raws;
	}

	/** A quoted text, a /pattern/, or a plain word as `word` says. */
	#raw(word: RegExp, kind: 'text' | 'value', missing = 'A term is missing here.'): Raw {
		const at = this.#at;
		if (this.#peek() === '"') {
			const text = this.#quoted();
			this.#mark('quoted', at);
			return { text, form: 'quoted', at };
		}
		if (this.#peek() === '/') {
			const text = this.#regex();
			this.#mark('regex', at);
			return { text, form: 'regex', at };
		}
		const text = this.#take(word);
		if (text === null) this.#stop(missing, at);
		this.#mark(kind, at);
		return { text, form: 'plain', at };
	}

	#quoted(): string {
		const start = this.#at;
		const body = this.#take(/"(?:[^"\\]|\\[\s\S])*"/y);
		if (body === null) this.#stop('This " is never closed. Inside quotes, write \\" for a quote.', start);
		return unquoted(body);
	}

	#regex(): string {
		const start = this.#at;
		const quote = 'To search for text with slashes, quote it: "/…".';
		const body = this.#take(/\/(?:[^/\\]|\\.)+\//y);
		if (body === null) this.#stop(`This / begins a pattern that a second / must end. ${quote}`, start);
		const flags = this.#take(/[^\s(),]+/y) ?? '';
		if (flags !== '' && flags !== 'i') {
			this.#stop(
				`A pattern ends with its second /, and "${flags}" follows it. ${quote}`,
				start,
				body.length + flags.length,
			);
		}
		const source = body.slice(1, -1).replace(/\\\//g, '/');
		const problem = regexProblem(source);
		if (problem !== null) this.#stop(problem, start, body.length);
		return source;
	}

	#step(kind: QueryMarkKind, length = 1): void {
		this.#at += length;
		this.#mark(kind, this.#at - length);
	}

	#mark(kind: QueryMarkKind, start: number): void {
		this.marks.push({ kind, start, end: this.#at, term: this.#term });
	}

	#skipSpace(): void {
		this.#take(/\s+/y);
	}

	#peek(): string | undefined {
		return this.#text[this.#at];
	}

	#take(pattern: RegExp): string | null {
		pattern.lastIndex = this.#at;
		const found = pattern.exec(this.#text);
		if (found === null) return null;
		this.#at = pattern.lastIndex;
		return found[0];
	}

	#seesWord(word: 'AND' | 'OR' | 'NOT'): boolean {
		return this.#text.startsWith(word, this.#at) && /[\s()"]|^$/.test(this.#text[this.#at + word.length] ?? '');
	}

	#takeWord(word: 'AND' | 'OR' | 'NOT'): boolean {
		this.#skipSpace();
		const seen = this.#seesWord(word);
		if (!seen) return false;
		if (word !== 'NOT') this.#term += 1;
		this.#step('word', word.length);
		return true;
	}

	#stop(message: string, position = this.#at, length = 1): never {
		const failure = fail('invalid-input', `${message} (At character ${position + 1} of the query.)`, {
			details: { query: this.#text, position, length },
		});
		throw new Stop(failure.error);
	}
}

function readNumber(text: string): number | null {
	const value = /^-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) + 0 : Number.NaN;
	return Number.isFinite(value) ? value : null;
}

/** `a..b`, `a..` or `..b`; an open side is null. */
function splitRange(raw: Raw): readonly [string | null, string | null] | null {
	const found = raw.form === 'regex' ? null : /^(.*?)\.\.(.*)$/s.exec(raw.text);
	const [, low = '', high = ''] = found ?? [];
	if (low === '' && high === '') return null;
	return [low === '' ? null : low, high === '' ? null : high];
}

function unquoted(body: string): string {
	return body.slice(1, -1).replace(/\\(["\\])/g, '$1');
}

/** A pattern for exactly this text. */
function literalPattern(text: string): string {
	return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
