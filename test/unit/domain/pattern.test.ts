import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '#main/domain/pattern.ts';

const RUNS = process.env.WARREN_LONG === undefined ? 2_000 : 100_000;

function finds(source: string, text: string): boolean {
	const compiled = compilePattern(source);
	if (!compiled.ok) throw new Error(compiled.problem);
	return compiled.pattern.test(text);
}

describe('a pattern', () => {
	const atom = fc.constantFrom(
		...['a', 'B', 'k', '\u00e4', '.', '\\d', '\\w', '\\W', '\\s', '\\.', '[ab]', '[^a]', '[a-k\\d]', '[\\W_]', '\\b'],
		...[
			'\\B',
			'^',
			'$',
			'()',
			' ',
			'\\n',
			'\\x41',
			'\\u00c4',
			'{',
			'\u212a',
			'\u017f',
			'[\u00c0-\u00ff]',
			'[\\b-]',
			']',
		],
	);
	const pattern = fc.letrec<{ any: string }>((tie) => ({
		any: fc.oneof(
			{ depthSize: 'small' },
			atom,
			fc.tuple(tie('any'), tie('any')).map(([a, b]) => a + b),
			fc.tuple(tie('any'), tie('any')).map(([a, b]) => `(?:${a}|${b})`),
			fc.tuple(tie('any'), fc.constantFrom('*', '+', '?', '*?', '{2}', '{1,}', '{0,2}')).map(([a, n]) => `(${a})${n}`),
		),
	})).any;
	const text = fc.string({ unit: fc.constantFrom(...'aAbBkK1_ .\n\u00e4\u00c4\u212as\u017f{]-'), maxLength: 12 });

	it('finds what JavaScript finds with it, in any case', () => {
		fc.assert(
			fc.property(pattern, text, (source, where) => {
				expect({ source, where, found: finds(source, where) }).toEqual({
					source,
					where,
					found: new RegExp(source, 'i').test(where),
				});
			}),
			{ numRuns: RUNS },
		);
	});

	it('answers any text at all as JavaScript does, or refuses it', () => {
		fc.assert(
			fc.property(
				fc.string({ unit: fc.constantFrom(...'ab()[]{}*+?|\\^$.,-12dwbx:<=!'), maxLength: 12 }),
				text,
				(source, where) => {
					const compiled = compilePattern(source);
					if (compiled.ok) expect(compiled.pattern.test(where), source).toBe(new RegExp(source, 'i').test(where));
					else expect(compiled.problem).not.toBe('');
				},
			),
			{ numRuns: RUNS },
		);
	});

	it('ends soon where going back would take for ever', () => {
		const long = 'a'.repeat(20_000);
		for (const source of ['(a+)+b', '(a|a)*b', '(a*)*(a*)*b', 'a*a*a*a*a*a*b', '(a?){50}a{50}b', '(.*)(.*)(.*)(.*)x']) {
			expect(finds(source, long), source).toBe(false);
		}
	});

	it.each([
		'(?=a)',
		'(?<!a)b',
		'\\1(a)',
		'\\k<a>',
		'(?i)a',
		'\\p{L}',
		'[z-a]',
		'(',
		')',
		'[',
		'a{5,2}',
		'*',
		'a{5000}',
		'((a{200}){200}){200}',
		'\\',
	])('refuses %s and says why', (source) => {
		expect(compilePattern(source)).toMatchObject({ ok: false, problem: expect.stringMatching(/pattern/i) });
	});
});
