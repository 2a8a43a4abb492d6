import { describe, expect, it } from 'vitest';
import { cacheLead, formatDjangoCache, readDjangoCache } from '#main/domain/django-cache.ts';

describe("a Django cache's place in a Redis", () => {
	it('is read as it stands in front of keys, also with colons in its prefix', () => {
		for (const [text, keyPrefix, version] of [
			[':1', '', 1],
			['eu:2', 'eu', 2],
			['a:b:10', 'a:b', 10],
		] as const) {
			const read = readDjangoCache(text);
			expect(read).toEqual({ ok: true, value: { keyPrefix, version } });
			if (read.ok) expect([formatDjangoCache(read.value), cacheLead(read.value)]).toEqual([text, `${text}:`]);
		}
	});
	it('is refused in words that say how to write it', () => {
		for (const text of ['1', 'eu', 'eu:', 'eu:x', ':-1', ':1:', `${'x'.repeat(201)}:1`]) {
			expect(readDjangoCache(text)).toMatchObject({
				ok: false,
				error: { code: 'invalid-input', message: expect.stringContaining('KEY_PREFIX:VERSION') },
			});
		}
	});
});
