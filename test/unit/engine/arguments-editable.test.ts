import { describe, expect, it } from 'vitest';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { isEditable } from '#main/engine/arguments.ts';

const call = (...args: readonly Value[]): CallArguments => ({ args, kwargs: [['k', { kind: 'list', items: args }]] });

describe('arguments of a waiting message', () => {
	it('can be edited as texts where JSON says all of them', () => {
		expect(isEditable(call())).toBe(true);
		const int: Value = { kind: 'int', text: '12345678901234567890' };
		const dict: Value = {
			kind: 'dict',
			entries: [
				[
					{ kind: 'str', value: 'a' },
					{ kind: 'list', items: [int] },
				],
			],
		};
		expect(isEditable(call(int, dict, { kind: 'float', text: 'NaN' }))).toBe(true);
	});

	it('cannot where a text would make another value of one, however deep it stands', () => {
		const deep = (value: Value): Value => ({ kind: 'dict', entries: [[{ kind: 'str', value: 'a' }, value]] });
		const odd: readonly Value[] = [
			{ kind: 'bytes', base64: 'AA==' },
			{ kind: 'tuple', items: [] },
			{ kind: 'set', items: [] },
			{ kind: 'opaque', type: 'decimal.Decimal', text: '1.0' },
			{ kind: 'dict', entries: [[{ kind: 'int', text: '1' }, { kind: 'none' }]] },
		];
		for (const value of odd) {
			expect(isEditable(call(value)), value.kind).toBe(false);
			expect(isEditable(call(deep(deep(value)))), value.kind).toBe(false);
		}
	});

	it('cannot where the text would be too long to be taken back', () => {
		expect(isEditable(call({ kind: 'str', value: 'x'.repeat(1_000_001) }))).toBe(false);
	});
});
