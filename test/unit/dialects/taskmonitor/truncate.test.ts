import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJson } from '#main/dialects/json/read.ts';
import { writeJson } from '#main/dialects/json/write.ts';
import { truncateArgs, truncateKwargs, truncateResult } from '#main/dialects/taskmonitor/truncate.ts';
import { appName } from '#main/domain/app-name.ts';
import type { Value } from '#main/domain/value.ts';

const file = readFileSync(join(import.meta.dirname, '../../../fixtures/taskmonitor/vectors.json'), 'utf8');

/** The vectors' own members, with numbers as they are written: 0.0 is a float. */
const vectors = members(value(file));

function value(json: string): Value {
	const read = readJson(json);
	if (!read.ok) throw new Error(read.error.message);
	return read.value;
}

function members(of: Value): Readonly<Record<string, Value>> {
	if (of.kind !== 'dict') throw new Error('Not an object.');
	return Object.fromEntries(of.entries.map(([key, one]) => [key.kind === 'str' ? key.value : '', one]));
}

function items(of: Value | undefined): readonly Value[] {
	if (of?.kind !== 'list') throw new Error('Not a list.');
	return of.items;
}

function cases(name: string): readonly { readonly given: Value; readonly expected: Value }[] {
	return items(vectors[name]).map((one) => {
		const { in: given, out: expected } = members(one);
		if (given === undefined || expected === undefined) throw new Error(`${name} has a case without in or out.`);
		return { given, expected };
	});
}

function json(of: Value): string {
	const written = writeJson(of, 'compact');
	if (!written.ok) throw new Error(written.error.message);
	return written.value;
}

describe('truncation', () => {
	for (const { given, expected } of cases('truncate_args')) {
		it(`makes args ${json(given)} into ${json(expected)}`, () => {
			expect({ kind: 'list', items: truncateArgs(items(given)) }).toEqual(expected);
		});
	}

	for (const { given, expected } of cases('truncate_kwargs')) {
		it(`makes kwargs ${json(given)} into ${json(expected)}`, () => {
			const entries = Object.entries(members(given));
			expect(Object.fromEntries(truncateKwargs(entries))).toEqual(members(expected));
		});
	}

	for (const { given, expected } of cases('truncate_result')) {
		it(`makes the result ${json(given)} into ${json(expected)}`, () => {
			expect(truncateResult(given)).toEqual(expected);
		});
	}

	it('makes tuples and sets into lists', () => {
		const one: Value = { kind: 'int', text: '1' };
		const tuple: Value = { kind: 'tuple', items: [one, { kind: 'set', items: [one] }] };
		expect(truncateResult(tuple)).toEqual({ kind: 'list', items: [one, { kind: 'list', items: [] }] });
		expect(truncateArgs([tuple])).toEqual([{ kind: 'list', items: [] }]);
	});

	it('leaves nothing to do for a second time, and nothing nested', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (plain) => {
				const once = truncateResult(value(JSON.stringify(plain)));
				expect(truncateResult(once)).toEqual(once);
			}),
		);
	});
});

describe('the app of a task', () => {
	const { cases: known } = JSON.parse(file).app_name as {
		readonly cases: readonly { readonly task_name: string; readonly app_name: string }[];
	};
	for (const { task_name, app_name } of known) {
		it(`is "${app_name}" for "${task_name}"`, () => {
			expect(appName(task_name)).toBe(app_name);
		});
	}
});
