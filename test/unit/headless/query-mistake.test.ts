/** A mistake in a query, as a person sees it below the words. */
import { describe, expect, it } from 'vitest';
import { parseQuery } from '#main/domain/query-parse.ts';
import { fail } from '#main/domain/result.ts';
import { queryMistake } from '#main/headless/cli/query-mistake.ts';

const WIDE = { colour: false, width: Number.MAX_SAFE_INTEGER };

function drawn(query: string, width = WIDE.width): string | null {
	const read = parseQuery(query, 0);
	return read.ok ? null : queryMistake(read.error, { ...WIDE, width });
}

describe('a mistake in a query', () => {
	it.each([
		['stat:failed', '  stat:failed', '  ^^^^'],
		['a state:faild b', '  a state:faild b', '          ^^^^^'],
		// Behind the end, where something is missing.
		['a OR', '  a OR', '      ^'],
		// Characters of two columns, marks of none, and what must not reach a terminal as it is.
		['"日本" stat:x', '  "日本" stat:x', '         ^^^^'],
		['"e\u0301" stat:x', '  "e\u0301" stat:x', '      ^^^^'],
		['"\u001b[2J"\n\tstat:x', '  "␛[2J"  stat:x', '          ^^^^'],
		['state:\u{1f600}', '  state:\u{1f600}', '        ^^'],
	])('in %j is pointed at', (query, text, marks) => {
		expect(drawn(query)).toBe(`${text}\n${marks}`);
	});

	it.each([20, 40, 79])('is still in sight on a terminal of %d columns', (width) => {
		const lines = drawn(`${'before '.repeat(50)}stat:x ${'after '.repeat(50)}`, width)?.split('\n') ?? [];
		const [text = '', marks = ''] = lines;
		expect(lines).toHaveLength(2);
		expect(text.length).toBeLessThanOrEqual(Math.max(22, width));
		expect(text.slice(marks.indexOf('^'), marks.length)).toBe('stat');
		expect(text).toMatch(/^ {2}….*….{0,1}$/);
	});

	it('is not drawn for other failures', () => {
		expect(queryMistake(fail('invalid-input', 'args: no JSON', { details: { position: 3 } }).error, WIDE)).toBeNull();
		expect(queryMistake(fail('not-found', 'No such task.').error, WIDE)).toBeNull();
	});
});
