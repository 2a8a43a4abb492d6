/** What is typed into the search of one log. */
import { describe, expect, it } from 'vitest';
import { readLogSearch, type SearchedLine, suggestLogSearch } from '#main/domain/log-search.ts';

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
	line('12:30:05 levl:error from http://shop.example:8080/card, "gave" in'),
].map((one, seq) => ({ ...one, seq }));

function found(typed: string): readonly number[] | string {
	const search = readLogSearch(typed);
	if (!search.ok) return search.error.message;
	return LINES.filter((one) => search.value?.test(one) ?? true).map(({ seq }) => seq);
}

describe('a search through one log', () => {
	it.each([
		['', [0, 1, 2, 3, 4, 5]],
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
		['said', [4]],
		// What can be no field is text as it stands, spaces and all.
		['gave up:', [1]],
		['12:30:05', [5]],
		['05 levl', [5]],
		['http://shop', [5]],
		['from HTTP://shop.example:8080/', [5]],
		['"gave" in', [5]],
		['up: "t', []],
		// In quotation marks anything is text.
		['"levl:error"', [5]],
		['"gave up"', [1]],
		['"\\"gave\\" in"', [5]],
		['"level:error is" -levl', [4]],
		// Beside a field, words and addresses are terms of their own.
		['http://shop line:6', [5]],
		['level:info http://shop.example:8080/card', [5]],
	] as const)('for %s finds what it says, lines counted from 1', (typed, seqs) => {
		expect(found(typed)).toEqual(seqs);
	});

	it.each([
		['timeout level:loud', 14, 4],
		['levl:error', 0, 4],
		['timeout -levl:error', 9, 4],
		['gave up (id:42)', 9, 2],
		['level:error since:2h', 12, 5],
		['from http://shop levl:error', 17, 4],
	])('says where in %s the mistake is', (typed, position, length) => {
		const search = readLogSearch(typed);
		expect(search.ok ? null : search.error.details).toEqual({ field: 'search', query: typed, position, length });
	});

	it.each([
		['"levl:error"', 'levl:error'],
		['"gave up"', 'gave up'],
		['gave up: TIME', 'gave up: TIME'],
		['level:error', null],
	])('marks what %s is as a text', (typed, marked) => {
		const search = readLogSearch(typed);
		expect(search.ok ? search.value?.text : search.error).toBe(marked);
	});

	it.each([
		['level:loud', 'level'],
		[
			'levl:error',
			'There is no field "levl" of a log\'s lines. Did you mean level? To search for the text itself, quote it',
		],
		['level:error id:42', 'There is no field "id" of a log\'s lines.'],
		['name:shop', 'There is no field "name" of a log\'s lines.'],
		['text:timeout since:2h', 'There is no field "since"'],
		['text:(', 'search:'],
	])('for %s says what is wrong', (typed, said) => {
		expect(found(typed)).toContain(said);
	});
});

describe('what may be typed next in a search through one log', () => {
	const offered = (typed: string) => suggestLogSearch(typed, typed.length)?.items.map(({ text }) => text) ?? null;
	it.each([
		['timeout l', ['level:', 'logger:', 'line:']],
		['-le', ['level:']],
		['nam', []],
		['level:err', ['error', '>=error']],
		['level:>=', ['debug', 'info', 'warning', 'error', 'critical']],
		['timeout source:std', ['stdout', 'stderr']],
		['has:', ['logger']],
		['gave up: no', []],
		['"le', []],
		['/le', null],
	])('is for %s what lines of one log know', (typed, items) => {
		expect(offered(typed)).toEqual(items);
	});
});
