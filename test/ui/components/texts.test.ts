import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogLine } from '../../../src-main/domain/task.ts';
import type { Value } from '../../../src-main/domain/value.ts';
import { lineText, markedParts } from '../../../src-renderer/components/log-search.ts';
import { queryParts } from '../../../src-renderer/components/query-tokens.ts';
import { bytesText, previewText, quoted } from '../../../src-renderer/components/value-text.ts';
import { visibleRuns } from '../../../src-renderer/components/visible-text.ts';
import { RUNS } from './runs.ts';

describe('the parts of a query', () => {
	const kinds = (query: string): string[] =>
		queryParts(query)
			.filter((part) => part.kind !== 'space')
			.map((part) => `${part.kind} ${part.text}`);

	it('tell fields from values, words, signs and quotes', () => {
		expect(
			kinds('state:failed,lost -queue:bulk kwargs.user.id:42 runtime:>500ms "card refused" /time.?out/i (a OR b)'),
		).toEqual([
			'field state:',
			'value failed',
			'comma ,',
			'value lost',
			'negation -',
			'field queue:',
			'value bulk',
			'field kwargs.user.id:',
			'value 42',
			'field runtime:',
			'op >',
			'value 500ms',
			'quoted "card refused"',
			'regex /time.?out/i',
			'paren (',
			'text a',
			'word OR',
			'text b',
			'paren )',
		]);
	});
	it('go on behind a mistake', () => {
		expect(kinds('nme:x state:failed ) queue:')).toEqual([
			'text nme:x',
			'field state:',
			'value failed',
			'paren )',
			'field queue:',
		]);
	});
	it('keep a quoted value with its field, even one that nobody has ended yet', () => {
		expect(kinds('name:"a b" id:"open until the end')).toEqual([
			'field name:',
			'quoted "a b"',
			'field id:',
			'quoted "open until the end',
		]);
	});
	it('do not take a path for a pattern, nor a dash for a negation', () => {
		expect(kinds('/srv/shop - ORDER')).toEqual(['text /srv/shop', 'text -', 'text ORDER']);
	});
	it('are the whole text together, whatever it is', () => {
		const piece = fc.oneof(fc.constantFrom(':', '"', '/', '(', ')', '-', ' ', 'AND', '\\', 'a.b:'), fc.string());
		fc.assert(
			fc.property(fc.array(piece), (pieces) => {
				const query = pieces.join('');
				const parts = queryParts(query);
				expect(parts.map((part) => part.text).join('')).toBe(query);
				for (const part of parts) expect(query.startsWith(part.text, part.start)).toBe(true);
			}),
			{ numRuns: RUNS },
		);
	});
});

describe('unseen characters', () => {
	it('get a name, and all together are the text', () => {
		expect(visibleRuns('a\u0000b\u202e')).toEqual([
			{ kind: 'plain', text: 'a' },
			{ kind: 'hidden', text: '\u0000', shown: '\\x00', name: 'NUL' },
			{ kind: 'plain', text: 'b' },
			{ kind: 'hidden', text: '\u202e', shown: 'U+202E', name: 'right-to-left override' },
		]);
		fc.assert(
			fc.property(fc.string({ unit: 'binary' }), fc.boolean(), (text, keepLines) => {
				expect(
					visibleRuns(text, keepLines)
						.map((run) => run.text)
						.join(''),
				).toBe(text);
			}),
			{ numRuns: RUNS },
		);
	});
	it('stay where they belong to the spelling', () => {
		expect(visibleRuns('👩\u200d👧 می\u200cخواهم')).toHaveLength(1);
	});
	it('include halves of characters', () => {
		expect(visibleRuns('a\ud800')[1]).toMatchObject({ kind: 'hidden', shown: 'U+D800' });
	});
});

describe('values in one line', () => {
	const int = (text: string): Value => ({ kind: 'int', text });
	it('are in Python’s notation', () => {
		expect(previewText({ kind: 'tuple', items: [int('1')] })).toBe('(1,)');
		expect(previewText({ kind: 'set', items: [] })).toBe('set()');
		expect(
			previewText({
				kind: 'dict',
				entries: [
					[
						{ kind: 'str', value: 'a' },
						{ kind: 'list', items: [{ kind: 'none' }, { kind: 'bool', value: false }] },
					],
				],
			}),
		).toBe("{'a': [None, False]}");
		expect(quoted("it's")).toBe('"it\'s"');
		expect(quoted('\'"\n')).toBe("'\\'\"\\n'");
		expect(bytesText('AP9hJw==')).toEqual({ text: "b'\\x00\\xffa\\''", size: 4 });
	});
	it('stop early in a huge collection and in a deep one', () => {
		let looked = 0;
		const items = new Proxy(
			Array.from({ length: 100_000 }, () => int('7')),
			{
				get(target, key, receiver) {
					if (typeof key === 'string' && /^\d+$/.test(key)) looked += 1;
					return Reflect.get(target, key, receiver);
				},
			},
		);
		expect(previewText({ kind: 'list', items }, 40).length).toBeLessThan(60);
		expect(looked).toBeLessThan(40);
		let deep: Value = int('1');
		for (let depth = 0; depth < 50_000; depth++) deep = { kind: 'list', items: [deep] };
		expect(previewText(deep)).toContain('…');
	});
});

describe('searching a log', () => {
	const line = (text: string): LogLine => ({ at: 0, level: 'info', source: 'log', logger: null, text });
	it('marks what was typed, as it stands and whatever its case', () => {
		expect(markedParts('A.b a.B axb', 'a.b')).toEqual([
			{ text: 'A.b', found: true },
			{ text: ' ', found: false },
			{ text: 'a.B', found: true },
			{ text: ' axb', found: false },
		]);
		expect(markedParts('x', null)).toEqual([{ text: 'x', found: false }]);
	});
	it('looks at the words, not at their colours', () => {
		expect(lineText(line('\u001b[31mcard\u001b[0m refused'))).toBe('card refused');
	});
	it('cuts a line at its matches and loses nothing', () => {
		const pattern = fc.array(fc.constantFrom('a', 'b', '.', ' '), { maxLength: 30 }).map((parts) => parts.join(''));
		fc.assert(
			fc.property(pattern, fc.constantFrom('a', 'ab', '. '), (text, wanted) => {
				const parts = markedParts(text, wanted);
				expect(parts.map((part) => part.text).join('')).toBe(text);
				for (const part of parts) if (part.found) expect(part.text).toBe(wanted);
			}),
			{ numRuns: RUNS },
		);
	});
});
