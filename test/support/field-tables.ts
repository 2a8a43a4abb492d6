/** Field tables for properties: any value that every broker can keep (so no NaN and no infinities). */
import fc from 'fast-check';
import type { FieldTable, FieldValue } from '#main/domain/message.ts';

/** Any field table of at most this depth, with the values a broker keeps. */
export function anyTable(depth: number): fc.Arbitrary<FieldTable> {
	const key = fc.string({ maxLength: 20, unit: 'grapheme' }).filter((text) => text.isWellFormed());
	return fc.array(fc.tuple(key, anyValue(depth)), { maxLength: 6 });
}

function anyValue(depth: number): fc.Arbitrary<FieldValue> {
	const number = <T extends FieldValue['type']>(type: T, min: number, max: number) =>
		fc.integer({ min, max }).map((value) => ({ type, value }) as FieldValue);
	const flat: fc.Arbitrary<FieldValue>[] = [
		fc
			.string({ unit: 'grapheme' })
			.filter((t) => t.isWellFormed())
			.map((text) => ({ type: 'longstr', text })),
		fc.uint8Array({ maxLength: 30 }).map((b) => ({ type: 'bytes', base64: Buffer.from(b).toString('base64') })),
		fc.boolean().map((value) => ({ type: 'bool', value })),
		number('int8', -128, 127),
		number('uint8', 0, 255),
		number('int16', -32_768, 32_767),
		number('uint16', 0, 65_535),
		number('int32', -(2 ** 31), 2 ** 31 - 1),
		number('uint32', 0, 2 ** 32 - 1),
		fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => ({ type: 'float', value })),
		fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => ({ type: 'double', value })),
		fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((n) => ({ type: 'int64', text: n.toString() })),
		fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map((n) => ({ type: 'timestamp', text: n.toString() })),
		fc
			.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 2 ** 31 - 1 }))
			.map(([places, digits]) => ({ type: 'decimal', places, digits })),
		fc.constant({ type: 'void' }),
	];
	if (depth === 0) return fc.oneof(...flat);
	return fc.oneof(
		...flat,
		fc.array(anyValue(depth - 1), { maxLength: 4 }).map((items) => ({ type: 'array' as const, items })),
		anyTable(depth - 1).map((fields) => ({ type: 'table' as const, fields })),
	);
}
