import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readProperties, writeProperties } from '#main/brokers/properties.ts';

/** The property list of a message that a stock carrot published, as captured on the wire. */
const CARROT =
	'a8a0106170706c69636174696f6e2f6a736f6e000000190474797065530000000f6d796170702e7461736b732e616464032433313261376537312d336636352d343765622d396535662d36363535613435353461303415646a616e676f2d636172726f74206d657373616765';

describe('message properties', () => {
	it('of a stock carrot message are read, and written back byte for byte', () => {
		const bytes = Buffer.from(CARROT, 'hex');
		const properties = readProperties(bytes);
		expect(properties).toEqual({
			contentType: 'application/json',
			headers: [['type', { type: 'longstr', text: 'myapp.tasks.add' }]],
			priority: 3,
			messageId: '312a7e71-3f65-47eb-9e5f-6655a4554a04',
			type: 'django-carrot message',
		});
		expect(writeProperties(properties).toString('hex')).toBe(CARROT);
	});

	it('keep numbers that JSON would lose', () => {
		const properties = {
			headers: [
				['nan', { type: 'double', value: Number.NaN }],
				['inf', { type: 'float', value: Number.POSITIVE_INFINITY }],
				['zero', { type: 'double', value: -0 }],
				['big', { type: 'int64', text: '-9223372036854775808' }],
			],
		} as const;
		expect(readProperties(writeProperties(properties))).toEqual(properties);
	});

	it('keep keys that appear twice, in their order', () => {
		const properties = {
			headers: [
				['k', { type: 'int8', value: 1 }],
				['1', { type: 'void' }],
				['k', { type: 'int8', value: 2 }],
			],
		} as const;
		expect(readProperties(writeProperties(properties))).toEqual(properties);
	});

	it('keep long strings that are not UTF-8', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
				const raw = Buffer.from(bytes);
				const table = Buffer.concat([Buffer.from('\x01kS'), Buffer.from([0, 0, 0, raw.length]), raw]);
				const written = Buffer.concat([Buffer.from([0x20, 0]), Buffer.from([0, 0, 0, table.length]), table]);
				expect(writeProperties(readProperties(written)).equals(written)).toBe(true);
			}),
		);
	});

	it.each([
		['nothing at all', ''],
		['flags without their values', 'a8a0'],
		['a table longer than the frame', '2000ffffffff'],
		['a value of an unknown type', '200000000003016b3f'],
		['a string longer than its table', '200000000007016b5300000fff'],
		['an array that ends in a value', '20000000000a016b410000000249000000'],
	])('throws on %s instead of reading beyond it', (_, hex) => {
		expect(() => readProperties(Buffer.from(hex, 'hex'))).toThrow();
	});

	it('throws on tables nested deeper than anybody means', () => {
		let table = Buffer.alloc(4);
		for (let depth = 0; depth < 200; depth++) {
			const length = Buffer.alloc(4);
			length.writeUInt32BE(table.length + 2);
			table = Buffer.concat([length, Buffer.from('\0F'), table]);
		}
		expect(() => readProperties(Buffer.concat([Buffer.from([0x20, 0]), table]))).toThrow(/deep/);
	});

	it('end in values or in an error on any bytes, never in anything else', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
				try {
					readProperties(Buffer.from(bytes));
				} catch (error) {
					expect(error instanceof RangeError || error instanceof TypeError).toBe(true);
				}
			}),
			{ numRuns: process.env.WARREN_LONG === undefined ? 1000 : 200_000 },
		);
	});

	it.each([
		['a message id over 255 bytes', { messageId: 'ü'.repeat(128) }],
		['a priority over 255', { priority: 256 }],
		['a number its type cannot hold', { headers: [['h', { type: 'int16', value: 40_000 }]] as const }],
		['a 64-bit integer that is none', { headers: [['h', { type: 'int64', text: '99999999999999999999' }]] as const }],
	])('refuses %s', (_, properties) => {
		expect(() => writeProperties(properties)).toThrow();
	});
});
