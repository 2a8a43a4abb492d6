import { describe, expect, it } from 'vitest';
import { readJson } from '#main/dialects/json/read.ts';
import { readLiterals } from '#main/dialects/python/read.ts';
import { argumentsOfRepr } from '#main/dialects/python/repr-arguments.ts';
import { repairOfRepr } from '#main/dialects/python/repr-repair.ts';

describe('printed arguments that are not certain', () => {
	it('are given as far as they can be read, with where they end', () => {
		const cut = repairOfRepr("(42, ('a', 1.5), 'xxx...', ...)", "{'retry': True, 'note': 'yy...', 'z': 1}");
		expect(cut).toEqual({
			args: "42, ('a', 1.5), <positional argument 3 was cut: 'xxx...'>",
			kwargs: `{"retry": true, "note": <keyword argument "note" was cut: 'note': 'yy...'>}`,
			words:
				'positional argument 3 was cut at character 22 of its print, and keyword argument "note" was cut at character 28 of its print; positional arguments 1 to 2 and keyword argument retry could be read',
		});
	});

	it('are told to be hidden, ambiguous or not told', () => {
		expect(repairOfRepr('***', '{}')).toMatchObject({
			args: '<the positional arguments were hidden by the application: ***>',
			kwargs: '{}',
			words:
				'the positional arguments were hidden by the application at character 1 of its print; nothing before that could be read',
		});
		expect(repairOfRepr("(1, 'it\\'s', 3)", '{}').words).toContain(
			'positional argument 2 holds a backslash, which Celery prints ambiguously at character 5',
		);
		expect(repairOfRepr('(1,)', null)).toMatchObject({
			args: '1',
			kwargs: '{<the keyword arguments were not told: give them all>}',
		});
		expect(repairOfRepr('()', "{'a': {1, 2}}").words).toContain('keyword argument "a" cannot be written as JSON');
	});

	it('never read as arguments before they are mended', () => {
		for (const [args, kwargs] of [
			["('a...',)", '{}'],
			['<secret>', '{}'],
			["('\\\\', 1)", '{}'],
			['(1,)', "{'a': ...}"],
			['(1,)', '<secret>'],
			['([[...]], "b")', "{'a': b'x'}"],
		] as const) {
			const made = repairOfRepr(args, kwargs);
			expect(readLiterals(made.args).ok && readJson(made.kwargs).ok, JSON.stringify(made)).toBe(false);
		}
	});
});

it('printed texts that only look like bytes are read', () => {
	expect(argumentsOfRepr("('plan b', 'a\nb')", "{'b': 'b'}")).toMatchObject({
		ok: true,
		value: { args: [{ value: 'plan b' }, { value: 'a\nb' }], kwargs: [['b', { value: 'b' }]] },
	});
});
