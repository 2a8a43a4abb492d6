import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeJson } from '#main/dialects/json/write.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { readCall, sameValue, saysAll } from '#main/store/json.ts';

const TEXT = fc.oneof(
	fc.string(),
	fc.string({ unit: 'binary' }),
	fc.constantFrom('', '"', '\\', '\n', '\0', 'é', '\u2028', '\ud800', '😀', "'"),
);
const LEAF: fc.Arbitrary<Value> = fc.oneof(
	fc.constant<Value>({ kind: 'none' }),
	fc.boolean().map((value): Value => ({ kind: 'bool', value })),
	fc.bigInt().map((value): Value => ({ kind: 'int', text: String(value) })),
	fc
		.constantFrom('0.0', '-0.0', '1e+16', '5e-324', '1.50', 'NaN', '-Infinity')
		.map((text): Value => ({ kind: 'float', text })),
	TEXT.map((value): Value => ({ kind: 'str', value })),
);
const JSON_VALUE = fc.letrec<{ any: Value }>((tie) => ({
	any: fc.oneof(
		{ maxDepth: 4, withCrossShrink: true },
		LEAF,
		fc.array(tie('any'), { maxLength: 4 }).map((items): Value => ({ kind: 'list', items })),
		fc
			.uniqueArray(fc.tuple(TEXT, tie('any')), { maxLength: 3, selector: ([key]) => key })
			.map((pairs): Value => ({ kind: 'dict', entries: pairs.map(([value, item]) => [{ kind: 'str', value }, item]) })),
	),
})).any;
const CALL: fc.Arbitrary<CallArguments> = fc.record({
	args: fc.array(JSON_VALUE, { maxLength: 3 }),
	kwargs: fc.array(fc.tuple(TEXT, JSON_VALUE), { maxLength: 3 }),
});
const STYLE = fc.constantFrom('readable', 'python', 'compact' as const);

function written(call: CallArguments, style: 'readable' | 'python' | 'compact'): { args: string; kwargs: string } {
	const entries = call.kwargs.map(([key, value]) => [{ kind: 'str', value: key }, value] as const);
	const args = writeJson({ kind: 'list', items: call.args }, style);
	const kwargs = writeJson({ kind: 'dict', entries }, style);
	return { args: args.ok ? args.value : '', kwargs: kwargs.ok ? kwargs.value : '' };
}

/** What `saysAll` is to say: reading the text gives these values. */
function reads(call: CallArguments, args: string, kwargs: string): boolean {
	const read = readCall(args, kwargs);
	if (read === null) return false;
	const dict = ({ kwargs: named }: CallArguments): Value => ({
		kind: 'dict',
		entries: named.map(([key, value]) => [{ kind: 'str', value: key }, value] as const),
	});
	return (
		sameValue({ kind: 'list', items: read.args }, { kind: 'list', items: call.args }) &&
		sameValue(dict(read), dict(call))
	);
}

describe('whether the text of arguments says all', () => {
	it('is what reading it says, however it was written', () => {
		fc.assert(
			fc.property(CALL, STYLE, (call, style) => {
				const { args, kwargs } = written(call, style);
				expect(saysAll(call, args, kwargs)).toBe(reads(call, args, kwargs));
			}),
			{ numRuns: 300 },
		);
	});

	it('is no for the text of other arguments', () => {
		fc.assert(
			fc.property(CALL, CALL, (call, other) => {
				const { args, kwargs } = written(other, 'readable');
				expect(saysAll(call, args, kwargs)).toBe(reads(call, args, kwargs));
			}),
			{ numRuns: 300 },
		);
	});

	it.each([
		[{ kind: 'tuple', items: [] }, '[[]]'],
		[{ kind: 'int', text: '1.0' }, '[1.0]'],
		[{ kind: 'int', text: '1e3' }, '[1e3]'],
		[{ kind: 'opaque', type: 'date', text: '1' }, '[1]'],
		[{ kind: 'bytes', base64: '' }, '[""]'],
	] as const)('is no for what JSON cannot say, as %j', (value, args) => {
		expect(saysAll({ args: [value as Value], kwargs: [] }, args, '{}')).toBe(false);
	});

	it('is no where a name stands twice, and yes for calls as they mostly are', () => {
		const one = { kind: 'int', text: '1' } as const;
		const twice = [
			['a', one],
			['a', one],
		] as const;
		expect(saysAll({ args: [], kwargs: twice }, '[]', '{"a": 1, "a": 1}')).toBe(false);
		const usual: CallArguments = { args: [one, { kind: 'str', value: 'é' }], kwargs: [['x', { kind: 'none' }]] };
		expect(saysAll(usual, '[1, "é"]', '{"x": null}')).toBe(true);
	});
});
