/** Values of Django's cache as its backends for Redis write them. The pickles were made by Python 3.11. */
import { deflateSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readCachedText, readCachedTexts } from '#main/dialects/django-q/cached.ts';

const bytes = (base64: string) => Buffer.from(base64, 'base64');
/** pickle.dumps('a:b:c', 4), and with protocol 5 as Django's own backend has it. */
const TEXTS = [bytes('gASVCQAAAAAAAACMBWE6YjpjlC4='), bytes('gAWVCQAAAAAAAACMBWE6YjpjlC4=')];
/** pickle.dumps(['x', 'y', 3]) */
const LIST = bytes('gASVDwAAAAAAAABdlCiMAXiUjAF5lEsDZS4=');
/** pickle.dumps(os.system), which names something that would run. */
const HOSTILE = bytes('gASVFAAAAAAAAACMBXBvc2l4lIwGc3lzdGVtlJOULg==');

describe('a value of the cache', () => {
	it('is read from a pickle, from JSON, and from zlib around either', () => {
		const written = [...TEXTS, Buffer.from('"a:b:c"')];
		for (const value of [...written, ...written.map((one) => deflateSync(one))]) {
			expect(readCachedText(value)).toEqual({ ok: true, value: 'a:b:c' });
		}
		for (const value of [LIST, Buffer.from('["x", "y", 3]'), deflateSync(LIST)]) {
			expect(readCachedTexts(value)).toEqual({ ok: true, value: ['x', 'y'] });
		}
	});
	it('of another kind is refused in words, and nothing in it is run', () => {
		expect(readCachedText(LIST)).toMatchObject({ ok: false, error: { code: 'undecodable' } });
		expect(readCachedTexts(TEXTS[0] as Buffer)).toMatchObject({ ok: false, error: { code: 'undecodable' } });
		expect(readCachedText(HOSTILE)).toMatchObject({ ok: false, error: { code: 'undecodable' } });
		expect(readCachedText(Buffer.from('7'))).toMatchObject({
			ok: false,
			error: { message: expect.stringContaining('serializer') },
		});
		const bomb = deflateSync(Buffer.alloc(64 * 1024 * 1024));
		expect(readCachedText(bomb)).toMatchObject({ ok: false, error: { code: 'too-large' } });
	});
	it('that is anything at all never throws', () => {
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 200 }), fc.constantFrom(0x78, 0x80, 0x22, 0x5b), (rest, first) => {
				for (const value of [rest, Uint8Array.of(first, ...rest)]) {
					expect(typeof readCachedText(value).ok).toBe('boolean');
					expect(typeof readCachedTexts(value).ok).toBe('boolean');
				}
			}),
		);
	});
});
