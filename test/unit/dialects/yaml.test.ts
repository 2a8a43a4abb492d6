import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { writeLiteral } from '#main/dialects/python/write.ts';
import { readYaml } from '#main/dialects/yaml/read.ts';

/** Texts that a reader by the book takes for something else than PyYAML does, and some that are hard to quote. */
const WORDS =
	'y n yes No on 1e5 1.5e5 .5 5. 0o7 07 08 0x1f 1_000 1:30 1:30.5 ~ null None << = 2026-01-02 2026-1-2 - .inf -.INF .nan +1 -0 00 0_ 1_ 0b1 0b -.5 TRUE tRUE #x *a &b !c %j @k `l é 190:20:30 1__2.5 \'q "q'.split(
		' ',
	);
const MORE = [
	'2026-01-02 03:04:05',
	'2026-01-02T3:04:05.5Z',
	'',
	' a ',
	'a: b',
	'- d',
	'? e',
	'a #b',
	'two\nlines\n',
	'tab\tx',
	'\u2028',
	'x '.repeat(100),
];

const PYTHON = `
import json, sys, yaml
words = json.load(sys.stdin)
out = [[yaml.safe_dump(word), repr(word)] for word in words]
for word in words:
    try:
        value = yaml.safe_load("- " + word + chr(10))
    except yaml.YAMLError:
        continue
    except ValueError:
        continue
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], (dict, list)) and word != chr(0x2028):
        out.append(["- " + word + chr(10), repr(value)])
print(json.dumps(out))
`;

describe('YAML', () => {
	it('is read as PyYAML reads it, where text looks like something else', () => {
		const input = JSON.stringify([...WORDS, ...MORE]);
		const answers = JSON.parse(
			execFileSync('/usr/bin/python3', ['-c', PYTHON], { input, encoding: 'utf8' }),
		) as readonly (readonly [string, string])[];
		expect(answers.length).toBeGreaterThan(100);
		for (const [text, shown] of answers) {
			const read = readYaml(text);
			expect(read.ok ? writeLiteral(read.value) : read.error.message, JSON.stringify(text)).toBe(shown);
		}
	});

	it('never makes the reader throw', () => {
		const piece = fc.constantFrom(
			'- ',
			'? ',
			': ',
			'\n',
			'  ',
			'[',
			']',
			'{',
			'}',
			'&a ',
			'*a',
			'!!int ',
			'!!binary ',
			'|\n',
			'"',
			"'",
			'#',
			'%',
			'---\n',
			'...\n',
			'x',
			'1',
			', ',
			'<<',
		);
		fc.assert(
			fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
				const read = readYaml(pieces.join(''));
				if (!read.ok) expect(read.error.message).not.toBe('');
			}),
			{ numRuns: 1_500 },
		);
	});
});
