import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '#main/dialects/json/read.ts';
import { toPlain, writeJson } from '#main/dialects/json/write.ts';
import type { Value } from '#main/domain/value.ts';
import { askPython, comparable, JSON_VALUE, LITERAL_VALUE, RUNS } from './values.ts';

function read(text: string): Value {
	const result = readJson(text);
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

function write(value: Value, style: 'python' | 'readable' | 'compact' | 'pretty' = 'python'): string {
	const result = writeJson(value, style);
	if (!result.ok) throw new Error(result.error.message);
	return result.value;
}

describe('reading JSON', () => {
	it('keeps every digit, and tells integers from floats by their form', () => {
		expect(read('[12345678901234567890, 1.50, 1e400, 0.1e-7, -0, -0.0, 1E5]')).toEqual({
			kind: 'list',
			items: [
				{ kind: 'int', text: '12345678901234567890' },
				{ kind: 'float', text: '1.50' },
				{ kind: 'float', text: '1e400' },
				{ kind: 'float', text: '0.1e-7' },
				{ kind: 'int', text: '0' },
				{ kind: 'float', text: '-0.0' },
				{ kind: 'float', text: '1E5' },
			],
		});
	});

	it('accepts the bare words that Python writes', () => {
		expect(write(read('[NaN, Infinity, -Infinity, null, true, false]'))).toBe(
			'[NaN, Infinity, -Infinity, null, true, false]',
		);
	});

	it('keeps lone surrogates, and joins escaped pairs', () => {
		expect(read('["\\ud800", "\\ud83d\\ude00"]')).toEqual({
			kind: 'list',
			items: [
				{ kind: 'str', value: '\ud800' },
				{ kind: 'str', value: '😀' },
			],
		});
	});

	it('lets the last of equal keys win in the place of the first, or refuses them where a person types', () => {
		expect(write(read('{"a": 1, "b": 2, "a": 3}'))).toBe('{"a": 3, "b": 2}');
		const many = Array.from({ length: 40 }, (_, index) => `"k${index % 20}": ${index}`).join(', ');
		expect(write(read(`{${many}}`))).toBe(
			`{${Array.from({ length: 20 }, (_, index) => `"k${index}": ${index + 20}`).join(', ')}}`,
		);
		const refused = readJson('{"a": 1,\n "a": 2}', { duplicates: 'refuse' });
		expect(refused.ok ? null : refused.error).toMatchObject({
			message: expect.stringContaining('"a" stands twice'),
			details: { line: 2, column: 2, offset: 10 },
		});
		expect(readJson(`{${many}}`, { duplicates: 'refuse' }).ok).toBe(false);
	});

	it('does not take __proto__ for anything special', () => {
		expect(write(read('{"__proto__": {"x": 1}, "constructor": 2}'))).toBe('{"__proto__": {"x": 1}, "constructor": 2}');
		expect(readJson('constructor').ok).toBe(false);
		expect(readJson('"\\constructor"').ok).toBe(false);
	});

	it.each([
		['{"a": urgent}', 7, 'needs quotes in JSON: "urgent"'],
		['[1, 2,]', 6, 'trailing comma'],
		['{"a": 1,}', 8, 'trailing comma'],
		["{'a': 1}", 2, 'double quotes'],
		['{"a": True}', 7, 'written true'],
		['[None]', 2, 'written null'],
		['{a: 1}', 2, 'key needs quotes'],
		['{1: 2}', 2, 'Keys are strings'],
		['[1 2]', 4, 'comma is missing'],
		['{"a" 1}', 6, 'colon is missing'],
		['{"a": }', 7, 'value is missing'],
		['[1, 2', 6, 'a ] is missing'],
		['[1}', 3, 'does not fit'],
		['[007]', 2, 'begin with 0'],
		['[1.]', 2, 'write 1.0'],
		['[.5]', 2, 'write 0 before it'],
		['[+1]', 2, 'plus sign'],
		['[0x10]', 2, 'decimal'],
		['[1_000]', 2, 'underscores'],
		['(1, 2)', 1, 'tuples'],
		['"abc', 1, 'never ends'],
		['"a\nb"', 3, 'write \\n'],
		['"\\x41"', 2, 'no \\x'],
		['"\\u12"', 2, 'four hexadecimal'],
		['"C:\\dir"', 4, 'write \\\\'],
		['{} {}', 4, 'Several values'],
		['', 1, 'nothing here'],
		['// x\n1', 1, 'comments'],
		['“a”', 1, 'not a quote'],
		['[1; 2]', 3, 'semicolons'],
		['\ufeff{}', 1, 'byte order mark'],
		["b'x'", 1, 'plain "…"'],
	])('refuses %j with its column and what would be right', (text, column, words) => {
		const result = readJson(text);
		expect(result.ok ? null : result.error).toMatchObject({
			code: 'invalid-input',
			message: expect.stringContaining(words),
			details: { line: 1, column, offset: column - 1 },
		});
	});

	it('caps depth and number of values, and is not bothered by either', () => {
		for (const open of ['[', '{"a":', '[{"a":[']) {
			const result = readJson(open.repeat(1_000_000));
			expect(result.ok ? null : result.error).toMatchObject({
				code: 'too-large',
				message: expect.stringContaining('1000 levels'),
			});
		}
		expect(readJson(`${'['.repeat(1_000)}${']'.repeat(1_000)}`).ok).toBe(true);
		expect(readJson('['.repeat(200_000) + ']'.repeat(200_000), { depth: 1_000_000 }).ok).toBe(true);
		const result = readJson('[1,1,1,1]', { values: 4 });
		expect(result.ok ? null : result.error).toMatchObject({ code: 'too-large' });
	});

	it('reads megabytes in one string, in many numbers and in many escapes', () => {
		const long = 'x'.repeat(20_000_000);
		expect(read(`["${long}"]`)).toEqual({ kind: 'list', items: [{ kind: 'str', value: long }] });
		expect(read(`[${'1,'.repeat(500_000)}1]`)).toMatchObject({ kind: 'list' });
		expect(read(`"${'\\n'.repeat(1_000_000)}"`)).toEqual({ kind: 'str', value: '\n'.repeat(1_000_000) });
		expect(read('9'.repeat(1_000_000))).toMatchObject({ kind: 'int' });
		const keys = Array.from({ length: 100_000 }, (_, index) => `"k${index}":0`).join(',');
		expect(read(`{${keys}}`)).toMatchObject({ kind: 'dict' });
	});

	it('answers any text at all', () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom(...'[]{},:"\\u0d8e1-+.ENaIntrf \n\''), maxLength: 40 }), (text) => {
				const result = readJson(text);
				if (!result.ok) expect(result.error.details).toHaveProperty('line');
			}),
			{ numRuns: RUNS * 5 },
		);
	});
});

