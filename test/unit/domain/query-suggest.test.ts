import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { appName } from '#main/domain/app-name.ts';
import { type QueryCaret, queryCaret, queryMarks } from '#main/domain/query-marks.ts';
import { parseQuery } from '#main/domain/query-parse.ts';
import { fieldSuggestions, pathSuggestions, pathValues, valueSuggestions } from '#main/domain/query-suggest.ts';
import type { CallArguments } from '#main/domain/value.ts';

/** What stands at the mark | in a text. */
function caret(marked: string): QueryCaret {
	const at = marked.indexOf('|');
	return queryCaret(marked.replace('|', ''), at);
}

describe('what stands at the caret', () => {
	it.each([
		['|', { kind: 'field', typed: '', start: 0, end: 0 }],
		['state:failed |', { kind: 'field', typed: '', start: 13, end: 13 }],
		['sta|', { kind: 'field', typed: 'sta', start: 0, end: 3 }],
		['a -(qu|', { kind: 'field', typed: 'qu', start: 4, end: 6 }],
		['-|', { kind: 'nothing' }],
		['kwargs.us|', { kind: 'field', typed: 'kwargs.us', start: 0, end: 9 }],
		['args[|', { kind: 'field', typed: 'args[', start: 0, end: 5 }],
		['sta|te:failed', { kind: 'field', typed: 'sta', start: 0, end: 6 }],
		['state:|', { kind: 'value', field: 'state', typed: '', start: 6, end: 6, without: '' }],
		['x STATE:fa| y', { kind: 'value', field: 'state', typed: 'fa', start: 8, end: 10, without: 'x  y' }],
		['state:failed,|', { kind: 'value', field: 'state', typed: '', start: 13, end: 13, without: '' }],
		['state:failed,lo|st', { kind: 'value', field: 'state', typed: 'lo', start: 13, end: 17, without: '' }],
		['a -queue:"my qu|', { kind: 'value', field: 'queue', typed: 'my qu', start: 9, end: 15, without: 'a' }],
		['runtime:>|', { kind: 'value', field: 'runtime', op: '>', typed: '', start: 9, end: 9, without: '' }],
		['kwargs.User.id:4|', { kind: 'value', field: 'kwargs.User.id', typed: '4', start: 15, end: 16, without: '' }],
		['name:/a|', { kind: 'nothing' }],
		['"some wo|', { kind: 'nothing' }],
		['nosuch:x|', { kind: 'nothing' }],
	])('is told for %s', (marked, expected) => {
		expect(caret(marked)).toEqual(expected);
	});

	it('and the pieces of a text are answered for any text, in order and without overlap', () => {
		fc.assert(
			fc.property(fc.string({ unit: fc.constantFrom(...'abORN() "\\:/*-.,<>=args[]02hsi'), maxLength: 60 }), (text) => {
				const { marks, problem } = queryMarks(text);
				let end = 0;
				let term = 0;
				for (const mark of marks) {
					expect(mark.start).toBeGreaterThanOrEqual(end);
					expect(mark.end).toBeGreaterThan(mark.start);
					expect(mark.term).toBeGreaterThanOrEqual(term);
					expect(text.slice(end, mark.start).trim()).toBe('');
					({ end, term } = mark);
				}
				expect(text.slice(end).trim()).toBe('');
				const parsed = parseQuery(text, 0);
				expect(problem === null).toBe(parsed.ok);
				if (!parsed.ok) expect(problem).toMatchObject({ position: parsed.error.details?.position });
				for (let at = 0; at <= text.length; at += 1) {
					const here = queryCaret(text, at);
					if (here.kind === 'nothing') continue;
					expect(here.start).toBeLessThanOrEqual(at);
					expect(here.end).toBeGreaterThanOrEqual(at);
				}
			}),
		);
	});
});

