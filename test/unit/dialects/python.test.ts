import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readArgsTuple, readLiteral, readLiterals } from '#main/dialects/python/read.ts';
import { previewCall, writeLiteral } from '#main/dialects/python/write.ts';
import type { Value } from '#main/domain/value.ts';
import { askPython, comparable, LITERAL_VALUE, RUNS, TEXT } from './values.ts';

function read(text: string): readonly Value[] {
	const result = readLiterals(text);
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

function one(text: string): Value {
	const result = readLiteral(text);
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

function refusal(text: string): { readonly message: string; readonly details: unknown } {
	const result = readLiterals(text);
	if (result.ok) throw new Error(`read: ${JSON.stringify(result.value)}`);
	return { message: result.error.message, details: result.error.details };
}

describe('Python literals', () => {
	it('reads positional arguments as they stand in a call', () => {
		expect(read("True, 1, 'test', {'foo': 'bar'}")).toEqual([
			{ kind: 'bool', value: true },
			{ kind: 'int', text: '1' },
			{ kind: 'str', value: 'test' },
			{
				kind: 'dict',
				entries: [
					[
						{ kind: 'str', value: 'foo' },
						{ kind: 'str', value: 'bar' },
					],
				],
			},
		]);
		expect(read('')).toEqual([]);
		expect(read(' \n ')).toEqual([]);
		expect(read('1,')).toEqual([{ kind: 'int', text: '1' }]);
	});

	it('takes (1, 2) for one argument, a tuple, and reads stored argument tuples apart', () => {
		expect(read('(1, 2)')).toHaveLength(1);
		expect(readArgsTuple('(1, 2)')).toMatchObject({ ok: true, value: [{ text: '1' }, { text: '2' }] });
		expect(readArgsTuple('()')).toEqual({ ok: true, value: [] });
		expect(readArgsTuple("('a, b',)")).toEqual({ ok: true, value: [{ kind: 'str', value: 'a, b' }] });
		expect(readArgsTuple('[1]').ok).toBe(false);
	});

	it('shows foreign objects in stored arguments as they were printed', () => {
		const stored = "(1, datetime.date(2020, 1, 1), <User: it's (me)>, Color.RED, Decimal('1)'))";
		const result = readArgsTuple(stored);
		expect(result.ok && result.value.map((value) => (value.kind === 'opaque' ? value.text : value.kind))).toEqual([
			'int',
			'datetime.date(2020, 1, 1)',
			"<User: it's (me)>",
			'Color.RED',
			"Decimal('1)')",
		]);
		expect(refusal('datetime.date(2020, 1, 1)').message).toContain('is a call');
	});

	it('keeps every digit of a number', () => {
		expect(read('12345678901234567890123, 1_000, 0xff, 0b1_01, 0o17, 1.50, 1e400, 1., .5, 00, -7')).toEqual(
			[
				['int', '12345678901234567890123'],
				['int', '1000'],
				['int', '255'],
				['int', '5'],
				['int', '15'],
				['float', '1.50'],
				['float', '1e400'],
				['float', '1.0'],
				['float', '0.5'],
				['int', '0'],
				['int', '-7'],
			].map(([kind, text]) => ({ kind, text })),
		);
	});

	it('reads nan, inf, sets and frozensets as repr prints them', () => {
		expect(read('nan, inf, -inf, set(), frozenset(), frozenset({1})')).toEqual([
			{ kind: 'float', text: 'NaN' },
			{ kind: 'float', text: 'Infinity' },
			{ kind: 'float', text: '-Infinity' },
			{ kind: 'set', items: [] },
			{ kind: 'frozenset', items: [] },
			{ kind: 'frozenset', items: [{ kind: 'int', text: '1' }] },
		]);
	});

	it('shows complex numbers and the ellipsis without taking them apart', () => {
		expect(read('1+2j, -3j, ...').map((value) => writeLiteral(value))).toEqual(['(1+2j)', '-3j', 'Ellipsis']);
	});

	it('lets the last of equal keys win, in the place of the first, as Python does', () => {
		expect(writeLiteral(one("{1: 'a', 'x': 0, True: 'b', 1.0: 'c'}"))).toBe("{1: 'c', 'x': 0}");
	});

	it.each([
		['urgent', 1, "needs quotes: 'urgent'"],
		['1, true', 4, 'written True'],
		['[1, 2', 6, 'a ] is missing'],
		['x=1', 1, 'keyword argument'],
		['1 2', 3, 'comma is missing'],
		['{[1]: 2}', 2, 'list as a key'],
		['{{}}', 2, 'dict in a set'],
		['007', 1, 'begin with 0'],
		['"abc', 1, 'never ends'],
		["'a\nb'", 3, 'line break'],
		["f'{x}'", 1, 'f-string'],
		["'\\N{DASH}'", 2, 'by name'],
		["b'é'", 3, 'ASCII'],
		["'\\x1'", 2, '2 hexadecimal'],
		['1 + 2', 3, 'Sums'],
		['*x', 1, 'Unpacking'],
		['“a”', 1, 'not a quote'],
		['1,,2', 3, 'comma too many'],
		['<object>', 1, 'not a literal'],
		['__import__("os")', 1, 'is a call'],
	])('refuses %s with its column and what would be right', (text, column, words) => {
		const said = refusal(text);
		expect(said.message).toContain(words);
		expect(said.details).toMatchObject({ line: 1, column, offset: column - 1 });
	});

	it('counts lines and columns from one', () => {
		expect(refusal('[1,\n  2,\r\n  oops]').details).toMatchObject({ line: 3, column: 3 });
	});

	it('refuses nesting and digits without end, and reads long text quickly enough to finish', () => {
		expect(refusal('['.repeat(100_000)).message).toContain('levels deep');
		expect(refusal('{1:'.repeat(100_000)).message).toContain('levels deep');
		expect(refusal('9'.repeat(5_000)).message).toContain('4300 digits');
		expect(refusal(`0x${'f'.repeat(5_000)}`).message).toContain('4300 digits');
		expect(read(`'${'a'.repeat(3_000_000)}', ${'1,'.repeat(200_000)}`)).toHaveLength(200_001);
	});

	it('writes nesting without end as far as is sensible', () => {
		let deep: Value = { kind: 'none' };
		for (let level = 0; level < 50_000; level += 1) deep = { kind: level % 2 === 0 ? 'list' : 'tuple', items: [deep] };
		expect(writeLiteral(deep)).toContain('[(...,)]');
	});

	it('reads what it writes', () => {
		fc.assert(
			fc.property(LITERAL_VALUE, (value) => {
				expect(one(writeLiteral(value))).toEqual(value);
			}),
			{ numRuns: RUNS },
		);
	});

	it('answers any text at all', () => {
		fc.assert(
			fc.property(
				fc.string({ unit: fc.constantFrom(...'[](){},:\'"\\xub019_.jeE+-<>sNnTif \n'), maxLength: 40 }),
				(text) => {
					for (const result of [readLiterals(text), readArgsTuple(text)]) {
						if (!result.ok) expect(result.error.details).toHaveProperty('line');
					}
				},
			),
			{ numRuns: RUNS * 5 },
		);
	});
});

describe('Python literals beside Python itself', () => {
	const escapes = fc.constantFrom(
		'\\n',
		'\\x41',
		'\\u00e9',
		'\\U0001F600',
		'\\101',
		'\\0',
		"\\'",
		'\\"',
		'\\\\',
		'\\q',
		'\\8',
		'\\\n',
		'\\777',
		'\\ud800',
	);
	const inner = fc
		.array(fc.oneof(escapes, fc.constantFrom('a', 'é', ' ', '😀', ',', ']', '{')), { maxLength: 5 })
		.map((parts) => parts.join(''));
	const quotes = fc.constantFrom("'", '"', "'''", '"""');
	const prefix = fc.constantFrom('', '', 'r', 'b', 'u', 'rb', 'Br', 'bR', 'U', 'ur');
	const string = fc.tuple(prefix, quotes, inner).map(([before, quote, text]) => `${before}${quote}${text}${quote}`);
	const number = fc.oneof(
		fc.constantFrom(
			'0',
			'00',
			'0_0',
			'1_000',
			'0xFf',
			'0X_f',
			'0b101',
			'0o17',
			'1.',
			'.5',
			'1e5',
			'1.e-3',
			'1_0.0_1',
			'01.5',
			'1E+10',
			'2j',
			'1.5J',
			'0x',
			'1__0',
			'1_',
			'012',
			'0b2',
			'1e',
			'1.0.0',
			'1_e5',
			'09.5',
			'00e1',
			'1._5',
			'.5_5j',
		),
		fc.bigInt().map(String),
		fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
	);
	const term = fc.letrec<{ any: string }>((tie) => {
		const many = fc.array(tie('any'), { maxLength: 3 });
		return {
			any: fc.oneof(
				{ maxDepth: 4 },
				string,
				fc.tuple(string, fc.constantFrom('', ' ', '\n'), string).map((parts) => parts.join('')),
				number,
				fc.tuple(fc.constantFrom('-', '+', '- '), number).map((parts) => parts.join('')),
				fc.tuple(number, fc.constantFrom('+', ' - '), number).map((parts) => parts.join('')),
				fc.constantFrom('None', 'True', 'False', '...', 'set()', 'foo', 'true'),
				many.map((items) => `[${items.join(', ')}]`),
				many.map((items) => `(${items.join(',')})`),
				many.map((items) => `{${items.join(' , ')}}`),
				fc
					.array(fc.tuple(tie('any'), tie('any')), { maxLength: 3 })
					.map((pairs) => `{${pairs.map((pair) => pair.join(': ')).join(', ')}}`),
			),
		};
	}).any;
	const mutated = fc
		.tuple(term, fc.nat(60), fc.constantFrom('', ',', "'", '"', '(', ')', ']', '1', '_', '.', '-', 'b', '\\', ':', ' '))
		.map(([text, at, mark]) => text.slice(0, at) + mark + text.slice(at + 1))
		// Half an astral character is no source text to Python.
		.filter((text) => text.isWellFormed());

	it('reads and refuses the same texts, with the same values', () => {
		const texts = fc.sample(fc.oneof(term, mutated), { numRuns: RUNS * 10, ...seed() });
		const answers = askPython({ literals: texts }).literals;
		let good = 0;
		for (const [index, text] of texts.entries()) {
			const theirs = answers[index];
			const ours = readLiterals(text);
			if (theirs?.ok !== undefined) {
				good += 1;
				expect(ours.ok ? comparable({ kind: 'list', items: ours.value }) : ours.error.message, text).toEqual(
					comparable(theirs.ok),
				);
			} else {
				expect(ours.ok ? JSON.stringify(ours.value) : 'refused', `${text} (${theirs?.error})`).toBe('refused');
			}
		}
		expect(good).toBeGreaterThan(texts.length / 10);
	});

	it('prints values exactly as repr does', () => {
		const values = fc.sample(LITERAL_VALUE, { numRuns: RUNS * 5, ...seed() });
		const answers = askPython({ values });
		let compared = 0;
		for (const [index, value] of values.entries()) {
			if (!answers.known[index]) continue;
			compared += 1;
			expect(writeLiteral(value)).toBe(answers.reprs[index]?.ok);
		}
		expect(compared).toBeGreaterThan(values.length / 2);
	});
});

describe('the preview of a call', () => {
	const int = (text: string): Value => ({ kind: 'int', text });

	it('shows arguments as they would stand in the call', () => {
		expect(previewCall([int('1'), int('2')], [['x', { kind: 'str', value: 'y' }]])).toBe("1, 2, x='y'");
		expect(previewCall([], [])).toBe('');
		expect(previewCall([], [['odd key', int('1')]])).toBe("'odd key'=1");
	});

	it('never grows beyond its limit, and is the whole text when that fits', () => {
		fc.assert(
			fc.property(
				fc.array(LITERAL_VALUE, { maxLength: 4 }),
				fc.array(fc.tuple(TEXT, LITERAL_VALUE), { maxLength: 3 }),
				fc.integer({ min: 2, max: 80 }),
				(args, kwargs, max) => {
					const whole = previewCall(args, kwargs, 1_000_000);
					const cut = previewCall(args, kwargs, max);
					if (whole.length <= max) expect(cut).toBe(whole);
					else {
						expect(cut.length).toBeLessThanOrEqual(max);
						expect(cut.endsWith('…')).toBe(true);
					}
				},
			),
			{ numRuns: RUNS },
		);
	});

	it('looks no further than it shows', () => {
		const huge: Value = { kind: 'list', items: Array.from({ length: 1_000_000 }, () => ({ kind: 'none' }) as const) };
		expect(previewCall([huge, { kind: 'str', value: 'x'.repeat(10_000_000) }], [])).toHaveLength(200);
	});
});

/** Every run of the suite sees the same sample; long runs see new ones. */
function seed(): { readonly seed?: number } {
	return process.env.WARREN_LONG === undefined ? { seed: 20261121 } : {};
}
