import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exactJson, quoteStrangeNumbers } from '#main/domain/task-json.ts';
import { harmless, harmlessColours, pairs, table } from '#main/headless/cli/text.ts';

const plain = { colour: false, width: 60 };
const coloured = { colour: true, width: 60 };

describe('numbers from Python', () => {
	it.each([
		'[9223372036854775807, 1.50, 1e400, -0.0, 123456789012345678901234567890]',
		'{"price": 10.10, "nested": [[1.0]]}',
	])('keep all digits in %s', (text) => {
		expect(JSON.stringify(exactJson(text))).toBe(text.replaceAll(/([,:]) /g, '$1'));
	});

	it('that JSON does not have become texts, outside of strings only', () => {
		expect(exactJson('[NaN, Infinity, -Infinity, "NaN, -Infinity", -1]')).toEqual(expect.anything());
		expect(JSON.stringify(exactJson('[NaN, Infinity, -Infinity, "NaN \\" Infinity", -1]'))).toBe(
			'["NaN","Infinity","-Infinity","NaN \\" Infinity",-1]',
		);
	});

	it('leave every JSON document as it was', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (value) => {
				const text = JSON.stringify(value);
				expect(quoteStrangeNumbers(text)).toBe(text);
				expect(JSON.stringify(exactJson(text))).toBe(text);
			}),
		);
	});

	it('are null when the text was cut', () => {
		expect(exactJson('[1, 2')).toBeNull();
		expect(exactJson(null)).toBeNull();
	});
});

describe('text for a terminal', () => {
	it('cannot drive it, whatever a task wrote', () => {
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), (text) => {
				const shown = harmless(text);
				// biome-ignore lint/suspicious/noControlCharactersInRegex: their absence is what is tested
				expect(shown).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
			}),
		);
		expect(harmless('\u001b]52;c;aGk=\u0007')).toBe('␛]52;c;aGk=␇');
	});

	it('may have colours of its own where colours are on, and they end with it', () => {
		const red = '\u001b[31mred\u001b[0m \u001b]8;;http://x\u0007link';
		expect(harmlessColours(coloured, red)).toBe('\u001b[31mred\u001b[0m ␛]8;;http://x␇link\u001b[0m');
		expect(harmlessColours(plain, red)).toBe('red ␛]8;;http://x␇link');
	});
});

describe('a table', () => {
	const columns = [
		{ title: 'ID', cell: (row: { id: string; text: string }) => row.id },
		{ title: 'TEXT', cell: (row: { id: string; text: string }) => row.text, shrink: true },
	];

	it('fits the terminal by cutting only what may be cut', () => {
		const lines = table(plain, [{ id: 'a'.repeat(36), text: 'long '.repeat(40) }], columns).split('\n');
		expect(lines.every((line) => line.length <= 60)).toBe(true);
		expect(lines[1]).toContain('a'.repeat(36));
		expect(lines[1]?.endsWith('…')).toBe(true);
	});

	it('keeps its columns in line with wide characters, and rows on one line', () => {
		const rows = [
			{ id: '日本', text: 'x' },
			{ id: 'abcd', text: 'two\nlines' },
		];
		const lines = table(plain, rows, columns).split('\n');
		expect(lines).toEqual(['ID    TEXT', '日本  x', 'abcd  two ⏎ lines']);
	});

	it('leaves out of pairs what is not known', () => {
		expect(
			pairs(plain, [
				['a', 'one\ntwo'],
				['long', null],
			]),
		).toBe('a  one\n   two');
	});
});
