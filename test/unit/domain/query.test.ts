import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Query } from '#main/domain/query.ts';
import { QUERY_FIELDS } from '#main/domain/query.ts';
import { formatQuery } from '#main/domain/query-format.ts';
import { parseQuery, QUERY_LENGTH_LIMIT } from '#main/domain/query-parse.ts';

const NOW = Date.UTC(2026, 10, 21, 12, 0, 0);
const RUNS = process.env.WARREN_LONG === undefined ? 300 : 20_000;
/** So many take a minute by themselves, and longer beside others. */
const LONG = { timeout: 600_000 };

function parsed(text: string): Query {
	const result = parseQuery(text, NOW);
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

function refusal(text: string): { message: string; position: unknown } {
	const result = parseQuery(text, NOW);
	if (result.ok) throw new Error(`parsed: ${JSON.stringify(result.value)}`);
	expect(result.error.code).toBe('invalid-input');
	return { message: result.error.message, position: result.error.details?.position };
}

const contains = (text: string): Query => ({ kind: 'text', match: { kind: 'contains', text } });

describe('the query language', () => {
	it('reads nothing, spaces and a lone star as everything', () => {
		for (const text of ['', '   ', '*', '* *']) expect(parsed(text)).toEqual({ kind: 'all' });
	});

	it('joins words side by side with AND, and OR binds weaker', () => {
		expect(parsed('a b OR c AND d')).toEqual({
			kind: 'or',
			parts: [
				{ kind: 'and', parts: [contains('a'), contains('b')] },
				{ kind: 'and', parts: [contains('c'), contains('d')] },
			],
		});
	});

	it('takes lower-case and, or, not as words to look for', () => {
		expect(parsed('this or that')).toEqual({
			kind: 'and',
			parts: [contains('this'), contains('or'), contains('that')],
		});
	});

	it('keeps spaces, brackets and escaped quotes inside quotes', () => {
		expect(parsed('"a (b) \\"c\\" \\\\ OR"')).toEqual(contains('a (b) "c" \\ OR'));
	});

	it('takes an address for text, and a field before two slashes for a field', () => {
		expect(parsed('http://shop:80/a -amqp://x')).toEqual({
			kind: 'and',
			parts: [contains('http://shop:80/a'), { kind: 'not', part: contains('amqp://x') }],
		});
		expect(refusal('htp:/x').message).toContain('There is no field "htp"');
		expect(refusal('queue://x').message).toContain('This / begins a pattern');
	});

	it('negates with a dash and with NOT, also groups, and twice is not at all', () => {
		expect(parsed('-a')).toEqual({ kind: 'not', part: contains('a') });
		expect(parsed('NOT (a OR b)')).toEqual({
			kind: 'not',
			part: { kind: 'or', parts: [contains('a'), contains('b')] },
		});
		expect(parsed('NOT -a')).toEqual(contains('a'));
	});

	it('reads several states', () => {
		expect(parsed('state:failed,lost')).toEqual({ kind: 'state', any: ['failed', 'lost'] });
	});

	it('compares each text field in the way that fits it', () => {
		expect(parsed('name:add')).toEqual({ kind: 'field', field: 'name', any: [{ kind: 'contains', text: 'add' }] });
		expect(parsed('queue:mail')).toEqual({ kind: 'field', field: 'queue', any: [{ kind: 'equals', text: 'mail' }] });
		expect(parsed('id:312a')).toEqual({ kind: 'field', field: 'id', any: [{ kind: 'prefix', text: '312a' }] });
		expect(parsed('name:=tasks.add')).toEqual({
			kind: 'field',
			field: 'name',
			any: [{ kind: 'equals', text: 'tasks.add' }],
		});
		expect(parsed('queue:m*,"a*b"')).toEqual({
			kind: 'field',
			field: 'queue',
			any: [
				{ kind: 'glob', text: 'm*' },
				{ kind: 'equals', text: 'a*b' },
			],
		});
	});

	it('reads numbers, durations and ranges', () => {
		expect(parsed('priority:>3')).toEqual({ kind: 'number', field: 'priority', op: '>', value: 3 });
		expect(parsed('runtime:>2s')).toEqual({ kind: 'number', field: 'runtime', op: '>', value: 2_000 });
		expect(parsed('waited:<=1h30m')).toEqual({ kind: 'number', field: 'waited', op: '<=', value: 5_400_000 });
		expect(parsed('attempts:2..4')).toEqual({
			kind: 'and',
			parts: [
				{ kind: 'number', field: 'attempts', op: '>=', value: 2 },
				{ kind: 'number', field: 'attempts', op: '<=', value: 4 },
			],
		});
	});

	it('reads since and until as durations before now', () => {
		expect(parsed('since:2h')).toEqual({ kind: 'time', field: 'activity', op: '>=', at: NOW - 7_200_000 });
		expect(parsed('until:1d')).toEqual({ kind: 'time', field: 'activity', op: '<', at: NOW - 86_400_000 + 1 });
	});

	it('takes a date as its whole day', () => {
		const start = new Date(2026, 10, 20).getTime();
		const end = new Date(2026, 10, 21).getTime();
		const at = (op: '>=' | '<', value: number): Query => ({ kind: 'time', field: 'finished', op, at: value });
		expect(parsed('finished:<2026-11-20')).toEqual(at('<', start));
		expect(parsed('finished:<=2026-11-20')).toEqual(at('<', end));
		expect(parsed('finished:>2026-11-20')).toEqual(at('>=', end));
		expect(parsed('finished:>=2026-11-20')).toEqual(at('>=', start));
		expect(parsed('finished:2026-11-20')).toEqual({ kind: 'and', parts: [at('>=', start), at('<', end)] });
		expect(parsed('finished:2026-11-19..2026-11-20')).toEqual({
			kind: 'and',
			parts: [at('>=', new Date(2026, 10, 19).getTime()), at('<', end)],
		});
	});

	it('reads times with a zone', () => {
		expect(parsed('published:>=2026-11-20T10:30+02:00')).toEqual({
			kind: 'time',
			field: 'published',
			op: '>=',
			at: Date.UTC(2026, 10, 20, 8, 30),
		});
		expect(parsed('until:2026-11-20T10:30:15.250Z')).toEqual({
			kind: 'time',
			field: 'activity',
			op: '<',
			at: Date.UTC(2026, 10, 20, 10, 30, 15, 251),
		});
	});

	it('reads argument paths with indexes, odd keys, comparisons and presence', () => {
		expect(parsed('kwargs.user.id:42')).toEqual({
			kind: 'path',
			root: 'kwargs',
			path: ['user', 'id'],
			any: [{ kind: 'is', text: '42', quoted: false }],
		});
		expect(parsed('args.0:"42",foo*,*')).toEqual({
			kind: 'path',
			root: 'args',
			path: ['0'],
			any: [{ kind: 'is', text: '42', quoted: true }, { kind: 'glob', text: 'foo*' }, { kind: 'exists' }],
		});
		expect(parsed('kwargs."odd. key".x:>=1.5')).toEqual({
			kind: 'path',
			root: 'kwargs',
			path: ['odd. key', 'x'],
			any: [{ kind: 'compare', op: '>=', value: 1.5 }],
		});
		expect(parsed('args.foo')).toEqual(contains('args.foo'));
	});

	it('reads places of arguments in brackets as in Python, and keys in quotes', () => {
		expect(parsed('args[0].id:42')).toEqual(parsed('args.0.id:42'));
		expect(parsed('kwargs.lines[2]["unit price"]:>5')).toEqual(parsed('kwargs.lines.2."unit price":>5'));
		expect(parsed('args[x]')).toEqual(contains('args[x]'));
	});

	it('reads ranges that are open at one side', () => {
		expect(parsed('priority:3..')).toEqual({ kind: 'number', field: 'priority', op: '>=', value: 3 });
		expect(parsed('runtime:..2s')).toEqual({ kind: 'number', field: 'runtime', op: '<=', value: 2_000 });
		expect(parsed('finished:2026-11-20..')).toEqual(parsed('finished:>=2026-11-20'));
	});

	it('reads before and after as times that are left out themselves', () => {
		const start = new Date(2026, 10, 20).getTime();
		const end = new Date(2026, 10, 21).getTime();
		expect(parsed('before:2026-11-20')).toEqual({ kind: 'time', field: 'activity', op: '<', at: start });
		expect(parsed('after:2026-11-20')).toEqual({ kind: 'time', field: 'activity', op: '>=', at: end });
		expect(parsed('before:2h')).toEqual({ kind: 'time', field: 'activity', op: '<', at: NOW - 7_200_000 });
	});

	it('reads what a task has and how it came about, and states after is: too', () => {
		expect(parsed('has:traceback,log')).toEqual({ kind: 'has', any: ['traceback', 'log'] });
		expect(parsed('-is:requeued')).toEqual({ kind: 'not', part: { kind: 'is', any: ['requeued'] } });
		expect(parsed('is:open')).toEqual({ kind: 'state', any: ['queued', 'running', 'retrying'] });
		expect(parsed('is:Failed')).toEqual(parsed('state:failed'));
	});

	it('reads failure groups by the beginning of their names', () => {
		expect(parsed('group:1F3c,00')).toEqual({ kind: 'group', any: ['1f3c', '00'] });
		expect(parsed('-group:"ab"')).toEqual({ kind: 'not', part: { kind: 'group', any: ['ab'] } });
	});

	it('takes a star inside a word for any run of characters, in any case', () => {
		expect(parsed('*time*out*')).toEqual({ kind: 'text', match: { kind: 'regex', source: 'time[\\s\\S]*out' } });
		expect(parsed('a.b*c')).toEqual({ kind: 'text', match: { kind: 'regex', source: 'a\\.b[\\s\\S]*c' } });
	});

	it('reads patterns, also with slashes inside', () => {
		expect(parsed('/time[ -]?out/')).toEqual({ kind: 'text', match: { kind: 'regex', source: 'time[ -]?out' } });
		expect(parsed('name:/a\\/b/i,c')).toEqual({
			kind: 'field',
			field: 'name',
			any: [
				{ kind: 'regex', source: 'a/b' },
				{ kind: 'contains', text: 'c' },
			],
		});
	});

	it.each([
		['colour:red', 0, 'no field "colour"'],
		['status:failed', 0, 'Did you mean state?'],
		['state:completed', 6, 'Did you mean succeeded?'],
		['a (b', 2, 'never closed'],
		['a )', 2, 'no ( before'],
		['a OR', 4, 'the query ends'],
		['OR a', 0, 'missing before OR'],
		['( )', 0, 'nothing between'],
		['name:', 5, 'nothing after name:'],
		['"open', 0, 'never closed'],
		['name:>3', 5, 'is text'],
		['runtime:>2', 9, 'needs a unit'],
		['priority:high', 9, 'not a number'],
		['finished:<2h', 10, 'since:2h'],
		['finished:2026-02-30', 9, 'not a date'],
		['since:>2h', 6, 'leave out >'],
		['kwargs.a:>x', 10, 'is no number'],
		['/var/log/x', 0, 'quote it'],
		['/[/', 0, 'not a valid pattern'],
		['name:/a(?=b)/', 5, 'look ahead'],
		['args[x]:1', 4, 'goes a place'],
		['kwargs.a["b]:1', 8, 'goes a place'],
		['has:tracebak', 4, 'Did you mean traceback?'],
		['is:>open', 3, 'compares nothing'],
		['is:succeded', 3, 'Did you mean succeeded?'],
		['group:Timeout', 6, 'found by exception:'],
		['group:0123456789abcdef0', 6, 'is no failure group'],
		['group:ab*', 6, 'is no failure group'],
		['group:>ab', 6, 'no order'],
		['qeue:x', 0, 'Did you mean queue?'],
		['runtme:x', 0, 'Did you mean runtime?'],
		['before:>2026', 7, 'leave out >'],
		['runtime:..', 8, 'not a duration'],
		['a*b*c(', 6, 'the query ends'],
		['priority:>1,2', 12, 'only one value'],
	])('refuses %s with its place and what would be right', (text, position, words) => {
		const said = refusal(text);
		expect(said.message).toContain(words);
		expect(said.position).toBe(position);
	});

	it('refuses texts, terms and nesting without end', () => {
		expect(refusal('x'.repeat(QUERY_LENGTH_LIMIT + 1)).message).toContain('longer');
		expect(refusal('('.repeat(1_000)).message).toContain('inside each other');
		expect(refusal('NOT '.repeat(900)).message).toContain('inside each other');
		expect(refusal('a '.repeat(500)).message).toContain('More than 100 terms');
		expect(refusal(`state:${'failed,'.repeat(200)}lost`).message).toContain('More than 100 terms');
	});

	it('has a parsable example for every field', () => {
		for (const field of QUERY_FIELDS) expect(parsed(field.example).kind, field.example).not.toBe('text');
	});
});

describe('writing a query', () => {
	const words = fc.oneof(
		fc.constantFrom('a', 'tasks.add', 'OR', '-x', '*', 'a*b', 'x:y', '/x', '..', 'ü ö', '"', '\\', '=', '<3', '(', ','),
		fc.string({ unit: 'grapheme', minLength: 1, maxLength: 8 }),
	);
	const quoted = words.map((word) => `"${word.replace(/["\\]/g, '\\$&')}"`);
	const value = fc.oneof(quoted, fc.constantFrom('a', 'a*', 'b.c', '42', 'a=b', '/r.x/', '*'));
	const values = fc.array(value, { minLength: 1, maxLength: 3 }).map((all) => all.join(','));
	const term = fc.oneof(
		quoted,
		fc.constantFrom(
			'a',
			'b-c',
			'*',
			'and',
			'/x\\/y/',
			'state:failed,lost',
			'since:2h',
			'until:2026-11-20',
			'has:traceback,log',
			'is:requeued,open,failed',
			'group:1F3c,00',
			'ti*me',
			'before:2h',
			'runtime:2s..',
			'priority:1,2',
		),
		fc.constantFrom(
			'finished:2026',
			'started:>2026-11-20T10',
			'runtime:1.5s..2m',
			'waited:0',
			'attempts:>=1e3',
			'priority:-1',
		),
		fc
			.tuple(fc.constantFrom('name', 'queue', 'id', 'exception', 'args', 'log'), fc.constantFrom('', '='), values)
			.map((t) => `${t[0]}:${t[1]}${t[2]}`),
		fc
			.tuple(fc.constantFrom('args.0', 'kwargs.a."b c"'), fc.constantFrom('', '='), values)
			.map((t) => `${t[0]}:${t[1]}${t[2]}`),
		fc.constantFrom('kwargs.n:>=1.5', 'args.1:<-2', 'args[1].x:2', 'kwargs["a]b"]:1', 'kwargs."a[0]":1'),
	);
	const query = fc.letrec<{ any: string }>((tie) => ({
		any: fc.oneof(
			{ depthSize: 'small' },
			term,
			fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(${a}) ${b}`),
			fc.tuple(tie('any'), tie('any')).map(([a, b]) => `${a} OR ${b}`),
			tie('any').map((a) => `-(${a})`),
		),
	})).any;

	it('gives text that parses to the same query', LONG, () => {
		fc.assert(
			fc.property(query, (text) => {
				const first = parseQuery(text, NOW);
				fc.pre(first.ok);
				if (!first.ok) return;
				const written = formatQuery(first.value);
				fc.pre(written.length <= QUERY_LENGTH_LIMIT);
				expect(parsed(written), written).toEqual(first.value);
			}),
			{ numRuns: RUNS },
		);
	});

	it('is preceded by a parser that answers any text at all', LONG, () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom(...'abORN() "\\:/*-.,<>=args[]02hsi'), maxLength: 60 }), (text) => {
				const result = parseQuery(text, NOW);
				if (result.ok) expect(parsed(formatQuery(result.value))).toEqual(result.value);
				else expect(result.error.details?.position).toBeTypeOf('number');
			}),
			{ numRuns: RUNS * 3 },
		);
	});
});