describe('writing JSON', () => {
	it.each(['python', 'readable', 'compact', 'pretty'] as const)('reads back what it wrote in style %s', (style) => {
		fc.assert(
			fc.property(JSON_VALUE, (value) => {
				expect(read(write(value, style))).toEqual(value);
			}),
			{ numRuns: RUNS },
		);
	});

	it('has a look for each use', () => {
		const value = read('{"a": [1, "\\u00fc\\ud800"], "b": {}, "c": []}');
		expect(write(value, 'python')).toBe('{"a": [1, "\\u00fc\\ud800"], "b": {}, "c": []}');
		expect(write(value, 'readable')).toBe('{"a": [1, "ü\\ud800"], "b": {}, "c": []}');
		expect(write(value, 'compact')).toBe('{"a":[1,"ü\\ud800"],"b":{},"c":[]}');
		expect(write(value, 'pretty')).toBe('{\n  "a": [\n    1,\n    "ü\\ud800"\n  ],\n  "b": {},\n  "c": []\n}');
	});

	it('names the path of what JSON cannot hold', () => {
		const bytes: Value = { kind: 'bytes', base64: 'AA==' };
		const key = (name: string): Value => ({ kind: 'str', value: name });
		const inside = (value: Value): Value => ({
			kind: 'dict',
			entries: [
				[key('user'), { kind: 'list', items: [{ kind: 'none' }, { kind: 'dict', entries: [[key('a b'), value]] }] }],
			],
		});
		const refused = (value: Value) => {
			const result = writeJson(inside(value), 'python', 'kwargs');
			return result.ok ? null : result.error;
		};
		expect(refused(bytes)).toMatchObject({
			code: 'unsupported',
			message: expect.stringContaining('kwargs.user[1]["a b"] holds bytes'),
			details: { path: 'kwargs.user[1]["a b"]' },
		});
		expect(refused({ kind: 'set', items: [] })?.message).toContain('is a set');
		expect(refused({ kind: 'opaque', type: 'complex', text: '1j' })?.message).toContain('1j (complex)');
		expect(refused({ kind: 'dict', entries: [[{ kind: 'int', text: '1' }, { kind: 'none' }]] })?.message).toContain(
			'key of type int',
		);
	});

	it('refuses numbers that are none, and depth without end', () => {
		expect(writeJson({ kind: 'int', text: '1]' }, 'python').ok).toBe(false);
		expect(writeJson({ kind: 'float', text: '1.' }, 'python').ok).toBe(false);
		let deep: Value = { kind: 'none' };
		for (let level = 0; level < 50_000; level += 1) deep = { kind: 'list', items: [deep] };
		expect(writeJson(deep, 'python')).toMatchObject({ ok: false, error: { code: 'too-large' } });
		expect(toPlain(deep)).toContain('…');
	});

	it('gives strict JSON for any value to programs that read Warren', () => {
		expect(
			toPlain({
				kind: 'list',
				items: [
					{ kind: 'float', text: 'NaN' },
					{ kind: 'bytes', base64: 'AA==' },
				],
			}),
		).toBe('["NaN","AA=="]');
		expect(
			toPlain({
				kind: 'dict',
				entries: [
					[
						{ kind: 'int', text: '7' },
						{ kind: 'set', items: [{ kind: 'int', text: '12345678901234567890' }] },
					],
				],
			}),
		).toBe('{"7":[12345678901234567890]}');
		fc.assert(
			fc.property(LITERAL_VALUE, (value) => {
				expect(() => JSON.parse(toPlain(value))).not.toThrow();
			}),
			{ numRuns: RUNS },
		);
	});
});

