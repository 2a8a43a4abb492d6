/** What is typed into the search of one log. */
import { describe, expect, it } from 'vitest';
import { readLogSearch, type SearchedLine } from '#main/domain/log-search.ts';

const line = (text: string, more: Partial<SearchedLine> = {}): SearchedLine => ({
	...{ text, level: 'info', source: 'log', logger: 'shop.mail', seq: 0 },
	...more,
});
const LINES = [
	line('sent to customer 42'),
	line('gave up: timeout', { level: 'error' }),
	line('\u001b[31mTimeout\u001b[0m, retrying', { level: 'warning' }),
	line('Timeout', { source: 'stderr', logger: null }),
	line('level:error is what it said'),
].map((one, seq) => ({ ...one, seq }));

function found(typed: string): readonly number[] | string {
	const search = readLogSearch(typed);
	if (!search.ok) return search.error.message;
	return LINES.filter((one) => search.value?.test(one) ?? true).map(({ seq }) => seq);
}

describe('a search through one log', () => {
	it.each([
		['', [0, 1, 2, 3, 4]],
		['gave up: TIME', [1]],
		['to customer', [0]],
		['/time.?out$/', [1, 3]],
		['level:error', [1]],
		['level:>=warning timeout', [1, 2]],
		['timeout -text:retrying', [1, 3]],
		['logger:shop (level:error OR text:"42")', [0, 1]],
		['source:stderr', [3]],
		['-has:logger', [3]],
		['line:2..3', [1, 2]],
		['text:/^time/', [2, 3]],
		['"level:error is"', [4]],
		['id:42', []],
		['said', [4]],
	] as const)('for %s finds what it says, lines counted from 1', (typed, seqs) => {
		expect(found(typed)).toEqual(seqs);
	});

	it('says where in a query the mistake is', () => {
		const search = readLogSearch('timeout level:loud');
		expect(search.ok ? null : search.error.details).toEqual({ field: 'search', position: 14, length: 4 });
	});

	it.each([
		['level:loud', 'level'],
		['level:error id:42', '"id" is not about lines of one log'],
		['level:error name:shop', '"name" is not about lines of one log'],
		['text:timeout since:2h', 'is not about lines of one log'],
		['text:(', 'search:'],
	])('for %s says what is wrong', (typed, said) => {
		expect(found(typed)).toContain(said);
	});
});
