/** Links from outside: what they may say, and what is refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LINK_VIEWS, linkOf, parseLink } from '#main/domain/link.ts';

describe('a link', () => {
	it('names a profile, a view, and what is open or filtered there', () => {
		expect(parseLink('warren://shop/failed?filter=app%3Abilling+since%3A2h&sort=-runtimeMs')).toEqual({
			ok: true,
			value: { profile: 'shop', view: 'failed', hash: '#/shop/failed?filter=app%3Abilling+since%3A2h&sort=-runtimeMs' },
		});
		expect(parseLink('WARREN://my%20shop/all/?task=a%2Fb')).toMatchObject({
			ok: true,
			value: { profile: 'my shop', hash: '#/my%20shop/all?task=a%2Fb' },
		});
	});

	it('is what is made of the place that it leads to', () => {
		const name = fc
			.string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
			.filter((text) => !/\p{Cc}|\p{Cs}/u.test(text));
		fc.assert(
			fc.property(name, fc.constantFrom(...LINK_VIEWS), name, name, (profile, view, task, filter) => {
				const hash = `#/${encodeURIComponent(profile)}/${view}?${new URLSearchParams({ task, filter })}`;
				expect(parseLink(linkOf(hash))).toEqual({ ok: true, value: { profile, view, hash } });
			}),
		);
	});

	it('that is not made by Warren is refused with the reason', () => {
		for (const [text, reason] of [
			['javascript:alert(1)', /looks like warren:\/\//],
			['warren:alert(1)', /looks like/],
			['warren://shop/failed#/other/settings', /looks like/],
			['warren://shop/failed/../../etc', /looks like/],
			['warren://shop\\failed', /looks like/],
			['warren:///failed', /names no profile/],
			['warren://%00/failed', /names no profile/],
			['warren://%E0%A4%A/failed', /names no profile/],
			[`warren://${'a'.repeat(300)}/failed`, /names no profile/],
			['warren://shop/requeue', /names no view/],
			['warren://shop/__proto__', /names no view/],
			['warren://shop/failed?requeue=1', /something that links do not/],
			['warren://shop/failed?token=abc', /something that links do not/],
			['warren://shop/failed?task=1&task=2', /something that links do not/],
			['warren://shop/failed?filter=%1b%5B2J', /something that links do not/],
			['warren://shop/failed?filter=%E0%A4%A', /something that links do not/],
			[`warren://shop/failed?filter=${'a'.repeat(20_000)}`, /longer than/],
		] as const) {
			expect({ text, read: parseLink(text) }).toMatchObject({
				read: { ok: false, error: { code: 'invalid-input', message: expect.stringMatching(reason) } },
			});
		}
	});

	it('never throws, and never leads anywhere but into the console', () => {
		fc.assert(
			fc.property(
				fc.oneof(
					fc.string(),
					fc.string().map((text) => `warren://${text}`),
				),
				(text) => {
					const read = parseLink(text);
					if (read.ok) expect(read.value.hash).toMatch(/^#\/[^/]+\/[a-z]+(?:\?|$)/);
				},
			),
			{ numRuns: 2_000 },
		);
	});
});
