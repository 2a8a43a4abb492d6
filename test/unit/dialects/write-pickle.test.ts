import { describe, expect, it } from 'vitest';
import { writePickle } from '#main/dialects/python/write-pickle.ts';
import type { Value } from '#main/domain/value.ts';

function written(value: Parameters<typeof writePickle>[0]): string {
	const result = writePickle(value);
	if (!result.ok) throw new Error(result.error.message);
	return Buffer.from(result.value).toString('latin1');
}
const int = (text: string): Value => ({ kind: 'int', text });

describe('a pickle of protocol 4', () => {
	// By Python's `pickle.dumps(n, 4)`, without its frame.
	it.each([
		['0', 'K\x00'],
		['255', 'K\xff'],
		['256', 'J\x00\x01\x00\x00'],
		['-1', 'J\xff\xff\xff\xff'],
		['-2147483648', 'J\x00\x00\x00\x80'],
		['2147483648', '\x8a\x05\x00\x00\x00\x80\x00'],
		['-2147483649', '\x8a\x05\xff\xff\xff\x7f\xff'],
		['9223372036854775807', '\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f'],
		['9223372036854775808', '\x8a\t\x00\x00\x00\x00\x00\x00\x00\x80\x00'],
		['-9223372036854775808', '\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80'],
	])('holds %s with all its digits', (text, code) => {
		expect(written(int(text))).toBe(`\x80\x04${code}.`);
	});

	it('holds integers longer than 255 bytes', () => {
		const pickle = written(int((2n ** 2100n).toString()));
		expect(pickle.slice(0, 7)).toBe('\x80\x04\x8b\x07\x01\x00\x00');
		expect(pickle).toHaveLength(2 + 5 + 263 + 1);
	});

	it('holds texts that are no whole Unicode, as Python does', () => {
		expect(written({ kind: 'str', value: 'x\ud800é' })).toBe('\x80\x04\x8c\x06x\xed\xa0\x80\xc3\xa9.');
		expect(written({ kind: 'str', value: 'y'.repeat(256) })).toBe(`\x80\x04X\x00\x01\x00\x00${'y'.repeat(256)}.`);
	});

	it('holds containers', () => {
		expect(written({ kind: 'tuple', items: [] })).toBe('\x80\x04).');
		expect(written({ kind: 'tuple', items: [int('1'), int('2')] })).toBe('\x80\x04K\x01K\x02\x86.');
		expect(written({ kind: 'tuple', items: ['1', '2', '3', '4'].map(int) })).toBe('\x80\x04(K\x01K\x02K\x03K\x04t.');
		expect(written({ kind: 'list', items: [{ kind: 'none' }] })).toBe('\x80\x04](Ne.');
		expect(written({ kind: 'dict', entries: [[int('1'), { kind: 'bool', value: true }]] })).toBe(
			'\x80\x04}(K\x01\x88u.',
		);
		expect(written({ kind: 'set', items: [int('1')] })).toBe('\x80\x04\x8f(K\x01\x90.');
		expect(written({ kind: 'frozenset', items: [] })).toBe('\x80\x04(\x91.');
	});

	it('says where something is that it cannot hold', () => {
		const inside = { kind: 'list', items: [int('1')] } as const;
		const foreign = { kind: 'opaque', type: 'app.Thing', text: '<Thing>' } as const;
		expect(writePickle({ kind: 'list', items: [foreign] })).toMatchObject({
			error: { code: 'unsupported', details: { path: '[0]' } },
		});
		expect(writePickle({ kind: 'record', fields: [['x', { kind: 'set', items: [inside] }]] })).toMatchObject({
			error: { code: 'invalid-input', details: { path: 'x' } },
		});
		let deep: Value = { kind: 'none' };
		for (let n = 0; n < 5_000; n += 1) deep = { kind: 'list', items: [deep] };
		expect(writePickle(deep)).toMatchObject({ error: { code: 'too-large' } });
	});
});
