import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editMembers, itemsOf, membersOf, memberText } from '#main/dialects/json/members.ts';
import { readJson } from '#main/dialects/json/read.ts';
import { RUNS, TEXT } from './values.ts';

describe('members of a JSON object', () => {
	it('are found with their texts, whatever stands inside them', () => {
		const text = ' { "a" : [1, {"b": "}"}] , "c\\"d": "x,\\"y" ,"e":-1.50e3}';
		expect(membersOf(text).map(({ key, start, end }) => [key, text.slice(start, end)])).toEqual([
			['a', '[1, {"b": "}"}]'],
			['c"d', '"x,\\"y"'],
			['e', '-1.50e3'],
		]);
		expect(memberText(text, 'e')).toBe('-1.50e3');
		expect(memberText(text, 'f')).toBeNull();
	});

	it('count the last time where a key stands twice, as in Python', () => {
		expect(memberText('{"a": 1, "a": 2}', 'a')).toBe('2');
		expect(editMembers('{"a": 1, "a": 2}', { a: '3' })).toBe('{"a": 3, "a": 3}');
	});

	it('keep every byte that was not edited', () => {
		const text = '{"id": 9223372036854775809,\n\t"price" : 1.10, "x":"\\u00e9"}';
		expect(editMembers(text, {})).toBe(text);
		expect(editMembers(text, { price: '2.20' })).toBe('{"id": 9223372036854775809,\n\t"price" : 2.20, "x":"\\u00e9"}');
		expect(editMembers(text, { price: null })).toBe('{"id": 9223372036854775809, "x":"\\u00e9"}');
	});

	it('come in the style of their neighbours, and go with their comma', () => {
		expect(editMembers('{}', { a: '1', b: '2' })).toBe('{"a":1,"b":2}');
		expect(editMembers('{"a": 1}', { b: '2' })).toBe('{"a": 1, "b": 2}');
		expect(editMembers('{"a":1,"b":2}', { c: '3' })).toBe('{"a":1,"b":2,"c":3}');
		expect(editMembers('{\n  "a": 1,\n  "b": 2\n}', { c: '3' })).toBe('{\n  "a": 1,\n  "b": 2,\n  "c": 3\n}');
		expect(editMembers('{"a": 1, "b": 2}', { a: null })).toBe('{"b": 2}');
		expect(editMembers('{"a": 1, "b": 2}', { b: null })).toBe('{"a": 1}');
		expect(editMembers('{ "a": 1 }', { a: null })).toBe('{}');
		expect(editMembers('{\n  "a": 1,\n  "b": 2\n}', { b: null })).toBe('{\n  "a": 1\n}');
	});

	it('read back as they were written, for any object and any edit', () => {
		const json = fc.jsonValue().map((value) => JSON.stringify(value));
		const object = fc.tuple(fc.dictionary(TEXT, fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'));
		const changes = fc.dictionary(TEXT, fc.option(json));
		fc.assert(
			fc.property(object, changes, ([value, indent], wanted) => {
				// Keys that this object has are edited too, not only new ones.
				const [own] = Object.keys(value);
				const edits = own === undefined ? wanted : { ...wanted, [own]: null };
				const text = editMembers(JSON.stringify(value, null, indent), edits);
				expect(readJson(text).ok).toBe(true);
				const expected = new Map(Object.entries(value).map(([key, item]) => [key, JSON.stringify(item)]));
				for (const [key, item] of Object.entries(edits)) {
					if (item === null) expected.delete(key);
					else expected.set(key, item);
				}
				const got = new Map(
					membersOf(text).map(({ key, start, end }) => [key, JSON.stringify(JSON.parse(text.slice(start, end)))]),
				);
				expect(got).toEqual(new Map([...expected].map(([key, item]) => [key, JSON.stringify(JSON.parse(item))])));
			}),
			{ numRuns: RUNS },
		);
	});

	it('of lists are items', () => {
		expect(itemsOf(' [ 1.0, "a,]" , {"b": [2]},[]] ')).toEqual(['1.0', '"a,]"', '{"b": [2]}', '[]']);
		expect(itemsOf('[]')).toEqual([]);
		expect(itemsOf('{}')).toEqual([]);
	});

	it('never throw, whatever the text', () => {
		fc.assert(
			fc.property(fc.oneof(TEXT, fc.string({ unit: fc.constantFrom(...'{}[]",:\\ a1\n') })), (text) => {
				expect(Array.isArray(membersOf(text))).toBe(true);
				expect(Array.isArray(itemsOf(text))).toBe(true);
				expect(typeof editMembers(text, { a: '1', b: null })).toBe('string');
			}),
			{ numRuns: RUNS },
		);
	});
});