describe('suggestions', () => {
	const call: CallArguments = {
		args: [{ kind: 'int', text: '7' }],
		kwargs: [
			[
				'user',
				{
					kind: 'dict',
					entries: [
						[
							{ kind: 'str', value: 'id' },
							{ kind: 'int', text: '42' },
						],
						[
							{ kind: 'str', value: 'full name' },
							{ kind: 'str', value: 'A, B' },
						],
					],
				},
			],
			['items', { kind: 'list', items: [{ kind: 'none' }] }],
		],
	};
	const texts = (items: readonly { readonly text: string }[]) => items.map(({ text }) => text);

	it('of fields begin with what is typed, before those that only contain it', () => {
		expect(texts(fieldSuggestions('a')).slice(0, 4)).toEqual(['app:', 'args:', 'attempts:', 'after:']);
		expect(texts(fieldSuggestions('TIME'))).toEqual(['runtime:']);
		expect(fieldSuggestions('zzz')).toEqual([]);
	});

	it('of paths go down the arguments that there are, quoted where they must be', () => {
		expect(texts(pathSuggestions('kwargs.', [call]))).toEqual(['kwargs.user:', 'kwargs.items:']);
		expect(texts(pathSuggestions('kwargs.user.', [call]))).toEqual(['kwargs.user.id:', 'kwargs.user."full name":']);
		expect(texts(pathSuggestions('args[', [call]))).toEqual(['args[0]:']);
		expect(texts(pathSuggestions('kwargs.items[', [call]))).toEqual(['kwargs.items[0]:']);
		for (const { text } of pathSuggestions('kwargs.user.', [call])) expect(parseQuery(`${text}1`, 0).ok).toBe(true);
	});

	it('of values at a path are counted, the commonest first', () => {
		expect(pathValues('kwargs', ['user', 'id'], [call, call])).toEqual([{ value: '42', count: 2 }]);
		expect(pathValues('kwargs', ['items'], [call])).toEqual([]);
	});

	it('of values are written so that they mean themselves', () => {
		const here = caret('name:|');
		if (here.kind !== 'value') throw new Error('no value');
		const known = ['shop.tasks.add', 'a, b', '>3', 'x*'].map((value) => ({ value, count: 1 }));
		for (const { text } of valueSuggestions(here, known)) {
			const parsed = parseQuery(`name:${text}`, 0);
			expect(parsed).toMatchObject({ ok: true, value: { kind: 'field', any: [{ kind: 'contains' }] } });
		}
	});

	it('of values go on behind a comparison that stands there', () => {
		const behind = (marked: string, ...values: string[]) => {
			const here = caret(marked);
			if (here.kind !== 'value') throw new Error('no value');
			const known = values.map((value) => ({ value, count: 1 }));
			return valueSuggestions(here, known).map(({ text }) => text);
		};
		expect(behind('runtime:>|')).toEqual(['1s', '10s', '1m']);
		expect(behind('runtime:<|')).toEqual(['100ms']);
		expect(behind('finished:>=|')).toEqual(['today', 'yesterday']);
		expect(behind('name:=|', 'a..b', 'add')).toEqual(['"a..b"', 'add']);
	});

	it('of apps add up the names of their tasks', () => {
		const here = caret('app:|');
		if (here.kind !== 'value') throw new Error('no value');
		const known = [
			{ value: 'shop.tasks.add', count: 2 },
			{ value: 'shop.tasks.mail', count: 3 },
			{ value: 'nothing', count: 9 },
			{ value: 'report.run', count: null },
		];
		expect(valueSuggestions(here, known).map(({ text, count }) => [text, count])).toEqual([
			['shop', 5],
			['report', null],
		]);
	});
});

describe('the app of a task', () => {
	it.each([
		['shop.tasks.charge', 'shop'],
		['a.shop.tasks.x.tasks.y', 'shop'],
		['tasks.add', ''],
		['reports.run', 'reports'],
		['a.b.c', ''],
		['single', ''],
	])('%s is %s', (name, app) => expect(appName(name)).toBe(app));
});
