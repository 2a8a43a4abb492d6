import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeJson } from '#main/dialects/json/write.ts';
import type { CallArguments, Value } from '#main/domain/value.ts';
import { readCall, sameValue, saysAll } from '#main/store/json.ts';
import { JSON_VALUE, RUNS, TEXT } from '#test/unit/dialects/values.ts';

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
			{ numRuns: RUNS },
		);
	});

	it('is no for the text of other arguments', () => {
		fc.assert(
			fc.property(CALL, CALL, (call, other) => {
				const { args, kwargs } = written(other, 'readable');
				expect(saysAll(call, args, kwargs)).toBe(reads(call, args, kwargs));
			}),
			{ numRuns: RUNS },
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