describe('JSON beside Python itself', () => {
	const seed = process.env.WARREN_LONG === undefined ? { seed: 20261121 } : {};

	it('writes exactly what json.dumps writes', () => {
		const values = fc.sample(JSON_VALUE, { numRuns: RUNS * 5, ...seed });
		const answers = askPython({ values }).dumps;
		for (const [index, value] of values.entries()) expect(write(value)).toBe(answers[index]?.ok);
	});

	it('reads and refuses what json.loads reads and refuses', () => {
		const good = JSON_VALUE.chain((value) =>
			fc.constantFrom('python', 'compact', 'pretty').map((style) => write(value, style as 'python')),
		);
		const mutated = fc
			.tuple(
				good,
				fc.nat(80),
				fc.constantFrom('', ',', '"', '[', '}', '0', '1', '-', '.', 'e', '\\', ':', ' ', 'N', '\t', '\f', '\xa0'),
			)
			.map(([text, at, mark]) => text.slice(0, at) + mark + text.slice(at + 1));
		const documents = fc.sample(fc.oneof(good, mutated), { numRuns: RUNS * 10, ...seed });
		const answers = askPython({ documents }).loads;
		let refused = 0;
		for (const [index, text] of documents.entries()) {
			const ours = readJson(text);
			const theirs = answers[index];
			if (theirs?.ok !== undefined) {
				expect(ours.ok ? comparable(ours.value) : ours.error.message, text).toEqual(comparable(theirs.ok));
			} else {
				refused += 1;
				expect(ours.ok ? JSON.stringify(ours.value) : 'refused', `${text} (${theirs?.error})`).toBe('refused');
			}
		}
		expect(refused).toBeGreaterThan(documents.length / 10);
	});
});
